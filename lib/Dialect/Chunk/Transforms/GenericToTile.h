//===- GenericToTile.h - a linalg.generic as code on tiles ------*- C++ -*-===//
// What fusion needs to know of a linalg.generic next to a scan: which loop of
// the scan, or which dimension of a tile, each of its loops is.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_GENERICTOTILE_H
#define DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_GENERICTOTILE_H

#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace deltanet::chunk {

/// A linalg.generic whose every loop is one of a scan's or a tile dimension.
///
/// Its region becomes elementwise code on tiles of one shape, the *full* tile:
/// the rows of tokens, if it has a token loop, and its other tile dimensions in
/// order. Reductions run along dimensions of the full tile.
class GenericToTile {
public:
  GenericToTile(mlir::linalg::GenericOp generic, int64_t rows)
      : generic(generic), rows(rows) {}

  /// Binds the loops of the generic by one of its tensors, which is walked by
  /// `access` through `map`. False, with the reason, if that does not work.
  bool bind(mlir::AffineMap map, AccessAttr access);
  /// Makes what is left unbound (reductions of a producer) dimensions of the
  /// tile and checks that the region can become code on tiles.
  bool complete();
  /// Why it cannot be fused.
  llvm::StringRef getReason() const { return reason; }

  /// The access of the tensor that the generic walks through `map`.
  AccessAttr getAccess(mlir::AffineMap map) const;
  bool isProjection(mlir::AffineMap map) const;

  /// Builds the region on tiles: `tiles` has one per operand of the generic
  /// (inputs, then the initial values of reductions; null where not read).
  /// Returns one tile per result.
  llvm::SmallVector<mlir::Value> build(mlir::OpBuilder &b,
                                       llvm::ArrayRef<mlir::Value> tiles) const;

  /// Whether the region reads operand `i`.
  bool reads(unsigned i) const;

private:
  /// A value of the region on tiles, with the tile dimensions that it has.
  struct Tile {
    mlir::Value value;
    llvm::SmallVector<int64_t> dims;
  };
  using TileMap = llvm::SmallDenseMap<mlir::Value, Tile>;

  bool refuse(const llvm::Twine &why);
  bool checkRegion();
  /// The reduction that the region's result `i` is, or null: its last
  /// operation.
  mlir::Operation *findCombiner(unsigned i) const;
  llvm::SmallVector<int64_t> tileDims(mlir::AffineMap map) const;
  /// `tile` on the tile dimensions `dims`, repeated along those that it lacks.
  mlir::Value widen(mlir::OpBuilder &b, const Tile &tile,
                    llvm::ArrayRef<int64_t> dims) const;
  Tile buildOp(mlir::OpBuilder &b, mlir::Operation &op,
               const TileMap &tiles) const;
  mlir::Value buildReduction(mlir::OpBuilder &b, mlir::Operation *combiner,
                             mlir::Value term, mlir::Value init,
                             llvm::ArrayRef<int64_t> kept) const;
  bool isReduction(unsigned loop) const;

  mutable mlir::linalg::GenericOp
      generic; // operations are handles; their accessors are not const
  int64_t rows;
  llvm::SmallVector<std::optional<int64_t>>
      entries;                         // one per loop of the generic
  llvm::SmallVector<int64_t> fullDims; // tile dimensions, ascending
  llvm::SmallVector<int64_t> fullShape;
  std::string reason;
};

} // namespace deltanet::chunk

#endif // DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_GENERICTOTILE_H
