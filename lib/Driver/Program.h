//===- Program.h - a user's file --------------------------------*- C++ -*-===//
// Reads a module, names the arguments and results of its functions, and finds
// the function to run.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DRIVER_PROGRAM_H
#define DELTANET_LIB_DRIVER_PROGRAM_H

#include "Session.h"
#include "deltanet/Dialect/Chunk/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace deltanet::driver {

/// The attribute of an argument or result that holds its name.
using chunk::kNameAttr;

/// Reads text or bytecode. Arguments and results of functions that have no name
/// get the one of the text; where there is none, arg0, arg1, ... and result0,
/// ...
mlir::OwningOpRef<mlir::ModuleOp> readProgram(Session &session,
                                              llvm::StringRef file);

llvm::StringRef getArgumentName(mlir::func::FuncOp function, unsigned index);
llvm::StringRef getResultName(mlir::func::FuncOp function, unsigned index);

/// The function that `entry` names, or the only one. Sets `code` where there is
/// none.
mlir::func::FuncOp findEntry(Session &session, mlir::ModuleOp module,
                             llvm::StringRef entry, int &code);

/// What a command works on.
struct OpenProgram {
  kernel::TargetAttr target;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;
};

/// Finds the target, reads the file and finds the function that `options` name;
/// with `runs` also whether the target's code can run here. An exit code.
int openProgram(Session &session, const RunOptions &options, bool runs,
                OpenProgram &program);

/// A copy of the module that has the function and what it calls; null where
/// that fails.
mlir::OwningOpRef<mlir::ModuleOp> copyEntry(mlir::ModuleOp module,
                                            mlir::func::FuncOp entry);

} // namespace deltanet::driver

#endif // DELTANET_LIB_DRIVER_PROGRAM_H
