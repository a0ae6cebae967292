//===- Channels.cpp - slots and their barriers ----------------------------===//
// A slot's full and empty barriers are mbarriers. Who arrives how often follows
// from the uses of the channel: every thread arrives for what it stored or
// read, and once more for the copies it started.
//===----------------------------------------------------------------------===//
#include "SlotAddress.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::tile;

/// Whether `buffer`, of a slot, is written by copies, by bulk copies, by
/// anything else.
static void noteWriters(Value buffer, ChannelFacts::Channel &channel) {
  for (Operation *user : buffer.getUsers()) {
    if (isa<TmaLoadOp>(user))
      channel.loaded = true;
    else
      (isa<CopyAsyncOp>(user) ? channel.copied : channel.written) = true;
  }
}

/// Bytes that bulk copies bring into the slot that `commit` gives away.
static int64_t countLoadedBytes(CommitSlotOp commit) {
  int64_t bytes = 0;
  for (auto acquire : commit->getBlock()->getOps<AcquireOp>()) {
    if (acquire.getChannel() != commit.getChannel() ||
        acquire.getIndex() != commit.getIndex())
      continue;
    for (Value buffer : acquire.getBuffers())
      for (Operation *user : buffer.getUsers())
        if (auto load = dyn_cast<TmaLoadOp>(user))
          bytes += load.getBuffer().getType().getBytes();
  }
  return bytes;
}

/// Whether threads read `buffer`, or a part of it: products of warp groups read
/// it as bulk copies write it, and are waited for.
static bool isReadByThreads(Value buffer) {
  return llvm::any_of(buffer.getUsers(), [](Operation *user) {
    if (auto panel = dyn_cast<PanelOp>(user))
      return isReadByThreads(panel.getPanel());
    return !isa<MmaAsyncOp, TmaStoreOp>(user);
  });
}

/// Whether threads read the slot that `release` gives back.
static bool isReadByThreads(ReleaseOp release) {
  for (auto wait : release->getBlock()->getOps<WaitSlotOp>())
    if (wait.getChannel() == release.getChannel() &&
        wait.getIndex() == release.getIndex() &&
        llvm::any_of(wait.getBuffers(),
                     [](Value v) { return isReadByThreads(v); }))
      return true;
  return false;
}

ChannelFacts::ChannelFacts(gpu::GPUModuleOp module, kernel::TargetAttr target)
    : target(target) {
  module.walk([&](ChannelOp op) {
    Channel &channel = channels[op];
    channel.offset = op.getOffset().value_or(0);
    channel.type = op.getChannel().getType();
    kernels[op->getParentOfType<gpu::GPUFuncOp>()].push_back(op);
    int64_t producers = 0;
    llvm::SmallDenseSet<unsigned> consumers;
    for (Operation *user : op.getChannel().getUsers()) {
      std::optional<Role> role = getRole(user->getBlock());
      if (auto acquire = dyn_cast<AcquireOp>(user)) {
        producers = role->getNumWarps() * role->getNumCopies();
        for (Value buffer : acquire.getBuffers())
          noteWriters(buffer, channel);
      }
      if (isa<WaitSlotOp>(user) && consumers.insert(role->number).second)
        channel.empty += role->getNumWarps() * role->getNumCopies() * kWarpSize;
    }
    for (Operation *user : op.getChannel().getUsers())
      if (auto commit = dyn_cast<CommitSlotOp>(user))
        loadedBytes[commit] = countLoadedBytes(commit);
    for (Operation *user : op.getChannel().getUsers())
      if (auto release = dyn_cast<ReleaseOp>(user))
        if (channel.loaded && isReadByThreads(release))
          fenced.insert(release);
    channel.written |= !channel.copied && !channel.loaded;
    channel.full = producers * ((channel.written ? kWarpSize : 0) +
                                (channel.copied ? kWarpSize : 0)) +
                   (channel.loaded ? 1 : 0);
  });
}

SmallVector<ChannelFacts::Channel>
ChannelFacts::getChannels(gpu::GPUFuncOp kernel) const {
  SmallVector<Channel> list;
  if (auto it = kernels.find(kernel); it != kernels.end())
    for (Operation *op : it->second)
      list.push_back(channels.at(op));
  return list;
}

