//===- Data.cpp - tensors of a run ----------------------------------------===//
// See Data.h. Numbers come from a hash of their place, so that every core can
// make its part.
//===----------------------------------------------------------------------===//
#include "Data.h"
#include <cmath>
#include <numeric>

using namespace deltanet;
using namespace deltanet::gpu;
using support::NpyArray;
using support::NpyType;

static unsigned numThreads = 0;

void deltanet::gpu::setThreads(unsigned threads) { numThreads = threads; }
unsigned deltanet::gpu::getThreads() {
  return numThreads ? numThreads
                    : std::max(1u, std::thread::hardware_concurrency());
}

//===----------------------------------------------------------------------===//
// Random numbers
//===----------------------------------------------------------------------===//

static uint64_t hash(uint64_t seed, uint64_t index) {
  uint64_t x = seed * 0x9e3779b97f4a7c15u + index * 0xbf58476d1ce4e5b9u +
               0x94d049bb133111ebu;
  for (int i = 0; i != 2; ++i) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    x ^= x >> 31;
  }
  return x;
}

static uint64_t hashName(const std::string &name) {
  uint64_t value = 0xcbf29ce484222325u; // FNV-1a
  for (unsigned char c : name)
    value = (value ^ c) * 0x100000001b3u;
  return value;
}

/// In (0, 1).
static double uniform(uint64_t seed, uint64_t index) {
  return ((hash(seed, index) >> 12) + 0.5) * 0x1p-52;
}

/// About normal, of variance 1: four uniform numbers.
static double normal(uint64_t seed, uint64_t index) {
  uint64_t bits = hash(seed, index);
  double sum = 0;
  for (int i = 0; i != 4; ++i)
    sum += (bits >> 16 * i & 0xffff) * 0x1p-16 + 0x1p-17 - 0.5;
  return sum * std::sqrt(3.0);
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

namespace {
/// Numbers of one input as float64.
class Generator {
public:
  Generator(const std::string &name, const Operator &op, const Run &run,
            int64_t width)
      : name(name), op(op), run(run), width(width),
        seed(hash(run.seed, hashName(name))) {}

  void fill(std::vector<double> &values) const {
    auto count = static_cast<int64_t>(values.size());
    if (name == "decay" || name == "beta")
      return parallelFor(count, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i != end; ++i)
          values[i] = name == "beta" ? makeBeta(i) : makeDecay(i);
      });
    // Steps and rates of a selective scan, whose b is any.
    if (op.selective && (name == "delta" || name == "a"))
      return parallelFor(count, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i != end; ++i)
          values[i] = name == "a" ? -4 * uniform(seed, i)
                                  : 0.001 + 0.2 * uniform(seed, i);
      });
    bool unit = !op.selective && (name == "k" || name == "a" || name == "b");
    if (unit)
      return parallelFor(count / width, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row != end; ++row)
          makeUnitRow(row, &values[row * width]);
      });
    double size = name == "initial" || name == "bonus" ? 0.5 : 1;
    parallelFor(count, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i != end; ++i)
        values[i] = size * normal(seed, i);
    });
  }

private:
  double makeBeta(int64_t i) const {
    return run.betaLow + (run.betaHigh - run.betaLow) * uniform(seed, i);
  }
  double makeDecay(int64_t i) const {
    if (uniform(seed + 1, i) < run.resets)
      return run.reset; // below the floor, which counts as the floor
    return run.decayHigh + (run.decayLow - run.decayHigh) * uniform(seed, i);
  }
  /// Keys have length one; a is minus such a vector, b is -eta a.
  void makeUnitRow(int64_t row, double *values) const {
    uint64_t numbers = name == "b" ? hash(run.seed, hashName("a")) : seed;
    int64_t first = run.sameKeys ? 0 : row * width;
    double length2 = 0;
    for (int64_t i = 0; i != width; ++i) {
      values[i] = normal(numbers, first + i);
      length2 += values[i] * values[i];
    }
    if (length2 == 0) // of few channels a row may be zero
      values[0] = length2 = 1;
    double factor = 1 / std::sqrt(length2);
    if (name == "a")
      factor = -factor;
    if (name == "b")
      factor *= uniform(seed + 1, row);
    for (int64_t i = 0; i != width; ++i)
      values[i] *= factor;
  }

  const std::string &name;
  const Operator &op;
  const Run &run;
  int64_t width;
  uint64_t seed;
};
} // namespace

