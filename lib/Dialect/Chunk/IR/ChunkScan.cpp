//===- ChunkScan.cpp - chunk.scan: syntax and verifier --------------------===//
// The constraints C1.. are those of dialects/Chunk/Chunk.td.
//===----------------------------------------------------------------------===//
#include "AccessList.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace deltanet::chunk;

//===----------------------------------------------------------------------===//
// Syntax
//===----------------------------------------------------------------------===//

ParseResult ScanOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &b = parser.getBuilder();
  int64_t chunkSize;
  if (parser.parseInteger(chunkSize))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("reverse")))
    result.getOrAddProperties<Properties>().reverse = b.getUnitAttr();

  SMLoc loc = parser.getCurrentLocation();
  OptionalList sequences, indices;
  if (sequences.parse(parser, "sequences") || indices.parse(parser, "indices"))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("segments"))) {
    int64_t segments;
    if (parser.parseLParen() || parser.parseInteger(segments) ||
        parser.parseRParen())
      return failure();
    result.getOrAddProperties<Properties>().segments =
        b.getI64IntegerAttr(segments);
  }
  AccessList carries, inputs, outputs, finals;
  if (carries.parse(parser, "carry", true) ||
      inputs.parse(parser, "in", true) || outputs.parse(parser, "out", false) ||
      finals.parse(parser, "final", false) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  if (sequences.resolve(parser, result.operands))
    return failure();
  if (parser.resolveOperands(carries.operands, carries.types, loc,
                             result.operands) ||
      parser.resolveOperands(inputs.operands, inputs.types, loc,
                             result.operands) ||
      indices.resolve(parser, result.operands))
    return failure();
  result.addTypes(outputs.types);
  result.addTypes(finals.types);

  auto &props = result.getOrAddProperties<Properties>();
  props.chunk_size = b.getI64IntegerAttr(chunkSize);
  props.init_accesses = b.getArrayAttr(carries.accesses);
  props.input_accesses = b.getArrayAttr(inputs.accesses);
  props.output_accesses = b.getArrayAttr(outputs.accesses);
  props.final_accesses = b.getArrayAttr(finals.accesses);
  llvm::copy(ArrayRef<int32_t>(
                 {sequences.present, static_cast<int32_t>(carries.types.size()),
                  static_cast<int32_t>(inputs.types.size()), indices.present}),
             props.operandSegmentSizes.begin());

  Region *body = result.addRegion();
  if (parser.parseRegion(*body))
    return failure();
  ensureTerminator(*body, b, result.location);
  return success();
}

void ScanOp::print(OpAsmPrinter &p) {
  p << " " << getChunkSize();
  if (getReverse())
    p << " reverse";
  if (Value sequences = getSequences())
    p << " sequences(" << sequences << " : " << sequences.getType() << ")";
  if (Value indices = getIndices())
    p << " indices(" << indices << " : " << indices.getType() << ")";
  if (getSegments())
    p << " segments(" << *getSegments() << ")";
  printAccessList(p, "carry", getInits(), getInits().getTypes(),
                  getInitAccesses());
  printAccessList(p, "in", getInputs(), getInputs().getTypes(),
                  getInputAccesses());
  printAccessList(p, "out", {}, getOutputs().getTypes(), getOutputAccesses());
  printAccessList(p, "final", {}, getFinals().getTypes(), getFinalAccesses());
  p.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(),
      {"chunk_size", "reverse", "init_accesses", "input_accesses",
       "output_accesses", "final_accesses", "segments", "operandSegmentSizes"});
  p << " ";
  p.printRegion(getBody());
}

//===----------------------------------------------------------------------===//
// Verifier
//===----------------------------------------------------------------------===//

