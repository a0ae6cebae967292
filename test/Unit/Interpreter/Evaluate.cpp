//===- Evaluate.cpp - text in, numbers out --------------------------------===//
// One context for all tests: making one costs more than most of them.
//===----------------------------------------------------------------------===//
#include "Interpreter/Evaluate.h"
#include "Reference/DenseReference.h"
#include "deltanet/Dialect/LinRec/IR/LinRec.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;
using namespace deltanet;

static MLIRContext &getContext() {
  static MLIRContext context = [] {
    DialectRegistry registry;
    registry.insert<linrec::LinRecDialect, func::FuncDialect,
                    linalg::LinalgDialect, tensor::TensorDialect,
                    arith::ArithDialect, math::MathDialect, scf::SCFDialect>();
    return MLIRContext(registry, MLIRContext::Threading::DISABLED);
  }();
  return context;
}

namespace {
/// The one function of a text, and what is said about it.
class Function {
public:
  explicit Function(const std::string &text)
      : handler(&getContext(),
                [this](Diagnostic &diagnostic) {
                  std::string place = "?";
                  if (auto at = diagnostic.getLocation()
                                    ->findInstanceOf<FileLineColLoc>())
                    place = std::to_string(at.getLine()) + ":" +
                            std::to_string(at.getColumn());
                  messages += (messages.empty() ? "" : "\n") + place + ": " +
                              diagnostic.str();
                }),
        module(parseSourceString<ModuleOp>(text, ParserConfig(&getContext()))) {
    if (module && !module->getOps<func::FuncOp>().empty())
      function = *module->getOps<func::FuncOp>().begin();
    else
      messages += "(no function)";
  }

  FailureOr<std::vector<test::Tensor>>
  evaluate(const std::vector<test::Tensor> &arguments) {
    if (!function)
      return failure();
    return interpreter::evaluate(function, arguments);
  }

  std::string messages;
  func::FuncOp function;

private:
  ScopedDiagnosticHandler handler;
  OwningOpRef<ModuleOp> module;
};
} // namespace

static std::vector<test::Tensor>
evaluate(Function &function, const std::vector<test::Tensor> &arguments) {
  FailureOr<std::vector<test::Tensor>> results = function.evaluate(arguments);
  EXPECT_EQ(function.messages, "");
  if (succeeded(results))
    return std::move(*results);
  ADD_FAILURE() << "the function is not evaluated";
  return {};
}

std::vector<test::Tensor> test::evaluate(const std::string &text,
                                         const std::vector<Tensor> &arguments) {
  Function function(text);
  return ::evaluate(function, arguments);
}

/// How many rows `argument` has for each token.
static int64_t countSteps(Value argument) {
  for (OpOperand &use : argument.getUses())
    if (auto scan = dyn_cast<linrec::ScanOp>(use.getOwner()))
      if (argument == scan.getKey() || argument == scan.getValue() ||
          argument == scan.getBeta())
        return scan.getStepsPerToken();
  return 1;
}

std::vector<test::Tensor> test::evaluateOnRandom(const std::string &text) {
  Function function(text);
  if (!function.function) {
    ADD_FAILURE() << function.messages;
    return {};
  }
  std::vector<Tensor> arguments;
  for (BlockArgument argument : function.function.getArguments()) {
    auto type = cast<RankedTensorType>(argument.getType());
    Tensor &tensor = arguments.emplace_back();
    for (auto [d, extent] : llvm::enumerate(type.getShape()))
      tensor.shape.push_back(!ShapedType::isDynamic(extent) ? extent
                             : type.getRank() <= 2          ? 2
                             : d == 0                       ? 1
                             : d == 1 ? 2 * countSteps(argument)
                                      : 2);
    if (type.getElementType().isInteger())
      tensor.data = {0, 2}; // Offsets of one sequence.
    else
      tensor.data = randomNumbers(tensor.getNumElements(),
                                  argument.getArgNumber(), -1, 1);
  }
  return ::evaluate(function, arguments);
}

std::string test::refuse(const std::string &text,
                         const std::vector<Tensor> &arguments) {
  Function function(text);
  EXPECT_TRUE(failed(function.evaluate(arguments))) << "no complaint";
  return function.messages;
}
