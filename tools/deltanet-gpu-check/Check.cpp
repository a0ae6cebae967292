//===- Check.cpp - a program against the recurrence -----------------------===//
// See Check.h.
//===----------------------------------------------------------------------===//
#include "Check.h"
#include "Selective.h"
#include <cfloat>
#include <cmath>
#include <numeric>
#include <set>

using namespace deltanet;
using namespace deltanet::gpu;
using support::NpyArray;
using Expected = std::map<std::string, std::vector<double>>;

/// Of one row of a result (a token's values of a head) the error may be this
/// many times the whole's, so that one wrong row among thousands shows.
static constexpr double kRowFactor = 20;

static std::string format(const char *pattern, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), pattern, value);
  return text;
}

//===----------------------------------------------------------------------===//
// The recurrence
//===----------------------------------------------------------------------===//

/// Exchanges the states of a pool that sequences use and as many states in a
/// row: `toPool` says in which direction.
static void exchange(std::vector<double> &pool, std::vector<double> &states,
                     const std::vector<double> &indices, bool toPool) {
  size_t size = states.size() / std::max<size_t>(indices.size(), 1);
  for (size_t n = 0; n != indices.size(); ++n) {
    auto entry = pool.begin() + static_cast<size_t>(indices[n]) * size,
         state = states.begin() + n * size;
    if (toPool)
      std::copy(state, state + size, entry);
    else
      std::copy(entry, entry + size, state);
  }
}

Expected deltanet::gpu::computeExpected(const Operator &op, const Sizes &sizes,
                                        const Tensors &inputs, bool withState) {
  if (op.selective)
    return computeSelectiveScan(op, sizes, inputs, withState);
  reference::Recurrence r;
  r.B = sizes.at("B");
  r.T = sizes.at("T");
  r.G = sizes.at("G");
  r.H = sizes.at("H");
  r.N = sizes.at("N");
  r.K = op.K;
  r.V = op.V;
  r.steps = op.steps;
  r.layout = op.layout;
  r.stateLayout = op.stateLayout;
  r.readOut = op.readOut;
  r.scale = op.scale;
  Expected numbers, results;
  auto input = [&](const char *name) -> const double * {
    auto it = inputs.find(name);
    if (it == inputs.end())
      return nullptr;
    std::vector<double> &values = numbers[name];
    values = support::toDoubles(it->second);
    values.reserve(1); // the reference wants a place, if it holds nothing
    return values.data();
  };
  r.q = input("q");
  r.k = input("k");
  r.v = input("v");
  r.beta = input("beta");
  r.decay = input("decay");
  r.decayPerChannel = r.decay && inputs.at("decay").shape.size() == 4;
  r.bonus = input("bonus");
  r.a = input("a");
  r.b = input("b");
  r.initialState = input("initial");
  std::vector<double> states;
  if (op.pool) {
    input("indices");
    states.resize(r.N * r.H * r.K * r.V);
    exchange(numbers["initial"], states, numbers["indices"], false);
    r.initialState = states.data();
  }
  std::vector<int64_t> offsets;
  if (input("sequences"))
    offsets.assign(numbers["sequences"].begin(), numbers["sequences"].end());
  r.cuSeqlens = offsets.empty() ? nullptr : offsets.data();
  results["o"].resize(r.B * r.T * r.H * r.V);
  results["o"].reserve(1);
  r.o = results["o"].data();
  if (withState) {
    results["state"].resize(r.getNumSequences() * r.H * r.K * r.V);
    results["state"].reserve(1);
    r.finalState = results["state"].data();
  }
  if (auto message = reference::run(r, getThreads()))
    throw std::runtime_error("the reference refuses the case: " + *message);
  if (op.pool && withState) {
    exchange(numbers["initial"], results["state"], numbers["indices"], true);
    results["state"] = numbers["initial"];
  }
  return results;
}

//===----------------------------------------------------------------------===//
// Comparisons
//===----------------------------------------------------------------------===//

