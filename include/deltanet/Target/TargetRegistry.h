//===- TargetRegistry.h - facts of chips, by name ---------------*- C++ -*-===//
// Reads dialects/Kernel/Targets.mlir (built in) or a file in its place, answers
// look-ups by name, and states the facts of the machine at hand.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TARGET_TARGETREGISTRY_H
#define DELTANET_TARGET_TARGETREGISTRY_H

#include "deltanet/Dialect/Kernel/IR/Kernel.h"

namespace deltanet {

/// The name under which a user asks for the machine at hand.
inline constexpr llvm::StringLiteral kHostTarget = "host";

/// The chips known.
class TargetRegistry {
public:
  /// Reads `file`, or what is built in where it is empty. What is wrong with a
  /// file is reported to the diagnostics of `context`.
  static mlir::FailureOr<TargetRegistry> load(mlir::MLIRContext *context,
                                              llvm::StringRef file = "");

  /// In the order of the file.
  llvm::ArrayRef<kernel::TargetAttr> getTargets() const { return targets; }

  /// The facts of `name`. `host` is the machine at hand. A GPU newer than all
  /// that are known (sm_NNN) has the facts of the nearest, said in a remark at
  /// `loc`; any other unknown name is an error at `loc` with the names like it.
  mlir::FailureOr<kernel::TargetAttr> lookup(llvm::StringRef name,
                                             mlir::Location loc) const;

private:
  llvm::SmallVector<kernel::TargetAttr> targets;
};

/// The facts of the machine at hand, named `host`.
kernel::TargetAttr getHostTarget(mlir::MLIRContext *context);

} // namespace deltanet

#endif // DELTANET_TARGET_TARGETREGISTRY_H
