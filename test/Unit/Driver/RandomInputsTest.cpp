//===- RandomInputsTest.cpp - random numbers suit their role --------------===//
// Breaks if an argument gets numbers on which its recurrence grows without
// bound, or if tracing loses an argument's role.
//===----------------------------------------------------------------------===//
#include "RandomInputs.h"
#include "Driver/DriverTest.h"
#include <cmath>

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;
using namespace deltanet::test;

namespace {
/// The numbers of all arguments of a function, dynamic dimensions being
/// `extent`.
class Generated {
public:
  Generated(const std::string &program, int64_t extent) {
    module = tested.read(program);
    function = *module->getOps<func::FuncOp>().begin();
    Inputs inputs;
    inputs.specs.resize(function.getNumArguments());
    RandomInputs random(function, inputs);
    for (BlockArgument argument : function.getArguments()) {
      SmallVector<int64_t> shape;
      for (int64_t size : cast<RankedTensorType>(argument.getType()).getShape())
        shape.push_back(ShapedType::isDynamic(size) ? extent : size);
      values.push_back(random.generate(argument, shape));
    }
  }
  TestSession tested;
  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
  std::vector<std::vector<double>> values;
};

void expectRange(const std::vector<double> &values, double low, double high) {
  ASSERT_FALSE(values.empty());
  for (double value : values) {
    EXPECT_GT(value, low);
    EXPECT_LT(value, high);
  }
}

void expectUnitRows(const std::vector<double> &values, size_t width) {
  for (size_t row = 0; row < values.size(); row += width) {
    double sum = 0;
    for (size_t i = 0; i < width; ++i)
      sum += values[row + i] * values[row + i];
    EXPECT_NEAR(sum, 1, 1e-12);
  }
}
} // namespace

TEST(RandomInputs, GatedDelta) {
  Generated g(R"(#all = affine_map<(b, t, h) -> (b, t, h)>
func.func @f(%q: tensor<1x?x2x16xf32>, %k: tensor<1x?x2x16xbf16>, %v: tensor<1x?x2x8xf32>,
             %beta: tensor<1x?x2xf32>, %gate: tensor<2xf32>, %raw: tensor<1x?x2xf32>)
    -> tensor<1x?x2x8xf32> {
  %c1 = arith.constant 1 : index
  %T = tensor.dim %q, %c1 : tensor<1x?x2x16xf32>
  %wide = arith.extf %k : tensor<1x?x2x16xbf16> to tensor<1x?x2x16xf32>
  %empty = tensor.empty(%T) : tensor<1x?x2xf32>
  %decay = linalg.broadcast ins(%gate : tensor<2xf32>) outs(%empty : tensor<1x?x2xf32>) dimensions = [0, 1]
  %sum = arith.addf %beta, %raw : tensor<1x?x2xf32>
  %o = linrec.scan %q, %wide, %v beta(%beta : tensor<1x?x2xf32>) decay(%decay : tensor<1x?x2xf32>)
    : tensor<1x?x2x16xf32>, tensor<1x?x2x16xf32>, tensor<1x?x2x8xf32> -> tensor<1x?x2x8xf32>
  return %o : tensor<1x?x2x8xf32>
})",
              50);
  SmallVector<ArgumentRole> roles = traceArguments(g.function);
  EXPECT_EQ(roles[0].role, Role::Query);
  EXPECT_EQ(roles[1].role, Role::Key);
  EXPECT_TRUE(roles[1].direct);
  EXPECT_EQ(roles[2].role, Role::Value);
  EXPECT_EQ(roles[3].role, Role::Beta);
  EXPECT_EQ(roles[4].role, Role::Decay);
  EXPECT_TRUE(roles[4].direct);
  EXPECT_EQ(roles[5].role, Role::None);
  expectUnitRows(g.values[1], 16);
  expectRange(g.values[3], 0, 1);
  expectRange(g.values[4], -0.2, 0);
  // Normal numbers: mean 0 and variance 1, within five standard errors.
  double sum = 0, squares = 0;
  for (double value : g.values[0]) {
    sum += value;
    squares += value * value;
  }
  double count = g.values[0].size();
  EXPECT_LT(std::abs(sum / count), 5 / std::sqrt(count));
  EXPECT_LT(std::abs(squares / count - 1), 5 * std::sqrt(2 / count));
}

