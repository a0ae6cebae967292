//===- PackageBuilder.h - one function for several targets ------*- C++ -*-===//
// Takes a function through the pipeline of every target and gathers what comes
// out. `compile` writes it to files, `run` and `check` hand it to the runtime.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DRIVER_PACKAGEBUILDER_H
#define DELTANET_LIB_DRIVER_PACKAGEBUILDER_H

#include "Lowering.h"
#include "Program.h"
#include "deltanet/Artifact/Tools.h"

namespace deltanet::driver {

class PackageBuilder {
public:
  PackageBuilder(Session &session, mlir::ModuleOp module,
                 mlir::func::FuncOp function, const CompilationOptions &options)
      : session(session), module(module), function(function), options(options) {
  }

  /// Says what the function is; before anything else.
  int describe(llvm::StringRef prefix);
  /// Compiles for `target`. PTX is assembled where `ptxas` is a path.
  int addTarget(kernel::TargetAttr target, llvm::StringRef ptxas);
  /// The bytes of the shared library called `name`.
  int link(llvm::StringRef name, std::string &library);

  const artifact::Package &getPackage() const { return package; }
  int getManifest(std::string &manifest);
  /// The decisions taken for the target added last.
  kernel::ScheduleAttr getSchedule() const { return schedule; }

private:
  int addGpu(mlir::ModuleOp lowered, kernel::TargetAttr target,
             llvm::StringRef ptxas, artifact::TargetCode &code);
  int addProcessor(mlir::ModuleOp lowered, kernel::TargetAttr target,
                   artifact::TargetCode &code);

  Session &session;
  mlir::ModuleOp module;
  mlir::func::FuncOp function;
  const CompilationOptions &options;
  artifact::Package package;
  kernel::ScheduleAttr schedule;
};

/// Assembles the PTX of `code`.
int assemble(Session &session, artifact::TargetCode &code,
             llvm::StringRef ptxas);
/// The digest of what the user wrote.
std::string digestSource(Session &session);

} // namespace deltanet::driver

#endif // DELTANET_LIB_DRIVER_PACKAGEBUILDER_H
