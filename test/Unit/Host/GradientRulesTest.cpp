//===- GradientRulesTest.cpp - one rule of reverse mode at a time ---------===//
// A body of one operation, its derivative against central differences of the
// same body, both in float64 by the oracle of chunk programs.
//===----------------------------------------------------------------------===//
#include "ChunkCheck.h"
#include "ChunkOracle.h"
#include "deltanet/Dialect/Chunk/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace mlir;
using namespace deltanet;
using namespace deltanet::test;

/// `module` with the gradient of all arguments of @f.
static void differentiate(ModuleOp module, unsigned arguments) {
  chunk::ChunkDifferentiateOptions options;
  for (unsigned i = 0; i < arguments; ++i)
    options.of.push_back(std::to_string(i));
  PassManager manager(&getContext());
  manager.addPass(chunk::createChunkDifferentiate(options));
  ASSERT_TRUE(succeeded(manager.run(module)));
}

/// The body `code` on x and y, of 8 tokens by 4 numbers; it names its result
/// %z.
static std::string bodyOf(const std::string &code, const std::string &result) {
  std::string whole = "tensor<1x16x1x4xf32>",
              out = result == "8x4"
                        ? whole
                        : "tensor<1x16x1x" + result.substr(2) + "xf32>";
  return scanFunction(
      "%x: " + whole + ", %y: " + whole, out,
      "8 in(%x [b, t, h, 1] : " + whole + ", %y [b, t, h, 1] : " + whole +
          ") out([b, t, h, 1] : " + out + ")",
      "%n: index, %a: tensor<8x4xf32>, %b: tensor<8x4xf32>",
      code + "\n    chunk.yield %z : tensor<" + result + "xf32>");
}

/// Expects the derivative of the body on numbers from `lowest` to `highest`.
static void expectRule(const std::string &code,
                       const std::string &result = "8x4", double lowest = 0.2,
                       double highest = 0.9) {
  SCOPED_TRACE(code);
  OwningOpRef<ModuleOp> module = parse(bodyOf(code, result));
  ASSERT_TRUE(module);
  differentiate(*module, 2);
  auto find = [&](StringRef name) {
    return module->lookupSymbol<func::FuncOp>(name);
  };
  std::mt19937 random(5);
  std::vector<Array> inputs;
  auto fill = [&](Array &a, double lo, double hi) {
    for (double &x : a.values)
      x = lo + (hi - lo) * (random() / 4294967296.0);
  };
  Type f32 = Float32Type::get(&getContext());
  for (int i = 0; i < 2; ++i) {
    inputs.push_back({{1, 16, 1, 4}, f32, std::vector<double>(64)});
    fill(inputs.back(), lowest, highest);
  }
  Array weights = evaluate(find("f"), inputs, {})[0];
  fill(weights, -1, 1);
  std::vector<Array> arguments = inputs;
  arguments.push_back(weights);
  std::vector<Array> gradients = evaluate(find("f_backward"), arguments, {});
  double step = 1e-5;
  for (unsigned i = 0; i < 2; ++i)
    for (unsigned j = 0; j < 64; j += 7) {
      double ends[2];
      for (int side : {0, 1}) {
        std::vector<Array> moved = inputs;
        moved[i].values[j] += side ? step : -step;
        ends[side] = 0;
        Array z = evaluate(find("f"), moved, {})[0];
        for (auto [value, weight] : llvm::zip(z.values, weights.values))
          ends[side] += value * weight;
      }
      double want = (ends[1] - ends[0]) / (2 * step);
      EXPECT_NEAR(gradients[i].values[j], want, 1e-7 * (1 + std::abs(want)))
          << "argument " << i << ", element " << j;
    }
}

TEST(GradientRules, OneOperand) {
  for (StringRef op :
       {"arith.negf", "math.exp", "math.exp2", "math.expm1", "math.log",
        "math.log2", "math.log1p", "math.tanh", "math.erf", "math.sqrt",
        "math.rsqrt", "math.sin", "math.cos", "math.absf"})
    expectRule(("    %z = " + op + " %a : tensor<8x4xf32>").str());
}

