//===- Passes.h - facts and decisions in the IR -----------------*- C++ -*-===//
// The passes of dialects/Kernel/Passes.td: the target, the schedule.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_DIALECT_KERNEL_TRANSFORMS_PASSES_H
#define DELTANET_DIALECT_KERNEL_TRANSFORMS_PASSES_H

#include "deltanet/Dialect/Kernel/IR/Kernel.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace deltanet::kernel {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "deltanet/Dialect/Kernel/Transforms/Passes.h.inc"

/// A recurrence of this many tokens or fewer runs as the token loop: a chunk
/// program would compute rows that nobody reads.
inline constexpr int64_t kTokenLoopTokens = 2;
/// On a GPU, where a few tokens are no more work than one: the state's way from
/// memory and back is what takes the time.
inline constexpr int64_t kTokenLoopTokensOnGPU = 8;

/// Tokens a chunk on a processor, where nobody says: products within a chunk
/// cost work in proportion to it, and 16 is enough rows for vector code
/// (docs/Figures.md, "Tokens a chunk on a processor").
inline constexpr int64_t kChunkOnCPU = 16;

/// Tokens a chunk on a GPU where nothing says otherwise: at K = V = 128 ptxas
/// keeps chunks of 32 in registers with room to spare, and what runs ahead is
/// done sooner (docs/Gpu.md).
inline constexpr int64_t kChunkOnGPU = 32;
} // namespace deltanet::kernel

#endif // DELTANET_DIALECT_KERNEL_TRANSFORMS_PASSES_H
