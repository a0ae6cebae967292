//===- ChunkToCPUTest.cpp - numbers of the operations of a chunk body -----===//
// Every operation alone, in sizes that do not fit; all against the oracle in
// double precision.
//===----------------------------------------------------------------------===//
#include "ChunkCheck.h"
#include "gtest/gtest.h"

using namespace deltanet::test;

static std::string number(int64_t n) { return std::to_string(n); }

/// A scan without carries: %a is C x K, %c is C x V of type T, %l a gate of C
/// between `lowest` and 0 a token, %m one of C x K. Its output is R, rows by
/// tokens.
static std::string program(int64_t chunk, int64_t k, int64_t v,
                           const std::string &type, const std::string &result,
                           const std::string &body,
                           const std::string &lowest = "-1.0") {
  return format(
      scanFunction("%fx: tensor<?x?x?x$Kx$T>, %fy: tensor<?x?x?x$Vx$T>, "
                   "%fg: tensor<?x?x?xf32> {test.range = [$LOWEST, 0.0]}, "
                   "%fd: tensor<?x?x?x$Kxf32> {test.range = [$LOWEST, 0.0]}",
                   "tensor<?x?x?x$R>",
                   "$C in(%fx [b, t, h, 1] : tensor<?x?x?x$Kx$T>,\n"
                   "     %fy [b, t, h, 1] : tensor<?x?x?x$Vx$T>,\n"
                   "     %fg [b, t, h] : tensor<?x?x?xf32>,\n"
                   "     %fd [b, t, h, 1] : tensor<?x?x?x$Kxf32>)\n"
                   "  out([b, t, h, 1] : tensor<?x?x?x$R>)",
                   "%n: index, %a: tensor<$Cx$Kx$T>, %c: tensor<$Cx$Vx$T>, "
                   "%l: tensor<$Cxf32>, %m: tensor<$Cx$Kxf32>",
                   body + "\n    chunk.yield %o : tensor<$Cx$R>"),
      {{"LOWEST", lowest},
       {"R", result},
       {"C", number(chunk)},
       {"K", number(k)},
       {"V", number(v)},
       {"T", type}});
}

/// Chunk sizes and widths that are whole vectors, parts of them, and one.
struct Shape {
  int64_t c, k, v;
};
static const Shape shapes[] = {{64, 128, 128}, {16, 60, 96},  {7, 5, 3},
                               {1, 64, 64},    {33, 17, 130}, {8, 1, 1}};

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

TEST(ChunkToCPU, DotPlainAndTransposedLhs) {
  for (auto [c, k, v] : shapes)
    for (int64_t bits : {128, 256, 512})
      check(program(c, k, v, "f32", number(v) + "xf32", R"(
    %s = chunk.dot %a, %c {transpose_lhs} : tensor<$Cx$Kxf32>, tensor<$Cx$Vxf32> -> tensor<$Kx$Vxf32>
    %o = chunk.dot %a, %s : tensor<$Cx$Kxf32>, tensor<$Kx$Vxf32> -> tensor<$Cx$Vxf32>)"),
            {1, 2 * c + c / 2, 2}, 2e-6, {bits});
}

TEST(ChunkToCPU, DotTransposedRhs) {
  for (auto [c, k, v] : shapes)
    for (const char *type : {"f32", "bf16", "f16"})
      check(program(c, k, v, type, number(c) + "xf32", R"(
    %o = chunk.dot %a, %a {transpose_rhs} : tensor<$Cx$Kx$T>, tensor<$Cx$Kx$T> -> tensor<$Cx$Cxf32>)"),
            {1, 2 * c + c / 2, 2});
}

TEST(ChunkToCPU, DotBothTransposed) {
  for (auto [c, k, v] : shapes)
    check(program(c, k, v, "bf16", number(v) + "xf32", R"(
    %s = chunk.dot %a, %a {transpose_rhs} : tensor<$Cx$Kxbf16>, tensor<$Cx$Kxbf16> -> tensor<$Cx$Cxf32>
    %t = arith.extf %c : tensor<$Cx$Vxbf16> to tensor<$Cx$Vxf32>
    %u = chunk.dot %t, %s {transpose_lhs, transpose_rhs} : tensor<$Cx$Vxf32>, tensor<$Cx$Cxf32> -> tensor<$Vx$Cxf32>
    %o = chunk.transpose %u : tensor<$Vx$Cxf32> -> tensor<$Cx$Vxf32>)"),
          {1, 2 * c + c / 2, 2});
}

