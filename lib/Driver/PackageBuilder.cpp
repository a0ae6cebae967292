//===- PackageBuilder.cpp - one function for several targets --------------===//
// See PackageBuilder.h.
//===----------------------------------------------------------------------===//
#include "PackageBuilder.h"
#include "Describe.h"
#include "Tolerance.h"
#include "deltanet/Runtime/Features.h"
#include "deltanet/Target/Host.h"
#include "deltanet/Target/PTX.h"
#include "deltanet/Target/TargetRegistry.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;

std::string deltanet::driver::digestSource(Session &session) {
  llvm::SHA256 hash;
  llvm::SourceMgr &sources = session.getSourceMgr();
  if (sources.getNumBuffers())
    hash.update(sources.getMemoryBuffer(sources.getMainFileID())->getBuffer());
  return llvm::toHex(hash.final(), /*LowerCase=*/true);
}

int PackageBuilder::describe(StringRef prefix) {
  auto signature = describeFunction(function, prefix);
  if (failed(signature))
    return kInputError;
  packages.emplace_back().signature = std::move(*signature);
  packages.front().signature.sourceDigest = digestSource(session);
  return wantsGradient(options) ? gradient.read() : int(kOk);
}

/// Assembles the PTX of `code`.
static int assemble(Session &session, artifact::TargetCode &code,
                    StringRef ptxas) {
  if (llvm::Error error = artifact::assemble(code, ptxas))
    return session.fail(kInternal,
                        "ptxas refuses the PTX for '" + code.name +
                            "': " + llvm::toString(std::move(error)));
  for (const auto &[kernel, resources] : code.resources)
    if (resources.spillStores || resources.spillLoads)
      session.note("'" + kernel + "' for " + code.name + " spills " +
                   llvm::Twine(resources.spillStores) + " bytes of registers");
  return kOk;
}

int PackageBuilder::addGpu(ModuleOp lowered, kernel::TargetAttr target,
                           StringRef ptxas, artifact::TargetCode &code) {
  auto modules = lowered.getOps<gpu::GPUModuleOp>();
  if (!llvm::hasSingleElement(modules))
    return session.fail(
        kInternal,
        "expects the kernels of '" + function.getName() +
            "' in one module, got " +
            llvm::Twine(std::distance(modules.begin(), modules.end())));
  auto ptx = ptx::emitPTX(*modules.begin(), target);
  if (failed(ptx))
    return kInternal;
  code.gpu = true;
  code.computeCapability = target.getComputeCapability();
  code.specific =
      !target.getName().empty() && llvm::isAlpha(target.getName().back());
  code.ptx = std::move(*ptx);
  auto launches = artifact::readLaunches(code.ptx);
  if (!launches)
    return session.fail(kInternal, llvm::toString(launches.takeError()));
  code.launches = std::move(*launches);
  return ptxas.empty() ? int(kOk) : assemble(session, code, ptxas);
}

int PackageBuilder::addProcessor(ModuleOp lowered, kernel::TargetAttr target,
                                 artifact::TargetCode &code) {
  host::MachineOptions machine;
  machine.triple = target.getTriple().str();
  machine.cpu = target.getChip().str();
  machine.features = target.getFeatures().str();
  auto object = host::emitObject(lowered, machine);
  if (!object)
    return session.fail(kInternal, llvm::toString(object.takeError()));
  code.object.assign(object->begin(), object->end());
  code.triple = machine.triple;
  code.architecture =
      llvm::Triple::getArchTypeName(llvm::Triple(machine.triple).getArch())
          .str();
  code.needs =
      artifact::findNeeds(machine.triple, machine.cpu, machine.features);
  code.function = ("_mlir_ciface_" + function.getName()).str();
  return kOk;
}

/// The schedules that stand in for the function's own at some extents.
static std::vector<artifact::VariantCode> listVariants(ModuleOp module,
                                                       StringRef function) {
  std::vector<artifact::VariantCode> variants;
  for (auto other : module.getOps<func::FuncOp>()) {
    kernel::VariantAttr variant = kernel::getVariant(other);
    if (!variant || variant.getOf() != function)
      continue;
    artifact::VariantCode &code = variants.emplace_back();
    code.name = other.getName().str();
    code.when = variant.getWhen().str();
    code.chunk = kernel::getSchedule(other).getChunk();
    llvm::raw_string_ostream(code.schedule) << kernel::getSchedule(other);
  }
  return variants;
}

/// The packages of the derived functions: what they take and give follows from
/// the function's.
int PackageBuilder::describeGradient(kernel::TargetAttr target) {
  if (int code = checkGradientTarget(session, target))
    return code;
  if (int code = gradient.derive(module, target))
    return code;
  auto signatures =
      describeDerived(function, gradient, packages.front().signature);
  if (failed(signatures))
    return kInternal;
  for (artifact::Signature &signature : *signatures)
    packages.emplace_back().signature = std::move(signature);
  return kOk;
}

