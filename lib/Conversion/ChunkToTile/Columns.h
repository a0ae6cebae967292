//===- Columns.h - the independent dimension of a chunk program -*- C++ -*-===//
// The columns of the state do not meet (10): which dimension of which value of
// a body runs over them.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_CHUNKTOTILE_COLUMNS_H
#define DELTANET_LIB_CONVERSION_CHUNKTOTILE_COLUMNS_H

#include "deltanet/Dialect/Chunk/IR/Chunk.h"

namespace deltanet {

/// The dimension that no operation of a body contracts, reduces or orders,
/// value by value.
struct Columns {
  int64_t extent;
  llvm::DenseMap<mlir::Value, int64_t> dims;

  /// The dimension of `v` that runs over the columns.
  std::optional<int64_t> find(mlir::Value v) const {
    auto it = dims.find(v);
    return it == dims.end() ? std::nullopt : std::optional<int64_t>(it->second);
  }
};

/// Finds the columns of `scan`, whose carries must all have them; where there
/// are none, says why.
mlir::FailureOr<Columns> findColumns(chunk::ScanOp scan);

} // namespace deltanet

#endif // DELTANET_LIB_CONVERSION_CHUNKTOTILE_COLUMNS_H
