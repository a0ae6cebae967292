//===- Describe.cpp - what a function means, for a package ----------------===//
// The conventions that everyone who calls a kernel has to know, read off the
// recurrences that the user wrote.
//===----------------------------------------------------------------------===//
#include "Describe.h"
#include "Random.h"
#include "Roles.h"
#include "Shapes.h"
#include "Tolerance.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;
using linrec::RecurrenceOpInterface;

static std::string print(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

namespace {
/// An operand of a recurrence by its name.
struct NamedOperand {
  StringRef name;
  Value value;
};
} // namespace

static SmallVector<NamedOperand> listOperands(RecurrenceOpInterface op) {
  SmallVector<NamedOperand> operands{
      {"query", op.getQuery()},          {"key", op.getKey()},
      {"value", op.getValue()},          {"decay", op.getDecay()},
      {"initial", op.getInitialState()}, {"cu_seqlens", op.getCuSeqlens()}};
  operands.push_back({"indices", op.getIndices()});
  if (auto scan = dyn_cast<linrec::ScanOp>(op.getOperation())) {
    operands.push_back({"beta", scan.getBeta()});
    operands.push_back({"bonus", scan.getBonus()});
  } else if (auto dplr = dyn_cast<linrec::DplrScanOp>(op.getOperation())) {
    operands.push_back({"a", dplr.getTransitionIn()});
    operands.push_back({"b", dplr.getTransitionOut()});
  }
  llvm::erase_if(operands, [](const NamedOperand &o) { return !o.value; });
  return operands;
}

/// Numbers of the equations in docs/Math.md that say what `op` computes.
static llvm::json::Array listEquations(RecurrenceOpInterface op) {
  llvm::json::Array numbers;
  auto add = [&](std::initializer_list<int64_t> list) {
    for (int64_t number : list)
      numbers.push_back(number);
  };
  if (auto scan = dyn_cast<linrec::ScanOp>(op.getOperation())) {
    if (scan.getBeta())
      add({1});
    else
      add({1, 26});
  } else if (isa<linrec::DplrScanOp>(op.getOperation())) {
    add({21});
  }
  if (op.getStepsPerToken() != 1)
    add({25});
  if (op.getReadOut() == linrec::ReadOut::Before)
    add({28});
  return numbers;
}

/// Where an operand comes from: an argument, or what computes it.
static llvm::json::Object describeOperand(func::FuncOp function, Value value) {
  OperandSource source = traceOperand(function, value);
  llvm::json::Object entry{
      {"type",
       print(cast<RankedTensorType>(value.getType()).getElementType())}};
  if (source.direct) {
    entry["argument"] = getArgumentName(function, source.arguments.front());
    return entry;
  }
  llvm::json::Array names;
  for (unsigned argument : source.arguments)
    names.push_back(getArgumentName(function, argument));
  entry["computed_from"] = std::move(names);
  return entry;
}

/// The result of the function that `value` is, if it is one.
static std::optional<unsigned> findResult(func::FuncOp function, Value value) {
  auto results = function.getBody().back().getTerminator()->getOperands();
  for (auto [i, result] : llvm::enumerate(results))
    if (result == value)
      return i;
  return std::nullopt;
}

static llvm::json::Object describeOperator(func::FuncOp function,
                                           RecurrenceOpInterface op) {
  llvm::json::Object operands, results;
  for (const NamedOperand &operand : listOperands(op))
    operands[operand.name] = describeOperand(function, operand.value);
  for (auto [name, value] : {NamedOperand{"output", op.getOutput()},
                             NamedOperand{"final_state", op.getFinalState()}})
    if (auto result = value ? findResult(function, value) : std::nullopt)
      results[name] = getResultName(function, *result);
  llvm::json::Object entry{
      {"kind", op->getName().stripDialect()},
      {"equations", listEquations(op)},
      {"operands", std::move(operands)},
      {"results", std::move(results)},
      {"scale", op.getScaleFactor()},
      {"steps", op.getStepsPerToken()},
      {"read_out", linrec::stringifyReadOut(op.getReadOut())},
      {"layout", linrec::stringifyLayout(op.getLayout())},
      {"state_layout", linrec::stringifyStateLayout(op.getStateLayout())},
      {"heads", "value head h reads head h / (H / G) of query and key"}};
  for (Value state : {Value(op.getInitialState()), Value(op.getFinalState())})
    if (state)
      entry["state_type"] =
          print(cast<RankedTensorType>(state.getType()).getElementType());
  if (Value decay = op.getDecay()) {
    entry["decay"] = "natural logarithm of the factor that a token applies";
    entry["decay_per_channel"] =
        cast<RankedTensorType>(decay.getType()).getRank() == 4;
  }
  if (auto bound = op->getAttrOfType<FloatAttr>("decay_min"))
    entry["decay_min"] = bound.getValueAsDouble();
  return entry;
}

static llvm::json::Object describeOperator(func::FuncOp function,
                                           linrec::SelectiveScanOp op) {
  llvm::json::Object operands, results;
  for (auto [name, value] :
       {NamedOperand{"x", op.getInput()}, NamedOperand{"delta", op.getDelta()},
        NamedOperand{"rate", op.getA()}, NamedOperand{"b", op.getB()},
        NamedOperand{"c", op.getC()},
        NamedOperand{"initial", op.getInitialState()},
        NamedOperand{"cu_seqlens", op.getCuSeqlens()},
        NamedOperand{"indices", op.getIndices()}})
    if (value)
      operands[name] = describeOperand(function, value);
  for (auto [name, value] : {NamedOperand{"output", op.getOutput()},
                             NamedOperand{"final_state", op.getFinalState()}})
    if (auto result = value ? findResult(function, value) : std::nullopt)
      results[name] = getResultName(function, *result);
  return llvm::json::Object{{"kind", op->getName().stripDialect()},
                            {"operands", std::move(operands)},
                            {"results", std::move(results)}};
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

static StringRef nameRole(Role role) {
  switch (role) {
  case Role::Key:
    return "key";
  case Role::TransitionIn:
    return "a";
  case Role::TransitionOut:
    return "b";
  case Role::Query:
    return "query";
  case Role::Value:
    return "value";
  case Role::Beta:
    return "beta";
  case Role::Decay:
    return "log-decay";
  case Role::Bonus:
    return "bonus";
  case Role::InitialState:
    return "initial state";
  case Role::Sequences:
    return "offsets of sequences";
  case Role::Indices:
    return "entries of the pool of states";
  case Role::StepSize:
    return "delta";
  case Role::Rate:
    return "rate";
  case Role::None:
    return "";
  }
  llvm_unreachable("a role is one of these");
}

/// Letters for the dimensions of a tensor, as the operator orders them.
static std::string nameLayout(ArgumentRole role, RankedTensorType type) {
  // A selective scan has one layout, its README's.
  if (!role.recurrence)
    return "";
  std::string layout =
      linrec::stringifyLayout(role.recurrence.getLayout()).str();
  switch (role.role) {
  case Role::InitialState:
    return "nh" +
           linrec::stringifyStateLayout(role.recurrence.getStateLayout()).str();
  case Role::Bonus:
  case Role::Sequences:
  case Role::Indices:
  case Role::StepSize:
  case Role::Rate:
  case Role::None:
    return "";
  default:
    return type.getRank() == 4   ? layout
           : type.getRank() == 3 ? layout.substr(0, 3)
                                 : "";
  }
}

static void describeArgument(func::FuncOp function, unsigned index,
                             const ArgumentRole &role, ShapeBinder &shapes,
                             artifact::TensorInfo &argument) {
  auto type = cast<RankedTensorType>(function.getArgumentTypes()[index]);
  if (!role.direct || role.role == Role::None)
    return;
  argument.meaning = nameRole(role.role).str();
  argument.layout = nameLayout(role, type);
  if (role.role != Role::Sequences)
    return;
  if (RecurrenceOpInterface op = role.recurrence)
    argument.offsetsEnd = shapes.getText(
        op.getQuery(), linrec::getTokenDims(op.getLayout()).token);
  else
    function.walk([&](linrec::SelectiveScanOp op) {
      if (Value(op.getCuSeqlens()) == function.getArgument(index))
        argument.offsetsEnd = shapes.getText(op.getInput(), 1);
    });
}

static void describeResult(func::FuncOp function, Value value,
                           artifact::TensorInfo &argument) {
  function.walk([&](RecurrenceOpInterface op) {
    if (value == Value(op.getOutput())) {
      argument.meaning = "output";
      argument.layout = linrec::stringifyLayout(op.getLayout()).str();
    } else if (value == Value(op.getFinalState())) {
      argument.meaning = "final state";
      argument.layout =
          "nh" + linrec::stringifyStateLayout(op.getStateLayout()).str();
    }
  });
}

static artifact::TensorInfo makeTensor(StringRef name, bool input, Value value,
                                       ShapeBinder &shapes) {
  auto type = cast<RankedTensorType>(value.getType());
  artifact::TensorInfo tensor;
  tensor.name = name.str();
  tensor.type = print(type.getElementType());
  tensor.input = input;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    tensor.shape.push_back(shapes.getText(value, dim));
  return tensor;
}

//===----------------------------------------------------------------------===//
// What holds between arguments
//===----------------------------------------------------------------------===//

/// Groups of heads divide heads, where the types do not say it.
static void addHeads(RecurrenceOpInterface op, ShapeBinder &shapes,
                     artifact::Signature &signature) {
  unsigned dim = linrec::getTokenDims(op.getLayout()).head;
  std::string groups = shapes.getText(op.getQuery(), dim),
              heads = shapes.getText(op.getValue(), dim);
  int64_t number;
  if (groups == heads || (!StringRef(groups).getAsInteger(10, number) &&
                          !StringRef(heads).getAsInteger(10, number)))
    return;
  auto enclose = [](const std::string &text) {
    return StringRef(text).contains(' ') ? "(" + text + ")" : text;
  };
  std::string zero = llvm::formatv("{0} - {0} / max({1}, 1) * {1}",
                                   enclose(heads), enclose(groups));
  signature.conditions.push_back({zero, "the heads of the query (" + groups +
                                            ") divide those of the "
                                            "value (" +
                                            heads + ")"});
}

/// A state may be updated in place: a block reads its part before it writes it,
/// and nobody else reads it.
static void addAlias(func::FuncOp function, Value before, Value last,
                     artifact::Signature &signature) {
  auto initial = dyn_cast_if_present<BlockArgument>(before);
  auto result = last ? findResult(function, last) : std::nullopt;
  if (!initial || !result || !initial.hasOneUse() ||
      getElementTypeOrSelf(initial.getType()) !=
          getElementTypeOrSelf(last.getType()))
    return;
  signature.aliases.push_back(
      {getArgumentName(function, initial.getArgNumber()).str(),
       getResultName(function, *result).str()});
}

FailureOr<artifact::Signature>
deltanet::driver::describeFunction(func::FuncOp function, StringRef prefix) {
  Operation *terminator = function.getBody().back().getTerminator();
  SmallVector<std::pair<Value, StringRef>> values;
  for (BlockArgument argument : function.getArguments())
    values.push_back(
        {argument, getArgumentName(function, argument.getArgNumber())});
  for (auto [i, value] : llvm::enumerate(terminator->getOperands()))
    values.push_back({value, getResultName(function, i)});
  for (auto [value, name] : values)
    if (!isa<RankedTensorType>(value.getType()))
      return emitError(value.getLoc())
             << "expects tensors as arguments and results of a package, got '"
             << name << "' of type " << value.getType();

  artifact::Signature signature;
  signature.name = function.getName().str();
  signature.prefix = prefix.str();
  ShapeBinder shapes(function);
  signature.sizes = shapes.nameSizes();
  SmallVector<ArgumentRole> roles = traceArguments(function);
  for (auto [i, entry] : llvm::enumerate(values)) {
    bool input = i < function.getNumArguments();
    artifact::TensorInfo tensor =
        makeTensor(entry.second, input, entry.first, shapes);
    if (input)
      describeArgument(function, i, roles[i], shapes, tensor);
    else
      describeResult(function, entry.first, tensor);
    signature.arguments.push_back(std::move(tensor));
  }
  function.walk([&](RecurrenceOpInterface op) {
    signature.operators.push_back(describeOperator(function, op));
    addHeads(op, shapes, signature);
    addAlias(function, op.getInitialState(), op.getFinalState(), signature);
  });
  function.walk([&](linrec::SelectiveScanOp op) {
    signature.operators.push_back(describeOperator(function, op));
    addAlias(function, op.getInitialState(), op.getFinalState(), signature);
  });
  return signature;
}

std::vector<double>
deltanet::driver::describeTolerances(func::FuncOp function,
                                     kernel::ScheduleAttr schedule) {
  // The rounding of a result is that of numbers as spread out as its own.
  constexpr int64_t kSamples = 4096;
  Random random(/*seed=*/0, "tolerance");
  std::vector<double> sample;
  for (int64_t i = 0; i < kSamples; ++i)
    sample.push_back(random.normal());
  std::vector<double> tolerances;
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    tolerances.push_back(
        chooseTolerance(getElementTypeOrSelf(function.getResultTypes()[i]),
                        traceResult(function, i), schedule, sample));
  return tolerances;
}
