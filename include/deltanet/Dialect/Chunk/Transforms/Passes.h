//===- Passes.h - rewrites of chunk programs --------------------*- C++ -*-===//
// The passes of dialects/Chunk/Passes.td: fusion, hoisting, splitting a solve.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_DIALECT_CHUNK_TRANSFORMS_PASSES_H
#define DELTANET_DIALECT_CHUNK_TRANSFORMS_PASSES_H

#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace deltanet::chunk {

/// The attribute that names an argument or a result of a function.
inline constexpr llvm::StringLiteral kNameAttr = "deltanet.name";

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "deltanet/Dialect/Chunk/Transforms/Passes.h.inc"
} // namespace deltanet::chunk

#endif // DELTANET_DIALECT_CHUNK_TRANSFORMS_PASSES_H