TEST(ChunkToCPU, DotWithTheRestOfItsExpression) {
  for (auto [c, k, v] : shapes)
    check(program(c, k, v, "f32", number(v) + "xf32", R"(
    %s = chunk.dot %a, %c {transpose_lhs} : tensor<$Cx$Kxf32>, tensor<$Cx$Vxf32> -> tensor<$Kx$Vxf32>
    %p = chunk.dot %a, %s : tensor<$Cx$Kxf32>, tensor<$Kx$Vxf32> -> tensor<$Cx$Vxf32>
    %q = chunk.dot %m, %s : tensor<$Cx$Kxf32>, tensor<$Kx$Vxf32> -> tensor<$Cx$Vxf32>
    %e = math.exp %l : tensor<$Cxf32>
    %w = chunk.broadcast %e [1] : tensor<$Cxf32> -> tensor<$Cx$Vxf32>
    %x1 = arith.mulf %p, %w : tensor<$Cx$Vxf32>
    %x2 = arith.addf %x1, %q : tensor<$Cx$Vxf32>
    %o = arith.subf %c, %x2 : tensor<$Cx$Vxf32>)"),
          {1, 2 * c + c / 2, 2});
}

//===----------------------------------------------------------------------===//
// Decays
//===----------------------------------------------------------------------===//

static const char *lowestDecays[] = {"-0.1", "-5.0", "-10000.0"};

TEST(ChunkToCPU, DecayDotOfRows) {
  for (auto [c, k, v] : shapes)
    for (const char *lowest : lowestDecays)
      check(program(c, k, v, "f32", number(c) + "xf32", R"(
    %g = chunk.cumsum %l : tensor<$Cxf32> -> tensor<$Cxf64>
    %s = chunk.decay_dot %a, %m, %g, %g strict : tensor<$Cx$Kxf32>, tensor<$Cx$Kxf32>, tensor<$Cxf64>, tensor<$Cxf64> -> tensor<$Cx$Cxf32>
    %e = chunk.cumsum %l exclusive : tensor<$Cxf32> -> tensor<$Cxf64>
    %t = chunk.decay_dot %a, %a, %e, %g strict : tensor<$Cx$Kxf32>, tensor<$Cx$Kxf32>, tensor<$Cxf64>, tensor<$Cxf64> -> tensor<$Cx$Cxf32>
    %u = chunk.decay_dot %m, %a, %g, %g : tensor<$Cx$Kxf32>, tensor<$Cx$Kxf32>, tensor<$Cxf64>, tensor<$Cxf64> -> tensor<$Cx$Cxf32>
    %st = arith.addf %s, %t : tensor<$Cx$Cxf32>
    %o = arith.addf %st, %u : tensor<$Cx$Cxf32>)",
                    lowest),
            {1, 2 * c + c / 2, 2});
}

TEST(ChunkToCPU, DecayDotOfChannels) {
  for (auto [c, k, v] : shapes)
    for (const char *lowest : lowestDecays)
      for (int64_t sub : {16, 5})
        check(program(c, k, v, "f32", number(c) + "xf32", R"(
    %g = chunk.cumsum %m : tensor<$Cx$Kxf32> -> tensor<$Cx$Kxf64>
    %s = chunk.decay_dot %a, %a, %g, %g strict : tensor<$Cx$Kxf32>, tensor<$Cx$Kxf32>, tensor<$Cx$Kxf64>, tensor<$Cx$Kxf64> -> tensor<$Cx$Cxf32>
    %e = chunk.cumsum %m exclusive : tensor<$Cx$Kxf32> -> tensor<$Cx$Kxf64>
    %t = chunk.decay_dot %a, %a, %e, %g strict : tensor<$Cx$Kxf32>, tensor<$Cx$Kxf32>, tensor<$Cx$Kxf64>, tensor<$Cx$Kxf64> -> tensor<$Cx$Cxf32>
    %u = chunk.decay_dot %a, %a, %g, %g : tensor<$Cx$Kxf32>, tensor<$Cx$Kxf32>, tensor<$Cx$Kxf64>, tensor<$Cx$Kxf64> -> tensor<$Cx$Cxf32>
    %st = arith.addf %s, %t : tensor<$Cx$Cxf32>
    %o = arith.addf %st, %u : tensor<$Cx$Cxf32>)",
                      lowest),
              {1, 2 * c + c / 2, 2}, 2e-6, {0, sub});
}

