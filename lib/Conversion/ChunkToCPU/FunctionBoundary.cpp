//===- FunctionBoundary.cpp - destination passing -------------------------===//
// Callers own all memory: results are written where they say.
//===----------------------------------------------------------------------===//
#include "FunctionBoundary.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace deltanet;

static Type bufferOf(Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return MemRefType::get(tensor.getShape(), tensor.getElementType());
  return type;
}

LogicalResult
cpu::convertBoundary(func::FuncOp function,
                     SmallVectorImpl<std::pair<Value, Value>> &results) {
  Block &entry = function.getBody().front();
  if (!function.getBody().hasOneBlock())
    return function.emitOpError("expects a function of one block");
  auto unranked = [](Type type) { return isa<UnrankedTensorType>(type); };
  if (llvm::any_of(function.getArgumentTypes(), unranked) ||
      llvm::any_of(function.getResultTypes(), unranked))
    return function.emitOpError("expects tensors of known rank, got ")
           << function.getFunctionType();

  OpBuilder b(&entry, entry.begin());
  Location loc = function.getLoc();
  SmallVector<Type> inputs;
  for (BlockArgument argument : entry.getArguments()) {
    Type buffer = bufferOf(argument.getType());
    inputs.push_back(buffer);
    if (buffer == argument.getType())
      continue;
    Type tensor = argument.getType();
    argument.setType(buffer);
    auto value = bufferization::ToTensorOp::create(b, loc, tensor, argument,
                                                   /*restrict=*/true);
    argument.replaceAllUsesExcept(value, value);
  }
  auto ret = cast<func::ReturnOp>(entry.getTerminator());
  b.setInsertionPoint(ret);
  SmallVector<DictionaryAttr> attributes;
  function.getAllArgAttrs(attributes);
  for (auto [i, value] : llvm::enumerate(ret.getOperands())) {
    Type buffer = bufferOf(value.getType());
    bool scalar = buffer == value.getType();
    if (scalar)
      buffer = MemRefType::get({}, value.getType());
    inputs.push_back(buffer);
    attributes.push_back(function.getResultAttrDict(i));
    Value argument = entry.addArgument(buffer, loc);
    if (scalar)
      memref::StoreOp::create(b, loc, value, argument, ValueRange());
    else
      results.push_back({value, argument});
  }
  func::ReturnOp::create(b, ret.getLoc());
  ret.erase();
  function.setType(FunctionType::get(function.getContext(), inputs, {}));
  function.setAllResultAttrs(ArrayRef<DictionaryAttr>());
  for (DictionaryAttr &attribute : attributes)
    if (!attribute)
      attribute = b.getDictionaryAttr({});
  function.setAllArgAttrs(attributes);
  if (!function.isPrivate())
    function->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(),
                      b.getUnitAttr());
  return success();
}
