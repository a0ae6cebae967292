//===- Barriers.h - barriers between writers and readers --------*- C++ -*-===//
// Shared memory is read and written by all threads; an operation that meets
// what others may still read or write needs a barrier before it. In a role the
// threads are those of the role, and so is the barrier.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DIALECT_TILE_TRANSFORMS_BARRIERS_H
#define DELTANET_LIB_DIALECT_TILE_TRANSFORMS_BARRIERS_H

#include "SharedUses.h"

namespace deltanet::tile {

/// Whether two of what getMemory() returns have bytes in common.
using Overlap = llvm::function_ref<bool(mlir::Value, mlir::Value)>;

/// Puts the barriers that are missing into a kernel of structured control flow;
/// returns how many. An error where the control flow is not structured.
mlir::FailureOr<unsigned> insertBarriers(mlir::gpu::GPUFuncOp kernel,
                                         Overlap overlap);

} // namespace deltanet::tile

#endif // DELTANET_LIB_DIALECT_TILE_TRANSFORMS_BARRIERS_H
