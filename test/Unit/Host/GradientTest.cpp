//===- GradientTest.cpp - derived gradients of every example --------------===//
// Against central differences of the recurrence in float64, which the
// interpreter evaluates token by token; and lowered, against float64.
//===----------------------------------------------------------------------===//
#include "ChunkCheck.h"
#include "ChunkOracle.h"
#include "deltanet/Dialect/Chunk/Transforms/Passes.h"
#include "deltanet/Interpreter/Interpreter.h"
#include "deltanet/Pipelines/Pipelines.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "gtest/gtest.h"
#include <cmath>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

using namespace mlir;
using namespace deltanet;
using namespace deltanet::test;

static std::string readFile(const std::string &path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The program in f32 throughout: differences of what is rounded say nothing. A
/// conversion becomes the larger of a number and itself.
static std::string withoutRounding(const std::string &text) {
  std::string wide = std::regex_replace(
      text, std::regex(R"(arith\.(?:truncf|extf) (%\w+) : (\S+) to \S+)"),
      "arith.maximumf $1, $1 : $2");
  return std::regex_replace(wide, std::regex("bf16"), "f32");
}

static bool isFloat(Type type) {
  return isa<FloatType>(cast<RankedTensorType>(type).getElementType());
}

namespace {
/// One operator, its derived functions, and arguments for them.
class Gradient {
public:
  Gradient(const std::string &text, int64_t chunk, const Sizes &sizes,
           int64_t keepStates = 0);

  /// The gradients by ChunkOracle, in float64.
  std::vector<Array> derive();
  /// The gradients as the processor computes them.
  std::vector<Array> runOnHost();
  /// The change of the weighted results where argument `i` moves along
  /// `direction`, by central differences in float64.
  double difference(unsigned i, const std::vector<double> &direction);
  double along(const Array &gradient, const std::vector<double> &direction);

  /// The reverse scan.
  chunk::ScanOp findReverse();

  /// What rounding makes of the last difference.
  double rounding = 0;
  std::vector<unsigned> of;
  std::vector<Array> arguments, weights;

private:
  std::vector<std::vector<int64_t>> gradientShapes();
  std::vector<Array> runAlone(StringRef suffix, std::vector<Array> inputs,
                              std::vector<std::vector<int64_t>> shapes);
  /// The sum of weighted results; `scale`: of their magnitudes.
  double weigh(const std::vector<Array> &moved, double &scale);
  func::FuncOp find(StringRef suffix) {
    return module->lookupSymbol<func::FuncOp>((name + suffix).str());
  }
  std::vector<Array> backwardArguments(std::vector<Array> kept);

  OwningOpRef<ModuleOp> original, module;
  std::string name;
  unsigned numKept = 0;
};
} // namespace

Gradient::Gradient(const std::string &text, int64_t chunk, const Sizes &sizes,
                   int64_t keepStates) {
  original = parse(text);
  module = parse(text);
  func::FuncOp function = *module->getOps<func::FuncOp>().begin();
  name = function.getName().str();
  chunk::ChunkDifferentiateOptions gradient;
  gradient.keepStates = keepStates;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
    if (isFloat(type)) {
      of.push_back(i);
      gradient.of.push_back(std::to_string(i));
    }
  PassManager manager(&getContext());
  PipelineOptions options;
  options.chunk = chunk;
  options.tokenLoop = chunk == 1;
  EXPECT_TRUE(
      succeeded(buildPipeline(manager, getLinRecToChunk(), options,
                              [](const Twine &) { return failure(); })));
  manager.addPass(chunk::createChunkDifferentiate(gradient));
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  EXPECT_TRUE(succeeded(manager.run(*module)));

  function = find("");
  chunk::ScanOp scan;
  function.walk([&](chunk::ScanOp op) { scan = op; });
  std::mt19937 random(7);
  arguments = randomArguments(function, scan, sizes, random);
  numKept = find("_forward").getNumResults() - function.getNumResults();
  // What the results weigh: the gradients that come from outside.
  std::vector<Array> results = evaluate(function, arguments, {});
  for (auto [i, type] : llvm::enumerate(function.getResultTypes())) {
    Array weight = results[i];
    for (double &x : weight.values)
      x = roundTo(weight.element, random() / 4294967296.0 - 0.5);
    weights.push_back(weight);
  }
}

std::vector<Array> Gradient::backwardArguments(std::vector<Array> kept) {
  std::vector<Array> all = arguments;
  all.insert(all.end(), kept.end() - numKept, kept.end());
  all.insert(all.end(), weights.begin(), weights.end());
  return all;
}

std::vector<std::vector<int64_t>> Gradient::gradientShapes() {
  std::vector<std::vector<int64_t>> shapes;
  for (unsigned i : of)
    shapes.push_back(arguments[i].shape);
  return shapes;
}

std::vector<Array> Gradient::derive() {
  std::vector<Array> kept = evaluate(find("_forward"), arguments, {});
  return evaluate(find("_backward"), backwardArguments(kept), gradientShapes());
}

/// Compiles and runs one function.
std::vector<Array>
Gradient::runAlone(StringRef suffix, std::vector<Array> inputs,
                   std::vector<std::vector<int64_t>> shapes) {
  OwningOpRef<ModuleOp> alone = module->clone();
  for (func::FuncOp other :
       llvm::make_early_inc_range(alone->getOps<func::FuncOp>()))
    if (other.getName() != (name + suffix).str())
      other.erase();
  return run(*alone, (name + suffix).str(), inputs, shapes);
}

std::vector<Array> Gradient::runOnHost() {
  std::vector<std::vector<int64_t>> shapes;
  for (const Array &result : evaluate(find("_forward"), arguments, {}))
    shapes.push_back(result.shape);
  std::vector<Array> kept = runAlone("_forward", arguments, shapes);
  return runAlone("_backward", backwardArguments(kept), gradientShapes());
}

chunk::ScanOp Gradient::findReverse() {
  chunk::ScanOp found;
  find("_backward").walk([&](chunk::ScanOp scan) {
    if (scan.getReverse())
      found = scan;
  });
  return found;
}

double Gradient::weigh(const std::vector<Array> &moved, double &scale) {
  std::vector<interpreter::Tensor> tensors;
  for (const Array &a : moved)
    tensors.push_back({a.shape, a.values});
  func::FuncOp function = *original->getOps<func::FuncOp>().begin();
  auto results = interpreter::evaluate(function, tensors);
  if (failed(results)) {
    ADD_FAILURE() << "the recurrence could not be evaluated";
    return NAN;
  }
  double sum = 0;
  for (auto [result, weight] : llvm::zip(*results, weights))
    for (auto [x, w] : llvm::zip(result.data, weight.values)) {
      sum += x * w;
      scale += std::abs(x * w);
    }
  return sum;
}

double Gradient::difference(unsigned i, const std::vector<double> &direction) {
  double step = 1e-5, ends[2], scale = 0;
  for (int side : {0, 1}) {
    std::vector<Array> moved = arguments;
    for (auto [x, d] : llvm::zip(moved[i].values, direction))
      x += (side ? step : -step) * d;
    ends[side] = weigh(moved, scale);
  }
  rounding = 1e-15 * scale / step;
  return (ends[1] - ends[0]) / (2 * step);
}

double Gradient::along(const Array &gradient,
                       const std::vector<double> &direction) {
  double sum = 0;
  for (auto [g, d] : llvm::zip(gradient.values, direction))
    sum += g * d;
  return sum;
}

/// Every gradient along random directions, and along single elements.
static void expectDifferences(Gradient &gradient, double tolerance) {
  std::vector<Array> derived = gradient.derive();
  ASSERT_EQ(derived.size(), gradient.of.size());
  std::mt19937 random(3);
  for (auto [j, i] : llvm::enumerate(gradient.of)) {
    const Array &g = derived[j];
    double norm = 0;
    for (double x : g.values)
      norm += x * x;
    norm = std::sqrt(norm);
    EXPECT_GT(norm, 0) << "argument " << i;
    for (int trial = 0; trial < 4; ++trial) {
      std::vector<double> direction(g.values.size(), 0);
      if (trial < 2)
        for (double &d : direction)
          d = random() / 2147483648.0 - 1;
      else
        direction[random() % direction.size()] = 1;
      double length = 0;
      for (double d : direction)
        length += d * d;
      double got = gradient.along(g, direction),
             want = gradient.difference(i, direction);
      EXPECT_NEAR(got, want,
                  tolerance * norm * std::sqrt(length) + gradient.rounding)
          << "argument " << i << ", trial " << trial;
    }
  }
}

static std::string nameOf(const ::testing::TestParamInfo<std::string> &info) {
  return std::filesystem::path(info.param).stem().string();
}

static Sizes sizesOf(const std::string &text, int64_t tokens,
                     int64_t groups = 4) {
  Sizes sizes{2, tokens, 4, groups, {}, -0.15, 0.0};
  if (text.find("sequences(") != std::string::npos)
    sizes.packed = {tokens - 5, 0, 3, 16};
  return sizes;
}

namespace {
class GradientOf : public ::testing::TestWithParam<std::string> {};
} // namespace

TEST_P(GradientOf, Differences) {
  std::string text = withoutRounding(readFile(GetParam()));
  Gradient gradient(text, 8, sizesOf(text, 21));
  expectDifferences(gradient, 1e-7);
}

TEST_P(GradientOf, OnHost) {
  std::string text = readFile(GetParam());
  Gradient exact(withoutRounding(text), 16, sizesOf(text, 37)),
      narrow(text, 16, sizesOf(text, 37));
  bool rounds = text.find("bf16") != std::string::npos;
  if (rounds) { // one set of numbers for both
    exact.arguments = narrow.arguments;
    exact.weights = narrow.weights;
  }
  std::vector<Array> want = exact.derive(), got = narrow.runOnHost();
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i)
    EXPECT_LE(relativeError(got[i], want[i]), rounds ? 1e-2 : 2e-5)
        << "argument " << exact.of[i];
}

