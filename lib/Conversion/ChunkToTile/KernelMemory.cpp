//===- KernelMemory.cpp - what a kernel reads and writes ------------------===//
// Places and limits of tiles in global memory, copies of the next chunk, loads
// and stores.
//===----------------------------------------------------------------------===//
#include "KernelBuilder.h"
#include "TileTypes.h"

using namespace mlir;
using namespace deltanet;
using chunk::AccessAttr;

/// Entry `index` of a list of integers.
Value KernelBuilder::loadEntry(Value list, Value index) {
  Value loaded = tile::LoadOp::create(
      b, loc, elementOf(list), signature.getInput(list), index, ValueRange(),
      ValueRange(), DenseI64ArrayAttr());
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), loaded);
}

/// What this block works on.
void KernelBuilder::findUnit() {
  column = constant(0);
  if (hasState()) {
    Value block = gpu::BlockIdOp::create(b, loc, gpu::Dimension::x);
    if (scan.getSegments()) {
      Value each = constant(getColumnBlocks());
      segment = div(block, each);
      block = sub(block, mul(segment, each));
    }
    column = mul(block, constant(shape.width));
  }
  head = gpu::BlockIdOp::create(b, loc, gpu::Dimension::y);
  Value packedChunk;
  if (!hasState() && scan.getSequences())
    packedChunk = findPackedChunk();
  else
    unit = gpu::BlockIdOp::create(b, loc, gpu::Dimension::z);
  parallelChunk = gpu::BlockIdOp::create(b, loc, gpu::Dimension::x);
  chunkSize = constant(scan.getChunkSize());
  group = div(head, div(signature.getSize(b, loc, Size::Heads),
                        signature.getSize(b, loc, Size::Groups)));
  entryOfPool = scan.getIndices() ? loadEntry(scan.getIndices(), unit) : unit;
  if (Value offsets = scan.getSequences()) {
    start = loadEntry(offsets, unit);
    tokens = sub(loadEntry(offsets, add(unit, constant(1))), start);
    firstChunk = add(div(start, chunkSize), unit);
    if (packedChunk)
      parallelChunk = sub(packedChunk, firstChunk);
  } else {
    start = constant(0);
    tokens = scan.hasTokens() ? signature.getSize(b, loc, Size::Tokens)
                              : constant(scan.getNumChunks());
  }
  if (segment)
    findSegment();
}

/// From now on the sequence is this block's segment of it.
void KernelBuilder::findSegment() {
  Value chunks = countChunks(), count = constant(scan.getNumSegments());
  Value each = arith::CeilDivUIOp::create(b, loc, chunks, count);
  Value before = arith::MinSIOp::create(b, loc, mul(segment, each), chunks);
  Value skipped =
      arith::MinSIOp::create(b, loc, mul(before, chunkSize), tokens);
  start = add(start, skipped);
  tokens = arith::MinSIOp::create(b, loc, sub(tokens, skipped),
                                  mul(each, chunkSize));
  firstChunk = firstChunk ? add(firstChunk, before) : before;
  chunksOfSequence = chunks;
  chunksBefore = before;
}

/// The run, of `runs` of the sequence, of the chunk of `turn`. What is built
/// next is for chunks that come first in theirs.
Value KernelBuilder::beginRun(Value turn, int64_t runs) {
  Value chunks = chunksOfSequence ? chunksOfSequence : countChunks();
  Value number = chunkOf(turn);
  if (chunksBefore)
    number = add(number, chunksBefore);
  Value each = arith::CeilDivUIOp::create(b, loc, chunks, constant(runs));
  if (!hasState()) // an entry of packed sequences may be no chunk
    each = arith::MaxUIOp::create(b, loc, each, constant(1));
  Value run = div(number, each), first = mul(run, each);
  if (scan.getReverse())
    first = sub(arith::MinUIOp::create(b, loc, add(first, each), chunks),
                constant(1));
  Value begins =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, number, first);
  if (!hasState())
    begins = arith::AndIOp::create(
        b, loc, begins,
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, number,
                              chunks));
  auto guard = scf::IfOp::create(b, loc, begins, /*withElseRegion=*/false);
  b.setInsertionPointToStart(guard.thenBlock());
  return run;
}

