//===- ChunkToTile.cpp - chunk programs to kernels of tiles ---------------===//
// One block of threads carries the state of one batch entry and head over all
// chunks; the inputs of the next chunk are copied while this one is worked on.
//===----------------------------------------------------------------------===//
#include "BodyEmitter.h"
#include "KernelSignature.h"
#include "deltanet/Conversion/Passes.h"
#include "deltanet/Dialect/Kernel/IR/Kernel.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace deltanet {
#define GEN_PASS_DEF_CONVERTCHUNKTOTILE
#include "deltanet/Conversion/Passes.h.inc"
} // namespace deltanet

using namespace mlir;
using namespace deltanet;
using chunk::AccessAttr;
using chunk::ScanOp;

static RankedTensorType typeOf(Value v) {
  return cast<RankedTensorType>(v.getType());
}

namespace {

/// Where one tile of a tensor in global memory begins, and how it is walked.
struct GlobalPlace {
  Value offset;
  SmallVector<Value> strides; // by dimension of the tile
};

class KernelBuilder {
public:
  KernelBuilder(func::FuncOp function, ScanOp scan, KernelSignature &signature,
                const Columns &columns, int64_t warps, int64_t slots)
      : function(function), scan(scan), signature(signature), columns(columns),
        warps(warps), slots(slots), loc(scan.getLoc()), b(scan.getContext()) {}

  LogicalResult build(OpBuilder &module);

private:
  /// Inputs that come with the chunks: matrices through shared memory, vectors
  /// and numbers through registers, loaded a chunk ahead.
  struct Matrix {
    Value argument, tensor, ring;
    AccessAttr access;
  };
  struct Ahead {
    Value argument, tensor;
    AccessAttr access;
  };

  Value constant(int64_t v) {
    return arith::ConstantIndexOp::create(b, loc, v);
  }
  Value mul(Value x, Value y) { return arith::MulIOp::create(b, loc, x, y); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubIOp::create(b, loc, x, y); }

  GlobalPlace place(AccessAttr access, RankedTensorType type, Value tileOf,
                    Value chunk);
  LogicalResult sortInputs(BodyEmitter &body);
  LogicalResult loadConstants(BodyEmitter &body);
  void startCopies(Value chunk);
  FailureOr<SmallVector<Value>> loadAhead(BodyEmitter &body, Value chunk);
  FailureOr<Value> loadTile(BodyEmitter &body, Value argument, Value tensor,
                            AccessAttr access, Value chunk);
  FailureOr<SmallVector<Value>> loadCarries(BodyEmitter &body);
  LogicalResult buildLoop(BodyEmitter &body);
  LogicalResult buildIteration(BodyEmitter &body, scf::ForOp loop);
  LogicalResult storeTile(BodyEmitter &body, Value tile, Value result,
                          Value pointer, AccessAttr access, Value chunk);

  func::FuncOp function;
  ScanOp scan;
  KernelSignature &signature;
  const Columns &columns;
  int64_t warps, slots;
  Location loc;
  OpBuilder b;
  Value batch, head, column, tokens,
      chunkSize; // column: the first of this block
  SmallVector<Matrix> matrices;
  SmallVector<Ahead> ahead;
};
} // namespace

/// Where the tile of chunk `chunk` begins. `tileOf` is the value in the body,
/// whose columns this block has a part of.
GlobalPlace KernelBuilder::place(AccessAttr access, RankedTensorType type,
                                 Value tileOf, Value chunk) {
  int64_t rank = type.getRank();
  SmallVector<Value> strides(rank);
  Value stride = constant(1);
  for (int64_t d = rank - 1; d >= 0; --d) {
    strides[d] = stride;
    if (d)
      stride = mul(stride, signature.getExtent(b, loc, access, type, d));
  }
  GlobalPlace place{constant(0), {}};
  auto move = [&](Value index, Value by) {
    place.offset = add(place.offset, mul(index, by));
  };
  for (int64_t d = 0; d != rank; ++d)
    switch (access.getEntries()[d]) {
    case AccessAttr::Batch:
    case AccessAttr::Sequence:
      move(batch, strides[d]);
      break;
    case AccessAttr::Head:
      move(head, strides[d]);
      break;
    case AccessAttr::Group: {
      Value heads = signature.getSize(b, loc, Size::Heads);
      Value groups = signature.getSize(b, loc, Size::Groups);
      Value ratio = arith::DivUIOp::create(b, loc, heads, groups);
      move(arith::DivUIOp::create(b, loc, head, ratio), strides[d]);
      break;
    }
    case AccessAttr::Token:
      move(mul(chunk, chunkSize), strides[d]);
      break;
    default:
      break;
    }
  for (int64_t d = 0; d != access.getTileRank(); ++d)
    place.strides.push_back(strides[access.findTileDim(d)]);
  if (std::optional<int64_t> dim = columns.find(tileOf))
    move(column, place.strides[*dim]);
  return place;
}