TEST(GradientRules, TwoOperands) {
  for (StringRef op : {"arith.addf", "arith.subf", "arith.mulf", "arith.divf",
                       "arith.maximumf", "arith.minimumf"})
    expectRule(("    %z = " + op + " %a, %b : tensor<8x4xf32>").str());
  expectRule("    %z = math.fma %a, %b, %a : tensor<8x4xf32>");
  expectRule("    %c = arith.cmpf olt, %a, %b : tensor<8x4xf32>\n"
             "    %z = arith.select %c, %a, %b : tensor<8x4xi1>, "
             "tensor<8x4xf32>");
}

TEST(GradientRules, Products) {
  for (std::string flags : {"", "{transpose_rhs}"})
    expectRule("    %s = chunk.dot %a, %b {transpose_rhs} : tensor<8x4xf32>, "
               "tensor<8x4xf32> -> tensor<8x8xf32>\n"
               "    %z = chunk.dot %s, " +
                   std::string(flags.empty() ? "%b" : "%s") + " " + flags +
                   " : tensor<8x8xf32>, tensor<8x" +
                   (flags.empty() ? "4" : "8") + "xf32> -> tensor<8x" +
                   (flags.empty() ? "4" : "8") + "xf32>",
               flags.empty() ? "8x4" : "8x8");
  expectRule(
      "    %s = chunk.dot %a, %b {transpose_lhs} : tensor<8x4xf32>, "
      "tensor<8x4xf32> -> tensor<4x4xf32>\n"
      "    %t = chunk.dot %a, %s {transpose_rhs} : tensor<8x4xf32>, "
      "tensor<4x4xf32> -> tensor<8x4xf32>\n"
      "    %u = chunk.dot %s, %t {transpose_lhs, transpose_rhs} : "
      "tensor<4x4xf32>, tensor<8x4xf32> -> tensor<4x8xf32>\n"
      "    %z = chunk.transpose %u : tensor<4x8xf32> -> tensor<8x4xf32>");
}

/// The lower triangle that both operands give.
static const char *lower =
    "    %s = chunk.dot %a, %b {transpose_rhs} : tensor<8x4xf32>, "
    "tensor<8x4xf32> -> tensor<8x8xf32>\n";

TEST(GradientRules, Solves) {
  for (std::string transpose : {"", "transpose "})
    expectRule(std::string(lower) + "    %z = chunk.unit_lower_solve %s, %b " +
               transpose + ": tensor<8x8xf32>, tensor<8x4xf32>");
  expectRule(std::string(lower) +
                 "    %z = chunk.unit_lower_inverse %s : tensor<8x8xf32>",
             "8x8", -0.3, 0.3);
}

TEST(GradientRules, Decays) {
  std::string gates[] = {
      "    %g = chunk.reduce add %b [1] : tensor<8x4xf32> -> tensor<8xf32>\n",
      "    %g = chunk.cumsum %b : tensor<8x4xf32> -> tensor<8x4xf32>\n"};
  for (int channels : {0, 1})
    for (std::string strict : {"", "strict "}) {
      std::string type = channels ? "tensor<8x4xf32>" : "tensor<8xf32>";
      std::string ends = type + ", " + type;
      expectRule(gates[channels] + "    %z = chunk.decay_dot %a, %b, %g, %g " +
                     strict + ": tensor<8x4xf32>, tensor<8x4xf32>, " + ends +
                     " -> tensor<8x8xf32>",
                 "8x8", -0.5, 0);
      for (std::string transpose : {"", "transpose "})
        expectRule(gates[channels] + lower +
                       "    %z = chunk.decay_apply %s, %a, %g, %g " + strict +
                       transpose + ": tensor<8x8xf32>, tensor<8x4xf32>, " +
                       ends + " -> tensor<8x4xf32>",
                   "8x4", -0.5, 0);
    }
}

TEST(GradientRules, Rows) {
  for (std::string flags : {"", "exclusive ", "reverse ", "exclusive reverse "})
    expectRule("    %z = chunk.cumsum %a " + flags +
               ": tensor<8x4xf32> -> tensor<8x4xf32>");
  expectRule("    %r = chunk.row %a [5] : tensor<8x4xf32> -> tensor<4xf32>\n"
             "    %p = chunk.place_row %r [2] : tensor<4xf32> -> "
             "tensor<8x4xf32>\n"
             "    %z = arith.mulf %p, %b : tensor<8x4xf32>");
  expectRule(
      "    %r = chunk.repeat %a : tensor<8x4xf32> -> tensor<24x4xf32>\n"
      "    %m = arith.mulf %r, %r : tensor<24x4xf32>\n"
      "    %s = chunk.sum_rows %m : tensor<24x4xf32> -> tensor<8x4xf32>\n"
      "    %z = arith.mulf %s, %b : tensor<8x4xf32>");
  expectRule(std::string(lower) +
                 "    %z = chunk.tril %s strict : tensor<8x8xf32>",
             "8x8");
}

