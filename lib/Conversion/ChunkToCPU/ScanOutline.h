//===- ScanOutline.h - a scan as functions ----------------------*- C++ -*-===//
// A chunk.scan becomes a function that runs one unit of it (a sequence and
// head, or a chunk and head) and one that launches all units.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_CHUNKTOCPU_SCANOUTLINE_H
#define DELTANET_LIB_CONVERSION_CHUNKTOCPU_SCANOUTLINE_H

#include "BodyEmitter.h"
#include "ScanAccess.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace deltanet::cpu {

/// Writes `@NAME_scanI` and `@NAME_launchI` for `scan`, the i-th of the
/// function `name`, whose memory is `buffers`; null after a diagnostic. The
/// launcher takes the values of `buffers.all()`.
mlir::func::FuncOp outlineScan(chunk::ScanOp scan, const ScanBuffers &buffers,
                               llvm::StringRef name, unsigned i,
                               const EmitOptions &options);

/// The name of the function of lib/Runtime that runs units side by side.
inline constexpr llvm::StringLiteral parallelForName = "deltanet_parallel_for";

} // namespace deltanet::cpu

#endif // DELTANET_LIB_CONVERSION_CHUNKTOCPU_SCANOUTLINE_H
