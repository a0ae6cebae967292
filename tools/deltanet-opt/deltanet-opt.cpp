//===- deltanet-opt.cpp - runs passes over the project's dialects ---------===//
// mlir-opt for our dialects. --help shows our passes and the options one uses,
// --help-hidden what LLVM has beside them.
//===----------------------------------------------------------------------===//
#include "deltanet/Registration.h"
#include "mlir/Debug/Counter.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/Timing.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/CommandLine.h"

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
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, input, output, registry));
}
