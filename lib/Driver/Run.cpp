//===- Run.cpp - deltanet run, check and bench ----------------------------===//
// Reads a function and its inputs, compiles it, calls it; check compares every
// result with what the function means in float64, bench takes the time.
//===----------------------------------------------------------------------===//
#include "Format.h"
#include "Inputs.h"
#include "Launch.h"
#include "PackageBuilder.h"
#include "Tolerance.h"
#include "deltanet/Interpreter/Interpreter.h"
#include "deltanet/Reference/Reference.h"
#include "deltanet/Runtime/Parallel.h"
#include <cmath>

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;
using support::NpyArray;

namespace {
/// One result of the function.
struct Result {
  std::string name, output; ///< output: the file to write, if any
  NpyArray array;
  bool checked = false;
  reference::Error error;
  double tolerance = 0;
  bool passed = true;
};

enum class Mode { Run, Check, Bench };

/// One run of the command, step by step.
class Runner {
public:
  Runner(Session &session, const RunOptions &options, Mode mode)
      : session(session), options(options), mode(mode),
        check(mode == Mode::Check) {}
  int run();

private:
  int readResults();
  int allocateResults(const ShapeBinder &shapes);
  int makeLaunch(std::unique_ptr<Launch> &launch);
  int launch();
  int repeat(Launch &launch, std::vector<NpyArray> &arrays);
  int compare();
  void describeBench();
  int writeOutputs();
  void describeResults();
  void describe(bool passed);

  Session &session;
  const RunOptions &options;
  Mode mode;
  bool check;
  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
  kernel::TargetAttr target;
  kernel::ScheduleAttr schedule;
  Inputs inputs;
  std::vector<Result> results;
  std::vector<std::pair<unsigned, std::string>> inputOutputs;
  std::vector<std::string> inputLines;
  int64_t tokens = 0;
  double seconds = 0;
  std::vector<double> times; ///< of a bench, sorted
  std::string machine, method;
  bool repeatable = true;
};
} // namespace

/// Allocates the results; finds out which of them go to which file.
int Runner::readResults() {
  SmallVector<StringRef> names;
  for (unsigned i = 0; i < function.getNumResults(); ++i) {
    Result result;
    result.name = getResultName(function, i).str();
    results.push_back(std::move(result));
    names.push_back(getResultName(function, i));
  }
  for (const std::string &option : options.outputs) {
    std::pair<StringRef, StringRef> parts = StringRef(option).split('=');
    StringRef name = parts.first, file = parts.second;
    if (name.empty() || file.empty())
      return session.fail(kUsage, "expects --output NAME=FILE.npy, got '" +
                                      option + "'");
    auto result =
        llvm::find_if(results, [&](const Result &r) { return r.name == name; });
    if (result != results.end()) {
      result->output = file.str();
      continue;
    }
    auto arguments = llvm::seq<unsigned>(0, function.getNumArguments());
    auto argument = llvm::find_if(arguments, [&](unsigned i) {
      return getArgumentName(function, i) == name;
    });
    if (argument == arguments.end())
      return session.fail(kUsage, "expects --output to name a result of @" +
                                      function.getName() + " (" +
                                      llvm::join(names, ", ") +
                                      ") or an argument, got '" + name + "'");
    inputOutputs.push_back({*argument, file.str()});
  }
  return kOk;
}

int Runner::allocateResults(const ShapeBinder &shapes) {
  Operation *terminator = function.getBody().back().getTerminator();
  for (auto [i, value] : llvm::enumerate(terminator->getOperands())) {
    auto type = cast<RankedTensorType>(value.getType());
    auto elements = getNpyType(type.getElementType());
    if (!elements) {
      emitError(value.getLoc())
          << "expects results of bf16, f16, f32, f64, i32 or i64, got '"
          << results[i].name << "' of " << type;
      return kInputError;
    }
    NpyArray &array = results[i].array;
    array.type = *elements;
    SmallVector<int64_t> shape = shapes.getShape(value);
    array.shape.assign(shape.begin(), shape.end());
    array.bytes.resize(array.getNumElements() * support::getSize(*elements));
  }
  return kOk;
}

