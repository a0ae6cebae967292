//===- MathTest.cpp - accuracy of elementary functions --------------------===//
// Over the whole range of each, and where it ends: infinities, zeros,
// subnormals, NaN.
//===----------------------------------------------------------------------===//
#include "ChunkCheck.h"
#include "gtest/gtest.h"
#include <cmath>
#include <cstring>
#include <functional>

using namespace mlir;
using namespace deltanet::test;

namespace {
struct Function {
  const char *name;
  double (*exact)(double);
  /// Largest relative error, in units of 2^-24 (half an ulp is 1 or less).
  double bound;
};
} // namespace

static double rsqrtOf(double x) { return 1 / std::sqrt(x); }

static const Function functions[] = {
    {"exp", std::exp, 2.5},  {"exp2", std::exp2, 3}, {"expm1", std::expm1, 4},
    {"log", std::log, 3},    {"log2", std::log2, 3}, {"log1p", std::log1p, 4},
    {"tanh", std::tanh, 4},  {"erf", std::erf, 4},   {"sqrt", std::sqrt, 1},
    {"rsqrt", rsqrtOf, 2.5}, {"absf", std::fabs, 0},
};

/// Floats spread over all exponents, and the special ones.
static std::vector<double> arguments() {
  std::vector<double> xs = {0.0,     -0.0,  INFINITY, -INFINITY, NAN,
                            88.7,    88.8,  -87.3,    -103.9,    -104.1,
                            1.0,     -1.0,  1e-40,    -1e-40,    3.4e38,
                            -3.4e38, 127.9, 128.1,    -149.5};
  for (double &x : xs)
    x = static_cast<float>(x);
  for (uint32_t i = 0; i < 200000; ++i) {
    uint32_t bits = i * 21474u;
    float x;
    std::memcpy(&x, &bits, 4);
    xs.push_back(x);
  }
  for (double x = -20; x < 20; x += 0.0007)
    xs.push_back(static_cast<float>(x));
  return xs;
}

static Array apply(const std::string &op, const std::string &type,
                   const std::vector<double> &xs) {
  std::string text = format(R"(
func.func @f(%x: tensor<?x?x?x$E>) -> tensor<?x?x?x$E> {
  %r = chunk.scan 16 in(%x [b, t, h] : tensor<?x?x?x$E>) out([b, t, h] : tensor<?x?x?x$E>) {
  ^bb0(%n: index, %a: tensor<16x$E>):
    %o = math.$OP %a : tensor<16x$E>
    chunk.yield %o : tensor<16x$E>
  }
  return %r : tensor<?x?x?x$E>
})",
                            {{"E", type}, {"OP", op}});
  OwningOpRef<ModuleOp> module = parse(text);
  Type element = type == "f32" ? Type(Float32Type::get(&getContext()))
                               : Type(Float64Type::get(&getContext()));
  Array input{{1, static_cast<int64_t>(xs.size()), 1}, element, xs};
  return run(*module, "f", {input}, {input.shape})[0];
}

TEST(Math, F32OverTheWholeRange) {
  std::vector<double> xs = arguments();
  for (const Function &f : functions) {
    Array got = apply(f.name, "f32", xs);
    double worst = 0, at = 0;
    for (size_t i = 0; i < xs.size(); ++i) {
      double want = f.exact(xs[i]), y = got.values[i];
      float rounded = want;
      if (std::isnan(want)) {
        EXPECT_TRUE(std::isnan(y)) << f.name << "(" << xs[i] << ") = " << y;
        continue;
      }
      if (std::isinf(rounded) || rounded == 0) {
        EXPECT_EQ(static_cast<float>(y), rounded)
            << f.name << "(" << xs[i] << ")";
        continue;
      }
      // Relative to the spacing of floats there, that of the subnormals at
      // least.
      double spacing = std::max(std::abs(want), 1.1754943508222875e-38);
      double error = std::abs(y - want) / spacing * 16777216;
      if (!(error <= worst))
        worst = error, at = xs[i];
    }
    EXPECT_LE(worst, f.bound) << f.name << " at " << at;
  }
}

TEST(Math, F64) {
  std::vector<double> xs;
  for (double x = -30; x < 30; x += 0.013)
    xs.push_back(x);
  xs.insert(xs.end(),
            {0.0, INFINITY, -INFINITY, NAN, 709.7, 710.5, -745.0, -750.0});
  for (const Function &f : functions) {
    Array got = apply(f.name, "f64", xs);
    for (size_t i = 0; i < xs.size(); ++i) {
      double want = f.exact(xs[i]), y = got.values[i];
      if (std::isnan(want))
        EXPECT_TRUE(std::isnan(y)) << f.name << "(" << xs[i] << ")";
      else if (std::isinf(want) || std::abs(want) < 1e-300)
        EXPECT_EQ(y, want) << f.name << "(" << xs[i] << ")";
      else
        EXPECT_LE(std::abs(y - want) / std::abs(want), 1e-13)
            << f.name << "(" << xs[i] << ")";
    }
  }
}
