//===- ElementwiseTest.cpp - arith and math in float64 --------------------===//
// Each operation against C++'s own, or against values worked out by hand. If
// these fail, a gate around an operator is judged against a wrong reference.
//===----------------------------------------------------------------------===//
#include "Interpreter/Evaluate.h"
#include <cmath>
#include <limits>

using namespace deltanet::test;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();
static const double kNaN = std::numeric_limits<double>::quiet_NaN();

/// A function of the arguments `types` that is one operation.
static std::string wrap(const std::string &op,
                        const std::vector<std::string> &types,
                        const std::string &suffix, const std::string &result) {
  std::string parameters, operands;
  for (size_t i = 0; i != types.size(); ++i) {
    std::string name = "%a" + std::to_string(i);
    parameters += (i ? ", " : "") + name + ": " + types[i];
    operands += (i ? ", " : "") + name;
  }
  return "func.func @f(" + parameters + ") -> " + result + " {\n  %r = " + op +
         " " + operands + " : " + suffix + "\n  return %r : " + result +
         "\n}\n";
}

static double apply(const std::string &op, const std::string &type,
                    const Doubles &values) {
  std::vector<Tensor> arguments;
  for (double value : values)
    arguments.push_back(scalar(value));
  std::vector<Tensor> results = evaluate(
      wrap(op, std::vector<std::string>(values.size(), type), type, type),
      arguments);
  return results.empty() ? kNaN : results[0].data[0];
}

TEST(InterpreterElementwise, UnaryFloats) {
  struct Case {
    const char *name;
    double (*function)(double);
    double value;
  };
  for (const Case &c :
       std::initializer_list<Case>{{"math.absf", std::fabs, -1.25},
                                   {"math.acos", std::acos, 0.3},
                                   {"math.acosh", std::acosh, 1.3},
                                   {"math.asin", std::asin, 0.3},
                                   {"math.asinh", std::asinh, 0.3},
                                   {"math.atan", std::atan, 0.3},
                                   {"math.atanh", std::atanh, 0.3},
                                   {"math.cbrt", std::cbrt, 0.3},
                                   {"math.ceil", std::ceil, 0.3},
                                   {"math.cos", std::cos, 0.3},
                                   {"math.cosh", std::cosh, 0.3},
                                   {"math.erf", std::erf, 0.3},
                                   {"math.erfc", std::erfc, 0.3},
                                   {"math.exp", std::exp, 0.3},
                                   {"math.exp2", std::exp2, 0.3},
                                   {"math.expm1", std::expm1, 0.3},
                                   {"math.floor", std::floor, 0.3},
                                   {"math.log", std::log, 0.3},
                                   {"math.log10", std::log10, 0.3},
                                   {"math.log1p", std::log1p, 0.3},
                                   {"math.log2", std::log2, 0.3},
                                   {"math.round", std::round, 2.5},
                                   {"math.roundeven", std::nearbyint, 2.5},
                                   {"math.sin", std::sin, 0.3},
                                   {"math.sinh", std::sinh, 0.3},
                                   {"math.sqrt", std::sqrt, 0.3},
                                   {"math.tan", std::tan, 0.3},
                                   {"math.tanh", std::tanh, 0.3},
                                   {"math.trunc", std::trunc, -2.7}})
    EXPECT_EQ(apply(c.name, "f32", {c.value}), c.function(c.value)) << c.name;
  EXPECT_EQ(apply("math.rsqrt", "f32", {4}), 0.5);
  EXPECT_EQ(apply("arith.negf", "f32", {4}), -4);
}