LogicalResult KernelBuilder::sortInputs(BodyEmitter &body) {
  for (auto [argument, tensor, attr] :
       llvm::zip(scan.getInputArguments(), scan.getInputs(),
                 scan.getInputAccesses())) {
    auto access = cast<AccessAttr>(attr);
    auto tile = typeOf(argument);
    if (argument.use_empty())
      continue;
    if (!signature.getInput(tensor))
      return scan.emitOpError(
                 "expects inputs that are arguments of the function, got ")
             << tensor;
    if (access.has(AccessAttr::Chunk))
      return scan.emitOpError(
          "expects inputs by tokens in a kernel, got one by chunks");
    if (!access.has(AccessAttr::Token)) {
      if (tile.getRank() > 1)
        return scan.emitOpError("expects matrices that come with the tokens in "
                                "a kernel, got ")
               << tile << " once a head";
      continue;
    }
    if (tile.getDimSize(0) != static_cast<int64_t>(scan.getChunkSize()))
      return scan.emitOpError("expects one step a token in a kernel, got ")
             << tile.getDimSize(0) << " rows for chunks of "
             << scan.getChunkSize();
    if (tile.getRank() == 1) {
      ahead.push_back({argument, tensor, access});
      continue;
    }
    if (tile.getElementTypeBitWidth() != 16)
      return scan.emitOpError(
                 "expects matrices of bf16 or f16 in a kernel, got ")
             << tile;
    int64_t width =
        columns.find(argument) ? warps * kRowsPerWarp : tile.getDimSize(1);
    if (width % 8 != 0 || access.findTileDim(1) + 1 != typeOf(tensor).getRank())
      return scan.emitOpError("expects rows of a multiple of 16 bytes, one "
                              "element after the "
                              "other, in a kernel, got ")
             << tensor.getType() << " walked by " << access;
    auto part = RankedTensorType::get({tile.getDimSize(0), width},
                                      tile.getElementType());
    tile::BufferType slot = BodyEmitter::bufferType(part);
    auto ring = tile::RingType::get(b.getContext(), slots, slot.getShape(),
                                    slot.getElementType(), slot.getPad());
    matrices.push_back(
        {argument, tensor, body.allocate(ring, argument.getLoc()), access});
  }
  return success();
}

void KernelBuilder::startCopies(Value chunk) {
  Value left = sub(tokens, mul(chunk, chunkSize));
  for (Matrix &m : matrices) {
    auto ring = cast<tile::RingType>(m.ring.getType());
    Location at = m.argument.getLoc();
    Value slot = tile::SlotOp::create(b, at, ring.getSlotType(), m.ring, chunk);
    GlobalPlace from = place(m.access, typeOf(m.tensor), m.argument, chunk);
    tile::CopyAsyncOp::create(b, at, signature.getInput(m.tensor), from.offset,
                              from.strides[0], left, slot);
  }
  tile::CommitOp::create(b, loc);
}

FailureOr<Value> KernelBuilder::loadTile(BodyEmitter &body, Value argument,
                                         Value tensor, AccessAttr access,
                                         Value chunk) {
  FailureOr<Type> type = body.registerType(argument);
  if (failed(type))
    return failure();
  // What is stored may be narrower than what is carried.
  Type stored = getElementTypeOrSelf(tensor.getType()), result = *type;
  if (auto registers = dyn_cast<RankedTensorType>(result))
    result = registers.clone(stored);
  else
    result = stored;
  GlobalPlace from = place(access, typeOf(tensor), argument, chunk);
  SmallVector<Value> strides(from.strides.size());
  for (size_t d = 0; d != strides.size(); ++d)
    strides[body.heldDim(argument, d)] = from.strides[d];
  Value limit;
  IntegerAttr along;
  if (access.has(AccessAttr::Token)) {
    limit = sub(tokens, mul(chunk, chunkSize));
    along = b.getI64IntegerAttr(body.heldDim(argument, 0));
  }
  Value loaded = tile::LoadOp::create(b, argument.getLoc(), result,
                                      signature.getInput(tensor), from.offset,
                                      strides, limit, along);
  if (result != *type)
    loaded = arith::ExtFOp::create(b, argument.getLoc(), *type, loaded);
  return loaded;
}

