//===- Host.h - object code of a processor ----------------------*- C++ -*-===//
// From the LLVM dialect to LLVM IR, assembly, an object file, and a call in
// this process.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TARGET_HOST_H
#define DELTANET_TARGET_HOST_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>

namespace deltanet::host {

/// Whose instructions to use; empty: this machine's.
struct MachineOptions {
  std::string triple, cpu, features;
  /// 0 .. 3, as clang's -O.
  int optimization = 3;
};

/// The interfaces that translate our modules to LLVM IR.
void registerTranslations(mlir::DialectRegistry &registry);

/// Optimised LLVM IR, as text.
llvm::Expected<std::string> emitLLVM(mlir::ModuleOp module,
                                     const MachineOptions &options = {});
/// Assembly, as text.
llvm::Expected<std::string> emitAssembly(mlir::ModuleOp module,
                                         const MachineOptions &options = {});
/// The bytes of a relocatable object file. It needs `deltanet_parallel_for` of
/// lib/Runtime, the C library and its libm.
llvm::Expected<llvm::SmallVector<char, 0>>
emitObject(mlir::ModuleOp module, const MachineOptions &options = {});

/// Functions of an object, loaded into this process.
class Program {
public:
  static llvm::Expected<std::unique_ptr<Program>>
  load(llvm::ArrayRef<char> object);
  /// Compiles for this machine and loads.
  static llvm::Expected<std::unique_ptr<Program>>
  compile(mlir::ModuleOp module);
  ~Program();

  /// The address of a symbol.
  llvm::Expected<void *> lookup(llvm::StringRef name);
  /// Calls function `name` of a program that was compiled here, with one
  /// pointer for each argument, then for each result: to a memref descriptor
  /// (`StridedMemRefType`), or to a scalar's value.
  llvm::Error invoke(llvm::StringRef name, llvm::ArrayRef<void *> arguments);

private:
  Program();
  struct Impl;
  std::unique_ptr<Impl> impl;
};

} // namespace deltanet::host

#endif // DELTANET_TARGET_HOST_H