/// Checks one tile against the access that cuts it; `rows` may be a multiple.
static LogicalResult verifyTile(ScanOp op, const Twine &what, AccessAttr access,
                                RankedTensorType type, Type tile, bool widen) {
  auto tileType = dyn_cast<RankedTensorType>(tile);
  if (!tileType)
    return op.emitOpError("expects ") << what << " to be a tile, got " << tile;
  int64_t chunk = op.getChunkSize(), steps = 1;
  bool tokens = access.has(AccessAttr::Token);
  if (tokens && tileType.getRank() > 0 && tileType.getDimSize(0) % chunk == 0)
    steps = std::max<int64_t>(1, tileType.getDimSize(0) / chunk);
  RankedTensorType want = getTileType(access, type, chunk, steps);
  if (!want || llvm::is_contained(want.getShape(), 0))
    return op.emitOpError("expects static extents of 1 or more in the tile of ")
           << what << ", got " << type;
  bool sameElement =
      want.getElementType() == tileType.getElementType() ||
      (widen && isa<FloatType>(tileType.getElementType()) &&
       tileType.getElementTypeBitWidth() > want.getElementTypeBitWidth());
  if (want.getShape() != tileType.getShape() || !sameElement)
    return op.emitOpError("expects ")
           << what << " to be " << want << " by its access, got " << tile;
  return success();
}

static LogicalResult verifyAccesses(ScanOp op, StringRef what,
                                    ArrayAttr accesses, TypeRange types) {
  // C1
  if (accesses.size() != types.size())
    return op.emitOpError("expects one access for each ")
           << what << ", got " << accesses.size() << " for " << types.size();
  for (auto [i, access, type] : llvm::enumerate(accesses, types)) {
    int64_t rank = cast<RankedTensorType>(type).getRank();
    if (cast<AccessAttr>(access).getRank() != rank)
      return op.emitOpError("expects an access of rank ")
             << rank << " for " << what << " " << i << ", got "
             << cast<AccessAttr>(access).getRank();
  }
  return success();
}

/// C10, but for the number of indices.
static LogicalResult verifyPool(ScanOp op) {
  if (Value indices = op.getIndices()) {
    auto type = cast<RankedTensorType>(indices.getType());
    if (type.getRank() != 1 || !type.getElementType().isInteger())
      return op.emitOpError("expects indices to be a list of integers, got ")
             << type;
  }
  auto reject = [&](Attribute access, const Twine &where) {
    return op.emitOpError("expects a pool (p) ")
           << where << ", got " << cast<AccessAttr>(access).getText();
  };
  auto hasPool = [](Attribute access) {
    return cast<AccessAttr>(access).has(AccessAttr::Pool);
  };
  for (ArrayAttr accesses : {op.getInputAccesses(), op.getOutputAccesses()})
    for (Attribute access : accesses)
      if (hasPool(access))
        return reject(access, "of carries alone");
  for (int64_t i = 0, e = op.getNumCarries(); i != e; ++i) {
    AccessAttr init = op.getInitAccess(i), final = op.getFinalAccess(i);
    if (!hasPool(init) && !hasPool(final))
      continue;
    if (!op.getIndices())
      return reject(hasPool(init) ? init : final, "only with indices");
    if (hasPool(init) != hasPool(final))
      return reject(init, "for both a carry and its final");
    if (op.getInits()[i].getType() != op.getFinals()[i].getType())
      return op.emitOpError("expects a pool of one type before and after, got ")
             << op.getInits()[i].getType() << " and "
             << op.getFinals()[i].getType();
  }
  return success();
}

/// C11, but for the extents.
static LogicalResult verifySegments(ScanOp op) {
  bool segments = bool(op.getSegments());
  if (segments && op.getNumSegments() < 2)
    return op.emitOpError("expects at least 2 segments, got ")
           << op.getNumSegments();
  auto hasSegment = [](Attribute access) {
    return cast<AccessAttr>(access).has(AccessAttr::Segment);
  };
  auto reject = [&](const Twine &what, Attribute access) {
    return op.emitOpError("expects ")
           << what << ", got " << cast<AccessAttr>(access).getText();
  };
  for (Attribute access : op.getInputAccesses())
    if (hasSegment(access))
      return reject("segments (s) of carries, finals and outputs alone",
                    access);
  for (Attribute access : op.getInitAccesses())
    if (hasSegment(access) && !segments)
      return reject("carries walked by segments (s) only where there are any",
                    access);
  for (Attribute access : op.getFinalAccesses())
    if (hasSegment(access) != segments)
      return reject(segments ? "finals walked by segments (s)"
                             : "finals walked by segments (s) only where "
                               "there are any",
                    access);
  return success();
}

