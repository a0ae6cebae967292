//===- TokenLayout.h - how a token program is spread over threads -*- C++ -*-===//
// Which dimensions of the values of a body are those of the state, and how the
// threads of a block share them.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_CHUNKTOTILE_TOKENLAYOUT_H
#define DELTANET_LIB_CONVERSION_CHUNKTOTILE_TOKENLAYOUT_H

#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "deltanet/Dialect/Tile/IR/Tile.h"

namespace deltanet {

/// The layout of every value of a body, and the part of it that a block has.
class TokenLayout {
public:
  using Value = mlir::Value;
  using Dim = tile::BlockedAttr::Dim;

  /// Decides for `scan`, whose largest carried value of two dimensions says
  /// how; `warps` warps a block, or 0 for the rule. With `few` tokens a block's time
  /// is that of the state's way from memory and back. Says what it cannot place.
  static mlir::FailureOr<TokenLayout> choose(chunk::ScanOp scan, int64_t warps,
                                             bool few);

  /// The type of `v` in registers, with elements of `element`.
  mlir::FailureOr<mlir::RankedTensorType> getType(Value v, mlir::Type element,
                                                  mlir::Location loc) const;
  /// The layout of a tile whose dimensions are those of the state, or -1 for one
  /// that a thread holds whole.
  tile::BlockedAttr getLayout(llvm::ArrayRef<int64_t> axes,
                              mlir::MLIRContext *context) const;

  /// For every dimension of `v` the dimension of the state that it is, or -1.
  llvm::SmallVector<int64_t> getAxes(Value v) const;
  /// The extent of dimension `dim` of `v` that a block has.
  int64_t getExtent(Value v, int64_t dim) const;

  /// The dimension of the state that blocks share, or -1; elements of it that a
  /// block has; blocks.
  int64_t getSplitAxis() const { return splitAxis; }
  int64_t getPart() const { return part; }
  int64_t getNumBlocks() const { return (extents[splitAxis] + part - 1) / part; }
  bool isSplit() const { return splitAxis >= 0 && extents[splitAxis] > part; }
  /// Whether the last block has less than the others.
  bool isUneven() const { return isSplit() && extents[splitAxis] % part != 0; }
  int64_t getSplitExtent() const { return extents[splitAxis]; }

  int64_t getNumWarps() const { return dims[0].warps * dims[1].warps; }

private:
  /// What decides how the state is spread.
  struct State {
    int64_t contiguous; // the dimension whose neighbours are so in memory
    int64_t bytes;      // of an element in memory
    int64_t elements;   // that a thread should hold
  };
  void spread(const State &state, int64_t warps);
  void spreadReduced(const State &state, int64_t vector);
  void spreadFree(const State &state, int64_t vector);
  mlir::LogicalResult check(chunk::ScanOp scan) const;

  llvm::DenseMap<Value, llvm::SmallVector<int64_t>> axes;
  int64_t extents[2];
  bool meets[2];   // whether some operation combines elements along it
  bool reduced[2]; // and whether it combines those of whole matrices
  Dim dims[2];
  int64_t splitAxis = -1, part = 0;
};

} // namespace deltanet

#endif // DELTANET_LIB_CONVERSION_CHUNKTOTILE_TOKENLAYOUT_H