/// The identity as this block holds it, whose columns may begin further right.
Value KernelBuilder::makeIdentity(RankedTensorType type,
                                  const RoleEmitter &part, Value argument) {
  auto numbers = type.clone(b.getI32Type());
  int64_t dim = *plan.findColumn(argument);
  Value along = tile::CoordinateOp::create(b, loc, numbers,
                                           part.heldDim(argument, dim)),
        other = tile::CoordinateOp::create(b, loc, numbers,
                                           part.heldDim(argument, 1 - dim));
  Value begin = arith::IndexCastOp::create(b, loc, b.getI32Type(), column);
  begin = tile::BroadcastOp::create(b, loc, numbers, begin);
  Value same =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                            arith::AddIOp::create(b, loc, along, begin), other);
  auto number = [&](double x) -> Value {
    return arith::ConstantOp::create(
        b, loc,
        SplatElementsAttr::get(type, b.getFloatAttr(type.getElementType(), x)));
  };
  return arith::SelectOp::create(b, loc, same, number(1), number(0));
}

/// Blocks work on the chunks of packed sequences, whose storage begins at entry
/// sequences[n] / C + n: this block's entry, and `unit` the last sequence that
/// begins at or before it.
Value KernelBuilder::findPackedChunk() {
  Value entry = gpu::BlockIdOp::create(b, loc, gpu::Dimension::x);
  Value size = constant(scan.getChunkSize());
  Type index = b.getIndexType();
  Value count = signature.getSize(b, loc, Size::Sequences);
  auto search = scf::WhileOp::create(
      b, loc, TypeRange{index, index}, ValueRange{constant(0), count},
      [&](OpBuilder &builder, Location, ValueRange bounds) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(builder.getInsertionBlock(),
                            builder.getInsertionPoint());
        Value more =
            arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                  add(bounds[0], constant(1)), bounds[1]);
        scf::ConditionOp::create(b, loc, more, bounds);
      },
      [&](OpBuilder &builder, Location, ValueRange bounds) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(builder.getInsertionBlock(),
                            builder.getInsertionPoint());
        Value middle = div(add(bounds[0], bounds[1]), constant(2));
        Value begins =
            add(div(loadEntry(scan.getSequences(), middle), size), middle);
        Value before = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle,
                                             begins, entry);
        Value low = arith::SelectOp::create(b, loc, before, middle, bounds[0]);
        Value high = arith::SelectOp::create(b, loc, before, bounds[1], middle);
        scf::YieldOp::create(b, loc, ValueRange{low, high});
      });
  unit = search.getResult(0);
  return entry;
}

/// How the tiles `tileOf` of a tensor lie, of whose columns this block has a
/// part.
KernelBuilder::Walk KernelBuilder::walk(AccessAttr access,
                                        RankedTensorType type, Value tileOf,
                                        int64_t rows, bool isOutput) {
  SmallVector<Value> strides = signature.getStrides(b, loc, access, type, rows);
  bool packed = bool(scan.getSequences());
  Walk walk{{constant(0), {}}, Value(), Value()};
  auto move = [&](Value index, Value by) {
    walk.first.offset = add(walk.first.offset, mul(index, by));
  };
  for (int64_t d = 0; d != type.getRank(); ++d)
    switch (access.getEntries()[d]) {
    case AccessAttr::Batch:
      if (!packed)
        move(unit, strides[d]);
      break;
    case AccessAttr::Sequence:
      move(unit, strides[d]);
      break;
    case AccessAttr::Pool:
      move(entryOfPool, strides[d]);
      break;
    case AccessAttr::Head:
      move(head, strides[d]);
      break;
    case AccessAttr::Group:
      move(group, strides[d]);
      break;
    case AccessAttr::Token:
      move(mul(start, constant(rows)), strides[d]);
      walk.step = mul(constant(scan.getChunkSize() * rows), strides[d]);
      break;
    case AccessAttr::Segment:
      if (isOutput)
        walk.run = strides[d];
      else
        move(segment, strides[d]);
      break;
    case AccessAttr::Chunk:
      if (firstChunk)
        move(firstChunk, strides[d]);
      walk.step = strides[d];
      break;
    default:
      break;
    }
  for (int64_t d = 0; d != access.getTileRank(); ++d)
    walk.first.strides.push_back(strides[access.findTileDim(d)]);
  if (std::optional<int64_t> dim = plan.findColumn(tileOf))
    move(column, walk.first.strides[*dim]);
  return walk;
}

