//===- Interpreter.cpp - what a function means, in float64 ----------------===//
// One operation after the other; a value is forgotten after its last use, for
// tensors of a layer are large.
//===----------------------------------------------------------------------===//
#include "deltanet/Interpreter/Interpreter.h"
#include "Environment.h"
#include "Program.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace deltanet::interpreter;

int64_t deltanet::interpreter::countElements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

int64_t Tensor::getNumElements() const { return countElements(shape); }

std::string deltanet::interpreter::formatExtents(ArrayRef<int64_t> shape) {
  if (shape.empty())
    return "none (a scalar)";
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleave(shape, os, "x");
  return text;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

const TensorValue &Environment::get(Value value) const {
  auto it = values.find(value);
  assert(it != values.end() &&
         "a value is evaluated before its uses and kept until the last");
  return it->second;
}

/// Whether a tensor of extents `shape` is of type `type`.
static bool matches(Type type, ArrayRef<int64_t> shape) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return shape.empty();
  if (static_cast<size_t>(tensor.getRank()) != shape.size())
    return false;
  for (auto [want, got] : llvm::zip_equal(tensor.getShape(), shape))
    if (!ShapedType::isDynamic(want) && want != got)
      return false;
  return true;
}

LogicalResult Environment::set(Value value, TensorValue tensor) {
  if (!matches(value.getType(), tensor.shape))
    return emitError(value.getLoc())
           << "expects a value of type " << value.getType() << ", got extents "
           << formatExtents(tensor.shape);
  values[value] = std::move(tensor);
  return success();
}

LogicalResult Environment::set(Value value, ArrayRef<int64_t> shape,
                               std::vector<double> data) {
  return set(value, TensorValue{SmallVector<int64_t>(shape),
                                std::make_shared<std::vector<double>>(
                                    std::move(data))});
}

