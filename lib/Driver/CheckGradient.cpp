//===- CheckGradient.cpp - deltanet check --grad --------------------------===//
// Runs the forward and the backward function on one set of inputs, with random
// gradients of the results. The reference is the recurrence itself: what the
// weighted results change along random directions, by central differences in
// float64.
//===----------------------------------------------------------------------===//
#include "CheckGradient.h"
#include "Format.h"
#include "Launch.h"
#include "PackageBuilder.h"
#include "Random.h"
#include "Results.h"
#include "Tolerance.h"
#include "deltanet/Runtime/Parallel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/Support/xxhash.h"
#include <cmath>

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;
using support::NpyArray;

/// Directions a gradient is held against; each is a vector of normal numbers,
/// so that an error along it is as large as the error's norm on average.
static constexpr int kDirections = 4;
/// What is moved along a direction: in float64 the error of a difference is
/// then below 1e-6 from rounding, and below that from curvature.
static constexpr double kStep = 1e-6;
/// Relative to the magnitudes that are summed up: what two sums in float64
/// differ by where nothing changes.
static constexpr double kRounding = 1e-15;

namespace {
/// The function without its roundings, and what its results weigh.
class Differences {
public:
  /// The weighted sum of results, and of their magnitudes.
  struct Sum {
    double value = 0, magnitude = 0;
  };
  /// The change along a direction, and what of it may be rounding.
  struct Slope {
    double value = 0, rounding = 0;
  };

  LogicalResult prepare(ModuleOp module, func::FuncOp function,
                        const Inputs &inputs);
  void addWeight(unsigned result, std::vector<double> weight) {
    weights.push_back({result, std::move(weight)});
  }
  int64_t getNumElements(unsigned argument) const {
    return arguments[argument].getNumElements();
  }
  FailureOr<Slope> measure(unsigned argument, ArrayRef<double> direction);

private:
  FailureOr<Sum> evaluate(unsigned argument, ArrayRef<double> direction,
                          double step);

  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
  std::vector<interpreter::Tensor> arguments;
  std::vector<std::pair<unsigned, std::vector<double>>> weights;
};

/// One run of the command.
class GradientChecker : OpenProgram {
public:
  GradientChecker(Session &session, const RunOptions &options)
      : session(session), options(options) {}
  int run();

private:
  int prepare();
  int makeTensors();
  int allocateKept(ShapeBinder &shapes);
  void makeWeights();
  int launch();
  int launchOnGpu();
  int call(Launch &forward, Launch &backward);
  int compare();
  int compareGradient(Differences &differences, unsigned index);
  void describe(bool passed);

  Session &session;
  const RunOptions &options;
  kernel::ScheduleAttr schedule;
  std::optional<Gradient> gradient;
  Inputs inputs;
  /// Those of the forward function, then the gradients, then what the backward
  /// function is given: the gradients of results.
  std::vector<Result> results;
  unsigned numForward = 0, numGradients = 0;
  std::vector<InputOutput> inputOutputs;
  double forwardSeconds = 0, backwardSeconds = 0;
  std::string machine;
  bool repeatable = true;
};
} // namespace

//===----------------------------------------------------------------------===//
// The reference
//===----------------------------------------------------------------------===//

LogicalResult Differences::prepare(ModuleOp original, func::FuncOp entry,
                                   const Inputs &inputs) {
  module = copyEntry(original, entry);
  if (!module)
    return failure();
  function = module->lookupSymbol<func::FuncOp>(entry.getName());
  // A step is smaller than what rounding takes.
  function.walk([&](arith::TruncFOp op) {
    op->setAttr(interpreter::kSmoothAttr, UnitAttr::get(op.getContext()));
  });
  for (const NpyArray &array : inputs.tensors)
    arguments.push_back({array.shape, support::toDoubles(array)});
  return success();
}

FailureOr<Differences::Sum> Differences::evaluate(unsigned argument,
                                                  ArrayRef<double> direction,
                                                  double step) {
  std::vector<double> original = arguments[argument].data;
  for (auto [x, d] : llvm::zip_equal(arguments[argument].data, direction))
    x += step * d;
  auto results = interpreter::evaluate(function, arguments);
  arguments[argument].data = std::move(original);
  if (failed(results))
    return failure();
  Sum sum;
  for (const auto &[result, weight] : weights)
    for (auto [y, w] : llvm::zip_equal((*results)[result].data, weight)) {
      sum.value += y * w;
      sum.magnitude += std::abs(y * w);
    }
  return sum;
}