/// Once for the block: what is left for a chunk is a product and a sum.
void KernelBuilder::findWalks() {
  auto add = [&](Value tensor, Attribute access, Value tileOf,
                 bool isOutput = false) {
    if (!isa<RankedTensorType>(tileOf.getType()) ||
        isa_and_nonnull<arith::ConstantOp, chunk::IdentityOp>(
            tensor.getDefiningOp()))
      return;
    auto how = cast<AccessAttr>(access);
    int64_t rows = chunk::getRowsPerToken(scan, rankedType(tileOf), how);
    walks[{tensor, tileOf}] =
        walk(how, rankedType(tensor), tileOf, rows, isOutput);
  };
  for (auto [argument, tensor, access] : llvm::zip(
           scan.getInputArguments(), scan.getInputs(), scan.getInputAccesses()))
    if (!argument.use_empty())
      add(tensor, access, argument);
  for (auto [argument, init, access] : llvm::zip(
           scan.getCarryArguments(), scan.getInits(), scan.getInitAccesses()))
    add(init, access, argument);
  auto yield = cast<chunk::YieldOp>(scan.getBodyBlock()->getTerminator());
  for (auto [i, result] : llvm::enumerate(scan.getOutputs()))
    if (signature.getOutput(i))
      add(result, scan.getOutputAccesses()[i], yield.getOutputs()[i],
          /*isOutput=*/true);
  for (auto [i, result] : llvm::enumerate(scan.getFinals()))
    if (signature.getOutput(scan.getNumOutputs() + i))
      add(result, scan.getFinalAccesses()[i], scan.getCarryArguments()[i]);
}

/// The chunk that is worked on as number `turn`.
Value KernelBuilder::chunkOf(Value turn) {
  if (!scan.getReverse() || !hasState())
    return turn;
  return sub(sub(countChunks(), constant(1)), turn);
}

/// Where the tile of the chunk of `turn` begins.
KernelBuilder::Place KernelBuilder::place(Value tensor, Value tileOf,
                                          Value turn) {
  const Walk &walk = walks.at({tensor, tileOf});
  Place place = walk.first;
  if (walk.step && turn)
    place.offset = add(place.offset, mul(chunkOf(turn), walk.step));
  return place;
}

/// Rows from the first of the chunk of `turn` to the end of the sequence; where
/// a tile is longer than a chunk, no further than the chunk. Past the last turn
/// there are none.
Value KernelBuilder::tokensLeft(Value turn, int64_t rows) {
  Value left = sub(tokens, mul(chunkOf(turn), chunkSize));
  if (scan.getReverse() && hasState()) {
    Value exists = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                         turn, countChunks());
    left = arith::SelectOp::create(b, loc, exists, left, constant(0));
  }
  int64_t size = scan.getChunkSize();
  if (plan.pad(size) != size)
    left = arith::MinSIOp::create(b, loc, left, chunkSize);
  return rows == 1 ? left : mul(left, constant(rows));
}

KernelBuilder::Limits KernelBuilder::limit(const RoleEmitter &part,
                                           Value tileOf, AccessAttr access,
                                           int64_t rows, Value chunk) {
  Limits limits;
  auto add = [&](int64_t dim, Value limit) {
    limits.values.push_back(limit);
    limits.along.push_back(part.heldDim(tileOf, dim));
  };
  for (int64_t d = 0, rank = rankedType(tileOf).getRank(); d != rank; ++d) {
    int64_t extent = rankedType(tileOf).getDimSize(d);
    if (d == 0 && access.has(AccessAttr::Token))
      add(d, tokensLeft(chunk, rows));
    else if (part.isPadded(tileOf, d))
      add(d, plan.findColumn(tileOf) == d ? sub(constant(extent), column)
                                          : constant(extent));
  }
  return limits;
}