INSTANTIATE_TEST_SUITE_P(Every, GradientOf, ::testing::ValuesIn(listExamples()),
                         nameOf);

// The gradient of what several heads read is a sum over them.
TEST(Gradients, GroupsOfHeads) {
  for (StringRef name : {"linear_attention", "kda", "deltaproduct", "rwkv6"}) {
    SCOPED_TRACE(name.str());
    std::string text = readFile(DELTANET_EXAMPLES "/" + name.str() + ".mlir");
    Gradient gradient(text, 8, sizesOf(text, 21, /*groups=*/2));
    expectDifferences(gradient, 1e-7);
  }
}

// exp(-g) of a chunk's sum is far beyond f32 here; nothing forms it.
TEST(Gradients, StrongDecays) {
  for (StringRef channels : {"", "x32"}) {
    std::string token = "tensor<?x?x?x32xf32>",
                decay = ("tensor<?x?x?" + channels + "xf32>").str();
    std::string text =
        "func.func @f(%q: " + token + ", %k: " + token + ", %v: " + token +
        ", %beta: tensor<?x?x?xf32>, %la: " + decay + ") -> " + token +
        " {\n  %o = linrec.scan %q, %k, %v beta(%beta : "
        "tensor<?x?x?xf32>) decay(%la : " +
        decay + ") : " + token + ", " + token + ", " + token + " -> " + token +
        "\n  return %o : " + token + "\n}\n";
    Gradient gradient(text, 64, {1, 100, 2, 2, {}, -0.3, 0.3});
    for (double &x : gradient.arguments[4].values)
      x = -5 + x;
    std::vector<Array> want = gradient.derive(), got = gradient.runOnHost();
    for (size_t i = 0; i < want.size(); ++i)
      EXPECT_LE(relativeError(got[i], want[i]), 1e-4) << "argument " << i;
  }
}

