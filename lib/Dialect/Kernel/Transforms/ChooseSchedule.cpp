//===- ChooseSchedule.cpp - decides how recurrences are computed
//-----------===//
#include "deltanet/Dialect/Kernel/Transforms/Passes.h"
#include "deltanet/Dialect/LinRec/IR/LinRec.h"

namespace deltanet::kernel {
#define GEN_PASS_DEF_KERNELCHOOSESCHEDULE
#include "deltanet/Dialect/Kernel/Transforms/Passes.h.inc"
} // namespace deltanet::kernel

using namespace mlir;
using namespace deltanet;
using kernel::ScheduleAttr;

/// Whether `function` has recurrences, and all are known to be short.
static bool hasOnlyShortRecurrences(func::FuncOp function) {
  bool any = false, allShort = true;
  function.walk([&](linrec::RecurrenceOpInterface op) {
    int64_t tokens = linrec::getScanShape(op).tokens;
    any = true;
    allShort &=
        !ShapedType::isDynamic(tokens) && tokens <= kernel::kTokenLoopTokens;
  });
  return any && allShort;
}

namespace {
struct KernelChooseSchedule
    : kernel::impl::KernelChooseScheduleBase<KernelChooseSchedule> {
  using KernelChooseScheduleBase::KernelChooseScheduleBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    ScheduleAttr schedule = kernel::getSchedule(function);
    if (failed(chooseChunk(function, schedule)) ||
        failed(chooseTypes(function, schedule)))
      return signalPassFailure();
    if (auto target = kernel::getTarget(function))
      if (target.isCPU() && !schedule.getVectorBits())
        schedule = schedule.withVectorBits(target.getVectorBits());
    kernel::setSchedule(function, kernel::withDefaults(schedule));
  }

  LogicalResult chooseChunk(func::FuncOp function, ScheduleAttr &schedule) {
    if (chunkSize < 0)
      return emitError(function.getLoc(),
                       "expects chunks of at least 1 token, got ")
             << chunkSize.getValue();
    if (tokenLoop && chunkSize > 1)
      return emitError(function.getLoc(),
                       "expects token-loop or chunk, not both, got "
                       "chunk = ")
             << chunkSize.getValue();
    if (tokenLoop || chunkSize == 1)
      schedule = schedule.withTokenLoop();
    else if (chunkSize > 1)
      schedule = schedule.withChunk(chunkSize);
    else if (!schedule.getChunk() && hasOnlyShortRecurrences(function))
      schedule = schedule.withTokenLoop();
    else if (auto target = kernel::getTarget(function);
             !schedule.getChunk() && target && target.isCPU())
      schedule = schedule.withChunk(kernel::kChunkOnCPU);
    return success();
  }

  LogicalResult chooseTypes(func::FuncOp function, ScheduleAttr &schedule) {
    MLIRContext *context = &getContext();
    if (!productType.empty()) {
      Type type = llvm::StringSwitch<Type>(productType)
                      .Case("f32", Float32Type::get(context))
                      .Case("bf16", BFloat16Type::get(context))
                      .Case("f16", Float16Type::get(context))
                      .Default({});
      if (!type)
        return emitError(function.getLoc(),
                         "expects products of f32, bf16 or f16, got '")
               << productType << "'";
      schedule = schedule.withProducts(type);
    }
    if (!gateType.empty()) {
      Type type = llvm::StringSwitch<Type>(gateType)
                      .Case("f32", Float32Type::get(context))
                      .Case("f64", Float64Type::get(context))
                      .Default({});
      if (!type)
        return emitError(function.getLoc(),
                         "expects gates of f32 or f64, got '")
               << gateType << "'";
      schedule = schedule.withGates(type);
    }
    return success();
  }
};
} // namespace