TEST(GradientRules, Reductions) {
  for (StringRef kind : {"add", "max", "min"})
    expectRule(("    %r = chunk.reduce " + kind +
                " %a [1] : tensor<8x4xf32> -> tensor<8xf32>\n"
                "    %s = chunk.broadcast %r [1] : tensor<8xf32> -> "
                "tensor<8x4xf32>\n"
                "    %z = arith.mulf %s, %b : tensor<8x4xf32>")
                   .str());
}

// The sigmoid of -200 is zero, and so is its derivative, though exp(200) is not
// finite in f32.
TEST(GradientRules, SigmoidFarOut) {
  std::string code = "    %one = arith.constant dense<1.0> : tensor<8x4xf32>\n"
                     "    %m = arith.negf %a : tensor<8x4xf32>\n"
                     "    %e = math.exp %m : tensor<8x4xf32>\n"
                     "    %d = arith.addf %e, %one : tensor<8x4xf32>\n"
                     "    %z = arith.divf %one, %d : tensor<8x4xf32>";
  OwningOpRef<ModuleOp> module = parse(bodyOf(code, "8x4"));
  ASSERT_TRUE(module);
  differentiate(*module, 1);
  module->lookupSymbol<func::FuncOp>("f").erase();
  module->lookupSymbol<func::FuncOp>("f_forward").erase();
  Type f32 = Float32Type::get(&getContext());
  Array far{{1, 16, 1, 4}, f32, std::vector<double>(64, -200)},
      one{{1, 16, 1, 4}, f32, std::vector<double>(64, 1)};
  std::vector<Array> got =
      run(*module, "f_backward", {far, far, one}, {far.shape});
  for (double x : got[0].values)
    EXPECT_EQ(x, 0);
}

// A norm without an epsilon is not finite for the rows past the end; the
// gradient of a weight, a sum over rows, is.
TEST(GradientRules, RowsPastTheEnd) {
  std::string whole = "tensor<1x11x1x4xf32>";
  std::string text = scanFunction(
      "%x: " + whole + ", %w: tensor<4xf32>", whole,
      "8 in(%x [b, t, h, 1] : " + whole +
          ", %w [0] : tensor<4xf32>) out([b, t, "
          "h, 1] : " +
          whole + ")",
      "%n: index, %a: tensor<8x4xf32>, %b: tensor<4xf32>",
      "    %q = arith.mulf %a, %a : tensor<8x4xf32>\n"
      "    %l = chunk.reduce add %q [1] : tensor<8x4xf32> -> tensor<8xf32>\n"
      "    %r = math.rsqrt %l : tensor<8xf32>\n"
      "    %s = chunk.broadcast %r [1] : tensor<8xf32> -> tensor<8x4xf32>\n"
      "    %u = arith.mulf %a, %s : tensor<8x4xf32>\n"
      "    %v = chunk.broadcast %b [0] : tensor<4xf32> -> tensor<8x4xf32>\n"
      "    %z = arith.mulf %u, %v : tensor<8x4xf32>\n"
      "    chunk.yield %z : tensor<8x4xf32>");
  OwningOpRef<ModuleOp> module = parse(text);
  ASSERT_TRUE(module);
  differentiate(*module, 2);
  module->lookupSymbol<func::FuncOp>("f").erase();
  module->lookupSymbol<func::FuncOp>("f_forward").erase();
  Type f32 = Float32Type::get(&getContext());
  Array x{{1, 11, 1, 4}, f32, std::vector<double>(44, 2)},
      w{{4}, f32, {1, 2, 3, 4}}, dz = x;
  std::vector<Array> got =
      run(*module, "f_backward", {x, w, dz}, {x.shape, w.shape});
  for (double each : got[1].values) // 11 rows of 2 * (2 / 4)
    EXPECT_NEAR(each, 11, 1e-5);
  for (double each : got[0].values)
    EXPECT_TRUE(std::isfinite(each));
}
