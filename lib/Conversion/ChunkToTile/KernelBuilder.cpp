//===- KernelBuilder.cpp - the kernel around a chunk body -----------------===//
// The loop over the chunks. What reads and writes global memory is in
// KernelMemory.cpp.
//===----------------------------------------------------------------------===//
#include "KernelBuilder.h"
#include "TileTypes.h"

using namespace mlir;
using namespace deltanet;
using chunk::AccessAttr;

Value KernelBuilder::constant(int64_t v) {
  return arith::ConstantIndexOp::create(b, loc, v);
}
Value KernelBuilder::mul(Value x, Value y) {
  return arith::MulIOp::create(b, loc, x, y);
}
Value KernelBuilder::add(Value x, Value y) {
  return arith::AddIOp::create(b, loc, x, y);
}
Value KernelBuilder::sub(Value x, Value y) {
  return arith::SubIOp::create(b, loc, x, y);
}
Value KernelBuilder::div(Value x, Value y) {
  return arith::DivUIOp::create(b, loc, x, y);
}

Value KernelBuilder::allocate(Type type, Location at) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(entry);
  return tile::AllocOp::create(b, at, type, IntegerAttr());
}

int64_t KernelBuilder::getColumnBlocks() const {
  return (plan.getNumColumns() + shape.width - 1) / shape.width;
}

void KernelBuilder::bindMatrices(RoleEmitter &part, Value chunk) {
  for (Input &m : matrices) {
    Value slot =
        tile::SlotOp::create(b, m.argument.getLoc(), m.buffer, m.ring, chunk);
    part.bind(m.argument, {Value(), slot});
  }
}

namespace {
/// Operations of a body that lead to some of what it yields.
class Needed {
public:
  explicit Needed(ValueRange values) {
    SmallVector<Value> work(values);
    while (!work.empty()) {
      Operation *op = BodyPlan::source(work.pop_back_val()).getDefiningOp();
      if (op && operations.insert(op).second)
        work.append(op->operand_begin(), op->operand_end());
    }
  }
  bool contains(Operation *op) const { return operations.contains(op); }

private:
  llvm::DenseSet<Operation *> operations;
};
} // namespace

/// What was carried goes out first: rounded, it would stay in registers until
/// it does. What results and the next state both need is next (the
/// pseudo-values); then what only the next state needs and can be made without
/// the state, as it takes less room than what it is made of; then the results,
/// which leave the registers; the state's update comes last.
LogicalResult KernelBuilder::emitState(RoleEmitter &state, Value chunk) {
  auto yield = cast<chunk::YieldOp>(scan.getBodyBlock()->getTerminator());
  Needed forResults(yield.getOutputs()), forUpdate(yield.getCarries());
  llvm::DenseSet<Value> carried(scan.getCarryArguments().begin(),
                                scan.getCarryArguments().end());
  SmallVector<Operation *> shared, prepared, results, update;
  llvm::DenseSet<Operation *> updating;
  for (Operation *op : plan.getState()) {
    if (forResults.contains(op)) {
      (forUpdate.contains(op) ? shared : results).push_back(op);
      continue;
    }
    bool updates = llvm::any_of(op->getOperands(), [&](Value v) {
      v = BodyPlan::source(v);
      return carried.contains(v) || updating.contains(v.getDefiningOp());
    });
    updates |= isa<chunk::DotOp>(op);
    if (updates)
      updating.insert(op);
    (updates ? update : prepared).push_back(op);
  }
  if (failed(storeOutputs(state, Stage::Carried, chunk)) ||
      failed(state.emit(shared)) || failed(state.emit(prepared)) ||
      failed(state.emit(results)) ||
      failed(storeOutputs(state, Stage::State, chunk)))
    return failure();
  return state.emit(update);
}

LogicalResult KernelBuilder::buildChunk(RoleEmitter &ahead, RoleEmitter &state,
                                        Value chunk) {
  for (Input &m : matrices)
    if (!m.isCopied)
      loadOther(
          ahead, m,
          tile::SlotOp::create(b, m.argument.getLoc(), m.buffer, m.ring, chunk),
          chunk);
  Value count = arith::MinSIOp::create(b, loc, tokensLeft(chunk, 1), chunkSize);
  ahead.setCount(count);
  bindMatrices(ahead, chunk);
  if (failed(ahead.emit(plan.getAhead())))
    return failure();
  for (Value v : plan.getCrossing()) {
    Value buffer = ahead.inBuffer(v);
    if (!buffer)
      return failure();
    state.bind(v, {Value(), buffer});
  }
  if (failed(storeOutputs(ahead, Stage::Ahead, chunk)))
    return failure();
  state.setCount(count);
  bindMatrices(state, chunk);
  return emitState(state, chunk);
}

