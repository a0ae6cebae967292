//===- Explain.cpp - deltanet explain -------------------------------------===//
// What a function becomes for a target and shapes: decisions, kernels and what
// they occupy, the work, and the time that memory alone takes.
//===----------------------------------------------------------------------===//
#include "Format.h"
#include "Inputs.h"
#include "PackageBuilder.h"
#include "Predict.h"
#include "Work.h"
#include "deltanet/Runtime/Cuda.h"
#include "deltanet/Runtime/Expression.h"
#include "mlir/AsmParser/AsmParser.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;

// CUDA C++ Programming Guide, Compute Capabilities, and the occupancy figures
// of the tuning guides: registers go to a warp in units of 256, a block takes a
// kilobyte of shared memory for the system, in units of 128 bytes.
static constexpr int64_t kWarp = 32, kRegisterUnit = 256,
                         kSharedOfSystem = 1024, kSharedUnit = 128;

namespace {
/// What bounds the blocks on a multiprocessor.
struct Occupancy {
  int64_t blocks = 0;
  StringRef bound;
};

class Explainer : OpenProgram {
public:
  Explainer(Session &session, const RunOptions &options)
      : session(session), options(options) {}
  int run();

private:
  int prepare();
  int countScans(ShapeBinder &shapes);
  void describeSchedule();
  void describeKernel(const llvm::json::Object &launch, ShapeBinder &shapes,
                      const artifact::TargetCode &code);
  std::optional<int64_t> evaluate(StringRef text);
  void bindSizes(const llvm::json::Object &launch, ShapeBinder &shapes);
  void describeWork(ShapeBinder &shapes);
  int64_t countBytes(ShapeBinder &shapes);
  double findBandwidth(std::string &source);
  int64_t countMultiprocessors();
  std::string chooseVariant(ShapeBinder &shapes,
                            const artifact::TargetCode &code);

  Session &session;
  const RunOptions &options;
  kernel::ScheduleAttr schedule;
  Inputs inputs;
  std::vector<std::pair<std::string, int64_t>> sizes; ///< of kernels
  llvm::json::Array kernels;
  Work work;
};
} // namespace

static int64_t roundUp(int64_t value, int64_t unit) {
  return (value + unit - 1) / unit * unit;
}

