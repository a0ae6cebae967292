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

/// Whether what is kept is of the same shapes in both.
static bool keepsAlike(const artifact::Signature &a,
                       const artifact::Signature &b) {
  return llvm::equal(
      a.arguments, b.arguments,
      [](const artifact::TensorInfo &x, const artifact::TensorInfo &y) {
        return x.name == y.name && x.type == y.type && x.shape == y.shape;
      });
}

/// The packages of the derived functions: what they take and give follows from
/// the function's. All targets have one manifest.
int PackageBuilder::describeGradient(kernel::TargetAttr target) {
  if (int code = gradient.derive(module, target))
    return code;
  auto signatures =
      describeDerived(function, gradient, packages.front().signature);
  if (failed(signatures))
    return kInternal;
  bool first = packages.size() == 1;
  for (auto [i, signature] : llvm::enumerate(*signatures))
    if (first)
      packages.emplace_back().signature = std::move(signature);
    else if (!keepsAlike(signature, packages[i + 1].signature))
      return session.fail(
          kUsage, "expects --chunk and --products with --grad for several "
                  "targets, so that all keep the same tensors, got others for "
                  "'" +
                      target.getName() + "' than for '" +
                      packages.front().targets.front().name + "'");
  return kOk;
}

/// The code of the derived functions: on a processor it is in the function's
/// object, on a GPU each has kernels of its own.
int PackageBuilder::addGradient(kernel::TargetAttr target, StringRef ptxas,
                                const artifact::TargetCode &code) {
  const StringRef suffixes[] = {kForwardSuffix, kBackwardSuffix};
  for (auto [i, suffix] : llvm::enumerate(suffixes)) {
    artifact::TargetCode own = code;
    if (target.isGPU()) {
      func::FuncOp derived =
          i == 0 ? gradient.getForward() : gradient.getBackward();
      OwningOpRef<ModuleOp> copy = gradient.copyDerived(derived);
      if (!copy)
        return session.fail(kInternal, "cannot drop unused functions");
      own = artifact::TargetCode();
      if (int error = compile(*copy, derived.getName(), options, kGradientPhase,
                              target, ptxas, own))
        return error;
      own.tolerances = code.tolerances;
    } else {
      own.object.clear();
      own.function += suffix;
    }
    packages[i + 1].targets.push_back(std::move(own));
  }
  std::vector<double> &tolerances = packages[2].targets.back().tolerances;
  tolerances.clear();
  for (unsigned argument : gradient.getArguments())
    tolerances.push_back(chooseGradientTolerance(function, argument, schedule));
  return kOk;
}

/// Compiles the function `name`, which is alone in `copy`.
int PackageBuilder::compile(ModuleOp copy, StringRef name,
                            const CompilationOptions &plan,
                            StringRef startAfter, kernel::TargetAttr target,
                            StringRef ptxas, artifact::TargetCode &code) {
  const Pipeline &pipeline =
      target.isGPU() ? getLinRecToPTX() : getLinRecToHost();
  if (startAfter.empty())
    if (int error = lower(session, copy, pipeline, target, plan, "schedule"))
      return error;
  schedule = kernel::getSchedule(copy.lookupSymbol<func::FuncOp>(name));
  code.variants = listVariants(copy, name);
  if (int error = lower(session, copy, pipeline, target, plan,
                        target.isGPU() ? "nvvm" : "", startAfter))
    return error;
  // Where kernels keep the decisions taken on the way, these are all of them.
  copy.walk([&](Operation *op) {
    if (auto all =
            op->getAttrOfType<kernel::ScheduleAttr>(kernel::kScheduleName))
      schedule = all;
  });
  code.name = target.getName().str();
  llvm::raw_string_ostream(code.schedule) << schedule;
  llvm::raw_string_ostream(code.products) << schedule.getProducts();
  code.chunk = schedule.getChunk();
  code.tokenLoop = schedule.getTokenLoop();
  return target.isGPU() ? addGpu(copy, target, ptxas, code)
                        : addProcessor(copy, target, code);
}

int PackageBuilder::addTarget(kernel::TargetAttr target, StringRef ptxas) {
  if (wantsGradient(options))
    if (int code = describeGradient(target))
      return code;
  OwningOpRef<ModuleOp> copy = copyEntry(module, function);
  if (!copy)
    return session.fail(kInternal, "cannot drop unused functions");
  // On a GPU the function goes its own way, with variants.
  CompilationOptions plan = options;
  if (target.isGPU()) {
    plan.grad.clear();
    plan.gradFrom.clear();
    plan.keepStates = 0;
  }
  artifact::TargetCode code;
  if (int error =
          compile(*copy, function.getName(), plan, "", target, ptxas, code))
    return error;
  code.tolerances = describeTolerances(function, schedule);
  if (wantsGradient(options))
    if (int error = addGradient(target, ptxas, code))
      return error;
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
