//===- CodeGen.cpp - LLVM IR, assembly, objects ---------------------------===//
// The same bytes for the same module: nothing here depends on addresses, paths
// or time.
//===----------------------------------------------------------------------===//
#include "CodeGen.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"

using namespace deltanet;
using namespace llvm;

void host::registerTranslations(mlir::DialectRegistry &registry) {
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
}

static Error refuse(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message.str().c_str());
}

static void initializeTargets() {
  static const bool once = [] {
    InitializeAllTargetInfos();
    InitializeAllTargets();
    InitializeAllTargetMCs();
    InitializeAllAsmPrinters();
    return true;
  }();
  (void)once;
}

/// Fills in this machine for what is not said.
static host::MachineOptions complete(host::MachineOptions options) {
  if (options.triple.empty())
    options.triple = sys::getProcessTriple();
  if (!options.cpu.empty())
    return options;
  options.cpu = sys::getHostCPUName().str();
  SmallVector<std::string> features;
  for (const auto &feature : sys::getHostCPUFeatures())
    features.push_back((feature.second ? "+" : "-") + feature.first().str());
  llvm::sort(features);
  options.features = join(features, ",");
  return options;
}

static Expected<std::unique_ptr<TargetMachine>>
createMachine(const host::MachineOptions &options) {
  initializeTargets();
  Triple triple(options.triple);
  std::string error;
  const Target *target = TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return refuse("expects a known target triple, got '" + options.triple +
                  "': " + error);
  // Asked first: a target machine would tell the user itself, and go on.
  std::unique_ptr<MCSubtargetInfo> known(
      target->createMCSubtargetInfo(triple, "", ""));
  if (!known || !known->isCPUStringValid(options.cpu))
    return refuse("expects a processor of " + options.triple + ", got '" +
                  options.cpu + "'");
  TargetOptions machineOptions;
  // a * b + c in one rounding where the source has no say in it.
  machineOptions.AllowFPOpFusion = FPOpFusion::Fast;
  CodeGenOptLevel level = CodeGenOpt::getLevel(options.optimization)
                              .value_or(CodeGenOptLevel::Aggressive);
  std::unique_ptr<TargetMachine> machine(target->createTargetMachine(
      triple, options.cpu, options.features, machineOptions, Reloc::PIC_,
      std::nullopt, level));
  if (!machine)
    return refuse("LLVM has no code generator for " + options.triple);
  return machine;
}

/// The widest vector that a function uses, in bits of one register.
static void setFunctionAttributes(Module &module,
                                  const host::MachineOptions &options) {
  bool wide = StringRef(options.features).contains("+avx512f") ||
              StringRef(options.cpu).contains("x86-64-v4");
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", options.cpu);
    if (!options.features.empty())
      function.addFnAttr("target-features", options.features);
    // Vectors are written in the width that is wanted: never halve them.
    if (wide) {
      function.addFnAttr("prefer-vector-width", "512");
      function.addFnAttr("min-legal-vector-width", "512");
    }
  }
}

Expected<host::Code> host::translate(mlir::ModuleOp module,
                                     const MachineOptions &given) {
  MachineOptions options = complete(given);
  Expected<std::unique_ptr<TargetMachine>> machine = createMachine(options);
  if (!machine)
    return machine.takeError();
  Code code;
  code.machine = std::move(*machine);
  code.context = std::make_unique<LLVMContext>();
  code.module =
      mlir::translateModuleToLLVMIR(module, *code.context, "deltanet");
  if (!code.module)
    return refuse(
        "expects a module in the LLVM dialect alone (see the diagnostics)");
  code.module->setDataLayout(code.machine->createDataLayout());
  code.module->setTargetTriple(Triple(options.triple));
  setFunctionAttributes(*code.module, options);
  return code;
}

void host::optimize(Code &code, int level) {
  PipelineTuningOptions tuning;
  // The code is vectors already; these would only make more of it.
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  tuning.LoopInterleaving = false;
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  PassBuilder builder(code.machine.get(), tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  const OptimizationLevel levels[] = {
      OptimizationLevel::O0, OptimizationLevel::O1, OptimizationLevel::O2,
      OptimizationLevel::O3};
  if (level <= 0)
    builder.buildO0DefaultPipeline(OptimizationLevel::O0)
        .run(*code.module, modules);
  else
    builder.buildPerModuleDefaultPipeline(levels[std::min(level, 3)])
        .run(*code.module, modules);
}

Expected<SmallVector<char, 0>> host::emit(Code &code, CodeGenFileType type) {
  SmallVector<char, 0> bytes;
  raw_svector_ostream stream(bytes);
  legacy::PassManager passes;
  if (code.machine->addPassesToEmitFile(passes, stream, nullptr, type))
    return refuse("the target " + code.module->getTargetTriple().str() +
                  " does not write this kind of file");
  passes.run(*code.module);
  return bytes;
}

static Expected<SmallVector<char, 0>>
compile(mlir::ModuleOp module, const host::MachineOptions &options,
        CodeGenFileType type) {
  Expected<host::Code> code = host::translate(module, options);
  if (!code)
    return code.takeError();
  host::optimize(*code, options.optimization);
  return host::emit(*code, type);
}

Expected<std::string> host::emitLLVM(mlir::ModuleOp module,
                                     const MachineOptions &options) {
  Expected<Code> code = translate(module, options);
  if (!code)
    return code.takeError();
  optimize(*code, options.optimization);
  std::string text;
  raw_string_ostream stream(text);
  code->module->print(stream, nullptr);
  return text;
}

Expected<std::string> host::emitAssembly(mlir::ModuleOp module,
                                         const MachineOptions &options) {
  Expected<SmallVector<char, 0>> text =
      compile(module, options, CodeGenFileType::AssemblyFile);
  if (!text)
    return text.takeError();
  return std::string(text->begin(), text->end());
}

Expected<SmallVector<char, 0>> host::emitObject(mlir::ModuleOp module,
                                                const MachineOptions &options) {
  return compile(module, options, CodeGenFileType::ObjectFile);
}
