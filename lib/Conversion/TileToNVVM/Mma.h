//===- Mma.h - products of one warp ----------------------------*- C++ -*-===//
// mma.sync of 16-bit operands, and of f32 operands as tf32.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_TILETONVVM_MMA_H
#define DELTANET_LIB_CONVERSION_TILETONVVM_MMA_H

#include "Emit.h"

namespace deltanet::tile {

/// One mma.sync of 16 x 8 x depth; `element` is bf16, f16 or f32 (as tf32).
void mmaSync(Emit &emit, mlir::Type element, int64_t depth,
             llvm::ArrayRef<mlir::Value> a, llvm::ArrayRef<mlir::Value> b,
             llvm::MutableArrayRef<mlir::Value> c);

/// Products of f32 operands of depth 8. The contracted index may run in any
/// order as long as both operands agree: columns 2t and 2t + 1 of an
/// accumulator stand for t and t + 4 of the instruction. So a tile of 16 x 8 as
/// accumulators (and PairReader) hold it is a left operand as it stands, and a
/// lane's pair of 8 x 8 a right one, its rows the columns of the product.
class Tf32 {
public:
  using Value = mlir::Value;

  Tf32(Emit &emit, Precision precision)
      : emit(emit), split(precision == Precision::TF32X3) {}

  /// Numbers rounded to tf32, and with tf32x3 what that left, rounded too.
  struct Operand {
    llvm::SmallVector<Value> high, low;
  };
  /// A tile of 16 x 8.
  Operand left(llvm::ArrayRef<Value> tile) {
    return round({tile[0], tile[2], tile[1], tile[3]});
  }
  /// The lane's pair of a block of 8 x 8.
  Operand right(Value first, Value second) { return round({first, second}); }
  /// c += a b.
  void multiply(const Operand &a, const Operand &b,
                llvm::MutableArrayRef<Value> c);

private:
  Operand round(llvm::ArrayRef<Value> values);

  Emit &emit;
  bool split;
};

} // namespace deltanet::tile

#endif // DELTANET_LIB_CONVERSION_TILETONVVM_MMA_H
