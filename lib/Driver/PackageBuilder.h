//===- PackageBuilder.h - one function for several targets ------*- C++ -*-===//
// Takes a function through the pipeline of every target and gathers what comes
// out. `compile` writes it to files, `run` and `check` hand it to the runtime.
// With --grad the functions of the gradient are packages beside the function's.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DRIVER_PACKAGEBUILDER_H
#define DELTANET_LIB_DRIVER_PACKAGEBUILDER_H

#include "Gradient.h"
#include "deltanet/Artifact/Tools.h"

namespace deltanet::driver {

class PackageBuilder {
public:
  PackageBuilder(Session &session, mlir::ModuleOp module,
                 mlir::func::FuncOp function, const CompilationOptions &options)
      : session(session), module(module), function(function), options(options),
        gradient(session, function, options) {}

  /// Says what the function is; before anything else.
  int describe(llvm::StringRef prefix);
  /// Compiles for `target`. PTX is assembled where `ptxas` is a path.
  int addTarget(kernel::TargetAttr target, llvm::StringRef ptxas);
  /// The bytes of the shared library called `name`.
  int link(llvm::StringRef name, std::string &library);

  const artifact::Package &getPackage() const { return packages.front(); }
  /// The function's, and those of its forward and backward function, where
  /// there are any.
  llvm::ArrayRef<artifact::Package> getPackages() const { return packages; }
  int getManifest(const artifact::Package &package, std::string &manifest);
  /// The decisions taken for the target added last.
  kernel::ScheduleAttr getSchedule() const { return schedule; }

private:
  int addGpu(mlir::ModuleOp lowered, kernel::TargetAttr target,
             llvm::StringRef ptxas, artifact::TargetCode &code);
  int addProcessor(mlir::ModuleOp lowered, kernel::TargetAttr target,
                   artifact::TargetCode &code);
  int compile(mlir::ModuleOp copy, llvm::StringRef name,
              const CompilationOptions &plan, llvm::StringRef startAfter,
              kernel::TargetAttr target, llvm::StringRef ptxas,
              artifact::TargetCode &code);
  int describeGradient(kernel::TargetAttr target);
  int addGradient(kernel::TargetAttr target, llvm::StringRef ptxas,
                  const artifact::TargetCode &code);
  int makeGlue(const artifact::Package &package, std::string &glue);

  Session &session;
  mlir::ModuleOp module;
  mlir::func::FuncOp function;
  const CompilationOptions &options;
  Gradient gradient;
  std::vector<artifact::Package> packages;
  kernel::ScheduleAttr schedule;
};

/// The digest of what the user wrote.
std::string digestSource(Session &session);

} // namespace deltanet::driver

#endif // DELTANET_LIB_DRIVER_PACKAGEBUILDER_H
