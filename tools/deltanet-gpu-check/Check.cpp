//===- Check.cpp - a kernel against the recurrence ------------------------===//
// See Check.h. The reference runs head by head, on the numbers the kernel got.
//===----------------------------------------------------------------------===//
#include "Check.h"
#include "Selective.h"
#include "deltanet/Reference/Reference.h"
#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>

using namespace deltanet;
using namespace deltanet::gpu;
using Bytes = std::vector<unsigned char>;

namespace {

/// A case on the device.
class Session {
public:
  Session(Kernel &kernel, const Launch &launch, const Case &c)
      : kernel(kernel), launch(launch) {
    values.reserve(launch.arguments.size());
    for (const Argument &argument : launch.arguments) {
      if (argument.role == Argument::Role::Size) {
        values.push_back(evaluate(argument.name, c.sizes));
        continue;
      }
      size_t bytes =
          argument.getCount(c.sizes) * getElementBytes(argument.format);
      memory.emplace(argument.name, Memory(bytes));
      if (argument.role == Argument::Role::Input) {
        inputs[argument.name] = makeInput(argument, c);
        memory.at(argument.name).write(inputs[argument.name].data());
      }
      values.push_back(static_cast<int64_t>(memory.at(argument.name).get()));
    }
    for (int64_t &value : values)
      parameters.push_back(&value);
    for (int d = 0; d != 3; ++d)
      grid[d] = evaluate(launch.grid[d], c.sizes);
  }

  void run() { kernel.launch(grid, launch.block, parameters); }

  /// Runs on outputs full of NaN and returns what is in them then.
  std::map<std::string, Bytes> runPoisoned() {
    for (const Argument &argument : launch.arguments)
      if (argument.role == Argument::Role::Output)
        memory.at(argument.name).fill(0xff);
    run();
    synchronize();
    std::map<std::string, Bytes> results;
    for (const Argument &argument : launch.arguments)
      if (argument.role == Argument::Role::Output)
        results[argument.name] = memory.at(argument.name).read();
    return results;
  }

  /// The name of memory whose guards were overwritten, or of an input that was.
  std::string findDamage() {
    for (auto &[name, block] : memory) {
      if (!block.isIntact())
        return "memory beside '" + name + "' was written";
      auto input = inputs.find(name);
      if (input != inputs.end() && block.read() != input->second)
        return "input '" + name + "' was written";
    }
    return {};
  }

  std::map<std::string, Bytes> inputs;

private:
  Kernel &kernel;
  const Launch &launch;
  std::map<std::string, Memory> memory;
  std::vector<int64_t> values;
  std::vector<void *> parameters;
  int64_t grid[3];
};

/// The part of a tensor that belongs to one head of one batch entry, as
/// float64. Tensors by tokens are B x T x heads x width, states B x heads x
/// rows x columns.
class UnitView {
public:
  UnitView(const Argument &argument, const Case &c, int64_t b, int64_t h)
      : argument(argument) {
    std::vector<int64_t> shape = argument.getShape(c.sizes);
    state = argument.name == "initial" || argument.name == "state";
    int64_t heads = shape[state ? 1 : 2], allHeads = c.sizes.at("H");
    h = h / (allHeads / heads);
    if (state) {
      rows = 1;
      width = shape[2] * shape[3];
      first = (b * heads + h) * width;
      stride = 0;
    } else {
      rows = shape[1];
      width = shape.size() > 3 ? shape[3] : 1;
      first = (b * rows * heads + h) * width;
      stride = heads * width;
    }
  }
  std::vector<double> read(const Bytes &data) const {
    std::vector<double> values;
    values.reserve(rows * width + 1); // a place, if it holds nothing
    for (int64_t r = 0; r != rows; ++r)
      for (int64_t i = 0; i != width; ++i)
        values.push_back(
            readElement(data, argument.format, first + r * stride + i));
    return values;
  }
  int64_t getWidth() const { return width; }

private:
  const Argument &argument;
  bool state;
  int64_t rows, width, first, stride;
};

/// Results and reference of all units that are compared, one after the other.
struct Pairs {
  std::vector<double> got, want;
};

class Comparison {
public:
  Comparison(const Launch &launch, const Case &c,
             const std::map<std::string, Bytes> &inputs,
             const std::map<std::string, Bytes> &results)
      : launch(launch), c(c), inputs(inputs), results(results) {}

  std::map<std::string, Pairs> run() {
    if (isSelectiveScan(launch))
      return runSelective();
    int64_t heads = c.sizes.at("H"), all = c.sizes.at("B") * heads;
    int64_t units = c.units > 0 ? std::min(c.units, all) : all;
    std::vector<std::map<std::string, Pairs>> parts(units);
    std::optional<std::string> failure;
    parallelFor(units, [&](int64_t i) {
      int64_t unit = i * all / units; // spread over all of them
      if (auto message = runUnit(unit / heads, unit % heads, parts[i])) {
        std::lock_guard<std::mutex> lock(mutex);
        failure = message;
      }
    });
    if (failure)
      throw std::runtime_error("the reference refuses the case: " + *failure);
    std::map<std::string, Pairs> pairs;
    for (auto &part : parts)
      for (auto &[name, pair] : part) {
        Pairs &sum = pairs[name];
        sum.got.insert(sum.got.end(), pair.got.begin(), pair.got.end());
        sum.want.insert(sum.want.end(), pair.want.begin(), pair.want.end());
      }
    return pairs;
  }

private:
  std::map<std::string, Pairs> runSelective() {
    std::map<std::string, Pairs> pairs;
    for (auto &[name, want] : runSelectiveScan(launch, c, inputs))
      pairs[name] = {readAll(*launch.find(name), c, results.at(name)), want};
    return pairs;
  }

