//===- MatrixReader.h - matrices from buffers ------------------*- C++ -*-===//
// Reads 8 x 8 blocks of a buffer into the registers of a warp: 16-bit elements
// by ldmatrix, f32 by ordinary loads.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_TILETONVVM_MATRIXREADER_H
#define DELTANET_LIB_CONVERSION_TILETONVVM_MATRIXREADER_H

#include "ElementAddress.h"

namespace deltanet::tile {

/// Four blocks of a 16 x 16 part come in the order of their registers: the
/// second is below the first (`Down`, left operands and accumulators as they
/// are stored, right operands stored k x n) or beside it (`Across`).
enum class BlockOrder { Down, Across };

/// What lane l gives `ldmatrix` and `stmatrix`: row l mod 8 of block l / 8 of the
/// 16 x 16 part at (row, column).
ElementAddress getLaneAddress(Emit &emit, mlir::Value buffer, BufferType type,
                              mlir::Value row, mlir::Value column,
                              BlockOrder order);

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
  bool transpose;
  ElementAddress address; // of the lane's row
};

/// Reads f32 as accumulators hold it: a lane has row lane / 4 and columns
/// 2 (lane % 4) and the one after of every 8 x 8 block. Of a transposed block
/// half of the lanes read the second element first; then lanes meet every bank
/// once both ways where rows lie an odd multiple of 32 bytes apart.
class PairReader {
public:
  /// Reads `buffer`, or its transpose, from row `row` and column `column` on.
  PairReader(Emit &emit, mlir::Value buffer, BufferType type, mlir::Value row,
             mlir::Value column, bool transpose);

  /// The lane's two elements of the block at a constant distance.
  std::pair<mlir::Value, mlir::Value> read(int64_t row, int64_t column);
  /// The lane's four elements of a tile of 16 x 8.
  llvm::SmallVector<mlir::Value> readTile(int64_t row, int64_t column);

private:
  Emit &emit;
  BufferType type;
  bool transpose;
  mlir::Value first, second, swap;
};

} // namespace deltanet::tile

#endif // DELTANET_LIB_CONVERSION_TILETONVVM_MATRIXREADER_H
