//===- MatrixReader.h - ldmatrix from a buffer -----------------*- C++ -*-===//
// Reads 8 x 8 blocks of a buffer into the registers of a warp.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_TILETONVVM_MATRIXREADER_H
#define DELTANET_LIB_CONVERSION_TILETONVVM_MATRIXREADER_H

#include "Emit.h"

namespace deltanet::tile {

/// Four blocks of a 16 x 16 part come in the order of their registers: the
/// second is below the first (`Down`, left operands and accumulators as they
/// are stored, right operands stored k x n) or beside it (`Across`).
enum class BlockOrder { Down, Across };

class MatrixReader {
public:
  /// Reads `buffer` of type `type` from row `row` and column `column` on, which
  /// differ from warp to warp.
  MatrixReader(Emit &emit, mlir::Value buffer, BufferType type, mlir::Value row,
               mlir::Value column, BlockOrder order, bool transpose);

  /// The first `count` (4 or 2) blocks at a constant distance from the start.
  llvm::SmallVector<mlir::Value> read(int64_t row, int64_t column,
                                      int64_t count = 4);

private:
  Emit &emit;
  BufferType type;
  bool transpose;
  mlir::Value address; // of the lane's row
};

} // namespace deltanet::tile

#endif // DELTANET_LIB_CONVERSION_TILETONVVM_MATRIXREADER_H