SmallVector<Value> KernelBuilder::heldStrides(const RoleEmitter &part,
                                              Value tileOf,
                                              const Place &place) {
  SmallVector<Value> strides(place.strides.size());
  for (size_t d = 0; d != strides.size(); ++d)
    strides[part.heldDim(tileOf, d)] = place.strides[d];
  return strides;
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

LogicalResult KernelBuilder::addMatrix(Input input) {
  auto tile = rankedType(input.argument);
  int64_t bytes = tile.getElementTypeBitWidth() / 8;
  int64_t width = plan.pad(tile.getDimSize(1));
  input.columns = tile.getDimSize(1);
  bool split = plan.findColumn(input.argument) == 1 && hasState();
  if (split) {
    width = shape.width;
    input.columns = std::min(input.columns, width);
  }
  bool ragged =
      split && tile.getDimSize(1) % width != 0 && tile.getDimSize(1) > width;
  // Copies take units of 16 bytes, wherever in memory a row begins.
  input.isCopied =
      tile.getDimSize(1) * bytes % 16 == 0 && !ragged &&
      input.access.findTileDim(1) + 1 == rankedType(input.tensor).getRank();
  input.buffer = matrixBuffer(b.getContext(), plan.pad(tile.getDimSize(0)),
                              width, tile.getElementType());
  matrices.push_back(input);
  return success();
}

LogicalResult KernelBuilder::sortInputs() {
  for (auto [argument, tensor, attr] :
       llvm::zip(scan.getInputArguments(), scan.getInputs(),
                 scan.getInputAccesses())) {
    auto access = cast<AccessAttr>(attr);
    if (argument.use_empty())
      continue;
    if (!signature.getInput(tensor))
      return scan.emitOpError("expects inputs that are arguments of the "
                              "function or results of its scans, got ")
             << tensor;
    auto tile = rankedType(argument);
    bool moves = access.has(AccessAttr::Token) || access.has(AccessAttr::Chunk);
    if (!moves) {
      if (tile.getRank() > 1)
        return scan.emitOpError("expects matrices that come with the tokens in "
                                "a kernel, got ")
               << tile << " once a head";
      continue;
    }
    int64_t rows = chunk::getRowsPerToken(scan, tile, access);
    Input input{argument, tensor, access, rows, false, 0, {}, Value()};
    if (tile.getRank() < 2)
      vectors.push_back(input);
    else if (failed(addMatrix(input)))
      return failure();
  }
  return success();
}

tile::RingType KernelBuilder::ringType(const Input &input) const {
  return tile::RingType::get(
      input.buffer.getContext(), input.isCopied ? shape.slots : 1,
      input.buffer.getShape(), input.buffer.getElementType(),
      input.buffer.getPad());
}

/// Rows that there are of an input of chunk `chunk`: of tokens those that are
/// left, else all, and none of a chunk past the last.
Value KernelBuilder::rowsOf(const Input &input, Value chunk) {
  Location at = input.argument.getLoc();
  Value left = tokensLeft(chunk, input.rows);
  if (input.access.has(AccessAttr::Token))
    return left;
  Value inside = arith::CmpIOp::create(b, at, arith::CmpIPredicate::sgt, left,
                                       constant(0));
  return arith::SelectOp::create(
      b, at, inside, constant(rankedType(input.argument).getDimSize(0)),
      constant(0));
}

/// Starts the copy of chunk `chunk`; past the last it reads nothing.
void KernelBuilder::copy(const Input &input, Value slot, Value chunk) {
  Location at = input.argument.getLoc();
  Place from = place(input.tensor, input.argument, chunk);
  Value left = rowsOf(input, chunk);
  IntegerAttr columns;
  if (input.columns != input.buffer.getColumns())
    columns = b.getI64IntegerAttr(input.columns);
  tile::CopyAsyncOp::create(b, at, signature.getInput(input.tensor),
                            from.offset, from.strides[0], left, columns, slot);
}

void KernelBuilder::startCopies(Value chunk) {
  for (Input &m : matrices) {
    if (!m.ring)
      m.ring = allocate(ringType(m), m.argument.getLoc());
    if (!m.isCopied)
      continue;
    Value slot =
        tile::SlotOp::create(b, m.argument.getLoc(), m.buffer, m.ring, chunk);
    copy(m, slot, chunk);
  }
  tile::CommitOp::create(b, loc);
}

/// A matrix whose rows are not whole units of a copy goes through registers.
void KernelBuilder::loadOther(RoleEmitter &ahead, const Input &input,
                              Value slot, Value chunk) {
  Location at = input.argument.getLoc();
  auto type = RankedTensorType::get(
      input.buffer.getShape(), input.buffer.getElementType(),
      ahead.plainLayout(input.buffer.getColumns()));
  Place from = place(input.tensor, input.argument, chunk);
  SmallVector<Value> limits{rowsOf(input, chunk)};
  SmallVector<int64_t> along = {0};
  int64_t columns = rankedType(input.argument).getDimSize(1);
  if (columns % input.buffer.getColumns() != 0) {
    limits.push_back(plan.findColumn(input.argument) == 1
                         ? sub(constant(columns), column)
                         : constant(columns));
    along.push_back(1);
  }
  Value loaded = tile::LoadOp::create(
      b, at, type, signature.getInput(input.tensor), from.offset, from.strides,
      limits, b.getDenseI64ArrayAttr(along));
  tile::StoreMatrixOp::create(b, at, loaded, slot);
}

FailureOr<Value> KernelBuilder::loadTile(RoleEmitter &part,
                                         BlockArgument argument, Value tensor,
                                         AccessAttr access, int64_t rows,
                                         Value chunk) {
  FailureOr<Type> type = part.registerType(argument);
  if (failed(type))
    return failure();
  // What is stored may be narrower than what is carried.
  Type stored = elementOf(tensor), result = stored;
  if (auto registers = dyn_cast<RankedTensorType>(*type))
    result = registers.clone(stored);
  Place from = place(tensor, argument, chunk);
  Limits limits = limit(part, argument, access, rows, chunk);
  Value loaded = tile::LoadOp::create(
      b, argument.getLoc(), result, signature.getInput(tensor), from.offset,
      heldStrides(part, argument, from), limits.values,
      limits.along.empty() ? DenseI64ArrayAttr()
                           : b.getDenseI64ArrayAttr(limits.along));
  if (result != *type)
    loaded = arith::ExtFOp::create(b, argument.getLoc(), *type, loaded);
  return loaded;
}

/// Vectors and numbers of a head: loaded once, by the part that reads them.
LogicalResult KernelBuilder::loadConstants(RoleEmitter &part, bool ahead) {
  for (auto [argument, tensor, attr] :
       llvm::zip(scan.getInputArguments(), scan.getInputs(),
                 scan.getInputAccesses())) {
    auto access = cast<AccessAttr>(attr);
    if (access.has(AccessAttr::Token) || access.has(AccessAttr::Chunk) ||
        !(ahead ? plan.isReadAhead(argument) : plan.isReadByState(argument)))
      continue;
    FailureOr<Value> loaded =
        loadTile(part, argument, tensor, access, 1, Value());
    if (failed(loaded))
      return failure();
    part.bind(argument, {*loaded, Value()});
  }
  return success();
}

FailureOr<SmallVector<Value>> KernelBuilder::loadVectors(RoleEmitter &ahead,
                                                         Value chunk) {
  SmallVector<Value> loaded;
  for (Input &input : vectors) {
    // Vectors by tokens end with the sequence; those by chunks are there or
    // not: a block may have an entry of packed sequences that is no chunk.
    bool byChunk = input.access.has(AccessAttr::Chunk) &&
                   (hasState() || scan.getSequences());
    scf::IfOp guard;
    OpBuilder::InsertionGuard inside(b);
    if (byChunk) {
      FailureOr<Type> type = ahead.registerType(input.argument);
      if (failed(type))
        return failure();
      Value exists = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                           chunk, countChunks());
      guard = scf::IfOp::create(b, loc, TypeRange(*type), exists, true);
      b.setInsertionPointToStart(guard.elseBlock());
      Value zero = arith::ConstantOp::create(
          b, loc, cast<TypedAttr>(b.getZeroAttr(*type)));
      scf::YieldOp::create(b, loc, zero);
      b.setInsertionPointToStart(guard.thenBlock());
    }
    FailureOr<Value> tile = loadTile(ahead, input.argument, input.tensor,
                                     input.access, input.rows, chunk);
    if (failed(tile))
      return failure();
    if (guard)
      scf::YieldOp::create(b, loc, *tile);
    loaded.push_back(guard ? guard.getResult(0) : *tile);
  }
  return loaded;
}

