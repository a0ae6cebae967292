//===- Session.h - one run of a command -------------------------*- C++ -*-===//
// The MLIR context of a command, its diagnostics, and its answer as text or
// JSON.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DRIVER_SESSION_H
#define DELTANET_LIB_DRIVER_SESSION_H

#include "deltanet/Dialect/Kernel/IR/Kernel.h"
#include "deltanet/Driver/Driver.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/SourceMgr.h"

namespace deltanet::driver {

/// One run of a command. Diagnostics go to the console as they come and into
/// the JSON answer; everything that can go wrong is a diagnostic.
class Session {
public:
  Session(llvm::StringRef command, const CommonOptions &options,
          const Console &console);

  mlir::MLIRContext *getContext() { return &context; }
  const CommonOptions &getOptions() const { return options; }
  llvm::SourceMgr &getSourceMgr() { return sourceMgr; }

  /// Reports what is wrong with the command line or the machine, and returns
  /// `code`.
  int fail(ExitCode code, const llvm::Twine &message);
  void note(const llvm::Twine &message);

  /// Where diagnostics go that concern no file.
  mlir::Location getLoc() { return mlir::UnknownLoc::get(&context); }

  /// Adds a line of the text answer.
  void print(const llvm::Twine &line);
  /// An entry of the JSON answer.
  llvm::json::Value &operator[](llvm::StringRef key) { return answer[key]; }

  /// Writes the answer; the command returns what this returns.
  int finish(int code);

private:
  void report(mlir::Diagnostic &diagnostic);
  void report(llvm::StringRef severity, mlir::Location loc,
              const std::string &message);

  CommonOptions options;
  const Console &console;
  mlir::MLIRContext context;
  llvm::SourceMgr sourceMgr;
  llvm::json::Object answer;
  llvm::json::Array diagnostics;
  std::string text;
};

/// Reads the facts of the target that the user names.
std::optional<kernel::TargetAttr> findTarget(Session &session,
                                             llvm::StringRef name, int &code);

} // namespace deltanet::driver

#endif // DELTANET_LIB_DRIVER_SESSION_H
