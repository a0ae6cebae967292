//===- Tile.h - the tile dialect --------------------------------*- C++ -*-===//
// Tiles in registers and shared memory of one block of threads; the normative
// page is dialects/Tile/README.md.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_DIALECT_TILE_IR_TILE_H
#define DELTANET_DIALECT_TILE_IR_TILE_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include <optional>

#include "deltanet/Dialect/Tile/IR/TileDialect.h.inc"
#include "deltanet/Dialect/Tile/IR/TileEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "deltanet/Dialect/Tile/IR/TileAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "deltanet/Dialect/Tile/IR/TileTypes.h.inc"

#define GET_OP_CLASSES
#include "deltanet/Dialect/Tile/IR/TileOps.h.inc"

namespace deltanet::tile {

/// Threads of a warp.
inline constexpr int64_t kWarpSize = 32;

/// Attributes of a kernel, a `gpu.func`.
/// Bytes of shared memory, set by tile-plan-shared-memory.
inline constexpr llvm::StringLiteral kSharedBytesAttr = "tile.shared_bytes";
/// How the kernel is launched; see dialects/Tile/README.md.
inline constexpr llvm::StringLiteral kLaunchAttr = "tile.launch";

/// Numbers of the arguments that are tensor maps, set by convert-tile-to-nvvm.
inline constexpr llvm::StringLiteral kMapsAttr = "tile.maps";

/// Whether `type` is a tensor in registers.
bool isInRegisters(mlir::Type type);

/// Elements of `type`, a tensor in registers, that one thread holds.
int64_t getElementsPerThread(mlir::RankedTensorType type);

/// Whether `op`, of arith or math, can be computed on registers of f32, i32 and
/// i1 element by element; docs/Elementwise.md lists them.
bool isElementwiseOnTiles(mlir::Operation *op);

/// The allocation behind a buffer or ring, or null.
AllocOp getAllocation(mlir::Value shared);

/// What a buffer or ring is a part of: the result of its allocation, or the
/// buffer of a slot as a role got it (`acquire`, `wait_slot`).
mlir::Value getMemory(mlir::Value shared);

/// One role of a `tile.roles`.
struct Role {
  mutable RolesOp op; // its accessors are not const
  unsigned number;

  llvm::StringRef getName() const { return op.getName(number); }
  /// Warps of one copy, and copies.
  int64_t getNumWarps() const { return op.getWarps()[number]; }
  int64_t getNumCopies() const { return op.getCopies()[number]; }
  int64_t getFirstWarp() const { return op.getFirstWarp(number); }
  bool operator==(const Role &other) const {
    return op == other.op && number == other.number;
  }
};

/// The role in whose region `block` lies, if any.
std::optional<Role> getRole(mlir::Block *block);

/// How many products were started after `pending` and before `wait`, of the
/// same block; nothing if that is not known.
std::optional<int64_t> countProductsBetween(mlir::Value pending,
                                            mlir::Operation *wait);

/// Threads of a block, as its kernel states them.
std::optional<int64_t> getBlockThreads(mlir::Operation *kernel);

} // namespace deltanet::tile

#endif // DELTANET_DIALECT_TILE_IR_TILE_H
