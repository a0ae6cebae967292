//===- Passes.h - rewrites at the tile level --------------------*- C++ -*-===//
// The passes of dialects/Tile/Passes.td: barriers, places in shared memory.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_DIALECT_TILE_TRANSFORMS_PASSES_H
#define DELTANET_DIALECT_TILE_TRANSFORMS_PASSES_H

#include "deltanet/Dialect/Tile/IR/Tile.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Pass/Pass.h"

namespace deltanet::tile {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "deltanet/Dialect/Tile/Transforms/Passes.h.inc"
} // namespace deltanet::tile

#endif // DELTANET_DIALECT_TILE_TRANSFORMS_PASSES_H