/// Vectors and numbers of a head: loaded once.
LogicalResult KernelBuilder::loadConstants(BodyEmitter &body) {
  for (auto [argument, tensor, attr] :
       llvm::zip(scan.getInputArguments(), scan.getInputs(),
                 scan.getInputAccesses())) {
    auto access = cast<AccessAttr>(attr);
    if (argument.use_empty() || access.has(AccessAttr::Token))
      continue;
    FailureOr<Value> loaded = loadTile(body, argument, tensor, access, Value());
    if (failed(loaded))
      return failure();
    body.bind(argument, {*loaded, Value()});
  }
  return success();
}

FailureOr<SmallVector<Value>> KernelBuilder::loadAhead(BodyEmitter &body,
                                                       Value chunk) {
  SmallVector<Value> loaded;
  for (Ahead &a : ahead) {
    FailureOr<Value> tile =
        loadTile(body, a.argument, a.tensor, a.access, chunk);
    if (failed(tile))
      return failure();
    loaded.push_back(*tile);
  }
  return loaded;
}

FailureOr<SmallVector<Value>> KernelBuilder::loadCarries(BodyEmitter &body) {
  SmallVector<Value> carries;
  for (auto [argument, init, attr] : llvm::zip(
           scan.getCarryArguments(), scan.getInits(), scan.getInitAccesses())) {
    FailureOr<Type> type = body.registerType(argument);
    if (failed(type))
      return failure();
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
        loadTile(body, argument, init, cast<AccessAttr>(attr), Value());
    if (failed(loaded))
      return failure();
    carries.push_back(*loaded);
  }
  return carries;
}