TEST(RandomInputs, GeneralTransitionDoesNotGrow) {
  Generated g(
      R"(func.func @f(%q: tensor<1x?x2x16xf32>, %k: tensor<1x?x2x16xf32>, %v: tensor<1x?x2x8xf32>,
             %b: tensor<1x?x2x16xf32>, %a: tensor<1x?x2x16xf32>) -> tensor<1x?x2x8xf32> {
  %o = linrec.dplr_scan %q, %k, %v a(%a) b(%b)
    : tensor<1x?x2x16xf32>, tensor<1x?x2x16xf32>, tensor<1x?x2x8xf32>,
      tensor<1x?x2x16xf32>, tensor<1x?x2x16xf32> -> tensor<1x?x2x8xf32>
  return %o : tensor<1x?x2x8xf32>
})",
      20);
  const std::vector<double> &b = g.values[3], &a = g.values[4];
  expectUnitRows(a, 16);
  // b = -eta a with 0 < eta < 1: the eigenvalue of I + b a^T along a is 1 -
  // eta.
  for (size_t row = 0; row < a.size(); row += 16) {
    double product = 0;
    for (size_t i = 0; i < 16; ++i)
      product += a[row + i] * b[row + i];
    EXPECT_GT(product, -1);
    EXPECT_LT(product, 0);
  }
}

TEST(RandomInputs, AFactorOfKeysIsARate) {
  Generated g(R"(#all = affine_map<(b, t, h, d) -> (b, t, h, d)>
#token = affine_map<(b, t, h, d) -> (b, t, h)>
func.func @f(%q: tensor<1x?x2x16xf32>, %k: tensor<1x?x2x16xf32>, %rate: tensor<1x?x2xf32>)
    -> tensor<1x?x2x16xf32> {
  %w = linalg.generic {indexing_maps = [#all, #token, #all],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%k, %rate : tensor<1x?x2x16xf32>, tensor<1x?x2xf32>) outs(%q : tensor<1x?x2x16xf32>) {
  ^bb0(%x: f32, %r: f32, %out: f32):
    %y = arith.mulf %x, %r : f32
    linalg.yield %y : f32
  } -> tensor<1x?x2x16xf32>
  %o = linrec.dplr_scan %q, %k, %k a(%k) b(%w)
    : tensor<1x?x2x16xf32>, tensor<1x?x2x16xf32>, tensor<1x?x2x16xf32>,
      tensor<1x?x2x16xf32>, tensor<1x?x2x16xf32> -> tensor<1x?x2x16xf32>
  return %o : tensor<1x?x2x16xf32>
})",
              20);
  SmallVector<ArgumentRole> roles = traceArguments(g.function);
  // The query only lends its shape to the generic.
  EXPECT_EQ(roles[0].role, Role::Query);
  EXPECT_EQ(roles[1].role, Role::Key);
  EXPECT_EQ(roles[2].role, Role::TransitionOut);
  EXPECT_FALSE(roles[2].direct);
  expectUnitRows(g.values[1], 16);
  expectRange(g.values[2], 0, 1);
}

TEST(RandomInputs, SelectiveScanFromAPool) {
  Generated g(R"(
func.func @f(%x: tensor<?x8x4xf32>, %delta: tensor<?x8x4xf32>, %a: tensor<4x2xf32>, %b: tensor<?x8x2xf32>,
             %pool: tensor<?x4x2xf32>, %idx: tensor<?xi32>) -> tensor<?x8x4xf32> {
  %y = linrec.selective_scan %x, %delta, %a, %b, %b initial(%pool : tensor<?x4x2xf32>) indices(%idx : tensor<?xi32>)
    : tensor<?x8x4xf32>, tensor<?x8x4xf32>, tensor<4x2xf32>, tensor<?x8x2xf32>, tensor<?x8x2xf32> -> tensor<?x8x4xf32>
  return %y : tensor<?x8x4xf32>
})",
              5);
  SmallVector<ArgumentRole> roles = traceArguments(g.function);
  EXPECT_EQ(roles[1].role, Role::StepSize);
  EXPECT_EQ(roles[2].role, Role::Rate);
  EXPECT_EQ(roles[4].role, Role::InitialState);
  EXPECT_EQ(roles[5].role, Role::Indices);
  EXPECT_EQ(roles[5].pool, Value(g.function.getArgument(4)));
  expectRange(g.values[1], 0, 0.2);
  expectRange(g.values[2], -4, 0);
  // Every entry once, none its own.
  std::vector<bool> seen(5);
  for (size_t n = 0; n != 5; ++n) {
    auto entry = static_cast<size_t>(g.values[5][n]);
    ASSERT_LT(entry, 5u);
    EXPECT_NE(entry, n);
    EXPECT_FALSE(seen[entry]);
    seen[entry] = true;
  }
}
