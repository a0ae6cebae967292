//===- SetTarget.cpp - states the facts of a chip on a module -------------===//
#include "deltanet/Dialect/Kernel/Transforms/Passes.h"
#include "deltanet/Target/TargetRegistry.h"

namespace deltanet::kernel {
#define GEN_PASS_DEF_KERNELSETTARGET
#include "deltanet/Dialect/Kernel/Transforms/Passes.h.inc"
} // namespace deltanet::kernel

using namespace mlir;
using namespace deltanet;

namespace {
struct KernelSetTarget : kernel::impl::KernelSetTargetBase<KernelSetTarget> {
  using KernelSetTargetBase::KernelSetTargetBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    std::string name = targetName;
    if (name.empty()) {
      if (kernel::getTarget(module))
        return;
      name = kHostTarget.str();
    }
    auto registry = TargetRegistry::load(&getContext(), targetsFile);
    if (failed(registry))
      return signalPassFailure();
    auto target = registry->lookup(name, module.getLoc());
    if (failed(target))
      return signalPassFailure();
    module->setAttr(kernel::kTargetName, *target);
  }
};
} // namespace
