//===- FunctionBoundary.h - destination passing -----------------*- C++ -*-===//
// Functions on tensors become functions on the memory of their callers.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_CHUNKTOCPU_FUNCTIONBOUNDARY_H
#define DELTANET_LIB_CONVERSION_CHUNKTOCPU_FUNCTIONBOUNDARY_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace deltanet::cpu {

/// Turns tensor arguments into memrefs (identity layout) and every result into
/// one more memref argument; the function returns nothing. `results` gets every
/// tensor that was returned and the argument it belongs in; scalars are stored.
mlir::LogicalResult convertBoundary(
    mlir::func::FuncOp function,
    llvm::SmallVectorImpl<std::pair<mlir::Value, mlir::Value>> &results);

} // namespace deltanet::cpu

#endif // DELTANET_LIB_CONVERSION_CHUNKTOCPU_FUNCTIONBOUNDARY_H