/// The largest error of a row of `width` numbers, as a part of the row's length
/// or of the average row's, or of numbers that are `smallest`, whichever is
/// largest.
static double measureWorstRow(const std::vector<double> &got,
                              const std::vector<double> &want, int64_t width,
                              double smallest) {
  auto rows = static_cast<int64_t>(want.size()) / width;
  double total = 0, worst = 0;
  for (double x : want)
    total += x * x;
  double average =
      std::max(total / static_cast<double>(std::max<int64_t>(rows, 1)),
               static_cast<double>(width) * smallest * smallest);
  for (int64_t row = 0; row != rows; ++row) {
    double length = 0, error = 0;
    for (int64_t i = row * width; i != (row + 1) * width; ++i) {
      length += want[i] * want[i];
      error += (got[i] - want[i]) * (got[i] - want[i]);
    }
    if (error > 0)
      worst = std::max(worst, error / std::max(length, average));
  }
  return std::sqrt(worst);
}

/// How large the numbers of a result are on average (root mean square).
static double measureSize(const std::vector<double> &numbers) {
  double most = 0, squares = 0;
  for (double x : numbers)
    if (std::isfinite(x))
      most = std::max(most, std::abs(x));
  if (most == 0)
    return 0;
  for (double x : numbers)
    if (std::isfinite(x))
      squares += (x / most) * (x / most); // none overflows, nor all vanish
  return most * std::sqrt(squares / static_cast<double>(numbers.size()));
}

/// `smallest`: below it, on average, results count as if they were that large.
static void compare(const std::string &name, const NpyArray &result,
                    const std::vector<double> &want, double tolerance,
                    Verdict &verdict, double smallest = FLT_MIN) {
  std::vector<double> got = support::toDoubles(result);
  if (got.size() != want.size())
    return verdict.fail("expects " + std::to_string(want.size()) +
                        " numbers of " + name + ", got " +
                        std::to_string(got.size()));
  reference::Error error = reference::measureError(
      got.data(), want.data(), static_cast<int64_t>(want.size()));
  double size = measureSize(want);
  if (size > 0 && size < smallest)
    error.relative *= size / smallest;
  verdict.figures += "  " + name + " " + format("%.2e", error.relative);
  verdict.worst = std::max(verdict.worst, error.relative / tolerance);
  if (!error.passes(tolerance))
    return verdict.fail(name + " off by " + format("%.2e", error.relative) +
                        ", above " + format("%.2e", tolerance) + ", at most " +
                        format("%.2e", error.maxAbsolute) + " at " +
                        std::to_string(error.maxAbsoluteIndex));
  double row = want.empty()
                   ? 0
                   : measureWorstRow(got, want, result.shape.back(), smallest);
  if (row > kRowFactor * tolerance)
    verdict.fail("a row of " + name + " off by " + format("%.2e", row));
}

/// Every element is finite: the poison is gone, whether it is compared or not.
static void checkFinite(const Tensors &results, Verdict &verdict) {
  for (const auto &[name, array] : results) {
    int64_t bad = 0;
    for (double x : support::toDoubles(array))
      bad += !std::isfinite(x);
    if (bad)
      verdict.fail(std::to_string(bad) + " elements of '" + name +
                   "' are not finite");
  }
}

static bool haveSameBits(const Tensors &a, const Tensors &b) {
  for (const auto &[name, array] : a)
    if (array.bytes != b.at(name).bytes)
      return false;
  return true;
}

/// The batch entries that are compared, where not all are: the last.
static Tensors sliceBatch(const Tensors &tensors, const Sizes &sizes,
                          int64_t count) {
  Tensors parts;
  for (const auto &[name, array] : tensors)
    parts[name] = name == "bonus" || name == "skip" ||
                          (name == "a" && array.shape.size() == 2)
                      ? array
                      : slice(array, 0, sizes.at("B") - count, sizes.at("B"));
  return parts;
}

//===----------------------------------------------------------------------===//
// Other ways to the same numbers
//===----------------------------------------------------------------------===//

/// Sequence `n` of packed ones: its part of every tensor.
static Tensors sliceSequence(const Tensors &tensors, const Operator &op,
                             const std::vector<int64_t> &lengths, size_t n) {
  int64_t begin = std::accumulate(lengths.begin(), lengths.begin() + n,
                                  static_cast<int64_t>(0)),
          end = begin + lengths[n];
  Tensors parts;
  for (const auto &[name, array] : tensors) {
    int64_t steps = name == "k" || name == "v" || name == "a" || name == "b" ||
                            name == "beta"
                        ? op.steps
                        : 1;
    if (auto dim = op.getTokenDimension(name))
      parts[name] = slice(array, *dim, steps * begin, steps * end);
    else if (name == "bonus" || (op.pool && name == "initial"))
      parts[name] = array;
    else if (name != "sequences" && !(op.pool && name == "state"))
      parts[name] =
          slice(array, 0, static_cast<int64_t>(n), static_cast<int64_t>(n) + 1);
  }
  return parts;
}

