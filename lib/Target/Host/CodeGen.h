//===- CodeGen.h - LLVM IR of a module, optimised ---------------*- C++ -*-===//
// What emitting text, objects and loading share.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_TARGET_HOST_CODEGEN_H
#define DELTANET_LIB_TARGET_HOST_CODEGEN_H

#include "deltanet/Target/Host.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

namespace deltanet::host {

/// A module's code for one machine, on the way to an object.
struct Code {
  // The module goes before the context it lives in.
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
  std::unique_ptr<llvm::TargetMachine> machine;
};

/// Translates to LLVM IR for `options`' machine; not optimised yet.
llvm::Expected<Code> translate(mlir::ModuleOp module,
                               const MachineOptions &options);
void optimize(Code &code, int level);
llvm::Expected<llvm::SmallVector<char, 0>> emit(Code &code,
                                                llvm::CodeGenFileType type);

} // namespace deltanet::host

#endif // DELTANET_LIB_TARGET_HOST_CODEGEN_H
