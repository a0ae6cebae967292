//===- EmitPTX.cpp - kernels as PTX ---------------------------------------===//
// MLIR to LLVM IR to PTX with LLVM's NVPTX back end.
//===----------------------------------------------------------------------===//
#include "deltanet/Dialect/Tile/IR/Tile.h"
#include "deltanet/Target/PTX.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"

using namespace mlir;
using namespace deltanet;

/// PTX from this version on has all that is written: movmatrix came with 7.8,
/// bulk copies and the fence for their barriers with 8.0.
static int64_t getMinimumPTX(kernel::TargetAttr target) {
  return target.getTma() || target.getMbarrierTx() ? 80 : 78;
}

static void initializeBackEnd() {
  static const bool once = [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
    return true;
  }();
  (void)once;
}

void deltanet::ptx::registerTranslations(DialectRegistry &registry) {
  registerBuiltinDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
}

static FailureOr<std::unique_ptr<llvm::TargetMachine>>
makeMachine(gpu::GPUModuleOp module, kernel::TargetAttr target) {
  if (!target.isGPU())
    return module.emitError("expects a gpu to write PTX for, got ")
           << target.getName();
  initializeBackEnd();
  llvm::Triple triple(target.getTriple());
  std::string message;
  const llvm::Target *backEnd =
      llvm::TargetRegistry::lookupTarget(triple, message);
  if (!backEnd)
    return module.emitError("expects an LLVM with the NVPTX back end: ")
           << message;
  int64_t version = std::max(target.getPtxVersion(), getMinimumPTX(target));
  std::string features = "+ptx" + std::to_string(version);
  if (!target.getFeatures().empty())
    features += "," + target.getFeatures().str();
  std::unique_ptr<llvm::TargetMachine> machine(backEnd->createTargetMachine(
      triple, target.getChip(), features, llvm::TargetOptions(),
      llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Aggressive));
  if (!machine)
    return module.emitError(
               "expects a chip that the NVPTX back end knows, got ")
           << target.getChip();
  return machine;
}

/// Straight-line code on scalars: there are addresses and values that are
/// computed twice to clean. Nothing is moved out of loops: registers are what
/// is short.
static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::PassBuilder builder(&machine);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager callGraph;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraph, modules);
  llvm::FunctionPassManager passes;
  passes.addPass(llvm::EarlyCSEPass());
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(llvm::SimplifyCFGPass());
  passes.addPass(llvm::EarlyCSEPass());
  llvm::ModulePassManager manager;
  manager.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(passes)));
  manager.run(module, modules);
}

/// Tensor maps lie in the kernel's parameters, where the copy engine reads them:
/// passed by value, and never copied.
static void passMapsByValue(gpu::GPUModuleOp module, llvm::Module &code) {
  constexpr uint64_t kBytes = 128, kAlignment = 64;
  llvm::LLVMContext &context = code.getContext();
  llvm::Type *bytes =
      llvm::ArrayType::get(llvm::Type::getInt8Ty(context), kBytes);
  for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
    auto maps = function->getAttrOfType<DenseI64ArrayAttr>(tile::kMapsAttr);
    if (!maps)
      continue;
    llvm::Function *kernel = code.getFunction(function.getName());
    for (int64_t map : maps.asArrayRef()) {
      llvm::AttrBuilder attributes(context);
      attributes.addByValAttr(bytes);
      attributes.addAlignmentAttr(llvm::Align(kAlignment));
      attributes.addAttribute(NVVM::NVVMDialect::getGridConstantAttrName());
      kernel->addParamAttrs(map, attributes);
    }
  }
}

static std::unique_ptr<llvm::Module> translate(gpu::GPUModuleOp module,
                                               llvm::LLVMContext &context,
                                               llvm::TargetMachine &machine) {
  std::unique_ptr<llvm::Module> code =
      translateModuleToLLVMIR(module, context, module.getName());
  if (!code) {
    module.emitError("could not be translated to LLVM IR");
    return nullptr;
  }
  passMapsByValue(module, *code);
  code->setTargetTriple(machine.getTargetTriple());
  code->setDataLayout(machine.createDataLayout());
  optimize(*code, machine);
  return code;
}

/// An attribute as JSON.
static llvm::json::Value toJSON(Attribute attr) {
  if (auto text = dyn_cast<StringAttr>(attr))
    return text.getValue();
  if (auto number = dyn_cast<IntegerAttr>(attr))
    return number.getInt();
  if (auto list = dyn_cast<ArrayAttr>(attr)) {
    llvm::json::Array values;
    for (Attribute entry : list)
      values.push_back(toJSON(entry));
    return values;
  }
  llvm::json::Object object;
  for (NamedAttribute entry : cast<DictionaryAttr>(attr))
    object[entry.getName().getValue()] = toJSON(entry.getValue());
  return object;
}

static FailureOr<std::string> describeLaunches(gpu::GPUModuleOp module,
                                               kernel::TargetAttr target) {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
    if (!function->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName()))
      continue;
    auto launch = function->getAttrOfType<DictionaryAttr>(tile::kLaunchAttr);
    auto shared = function->getAttrOfType<IntegerAttr>(tile::kSharedBytesAttr);
    if (!launch || !shared)
      return function.emitError("expects a kernel that states its launch ('")
             << tile::kLaunchAttr << "') and its shared memory ('"
             << tile::kSharedBytesAttr << "')";
    llvm::json::Value line = toJSON(launch);
    llvm::json::Object &object = *line.getAsObject();
    object["kernel"] = function.getName();
    object["target"] = target.getName();
    object["shared"] = shared.getInt();
    os << "// deltanet.launch " << line << "\n";
  }
  return text;
}

FailureOr<std::string> deltanet::ptx::emitLLVM(gpu::GPUModuleOp module,
                                               kernel::TargetAttr target) {
  auto machine = makeMachine(module, target);
  if (failed(machine))
    return failure();
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code = translate(module, context, **machine);
  if (!code)
    return failure();
  std::string text;
  llvm::raw_string_ostream(text) << *code;
  return text;
}

FailureOr<std::string> deltanet::ptx::emitPTX(gpu::GPUModuleOp module,
                                              kernel::TargetAttr target) {
  auto machine = makeMachine(module, target);
  if (failed(machine))
    return failure();
  FailureOr<std::string> launches = describeLaunches(module, target);
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code = translate(module, context, **machine);
  if (failed(launches) || !code)
    return failure();
  llvm::SmallString<0> text;
  llvm::raw_svector_ostream os(text);
  llvm::legacy::PassManager passes;
  if ((*machine)->addPassesToEmitFile(passes, os, nullptr,
                                      llvm::CodeGenFileType::AssemblyFile))
    return module.emitError(
        "could not be written: the back end has no text form");
  passes.run(*code);
  return *launches + text.str().str();
}

FailureOr<std::string> deltanet::ptx::emitPTX(ModuleOp module) {
  auto target = module->getAttrOfType<kernel::TargetAttr>(kernel::kTargetName);
  if (!target)
    return module.emitError(
        "expects a module that states its target (kernel-set-target)");
  std::string text;
  for (auto kernels : module.getOps<gpu::GPUModuleOp>()) {
    FailureOr<std::string> part = emitPTX(kernels, target);
    if (failed(part))
      return failure();
    text += *part;
  }
  return text;
}