TEST(ChunkToCPU, DecayApply) {
  for (auto [c, k, v] : shapes)
    for (const char *lowest : lowestDecays)
      for (const char *how : {"", "strict", "transpose", "strict transpose"})
        check(format(program(c, k, v, "f32", number(k) + "xf32", R"(
    %g = chunk.cumsum %m : tensor<$Cx$Kxf32> -> tensor<$Cx$Kxf64>
    %w = chunk.dot %a, %a {transpose_rhs} : tensor<$Cx$Kxf32>, tensor<$Cx$Kxf32> -> tensor<$Cx$Cxf32>
    %s = chunk.decay_apply %w, %a, %g, %g $how : tensor<$Cx$Cxf32>, tensor<$Cx$Kxf32>, tensor<$Cx$Kxf64>, tensor<$Cx$Kxf64> -> tensor<$Cx$Kxf32>
    %h = chunk.cumsum %l : tensor<$Cxf32> -> tensor<$Cxf64>
    %t = chunk.decay_apply %w, %a, %h, %h $how : tensor<$Cx$Cxf32>, tensor<$Cx$Kxf32>, tensor<$Cxf64>, tensor<$Cxf64> -> tensor<$Cx$Kxf32>
    %o = arith.addf %s, %t : tensor<$Cx$Kxf32>)",
                             lowest),
                     {{"how", how}}),
              {1, 2 * c + c / 2, 2});
}

/// Two keys a token.
TEST(ChunkToCPU, DecaysOfSeveralSteps) {
  for (const char *gates : {"32xf64", "32x20xf64"})
    for (int64_t sub : {16, 5}) {
      std::string wide = gates;
      wide.replace(0, 2, "64");
      std::string input = wide.substr(0, wide.size() - 1);
      check(
          format(scanFunction(
                     "%q: tensor<?x?x?x20xf32>, %k: tensor<?x?x?x20xf32>, "
                     "%l: tensor<?x?x?x$WIDTHf32> {test.range = [-1.0, 0.0]}",
                     "tensor<?x?x?x20xf32>",
                     "32 in(%q [b, t, h, 1] : tensor<?x?x?x20xf32>,\n"
                     "  %k [b, t, h, 1] : tensor<?x?x?x20xf32>,\n"
                     "  %l [b, t, h$LAST] : tensor<?x?x?x$WIDTHf32>)\n"
                     "  out([b, t, h, 1] : tensor<?x?x?x20xf32>)",
                     "%n: index, %a: tensor<32x20xf32>, %c: tensor<64x20xf32>, "
                     "%d: tensor<32x$WIDTHf32>",
                     R"(
    %g = chunk.cumsum %d : tensor<32x$WIDTHf32> -> tensor<32x$WIDTHf64>
    %h = chunk.repeat %g : tensor<32x$WIDTHf64> -> tensor<64x$WIDTHf64>
    %w = chunk.decay_dot %a, %c, %g, %h : tensor<32x20xf32>, tensor<64x20xf32>, tensor<32x$WIDTHf64>, tensor<64x$WIDTHf64> -> tensor<32x64xf32>
    %s = chunk.decay_apply %w, %c, %g, %h : tensor<32x64xf32>, tensor<64x20xf32>, tensor<32x$WIDTHf64>, tensor<64x$WIDTHf64> -> tensor<32x20xf32>
    %t = chunk.decay_apply %w, %s, %g, %h strict transpose : tensor<32x64xf32>, tensor<32x20xf32>, tensor<32x$WIDTHf64>, tensor<64x$WIDTHf64> -> tensor<64x20xf32>
    %z = chunk.tril %w : tensor<32x64xf32>
    %o = chunk.dot %z, %t : tensor<32x64xf32>, tensor<64x20xf32> -> tensor<32x20xf32>
    chunk.yield %o : tensor<32x20xf32>)"),
                 {{"WIDTH", std::string(gates).size() > 6 ? "20x" : ""},
                  {"LAST", std::string(gates).size() > 6 ? ", 1" : ""}}),
          {1, 75, 2}, 2e-6, {0, sub});
    }
}

