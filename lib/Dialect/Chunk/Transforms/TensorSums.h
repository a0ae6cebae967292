//===- TensorSums.h - sums over dimensions of whole tensors -----*- C++ -*-===//
// What is left to add when every head and sequence has its own part of a
// gradient: in the order of the elements, always the same.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_TENSORSUMS_H
#define DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_TENSORSUMS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace deltanet::chunk {

/// The sum over the first `count` dimensions.
mlir::Value sumLeading(mlir::OpBuilder &b, mlir::Location loc,
                       mlir::Value tensor, int64_t count);
/// The sum over neighbours along `dim`, so many that its extent becomes that of
/// `like`, whose dimensions are those of the result.
mlir::Value sumNeighbours(mlir::OpBuilder &b, mlir::Location loc,
                          mlir::Value tensor, int64_t dim, mlir::Value like);
/// The tensor in another element type and with what is known of the extents of
/// `type`.
mlir::Value convertTensor(mlir::OpBuilder &b, mlir::Location loc,
                          mlir::Value tensor, mlir::RankedTensorType type);
/// Zeros of the type and extents of `like`.
mlir::Value zerosLike(mlir::OpBuilder &b, mlir::Location loc, mlir::Value like);

} // namespace deltanet::chunk

#endif // DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_TENSORSUMS_H
