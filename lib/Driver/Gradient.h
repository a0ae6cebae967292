//===- Gradient.h - what --grad asks for ------------------------*- C++ -*-===//
// Reads --grad and --grad-from, and says what the derived functions take and
// give: docs/Gradient.md.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DRIVER_GRADIENT_H
#define DELTANET_LIB_DRIVER_GRADIENT_H

#include "Lowering.h"
#include "Shapes.h"
#include "deltanet/Artifact/Package.h"

namespace deltanet::driver {

/// The suffixes that chunk-differentiate gives its functions.
inline constexpr llvm::StringLiteral kForwardSuffix = "_forward",
                                     kBackwardSuffix = "_backward";

/// Whether the command line asks for a gradient.
bool wantsGradient(const CompilationOptions &options);
/// The gradient of a function: what it is of, and the functions that compute
/// it as chunk programs.
class Gradient {
public:
  Gradient(Session &session, mlir::func::FuncOp function,
           const CompilationOptions &options)
      : session(session), function(function), options(options) {}

  /// Finds the arguments and results that the options name.
  int read();
  /// Derives the functions for `target`; `module` is the function's.
  int derive(mlir::ModuleOp module, kernel::TargetAttr target);

  llvm::ArrayRef<unsigned> getArguments() const { return of; }
  llvm::ArrayRef<unsigned> getResults() const { return from; }
  mlir::func::FuncOp getForward() { return find(kForwardSuffix); }
  mlir::func::FuncOp getBackward() { return find(kBackwardSuffix); }
  /// A module with one of them alone.
  mlir::OwningOpRef<mlir::ModuleOp> copyDerived(mlir::func::FuncOp function);
  /// How many results of the forward function are kept for the backward one.
  unsigned getNumKept();

  /// Every kept tensor in terms of the sizes of the function, or in numbers
  /// where these are bound.
  mlir::FailureOr<std::vector<artifact::TensorInfo>>
  describeKept(ShapeBinder &shapes);

private:
  int readOption(llvm::StringRef option, llvm::ArrayRef<std::string> texts,
                 bool ofArguments, llvm::SmallVectorImpl<unsigned> &found);
  mlir::func::FuncOp find(llvm::StringRef suffix);

  Session &session;
  mlir::func::FuncOp function;
  const CompilationOptions &options;
  llvm::SmallVector<unsigned> of, from;
  mlir::OwningOpRef<mlir::ModuleOp> derived;
};

/// The number that an expression of numbers is; nothing, and a diagnostic,
/// where it is none.
std::optional<int64_t> evaluateExtent(Session &session,
                                      const std::string &text);

} // namespace deltanet::driver

#endif // DELTANET_LIB_DRIVER_GRADIENT_H
