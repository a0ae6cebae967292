//===- KernelRoles.cpp - warps with different work ------------------------===//
// The ahead role fetches the inputs and makes what does not wait for the state,
// a chunk or two before the state role needs it; channels lie between them.
//===----------------------------------------------------------------------===//
#include "KernelBuilder.h"
#include "TileTypes.h"

using namespace mlir;
using namespace deltanet;
using chunk::AccessAttr;

/// Slots of what the ahead role hands over: it works on one while the other is
/// read.
static constexpr int64_t kCrossingSlots = 2;

void KernelBuilder::makeChannels(RoleEmitter &ahead) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(entry);
  MLIRContext *context = b.getContext();
  // What both roles read is there while the ahead role is a chunk further, and
  // the next one on its way: three slots. The state role alone reads what is
  // fetched a chunk before it, the ahead role alone what is on its way;
  // and with one slot nothing is on its way.
  groups = {{true, true, shape.slots + 1, 1, {}, Value()},
            {false, true, shape.slots, 0, {}, Value()},
            {true, false, shape.slots, shape.slots > 1 ? 1 : 0, {}, Value()}};
  SmallVector<tile::BufferType> across;
  for (Input &m : matrices) {
    bool byAhead = plan.isReadAhead(m.argument),
         byState = plan.isReadByState(m.argument);
    if (m.isCopied) {
      for (Group &group : groups)
        if (group.byAhead == byAhead && group.byState == byState)
          group.inputs.push_back(&m);
    } else if (byState) {
      handed.push_back(&m);
      across.push_back(m.buffer);
    } else {
      m.ring = tile::AllocOp::create(b, m.argument.getLoc(), ringType(m),
                                     IntegerAttr());
    }
  }
  llvm::erase_if(groups,
                 [](const Group &group) { return group.inputs.empty(); });
  for (Group &group : groups) {
    SmallVector<tile::BufferType> buffers;
    for (Input *input : group.inputs)
      buffers.push_back(input->buffer);
    group.channel = tile::ChannelOp::create(
        b, loc, tile::ChannelType::get(context, group.slots, buffers),
        IntegerAttr());
  }
  for (Value v : plan.getCrossing())
    across.push_back(ahead.bufferType(v));
  if (!across.empty())
    crossing = tile::ChannelOp::create(
        b, loc, tile::ChannelType::get(context, kCrossingSlots, across),
        IntegerAttr());
}

/// Fetches the matrices of a group, if there is such a chunk.
void KernelBuilder::fetch(Group &group, Value chunk) {
  Value exists = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, chunk,
                                       countChunks());
  auto guard = scf::IfOp::create(b, loc, exists);
  OpBuilder::InsertionGuard inside(b);
  b.setInsertionPointToStart(guard.thenBlock());
  auto slot = tile::AcquireOp::create(b, loc, group.channel, chunk);
  for (auto [input, buffer] : llvm::zip(group.inputs, slot.getBuffers()))
    copy(*input, buffer, chunk);
  tile::CommitSlotOp::create(b, loc, group.channel, chunk);
}

/// Vectors that were loaded for the next chunk, once they are there.
SmallVector<Value> KernelBuilder::settle(ValueRange loaded) {
  SmallVector<Value> values;
  for (Value v : loaded)
    values.push_back(isa<RankedTensorType>(v.getType())
                         ? tile::SettleOp::create(b, v.getLoc(), v)
                         : v);
  return values;
}

