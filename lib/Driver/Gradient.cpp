//===- Gradient.cpp - what --grad asks for --------------------------------===//
// See Gradient.h.
//===----------------------------------------------------------------------===//
#include "Gradient.h"
#include "deltanet/Runtime/Expression.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;

bool deltanet::driver::wantsGradient(const CompilationOptions &options) {
  return !options.grad.empty() || !options.gradFrom.empty() ||
         options.keepStates != 0;
}

//===----------------------------------------------------------------------===//
// What the command line names
//===----------------------------------------------------------------------===//

int Gradient::readOption(StringRef option, ArrayRef<std::string> texts,
                         bool ofArguments, SmallVectorImpl<unsigned> &found) {
  TypeRange types = ofArguments ? TypeRange(function.getArgumentTypes())
                                : TypeRange(function.getResultTypes());
  auto nameOf = [&](unsigned i) {
    return ofArguments ? getArgumentName(function, i)
                       : getResultName(function, i);
  };
  SmallVector<StringRef> names;
  for (unsigned i = 0; i != types.size(); ++i)
    names.push_back(nameOf(i));
  for (StringRef text : texts) {
    unsigned number = types.size();
    if (text.getAsInteger(10, number))
      number = llvm::find(names, text) - names.begin();
    if (number >= types.size())
      return session.fail(kUsage, "expects " + option + " to name " +
                                      (ofArguments ? "arguments" : "results") +
                                      " of @" + function.getName() + " (" +
                                      llvm::join(names, ", ") +
                                      ") or their numbers, got '" + text + "'");
    if (llvm::is_contained(found, number))
      return session.fail(kUsage, "expects " + option +
                                      " to list everything once, got '" +
                                      nameOf(number) + "' twice");
    auto tensor = dyn_cast<RankedTensorType>(types[number]);
    if (!tensor || !isa<FloatType>(tensor.getElementType())) {
      Location loc = ofArguments ? function.getArgument(number).getLoc()
                                 : function.getLoc();
      emitError(loc) << "expects " << option
                     << " to list tensors of floats, which have a gradient, "
                        "got '"
                     << nameOf(number) << "' of type " << types[number];
      return kUsage;
    }
    found.push_back(number);
  }
  return kOk;
}

int Gradient::read() {
  if (options.grad.empty())
    return session.fail(kUsage, Twine("expects --grad with ") +
                                    (options.gradFrom.empty() ? "--keep-states"
                                                              : "--grad-from") +
                                    ": the arguments to take the gradient of");
  if (int code = readOption("--grad", options.grad, /*ofArguments=*/true, of))
    return code;
  if (int code = readOption("--grad-from", options.gradFrom,
                            /*ofArguments=*/false, from))
    return code;
  if (from.empty())
    for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
      if (isa<FloatType>(getElementTypeOrSelf(type)))
        from.push_back(i);
  return kOk;
}

//===----------------------------------------------------------------------===//
// The derived functions
//===----------------------------------------------------------------------===//

func::FuncOp Gradient::find(StringRef suffix) {
  return derived->lookupSymbol<func::FuncOp>(
      (function.getName() + suffix).str());
}

int Gradient::derive(ModuleOp module, kernel::TargetAttr target) {
  derived = copyEntry(module, function);
  if (!derived)
    return session.fail(kInternal, "cannot drop unused functions");
  const Pipeline &pipeline =
      target.isGPU() ? getLinRecToPTX() : getLinRecToHost();
  return lower(session, *derived, pipeline, target, options, kGradientPhase);
}

OwningOpRef<ModuleOp> Gradient::copyDerived(func::FuncOp function) {
  return copyEntry(*derived, function);
}

unsigned Gradient::getNumKept() {
  return getForward().getNumResults() - function.getNumResults();
}

namespace {
/// Extents of the derived functions' tensors as expressions of the sizes of the
/// function's.
class ExtentReader {
public:
  ExtentReader(func::FuncOp function, ShapeBinder &shapes)
      : function(function), shapes(shapes) {}

  FailureOr<std::string> read(OpFoldResult extent);
  FailureOr<std::string> readDim(Value tensor, int64_t dim);

private:
  FailureOr<std::string> readOp(Operation *op);

  func::FuncOp function;
  ShapeBinder &shapes;
};
} // namespace