/// Holds a gradient that keeps `states` of a sequence against one that keeps
/// all: by the oracle they are the same number by number; a processor makes the
/// states again as it made them.
static void expectMadeAgain(const std::string &text, int64_t tokens,
                            int64_t states) {
  SCOPED_TRACE(std::to_string(states) + " states");
  Gradient all(text, 8, sizesOf(text, tokens)),
      few(text, 8, sizesOf(text, tokens), states);
  std::vector<Array> want = all.derive(), got = few.derive(),
                     onHost = all.runOnHost(), again = few.runOnHost();
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_LE(relativeError(got[i], want[i]), 1e-14) << "argument " << i;
    EXPECT_LE(relativeError(again[i], onHost[i]), 1e-6) << "argument " << i;
  }
}

// 3 chunks in 2 runs; packed sequences, some of which have no chunk.
TEST_P(GradientOf, StatesMadeAgain) {
  expectMadeAgain(readFile(GetParam()), 21, 2);
}

// No state kept, one a chunk, more than there are chunks; no chunk at all.
TEST(Gradients, StatesMadeAgain) {
  for (StringRef name : {"linear_attention", "kda", "gla"}) {
    SCOPED_TRACE(name.str());
    std::string text = readFile(DELTANET_EXAMPLES "/" + name.str() + ".mlir");
    for (int64_t states : {1, 3, 5})
      expectMadeAgain(text, 37, states);
  }
}

//===----------------------------------------------------------------------===//
// Costs
//===----------------------------------------------------------------------===//

static double elementsOf(Value v) {
  return cast<RankedTensorType>(v.getType()).getNumElements();
}

/// Additions and multiplications of an operation; a solve counts as the product
/// with the inverse that it may become.
static double flopsOf(Operation *op) {
  if (auto dot = dyn_cast<chunk::DotOp>(op)) {
    auto lhs = cast<RankedTensorType>(dot.getLhs().getType());
    return 2 * elementsOf(dot.getResult()) *
           lhs.getDimSize(dot.getTransposeLhs() ? 0 : 1);
  }
  if (auto solve = dyn_cast<chunk::UnitLowerSolveOp>(op))
    return 2 * elementsOf(solve.getRhs()) *
           cast<RankedTensorType>(solve.getLower().getType()).getDimSize(0);
  if (auto reduce = dyn_cast<chunk::ReduceOp>(op))
    return elementsOf(reduce.getInput());
  return isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::NegFOp>(op)
             ? elementsOf(op->getResult(0))
             : 0;
}

// (12)-(20) by hand: 14 K V + 10 C (K + V) + 4 C^2 a token and head.
TEST(Gradients, DeltaRuleCosts) {
  std::string text = readFile(DELTANET_EXAMPLES "/deltanet.mlir");
  Gradient gradient(text, 64, {1, 64, 16, 16, {}, -0.15, 0.0});
  double flops = 0, c = 64, k = 128, v = 128;
  for (Operation &op : *gradient.findReverse().getBodyBlock())
    flops += flopsOf(&op);
  double byHand = 14 * k * v + 10 * c * (k + v) + 4 * c * c;
  EXPECT_NEAR(flops / c, byHand, 0.1 * byHand);
}