/// The code of the derived functions, which is in the function's object.
void PackageBuilder::addGradient(const artifact::TargetCode &code) {
  artifact::TargetCode forward = code;
  forward.object.clear();
  artifact::TargetCode backward = forward;
  forward.function += kForwardSuffix;
  backward.function += kBackwardSuffix;
  backward.tolerances.clear();
  for (unsigned argument : gradient.getArguments())
    backward.tolerances.push_back(
        chooseGradientTolerance(function, argument, schedule));
  packages[1].targets.push_back(std::move(forward));
  packages[2].targets.push_back(std::move(backward));
}

int PackageBuilder::addTarget(kernel::TargetAttr target, StringRef ptxas) {
  if (wantsGradient(options))
    if (int code = describeGradient(target))
      return code;
  OwningOpRef<ModuleOp> copy = copyEntry(module, function);
  if (!copy)
    return session.fail(kInternal, "cannot drop unused functions");
  const Pipeline &pipeline =
      target.isGPU() ? getLinRecToPTX() : getLinRecToHost();
  if (int code = lower(session, *copy, pipeline, target, options, "schedule"))
    return code;
  schedule =
      kernel::getSchedule(copy->lookupSymbol<func::FuncOp>(function.getName()));
  artifact::TargetCode code;
  code.variants = listVariants(*copy, function.getName());
  if (int error = lower(session, *copy, pipeline, target, options,
                        target.isGPU() ? "nvvm" : ""))
    return error;
  // Where kernels keep the decisions taken on the way, these are all of them.
  copy->walk([&](Operation *op) {
    if (auto all =
            op->getAttrOfType<kernel::ScheduleAttr>(kernel::kScheduleName))
      schedule = all;
  });
  code.name = target.getName().str();
  llvm::raw_string_ostream(code.schedule) << schedule;
  llvm::raw_string_ostream(code.products) << schedule.getProducts();
  code.chunk = schedule.getChunk();
  code.tokenLoop = schedule.getTokenLoop();
  code.tolerances = describeTolerances(function, schedule);
  if (int error = target.isGPU() ? addGpu(*copy, target, ptxas, code)
                                 : addProcessor(*copy, target, code))
    return error;
  if (wantsGradient(options))
    addGradient(code);
  packages.front().targets.push_back(std::move(code));
  return kOk;
}

int PackageBuilder::getManifest(const artifact::Package &package,
                                std::string &manifest) {
  auto text = artifact::writeManifest(package);
  if (!text)
    return session.fail(kInternal, llvm::toString(text.takeError()));
  manifest = std::move(*text);
  return kOk;
}

/// For code that only passes arguments on: any processor of the architecture.
static host::MachineOptions getBaseline(MLIRContext *context) {
  host::MachineOptions machine;
  machine.triple = getHostTarget(context).getTriple().str();
  machine.cpu = llvm::Triple(machine.triple).getArch() == llvm::Triple::x86_64
                    ? "x86-64"
                    : "generic";
  return machine;
}

/// The object that ties `package` to the runtime.
int PackageBuilder::makeGlue(const artifact::Package &package,
                             std::string &glue) {
  std::string manifest;
  if (int code = getManifest(package, manifest))
    return code;
  auto parsed = parseSourceString<ModuleOp>(
      artifact::writeGlue(package, manifest), session.getContext());
  if (!parsed)
    return session.fail(kInternal, "the code around the package is not right");
  auto object = host::emitObject(*parsed, getBaseline(session.getContext()));
  if (!object)
    return session.fail(kInternal, llvm::toString(object.takeError()));
  glue.assign(object->begin(), object->end());
  return kOk;
}

int PackageBuilder::link(StringRef name, std::string &library) {
  if (const artifact::TargetCode *host = getPackage().findHost())
    if (host->architecture != deltanet_architecture())
      return session.fail(
          kUsage, "expects a processor of " +
                      llvm::Twine(deltanet_architecture()) +
                      " in a shared library that this machine links, got '" +
                      host->name + "' of " + host->architecture);
  auto linker = artifact::findLinker();
  if (!linker)
    return session.fail(kMissing, "expects one of " +
                                      artifact::getLinkerNames() +
                                      " on PATH for --emit so");
  std::vector<std::string> glues(packages.size());
  for (auto [package, glue] : llvm::zip_equal(packages, glues))
    if (int code = makeGlue(package, glue))
      return code;
  auto linked = artifact::link(packages, glues, name, *linker);
  if (!linked)
    return session.fail(kInternal, llvm::toString(linked.takeError()));
  library = std::move(*linked);
  return kOk;
}
