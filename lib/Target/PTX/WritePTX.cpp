//===- WritePTX.cpp - the pass that writes PTX ----------------------------===//
// See dialects/Target/Passes.td.
//===----------------------------------------------------------------------===//
#include "deltanet/Target/PTX.h"
#include "deltanet/Target/Passes.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/ToolOutputFile.h"

namespace deltanet {
#define GEN_PASS_DEF_WRITEPTX
#include "deltanet/Target/Passes.h.inc"
} // namespace deltanet

using namespace mlir;

namespace {
struct WritePTX : deltanet::impl::WritePTXBase<WritePTX> {
  using WritePTXBase::WritePTXBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    deltanet::ptx::registerTranslations(registry);
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<std::string> text = deltanet::ptx::emitPTX(module);
    if (failed(text))
      return signalPassFailure();
    std::string message;
    std::unique_ptr<llvm::ToolOutputFile> file =
        openOutputFile(output, &message);
    if (!file) {
      module.emitError(message);
      return signalPassFailure();
    }
    file->os() << *text;
    file->keep();
    for (auto kernels :
         llvm::make_early_inc_range(module.getOps<gpu::GPUModuleOp>())) {
      kernels.erase();
      ++numKernels;
    }
    // Nothing is left that the target and schedule would be for.
    if (module.getBody()->empty())
      module->setDiscardableAttrs(DictionaryAttr::get(&getContext()));
  }
};
} // namespace
