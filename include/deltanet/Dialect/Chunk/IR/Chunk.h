//===- Chunk.h - the chunk dialect ------------------------------*- C++ -*-===//
// Programs over one chunk of a sequence; the normative page is
// dialects/Chunk/README.md.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_DIALECT_CHUNK_IR_CHUNK_H
#define DELTANET_DIALECT_CHUNK_IR_CHUNK_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "deltanet/Dialect/Chunk/IR/ChunkDialect.h.inc"
#include "deltanet/Dialect/Chunk/IR/ChunkEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "deltanet/Dialect/Chunk/IR/ChunkAttrs.h.inc"

namespace deltanet::chunk {
class GradientBuilder;
} // namespace deltanet::chunk

#include "deltanet/Dialect/Chunk/IR/ChunkInterfaces.h.inc"

#define GET_OP_CLASSES
#include "deltanet/Dialect/Chunk/IR/ChunkOps.h.inc"

namespace deltanet::chunk {

/// The tile that `access` cuts out of a tensor of type `type` for chunks of
/// `chunkSize` tokens; `steps` rows for every token. Null if an extent of the
/// tile would not be static.
mlir::RankedTensorType getTileType(AccessAttr access,
                                   mlir::RankedTensorType type,
                                   int64_t chunkSize, int64_t steps = 1);

/// The rows per token of the tile of input `i` of a scan (1, but for operators
/// with several steps a token, (25)).
int64_t getRowsPerToken(ScanOp scan, mlir::RankedTensorType tile,
                        AccessAttr access);

} // namespace deltanet::chunk

#endif // DELTANET_DIALECT_CHUNK_IR_CHUNK_H