int Runner::makeLaunch(std::unique_ptr<Launch> &launch) {
  if (target.isGPU()) {
    PackageBuilder builder(session, *module, function, options);
    std::string manifest;
    auto ptxas = artifact::findCudaTool("ptxas");
    int code = builder.describe(artifact::makeIdentifier(function.getName()));
    if (code || (code = builder.addTarget(target, ptxas ? *ptxas : "")) ||
        (code = builder.getManifest(manifest)))
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
  launch = makeHostLaunch(session, *copy, function.getName());
  return launch ? kOk : kInternal;
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
  std::vector<interpreter::Tensor> arguments;
  for (const NpyArray &array : inputs.tensors)
    arguments.push_back({array.shape, support::toDoubles(array)});
  auto reference = interpreter::evaluate(function, arguments);
  if (failed(reference))
    return kInputError;
  for (auto [i, result, want] : llvm::enumerate(results, *reference)) {
    std::vector<double> got = support::toDoubles(result.array);
    result.error =
        reference::measureError(got.data(), want.data.data(), got.size());
    Type elements =
        cast<RankedTensorType>(function.getResultTypes()[i]).getElementType();
    result.tolerance = options.tolerance
                           ? *options.tolerance
                           : chooseTolerance(elements, traceResult(function, i),
                                             schedule, want.data);
    result.passed = result.error.passes(result.tolerance);
    if (!llvm::all_of(want.data, [](double x) { return std::isfinite(x); }))
      emitWarning(function.getLoc())
          << "the reference of '" << result.name
          << "' is not finite everywhere; inputs that suit the operator are "
             "for --input to state";
  }
  return kOk;
}

int Runner::writeOutputs() {
  std::string message;
  for (const Result &result : results)
    if (!result.output.empty() &&
        !support::writeNpy(result.output, result.array, message))
      return session.fail(kInputError, message);
  for (const auto &[argument, file] : inputOutputs)
    if (!support::writeNpy(file, inputs.tensors[argument], message))
      return session.fail(kInputError, message);
  return kOk;
}

//===----------------------------------------------------------------------===//
// The answer
//===----------------------------------------------------------------------===//

static std::string getSignature(const NpyArray &array) {
  return formatShape(array.shape) + "x" + support::getName(array.type);
}

static llvm::json::Array toJson(ArrayRef<int64_t> shape) {
  llvm::json::Array array;
  for (int64_t extent : shape)
    array.push_back(extent);
  return array;
}

/// The table of results and its JSON.
void Runner::describeResults() {
  llvm::json::Array list;
  session.print(check ? fmt::format("{:<16} {:<28} {:>9} {:>9}", "result",
                                    "type", "error", "allowed")
                      : fmt::format("{:<16} {}", "result", "type"));
  for (const Result &result : results) {
    llvm::json::Object entry{{"name", result.name},
                             {"shape", toJson(result.array.shape)},
                             {"type", support::getName(result.array.type)}};
    if (!result.output.empty())
      entry["file"] = result.output;
    std::string line =
        fmt::format("{:<16} {:<28}", result.name, getSignature(result.array));
    if (check) {
      line += fmt::format(" {:>9.2e} {:>9.2e}  {}", result.error.relative,
                          result.tolerance, result.passed ? "pass" : "FAIL");
      if (result.error.mismatched)
        line += fmt::format(", {} elements not finite or not as the reference",
                            result.error.mismatched);
      entry["error"] = result.error.relative;
      entry["max_absolute_error"] = result.error.maxAbsolute;
      entry["mismatched"] = result.error.mismatched;
      entry["tolerance"] = result.tolerance;
      entry["passed"] = result.passed;
    }
    session.print(StringRef(line).rtrim());
    list.push_back(std::move(entry));
  }
  session["results"] = std::move(list);
}

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
  for (const std::string &line : inputLines)
    session.print(line);
  describeResults();
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
  int code = kOk;
  auto found = findTarget(session, options.target, code);
  if (!found)
    return code;
  target = *found;
  if ((code = checkRuns(session, target, int32_t(options.device))))
    return code;
  module = readProgram(session, options.input);
  if (!module)
    return kInputError;
  function = findEntry(session, *module, options.entry, code);
  if (!function)
    return code;
  if ((code = readResults()))
    return code;
  ShapeBinder shapes(function);
  if ((code = readInputs(session, function, options, shapes, inputs)))
    return code;
  llvm::json::Array inputList;
  if ((code = checkMemory(session, function, shapes)) ||
      (code = makeInputs(session, function, shapes, inputs)))
    return code;
  for (auto [i, spec, tensor] : llvm::enumerate(inputs.specs, inputs.tensors)) {
    StringRef name = getArgumentName(function, i);
    inputLines.push_back(fmt::format("{:<16} {:<28} {}", name.str(),
                                     getSignature(tensor), spec.text));
    inputList.push_back(
        llvm::json::Object{{"name", name},
                           {"shape", toJson(tensor.shape)},
                           {"type", support::getName(tensor.type)},
                           {"source", spec.text}});
  }
  session["inputs"] = std::move(inputList);
  if ((code = allocateResults(shapes)))
    return code;
  tokens = shapes.countTokens();
  if ((code = launch()))
    return code;
  if (check && (code = compare()))
    return code;
  if ((code = writeOutputs()))
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
  return session.finish(Runner(session, options, Mode::Check).run());
}

int deltanet::driver::bench(const RunOptions &options, const Console &console) {
  Session session("bench", options, console);
  return session.finish(Runner(session, options, Mode::Bench).run());
}
