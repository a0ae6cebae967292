//===- Structured.cpp - linalg and elementwise operations -----------------===//
// Both become a loop nest around a program. A named operation has a body and
// maps like linalg.generic, so that none is treated apart.
//===----------------------------------------------------------------------===//
#include "Environment.h"
#include "Nest.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;
using namespace deltanet::interpreter;

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

LogicalResult
deltanet::interpreter::evaluateElementwise(Operation *op,
                                           Environment &environment) {
  FailureOr<Program> program = compileOperation(op);
  if (failed(program))
    return failure();
  ArrayRef<int64_t> shape;
  Nest nest;
  nest.program = std::move(*program);
  bool isTensor = isa<RankedTensorType>(op->getResult(0).getType());
  for (Value operand : op->getOperands()) {
    const TensorValue &value = environment.get(operand);
    bool broadcasts = !isa<RankedTensorType>(operand.getType());
    if (!broadcasts && !shape.empty() &&
        shape != ArrayRef<int64_t>(value.shape))
      return op->emitOpError("expects operands of one shape, got ")
             << formatExtents(shape) << " and " << formatExtents(value.shape);
    if (!broadcasts)
      shape = value.shape;
    nest.inputs.push_back(broadcasts ? Access::scalar(1) : Access::identity());
    nest.inputData.push_back(value.begin());
  }
  std::vector<double> result(isTensor ? countElements(shape) : 1);
  nest.extents = {static_cast<int64_t>(result.size())};
  nest.ordered = {false};
  nest.outputs.push_back(Access::identity());
  nest.outputData.push_back(result.data());
  nest.run();
  return environment.set(op->getResult(0), shape, std::move(result));
}

//===----------------------------------------------------------------------===//
// linalg
//===----------------------------------------------------------------------===//

/// The extents of the loops, from the dimensions that one loop alone indexes.
static FailureOr<SmallVector<int64_t>>
findExtents(linalg::LinalgOp op, const Environment &environment) {
  SmallVector<int64_t> extents(op.getNumLoops(), -1);
  for (OpOperand &operand : op->getOpOperands()) {
    ArrayRef<int64_t> shape = environment.get(operand.get()).shape;
    for (auto [d, expr] :
         llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      if (!dim)
        continue;
      int64_t &extent = extents[dim.getPosition()];
      if (extent >= 0 && extent != shape[d])
        return op->emitOpError("expects extent ")
               << extent << " in dimension " << d << " of operand #"
               << operand.getOperandNumber() << " (loop " << dim.getPosition()
               << "), got " << shape[d];
      extent = shape[d];
    }
  }
  if (auto *it = llvm::find(extents, -1); it != extents.end())
    return op->emitOpError("expects every loop to index a dimension alone to "
                           "evaluate it, got loop ")
           << it - extents.begin() << " without one";
  return extents;
}

/// Refuses what would be read or written outside of a tensor, and maps that are
/// not understood. (Loops without iterations touch nothing.)
static LogicalResult checkBounds(linalg::LinalgOp op, ArrayRef<int64_t> extents,
                                 const Environment &environment) {
  if (llvm::is_contained(extents, 0))
    return success();
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    ArrayRef<int64_t> shape = environment.get(operand.get()).shape;
    for (auto [d, expr] : llvm::enumerate(map.getResults())) {
      auto range = map.getNumSymbols() ? std::nullopt : getRange(expr, extents);
      if (!range)
        return op->emitOpError("expects indexing maps of loops, sums and "
                               "constants to evaluate it, got ")
               << AffineMapAttr::get(map);
      if (range->first < 0 || range->second >= shape[d])
        return op->emitOpError("expects indices within 0 and ")
               << shape[d] - 1 << " in dimension " << d << " of operand #"
               << operand.getOperandNumber() << ", got " << range->first
               << " to " << range->second;
    }
  }
  return success();
}

/// A loop runs in order where it is a reduction, and where some result does not
/// have an element for each of its iterations.
static FailureOr<SmallVector<bool>> findOrder(linalg::LinalgOp op) {
  SmallVector<bool> ordered;
  for (utils::IteratorType kind : op.getIteratorTypesArray())
    ordered.push_back(kind != utils::IteratorType::parallel);
  for (OpOperand &init : op.getDpsInitsMutable()) {
    AffineMap map = op.getMatchingIndexingMap(&init);
    if (!map.isProjectedPermutation())
      return op->emitOpError(
                 "expects results indexed by loops to evaluate it, got ")
             << AffineMapAttr::get(map);
    for (unsigned loop = 0; loop != ordered.size(); ++loop)
      if (!map.isFunctionOfDim(loop))
        ordered[loop] = true;
  }
  return ordered;
}

LogicalResult
deltanet::interpreter::evaluateStructured(linalg::LinalgOp op,
                                          Environment &environment) {
  if (!op.hasPureTensorSemantics())
    return op->emitOpError("expects tensors to evaluate it, got memrefs");
  FailureOr<SmallVector<int64_t>> extents = findExtents(op, environment);
  if (failed(extents) || failed(checkBounds(op, *extents, environment)))
    return failure();
  FailureOr<SmallVector<bool>> ordered = findOrder(op);
  if (failed(ordered))
    return failure();
  Block &body = *op.getBlock();
  FailureOr<Program> program =
      compileBody(body, [&](Value value) -> FailureOr<double> {
        if (!value.getType().isIntOrIndexOrFloat())
          return op->emitOpError(
                     "expects a body that uses scalars to evaluate it, got ")
                 << value.getType();
        return environment.getNumber(value);
      });
  if (failed(program))
    return failure();
  Nest nest;
  nest.extents = std::move(*extents);
  nest.ordered = std::move(*ordered);
  nest.program = std::move(*program);

  std::vector<std::vector<double>> results;
  for (OpOperand &init : op.getDpsInitsMutable()) {
    const TensorValue &value = environment.get(init.get());
    unsigned i = init.getOperandNumber();
    bool reads = i < body.getNumArguments() && !body.getArgument(i).use_empty();
    results.push_back(reads ? *value.data
                            : std::vector<double>(value.data->size()));
    nest.outputs.emplace_back(op.getMatchingIndexingMap(&init), value.shape);
    nest.outputData.push_back(results.back().data());
  }
  // Arguments are the inputs and then, in most operations, the results so far.
  for (unsigned i = 0; i != body.getNumArguments(); ++i) {
    OpOperand &operand = op->getOpOperand(i);
    const TensorValue &value = environment.get(operand.get());
    nest.inputs.emplace_back(op.getMatchingIndexingMap(&operand), value.shape);
    nest.inputData.push_back(op.isDpsInit(&operand)
                                 ? nest.outputData[i - op.getNumDpsInputs()]
                                 : value.begin());
  }
  nest.run();
  for (auto [i, result] : llvm::enumerate(op->getResults()))
    if (failed(environment.set(result,
                               environment.get(op.getDpsInits()[i]).shape,
                               std::move(results[i]))))
      return failure();
  return success();
}