//===----------------------------------------------------------------------===//
// Triangular systems
//===----------------------------------------------------------------------===//

TEST(ChunkToCPU, UnitLowerSolve) {
  for (auto [c, k, v] : shapes)
    for (const char *how : {"", "transpose"})
      check(format(program(c, k, v, "f32", number(v) + "xf32", R"(
    %w = chunk.dot %a, %a {transpose_rhs} : tensor<$Cx$Kxf32>, tensor<$Cx$Kxf32> -> tensor<$Cx$Cxf32>
    %z = arith.constant dense<0.015625> : tensor<$Cx$Cxf32>
    %s = arith.mulf %w, %z : tensor<$Cx$Cxf32>
    %o = chunk.unit_lower_solve %s, %c $how : tensor<$Cx$Cxf32>, tensor<$Cx$Vxf32>)"),
                   {{"how", how}}),
            {1, 2 * c + c / 2, 2});
}

TEST(ChunkToCPU, UnitLowerInverse) {
  for (auto [c, k, v] : shapes)
    check(program(c, k, v, "f32", number(c) + "xf32", R"(
    %w = chunk.dot %a, %a {transpose_rhs} : tensor<$Cx$Kxf32>, tensor<$Cx$Kxf32> -> tensor<$Cx$Cxf32>
    %z = arith.constant dense<0.015625> : tensor<$Cx$Cxf32>
    %s = arith.mulf %w, %z : tensor<$Cx$Cxf32>
    %o = chunk.unit_lower_inverse %s : tensor<$Cx$Cxf32>)"),
          {1, 2 * c + c / 2, 2});
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

TEST(ChunkToCPU, CumsumInEveryWay) {
  for (auto [c, k, v] : shapes)
    for (const char *how : {"", "exclusive", "reverse", "exclusive reverse"})
      check(format(program(c, k, v, "f32", number(k) + "xf32", R"(
    %s = chunk.cumsum %m $how : tensor<$Cx$Kxf32> -> tensor<$Cx$Kxf64>
    %t = chunk.cumsum %l $how : tensor<$Cxf32> -> tensor<$Cxf32>
    %u = arith.truncf %s : tensor<$Cx$Kxf64> to tensor<$Cx$Kxf32>
    %w = chunk.broadcast %t [1] : tensor<$Cxf32> -> tensor<$Cx$Kxf32>
    %o = arith.addf %u, %w : tensor<$Cx$Kxf32>)"),
                   {{"how", how}}),
            {1, 2 * c + c / 2, 2});
}

TEST(ChunkToCPU, ReduceAlongEveryDimension) {
  for (auto [c, k, v] : shapes)
    for (const char *kind : {"add", "max", "min"})
      check(format(program(c, k, v, "f32", number(k) + "xf32", R"(
    %x2 = arith.mulf %a, %m : tensor<$Cx$Kxf32>
    %r = chunk.reduce $kind %x2 [1] : tensor<$Cx$Kxf32> -> tensor<$Cxf32>
    %s = chunk.reduce $kind %x2 [0] : tensor<$Cx$Kxf32> -> tensor<$Kxf32>
    %t = chunk.reduce $kind %a [0, 1] : tensor<$Cx$Kxf32> -> tensor<f32>
    %u = chunk.reduce $kind %l [0] : tensor<$Cxf32> -> tensor<f32>
    %tu = arith.addf %t, %u : tensor<f32>
    %r2 = chunk.broadcast %r [1] : tensor<$Cxf32> -> tensor<$Cx$Kxf32>
    %s2 = chunk.broadcast %s [0] : tensor<$Kxf32> -> tensor<$Cx$Kxf32>
    %t2 = chunk.broadcast %tu [0, 1] : tensor<f32> -> tensor<$Cx$Kxf32>
    %rs = arith.addf %r2, %s2 : tensor<$Cx$Kxf32>
    %o = arith.subf %rs, %t2 : tensor<$Cx$Kxf32>)"),
                   {{"kind", kind}}),
            {1, 2 * c + c / 2, 2});
}

TEST(ChunkToCPU, TriangleRowRepeatAndMask) {
  for (auto [c, k, v] : shapes)
    check(program(c, k, v, "f32", number(c) + "xf32", R"(
    %w = chunk.dot %a, %a {transpose_rhs} : tensor<$Cx$Kxf32>, tensor<$Cx$Kxf32> -> tensor<$Cx$Cxf32>
    %t = chunk.tril %w : tensor<$Cx$Cxf32>
    %u = chunk.tril %w strict : tensor<$Cx$Cxf32>
    %tu = arith.addf %t, %u : tensor<$Cx$Cxf32>
    %row = chunk.row %w[0] : tensor<$Cx$Cxf32> -> tensor<$Cxf32>
    %one = chunk.broadcast %row [0] : tensor<$Cxf32> -> tensor<1x$Cxf32>
    %rep = chunk.repeat %one : tensor<1x$Cxf32> -> tensor<$Cx$Cxf32>
    %mask = chunk.mask_tokens %rep, %n : tensor<$Cx$Cxf32>
    %gates = chunk.mask_tokens %l, %n : tensor<$Cxf32>
    %g2 = chunk.broadcast %gates [1] : tensor<$Cxf32> -> tensor<$Cx$Cxf32>
    %sum = arith.addf %mask, %g2 : tensor<$Cx$Cxf32>
    %o = arith.addf %sum, %tu : tensor<$Cx$Cxf32>)"),
          {1, 2 * c + c / 2, 2});
}

TEST(ChunkToCPU, RepeatOfElements) {
  check(scanFunction("%x: tensor<?x?x?xf32>", "tensor<?x?x?x3xf32>",
                     "15 in(%x [b, t, h] : tensor<?x?x?xf32>)\n"
                     "  out([b, t, h, 1] : tensor<?x?x?x3xf32>)",
                     "%n: index, %a: tensor<15xf32>", R"(
    %r = chunk.repeat %a : tensor<15xf32> -> tensor<45xf32>
    %e = math.exp %r : tensor<45xf32>
    %one = chunk.broadcast %e [1] : tensor<45xf32> -> tensor<45x3xf32>
    %w = chunk.broadcast %a [1] : tensor<15xf32> -> tensor<15x45xf32>
    %o = chunk.dot %w, %one : tensor<15x45xf32>, tensor<45x3xf32> -> tensor<15x3xf32>
    chunk.yield %o : tensor<15x3xf32>)"),
        {2, 40, 2});
}

TEST(ChunkToCPU, ConstantsThatAreNoSplat) {
  check(scanFunction("%x: tensor<?x?x?x3xf32>", "tensor<?x?x?x2xf32>",
                     "4 in(%x [b, t, h, 1] : tensor<?x?x?x3xf32>)\n"
                     "  out([b, t, h, 1] : tensor<?x?x?x2xf32>)",
                     "%n: index, %a: tensor<4x3xf32>", R"(
    %w = arith.constant dense<[[1.0, 2.0], [3.0, -4.0], [0.5, 7.0]]> : tensor<3x2xf32>
    %o = chunk.dot %a, %w : tensor<4x3xf32>, tensor<3x2xf32> -> tensor<4x2xf32>
    chunk.yield %o : tensor<4x2xf32>)"),
        {2, 10, 2});
}
