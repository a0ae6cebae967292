//===- BodyPlan.h - which values of a chunk body get memory -----*- C++ -*-===//
// Decides, before any code is emitted, which tiles are stored and which are
// expressions computed, a vector at a time, inside the loop that needs them.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_CHUNKTOCPU_BODYPLAN_H
#define DELTANET_LIB_CONVERSION_CHUNKTOCPU_BODYPLAN_H

#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "llvm/ADT/SmallPtrSet.h"

namespace deltanet::cpu {

/// True for operations whose result at one index follows from their operands at
/// one index each: elementwise ones, broadcast, row, repeat, mask_tokens, tril,
/// splat constants.
bool isExpression(mlir::Operation *op);

class BodyPlan {
public:
  explicit BodyPlan(chunk::ScanOp scan);

  /// True if `value` is stored where it is defined.
  bool isStored(mlir::Value value) const { return stored.contains(value); }
  /// The product whose accumulators the loop of `root` uses while they are in
  /// registers; null if there is none.
  chunk::DotOp fusedDot(mlir::Operation *root) const {
    return fused.lookup(root);
  }
  bool isFused(chunk::DotOp dot) const { return fusedDots.contains(dot); }
  /// True if the value that becomes carry `i` can overwrite the carry's tile:
  /// no one reads the old value later, nor at another index.
  bool canOverwriteCarry(unsigned i) const { return overwrite[i]; }

private:
  using Roots = llvm::SmallPtrSet<mlir::Operation *, 4>;
  void findRoots(mlir::Value value);
  void fuseDots(mlir::Block *body);
  void planCarries(chunk::ScanOp scan);
  int64_t costOf(mlir::Value value);

  llvm::DenseSet<mlir::Value> stored;
  llvm::DenseMap<mlir::Value, Roots> roots;
  llvm::DenseMap<mlir::Value, int64_t> costs;
  llvm::DenseMap<mlir::Operation *, chunk::DotOp> fused;
  llvm::DenseSet<mlir::Operation *> fusedDots;
  llvm::DenseMap<mlir::Operation *, mlir::Operation *> fusedInto;
  llvm::SmallVector<bool> overwrite;
};

} // namespace deltanet::cpu

#endif // DELTANET_LIB_CONVERSION_CHUNKTOCPU_BODYPLAN_H