LogicalResult KernelBuilder::buildAheadRole(RoleEmitter &ahead) {
  Value first = constant(0), one = constant(1);
  for (Group &group : groups)
    if (group.distance > 0)
      fetch(group, first);
  if (failed(loadConstants(ahead, /*ahead=*/true)))
    return failure();
  FailureOr<SmallVector<Value>> loaded = loadVectors(ahead, first);
  if (failed(loaded))
    return failure();
  auto loop = scf::ForOp::create(b, loc, first, countChunks(), one, *loaded);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value chunk = loop.getInductionVar(), next = add(chunk, one);
  // Vectors first: they are short, and in time for the next chunk only if they
  // do not queue behind the copies.
  loaded = loadVectors(ahead, next);
  if (failed(loaded))
    return failure();
  for (Group &group : groups)
    fetch(group, group.distance > 0 ? next : chunk);
  for (auto [i, input] : llvm::enumerate(vectors))
    ahead.bind(input.argument, {loop.getRegionIterArg(i), Value()});
  ahead.setCount(
      arith::MinSIOp::create(b, loc, tokensLeft(chunk, 1), chunkSize));
  for (Group &group : groups)
    if (group.byAhead) {
      auto slot = tile::WaitSlotOp::create(b, loc, group.channel, chunk);
      for (auto [input, buffer] : llvm::zip(group.inputs, slot.getBuffers()))
        ahead.bind(input->argument, {Value(), buffer});
    }
  for (Input &m : matrices)
    if (m.ring) {
      Value slot = tile::SlotOp::create(b, loc, m.buffer, m.ring, chunk);
      loadOther(ahead, m, slot, chunk);
      ahead.bind(m.argument, {Value(), slot});
    }
  if (crossing) {
    auto slot = tile::AcquireOp::create(b, loc, crossing, chunk);
    for (auto [i, input] : llvm::enumerate(handed)) {
      loadOther(ahead, *input, slot.getBuffers()[i], chunk);
      ahead.bind(input->argument, {Value(), slot.getBuffers()[i]});
    }
    for (auto [i, v] : llvm::enumerate(plan.getCrossing()))
      ahead.setDestination(v, slot.getBuffers()[handed.size() + i]);
  }
  if (failed(ahead.emit(plan.getAhead())))
    return failure();
  for (Value v : plan.getCrossing())
    if (!ahead.inBuffer(v))
      return failure();
  if (failed(storeOutputs(ahead, Stage::Ahead, chunk)))
    return failure();
  if (crossing)
    tile::CommitSlotOp::create(b, loc, crossing, chunk);
  for (Group &group : groups)
    if (group.byAhead)
      tile::ReleaseOp::create(b, loc, group.channel, chunk);
  if (!loaded->empty())
    scf::YieldOp::create(b, loc, settle(*loaded));
  return success();
}

LogicalResult KernelBuilder::buildStateRole(RoleEmitter &state) {
  if (failed(loadConstants(state, /*ahead=*/false)))
    return failure();
  FailureOr<SmallVector<Value>> carries = loadCarries(state);
  if (failed(carries))
    return failure();
  auto loop = scf::ForOp::create(b, loc, constant(0), countChunks(),
                                 constant(1), *carries);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value chunk = loop.getInductionVar();
    for (auto [i, argument] : llvm::enumerate(scan.getCarryArguments()))
      state.bind(argument, {loop.getRegionIterArg(i), Value()});
    state.setCount(
        arith::MinSIOp::create(b, loc, tokensLeft(chunk, 1), chunkSize));
    for (Group &group : groups)
      if (group.byState) {
        auto slot = tile::WaitSlotOp::create(b, loc, group.channel, chunk);
        for (auto [input, buffer] : llvm::zip(group.inputs, slot.getBuffers()))
          state.bind(input->argument, {Value(), buffer});
      }
    if (crossing) {
      auto slot = tile::WaitSlotOp::create(b, loc, crossing, chunk);
      for (auto [i, input] : llvm::enumerate(handed))
        state.bind(input->argument, {Value(), slot.getBuffers()[i]});
      for (auto [i, v] : llvm::enumerate(plan.getCrossing()))
        state.bind(v, {Value(), slot.getBuffers()[handed.size() + i]});
    }
    if (failed(emitState(state, chunk)))
      return failure();
    SmallVector<Value> yielded;
    auto yield = cast<chunk::YieldOp>(scan.getBodyBlock()->getTerminator());
    for (Value v : yield.getCarries()) {
      yielded.push_back(state.inRegisters(v));
      if (!yielded.back())
        return failure();
    }
    if (crossing)
      tile::ReleaseOp::create(b, loc, crossing, chunk);
    for (Group &group : groups)
      if (group.byState)
        tile::ReleaseOp::create(b, loc, group.channel, chunk);
    scf::YieldOp::create(b, loc, yielded);
  }
  return storeFinals(state, loop.getResults());
}

LogicalResult KernelBuilder::buildRoles(RoleEmitter &ahead,
                                        RoleEmitter &state) {
  makeChannels(ahead);
  auto roles = tile::RolesOp::create(
      b, loc, b.getStrArrayAttr({"state", "ahead"}),
      b.getDenseI64ArrayAttr({shape.warps, shape.aheadWarps}),
      b.getDenseI64ArrayAttr({1, 1}),
      b.getDenseI64ArrayAttr({shape.registers, shape.aheadRegisters}), 2);
  OpBuilder::InsertionGuard guard(b);
  b.createBlock(&roles.getBodies()[1]);
  if (failed(buildAheadRole(ahead)))
    return failure();
  b.createBlock(&roles.getBodies()[0]);
  return buildStateRole(state);
}