bool ScanOp::hasTokens() {
  return llvm::any_of(getInputAccesses(), [](Attribute access) {
    return cast<AccessAttr>(access).has(AccessAttr::Token);
  });
}

int64_t ScanOp::getNumChunks() {
  for (auto [input, access] : llvm::zip(getInputs(), getInputAccesses()))
    if (int64_t dim = cast<AccessAttr>(access).findLoop(AccessAttr::Chunk);
        dim >= 0)
      return cast<RankedTensorType>(input.getType()).getDimSize(dim);
  return ShapedType::kDynamic;
}

LogicalResult ScanOp::verify() {
  // C7
  if (static_cast<int64_t>(getChunkSize()) < 1)
    return emitOpError("expects chunks of at least 1 token, got ")
           << static_cast<int64_t>(getChunkSize());
  if (getNumResults() != getOutputAccesses().size() + getFinalAccesses().size())
    return emitOpError("expects one result for each output and final, got ")
           << getNumResults() << " for "
           << getOutputAccesses().size() + getFinalAccesses().size();
  if (getFinalAccesses().size() != getInits().size())
    return emitOpError("expects one final for each carry, got ")
           << getFinalAccesses().size() << " for " << getInits().size();
  if (failed(verifyAccesses(*this, "carry", getInitAccesses(),
                            getInits().getTypes())) ||
      failed(verifyAccesses(*this, "input", getInputAccesses(),
                            getInputs().getTypes())) ||
      failed(verifyAccesses(*this, "output", getOutputAccesses(),
                            getOutputs().getTypes())) ||
      failed(verifyAccesses(*this, "final", getFinalAccesses(),
                            getFinals().getTypes())))
    return failure();
  // C9
  if (Value sequences = getSequences()) {
    auto type = cast<RankedTensorType>(sequences.getType());
    if (type.getRank() != 1 || !type.getElementType().isInteger())
      return emitOpError("expects sequences to be a list of offsets, got ")
             << type;
    if (!type.isDynamicDim(0) && type.getDimSize(0) < 2)
      return emitOpError("expects at least 2 offsets of sequences, got ")
             << type.getDimSize(0);
  }
  // C5
  auto hasLoop = [&](ArrayAttr accesses, AccessAttr::Loop loop) {
    return llvm::any_of(
        accesses, [&](Attribute a) { return cast<AccessAttr>(a).has(loop); });
  };
  bool heads = hasLoop(getInputAccesses(), AccessAttr::Head) ||
               hasLoop(getInitAccesses(), AccessAttr::Head);
  if (!hasTokens() && (static_cast<int64_t>(getChunkSize()) != 1 ||
                       getSequences() || ShapedType::isDynamic(getNumChunks())))
    return emitOpError("expects an input that is walked by tokens (t), or with "
                       "chunks of one token and without sequences one that is "
                       "walked by chunks (c) of a known number");
  if (!getSequences() && !hasLoop(getInputAccesses(), AccessAttr::Batch) &&
      !hasLoop(getInputAccesses(), AccessAttr::Sequence) &&
      !hasLoop(getInitAccesses(), AccessAttr::Sequence))
    return emitOpError("expects sequences, or an input that is walked by the "
                       "batch (b), or an input or a carry by sequences (n)");
  // C6
  for (Attribute a : getOutputAccesses()) {
    auto access = cast<AccessAttr>(a);
    bool batch = access.has(AccessAttr::Batch),
         sequence = access.has(AccessAttr::Sequence),
         runs = access.has(AccessAttr::Segment);
    // Packed sequences are one batch of tokens and chunks, but each has runs.
    if (batch == sequence || (getSequences() && sequence != runs) ||
        access.has(AccessAttr::Head) != heads ||
        access.has(AccessAttr::Token) + access.has(AccessAttr::Chunk) + runs !=
            1 ||
        access.has(AccessAttr::Group))
      return emitOpError("expects outputs walked by ")
             << (!getSequences() ? "b or n"
                 : runs          ? "n"
                                 : "b")
             << (heads ? ", h" : "") << " and one of t, c, s, got "
             << access.getText();
  }
  for (Attribute a : getFinalAccesses()) {
    auto access = cast<AccessAttr>(a);
    if (access.has(AccessAttr::Sequence) == access.has(AccessAttr::Pool) ||
        access.has(AccessAttr::Head) != heads ||
        access.has(AccessAttr::Token) ||
        access.getRank() !=
            access.getTileRank() + 1 + heads + access.has(AccessAttr::Segment))
      return emitOpError("expects finals walked by n")
             << (heads ? " and h" : "") << " alone, got " << access.getText();
  }
  if (failed(verifySegments(*this)))
    return failure();
  return verifyPool(*this);
}

