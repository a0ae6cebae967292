//===- ScratchArena.h - tiles in a thread's scratch memory ------*- C++ -*-===//
// Where the tiles of a chunk body live: slots of one block of memory a thread,
// placed after the body is emitted, so that slots never alive together share
// their bytes.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_CHUNKTOCPU_SCRATCHARENA_H
#define DELTANET_LIB_CONVERSION_CHUNKTOCPU_SCRATCHARENA_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Builders.h"

namespace deltanet::cpu {

/// A tile in memory. `buffer` is a memref of at least the tile's shape, its
/// last dimension contiguous; one of the arena is padded to whole vectors
/// there, and what the padding holds is never part of a result.
struct Tile {
  mlir::Value buffer;
  llvm::SmallVector<int64_t> shape;
  mlir::Type element;
  /// The arena's slot, or -1 for memory of a tensor alone.
  int slot = -1;
  /// The tile is, or may be, part of a whole tensor: its rows are far apart.
  bool strided = false;

  explicit operator bool() const { return bool(buffer); }
  int64_t rank() const { return shape.size(); }
};

class ScratchArena {
public:
  /// Slots are views of `base`, a memref of bytes, made at `b`'s insertion
  /// point.
  ScratchArena(mlir::OpBuilder b, mlir::Location loc, mlir::Value base,
               int64_t lanes)
      : builder(b), loc(loc), base(base), lanes(lanes) {}

  /// A tile of `shape`, alive from `position` on.
  Tile allocate(llvm::ArrayRef<int64_t> shape, mlir::Type element,
                int64_t position);
  /// `tile` is read or written at `position`.
  void touch(const Tile &tile, int64_t position);
  /// `tile` is alive everywhere (carried values, invariants).
  void pin(const Tile &tile);
  /// Places every slot; returns the bytes that a thread needs.
  int64_t place();

private:
  struct Slot {
    /// Its place in the memory, an operand of the view.
    mlir::arith::ConstantIndexOp address;
    int64_t bytes, first, last;
    int64_t offset = 0;
  };
  mlir::OpBuilder builder;
  mlir::Location loc;
  mlir::Value base;
  int64_t lanes;
  llvm::SmallVector<Slot> slots;
};

} // namespace deltanet::cpu

#endif // DELTANET_LIB_CONVERSION_CHUNKTOCPU_SCRATCHARENA_H
