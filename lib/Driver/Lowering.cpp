//===- Lowering.cpp - runs a pipeline on a program ------------------------===//
#include "Lowering.h"
#include "deltanet/Support/File.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;

static constexpr llvm::StringLiteral kReproducer = "deltanet-reproducer.mlir";

namespace {
/// Sees whether the pass that failed refused the options or the module, or
/// broke it: a pass that refuses says so itself, where it does not leave the
/// module as it was; of one that breaks it only the verifier complains.
struct FailureWatch : PassInstrumentation {
  FailureWatch(const std::vector<std::string> &errors, int &code)
      : errors(errors), code(code) {}
  void runAfterPassFailed(Pass *pass, Operation *op) override {
    // An adaptor fails after the pass in it: the first failure counts.
    if (decided || isTrial(op))
      return;
    decided = true;
    llvm::StringSet<> complaints;
    bool verifies;
    {
      ScopedDiagnosticHandler listen(op->getContext(), [&](Diagnostic &diag) {
        complaints.insert(diag.str());
        return success();
      });
      verifies = succeeded(verify(op));
    }
    bool said = llvm::any_of(errors, [&](const std::string &error) {
      return !complaints.contains(error);
    });
    if (verifies || said)
      code = pass->getArgument().starts_with("kernel-") ? kUsage : kInputError;
  }
  /// What is built only to see whether it can be may fail.
  static bool isTrial(Operation *op) {
    for (; op; op = op->getParentOp())
      if (op->hasAttr(kTrialAttr))
        return true;
    return false;
  }
  const std::vector<std::string> &errors;
  int &code;
  bool decided = false;
};

/// Keeps the reproducer in memory: only our own mistakes are worth a file.
struct ReproducerText : ReproducerStream {
  ReproducerText(std::string &text) : stream(text) {}
  StringRef description() override { return kReproducer; }
  raw_ostream &os() override { return stream; }
  llvm::raw_string_ostream stream;
};
} // namespace

int deltanet::driver::lower(Session &session, ModuleOp module,
                            const Pipeline &pipeline, kernel::TargetAttr target,
                            const CompilationOptions &options,
                            StringRef stopAfter, StringRef startAfter) {
  // Looked up already, and what there was to remark has been said.
  if (target)
    module->setAttr(kernel::kTargetName, target);
  PipelineOptions pipelineOptions;
  pipelineOptions.chunk = options.chunk;
  pipelineOptions.tokenLoop = options.tokenLoop;
  pipelineOptions.products = options.products;
  pipelineOptions.gates = options.gates;
  pipelineOptions.schedule = options.schedule;
  for (const std::string &argument : options.grad)
    pipelineOptions.grad.push_back(argument);
  for (const std::string &result : options.gradFrom)
    pipelineOptions.gradFrom.push_back(result);
  pipelineOptions.keepStates = options.keepStates;
  pipelineOptions.variants = true;
  pipelineOptions.stopAfter = stopAfter.str();
  pipelineOptions.startAfter = startAfter.str();

  PassManager manager(session.getContext());
  auto refuse = [&](const Twine &message) {
    session.fail(kUsage, message);
    return failure();
  };
  if (failed(buildPipeline(manager, pipeline, pipelineOptions, refuse)))
    return kUsage;
  int code = kInternal;
  std::string reproducer;
  std::vector<std::string> errors;
  manager.addInstrumentation(std::make_unique<FailureWatch>(errors, code));
  manager.enableCrashReproducerGeneration([&](std::string &) {
    return std::make_unique<ReproducerText>(reproducer);
  });
  // What MLIR says about its reproducer is for us to say.
  bool ran;
  {
    ScopedDiagnosticHandler filter(
        session.getContext(), [&](Diagnostic &diagnostic) {
          std::string text = diagnostic.str();
          if (StringRef(text).contains("while processing"))
            return success();
          if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
            errors.push_back(text);
          return failure();
        });
    ran = succeeded(manager.run(module));
  }
  if (ran)
    return kOk;
  if (code != kInternal)
    return code;
  std::string message;
  std::string path = kReproducer.str();
  if (!support::writeFile(path, reproducer.data(), reproducer.size(), message))
    return session.fail(kInternal,
                        "internal error in a pass; no reproducer: " + message);
  return session.fail(kInternal,
                      "internal error in a pass of " + pipeline.name +
                          "; please report it with " + path +
                          ", which `deltanet-opt --run-reproducer` repeats");
}
