//===- Targets.cpp - deltanet targets -------------------------------------===//
// Lists the chips known, and the machine at hand, with their facts.
//===----------------------------------------------------------------------===//
#include "Format.h"
#include "Session.h"
#include "deltanet/Target/TargetRegistry.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;
using kernel::TargetAttr;

static std::string describeGpu(TargetAttr target) {
  std::vector<std::string> extras;
  for (auto [has, name] : {std::pair(target.getTma(), "tma"),
                           std::pair(target.getWgmma(), "wgmma")})
    if (has)
      extras.push_back(name);
  return fmt::format("gpu  compute {}.{}  {:3} KB shared  PTX {}.{}{}{}",
                     target.getComputeCapability() / 10,
                     target.getComputeCapability() % 10,
                     target.getSharedMemoryBytesPerBlock() / 1024,
                     target.getPtxVersion() / 10, target.getPtxVersion() % 10,
                     extras.empty() ? "" : "  ", fmt::join(extras, " "));
}

static std::string describe(TargetAttr target) {
  if (target.isGPU())
    return describeGpu(target);
  return fmt::format("cpu  {}  {}-bit vectors{}", target.getChip().str(),
                     target.getVectorBits(), target.getFma() ? "  fma" : "");
}

static llvm::json::Object toJson(TargetAttr target) {
  llvm::json::Object facts{{"name", target.getName()},
                           {"kind", target.isGPU() ? "gpu" : "cpu"},
                           {"triple", target.getTriple()},
                           {"chip", target.getChip()}};
  if (target.isCPU()) {
    facts["vector_bits"] = target.getVectorBits();
    facts["vector_registers"] = target.getVectorRegisters();
    facts["fma"] = target.getFma();
    return facts;
  }
  facts["compute_capability"] = target.getComputeCapability();
  facts["ptx_version"] = target.getPtxVersion();
  facts["shared_memory_bytes_per_block"] =
      target.getSharedMemoryBytesPerBlock();
  facts["shared_memory_bytes_per_sm"] = target.getSharedMemoryBytesPerSm();
  facts["registers_per_sm"] = target.getRegistersPerSm();
  facts["registers_per_thread"] = target.getRegistersPerThread();
  facts["threads_per_sm"] = target.getThreadsPerSm();
  facts["threads_per_block"] = target.getThreadsPerBlock();
  facts["tma"] = target.getTma();
  facts["wgmma"] = target.getWgmma();
  return facts;
}

int deltanet::driver::listTargets(const CommonOptions &options,
                                  const Console &console) {
  Session session("targets", options, console);
  auto registry =
      TargetRegistry::load(session.getContext(), options.targetsFile);
  if (failed(registry))
    return session.finish(kInputError);
  SmallVector<TargetAttr> targets{getHostTarget(session.getContext())};
  llvm::append_range(targets, registry->getTargets());
  llvm::json::Array list;
  for (TargetAttr target : targets) {
    session.print(
        fmt::format("{:<10} {}", target.getName().str(), describe(target)));
    list.push_back(toJson(target));
  }
  session["targets"] = std::move(list);
  return session.finish(kOk);
}
