//===- ScanAccess.h - the parts of tensors that a scan walks ----*- C++ -*-===//
// Extents of a scan's loops, the views that accesses cut out of its tensors,
// and copies between views and tiles.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_CHUNKTOCPU_SCANACCESS_H
#define DELTANET_LIB_CONVERSION_CHUNKTOCPU_SCANACCESS_H

#include "ScratchArena.h"
#include "deltanet/Dialect/Chunk/IR/Chunk.h"

namespace deltanet::cpu {

/// The memory a scan works on, as seen from one function.
struct ScanBuffers {
  /// Offsets of packed sequences, or null.
  mlir::Value sequences;
  /// Entries of a pool that the sequences use, or null.
  mlir::Value indices;
  /// An init that is a splat constant or the identity is null: it needs no
  /// memory.
  llvm::SmallVector<mlir::Value> inits, inputs, outputs;
  /// Null where nobody asks for the final value.
  llvm::SmallVector<mlir::Value> finals;
  /// Scalars from around the scan that its body uses.
  llvm::SmallVector<mlir::Value> scalars;

  llvm::SmallVector<mlir::Value> all() const;
  /// The same, with the values of another function in the order of `all`.
  ScanBuffers withValues(mlir::ValueRange values) const;
};

/// Where a scan is: the values that loops of accesses have.
struct ScanPlace {
  /// `segment`: of an output, the run.
  mlir::Value batch, sequence, head, segment;
  /// The entry of a pool that the sequence uses.
  mlir::Value entry;
  /// The first token of the chunk, from the start of the batch entry.
  mlir::Value token;
  /// The chunk's entry along a chunk dimension.
  mlir::Value chunk;
};

class ScanAccess {
public:
  ScanAccess(mlir::OpBuilder &b, mlir::Location loc, chunk::ScanOp scan,
             const ScanBuffers &buffers, int64_t lanes)
      : b(b), loc(loc), scan(scan), buffers(buffers), lanes(lanes) {}

  mlir::Value index(int64_t i);
  mlir::Value heads();
  mlir::Value numSequences();
  /// Tokens of a batch entry.
  mlir::Value tokens();
  /// Entries along a chunk dimension, of all sequences: units of a scan that
  /// carries nothing.
  mlir::Value chunkEntries();
  /// The entry of the pool that sequence `n` uses; null without a pool.
  mlir::Value entryOf(mlir::Value n);
  /// The offset of packed sequence `n`.
  mlir::Value offsetOf(mlir::Value n);
  /// The first token of packed sequence `n` and its number of tokens.
  std::pair<mlir::Value, mlir::Value> rangeOf(mlir::Value n);

  /// The packed sequence that chunk entry `entry` may belong to: the last n
  /// with sequences[n] / C + n <= entry.
  mlir::Value findSequence(mlir::Value entry);
  /// Of a sequence of `chunks` chunks in `runs` runs: the one of chunk `i`, and
  /// whether the chunk comes first in it.
  std::pair<mlir::Value, mlir::Value> findRun(mlir::Value i, mlir::Value chunks,
                                              int64_t runs);

  /// The tile of `access` at `place` as a view of `whole`.
  Tile view(mlir::Value whole, chunk::AccessAttr access,
            mlir::RankedTensorType tile, const ScanPlace &place);
  /// True if vectors can be read and written in the tensor itself.
  bool isVectorizable(chunk::AccessAttr access, mlir::RankedTensorType tile);
  /// Copies the first `rows` rows (all if null) between a view and a tile, and
  /// zeroes the others if `zeroRest`.
  void copy(const Tile &from, const Tile &to, bool vectors, mlir::Value rows,
            bool zeroRest);

private:
  mlir::Value extent(chunk::AccessAttr::Loop loop);
  mlir::Value dim(mlir::Value memref, int64_t i);
  void copyRow(const Tile &from, const Tile &to, mlir::ValueRange row,
               bool vectors);
  void zeroRow(const Tile &to, mlir::ValueRange row);

  mlir::OpBuilder &b;
  mlir::Location loc;
  chunk::ScanOp scan;
  const ScanBuffers &buffers;
  int64_t lanes;
};

} // namespace deltanet::cpu

#endif // DELTANET_LIB_CONVERSION_CHUNKTOCPU_SCANACCESS_H
