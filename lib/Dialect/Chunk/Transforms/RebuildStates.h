//===- RebuildStates.h - states that are made again -------------*- C++ -*-===//
// Where a gradient keeps few states of a sequence, a scan makes those of all
// chunks from them: runs of chunks side by side, each from its own.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_REBUILDSTATES_H
#define DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_REBUILDSTATES_H

#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "llvm/ADT/BitVector.h"

namespace deltanet::chunk {

/// A carried value with the element type of `type`, as a tensor keeps it.
mlir::Value roundTo(mlir::BlockArgument argument, mlir::Type type,
                    mlir::OpBuilder &b);

/// The carries of `scan` that the next values of `wanted` come from, in order.
llvm::SmallVector<unsigned> findSources(ScanOp scan, llvm::BitVector wanted);

/// A scan after `scan` that yields what every chunk of it begins with: of each
/// of `wanted` a tensor of its type. It carries `carries` and nothing that does
/// not lead to them; `starts` are what runs of chunks begin with.
ScanOp rebuildStates(ScanOp scan, mlir::ArrayRef<unsigned> carries,
                     mlir::ValueRange starts, mlir::ArrayRef<unsigned> wanted,
                     mlir::TypeRange types);

} // namespace deltanet::chunk

#endif // DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_REBUILDSTATES_H