FailureOr<Differences::Slope> Differences::measure(unsigned argument,
                                                   ArrayRef<double> direction) {
  auto low = evaluate(argument, direction, -kStep),
       high = evaluate(argument, direction, kStep);
  if (failed(low) || failed(high))
    return failure();
  return Slope{(high->value - low->value) / (2 * kStep),
               kRounding * (high->magnitude + low->magnitude) / kStep};
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

int GradientChecker::prepare() {
  int code = openProgram(session, options, /*runs=*/true, *this);
  if (code)
    return code;
  gradient.emplace(session, function, options);
  if ((code = gradient->read()) || (code = gradient->derive(*module, target)))
    return code;
  func::FuncOp backward = gradient->getBackward();
  results = nameResults(gradient->getForward());
  numForward = results.size();
  numGradients = backward.getNumResults();
  llvm::append_range(results, nameResults(backward));
  unsigned next = function.getNumArguments() + gradient->getNumKept();
  for (; next != backward.getNumArguments(); ++next)
    results.emplace_back().name = getArgumentName(backward, next).str();
  return readOutputs(session, function, options, results, inputOutputs);
}

/// Memory for what the forward function keeps, and for the gradients.
int GradientChecker::allocateKept(ShapeBinder &shapes) {
  auto kept = gradient->describeKept(shapes);
  if (failed(kept))
    return kInternal;
  SmallVector<std::pair<SmallVector<int64_t>, Type>> tensors;
  for (auto [i, tensor] : llvm::enumerate(*kept)) {
    SmallVector<int64_t> shape;
    for (const std::string &text : tensor.shape) {
      auto extent = evaluateExtent(session, text);
      if (!extent)
        return kInternal;
      shape.push_back(*extent);
    }
    unsigned result = function.getNumResults() + i;
    tensors.push_back(
        {shape, getElementTypeOrSelf(
                    gradient->getForward().getResultTypes()[result])});
  }
  for (unsigned argument : gradient->getArguments())
    tensors.push_back(
        {shapes.getShape(function.getArgument(argument)),
         getElementTypeOrSelf(function.getArgumentTypes()[argument])});
  auto all = tensors;
  for (Value argument : function.getArguments())
    all.push_back(
        {shapes.getShape(argument), getElementTypeOrSelf(argument.getType())});
  if (int code = checkMemory(session, all))
    return code;
  for (auto [i, tensor] : llvm::enumerate(tensors))
    if (int code =
            allocateResult(function.getLoc(), tensor.second, tensor.first,
                           results[function.getNumResults() + i]))
      return code;
  return kOk;
}

int GradientChecker::makeTensors() {
  ShapeBinder shapes(function);
  int code = readInputs(session, function, options, shapes, inputs);
  if (code || (code = checkMemory(session, function, shapes)) ||
      (code = makeInputs(session, function, shapes, inputs)) ||
      (code = allocateResults(function, shapes, results)) ||
      (code = allocateKept(shapes)))
    return code;
  makeWeights();
  return kOk;
}

/// The gradients of the results: normal numbers, rounded to their types.
void GradientChecker::makeWeights() {
  for (auto [n, i] : llvm::enumerate(gradient->getResults())) {
    const NpyArray &array = results[i].array;
    Result &weight = results[numForward + numGradients + n];
    Random random(/*seed=*/0, weight.name);
    std::vector<double> values(array.getNumElements());
    for (double &value : values)
      value = random.normal();
    weight.array = support::fromDoubles(array.type, array.shape, values.data());
  }
}

//===----------------------------------------------------------------------===//
// The run
//===----------------------------------------------------------------------===//

static double getMedian(std::vector<double> &times) {
  llvm::sort(times);
  return times[times.size() / 2];
}

/// A number for what the arrays hold: runs must give the same.
static uint64_t digest(ArrayRef<NpyArray> arrays) {
  uint64_t all = 0;
  for (const NpyArray &array : arrays)
    all = llvm::hash_combine(all, llvm::xxh3_64bits(array.bytes));
  return all;
}

/// Calls both functions as often as is asked for. Kept tensors may be most of
/// the memory here: they are moved, not copied.
int GradientChecker::call(Launch &forward, Launch &backward) {
  machine = forward.getMachine();
  MutableArrayRef<Result> all = results;
  std::vector<NpyArray> outputs, arguments = inputs.tensors, gradients;
  for (Result &result : all.take_front(numForward))
    outputs.push_back(std::move(result.array));
  for (Result &result : all.slice(numForward, numGradients))
    gradients.push_back(std::move(result.array));
  MutableArrayRef<NpyArray> kept =
      MutableArrayRef(outputs).drop_front(function.getNumResults());
  size_t firstKept = arguments.size();
  arguments.resize(firstKept + kept.size());
  for (Result &weight : all.drop_front(numForward + numGradients))
    arguments.push_back(weight.array);
  std::vector<double> forwardTimes, backwardTimes;
  std::optional<uint64_t> first;
  for (int64_t i = 0; i < options.repeat; ++i) {
    auto time = forward.run(inputs.tensors, outputs);
    if (!time)
      return forward.getFailure();
    forwardTimes.push_back(*time);
    uint64_t bits = digest(outputs);
    std::swap_ranges(kept.begin(), kept.end(), arguments.begin() + firstKept);
    time = backward.run(arguments, gradients);
    if (!time)
      return backward.getFailure();
    backwardTimes.push_back(*time);
    std::swap_ranges(kept.begin(), kept.end(), arguments.begin() + firstKept);
    bits = llvm::hash_combine(bits, digest(gradients));
    repeatable &= !first || *first == bits;
    first = bits;
  }
  for (auto [result, array] : llvm::zip(all, outputs))
    result.array = std::move(array);
  for (auto [result, array] : llvm::zip(all.drop_front(numForward), gradients))
    result.array = std::move(array);
  forwardSeconds = getMedian(forwardTimes);
  backwardSeconds = getMedian(backwardTimes);
  return kOk;
}

int GradientChecker::launchOnGpu() {
  PackageBuilder builder(session, *module, function, options);
  auto ptxas = artifact::findCudaTool("ptxas");
  int code = builder.describe(artifact::makeIdentifier(function.getName()));
  if (code || (code = builder.addTarget(target, ptxas ? *ptxas : "")))
    return code;
  std::vector<std::unique_ptr<Launch>> launches;
  for (const artifact::Package &package : builder.getPackages().drop_front()) {
    std::string manifest;
    if ((code = builder.getManifest(package, manifest)))
      return code;
    launches.push_back(makeGpuLaunch(session, package, manifest,
                                     static_cast<int32_t>(options.device)));
    if (!launches.back())
      return kMissing;
  }
  return call(*launches[0], *launches[1]);
}

int GradientChecker::launch() {
  schedule = kernel::getSchedule(gradient->getForward());
  if (target.isGPU())
    return launchOnGpu();
  OwningOpRef<ModuleOp> copy = copyEntry(*module, function);
  if (!copy)
    return session.fail(kInternal, "cannot drop unused functions");
  if (int code = lower(session, *copy, getLinRecToHost(), target, options))
    return code;
  std::string name = function.getName().str();
  auto launches = makeHostLaunches(
      session, *copy,
      {name + kForwardSuffix.str(), name + kBackwardSuffix.str()});
  if (launches.empty())
    return kInternal;
  if (options.threads)
    deltanet_set_num_threads(int32_t(options.threads));
  return call(*launches[0], *launches[1]);
}

//===----------------------------------------------------------------------===//
// The comparison
//===----------------------------------------------------------------------===//

/// Holds the gradient of an argument against differences. The error of a
/// gradient along a normal direction is the norm of the error on average, so
/// what is measured is a relative Frobenius error.
int GradientChecker::compareGradient(Differences &differences, unsigned index) {
  Result &result = results[numForward + index];
  unsigned argument = gradient->getArguments()[index];
  std::vector<double> got = support::toDoubles(result.array), direction;
  double norm = 0, wanted = 0, error = 0, rounding = 0;
  int64_t undefined = 0; // directions along which the reference is not finite
  for (double x : got)
    if (std::isfinite(x))
      norm += x * x;
    else
      ++result.error.nonFinite;
  for (int trial = 0; trial < kDirections; ++trial) {
    Random random(trial, "direction of " + result.name);
    direction.resize(got.size());
    double along = 0;
    for (auto [g, d] : llvm::zip_equal(got, direction)) {
      d = random.normal();
      along += std::isfinite(g) ? g * d : 0;
    }
    auto slope = differences.measure(argument, direction);
    if (failed(slope))
      return kInputError;
    if (!std::isfinite(slope->value)) {
      ++undefined;
      continue;
    }
    double distance = std::abs(along - slope->value);
    wanted += slope->value * slope->value / kDirections;
    error += distance * distance / kDirections;
    rounding += slope->rounding * slope->rounding / kDirections;
    result.error.maxAbsolute = std::max(result.error.maxAbsolute, distance);
  }
  if (undefined)
    emitWarning(function.getLoc())
        << "the reference of '" << result.name << "' is not finite along "
        << undefined << " of " << kDirections
        << " directions; inputs that suit the operator are for --input to "
           "state";
  norm = std::max(norm, wanted);
  result.checked = true;
  result.error.mismatched = result.error.nonFinite + undefined;
  result.error.relative = norm > 0 ? std::sqrt(error / norm) : 0;
  result.tolerance =
      options.tolerance ? *options.tolerance
                        : chooseGradientTolerance(function, argument, schedule);
  // Where a gradient is zero, differences are what rounding leaves.
  if (norm > 0)
    result.tolerance += std::sqrt(rounding / norm);
  result.passed = result.error.passes(result.tolerance);
  return kOk;
}

int GradientChecker::compare() {
  auto reference = evaluateReference(function, inputs);
  if (failed(reference))
    return kInputError;
  for (unsigned i = 0; i != function.getNumResults(); ++i)
    compareResult(function, i, (*reference)[i].data, schedule,
                  options.tolerance, results[i]);
  Differences differences;
  if (failed(differences.prepare(*module, function, inputs)))
    return session.fail(kInternal, "cannot drop unused functions");
  for (auto [n, i] : llvm::enumerate(gradient->getResults()))
    differences.addWeight(
        i, support::toDoubles(results[numForward + numGradients + n].array));
  for (unsigned i = 0; i != gradient->getArguments().size(); ++i)
    if (int code = compareGradient(differences, i))
      return code;
  return kOk;
}

void GradientChecker::describe(bool passed) {
  std::string products;
  llvm::raw_string_ostream(products) << schedule.getProducts();
  session.print(fmt::format(
      "@{} and its gradient on {}{}: {}, products {}", function.getName().str(),
      options.target, machine.empty() ? "" : " (" + machine + ")",
      schedule.getTokenLoop() ? "token loop"
                              : fmt::format("chunk {}", schedule.getChunk()),
      products));
  describeInputs(session, function, inputs);
  ArrayRef<Result> all = results;
  session["results"] =
      describeResults(session, all.take_front(numForward), "result", true);
  session["gradients"] = describeResults(
      session, all.slice(numForward, numGradients), "gradient", true);
  session.print(
      fmt::format("{:.3f} ms forward, {:.3f} ms backward, median of {}",
                  forwardSeconds * 1e3, backwardSeconds * 1e3, options.repeat));
  if (!repeatable)
    session.print("FAIL: runs differ from each other");
  session.print(passed ? "passed" : "failed");
  session["entry"] = function.getName();
  session["target"] = options.target;
  if (!machine.empty())
    session["machine"] = machine;
  session["chunk"] = schedule.getChunk();
  session["token_loop"] = schedule.getTokenLoop();
  session["products"] = products;
  session["forward_seconds"] = forwardSeconds;
  session["backward_seconds"] = backwardSeconds;
  session["repeat"] = options.repeat;
  session["repeatable"] = repeatable;
  session["passed"] = passed;
}

int GradientChecker::run() {
  int code = prepare();
  if (code || (code = makeTensors()) || (code = launch()) ||
      (code = compare()) ||
      (code = writeOutputs(session, results, inputs, inputOutputs)))
    return code;
  bool passed = repeatable && llvm::all_of(results, [](const Result &result) {
                  return result.passed;
                });
  describe(passed);
  return passed ? kOk : kCheckFailed;
}

int deltanet::driver::checkGradient(Session &session,
                                    const RunOptions &options) {
  return GradientChecker(session, options).run();
}
