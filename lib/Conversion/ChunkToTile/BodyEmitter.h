//===- BodyEmitter.h - a chunk body as tiles --------------------*- C++ -*-===//
// Emits the operations of a chunk body, each where its value is to be: columns
// transposed in registers, the rest by all warps and through shared memory.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_CHUNKTOTILE_BODYEMITTER_H
#define DELTANET_LIB_CONVERSION_CHUNKTOTILE_BODYEMITTER_H

#include "Columns.h"
#include "deltanet/Dialect/Tile/IR/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace deltanet {

/// Rows of a matrix in registers that one warp holds.
inline constexpr int64_t kRowsPerWarp = 16;

/// Where a value of the body is.
struct Held {
  mlir::Value registers; // a tile in registers, or a number
  mlir::Value buffer;    // as it is in the body, not transposed
};

class BodyEmitter {
public:
  using Value = mlir::Value;

  /// Emits at `b`; allocations go to the start of `entry`. `warps` warps hold
  /// 16 columns each.
  BodyEmitter(mlir::OpBuilder &b, mlir::Block *entry, chunk::ScanOp scan,
              const Columns &columns, int64_t warps)
      : b(b), entry(entry), scan(scan), columns(columns), warps(warps) {}

  /// What a block argument of the body is.
  void bind(Value argument, Held held) { values[argument] = held; }
  /// Rows of tokens in this chunk.
  void setCount(Value count) { this->count = count; }

  /// Emits the body, what does not depend on the state first.
  mlir::LogicalResult emit();

  /// A value in registers; null after a diagnostic.
  Value inRegisters(Value v);

  /// The type of `v` in registers.
  mlir::FailureOr<mlir::Type> registerType(Value v) {
    return registerType(v, v.getLoc());
  }
  /// Dimension `dim` of `v` as it is held.
  int64_t heldDim(Value v, int64_t dim) const;
  /// A buffer for rows of `type`, without conflicts of banks.
  static tile::BufferType bufferType(mlir::RankedTensorType type);
  Value allocate(mlir::Type type, mlir::Location loc);

private:
  mlir::FailureOr<mlir::Type> registerType(Value v, mlir::Location loc);
  /// The operations that the results of a chunk need.
  llvm::SmallPtrSet<mlir::Operation *, 32> collectResults();
  bool isColumn(Value v) const { return columns.find(v).has_value(); }
  Value asOperand(Value v);
  /// A vector in shared memory, from where the columns read it.
  Value asVector(Value v);
  bool isVectorForColumns(Value v) const;
  /// Repeats `v`, a value of the body, along dimension `along` of tile `type`.
  Value repeat(Value v, mlir::RankedTensorType type, int64_t along,
               bool forColumns, mlir::Location loc);
  Value coordinate(mlir::RankedTensorType type, int64_t dim,
                   mlir::Location loc);
  Value zeros(mlir::Type type, mlir::Location loc);

  mlir::LogicalResult emit(mlir::Operation *op);
  mlir::LogicalResult emitElementwise(mlir::Operation *op);
  mlir::LogicalResult emitConstant(mlir::arith::ConstantOp op);
  mlir::LogicalResult emitRounding(mlir::arith::TruncFOp op);
  mlir::LogicalResult emitProduct(chunk::DotOp op, Value init);
  mlir::LogicalResult emitSum(mlir::arith::AddFOp op, bool &done);
  mlir::LogicalResult emitDecayDot(chunk::DecayDotOp op);
  mlir::LogicalResult emitInverse(chunk::UnitLowerInverseOp op);
  mlir::LogicalResult emitBroadcast(chunk::BroadcastOp op);
  mlir::LogicalResult emitMask(chunk::MaskTokensOp op);
  mlir::LogicalResult emitTril(chunk::TrilOp op);
  mlir::LogicalResult emitRow(chunk::RowOp op);
  mlir::LogicalResult emitCumsum(chunk::CumsumOp op);
  /// Zeros of `v` where column > row, or >= with `strict`.
  Value lowerTriangle(Value v, bool strict, mlir::Location loc);
  Value mma(Value lhs, Value rhs, Value init, bool transposeLhs,
            bool transposeRhs, mlir::Location loc);

  mlir::OpBuilder &b;
  mlir::Block *entry;
  chunk::ScanOp scan;
  const Columns &columns;
  int64_t warps;
  Value count;
  llvm::DenseMap<Value, Held> values;
};

} // namespace deltanet

#endif // DELTANET_LIB_CONVERSION_CHUNKTOTILE_BODYEMITTER_H
