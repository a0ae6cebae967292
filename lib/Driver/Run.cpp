//===- Run.cpp - deltanet run, check and bench ----------------------------===//
// Reads a function and its inputs, compiles it, calls it; check compares every
// result with what the function means in float64, bench takes the time.
//===----------------------------------------------------------------------===//
#include "CheckGradient.h"
#include "Format.h"
#include "Inputs.h"
#include "Launch.h"
#include "PackageBuilder.h"
#include "Results.h"
#include "deltanet/Runtime/Parallel.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;
using support::NpyArray;

namespace {
enum class Mode { Run, Check, Bench };

/// One run of the command, step by step.
class Runner : OpenProgram {
public:
  Runner(Session &session, const RunOptions &options, Mode mode)
      : session(session), options(options), mode(mode),
        check(mode == Mode::Check) {}
  int run();

private:
  int makeLaunch(std::unique_ptr<Launch> &launch);
  int launch();
  int repeat(Launch &launch, std::vector<NpyArray> &arrays);
  int compare();
  void describeBench();
  void describe(bool passed);

  Session &session;
  const RunOptions &options;
  Mode mode;
  bool check;
  kernel::ScheduleAttr schedule;
  Inputs inputs;
  std::vector<Result> results;
  std::vector<InputOutput> inputOutputs;
  int64_t tokens = 0;
  double seconds = 0;
  std::vector<double> times; ///< of a bench, sorted
  std::string machine, method;
  bool repeatable = true;
};
} // namespace

int Runner::makeLaunch(std::unique_ptr<Launch> &launch) {
  if (target.isGPU()) {
    PackageBuilder builder(session, *module, function, options);
    std::string manifest;
    auto ptxas = artifact::findCudaTool("ptxas");
    int code = builder.describe(artifact::makeIdentifier(function.getName()));
    if (code || (code = builder.addTarget(target, ptxas ? *ptxas : "")) ||
        (code = builder.getManifest(builder.getPackage(), manifest)))
      return code;
    schedule = builder.getSchedule();
    launch = makeGpuLaunch(session, builder.getPackage(), manifest,
                           static_cast<int32_t>(options.device));
    return launch ? kOk : kMissing;
  }
  OwningOpRef<ModuleOp> copy = copyEntry(*module, function);
  if (!copy)
    return session.fail(kInternal, "cannot drop unused functions");
  if (int code =
          lower(session, *copy, getLinRecToHost(), target, options, "schedule"))
    return code;
  schedule =
      kernel::getSchedule(copy->lookupSymbol<func::FuncOp>(function.getName()));
  if (int code = lower(session, *copy, getLinRecToHost(), target, options))
    return code;
  auto launches = makeHostLaunches(session, *copy, {function.getName().str()});
  if (launches.empty())
    return kInternal;
  launch = std::move(launches.front());
  return kOk;
}

/// Calls as often as is asked for; runs must give the same bits.
int Runner::repeat(Launch &launch, std::vector<NpyArray> &arrays) {
  if (mode == Mode::Bench) {
    auto measured = launch.bench(inputs.tensors, arrays, options.repeat);
    if (!measured)
      return launch.getFailure();
    times = std::move(*measured);
  } else {
    std::vector<NpyArray> first;
    for (int64_t i = 0; i < options.repeat; ++i) {
      auto time = launch.run(inputs.tensors, arrays);
      if (!time)
        return launch.getFailure();
      times.push_back(*time);
      if (i == 0 && options.repeat > 1)
        first = arrays;
    }
    for (auto [a, b] : llvm::zip(first, arrays))
      repeatable &= a.bytes == b.bytes;
  }
  llvm::sort(times);
  seconds = times[times.size() / 2];
  return kOk;
}

int Runner::launch() {
  std::unique_ptr<Launch> launch;
  if (int code = makeLaunch(launch))
    return code;
  machine = launch->getMachine();
  method = launch->getMethod();
  if (options.threads)
    deltanet_set_num_threads(int32_t(options.threads));
  std::vector<NpyArray> arrays;
  for (Result &result : results)
    arrays.push_back(std::move(result.array));
  int code = repeat(*launch, arrays);
  for (auto [result, array] : llvm::zip(results, arrays))
    result.array = std::move(array);
  return code;
}

