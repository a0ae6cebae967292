//===- ScanTypes.h - tensors of scans that passes make ----------*- C++ -*-===//
// Accesses and types of what passes add to a scan.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_SCANTYPES_H
#define DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_SCANTYPES_H

#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "mlir/IR/PatternMatch.h"

namespace deltanet::chunk {

/// Whether `scan` runs over heads.
bool hasHeads(ScanOp scan);
/// The extent of a loop of `scan`, where it is known.
int64_t getExtent(ScanOp scan, AccessAttr::Loop loop);
/// How a tile of every chunk is kept: batch, chunks, heads, the tile.
AccessAttr getChunkAccess(ScanOp scan, int64_t tileRank);
/// How a tile of every run is kept: sequences, runs, heads, the tile.
AccessAttr getRunAccess(ScanOp scan, int64_t tileRank);
/// The tensor that `access` cuts into tiles of type `tile`; no tokens.
mlir::RankedTensorType getStorageType(ScanOp scan, AccessAttr access,
                                      mlir::RankedTensorType tile);
/// The same with tiles of `runs` runs.
mlir::RankedTensorType getRunType(ScanOp scan, mlir::RankedTensorType tile,
                                  int64_t runs);

/// `scan` with further outputs; its body moves into the new operation.
ScanOp withOutputs(ScanOp scan, mlir::TypeRange types,
                   mlir::ArrayRef<mlir::Attribute> accesses,
                   mlir::ValueRange tiles, mlir::RewriterBase &rewriter);

} // namespace deltanet::chunk

#endif // DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_SCANTYPES_H
