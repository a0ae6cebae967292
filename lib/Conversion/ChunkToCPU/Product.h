//===- Product.h - the microkernel of matrix products -----------*- C++ -*-===//
// Register-blocked outer products: a few rows times a few vectors of columns in
// registers, over the contracted dimension in a loop.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_CHUNKTOCPU_PRODUCT_H
#define DELTANET_LIB_CONVERSION_CHUNKTOCPU_PRODUCT_H

#include "BodyEmitter.h"

namespace deltanet::cpu {

/// out[m, n] = start[m, n] + sum_k lhs[m, k] rhs[k, n], all f32.
class Product {
public:
  using Index = mlir::Value;
  Product(BodyEmitter &e, Tile lhs, bool transposeLhs, Tile rhs, int64_t rows,
          int64_t width, int64_t depth)
      : e(e), lhs(std::move(lhs)), rhs(std::move(rhs)),
        transposeLhs(transposeLhs), rows(rows), width(width), depth(depth) {}

  /// Where a block of accumulators starts: zero if absent.
  std::function<mlir::Value(Index row, Index col)> start;
  /// Takes the accumulated vector at (row, col).
  std::function<void(Index row, Index col, mlir::Value sum)> finish;
  /// Called with a row of a block, before its `finish`es; for what is the same
  /// in the whole row.
  std::function<void(Index row)> beginRow;
  /// Called with a finished block instead of `finish`, for work between its
  /// rows.
  std::function<void(Index row, Index col,
                     llvm::MutableArrayRef<mlir::SmallVector<mlir::Value>>)>
      finishBlock;
  /// The contracted range of the block at (row, col) of so many rows; all if
  /// absent.
  std::function<std::pair<Index, Index>(Index row, Index col, int64_t rows)>
      range;
  /// The columns that are computed of a block of rows; all if absent. Then
  /// blocks are one vector wide.
  std::function<Index(Index row, int64_t rows)> columns;
  /// Rows of the first operand and of the result start here.
  Index lhsRow, lhsColumn;
  /// Blocks of rows from the last to the first.
  bool backward = false;
  /// Subtract the products.
  bool negate = false;

  void emit();

private:
  void emitRows(Index row, int64_t count);
  void emitBlock(Index row, Index col, int64_t count, int64_t vectors);
  mlir::Value lhsAt(Index row, Index k);

  BodyEmitter &e;
  Tile lhs, rhs;
  bool transposeLhs;
  int64_t rows, width, depth;
};

} // namespace deltanet::cpu

#endif // DELTANET_LIB_CONVERSION_CHUNKTOCPU_PRODUCT_H
