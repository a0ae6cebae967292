//===- ChooseSchedule.cpp - decides how recurrences are computed ----------===//
#include "deltanet/Dialect/Kernel/Transforms/Passes.h"
#include "deltanet/Dialect/LinRec/IR/LinRec.h"

namespace deltanet::kernel {
#define GEN_PASS_DEF_KERNELCHOOSESCHEDULE
#include "deltanet/Dialect/Kernel/Transforms/Passes.h.inc"
} // namespace deltanet::kernel

using namespace mlir;
using namespace deltanet;
using kernel::ScheduleAttr;

/// Whether `function` has recurrences, and all are known to have at most `most`
/// tokens, or have no other form than the token loop.
static bool hasOnlyShortRecurrences(func::FuncOp function, int64_t most) {
  bool any = false, allShort = true;
  function.walk([&](linrec::RecurrenceOpInterface op) {
    int64_t tokens = linrec::getScanShape(op).tokens;
    any = true;
    allShort &= !ShapedType::isDynamic(tokens) && tokens <= most;
  });
  function.walk([&](linrec::SelectiveScanOp) { any = true; });
  return any && allShort;
}

/// Whether operands rounded to 16 bits would be too far off: where keys have
/// few channels, or tokens many keys, keys are nearly dependent within a chunk,
/// so that its triangle is far from the identity and the errors of solving it
/// stay in a small state (docs/Gpu.md).
static bool needsFloatProducts(linrec::RecurrenceOpInterface op) {
  auto scan = dyn_cast<linrec::ScanOp>(op.getOperation());
  if (scan && !scan.getBeta())
    return false; // nothing is solved
  linrec::ScanShape shape = linrec::getScanShape(op);
  if (op.getValue().getType().getElementType().isF16())
    return shape.keyWidth < 48;
  return shape.keyWidth < (shape.steps > 2 ? 128 : 64);
}

/// The element type of the recurrences of `function`, bf16 where it has none:
/// so are products of tensors on their way to tensor cores.
static Type findElementType(func::FuncOp function) {
  Type element = BFloat16Type::get(function.getContext());
  function.walk([&](linrec::RecurrenceOpInterface op) {
    element = op.getValue().getType().getElementType();
    if (needsFloatProducts(op))
      element = Float32Type::get(function.getContext());
  });
  return element;
}

namespace {
struct KernelChooseSchedule
    : kernel::impl::KernelChooseScheduleBase<KernelChooseSchedule> {
  using KernelChooseScheduleBase::KernelChooseScheduleBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    FailureOr<ScheduleAttr> stated = readOptions(function);
    if (failed(stated))
      return signalPassFailure();
    ScheduleAttr schedule = *stated;
    auto target = kernel::getTarget(function);
    bool gpu = target && target.isGPU();
    if (!schedule.getChunk() && schedule.getSegments() < 2 &&
        hasOnlyShortRecurrences(function, gpu ? kernel::kTokenLoopTokensOnGPU
                                              : kernel::kTokenLoopTokens))
      schedule = schedule.withTokenLoop();
    bool leaveOpen = gpu && leaveChunk && !schedule.getChunk();
    if (!schedule.getChunk() && target && !leaveOpen)
      schedule =
          schedule.withChunk(gpu ? kernel::kChunkOnGPU : kernel::kChunkOnCPU);
    // Chunks are for the tensor cores; the token loop has no use for them.
    if (gpu && !schedule.getProducts() && !schedule.getTokenLoop())
      schedule = schedule.withProducts(findElementType(function));
    // Products of 16 bits are further off than a sum of f32. The token loop has
    // no sums.
    if (gpu && !schedule.getGates() &&
        (schedule.getTokenLoop() || !schedule.getProducts().isF32()))
      schedule = schedule.withGates(Float32Type::get(&getContext()));
    if (target && target.isCPU() && !schedule.getVectorBits())
      schedule = schedule.withVectorBits(target.getVectorBits());
    // A selective scan has no chunks to choose.
    if (leaveOpen && hasRecurrences(function))
      kernel::setSchedule(function, schedule);
    else
      kernel::setSchedule(function, kernel::withDefaults(schedule));
  }

private:
  static bool hasRecurrences(func::FuncOp function) {
    return function
        .walk([](linrec::RecurrenceOpInterface) {
          return WalkResult::interrupt();
        })
        .wasInterrupted();
  }

  /// What the function states, and the options in place of it.
  FailureOr<ScheduleAttr> readOptions(func::FuncOp function) {
    if (tokenLoop && chunkSize > 1)
      return emitError(function.getLoc(),
                       "expects token-loop or chunk, not both, got chunk = ")
             << chunkSize.getValue();
    if (!decided.empty()) {
      FailureOr<ScheduleAttr> schedule =
          kernel::parseSchedule(function.getLoc(), decided);
      if (failed(schedule))
        return failure();
      kernel::setSchedule(function, *schedule);
    }
    ScheduleAttr schedule = kernel::getSchedule(function);
    if (keepStates < 0)
      return emitError(function.getLoc(),
                       "expects keep-states of at least 1, got ")
             << keepStates.getValue();
    if (keepStates > 0)
      schedule = schedule.withKeepStates(keepStates);
    return kernel::withOptions(function.getLoc(), schedule,
                               tokenLoop ? 1 : chunkSize.getValue(),
                               productType, gateType);
  }
};
} // namespace
