//===- TokenEmitter.h - a token's program as tiles --------------*- C++ -*-===//
// Emits the operations of a body of one token on tiles in layout #tile.blocked.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_CHUNKTOTILE_TOKENEMITTER_H
#define DELTANET_LIB_CONVERSION_CHUNKTOTILE_TOKENEMITTER_H

#include "TokenLayout.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace deltanet {

/// Arithmetic is f32: a value of bf16 or f16 is held as the f32 that it is.
class TokenEmitter {
public:
  using Value = mlir::Value;

  /// Emits at `b`; allocations go to the start of `entry`.
  TokenEmitter(mlir::OpBuilder &b, mlir::Block *entry, chunk::ScanOp scan,
               const TokenLayout &layout)
      : b(b), entry(entry), scan(scan), layout(layout) {}

  void bind(Value inBody, Value registers) { values[inBody] = registers; }
  /// Emits what follows from what is bound, the same for all tokens, once and for
  /// all.
  mlir::LogicalResult emitInvariant();
  /// Emits the rest of the body on what is bound.
  mlir::LogicalResult emit();
  /// The registers of a value of the body, f32 where it is a float; null after a
  /// diagnostic.
  Value get(Value inBody);
  /// The type in registers of `v` as `get` gives it.
  mlir::FailureOr<mlir::RankedTensorType> getType(Value v, mlir::Location loc);

  /// `v`, of a type of `from`, as f32; f32 as `to`.
  Value widen(Value v, mlir::Location loc);
  Value narrow(Value v, mlir::Type to, mlir::Location loc);

private:
  mlir::LogicalResult emit(mlir::Operation *op);
  mlir::LogicalResult emitElementwise(mlir::Operation *op);
  mlir::LogicalResult emitConstant(mlir::arith::ConstantOp op);
  mlir::LogicalResult emitDot(chunk::DotOp op);
  mlir::LogicalResult emitBroadcast(chunk::BroadcastOp op);
  mlir::LogicalResult emitReduce(chunk::ReduceOp op);
  mlir::LogicalResult emitRow(chunk::RowOp op);
  mlir::LogicalResult emitRepeat(chunk::RepeatOp op);
  mlir::LogicalResult emitCumsum(chunk::CumsumOp op);
  mlir::LogicalResult emitTranspose(chunk::TransposeOp op);
  /// `v` repeated along `dims` to `type`.
  Value repeat(Value v, mlir::RankedTensorType type,
               llvm::ArrayRef<int64_t> dims, mlir::Location loc);
  /// Rounds f32 registers that stand for a value of `element`.
  Value rounded(Value v, mlir::Type element, mlir::Location loc);
  Value reduce(tile::Combine kind, Value v, llvm::ArrayRef<int64_t> dims,
               mlir::Location loc);

  mlir::OpBuilder &b;
  mlir::Block *entry;
  chunk::ScanOp scan;
  const TokenLayout &layout;
  llvm::DenseMap<Value, Value> values;
  llvm::SmallPtrSet<mlir::Operation *, 16> invariant; // emitted already
};

} // namespace deltanet

#endif // DELTANET_LIB_CONVERSION_CHUNKTOTILE_TOKENEMITTER_H
