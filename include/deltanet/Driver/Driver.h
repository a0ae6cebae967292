//===- Driver.h - the commands of the tool deltanet -------------*- C++ -*-===//
// What each command does, apart from its command line: tools/deltanet fills the
// options in, tests call the commands as functions. No LLVM in this header.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_DRIVER_DRIVER_H
#define DELTANET_DRIVER_DRIVER_H

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace deltanet::driver {

/// What a command returns; the list in --help and in docs/Tools.md.
enum ExitCode : int {
  kOk = 0,
  kCheckFailed = 1, ///< a result is further from the reference than allowed
  kUsage = 2,       ///< the command line asks for what cannot be
  kInputError = 3,  ///< a file cannot be read, or what it holds is wrong
  kMissing = 4,     ///< a tool or a device that the command needs is not there
  kInternal = 70    ///< our mistake; a reproducer is written
};

/// Where a command writes: results to `out`, diagnostics to `err`.
struct Console {
  std::function<void(const std::string &)> out, err;
};

struct CommonOptions {
  bool json = false;
  std::string targetsFile; ///< in place of the chips built in
};

/// What a user may decide about a compilation.
struct CompilationOptions {
  std::string input;
  std::string target = "host"; ///< compile: several, with commas between
  int64_t chunk = 0;           ///< 0: by rule
  bool tokenLoop = false;
  std::string products, gates;
  std::string schedule; ///< entries of #kernel.schedule that are decided
  /// compile, check: arguments to take the gradient of, and results whose
  /// gradient is given (all of floats where none is named); names or numbers
  std::vector<std::string> grad, gradFrom;
  int64_t keepStates = 0; ///< of a sequence, for gradients; 0: of all chunks
};

struct CompileOptions : CommonOptions, CompilationOptions {
  /// mlir, llvm, obj, ptx, cubin, fatbin, so, header, manifest
  std::vector<std::string> emit;
  std::string entry;  ///< of a package; the only function where not said
  std::string prefix; ///< of its symbols; the function's name where not said
  std::string outputFolder = ".";
  std::string stopAfter;
};

struct RunOptions : CommonOptions, CompilationOptions {
  std::string entry;
  std::vector<std::string> shape;   ///< B=1
  std::vector<std::string> inputs;  ///< q=file.npy, q=random:SEED[:LO:HI]
  std::vector<std::string> outputs; ///< o=file.npy
  std::optional<double> tolerance;
  int64_t repeat = 3;
  int64_t threads = 0;  ///< 0: as many as there are cores
  int64_t device = 0;   ///< number of a CUDA device
  double bandwidth = 0; ///< of explain, in GB/s; 0: the device's
};

int compile(const CompileOptions &options, const Console &console);
/// Runs a function and writes its results.
int run(const RunOptions &options, const Console &console);
/// Runs a function and compares its results with the recurrence in float64,
/// its gradient with differences of it.
int check(const RunOptions &options, const Console &console);
/// Runs a function many times and says how long it takes.
int bench(const RunOptions &options, const Console &console);
/// Says what a function becomes, and what bounds its time.
int explain(const RunOptions &options, const Console &console);
int listTargets(const CommonOptions &options, const Console &console);
/// Says what is installed, and what each missing thing costs.
int doctor(const CommonOptions &options, const Console &console);

/// Answers a command line that cannot be read.
int refuse(const CommonOptions &options, const std::string &message,
           const Console &console);

/// The text of --version.
std::string getVersion();

/// From here on a crash writes the command line to a reproducer in the current
/// folder and ends the process with kInternal.
void installCrashHandler(const std::vector<std::string> &commandLine);
/// Crashes; for the test of the handler.
void crashOnPurpose();

} // namespace deltanet::driver

#endif // DELTANET_DRIVER_DRIVER_H
