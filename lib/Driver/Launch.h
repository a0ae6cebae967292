//===- Launch.h - a compiled function and its arguments ---------*- C++ -*-===//
#ifndef DELTANET_LIB_DRIVER_LAUNCH_H
#define DELTANET_LIB_DRIVER_LAUNCH_H

#include "Session.h"
#include "deltanet/Support/Npy.h"
#include "deltanet/Target/Host.h"
#include "mlir/IR/BuiltinOps.h"

namespace deltanet::driver {

/// Compiles for this machine and calls. Everything about shapes and types has
/// been checked before.
class Launch {
public:
  /// `module` is in the LLVM dialect. Null, and a diagnostic, where LLVM fails.
  static std::unique_ptr<Launch> create(Session &session, mlir::ModuleOp module,
                                        llvm::StringRef function);

  /// Fills `results` with bytes that are NaN in every format, so that what is
  /// not written shows, and calls. Returns the seconds of the call; nothing,
  /// and a diagnostic, where there is no such function.
  std::optional<double> run(Session &session,
                            std::vector<support::NpyArray> &arguments,
                            std::vector<support::NpyArray> &results);

private:
  std::unique_ptr<host::Program> program;
  std::string function;
};

/// Whether this machine runs code for `target`; says what is missing if not.
int checkRuns(Session &session, kernel::TargetAttr target);

} // namespace deltanet::driver

#endif // DELTANET_LIB_DRIVER_LAUNCH_H
