//===- TensorSums.h - sums over dimensions of whole tensors -----*- C++ -*-===//
// What is left to add when every head and sequence has its own part of a
// gradient: in the order of the elements, always the same.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_TENSORSUMS_H
#define DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_TENSORSUMS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace deltanet::chunk {

/// The sum over the dimensions listed.
mlir::Value sumOver(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor,
                    mlir::ArrayRef<int64_t> dims);
/// The sum over neighbours along `dim`, of which `groups` are left.
mlir::Value sumNeighbours(mlir::OpBuilder &b, mlir::Location loc,
                          mlir::Value tensor, int64_t dim,
                          mlir::OpFoldResult groups);
/// The tensor in another element type.
mlir::Value convertElements(mlir::OpBuilder &b, mlir::Location loc,
                            mlir::Value tensor, mlir::Type element);
/// Zeros of the type and extents of `like`.
mlir::Value zerosLike(mlir::OpBuilder &b, mlir::Location loc, mlir::Value like);

} // namespace deltanet::chunk

#endif // DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_TENSORSUMS_H