/// Compares every result with what the function means.
int Runner::compare() {
  auto reference = evaluateReference(function, inputs);
  if (failed(reference))
    return kInputError;
  for (auto [i, result] : llvm::enumerate(results))
    compareResult(function, i, (*reference)[i].data, schedule,
                  options.tolerance, result);
  return kOk;
}

//===----------------------------------------------------------------------===//
// The answer
//===----------------------------------------------------------------------===//

/// How the time spreads, and how it stands to reading every argument and
/// writing every result once.
void Runner::describeBench() {
  int64_t bytes = 0;
  for (const NpyArray &array : inputs.tensors)
    bytes += array.bytes.size();
  for (const Result &result : results)
    bytes += result.array.bytes.size();
  double rate = seconds > 0 ? double(bytes) / seconds : 0;
  session.print(fmt::format("{:.4f} to {:.4f} ms; {}", times.front() * 1e3,
                            times.back() * 1e3, method));
  session.print(
      fmt::format("{:.1f} GB/s of {:.3f} MB: arguments read and results "
                  "written once",
                  rate * 1e-9, double(bytes) * 1e-6));
  session["milliseconds"] = llvm::json::Object{{"median", seconds * 1e3},
                                               {"least", times.front() * 1e3},
                                               {"most", times.back() * 1e3}};
  session["method"] = method;
  session["bytes"] = bytes;
  session["bytes_per_second"] = rate;
}

void Runner::describe(bool passed) {
  auto typeName = [](Type type) {
    std::string name;
    llvm::raw_string_ostream(name) << type;
    return name;
  };
  session.print(fmt::format(
      "@{} on {}{}: {}, products {}", function.getName().str(), options.target,
      machine.empty() ? "" : " (" + machine + ")",
      schedule.getTokenLoop() ? "token loop"
                              : fmt::format("chunk {}", schedule.getChunk()),
      typeName(schedule.getProducts())));
  describeInputs(session, function, inputs);
  session["results"] = describeResults(session, results, "result", check);
  std::string time = fmt::format("{:.{}f} ms, median of {}", seconds * 1e3,
                                 mode == Mode::Bench ? 4 : 3, options.repeat);
  if (tokens && seconds > 0) {
    time += fmt::format("; {:.0f} tokens/s", double(tokens) / seconds);
    session["tokens_per_second"] = double(tokens) / seconds;
  }
  session.print(time);
  if (mode == Mode::Bench)
    describeBench();
  if (!repeatable)
    session.print("FAIL: runs differ from each other");
  if (check)
    session.print(passed ? "passed" : "failed");
  session["entry"] = function.getName();
  session["target"] = options.target;
  if (!machine.empty())
    session["machine"] = machine;
  session["chunk"] = schedule.getChunk();
  session["token_loop"] = schedule.getTokenLoop();
  session["products"] = typeName(schedule.getProducts());
  session["seconds"] = seconds;
  session["repeat"] = options.repeat;
  session["repeatable"] = repeatable;
  if (check)
    session["passed"] = passed;
}

int Runner::run() {
  int code = openProgram(session, options, /*runs=*/true, *this);
  if (code)
    return code;
  results = nameResults(function);
  if ((code = readOutputs(session, function, options, results, inputOutputs)))
    return code;
  ShapeBinder shapes(function);
  if ((code = readInputs(session, function, options, shapes, inputs)) ||
      (code = checkMemory(session, function, shapes)) ||
      (code = makeInputs(session, function, shapes, inputs)) ||
      (code = allocateResults(function, shapes, results)))
    return code;
  tokens = shapes.countTokens();
  if ((code = launch()))
    return code;
  if (check && (code = compare()))
    return code;
  if ((code = writeOutputs(session, results, inputs, inputOutputs)))
    return code;
  bool passed = repeatable && llvm::all_of(results, [](const Result &result) {
                  return result.passed;
                });
  describe(passed);
  return check && !passed ? kCheckFailed : kOk;
}

int deltanet::driver::run(const RunOptions &options, const Console &console) {
  Session session("run", options, console);
  return session.finish(Runner(session, options, Mode::Run).run());
}

int deltanet::driver::check(const RunOptions &options, const Console &console) {
  Session session("check", options, console);
  if (wantsGradient(options))
    return session.finish(checkGradient(session, options));
  return session.finish(Runner(session, options, Mode::Check).run());
}

int deltanet::driver::bench(const RunOptions &options, const Console &console) {
  Session session("bench", options, console);
  return session.finish(Runner(session, options, Mode::Bench).run());
}
