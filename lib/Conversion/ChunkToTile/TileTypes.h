//===- TileTypes.h - types on the way to tiles ------------------*- C++ -*-===//
// Small questions about types that all of this folder asks.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_CHUNKTOTILE_TILETYPES_H
#define DELTANET_LIB_CONVERSION_CHUNKTOTILE_TILETYPES_H

#include "deltanet/Dialect/Tile/IR/Tile.h"

namespace deltanet {

inline mlir::RankedTensorType rankedType(mlir::Value v) {
  return mlir::cast<mlir::RankedTensorType>(v.getType());
}
inline mlir::Type elementOf(mlir::Value v) {
  return mlir::getElementTypeOrSelf(v.getType());
}
inline bool is16Bits(mlir::Type type) { return type.isBF16() || type.isF16(); }

/// A buffer for a matrix, without conflicts of banks.
tile::BufferType matrixBuffer(mlir::MLIRContext *context, int64_t rows,
                              int64_t columns, mlir::Type element);

} // namespace deltanet

#endif // DELTANET_LIB_CONVERSION_CHUNKTOTILE_TILETYPES_H