namespace {
/// Compares the extents of each loop over all tensors that it walks.
class LoopExtents {
public:
  explicit LoopExtents(ScanOp op) : op(op) {}

  /// Adds a tensor whose tile has the type `tile`.
  LogicalResult add(StringRef kind, int64_t index, AccessAttr access, Type type,
                    Type tile);
  /// Adds indices of a pool, one for each sequence.
  LogicalResult addIndices(int64_t count) {
    return record(AccessAttr::Sequence, count, "indices");
  }
  /// Groups divide heads.
  LogicalResult verifyGroups();

private:
  struct Known {
    int64_t extent = ShapedType::kDynamic;
    std::string where;
  };
  LogicalResult record(int64_t loop, int64_t extent, const std::string &where);

  ScanOp op;
  Known known[8];
};
} // namespace

LogicalResult LoopExtents::record(int64_t loop, int64_t extent,
                                  const std::string &where) {
  if (loop == AccessAttr::Segment && extent != op.getNumSegments()) // C11
    return op.emitOpError("expects ")
           << op.getNumSegments() << " segments, got "
           << (ShapedType::isDynamic(extent) ? "?" : std::to_string(extent))
           << " of " << where;
  if (ShapedType::isDynamic(extent))
    return success();
  if (Value sequences = op.getSequences()) {
    int64_t entries = cast<RankedTensorType>(sequences.getType()).getDimSize(0);
    // C9
    if (loop == AccessAttr::Batch && extent != 1)
      return op.emitOpError("expects a batch of 1 with sequences, got ")
             << extent << " of " << where;
    if (loop == AccessAttr::Sequence && !ShapedType::isDynamic(entries) &&
        extent != entries - 1)
      return op.emitOpError("expects ")
             << entries - 1 << " sequences (" << entries << " offsets), got "
             << extent << " of " << where;
  } else if (loop == AccessAttr::Sequence) {
    loop = AccessAttr::Batch;
  }
  Known &first = known[-loop - 1];
  if (ShapedType::isDynamic(first.extent))
    first = {extent, where};
  else if (first.extent != extent) // C8
    return op.emitOpError("expects one extent of the loop '")
           << AccessAttr::getLetter(loop) << "', got " << first.extent << " of "
           << first.where << " and " << extent << " of " << where;
  return success();
}

LogicalResult LoopExtents::add(StringRef kind, int64_t index, AccessAttr access,
                               Type type, Type tile) {
  std::string where = (kind + " " + Twine(index)).str();
  ArrayRef<int64_t> shape = cast<RankedTensorType>(type).getShape();
  for (auto [entry, extent] : llvm::zip(access.getEntries(), shape)) {
    // C11: an output has runs of its own.
    if (entry == AccessAttr::Segment && kind == "output") {
      if (ShapedType::isDynamic(extent) || extent < 1)
        return op.emitOpError("expects a known number of runs (s), 1 or more, "
                              "got ")
               << (ShapedType::isDynamic(extent) ? "?" : std::to_string(extent))
               << " of " << where;
      continue;
    }
    int64_t tokens = extent;
    if (entry == AccessAttr::Token && !ShapedType::isDynamic(extent)) {
      int64_t rows = cast<RankedTensorType>(tile).getDimSize(0) /
                     static_cast<int64_t>(op.getChunkSize());
      if (extent % rows != 0)
        return op.emitOpError("expects rows of ")
               << where << " to be a multiple of its " << rows
               << " rows a token, got " << extent;
      tokens = extent / rows;
    }
    if (entry < 0 && failed(record(entry, tokens, where)))
      return failure();
  }
  return success();
}