TEST(InterpreterElementwise, FloatsOfSeveralOperands) {
  EXPECT_EQ(apply("arith.addf", "f32", {0.1, 0.2}), 0.1 + 0.2);
  EXPECT_EQ(apply("arith.subf", "f32", {0.1, 0.2}), 0.1 - 0.2);
  EXPECT_EQ(apply("arith.mulf", "f32", {0.1, 0.2}), 0.1 * 0.2);
  EXPECT_EQ(apply("arith.divf", "f32", {0.1, 0.3}), 0.1 / 0.3);
  EXPECT_EQ(apply("arith.remf", "f32", {-7.5, 2}), -1.5);
  EXPECT_EQ(apply("math.atan2", "f32", {1, -2}), std::atan2(1, -2));
  EXPECT_EQ(apply("math.copysign", "f32", {3, -0.0}), -3);
  EXPECT_EQ(apply("math.powf", "f32", {2, 0.5}), std::sqrt(2.0));
  EXPECT_EQ(apply("math.fma", "f32", {2, 3, 4}), 10);
  const char *clamp = R"(
    func.func @f(%x: f32, %low: f32, %high: f32) -> f32 {
      %r = math.clampf %x to [%low, %high] : f32
      return %r : f32
    })";
  for (auto [x, want] : {std::pair(9.0, 2.0), {0.5, 0.5}, {-7.0, -1.0}})
    EXPECT_EQ(evaluate(clamp, {scalar(x), scalar(-1), scalar(2)})[0].data[0],
              want);
}

TEST(InterpreterElementwise, MaximaAndNaN) {
  EXPECT_EQ(apply("arith.maximumf", "f32", {1, 2}), 2);
  EXPECT_EQ(apply("arith.minimumf", "f32", {1, 2}), 1);
  EXPECT_TRUE(std::isnan(apply("arith.maximumf", "f32", {1, kNaN})));
  EXPECT_TRUE(std::isnan(apply("arith.minimumf", "f32", {kNaN, 1})));
  EXPECT_EQ(apply("arith.maxnumf", "f32", {1, kNaN}), 1);
  EXPECT_EQ(apply("arith.minnumf", "f32", {kNaN, 1}), 1);
  EXPECT_FALSE(std::signbit(apply("arith.maximumf", "f32", {-0.0, 0.0})));
  EXPECT_FALSE(std::signbit(apply("arith.maximumf", "f32", {0.0, -0.0})));
  EXPECT_TRUE(std::signbit(apply("arith.minimumf", "f32", {0.0, -0.0})));
  EXPECT_TRUE(std::signbit(apply("arith.minimumf", "f32", {-0.0, 0.0})));
}

TEST(InterpreterElementwise, ArithmeticDoesNotRoundButTruncationDoes) {
  // In bf16 the sum would be 1, and in f32 still 1.
  EXPECT_EQ(apply("arith.addf", "bf16", {1, 0x1p-30}), 1 + 0x1p-30);
  auto truncate = [](const char *type, double value) {
    return evaluate(wrap("arith.truncf", {"f64"}, std::string("f64 to ") + type,
                         type),
                    {scalar(value)})[0]
        .data[0];
  };
  EXPECT_EQ(truncate("bf16", 1 + 0x1p-8), 1);
  EXPECT_EQ(truncate("bf16", 1 + 0x1p-8 + 0x1p-40), 1 + 0x1p-7);
  EXPECT_EQ(truncate("f16", 65520), kInfinity);
  EXPECT_EQ(truncate("f16", 1 + 0x1p-10), 1 + 0x1p-10);
  EXPECT_EQ(truncate("f32", 1 + 0x1p-30), 1);
  EXPECT_EQ(evaluate(wrap("arith.extf", {"bf16"}, "bf16 to f32", "f32"),
                     {scalar(0.1)})[0]
                .data[0],
            0.1);
}

/// The truth, 0 or 1, of every comparison of the predicate on (1,2), (2,2),
/// (2,1) and, for floats, (NaN, 1).
static Doubles compare(const std::string &op, const std::string &predicate,
                       const std::string &type, const Doubles &x,
                       const Doubles &y) {
  std::string n = std::to_string(x.size()),
              tensor = "tensor<" + n + "x" + type + ">";
  std::vector<Tensor> results = evaluate(
      "func.func @f(%x: " + tensor + ", %y: " + tensor + ") -> tensor<" + n +
          "xi32> {\n  %c = " + op + " " + predicate + ", %x, %y : " + tensor +
          "\n  %r = arith.extui %c : tensor<" + n + "xi1> to tensor<" + n +
          "xi32>\n  return %r : tensor<" + n + "xi32>\n}\n",
      {{{static_cast<int64_t>(x.size())}, x},
       {{static_cast<int64_t>(y.size())}, y}});
  return results.empty() ? Doubles() : results[0].data;
}

