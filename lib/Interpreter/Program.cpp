//===- Program.cpp - scalar code over lanes -------------------------------===//
// Numbers registers and encodes operations; the instructions themselves are in
// Elementwise.cpp.
//===----------------------------------------------------------------------===//
#include "Program.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace deltanet::interpreter;

double deltanet::interpreter::toLane(const APFloat &value) {
  APFloat wide = value;
  bool losesInfo = false;
  wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
  return wide.convertToDouble();
}

std::optional<double> deltanet::interpreter::toLane(Attribute value) {
  if (auto number = dyn_cast_if_present<FloatAttr>(value))
    return toLane(number.getValue());
  if (auto number = dyn_cast_if_present<IntegerAttr>(value))
    return toLane(number.getValue());
  return std::nullopt;
}

namespace {
class Compiler {
public:
  explicit Compiler(function_ref<FailureOr<double>(Value)> outer)
      : outer(outer) {}

  LogicalResult compile(Block &body);
  Program program;

private:
  LogicalResult compile(Operation &op);
  /// The register that holds `value`.
  FailureOr<int> find(Value value, Block &body);
  int makeRegister() { return program.numRegisters++; }

  function_ref<FailureOr<double>(Value)> outer;
  DenseMap<Value, int> registers;
};
} // namespace

FailureOr<int> Compiler::find(Value value, Block &body) {
  if (auto it = registers.find(value); it != registers.end())
    return it->second;
  assert(value.getParentBlock() != &body &&
         "operations of a body come in order");
  FailureOr<double> number = outer(value);
  if (failed(number))
    return failure();
  int result = makeRegister();
  program.constants.push_back({result, *number});
  registers[value] = result;
  return result;
}

LogicalResult Compiler::compile(Operation &op) {
  Attribute constant;
  if (matchPattern(&op, m_Constant(&constant))) {
    std::optional<double> number = toLane(constant);
    if (!number)
      return op.emitOpError("cannot be evaluated: it is no number");
    int result = registers[op.getResult(0)] = makeRegister();
    program.constants.push_back({result, *number});
    return success();
  }
  if (auto index = dyn_cast<linalg::IndexOp>(op)) {
    int result = registers[index.getResult()] = makeRegister();
    program.indices.push_back({result, static_cast<unsigned>(index.getDim())});
    return success();
  }
  FailureOr<Encoding> encoding = encode(&op);
  if (failed(encoding))
    return failure();
  Instruction instruction{encoding->function, encoding->immediate, -1, {}};
  for (Value operand : op.getOperands()) {
    FailureOr<int> source = find(operand, *op.getBlock());
    if (failed(source))
      return failure();
    instruction.operands.push_back(*source);
  }
  if (!instruction.function) {
    registers[op.getResult(0)] = instruction.operands[0];
    return success();
  }
  instruction.result = registers[op.getResult(0)] = makeRegister();
  program.code.push_back(std::move(instruction));
  return success();
}

LogicalResult Compiler::compile(Block &body) {
  for (BlockArgument argument : body.getArguments()) {
    program.arguments.push_back(argument.use_empty() ? -1 : makeRegister());
    registers[argument] = program.arguments.back();
  }
  for (Operation &op : body.without_terminator())
    if (failed(compile(op)))
      return failure();
  for (Value value : body.getTerminator()->getOperands()) {
    FailureOr<int> result = find(value, body);
    if (failed(result))
      return failure();
    program.results.push_back(*result);
  }
  return success();
}

FailureOr<Program> deltanet::interpreter::compileBody(
    Block &body, function_ref<FailureOr<double>(Value)> outer) {
  Compiler compiler(outer);
  if (failed(compiler.compile(body)))
    return failure();
  return std::move(compiler.program);
}

FailureOr<Program> deltanet::interpreter::compileOperation(Operation *op) {
  FailureOr<Encoding> encoding = encode(op);
  if (failed(encoding))
    return failure();
  Program program;
  Instruction instruction{encoding->function, encoding->immediate, -1, {}};
  for (unsigned i = 0; i != op->getNumOperands(); ++i) {
    program.arguments.push_back(program.numRegisters++);
    instruction.operands.push_back(program.arguments.back());
  }
  if (!instruction.function) {
    program.results.push_back(program.arguments[0]);
    return program;
  }
  instruction.result = program.numRegisters++;
  program.results.push_back(instruction.result);
  program.code.push_back(std::move(instruction));
  return program;
}
