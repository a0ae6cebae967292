//===- Passes.h - passes from one level to the next -------------*- C++ -*-===//
// The passes of dialects/Conversion/Passes.td, one library each in
// lib/Conversion.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_CONVERSION_PASSES_H
#define DELTANET_CONVERSION_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace deltanet {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "deltanet/Conversion/Passes.h.inc"
} // namespace deltanet

#endif // DELTANET_CONVERSION_PASSES_H