/// Sequences of every length there is, a few.
static std::vector<size_t>
chooseSequences(const std::vector<int64_t> &lengths) {
  std::map<int64_t, size_t> byLength;
  for (size_t n = 0; n != lengths.size(); ++n)
    byLength.emplace(lengths[n], n);
  std::vector<size_t> chosen;
  for (auto it = byLength.rbegin(); it != byLength.rend(); ++it)
    chosen.push_back(it->second);
  if (chosen.size() > 4) // the longest and the shortest
    chosen.erase(chosen.begin() + 2, chosen.end() - 2);
  return chosen;
}

static const char *const kNotPacked = "where it is not packed";
static const char *const kPackedAlone = "packed alone";

/// A sequence alone gives the bits that it gives among others: with the same
/// program, and with one for a sequence that is not packed.
static void checkAlone(Program &program, Program *alone, const Operator &op,
                       const Run &run, const Tensors &inputs,
                       const Tensors &packed, Verdict &verdict) {
  const std::string schedule = program.getSchedule(run.sizes);
  std::set<std::string> others;
  for (size_t n : chooseSequences(run.lengths)) {
    Tensors parts = sliceSequence(inputs, op, run.lengths, n);
    Tensors want = sliceSequence(packed, op, run.lengths, n);
    Sizes sizes = run.sizes;
    sizes["N"] = 1;
    sizes["T"] = run.lengths[n];
    auto compareBits = [&](Program &other, const std::string &how) {
      if (other.getSchedule(sizes) != schedule) {
        others.insert(how);
        return;
      }
      Tensors got = Session(other, sizes, parts).runPoisoned(0xff);
      if (op.pool && got.count("state")) { // the entry of this sequence
        auto entry =
            static_cast<int64_t>(support::toDoubles(parts.at("indices"))[0]);
        want["state"] = slice(packed.at("state"), 0, entry, entry + 1);
        got["state"] = slice(got.at("state"), 0, entry, entry + 1);
      }
      if (!haveSameBits(got, want))
        verdict.fail("sequence " + std::to_string(n) + " of " +
                     std::to_string(run.lengths[n]) +
                     " tokens has other bits " + how);
    };
    if (alone)
      compareBits(*alone, kNotPacked);
    double offsets[] = {0, static_cast<double>(run.lengths[n])};
    parts["sequences"] =
        support::fromDoubles(inputs.at("sequences").type, {2}, offsets);
    compareBits(program, kPackedAlone);
  }
  if (others.count(kNotPacked))
    verdict.figures += "  (not packed: another schedule, not compared)";
  if (others.count(kPackedAlone))
    verdict.figures += "  (packed alone: another schedule, not compared)";
}

/// Two calls, the second from the state that the first leaves, written in
/// place: together they are one.
static void checkChained(Program &program, const Operator &op, const Run &run,
                         const Tensors &inputs, const Expected &want,
                         double tolerance, Verdict &verdict) {
  int64_t first = run.chained, second = run.sizes.at("T") - first;
  if (second < 1)
    throw std::runtime_error("expects a first call of fewer than " +
                             std::to_string(run.sizes.at("T")) +
                             " tokens, got " + std::to_string(first));
  // Two stretches of every sequence are cut as two packed sequences are.
  std::vector<int64_t> lengths = {first, second};
  Tensors results[2];
  for (size_t i : {0, 1}) {
    Tensors parts;
    for (const auto &[name, array] : inputs)
      if (name == "initial")
        parts[name] = i == 0 ? array : results[0].at("state");
      else if (name == "indices")
        parts[name] = array;
      else
        parts[name] = sliceSequence({{name, array}}, op, lengths, i).at(name);
    Sizes sizes = run.sizes;
    sizes["T"] = lengths[i];
    Session session(program, sizes, parts, /*inPlace=*/true);
    results[i] = session.runPoisoned(0xff);
    std::string damage = session.findDamage();
    if (!damage.empty())
      verdict.fail(damage + " by a call in place");
  }
  NpyArray o =
      join(results[0].at("o"), results[1].at("o"), *op.getTokenDimension("o"));
  compare("two-calls", o, want.at("o"), tolerance, verdict);
  compare("last-state", results[1].at("state"), want.at("state"), tolerance,
          verdict);
}

