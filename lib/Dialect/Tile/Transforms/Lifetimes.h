//===- Lifetimes.h - which allocations may share a place --------*- C++ -*-===//
// Two allocations may lie in one place where neither holds anything that is
// still needed, or that a warp may still be at, when the other one is used.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DIALECT_TILE_TRANSFORMS_LIFETIMES_H
#define DELTANET_LIB_DIALECT_TILE_TRANSFORMS_LIFETIMES_H

#include "SharedUses.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/MapVector.h"

namespace deltanet::tile {

/// Which barriers lifetimes are told by.
enum class Barriers {
  Standing, ///< those of the kernel
  Wherever, ///< any that would be put between two uses of one place
};

/// Of a kernel whose barriers stand. An allocation is *occupied*
///  - from an operation that writes all of it to the last that reads it, around
///    the loop where it is read in a turn before it is written; and
///  - from each use to the next barrier of those who use it, as other warps may
///    still be there; copies under way, to the wait and the barrier after it.
/// Where barriers would be put between any two uses of one place, only copies
/// under way are waited for.
/// Whoever uses another allocation meets all that are occupied then. Channels,
/// what several roles or the copies of one use, what bulk copies and products
/// of warp groups use, and what is used in no way that is known, are always
/// occupied.
class Lifetimes {
public:
  using Value = mlir::Value;

  Lifetimes(mlir::gpu::GPUFuncOp kernel, Barriers barriers);

  /// Whether `a` and `b` need places of their own.
  bool meet(Value a, Value b) const;

private:
  using Set = llvm::BitVector;

  void findAllocations(mlir::gpu::GPUFuncOp kernel);
  bool isKnown(AllocOp alloc);
  Set findLive(mlir::Block &block, Set live);
  Set findLive(mlir::Operation *op, Set live);
  void findPending(mlir::Block &block, Pending &pending);
  void findPending(mlir::Operation *op, Pending &pending);
  void occupy(Value used, const Set &occupied);

  Barriers barriers;
  /// Allocations whose uses are known, and what each of them meets.
  llvm::MapVector<Value, unsigned> numbers;
  llvm::SmallVector<Set> met;
  /// The role that uses it; null where there are none.
  llvm::DenseMap<Value, mlir::Region *> roles;
};

} // namespace deltanet::tile

#endif // DELTANET_LIB_DIALECT_TILE_TRANSFORMS_LIFETIMES_H
