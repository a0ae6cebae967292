//===- Passes.h - writing code for a target ---------------------*- C++ -*-===//
// The passes of dialects/Target/Passes.td.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TARGET_PASSES_H
#define DELTANET_TARGET_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace deltanet {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "deltanet/Target/Passes.h.inc"
} // namespace deltanet

#endif // DELTANET_TARGET_PASSES_H