//===----------------------------------------------------------------------===//
// A run
//===----------------------------------------------------------------------===//

/// Two runs on different poison; results of the first, those called for.
static Tensors runTwice(Program &program, const Sizes &sizes,
                        const Tensors &inputs, Verdict &verdict,
                        const Session::Wanted &isWanted) {
  Session session(program, sizes, inputs);
  Tensors results = session.runPoisoned(0xff, isWanted);
  if (!haveSameBits(results, session.runPoisoned(0x7f, isWanted)))
    verdict.fail("two runs differ");
  std::string damage = session.findDamage();
  if (!damage.empty())
    verdict.fail(damage);
  checkFinite(results, verdict);
  return results;
}

static NpyArray readArray(const std::string &path) {
  std::string error;
  auto array = support::readNpy(path, error);
  if (!array)
    throw std::runtime_error(error);
  return *array;
}

/// Results that were computed elsewhere.
static Verdict checkFiles(Program &program, const Case &c, const Run &run) {
  Verdict verdict;
  Tensors inputs;
  for (const auto &[name, path] : c.inputs)
    inputs[name] = readArray(path);
  std::map<std::string, std::vector<int64_t>> shapes;
  for (const auto &[name, array] : inputs)
    shapes[name] = array.shape;
  Sizes sizes = findSizes(program, shapes);
  for (const auto &[name, size] : run.sizes)
    sizes[name] = size;
  // What a forward pass keeps for the backward one has places that neither
  // uses.
  Tensors results =
      runTwice(program, sizes, inputs, verdict, [&](const std::string &name) {
        return c.expected.count(name) != 0;
      });
  // Products have operands of the inputs' type; what those cannot tell from
  // zero, the results need not.
  double smallest = FLT_MIN;
  for (const auto &[name, array] : inputs)
    if (array.type == support::NpyType::F16)
      smallest = 0x1p-14;
  for (const auto &[name, path] : c.expected) {
    if (!results.count(name))
      throw std::runtime_error("expects a program with a result '" + name +
                               "'");
    auto own = c.tolerances.find(name);
    double tolerance = run.tolerance > 0           ? run.tolerance
                       : own != c.tolerances.end() ? own->second
                                                   : c.tolerance;
    compare(name, results.at(name), support::toDoubles(readArray(path)),
            tolerance, verdict, smallest);
  }
  return verdict;
}

Verdict deltanet::gpu::check(Program &program, Program *alone, const Case &c,
                             const Run &run) {
  if (!c.op)
    return checkFiles(program, c, run);
  Verdict verdict;
  Tensors inputs = makeInputs(program, *c.op, run);
  Tensors results = runTwice(program, run.sizes, inputs, verdict, nullptr);
  double tolerance = run.tolerance > 0 ? run.tolerance : c.tolerance;
  bool packed = !run.lengths.empty(), state = results.count("state");
  int64_t heads = std::max<int64_t>(run.sizes.at("H"), 1),
          entries = (run.units + heads - 1) / heads;
  bool part =
      run.units > 0 && !packed && !c.op->pool && entries < run.sizes.at("B");
  Sizes sizes = run.sizes;
  if (part)
    sizes["B"] = sizes["N"] = entries;
  Expected want = computeExpected(
      *c.op, sizes, part ? sliceBatch(inputs, run.sizes, entries) : inputs,
      state);
  for (const auto &[name, array] :
       part ? sliceBatch(results, run.sizes, entries) : results)
    compare(name, array, want.at(name), tolerance, verdict);
  if (packed && verdict.passed)
    checkAlone(program, alone, *c.op, run, inputs, results, verdict);
  if (run.chained && verdict.passed)
    checkChained(program, *c.op, run, inputs, want, tolerance, verdict);
  return verdict;
}

std::string deltanet::gpu::time(Program &program, const Operator &op,
                                const Run &run, int repeats) {
  Tensors inputs = makeInputs(program, op, run);
  Session session(program, run.sizes, inputs);
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
  double tokens = double(run.sizes.at("B")) * run.sizes.at("T");
  return "  median " + format("%.4f", median) + " ms  (" +
         format("%.4f", times.front()) + " to " + format("%.4f", times.back()) +
         ", " + std::to_string(repeats) + " calls)  " +
         format("%.1f", tokens / median / 1e3) + " million tokens/s";
}