LogicalResult LoopExtents::verifyGroups() {
  const Known &heads = known[-AccessAttr::Head - 1];
  const Known &groups = known[-AccessAttr::Group - 1];
  if (ShapedType::isDynamic(heads.extent) ||
      ShapedType::isDynamic(groups.extent))
    return success();
  if (groups.extent >= 1 && heads.extent % groups.extent == 0)
    return success();
  return op.emitOpError("expects groups to divide heads, got ")
         << groups.extent << " of " << groups.where << " and " << heads.extent
         << " of " << heads.where;
}

/// C8 and C9, where the tiles are known to be right.
static LogicalResult verifyLoops(ScanOp op, YieldOp yield) {
  LoopExtents extents(op);
  for (auto [i, arg] : llvm::enumerate(op.getInputArguments()))
    if (failed(extents.add("input", i, op.getInputAccess(i),
                           op.getInputs()[i].getType(), arg.getType())))
      return failure();
  for (auto [i, arg] : llvm::enumerate(op.getCarryArguments()))
    if (failed(extents.add("carry", i, op.getInitAccess(i),
                           op.getInits()[i].getType(), arg.getType())) ||
        failed(extents.add("final", i, op.getFinalAccess(i),
                           op.getFinals()[i].getType(), arg.getType())))
      return failure();
  for (auto [i, value] : llvm::enumerate(yield.getOutputs()))
    if (failed(extents.add("output", i, op.getOutputAccess(i),
                           op.getOutputs()[i].getType(), value.getType())))
      return failure();
  // C10
  if (Value indices = op.getIndices())
    if (failed(extents.addIndices(
            cast<RankedTensorType>(indices.getType()).getDimSize(0))))
      return failure();
  return extents.verifyGroups();
}

LogicalResult ScanOp::verifyRegions() {
  Block &block = getBody().front();
  // C3
  size_t want = getInits().size() + 1 + getInputs().size();
  if (block.getNumArguments() != want)
    return emitOpError("expects ")
           << want << " body arguments (carries, the count, inputs), got "
           << block.getNumArguments();
  if (!getCountArgument().getType().isIndex())
    return emitOpError("expects the count of tokens to be an index, got ")
           << getCountArgument().getType();
  for (auto [i, arg] : llvm::enumerate(getCarryArguments()))
    if (failed(verifyTile(*this, "carry " + Twine(i), getInitAccess(i),
                          cast<RankedTensorType>(getInits()[i].getType()),
                          arg.getType(), /*widen=*/true)) ||
        failed(verifyTile(*this, "final " + Twine(i), getFinalAccess(i),
                          cast<RankedTensorType>(getFinals()[i].getType()),
                          arg.getType(), /*widen=*/true)))
      return failure();
  for (auto [i, arg] : llvm::enumerate(getInputArguments()))
    if (failed(verifyTile(*this, "input " + Twine(i), getInputAccess(i),
                          cast<RankedTensorType>(getInputs()[i].getType()),
                          arg.getType(), /*widen=*/false)))
      return failure();
  // C4
  auto yield = cast<YieldOp>(block.getTerminator());
  if (yield.getOutputs().size() != getOutputAccesses().size() ||
      yield.getCarries().size() != getInits().size())
    return yield.emitOpError("expects ")
           << getOutputAccesses().size() << " outputs and " << getInits().size()
           << " carries, got " << yield.getOutputs().size() << " and "
           << yield.getCarries().size();
  for (auto [i, value] : llvm::enumerate(yield.getOutputs()))
    if (failed(verifyTile(*this, "output " + Twine(i), getOutputAccess(i),
                          cast<RankedTensorType>(getOutputs()[i].getType()),
                          value.getType(), /*widen=*/false)))
      return failure();
  for (auto [i, value] : llvm::enumerate(yield.getCarries()))
    if (value.getType() != getCarryArguments()[i].getType())
      return yield.emitOpError("expects carry ")
             << i << " of type " << getCarryArguments()[i].getType() << ", got "
             << value.getType();
  return verifyLoops(*this, yield);
}