TEST(InterpreterElementwise, EveryFloatComparison) {
  const std::pair<const char *, Doubles> cases[] = {
      {"false", {0, 0, 0, 0}}, {"oeq", {0, 1, 0, 0}}, {"ogt", {0, 0, 1, 0}},
      {"oge", {0, 1, 1, 0}},   {"olt", {1, 0, 0, 0}}, {"ole", {1, 1, 0, 0}},
      {"one", {1, 0, 1, 0}},   {"ord", {1, 1, 1, 0}}, {"ueq", {0, 1, 0, 1}},
      {"ugt", {0, 0, 1, 1}},   {"uge", {0, 1, 1, 1}}, {"ult", {1, 0, 0, 1}},
      {"ule", {1, 1, 0, 1}},   {"une", {1, 0, 1, 1}}, {"uno", {0, 0, 0, 1}},
      {"true", {1, 1, 1, 1}}};
  for (const auto &[predicate, want] : cases)
    EXPECT_EQ(
        compare("arith.cmpf", predicate, "f32", {1, 2, 2, kNaN}, {2, 2, 1, 1}),
        want)
        << predicate;
}

TEST(InterpreterElementwise, EveryIntegerComparison) {
  // (-1, 1) as well: the signed order and the unsigned one differ.
  const std::pair<const char *, Doubles> cases[] = {
      {"eq", {0, 1, 0, 0}},  {"ne", {1, 0, 1, 1}},  {"slt", {1, 0, 0, 1}},
      {"sle", {1, 1, 0, 1}}, {"sgt", {0, 0, 1, 0}}, {"sge", {0, 1, 1, 0}},
      {"ult", {1, 0, 0, 0}}, {"ule", {1, 1, 0, 0}}, {"ugt", {0, 0, 1, 1}},
      {"uge", {0, 1, 1, 1}}};
  for (const auto &[predicate, want] : cases)
    EXPECT_EQ(
        compare("arith.cmpi", predicate, "i32", {1, 2, 2, -1}, {2, 2, 1, 1}),
        want)
        << predicate;
}

TEST(InterpreterElementwise, Integers) {
  const std::tuple<const char *, double, double, double> cases[] = {
      {"arith.addi", 2147483647, 1, -2147483648.0},
      {"arith.subi", -2147483648.0, 1, 2147483647},
      {"arith.muli", 65536, 65537, 65536},
      {"arith.divsi", -7, 2, -3},
      {"arith.remsi", -7, 2, -1},
      {"arith.floordivsi", -7, 2, -4},
      {"arith.ceildivsi", -7, 2, -3},
      {"arith.ceildivsi", 7, 2, 4},
      {"arith.floordivsi", 7, -2, -4},
      {"arith.divui", -2, 2, 2147483647},
      {"arith.remui", -1, 16, 15},
      {"arith.ceildivui", 7, 2, 4},
      {"arith.andi", -4, 7, 4},
      {"arith.ori", 5, 2, 7},
      {"arith.xori", -1, 1, -2},
      {"arith.shli", 1, 31, -2147483648.0},
      {"arith.shrsi", -8, 1, -4},
      {"arith.shrui", -8, 1, 2147483644},
      {"arith.maxsi", -1, 1, 1},
      {"arith.minsi", -1, 1, -1},
      {"arith.maxui", -1, 1, -1},
      {"arith.minui", -1, 1, 1}};
  for (auto [name, x, y, want] : cases)
    EXPECT_EQ(apply(name, "i32", {x, y}), want) << name << " " << x << " " << y;
  EXPECT_EQ(apply("math.absi", "i32", {-5}), 5);
  for (const char *name :
       {"arith.divsi", "arith.divui", "arith.remsi", "arith.remui",
        "arith.floordivsi", "arith.ceildivsi", "arith.ceildivui"})
    EXPECT_TRUE(std::isnan(apply(name, "i32", {1, 0}))) << name;
}