namespace {

/// Waits until the turn `parity` of a barrier is over.
void waitFor(Emit &emit, Value barrier, Value parity, bool canSuspend) {
  // A thread that may be suspended is woken by the barrier; it looks again
  // after 10 ms at the latest.
  StringRef test = canSuspend
                       ? "mbarrier.try_wait.parity.shared::cta.b64 done, [$0], "
                         "$1, 0x989680;\n"
                       : "mbarrier.test_wait.parity.shared::cta.b64 done, "
                         "[$0], $1;\n";
  std::string text =
      ("{\n.reg .pred done;\nWAIT:\n" + test + "@!done bra WAIT;\n}").str();
  emit.assembly(text, "r,r,~{memory}", {emit.addressOf(barrier), parity});
}

/// Every thread arrives: that takes no longer than to wait for the other lanes
/// and let one arrive (docs/Gpu.md), and tools that look for races follow it.
void arrive(Emit &emit, Value barrier) {
  emit.assembly("mbarrier.arrive.shared::cta.b64 _, [$0];", "r,~{memory}",
                emit.addressOf(barrier));
}

template <typename Op> struct SlotPattern : OpConversionPattern<Op> {
  SlotPattern(const TypeConverter &converter, MLIRContext *context,
              const ChannelFacts &facts)
      : OpConversionPattern<Op>(converter, context), facts(facts) {}
  const ChannelFacts &facts;

  /// The buffers of the slot, after a wait for its barrier.
  static SmallVector<Value> buffers(SlotAddress &slot, ChannelType type) {
    SmallVector<Value> values;
    for (unsigned i = 0, e = type.getBuffers().size(); i != e; ++i)
      values.push_back(slot.buffer(i));
    return values;
  }
};

struct AcquirePattern : SlotPattern<AcquireOp> {
  using SlotPattern::SlotPattern;
  LogicalResult
  matchAndRewrite(AcquireOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    ChannelType type = op.getChannel().getType();
    SlotAddress slot(emit, adaptor.getChannel(), adaptor.getIndex(), type);
    // Before its first turn a barrier is as after one of the other parity: a
    // slot never used is empty.
    Value other = arith::XOrIOp::create(rewriter, op.getLoc(), slot.parity(),
                                        emit.i32(1));
    waitFor(emit, slot.empty(), other, facts.canSuspend());
    rewriter.replaceOp(op, buffers(slot, type));
    return success();
  }
};

struct WaitSlotPattern : SlotPattern<WaitSlotOp> {
  using SlotPattern::SlotPattern;
  LogicalResult
  matchAndRewrite(WaitSlotOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    ChannelType type = op.getChannel().getType();
    SlotAddress slot(emit, adaptor.getChannel(), adaptor.getIndex(), type);
    waitFor(emit, slot.full(), slot.parity(), facts.canSuspend());
    rewriter.replaceOp(op, buffers(slot, type));
    return success();
  }
};

struct CommitSlotPattern : SlotPattern<CommitSlotOp> {
  using SlotPattern::SlotPattern;
  LogicalResult
  matchAndRewrite(CommitSlotOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    ChannelType type = op.getChannel().getType();
    SlotAddress slot(emit, adaptor.getChannel(), adaptor.getIndex(), type);
    const ChannelFacts::Channel &channel = facts.get(op.getChannel());
    if (channel.copied)
      NVVM::CpAsyncMBarrierArriveOp::create(rewriter, op.getLoc(), slot.full(),
                                            /*noinc=*/true);
    if (channel.written)
      arrive(emit, slot.full());
    if (channel.loaded)
      emit.assembly(
          "@$2 mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;",
          "r,r,b,~{memory}",
          {emit.addressOf(slot.full()), emit.i32(facts.getLoadedBytes(op)),
           emit.isFirst()});
    rewriter.eraseOp(op);
    return success();
  }
};

struct ReleasePattern : SlotPattern<ReleaseOp> {
  using SlotPattern::SlotPattern;
  LogicalResult
  matchAndRewrite(ReleaseOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    SlotAddress slot(emit, adaptor.getChannel(), adaptor.getIndex(),
                     op.getChannel().getType());
    // An arrival does not wait for loads under way, and bulk copies write past
    // them.
    if (facts.isFenced(op))
      fenceAsync(emit);
    arrive(emit, slot.empty());
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void deltanet::tile::populateChannelPatterns(const TypeConverter &converter,
                                             RewritePatternSet &patterns,
                                             const ChannelFacts &facts) {
  MLIRContext *context = patterns.getContext();
  patterns
      .add<AcquirePattern, WaitSlotPattern, CommitSlotPattern, ReleasePattern>(
          converter, context, facts);
}