FailureOr<SmallVector<int64_t>>
Environment::getIntegers(ArrayRef<OpFoldResult> indices,
                         Operation *user) const {
  SmallVector<int64_t> result;
  for (OpFoldResult index : indices) {
    double number = isa<Attribute>(index) ? *toLane(cast<Attribute>(index))
                                          : getNumber(cast<Value>(index));
    if (!(std::fabs(number) <= 0x1p53))
      return user->emitOpError("expects indices of at most 2^53, got ")
             << number << " (a division by zero gives none)";
    result.push_back(static_cast<int64_t>(number));
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

static LogicalResult evaluateConstant(Operation *op, Attribute value,
                                      Environment &environment) {
  Value result = op->getResult(0);
  if (std::optional<double> number = toLane(value))
    return environment.set(result, {}, {*number});
  std::vector<double> data;
  auto put = [&](const auto &number) { data.push_back(toLane(number)); };
  auto dense = dyn_cast<DenseElementsAttr>(value);
  auto elements = dyn_cast<ElementsAttr>(value);
  if (dense && dense.isSplat()) {
    if (std::optional<double> number = toLane(dense.getSplatValue<Attribute>()))
      data.assign(dense.getNumElements(), *number);
  } else if (elements) {
    if (auto floats = elements.tryGetValues<APFloat>())
      llvm::for_each(*floats, put);
    else if (auto integers = elements.tryGetValues<APInt>())
      llvm::for_each(*integers, put);
  }
  if (!elements ||
      static_cast<int64_t>(data.size()) != elements.getNumElements())
    return op->emitOpError(
               "expects a constant of floats or integers to evaluate it, got ")
           << value;
  return environment.set(result, elements.getShapedType().getShape(),
                         std::move(data));
}

static LogicalResult evaluateOperation(Operation *op,
                                       Environment &environment) {
  Attribute constant;
  if (matchPattern(op, m_Constant(&constant)))
    return evaluateConstant(op, constant, environment);
  if (auto recurrence = dyn_cast<deltanet::linrec::RecurrenceOpInterface>(op))
    return evaluateRecurrence(recurrence, environment);
  if (auto scan = dyn_cast<deltanet::linrec::SelectiveScanOp>(op))
    return evaluateSelectiveScan(scan, environment);
  if (auto structured = dyn_cast<linalg::LinalgOp>(op))
    return evaluateStructured(structured, environment);
  if (isElementwise(op))
    return evaluateElementwise(op, environment);
  return evaluateTensorOp(op, environment);
}

/// Which values each operation of the block is the last to use.
static DenseMap<Operation *, SmallVector<Value>> findLastUses(Block &block) {
  DenseMap<Value, Operation *> last;
  for (BlockArgument argument : block.getArguments())
    last[argument] = &block.front();
  for (Operation &op : block) {
    for (Value result : op.getResults())
      last[result] = &op;
    op.walk([&](Operation *nested) {
      for (Value operand : nested->getOperands())
        if (operand.getParentBlock() == &block)
          last[operand] = &op;
    });
  }
  DenseMap<Operation *, SmallVector<Value>> uses;
  for (auto [value, op] : last)
    uses[op].push_back(value);
  return uses;
}

static LogicalResult checkArguments(func::FuncOp function,
                                    ArrayRef<Tensor> arguments) {
  if (function.isExternal() || !function.getBody().hasOneBlock())
    return function.emitOpError(
               "expects a body of one block to evaluate it, got ")
           << function.getBody().getBlocks().size();
  if (function.getNumArguments() != arguments.size())
    return function.emitOpError("expects ")
           << function.getNumArguments() << " arguments, got "
           << arguments.size();
  for (auto [i, argument] : llvm::enumerate(arguments)) {
    Type type = function.getArgument(i).getType();
    Type element = getElementTypeOrSelf(type);
    if (!isa<RankedTensorType>(type) && !type.isIntOrIndexOrFloat())
      return function.emitOpError("expects tensors and scalars as arguments to "
                                  "evaluate it, got ")
             << type << " as argument " << i;
    if (element.isInteger(1))
      return function.emitOpError("expects arguments of floats or of integers "
                                  "of several bits to "
                                  "evaluate it, got ")
             << type << " as argument " << i;
    if (!matches(type, argument.shape))
      return function.emitOpError("expects argument ")
             << i << " of type " << type << ", got extents "
             << formatExtents(argument.shape);
    if (argument.getNumElements() != static_cast<int64_t>(argument.data.size()))
      return function.emitOpError("expects ")
             << argument.getNumElements() << " elements in argument " << i
             << ", got " << argument.data.size();
  }
  return success();
}

/// The tensor that a returned value is; without a copy where nobody else has
/// it.
static Tensor takeResult(TensorValue value) {
  Tensor result{{value.shape.begin(), value.shape.end()}, {}};
  if (value.data.use_count() == 1)
    // Made by Environment::set as a vector that is not const.
    result.data = std::move(const_cast<std::vector<double> &>(*value.data));
  else
    result.data = *value.data;
  return result;
}

FailureOr<std::vector<Tensor>>
deltanet::interpreter::evaluate(func::FuncOp function,
                                ArrayRef<Tensor> arguments) {
  if (failed(checkArguments(function, arguments)))
    return failure();
  Environment environment;
  Block &block = function.getBody().front();
  for (auto [argument, tensor] :
       llvm::zip_equal(block.getArguments(), arguments)) {
    // A pointer that owns nothing: the caller keeps the arguments.
    std::shared_ptr<const std::vector<double>> data(std::shared_ptr<void>(),
                                                    &tensor.data);
    if (failed(environment.set(
            argument,
            TensorValue{SmallVector<int64_t>(ArrayRef(tensor.shape)), data})))
      return failure();
  }
  DenseMap<Operation *, SmallVector<Value>> lastUses = findLastUses(block);
  for (Operation &op : block.without_terminator()) {
    if (failed(evaluateOperation(&op, environment)))
      return failure();
    for (Value value : lastUses[&op])
      environment.release(value);
  }
  auto terminator = dyn_cast<func::ReturnOp>(block.getTerminator());
  if (!terminator)
    return block.getTerminator()->emitOpError(
        "expects func.return to evaluate a function");
  std::vector<Tensor> results;
  SmallVector<TensorValue> values;
  for (Value value : terminator.getOperands())
    values.push_back(environment.get(value));
  environment = Environment();
  for (TensorValue &value : values)
    results.push_back(takeResult(std::move(value)));
  return results;
}
