//===- Lowering.h - runs a pipeline on a program ----------------*- C++ -*-===//
#ifndef DELTANET_LIB_DRIVER_LOWERING_H
#define DELTANET_LIB_DRIVER_LOWERING_H

#include "Session.h"
#include "deltanet/Pipelines/Pipelines.h"
#include "mlir/IR/BuiltinOps.h"

namespace deltanet::driver {

/// Runs `pipeline`, from one of its phases to another, on `module` for
/// `target`. A program that cannot be compiled is kInputError, with the
/// diagnostics of the pass that refuses it. A pass that crashes or leaves a
/// module that does not verify is kInternal; the module before it and the
/// pipeline are then in a file that deltanet-opt takes.
int lower(Session &session, mlir::ModuleOp module, const Pipeline &pipeline,
          kernel::TargetAttr target, const CompilationOptions &options,
          llvm::StringRef stopAfter = "", llvm::StringRef startAfter = "");

} // namespace deltanet::driver

#endif // DELTANET_LIB_DRIVER_LOWERING_H