LogicalResult KernelBuilder::buildLoop(RoleEmitter &ahead, RoleEmitter &state) {
  if (failed(loadConstants(ahead, /*ahead=*/true)) ||
      failed(loadConstants(state, /*ahead=*/false)))
    return failure();
  Value first = constant(0), one = constant(1), chunks = countChunks();
  startCopies(first);
  FailureOr<SmallVector<Value>> carries = loadCarries(state),
                                loaded = loadVectors(ahead, first);
  if (failed(carries) || failed(loaded))
    return failure();
  llvm::append_range(*carries, *loaded);
  auto loop = scf::ForOp::create(b, loc, first, chunks, one, *carries);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value chunk = loop.getInductionVar(), next = add(chunk, one);
    tile::WaitOp::create(b, loc, 0);
    // Vectors first: they are short, and in time for the next chunk only if
    // they do not queue behind the copies.
    loaded = loadVectors(ahead, next);
    if (failed(loaded))
      return failure();
    if (shape.slots > 1)
      startCopies(next);
    int64_t carried = scan.getNumCarries();
    for (auto [i, argument] : llvm::enumerate(scan.getCarryArguments()))
      state.bind(argument, {loop.getRegionIterArg(i), Value()});
    for (auto [i, input] : llvm::enumerate(vectors))
      ahead.bind(input.argument, {loop.getRegionIterArg(carried + i), Value()});
    if (failed(buildChunk(ahead, state, chunk)))
      return failure();
    if (shape.slots == 1)
      startCopies(next);
    SmallVector<Value> yielded;
    auto yield = cast<chunk::YieldOp>(scan.getBodyBlock()->getTerminator());
    for (Value v : yield.getCarries()) {
      yielded.push_back(state.inRegisters(v));
      if (!yielded.back())
        return failure();
    }
    llvm::append_range(yielded, settle(*loaded));
    scf::YieldOp::create(b, loc, yielded);
  }
  // The copies started for a chunk after the last must not outlive the kernel.
  tile::WaitOp::create(b, loc, 0);
  return storeFinals(state, loop.getResults());
}

Value KernelBuilder::countChunks() {
  return arith::CeilDivUIOp::create(b, loc, tokens, chunkSize);
}

LogicalResult KernelBuilder::storeFinals(RoleEmitter &state,
                                         ValueRange carries) {
  for (auto [i, final] : llvm::enumerate(scan.getFinals())) {
    Value pointer = signature.getOutput(scan.getNumOutputs() + i);
    if (!pointer)
      continue;
    Value argument = scan.getCarryArguments()[i];
    state.bind(argument, {carries[i], Value()});
    if (failed(storeTile(state, argument, final, pointer,
                         scan.getFinalAccess(i), Value())))
      return failure();
  }
  return success();
}

LogicalResult KernelBuilder::build(gpu::GPUModuleOp container) {
  MLIRContext *context = b.getContext();
  int64_t threads = (shape.warps + shape.aheadWarps) * tile::kWarpSize;
  b.setInsertionPointToEnd(container.getBody());
  auto kernel =
      gpu::GPUFuncOp::create(b, loc, name, signature.getType(context));
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  kernel.setKnownBlockSizeAttr(
      b.getDenseI32ArrayAttr({static_cast<int32_t>(threads), 1, 1}));
  std::string size = std::to_string(scan.getChunkSize()),
              all = signature.getSizeText(Size::Tokens);
  bool packed = bool(scan.getSequences());
  Grid grid{std::to_string(
                hasState() ? getColumnBlocks() * scan.getNumSegments() : 0),
            signature.getSizeText(Size::Heads),
            signature.getSizeText(signature.isPacked() ? Size::Sequences
                                                       : Size::Batch)};
  if (!hasState() && packed)
    grid = {all + " / " + size + " + " + grid.z, grid.y, "1"};
  else if (!hasState())
    grid.x = "ceildiv(" + all + ", " + size + ")";
  kernel->setAttr(tile::kLaunchAttr,
                  signature.getLaunch(context, grid, threads));
  signature.bindArguments(kernel);

  entry = &kernel.getBody().front();
  b.setInsertionPointToStart(entry);
  findUnit();
  findWalks();
  auto allocator = [this](Type type, Location at) {
    return allocate(type, at);
  };
  bool roles = shape.aheadWarps > 0;
  RoleEmitter ahead(b, scan, plan, RoleEmitter::Part::Ahead,
                    roles ? shape.aheadWarps : shape.warps, shape.width,
                    allocator),
      state(b, scan, plan, RoleEmitter::Part::State, shape.warps, shape.width,
            allocator);
  if (failed(sortInputs()) || failed(!hasState() ? buildParallel(ahead)
                                     : roles     ? buildRoles(ahead, state)
                                                 : buildLoop(ahead, state)))
    return failure();
  gpu::ReturnOp::create(b, loc);
  return success();
}
