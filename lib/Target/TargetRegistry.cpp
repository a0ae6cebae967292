//===- TargetRegistry.cpp - facts of chips, by name -----------------------===//
// Parses the file of targets and looks names up in it.
//===----------------------------------------------------------------------===//
#include "deltanet/Target/TargetRegistry.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace deltanet;

static const char kTargetsMlir[] = {
#include "deltanet/Target/Targets.mlir.inc"
};

FailureOr<TargetRegistry> TargetRegistry::load(MLIRContext *context,
                                               StringRef file) {
  context->loadDialect<kernel::KernelDialect>();
  std::string message;
  std::unique_ptr<llvm::MemoryBuffer> buffer =
      file.empty() ? llvm::MemoryBuffer::getMemBuffer(
                         StringRef(kTargetsMlir, sizeof(kTargetsMlir)),
                         "Targets.mlir", /*RequiresNullTerminator=*/false)
                   : openInputFile(file, &message);
  if (!buffer)
    return emitError(UnknownLoc::get(context), message);
  llvm::SourceMgr manager;
  manager.AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  auto module = parseSourceFile<ModuleOp>(manager, ParserConfig(context));
  if (!module)
    return failure();
  auto entries = module.get()->getAttrOfType<ArrayAttr>(kernel::kTargetsName);
  if (!entries)
    return module->emitError("expects a module with the attribute '")
           << kernel::kTargetsName << "' in a file of targets";
  TargetRegistry registry;
  for (Attribute entry : entries)
    registry.targets.push_back(cast<kernel::TargetAttr>(entry));
  return registry;
}

/// The NNN of `sm_NNN`, and whether a letter follows; 0 for other names.
static std::pair<int64_t, bool> parseGpuName(StringRef name) {
  int64_t number = 0;
  if (!name.consume_front("sm_") || name.consumeInteger(10, number))
    return {0, false};
  if (!name.empty() && name != "a" && name != "f")
    return {0, false};
  return {number, !name.empty()};
}

/// The newest GPU older than compute capability `capability` whose code runs on
/// newer ones, too: none of those with a letter.
static kernel::TargetAttr findNearestGpu(ArrayRef<kernel::TargetAttr> targets,
                                         int64_t capability) {
  kernel::TargetAttr nearest;
  for (kernel::TargetAttr target : targets) {
    auto [number, specific] = parseGpuName(target.getName());
    if (!target.isGPU() || specific ||
        target.getComputeCapability() > capability)
      continue;
    if (!nearest ||
        target.getComputeCapability() > nearest.getComputeCapability())
      nearest = target;
  }
  return nearest;
}

/// The names most like `name`, for a message.
static std::string listNearNames(ArrayRef<kernel::TargetAttr> targets,
                                 StringRef name) {
  SmallVector<std::pair<unsigned, StringRef>> names;
  names.emplace_back(name.edit_distance(kHostTarget), kHostTarget);
  for (kernel::TargetAttr target : targets)
    names.emplace_back(name.edit_distance(target.getName()), target.getName());
  llvm::sort(names); // distances first, names among equals
  names.truncate(std::min<size_t>(names.size(), 3));
  return llvm::join(llvm::make_second_range(names), ", ");
}

FailureOr<kernel::TargetAttr> TargetRegistry::lookup(StringRef name,
                                                     Location loc) const {
  for (kernel::TargetAttr target : targets)
    if (target.getName() == name)
      return target;
  if (name == kHostTarget)
    return getHostTarget(loc.getContext());
  if (auto [capability, specific] = parseGpuName(name); capability > 0)
    if (auto nearest = findNearestGpu(targets, capability)) {
      emitRemark(loc) << "target \"" << name
                      << "\" is not known; its facts are taken from \""
                      << nearest.getName()
                      << "\", the nearest older chip, whose PTX runs on it";
      return nearest.withName(name);
    }
  return emitError(loc) << "expects a known target, got \"" << name
                        << "\"; the nearest names are "
                        << listNearNames(targets, name);
}
