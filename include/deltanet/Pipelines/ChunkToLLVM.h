//===- ChunkToLLVM.h - chunk programs to the LLVM dialect -------*- C++ -*-===//
// The part of the way to a processor that begins at the chunk program.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_PIPELINES_CHUNKTOLLVM_H
#define DELTANET_PIPELINES_CHUNKTOLLVM_H

#include "mlir/Pass/PassManager.h"

namespace deltanet {

struct ChunkToLLVMOptions {
  /// Bits of a vector; 0: those of the function's schedule, else of this
  /// machine.
  int64_t vectorBits = 0;
  /// Rows of the sub-chunks of decays per channel, (27).
  int64_t subChunk = 8;
};

/// Scans to loops of vector code on memory, and what is left on tensors too.
void buildChunkToLoops(mlir::OpPassManager &manager,
                       const ChunkToLLVMOptions &options);
/// Loops to the LLVM dialect.
void buildLoopsToLLVM(mlir::OpPassManager &manager);
/// Both: a module of functions with chunk.scan, linalg and elementwise
/// operations on tensors to a module in the LLVM dialect, whose functions take
/// `_mlir_ciface_NAME(argument descriptors..., result descriptors...)`.
void buildChunkToLLVM(mlir::OpPassManager &manager,
                      const ChunkToLLVMOptions &options = {});

} // namespace deltanet

#endif // DELTANET_PIPELINES_CHUNKTOLLVM_H
