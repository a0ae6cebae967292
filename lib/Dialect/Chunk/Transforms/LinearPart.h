//===- LinearPart.h - what a body multiplies the state by -------*- C++ -*-===//
// The next state of a body is affine in the state: P S + N (10). The linear
// part is the body without what is added, run on a matrix with as many columns
// as the state has rows; where it only multiplies elements, on the state
// itself.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_LINEARPART_H
#define DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_LINEARPART_H

#include "deltanet/Dialect/Chunk/IR/DimensionClasses.h"
#include "mlir/IR/IRMapping.h"

namespace deltanet::chunk {

class LinearPart {
public:
  using Value = mlir::Value;

  /// Of the body of `scan`; says what in it is not affine, or not the same for
  /// every column of the state.
  static mlir::FailureOr<LinearPart> find(ScanOp scan);

  /// Whether the body only adds to the state: P is the identity.
  bool isIdentity() const { return identity; }
  /// Whether it multiplies every element of the state by a number: P is
  /// diagonal, and one factor an element says all of it.
  bool isElementwise() const { return elementwise; }
  /// The dimension of the state that runs over its columns.
  int64_t getColumn() const { return column; }
  /// P as it is carried, as products read it, and as it is kept.
  mlir::RankedTensorType getCarryType() const { return retyped(carry); }
  mlir::RankedTensorType getProductType() const {
    return getCarryType().clone(productElement);
  }
  mlir::RankedTensorType getStoredType() const {
    return elementwise ? getCarryType() : getProductType();
  }
  /// Emits the linear part at `b`, of the carry that `mapping` holds; gives the
  /// next one. What does not wait for the state is emitted as needed.
  Value emit(mlir::OpBuilder &b, mlir::IRMapping &mapping) const;

private:
  explicit LinearPart(ScanOp scan)
      : scan(scan), classes(scan), carry(scan.getCarryArguments()[0]) {}

  mlir::LogicalResult check();
  mlir::LogicalResult checkLinear(mlir::Operation *op) const;
  mlir::LogicalResult checkFactor(mlir::Operation *user, Value v) const;
  /// Whether `v` depends on the state.
  bool waits(Value v) const { return waiting.contains(v); }
  /// The dimension of `v` that runs over the columns.
  std::optional<int64_t> findColumn(Value v) const;
  /// The type of `v` with as many columns as P has.
  mlir::RankedTensorType retyped(Value v) const;
  /// What is emitted: with the columns of P, and as it is.
  struct Maps {
    mlir::IRMapping linear, plain;
  };
  Value emitFactor(Value v, mlir::OpBuilder &b, Maps &maps) const;
  Value emitLinear(Value v, mlir::OpBuilder &b, Maps &maps) const;
  Value emitSum(mlir::Operation *op, mlir::OpBuilder &b, Maps &maps) const;

  mutable ScanOp scan; // its accessors are not const
  DimensionClasses classes;
  Value carry;
  llvm::DenseSet<Value> waiting;
  int64_t column = 0;
  bool identity = false, elementwise = false;
  mlir::Type productElement;
};

} // namespace deltanet::chunk

#endif // DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_LINEARPART_H
