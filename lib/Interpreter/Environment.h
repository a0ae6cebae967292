//===- Environment.h - values while a function is evaluated -----*- C++ -*-===//
// Every SSA value with its tensor, and one entry point for each family of
// operations.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_INTERPRETER_ENVIRONMENT_H
#define DELTANET_LIB_INTERPRETER_ENVIRONMENT_H

#include "deltanet/Dialect/LinRec/IR/LinRec.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include <memory>
#include <vector>

namespace deltanet::interpreter {

/// A tensor that operations share; a scalar has no dimensions.
struct TensorValue {
  llvm::SmallVector<int64_t> shape;
  std::shared_ptr<const std::vector<double>> data;

  const double *begin() const { return data->data(); }
  int64_t getNumElements() const { return static_cast<int64_t>(data->size()); }
};

int64_t countElements(llvm::ArrayRef<int64_t> shape);
/// "4x?x2"-like, for messages: "4x3x2", "scalar".
std::string formatExtents(llvm::ArrayRef<int64_t> shape);

class Environment {
public:
  const TensorValue &get(mlir::Value value) const;
  /// Fails, and says so at the value, where the shape is not of its type.
  mlir::LogicalResult set(mlir::Value value, TensorValue tensor);
  mlir::LogicalResult set(mlir::Value value, llvm::ArrayRef<int64_t> shape,
                          std::vector<double> data);
  void release(mlir::Value value) { values.erase(value); }

  /// The number that a scalar value is.
  double getNumber(mlir::Value value) const { return get(value).begin()[0]; }
  /// The integers that indices are; fails, with a message at `user`, where one
  /// is not defined.
  mlir::FailureOr<llvm::SmallVector<int64_t>>
  getIntegers(llvm::ArrayRef<mlir::OpFoldResult> indices,
              mlir::Operation *user) const;

private:
  llvm::DenseMap<mlir::Value, TensorValue> values;
};

/// arith and math, on scalars and on tensors.
mlir::LogicalResult evaluateElementwise(mlir::Operation *op,
                                        Environment &environment);
/// linalg.generic and every named operation that has a body.
mlir::LogicalResult evaluateStructured(mlir::linalg::LinalgOp op,
                                       Environment &environment);
/// Operations of linrec.
mlir::LogicalResult evaluateRecurrence(linrec::RecurrenceOpInterface op,
                                       Environment &environment);
mlir::LogicalResult evaluateSelectiveScan(linrec::SelectiveScanOp op,
                                          Environment &environment);
/// Operations of tensor; fails with a message for one that is not among them.
mlir::LogicalResult evaluateTensorOp(mlir::Operation *op,
                                     Environment &environment);

} // namespace deltanet::interpreter

#endif // DELTANET_LIB_INTERPRETER_ENVIRONMENT_H