/// Blocks that fit a multiprocessor side by side; 0 of those facts that the
/// target does not state.
static Occupancy findOccupancy(kernel::TargetAttr target, int64_t threads,
                               int64_t registers, int64_t shared) {
  Occupancy occupancy;
  auto limit = [&](int64_t have, int64_t need, StringRef what) {
    if (have <= 0 || need <= 0)
      return;
    if (occupancy.bound.empty() || have / need < occupancy.blocks)
      occupancy = {have / need, what};
  };
  int64_t warps = (threads + kWarp - 1) / kWarp;
  limit(target.getThreadsPerSm(), warps * kWarp, "threads");
  if (registers)
    limit(target.getRegistersPerSm(),
          warps * roundUp(registers * kWarp, kRegisterUnit), "registers");
  limit(target.getSharedMemoryBytesPerSm(),
        roundUp(shared, kSharedUnit) + kSharedOfSystem, "shared memory");
  return occupancy;
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

/// Sizes that this launch names, from the shapes of its tensors.
void Explainer::bindSizes(const llvm::json::Object &launch,
                          ShapeBinder &shapes) {
  auto find = [&](StringRef name) -> Value {
    for (BlockArgument argument : function.getArguments())
      if (getArgumentName(function, argument.getArgNumber()) == name)
        return argument;
    Operation *terminator = function.getBody().back().getTerminator();
    for (auto [i, value] : llvm::enumerate(terminator->getOperands()))
      if (getResultName(function, i) == name)
        return value;
    return {};
  };
  const llvm::json::Array *arguments = launch.getArray("arguments");
  if (!arguments)
    return;
  for (const llvm::json::Value &entry : *arguments) {
    const llvm::json::Object *argument = entry.getAsObject();
    const llvm::json::Array *texts =
        argument ? argument->getArray("shape") : nullptr;
    Value value =
        texts ? find(argument->getString("name").value_or("")) : Value();
    if (!value)
      continue;
    for (auto [text, extent] : llvm::zip(*texts, shapes.getShape(value)))
      if (artifact::isIdentifier(text.getAsString().value_or("")))
        sizes.push_back({text.getAsString()->str(), extent});
  }
}

std::optional<int64_t> Explainer::evaluate(StringRef text) {
  auto lookup = [](void *context, const char *name, size_t length) {
    auto &list =
        *static_cast<std::vector<std::pair<std::string, int64_t>> *>(context);
    auto it = llvm::find_if(list, [&](const auto &size) {
      return size.first == StringRef(name, length);
    });
    return it == list.end() ? -1 : int(it - list.begin());
  };
  char error[256];
  deltanet_expression *expression =
      deltanet_parse(text.str().c_str(), lookup, &sizes, error, sizeof error);
  if (!expression) {
    session.fail(kInternal, error);
    return std::nullopt;
  }
  std::vector<int64_t> values;
  for (const auto &size : sizes)
    values.push_back(size.second);
  int64_t result = 0;
  const char *wrong = deltanet_evaluate(expression, values.data(), &result);
  deltanet_free_expression(expression);
  if (wrong)
    return std::nullopt;
  return result;
}

void Explainer::describeKernel(const llvm::json::Object &launch,
                               ShapeBinder &shapes,
                               const artifact::TargetCode &code) {
  std::string name = launch.getString("kernel").value_or("").str();
  int64_t threads = launch.getInteger("block").value_or(0),
          shared = launch.getInteger("shared").value_or(0), blocks = 1;
  bindSizes(launch, shapes);
  std::string grid;
  if (const llvm::json::Array *extents = launch.getArray("grid"))
    for (const llvm::json::Value &extent : *extents) {
      auto value = evaluate(extent.getAsString().value_or("1"));
      blocks *= value.value_or(0);
      grid += (grid.empty() ? "" : " x ") + std::to_string(value.value_or(0));
    }
  llvm::json::Object entry{{"name", name},
                           {"blocks", blocks},
                           {"threads", threads},
                           {"shared", shared}};
  session.print(fmt::format("kernel    {}: {} = {} blocks of {} threads", name,
                            grid, blocks, threads));
  int64_t registers = 0;
  std::string line = fmt::format("          {} bytes of shared memory", shared);
  for (const auto &[kernel, resources] : code.resources)
    if (kernel == name) {
      registers = resources.registers;
      line += fmt::format(", {} registers, {} bytes spilled", registers,
                          resources.spillStores + resources.spillLoads);
      entry["registers"] = registers;
      entry["spilled"] = resources.spillStores + resources.spillLoads;
    }
  if (!registers)
    line += "; registers are not known without ptxas";
  session.print(line);
  Occupancy occupancy = findOccupancy(target, threads, registers, shared);
  if (!occupancy.bound.empty()) {
    line = fmt::format("          {} blocks on a multiprocessor, bound by {}",
                       occupancy.blocks, occupancy.bound.str());
    entry["blocks_per_multiprocessor"] = occupancy.blocks;
    entry["bound_by"] = occupancy.bound;
    int64_t multiprocessors = countMultiprocessors();
    if (multiprocessors && occupancy.blocks) {
      double waves =
          double(blocks) / double(multiprocessors * occupancy.blocks);
      line += fmt::format("; {:.2f} waves of {} multiprocessors", waves,
                          multiprocessors);
      entry["waves"] = waves;
    }
    session.print(line);
  }
  kernels.push_back(std::move(entry));
}

//===----------------------------------------------------------------------===//
// Work
//===----------------------------------------------------------------------===//

/// Chunks of all sequences of `op`.
static int64_t countChunks(linrec::RecurrenceOpInterface op, int64_t chunk,
                           const ShapeBinder &shapes, const Inputs &inputs) {
  linrec::TokenDims d = linrec::getTokenDims(op.getLayout());
  SmallVector<int64_t> query = shapes.getShape(op.getQuery());
  if (auto offsets =
          dyn_cast_if_present<BlockArgument>(Value(op.getCuSeqlens()))) {
    int64_t count = 0;
    const InputSpec &spec = inputs.specs[offsets.getArgNumber()];
    if (spec.array) {
      std::vector<double> values = support::toDoubles(*spec.array);
      for (size_t i = 1; i < values.size(); ++i)
        count += (int64_t(values[i] - values[i - 1]) + chunk - 1) / chunk;
      return count;
    }
  }
  return query[d.batch] * ((query[d.token] + chunk - 1) / chunk);
}

/// The work of all recurrences, from the chunk programs they become.
int Explainer::countScans(ShapeBinder &shapes) {
  OwningOpRef<ModuleOp> copy = copyEntry(*module, function);
  if (!copy)
    return session.fail(kInternal, "cannot drop unused functions");
  const Pipeline &pipeline =
      target.isGPU() ? getLinRecToPTX() : getLinRecToHost();
  if (int code = lower(session, *copy, pipeline, target, options, "fuse"))
    return code;
  SmallVector<linrec::RecurrenceOpInterface> operators;
  function.walk(
      [&](linrec::RecurrenceOpInterface op) { operators.push_back(op); });
  size_t next = 0;
  copy->walk([&](chunk::ScanOp scan) {
    if (next == operators.size())
      return;
    linrec::RecurrenceOpInterface op = operators[next++];
    int64_t heads = shapes.getShape(
        op.getValue())[linrec::getTokenDims(op.getLayout()).head];
    int64_t times =
        heads * countChunks(op, scan.getChunkSize(), shapes, inputs);
    Work one = countWork(scan);
    work.products += times * one.products;
    work.solves += times * one.solves;
    work.elementwise += times * one.elementwise;
  });
  return kOk;
}

int64_t Explainer::countBytes(ShapeBinder &shapes) {
  SmallVector<Value> tensors(function.getArguments());
  llvm::append_range(tensors,
                     function.getBody().back().getTerminator()->getOperands());
  int64_t total = 0;
  for (Value tensor : tensors) {
    int64_t bytes =
        getElementTypeOrSelf(tensor.getType()).getIntOrFloatBitWidth() / 8;
    for (int64_t extent : shapes.getShape(tensor))
      bytes *= extent;
    total += bytes;
  }
  return total;
}

/// A device that is here and is of the target's generation.
static std::optional<deltanet_cuda_device> findDevice(kernel::TargetAttr target,
                                                      int64_t number) {
  const deltanet_cuda *cuda = target.isGPU() ? deltanet_open_cuda() : nullptr;
  deltanet_cuda_device device;
  int major = 0;
  if (!cuda || cuda->cuDeviceGet(&device, int(number)) ||
      cuda->cuDeviceGetAttribute(&major, DELTANET_CUDA_CAPABILITY_MAJOR,
                                 device) ||
      major != target.getComputeCapability() / 10)
    return std::nullopt;
  return device;
}

int64_t Explainer::countMultiprocessors() {
  int count = 0;
  if (auto device = findDevice(target, options.device))
    deltanet_open_cuda()->cuDeviceGetAttribute(
        &count, DELTANET_CUDA_MULTIPROCESSORS, *device);
  return count ? count : target.getMultiprocessors();
}

/// Bytes per second of the memory: as the user says, else as the device that is
/// here has; 0 where nobody says.
double Explainer::findBandwidth(std::string &source) {
  if (options.bandwidth > 0) {
    source = "--bandwidth";
    return options.bandwidth * 1e9;
  }
  auto device = findDevice(target, options.device);
  if (!device)
    return 0;
  int kilohertz = 0, bits = 0;
  const deltanet_cuda *cuda = deltanet_open_cuda();
  cuda->cuDeviceGetAttribute(&kilohertz, DELTANET_CUDA_MEMORY_KILOHERTZ,
                             *device);
  cuda->cuDeviceGetAttribute(&bits, DELTANET_CUDA_MEMORY_BITS, *device);
  source = "the memory of the device that is here";
  return 2e3 * kilohertz * bits / 8; // two transfers a clock
}

void Explainer::describeWork(ShapeBinder &shapes) {
  int64_t bytes = countBytes(shapes);
  session.print(
      fmt::format("work      {:.3f} GFLOP in products, {:.3f} in solves; "
                  "{:.3f} G elements elsewhere",
                  double(work.products) * 1e-9, double(work.solves) * 1e-9,
                  double(work.elementwise) * 1e-9));
  session.print(fmt::format(
      "bytes     {:.3f} MB: arguments read and results written once; {:.1f} "
      "FLOP "
      "a byte",
      double(bytes) * 1e-6,
      bytes ? double(work.products + work.solves) / double(bytes) : 0.0));
  std::string source;
  double bandwidth = findBandwidth(source);
  session["flops"] = llvm::json::Object{{"products", work.products},
                                        {"solves", work.solves},
                                        {"elementwise", work.elementwise}};
  session["bytes"] = bytes;
  if (bandwidth > 0) {
    session.print(fmt::format("floor     {:.4f} ms at {:.0f} GB/s, {}",
                              double(bytes) / bandwidth * 1e3, bandwidth * 1e-9,
                              source));
    session["floor_milliseconds"] = double(bytes) / bandwidth * 1e3;
  } else {
    session.print("floor     not known: no device of this target is here; say "
                  "--bandwidth GB/S");
  }
}

/// The variant that a call with these shapes launches, empty for none, and its
/// schedule.
std::string Explainer::chooseVariant(ShapeBinder &shapes,
                                     const artifact::TargetCode &code) {
  if (code.variants.empty())
    return "";
  for (const llvm::json::Object &launch : code.launches)
    bindSizes(launch, shapes);
  int64_t here = countMultiprocessors();
  sizes.push_back({"M", here ? here : kMeasuredMultiprocessors});
  std::string chosen, machine = std::to_string(sizes.back().second);
  for (const artifact::VariantCode &variant : code.variants) {
    auto [low, high] = StringRef(variant.when).split("<=");
    auto a = evaluate(low), b = evaluate(high);
    bool holds = chosen.empty() && a && b && *a <= *b;
    session.print(fmt::format("variant   {}, where {}{}", variant.name,
                              variant.when, holds ? ": taken here" : ""));
    if (!holds)
      continue;
    chosen = variant.name;
    schedule = cast<kernel::ScheduleAttr>(
        parseAttribute(variant.schedule, session.getContext()));
  }
  session.print(fmt::format("          M, the multiprocessors, is {}{}",
                            machine, here ? "" : ", as no device is here"));
  session["variant"] = chosen;
  return chosen;
}

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

void Explainer::describeSchedule() {
  std::string text;
  llvm::raw_string_ostream(text) << schedule;
  session.print("schedule  " + text);
  session["schedule"] = text;
  StringRef decided = options.schedule;
  auto why = [&](bool stated, StringRef entry = "") {
    stated |= !entry.empty() && decided.contains(entry);
    return stated ? "stated on the command line" : "by rule";
  };
  session.print(fmt::format("          chunk {}, products {}, gates {}",
                            why(options.chunk || options.tokenLoop, "chunk"),
                            why(!options.products.empty(), "products"),
                            why(!options.gates.empty(), "gates")));
}

int Explainer::prepare() {
  return openProgram(session, options, /*runs=*/false, *this);
}

int Explainer::run() {
  if (int code = prepare())
    return code;
  ShapeBinder shapes(function);
  if (int code = readInputs(session, function, options, shapes, inputs))
    return code;
  PackageBuilder builder(session, *module, function, options);
  auto ptxas = artifact::findCudaTool("ptxas");
  int code = builder.describe(artifact::makeIdentifier(function.getName()));
  if (code || (code = builder.addTarget(target, ptxas ? *ptxas : "")) ||
      (code = countScans(shapes)))
    return code;
  schedule = builder.getSchedule();
  session.print(fmt::format("@{} on {}", function.getName().str(),
                            target.getName().str()));
  const artifact::TargetCode &compiled = builder.getPackage().targets.back();
  std::string variant = chooseVariant(shapes, compiled);
  describeSchedule();
  for (const llvm::json::Object &launch : compiled.launches)
    if (artifact::isOfVariant(launch, variant))
      describeKernel(launch, shapes, compiled);
  describePrediction(
      session, options, *module, function, target, schedule,
      measureExtents(function, shapes, inputs, countMultiprocessors()));
  describeWork(shapes);
  session["entry"] = function.getName();
  session["target"] = target.getName();
  session["kernels"] = std::move(kernels);
  return kOk;
}

int deltanet::driver::explain(const RunOptions &options,
                              const Console &console) {
  Session session("explain", options, console);
  return session.finish(Explainer(session, options).run());
}
