//===- deltanet-opt.cpp - runs passes over the project's dialects ---------===//
// mlir-opt for our dialects. --help shows our passes and the options one uses,
// --help-hidden what LLVM has beside them.
//===----------------------------------------------------------------------===//
#include "deltanet/Registration.h"
#include "mlir/Debug/Counter.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Support/Timing.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ToolOutputFile.h"

/// The options of MLIR that --help shows beside passes and pipelines.
static constexpr llvm::StringLiteral kShownOptions[] = {
    "o",
    "allow-unregistered-dialect",
    "dump-pass-pipeline",
    "emit-bytecode",
    "help",
    "help-hidden",
    "mlir-pass-pipeline-crash-reproducer",
    "mlir-pass-statistics",
    "mlir-print-debuginfo",
    "mlir-print-ir-after",
    "mlir-print-ir-after-all",
    "mlir-print-ir-after-failure",
    "mlir-print-ir-before",
    "mlir-print-ir-before-all",
    "mlir-print-op-generic",
    "mlir-timing",
    "pass-pipeline",
    "split-input-file",
    "verify-diagnostics",
    "verify-roundtrip",
    "version"};

/// Hides from --help what is not listed; nothing is taken away.
static void hideOtherOptions() {
  llvm::StringSet<> shown;
  for (llvm::StringRef name : kShownOptions)
    shown.insert(name);
  for (auto &entry : llvm::cl::getRegisteredOptions()) {
    llvm::cl::Option *option = entry.second;
    // The names of passes are values of one option without a name.
    if (option->hasArgStr() && !shown.contains(option->ArgStr) &&
        option->getOptionHiddenFlag() == llvm::cl::NotHidden)
      option->setHiddenFlag(llvm::cl::Hidden);
  }
}

/// Runs the passes and writes the module that is left. Where write-ptx has
/// taken all there was, nothing is, and nothing stands in the way of the PTX.
static mlir::LogicalResult run(llvm::StringRef input, llvm::StringRef output,
                               mlir::DialectRegistry &registry) {
  std::string message, text;
  auto source = mlir::openInputFile(input, &message);
  auto file = source ? mlir::openOutputFile(output, &message) : nullptr;
  if (!file) {
    llvm::errs() << message << "\n";
    return mlir::failure();
  }
  llvm::raw_string_ostream stream(text);
  if (mlir::failed(
          mlir::MlirOptMain(stream, std::move(source), registry,
                            mlir::MlirOptMainConfig::createFromCLOptions())))
    return mlir::failure();
  if (llvm::StringRef(text).trim() != "module {\n}")
    file->os() << text;
  file->keep();
  return mlir::success();
}

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  deltanet::registerDialects(registry);
  deltanet::registerPasses();
  // LLVM's libraries have registered their options when they were loaded, MLIR
  // registers its own here, before main would: all are there to be hidden.
  mlir::MlirOptMainConfig::registerCLOptions(registry);
  mlir::registerAsmPrinterCLOptions();
  mlir::registerMLIRContextCLOptions();
  mlir::registerPassManagerCLOptions();
  mlir::registerDefaultTimingManagerCLOptions();
  mlir::tracing::DebugCounter::registerCLOptions();
  hideOtherOptions();

  auto [input, output] = mlir::registerAndParseCLIOptions(
      argc, argv, "runs passes over linear recurrences", registry);
  if (mlir::MlirOptMainConfig::createFromCLOptions().shouldShowDialects() ||
      mlir::MlirOptMainConfig::createFromCLOptions().shouldListPasses())
    return mlir::asMainReturnCode(
        mlir::MlirOptMain(argc, argv, input, output, registry));
  return mlir::asMainReturnCode(run(input, output, registry));
}
