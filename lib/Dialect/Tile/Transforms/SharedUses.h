//===- SharedUses.h - who uses shared memory, and since when ----*- C++ -*-===//
// What an operation reads and writes in shared memory, and what no barrier has
// separated yet from what comes next.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DIALECT_TILE_TRANSFORMS_SHAREDUSES_H
#define DELTANET_LIB_DIALECT_TILE_TRANSFORMS_SHAREDUSES_H

#include "deltanet/Dialect/Tile/IR/Tile.h"
#include "llvm/ADT/DenseSet.h"

namespace deltanet::tile {

/// The shared memory that an operation reads and writes.
struct Uses {
  using Value = mlir::Value;

  llvm::SmallVector<Value> reads, writes; // of getMemory()
  /// What it writes whole, and does not read before.
  llvm::SmallVector<Value> defines;

  explicit Uses(mlir::Operation *op);
};

/// Uses of shared memory that no barrier separates from what comes next.
struct Pending {
  llvm::DenseSet<mlir::Value> reads, writes; // of getMemory()
  /// Written by copies that have not been waited for.
  llvm::DenseSet<mlir::Value> copies;

  /// Another turn of a slot begins; the channel orders it after this one.
  void forget(mlir::ValueRange buffers) {
    for (mlir::Value buffer : buffers)
      for (llvm::DenseSet<mlir::Value> *set : {&reads, &writes, &copies})
        set->erase(buffer);
  }
  bool operator!=(const Pending &other) const {
    return reads != other.reads || writes != other.writes ||
           copies != other.copies;
  }
  void merge(const Pending &other) {
    reads.insert(other.reads.begin(), other.reads.end());
    writes.insert(other.writes.begin(), other.writes.end());
    copies.insert(other.copies.begin(), other.copies.end());
  }
  /// All threads have met.
  void meet() {
    reads.clear();
    writes.clear();
  }
  /// The copies are this thread's; others see them after a barrier.
  void wait() {
    writes.insert(copies.begin(), copies.end());
    copies.clear();
  }
  /// Some of the copies are, and no one knows which.
  void waitForSome() { writes.insert(copies.begin(), copies.end()); }
  void add(mlir::Operation *op, const Uses &uses) {
    reads.insert(uses.reads.begin(), uses.reads.end());
    auto &sink = mlir::isa<CopyAsyncOp>(op) ? copies : writes;
    sink.insert(uses.writes.begin(), uses.writes.end());
  }
};

/// Visits the regions of `op`, which is no leaf, with what is pending before
/// them; what is then pending after. What is pending at the end of a loop meets
/// its beginning; sets only grow, so that this ends.
void visitRegions(
    mlir::Operation *op, Pending &pending,
    llvm::function_ref<void(mlir::Block &, Pending &)> visitBlock);

} // namespace deltanet::tile

#endif // DELTANET_LIB_DIALECT_TILE_TRANSFORMS_SHAREDUSES_H
