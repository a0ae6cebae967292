//===- HostTarget.cpp - facts of the machine at hand ----------------------===//
// Asks the processor for its name and features, and says what they mean.
//===----------------------------------------------------------------------===//
#include "deltanet/Target/TargetRegistry.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;
using namespace deltanet;

namespace {
/// What the code generator does with vectors of the host.
struct VectorFacts {
  int64_t bits, registers;
  bool fma;
};
} // namespace

/// The widest vectors among `features`; the figures are those of
/// dialects/Kernel/Targets.mlir for the same instruction sets.
static VectorFacts readVectorFacts(const llvm::Triple &triple,
                                   const llvm::StringMap<bool> &features) {
  if (triple.isAArch64())
    return {128, 32, true};
  if (!triple.isX86())
    return {128, 16, false};
  if (features.lookup("avx512f") && features.lookup("avx512vl") &&
      features.lookup("avx512bw") && features.lookup("avx512dq"))
    return {512, 32, true};
  if (features.lookup("avx"))
    return {256, 16, features.lookup("fma")};
  return {128, 16, false};
}

kernel::TargetAttr deltanet::getHostTarget(MLIRContext *context) {
  context->loadDialect<kernel::KernelDialect>();
  llvm::Triple triple(llvm::sys::getProcessTriple());
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  // In order of names: a hash map's order is nobody's business.
  SmallVector<std::string> text;
  for (const auto &entry : features)
    text.push_back((entry.second ? "+" : "-") + entry.first().str());
  llvm::sort(text, [](StringRef a, StringRef b) {
    return a.drop_front() < b.drop_front();
  });
  VectorFacts facts = readVectorFacts(triple, features);
  return kernel::TargetAttr::get(
      context, kHostTarget, kernel::TargetKind::CPU, triple.str(),
      llvm::sys::getHostCPUName(), llvm::join(text, ","), facts.bits,
      facts.registers, facts.fma, /*computeCapability=*/0, /*ptxVersion=*/0,
      /*multiprocessors=*/0, /*sharedMemoryBytesPerBlock=*/0,
      /*sharedMemoryBytesPerSm=*/0, /*registersPerSm=*/0,
      /*registersPerThread=*/0, /*threadsPerSm=*/0, /*threadsPerBlock=*/0,
      /*ldmatrix=*/false, /*stmatrix=*/false, /*cpAsync=*/false,
      /*mmaF16=*/false, /*mmaBf16=*/false, /*mmaTf32=*/false,
      /*mbarrierTx=*/false, /*clusters=*/false, /*tma=*/false, /*wgmma=*/false,
      /*setmaxnreg=*/false);
}
