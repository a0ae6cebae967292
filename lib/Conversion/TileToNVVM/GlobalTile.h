//===- GlobalTile.h - a tile in global memory ------------------*- C++ -*-===//
// Addresses and guards of its elements.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_TILETONVVM_GLOBALTILE_H
#define DELTANET_LIB_CONVERSION_TILETONVVM_GLOBALTILE_H

#include "Emit.h"

namespace deltanet::tile {

/// Numbers of type index as i64 and i32, i32 as i64, products of i64.
mlir::Value toI64(Emit &emit, mlir::Value index);
mlir::Value toI32(Emit &emit, mlir::Value index);
mlir::Value extend(Emit &emit, mlir::Value v);
mlir::Value mul64(Emit &emit, mlir::Value x, mlir::Value y);
mlir::Value mul64(Emit &emit, mlir::Value x, int64_t y);
/// `pointer`, as a value of which nothing is known. Without this LLVM turns
/// every address that moves with a loop into a pointer of its own, kept in
/// registers.
mlir::Value opaque(Emit &emit, mlir::Value pointer);

class GlobalTile {
public:
  using Value = mlir::Value;

  /// As the operands of `tile.load` and `tile.store` say.
  GlobalTile(Emit &emit, Value pointer, Value offset, mlir::ValueRange strides,
             mlir::ValueRange limits,
             std::optional<mlir::ArrayRef<int64_t>> along, mlir::Type element);

  /// The part of every address that differs between threads.
  void setVariable(mlir::ArrayRef<Value> coordinates);
  Value address(mlir::ArrayRef<int64_t> constants);
  /// Whether the element is below the limits; null where there are none.
  Value inside(mlir::ArrayRef<int64_t> constants);
  /// Runs `body` where the element is below the limit.
  void guarded(mlir::ArrayRef<int64_t> constants,
               llvm::function_ref<void()> body);

private:
  Emit &emit;
  int64_t bytes;
  llvm::SmallVector<int64_t> along;
  Value start, base;
  llvm::SmallVector<Value> strides, limits, variable;
};

} // namespace deltanet::tile

#endif // DELTANET_LIB_CONVERSION_TILETONVVM_GLOBALTILE_H