FailureOr<SmallVector<Value>> KernelBuilder::loadCarries(RoleEmitter &state) {
  SmallVector<Value> carries;
  for (auto [argument, init, attr] : llvm::zip(
           scan.getCarryArguments(), scan.getInits(), scan.getInitAccesses())) {
    FailureOr<Type> type = state.registerType(argument);
    if (failed(type))
      return failure();
    if (init.getDefiningOp<chunk::IdentityOp>()) {
      carries.push_back(
          makeIdentity(cast<RankedTensorType>(*type), state, argument));
      continue;
    }
    if (auto constant = init.getDefiningOp<arith::ConstantOp>()) {
      auto splat = dyn_cast<SplatElementsAttr>(constant.getValue());
      if (!splat)
        return scan.emitOpError(
                   "expects an initial value of one number repeated, got ")
               << init;
      carries.push_back(arith::ConstantOp::create(
          b, loc,
          SplatElementsAttr::get(cast<ShapedType>(*type),
                                 splat.getSplatValue<Attribute>())));
      continue;
    }
    FailureOr<Value> loaded =
        loadTile(state, argument, init, cast<AccessAttr>(attr), 1, Value());
    if (failed(loaded))
      return failure();
    carries.push_back(*loaded);
  }
  return carries;
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

LogicalResult KernelBuilder::storeTile(RoleEmitter &part, Value tile,
                                       Value result, Value pointer,
                                       AccessAttr access, Value chunk) {
  Value registers = part.inRegisters(tile);
  if (!registers)
    return failure();
  Type stored = elementOf(result);
  Place to = place(result, tile, chunk);
  Limits limits;
  auto type = dyn_cast<RankedTensorType>(registers.getType());
  if (type) {
    to.strides = heldStrides(part, tile, to);
    int64_t rows = chunk::getRowsPerToken(scan, rankedType(tile), access);
    limits = limit(part, tile, access, rows, chunk);
  } else { // a number: the first of many
    type = RankedTensorType::get({tile::kWarpSize}, registers.getType(),
                                 tile::LanesAttr::get(b.getContext()));
    registers = tile::BroadcastOp::create(b, tile.getLoc(), type, registers);
    to.strides = {constant(1)};
    limits = {{constant(1)}, {0}};
  }
  OpBuilder::InsertionGuard guard(b);
  if (Value step = walks.at({result, tile}).run) {
    int64_t runs =
        rankedType(result).getDimSize(access.findLoop(AccessAttr::Segment));
    to.offset = add(to.offset, mul(beginRun(chunk, runs), step));
  }
  if (type.getElementType() != stored)
    registers = arith::TruncFOp::create(b, tile.getLoc(), type.clone(stored),
                                        registers);
  tile::StoreOp::create(b, tile.getLoc(), registers, pointer, to.offset,
                        to.strides, limits.values,
                        limits.along.empty()
                            ? DenseI64ArrayAttr()
                            : b.getDenseI64ArrayAttr(limits.along));
  return success();
}

KernelBuilder::Stage KernelBuilder::stageOf(Value output) const {
  if (!plan.waits(output))
    return Stage::Ahead;
  auto rounding = output.getDefiningOp<arith::TruncFOp>();
  Value v = rounding ? rounding.getIn() : output;
  return isa<BlockArgument>(v) ? Stage::Carried : Stage::State;
}

LogicalResult KernelBuilder::storeOutputs(RoleEmitter &part, Stage stage,
                                          Value chunk) {
  auto yield = cast<chunk::YieldOp>(scan.getBodyBlock()->getTerminator());
  for (auto [i, value] : llvm::enumerate(yield.getOutputs())) {
    Value pointer = signature.getOutput(i);
    if (!pointer || stageOf(value) != stage)
      continue;
    if (failed(storeTile(part, value, scan.getOutputs()[i], pointer,
                         scan.getOutputAccess(i), chunk)))
      return failure();
  }
  return success();
}
