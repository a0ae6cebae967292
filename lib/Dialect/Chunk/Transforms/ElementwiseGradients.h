//===- ElementwiseGradients.h - derivatives of arith and math ---*- C++ -*-===//
// The table of elementwise operations that reverse mode knows.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_ELEMENTWISEGRADIENTS_H
#define DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_ELEMENTWISEGRADIENTS_H

#include "deltanet/Dialect/Chunk/IR/Gradient.h"

namespace deltanet::chunk {

/// Adds to the gradients of the operands of `op`, whose result has the gradient
/// `dz`. An operation that the table lacks is an error at `op`.
mlir::LogicalResult pullBackElementwise(mlir::Operation *op, GradientBuilder &g,
                                        mlir::Value dz);

} // namespace deltanet::chunk

#endif // DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_ELEMENTWISEGRADIENTS_H