/// `store` and the operations after `definition` that it needs, in order.
static SmallVector<Operation *> storeChain(Operation *store,
                                           Operation *definition) {
  SmallVector<Operation *> chain;
  llvm::SmallPtrSet<Operation *, 16> needed = {store};
  for (Operation *op = store; op != definition; op = op->getPrevNode()) {
    if (!needed.contains(op))
      continue;
    chain.push_back(op);
    for (Value v : op->getOperands())
      if (Operation *producer = v.getDefiningOp())
        needed.insert(producer);
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

LogicalResult KernelBuilder::storeTile(BodyEmitter &body, Value tile,
                                       Value result, Value pointer,
                                       AccessAttr access, Value chunk) {
  Value registers = body.inRegisters(tile);
  if (!registers)
    return failure();
  Type stored = typeOf(result).getElementType();
  auto type = dyn_cast<RankedTensorType>(registers.getType());
  if (!type)
    return scan.emitOpError("expects results that are tiles in a kernel, got ")
           << tile.getType();
  if (type.getElementType() != stored)
    registers = arith::TruncFOp::create(b, tile.getLoc(), type.clone(stored),
                                        registers);
  GlobalPlace to = place(access, typeOf(result), tile, chunk);
  SmallVector<Value> strides(to.strides.size());
  for (size_t d = 0; d != strides.size(); ++d)
    strides[body.heldDim(tile, d)] = to.strides[d];
  Value limit;
  IntegerAttr along;
  if (access.has(AccessAttr::Token)) {
    limit = sub(tokens, mul(chunk, chunkSize));
    along = b.getI64IntegerAttr(body.heldDim(tile, 0));
  }
  auto store = tile::StoreOp::create(b, tile.getLoc(), registers, pointer,
                                     to.offset, strides, limit, along);
  // As soon as it is there, so that it leaves the registers.
  if (Operation *definition = registers.getDefiningOp())
    if (definition->getBlock() == store->getBlock())
      for (Operation *op : storeChain(store, definition))
        op->moveAfter(definition), definition = op;
  return success();
}

LogicalResult KernelBuilder::buildIteration(BodyEmitter &body,
                                            scf::ForOp loop) {
  b.setInsertionPointToStart(loop.getBody());
  Value chunk = loop.getInductionVar(), next = add(chunk, constant(1));
  tile::WaitOp::create(b, loc, 0);
  if (slots > 1)
    startCopies(next);
  FailureOr<SmallVector<Value>> loaded = loadAhead(body, next);
  if (failed(loaded))
    return failure();
  Value left = sub(tokens, mul(chunk, chunkSize));
  body.setCount(arith::MinSIOp::create(b, loc, left, chunkSize));
  for (Matrix &m : matrices) {
    auto ring = cast<tile::RingType>(m.ring.getType());
    Value slot = tile::SlotOp::create(b, m.argument.getLoc(),
                                      ring.getSlotType(), m.ring, chunk);
    body.bind(m.argument, {Value(), slot});
  }
  int64_t carried = scan.getNumCarries();
  for (auto [i, argument] : llvm::enumerate(scan.getCarryArguments()))
    body.bind(argument, {loop.getRegionIterArg(i), Value()});
  for (auto [i, a] : llvm::enumerate(ahead))
    body.bind(a.argument, {loop.getRegionIterArg(carried + i), Value()});
  if (failed(body.emit()))
    return failure();

  auto yield = cast<chunk::YieldOp>(scan.getBodyBlock()->getTerminator());
  for (auto [i, value] : llvm::enumerate(yield.getOutputs()))
    if (Value pointer = signature.getOutput(i))
      if (failed(storeTile(body, value, scan.getOutputs()[i], pointer,
                           scan.getOutputAccess(i), chunk)))
        return failure();
  if (slots == 1)
    startCopies(next);
  SmallVector<Value> carries;
  for (Value v : yield.getCarries()) {
    carries.push_back(body.inRegisters(v));
    if (!carries.back())
      return failure();
  }
  llvm::append_range(carries, *loaded);
  scf::YieldOp::create(b, loc, carries);
  return success();
}

LogicalResult KernelBuilder::buildLoop(BodyEmitter &body) {
  Value first = constant(0), one = constant(1);
  Value chunks = arith::CeilDivUIOp::create(b, loc, tokens, chunkSize);
  startCopies(first);
  FailureOr<SmallVector<Value>> carries = loadCarries(body),
                                loaded = loadAhead(body, first);
  if (failed(carries) || failed(loaded))
    return failure();
  llvm::append_range(*carries, *loaded);
  auto loop = scf::ForOp::create(b, loc, first, chunks, one, *carries);
  if (loop.getNumResults() == 0)
    loop.getBody()->getTerminator()->erase();
  if (failed(buildIteration(body, loop)))
    return failure();
  b.setInsertionPointAfter(loop);
  // The copies started for a chunk after the last must not outlive the kernel.
  tile::WaitOp::create(b, loc, 0);
  for (auto [i, final] : llvm::enumerate(scan.getFinals())) {
    Value pointer = signature.getOutput(scan.getNumOutputs() + i);
    if (!pointer)
      continue;
    Value argument = scan.getCarryArguments()[i];
    body.bind(argument, {loop.getResult(i), Value()});
    if (failed(storeTile(body, argument, final, pointer, scan.getFinalAccess(i),
                         Value())))
      return failure();
  }
  return success();
}

LogicalResult KernelBuilder::build(OpBuilder &module) {
  MLIRContext *context = b.getContext();
  int64_t width = warps * kRowsPerWarp, threads = warps * tile::kWarpSize;
  auto container = gpu::GPUModuleOp::create(module, loc, function.getName());
  b.setInsertionPointToStart(container.getBody());
  auto kernel = gpu::GPUFuncOp::create(b, loc, function.getName(),
                                       signature.getType(context));
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  kernel.setKnownBlockSizeAttr(
      b.getDenseI32ArrayAttr({static_cast<int32_t>(threads), 1, 1}));
  kernel->setAttr(
      tile::kLaunchAttr,
      signature.getLaunch(context, columns.extent / width, threads));
  signature.bindArguments(kernel);

  Block *entry = &kernel.getBody().front();
  b.setInsertionPointToStart(entry);
  BodyEmitter body(b, entry, scan, columns, warps);
  column =
      mul(gpu::BlockIdOp::create(b, loc, gpu::Dimension::x), constant(width));
  head = gpu::BlockIdOp::create(b, loc, gpu::Dimension::y);
  batch = gpu::BlockIdOp::create(b, loc, gpu::Dimension::z);
  tokens = signature.getSize(b, loc, Size::Tokens);
  chunkSize = constant(scan.getChunkSize());
  if (failed(sortInputs(body)) || failed(loadConstants(body)) ||
      failed(buildLoop(body)))
    return failure();
  gpu::ReturnOp::create(b, loc);
  return success();
}

/// A value that is the same wherever it is computed belongs to its use, so that
/// two uses in different places do not become one. Constants from around the
/// scan move in; other values from there have no place in a kernel.
static LogicalResult separateUses(ScanOp scan) {
  Block *body = scan.getBodyBlock();
  for (Operation &op : llvm::make_early_inc_range(body->without_terminator()))
    for (OpOperand &operand : op.getOpOperands()) {
      Operation *definition = operand.get().getDefiningOp();
      if (!definition && operand.get().getParentBlock() == body)
        continue;
      bool outside = operand.get().getParentBlock() != body;
      bool constant =
          definition && definition->hasTrait<OpTrait::ConstantLike>();
      if (outside && !constant) {
        InFlightDiagnostic diag =
            op.emitError("expects operands from the body of the scan, or "
                         "constants, in a kernel");
        diag.attachNote(operand.get().getLoc())
            << "this comes from around the scan";
        return diag;
      }
      if (!outside && !constant && !isa<chunk::BroadcastOp>(definition))
        continue;
      OpBuilder b(&op);
      if (outside || !operand.get().hasOneUse())
        operand.set(b.clone(*definition)->getResult(0));
      else
        definition->moveBefore(&op);
    }
  return success();
}

namespace {
struct ConvertChunkToTile
    : deltanet::impl::ConvertChunkToTileBase<ConvertChunkToTile> {
  using ConvertChunkToTileBase::ConvertChunkToTileBase;

  void runOnOperation() override {
    SmallVector<ScanOp> scans;
    getOperation().walk([&](ScanOp scan) { scans.push_back(scan); });
    for (ScanOp scan : scans)
      if (failed(convert(scan)))
        return signalPassFailure();
  }

private:
  /// Columns of a block, 16 a warp: what the schedule says, or as many as the
  /// option allows and divide them all. 0 if there is no such number.
  int64_t chooseWidth(const Columns &found,
                      kernel::ScheduleAttr schedule) const {
    if (schedule && schedule.getSplitValue() > 0) {
      int64_t width = found.extent / schedule.getSplitValue();
      bool divides = found.extent % schedule.getSplitValue() == 0;
      return divides && width % kRowsPerWarp == 0 ? width : 0;
    }
    int64_t width = columns - columns % kRowsPerWarp;
    while (width > 0 && found.extent % width != 0)
      width -= kRowsPerWarp;
    return width;
  }

  /// One gate per channel needs sub-chunks (27).
  static LogicalResult checkGates(ScanOp scan) {
    for (auto dot : scan.getBodyBlock()->getOps<chunk::DecayDotOp>())
      if (typeOf(dot.getGx()).getRank() != 1)
        return dot.emitOpError(
                   "with one gate per channel is computed in sub-chunks (27), "
                   "which "
                   "tiles do not have yet; expects one gate per token, got ")
               << dot.getGx().getType();
    return success();
  }

  LogicalResult convert(ScanOp scan) {
    auto function = scan->getParentOfType<func::FuncOp>();
    if (!function)
      return scan.emitOpError("expects to stand in a function");
    if (scan.getReverse() || scan.getSequences())
      return scan.emitOpError("expects chunks from first to last, of sequences "
                              "of one length, in a "
                              "kernel; ")
             << (scan.getReverse() ? "this scan runs in reverse"
                                   : "its sequences are packed");
    if (scan.getIndices())
      return scan.emitOpError("expects a state for every sequence in a kernel "
                              "of chunks; these come from a pool, which the "
                              "token loop alone reads");
    FailureOr<KernelSignature> signature =
        KernelSignature::read(function, scan);
    if (failed(signature) || failed(checkGates(scan)))
      return failure();
    if (failed(separateUses(scan)))
      return failure();
    FailureOr<Columns> found = findColumns(scan);
    if (failed(found))
      return failure();
    auto schedule =
        function->getAttrOfType<kernel::ScheduleAttr>(kernel::kScheduleName);
    int64_t width = chooseWidth(*found, schedule), depth = slots;
    if (schedule && schedule.getStages() > 0)
      depth = schedule.getStages();
    if (width <= 0 || depth < 1 || depth > 2)
      return scan.emitOpError("expects independent columns in a multiple of 16 "
                              "for each block, "
                              "and 1 or 2 slots, got ")
             << found->extent << " columns and " << depth << " slots";
    OpBuilder module(function);
    if (failed(KernelBuilder(function, scan, *signature, *found,
                             width / kRowsPerWarp, depth)
                   .build(module)))
      return failure();
    function.erase();
    ++numKernels;
    return success();
  }
};
} // namespace
