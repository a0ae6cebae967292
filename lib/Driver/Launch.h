//===- Launch.h - a compiled function and its arguments ---------*- C++ -*-===//
// One interface for the processor and for GPUs. Everything about shapes and
// types has been checked before.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DRIVER_LAUNCH_H
#define DELTANET_LIB_DRIVER_LAUNCH_H

#include "Session.h"
#include "deltanet/Artifact/Package.h"
#include "deltanet/Support/Npy.h"
#include "mlir/IR/BuiltinOps.h"

namespace deltanet::driver {

/// What a result holds before a run: bytes that are NaN in every format, so
/// that what is not written shows.
inline constexpr uint8_t kPoison = 0xff;

class Launch {
public:
  virtual ~Launch() = default;

  /// Poisons `results` and calls. Returns the seconds of the call; nothing, and
  /// a diagnostic, where it fails.
  virtual std::optional<double>
  run(std::vector<support::NpyArray> &arguments,
      std::vector<support::NpyArray> &results) = 0;

  /// The seconds of each of `repeats` calls after a first one that does not
  /// count, caches overwritten before each; `results` are those of the last.
  virtual std::optional<std::vector<double>>
  bench(std::vector<support::NpyArray> &arguments,
        std::vector<support::NpyArray> &results, int64_t repeats) = 0;

  /// What it runs on, and how it is timed, for the answer.
  virtual std::string getMachine() const = 0;
  virtual std::string getMethod() const = 0;

  /// What the command returns where a call fails.
  int getFailure() const { return failure; }

protected:
  int failure = kInternal;
};

/// Compiles `module`, in the LLVM dialect, for this machine: one launch for
/// each of `functions`. None, and a diagnostic, where LLVM fails.
std::vector<std::unique_ptr<Launch>>
makeHostLaunches(Session &session, mlir::ModuleOp module,
                 llvm::ArrayRef<std::string> functions);

/// Loads `package`, whose manifest is `manifest`, on CUDA device `device` with
/// the runtime that packages have. Null, and a diagnostic, where that fails.
std::unique_ptr<Launch> makeGpuLaunch(Session &session,
                                      const artifact::Package &package,
                                      std::string manifest, int32_t device);

/// Whether this machine runs code for `target`; says what is missing if not.
int checkRuns(Session &session, kernel::TargetAttr target, int32_t device);

} // namespace deltanet::driver

#endif // DELTANET_LIB_DRIVER_LAUNCH_H