static std::string enclose(const std::string &text) {
  return StringRef(text).contains(' ') ? "(" + text + ")" : text;
}

FailureOr<std::string> ExtentReader::read(OpFoldResult extent) {
  if (std::optional<int64_t> number = getConstantIntValue(extent))
    return std::to_string(*number);
  Operation *op = cast<Value>(extent).getDefiningOp();
  if (auto dim = dyn_cast_if_present<tensor::DimOp>(op))
    if (std::optional<int64_t> number = dim.getConstantIndex())
      return readDim(dim.getSource(), *number);
  return readOp(op);
}

/// The tensors of arguments are those of the function; what another operation
/// makes is as large as it says.
FailureOr<std::string> ExtentReader::readDim(Value tensor, int64_t dim) {
  int64_t extent = cast<RankedTensorType>(tensor.getType()).getDimSize(dim);
  if (!ShapedType::isDynamic(extent))
    return std::to_string(extent);
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return shapes.getText(function.getArgument(argument.getArgNumber()), dim);
  OpBuilder b(tensor.getDefiningOp());
  ReifiedRankedShapedTypeDims dims;
  if (failed(reifyResultShapes(b, tensor.getDefiningOp(), dims)))
    return tensor.getDefiningOp()->emitError(
        "expects an operation that says how large its results are where a "
        "gradient keeps some");
  return read(dims[cast<OpResult>(tensor).getResultNumber()][dim]);
}

FailureOr<std::string> ExtentReader::readOp(Operation *op) {
  if (!isa_and_present<arith::AddIOp, arith::SubIOp, arith::MulIOp,
                       arith::DivUIOp, arith::CeilDivUIOp>(op))
    return emitError(op ? op->getLoc() : function.getLoc())
           << "expects the extents of what a gradient keeps to be sums, "
              "products and quotients of others";
  FailureOr<std::string> lhs = read(op->getOperand(0)),
                         rhs = read(op->getOperand(1));
  if (failed(lhs) || failed(rhs))
    return failure();
  if (isa<arith::CeilDivUIOp>(op))
    return "ceildiv(" + *lhs + ", " + *rhs + ")";
  if (isa<arith::AddIOp>(op))
    return *lhs + " + " + *rhs;
  // (N + 1) - 1, and 2 * T / 2.
  StringRef left = *lhs;
  if (isa<arith::SubIOp>(op))
    return left.consume_back(" + " + *rhs) ? left.str()
                                           : *lhs + " - " + enclose(*rhs);
  if (isa<arith::DivUIOp>(op))
    return left.consume_front(*rhs + " * ") && !left.contains(' ')
               ? left.str()
               : enclose(*lhs) + " / " + enclose(*rhs);
  return enclose(*lhs) + " * " + enclose(*rhs);
}

FailureOr<std::vector<artifact::TensorInfo>>
Gradient::describeKept(ShapeBinder &shapes) {
  func::FuncOp forward = getForward();
  Operation *terminator = forward.getBody().back().getTerminator();
  ExtentReader reader(function, shapes);
  std::vector<artifact::TensorInfo> kept;
  for (unsigned i = function.getNumResults(); i != forward.getNumResults();
       ++i) {
    auto type = cast<RankedTensorType>(forward.getResultTypes()[i]);
    artifact::TensorInfo &tensor = kept.emplace_back();
    tensor.name = getResultName(forward, i).str();
    llvm::raw_string_ostream(tensor.type) << type.getElementType();
    tensor.input = false;
    tensor.meaning = "what chunks began with";
    for (int64_t dim = 0; dim != type.getRank(); ++dim) {
      auto text = reader.readDim(terminator->getOperand(i), dim);
      if (failed(text))
        return failure();
      tensor.shape.push_back(*text);
    }
  }
  return kept;
}

std::optional<int64_t>
deltanet::driver::evaluateExtent(Session &session, const std::string &text) {
  char error[256] = "";
  auto none = [](void *, const char *, size_t) { return -1; };
  deltanet_expression *expression =
      deltanet_parse(text.c_str(), none, nullptr, error, sizeof error);
  int64_t value = 0;
  const char *wrong =
      expression ? deltanet_evaluate(expression, nullptr, &value) : error;
  if (wrong)
    session.fail(kInternal, "the extent '" + text + "': " + Twine(wrong));
  deltanet_free_expression(expression);
  return wrong ? std::nullopt : std::optional(value);
}