TEST(InterpreterElementwise, Conversions) {
  auto convert = [](const char *op, const char *from, const char *to,
                    double value) {
    return evaluate(wrap(op, {from}, std::string(from) + " to " + to, to),
                    {scalar(value)})[0]
        .data[0];
  };
  EXPECT_EQ(convert("arith.extsi", "i32", "i64", -5), -5);
  EXPECT_EQ(convert("arith.extui", "i32", "i64", -5), 4294967291.0);
  EXPECT_EQ(convert("arith.trunci", "i64", "i8", 200), -56);
  EXPECT_EQ(convert("arith.index_cast", "i32", "index", -5), -5);
  EXPECT_EQ(convert("arith.index_castui", "i32", "index", -5), 4294967291.0);
  EXPECT_EQ(convert("arith.sitofp", "i32", "f32", -5), -5);
  EXPECT_EQ(convert("arith.uitofp", "i32", "f32", -5), 4294967291.0);
  EXPECT_EQ(convert("arith.fptosi", "f32", "i32", -2.9), -2);
  EXPECT_TRUE(std::isnan(convert("arith.fptosi", "f32", "i32", 3e9)));
  EXPECT_EQ(convert("arith.fptoui", "f32", "i32", 3e9), 3e9 - 4294967296.0);
  EXPECT_TRUE(std::isnan(convert("arith.fptoui", "f32", "i32", -1)));
}

TEST(InterpreterElementwise, SelectAndClassification) {
  std::vector<Tensor> results =
      evaluate(R"(
    func.func @f(%x: tensor<5xf32>) -> (tensor<5xf32>, tensor<5xf32>, tensor<5xf32>) {
      %one = arith.constant dense<1.0> : tensor<5xf32>
      %zero = arith.constant dense<0.0> : tensor<5xf32>
      %true = arith.constant true
      %nan = math.isnan %x : tensor<5xf32>
      %inf = math.isinf %x : tensor<5xf32>
      %finite = math.isfinite %x : tensor<5xf32>
      %either = arith.ori %nan, %inf : tensor<5xi1>
      %r0 = arith.select %either, %one, %zero : tensor<5xi1>, tensor<5xf32>
      %r1 = arith.select %finite, %one, %zero : tensor<5xi1>, tensor<5xf32>
      %r2 = arith.select %true, %one, %zero : tensor<5xf32>
      return %r0, %r1, %r2 : tensor<5xf32>, tensor<5xf32>, tensor<5xf32>
    })",
               {{{5}, {1, kNaN, kInfinity, -kInfinity, 0}}});
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0].data, Doubles({0, 1, 1, 1, 0}));
  EXPECT_EQ(results[1].data, Doubles({1, 0, 0, 0, 1}));
  EXPECT_EQ(results[2].data, Doubles({1, 1, 1, 1, 1}));
}

TEST(InterpreterElementwise, Constants) {
  std::vector<Tensor> results = evaluate(R"(
    func.func @f() -> (f32, tensor<2x2xbf16>, tensor<3xi32>, i32, tensor<0xf32>) {
      %a = arith.constant 0.1 : f32
      %b = arith.constant dense<[[1.0, 2.0], [3.0, 0.1]]> : tensor<2x2xbf16>
      %c = arith.constant dense<-7> : tensor<3xi32>
      %t = arith.constant true
      %d = arith.extui %t : i1 to i32
      %e = arith.constant dense<1.0> : tensor<0xf32>
      return %a, %b, %c, %d, %e : f32, tensor<2x2xbf16>, tensor<3xi32>, i32, tensor<0xf32>
    })",
                                         {});
  ASSERT_EQ(results.size(), 5u);
  EXPECT_EQ(results[0].data, Doubles({double(0.1f)}));
  EXPECT_EQ(results[1].data, Doubles({1, 2, 3, 0.10009765625}));
  EXPECT_EQ(results[1].shape, Shape({2, 2}));
  EXPECT_EQ(results[2].data, Doubles({-7, -7, -7}));
  EXPECT_EQ(results[3].data, Doubles({1}));
  EXPECT_EQ(results[4].shape, Shape({0}));
}