static NpyArray makeOffsets(NpyType type, const Run &run) {
  std::vector<double> offsets = {0};
  for (int64_t length : run.lengths)
    offsets.push_back(offsets.back() + static_cast<double>(length));
  return support::fromDoubles(type, {static_cast<int64_t>(offsets.size())},
                              offsets.data());
}

/// Entries of a pool, no two equal: the first of all in a random order.
static NpyArray makeIndices(NpyType type, const Run &run) {
  std::vector<double> entries(run.sizes.at("P"));
  std::iota(entries.begin(), entries.end(), 0.0);
  std::sort(entries.begin(), entries.end(), [&](double a, double b) {
    return uniform(run.seed, static_cast<uint64_t>(a)) <
           uniform(run.seed, static_cast<uint64_t>(b));
  });
  int64_t count = run.sizes.at("N");
  if (count > run.sizes.at("P"))
    throw std::runtime_error("expects a pool of " + std::to_string(count) +
                             " states or more, got " +
                             std::to_string(run.sizes.at("P")));
  return support::fromDoubles(type, {count}, entries.data());
}

static std::string toText(const std::vector<int64_t> &shape) {
  std::string text;
  for (int64_t extent : shape)
    text += (text.empty() ? "" : "x") + std::to_string(extent);
  return text;
}

Tensors deltanet::gpu::makeInputs(const Program &program, const Operator &op,
                                  const Run &run) {
  Tensors inputs;
  for (const Argument &argument : program.getTensors()) {
    std::vector<int64_t> shape = argument.getShape(run.sizes),
                         want = op.getShape(argument.name, shape.size(),
                                            run.sizes);
    if (shape != want)
      throw std::runtime_error("expects '" + argument.name + "' to be " +
                               toText(want) + ", the program takes " +
                               toText(shape));
    if (argument.role != Argument::Role::Input)
      continue;
    if (argument.name == "sequences" || argument.name == "indices") {
      inputs[argument.name] = argument.name == "indices"
                                  ? makeIndices(argument.type, run)
                                  : makeOffsets(argument.type, run);
      continue;
    }
    int64_t count =
        argument.getBytes(run.sizes) / support::getSize(argument.type);
    std::vector<double> values(count);
    if (count)
      Generator(argument.name, op, run, shape.back()).fill(values);
    NpyArray &array = inputs[argument.name];
    array = {argument.type, shape, {}};
    array.bytes.resize(count * support::getSize(argument.type));
    parallelFor(count, [&](int64_t begin, int64_t end) {
      NpyArray part = support::fromDoubles(argument.type, {end - begin},
                                           values.data() + begin);
      std::copy(part.bytes.begin(), part.bytes.end(),
                array.bytes.begin() + begin * support::getSize(argument.type));
    });
  }
  return inputs;
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

/// Bytes of one entry of dimension `dim`, and how often that dimension is
/// walked.
static std::pair<int64_t, int64_t> getStrides(const NpyArray &array,
                                              size_t dim) {
  int64_t inner = support::getSize(array.type), outer = 1;
  for (size_t d = 0; d != array.shape.size(); ++d)
    (d < dim ? outer : inner) *= d == dim ? 1 : array.shape[d];
  return {inner, outer};
}

NpyArray deltanet::gpu::slice(const NpyArray &array, size_t dim, int64_t begin,
                              int64_t end) {
  NpyArray part = {array.type, array.shape, {}};
  part.shape[dim] = end - begin;
  auto [inner, outer] = getStrides(array, dim);
  for (int64_t i = 0; i != outer; ++i) {
    auto first = array.bytes.begin() + (i * array.shape[dim] + begin) * inner;
    part.bytes.insert(part.bytes.end(), first, first + (end - begin) * inner);
  }
  return part;
}

NpyArray deltanet::gpu::join(const NpyArray &first, const NpyArray &second,
                             size_t dim) {
  NpyArray whole = {first.type, first.shape, {}};
  whole.shape[dim] += second.shape[dim];
  auto [inner, outer] = getStrides(first, dim);
  for (int64_t i = 0; i != outer; ++i)
    for (const NpyArray *part : {&first, &second}) {
      int64_t bytes = part->shape[dim] * inner;
      auto begin = part->bytes.begin() + i * bytes;
      whole.bytes.insert(whole.bytes.end(), begin, begin + bytes);
    }
  return whole;
}