  std::optional<std::string> runUnit(int64_t b, int64_t h,
                                     std::map<std::string, Pairs> &pairs) {
    reference::Recurrence r;
    r.B = r.G = r.H = 1;
    r.T = c.sizes.at("T");
    std::map<std::string, std::vector<double>> tensors;
    auto input = [&](const char *name) -> const double * {
      const Argument *argument = launch.find(name);
      if (!argument)
        return nullptr;
      return (tensors[name] =
                  UnitView(*argument, c, b, h).read(inputs.at(name)))
          .data();
    };
    r.K = UnitView(*launch.find("k"), c, b, h).getWidth();
    r.V = UnitView(*launch.find("v"), c, b, h).getWidth();
    r.q = input("q");
    r.k = input("k");
    r.v = input("v");
    r.beta = input("beta");
    r.decay = input("decay");
    r.decayPerChannel = r.decay && launch.find("decay")->shape.size() == 4;
    r.initialState = input("initial");
    r.stateLayout =
        c.stateVK ? reference::StateLayout::VK : reference::StateLayout::KV;
    const Argument *state = launch.find("state");
    std::vector<double> o(r.T * r.V), last(state ? r.K * r.V : 0);
    o.reserve(1); // the reference wants a place, if it holds nothing
    r.o = o.data();
    r.finalState = state ? last.data() : nullptr;
    if (auto message = reference::run(r, 1))
      return message;
    pairs["o"] = {UnitView(*launch.find("o"), c, b, h).read(results.at("o")),
                  o};
    if (state)
      pairs["state"] = {UnitView(*state, c, b, h).read(results.at("state")),
                        last};
    return std::nullopt;
  }

  const Launch &launch;
  const Case &c;
  const std::map<std::string, Bytes> &inputs, &results;
  std::mutex mutex;
};
} // namespace

static std::string format(const char *pattern, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), pattern, value);
  return text;
}

Verdict deltanet::gpu::check(Kernel &kernel, const Launch &launch,
                             const Case &c, double tolerance) {
  for (const char *name : {"q", "k", "v", "o"})
    if (!isSelectiveScan(launch) && !launch.find(name))
      throw std::runtime_error(std::string("expects a kernel with a tensor '") +
                               name + "'");
  Session session(kernel, launch, c);
  std::map<std::string, Bytes> results = session.runPoisoned();
  Verdict verdict;
  auto fail = [&](const std::string &why) {
    verdict.passed = false;
    verdict.text += "  " + why;
  };
  if (session.runPoisoned() != results)
    fail("two runs differ");
  std::string damage = session.findDamage();
  if (!damage.empty())
    fail(damage);
  // Every element is finite: the poison is gone, wherever it is compared or
  // not.
  for (const Argument &argument : launch.arguments)
    if (argument.role == Argument::Role::Output) {
      const Bytes &data = results.at(argument.name);
      int64_t bad = 0;
      for (int64_t i = 0, e = argument.getCount(c.sizes); i != e; ++i)
        bad += !std::isfinite(readElement(data, argument.format, i));
      if (bad)
        fail(std::to_string(bad) + " elements of '" + argument.name +
             "' are not finite");
    }
  if (c.tolerance > 0)
    tolerance = c.tolerance;
  for (auto &[name, pair] :
       Comparison(launch, c, session.inputs, results).run()) {
    reference::Error error = reference::measureError(
        pair.got.data(), pair.want.data(), pair.want.size());
    verdict.text += "  " + name + " " + format("%.2e", error.relative);
    if (!error.passes(tolerance))
      fail("above " + format("%.2e", tolerance) + ", at most " +
           format("%.2e", error.maxAbsolute) + " at " +
           std::to_string(error.maxAbsoluteIndex));
  }
  return verdict;
}

std::string deltanet::gpu::time(Kernel &kernel, const Launch &launch,
                                const Case &c, int repeats) {
  Session session(kernel, launch, c);
  Memory cache(size_t(256) << 20);
  Timer timer;
  std::vector<float> times;
  for (int i = -3; i < repeats; ++i) { // three to warm up
    cache.fill(static_cast<unsigned char>(i));
    timer.start();
    session.run();
    float milliseconds = timer.stop();
    if (i >= 0)
      times.push_back(milliseconds);
  }
  std::sort(times.begin(), times.end());
  double median = times[times.size() / 2];
  double tokens = double(c.sizes.at("B")) * c.sizes.at("T");
  // Every tensor once: what a kernel cannot do without.
  double bytes = 0;
  for (const Argument &argument : launch.arguments)
    if (argument.role != Argument::Role::Size)
      bytes +=
          double(argument.getCount(c.sizes)) * getElementBytes(argument.format);
  return "  median " + format("%.4f", median) + " ms  (" +
         format("%.4f", times.front()) + " to " + format("%.4f", times.back()) +
         ", " + std::to_string(repeats) + " launches)  " +
         format("%.1f", tokens / median / 1e3) + " million tokens/s  " +
         format("%.0f", bytes / median / 1e6) + " GB/s";
}
