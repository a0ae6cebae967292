//===- ScanToCPUTest.cpp - numbers of lowered scans -----------------------===//
// Every loop, layout and direction of chunk.scan, tails, packed sequences, what
// is carried; and whole operators.
//===----------------------------------------------------------------------===//
#include "ChunkCheck.h"
#include "gtest/gtest.h"

using namespace deltanet::test;

/// A scan that adds up outer products and reads them out: S += k^T v, o = q S.
static std::string linearAttention(const std::string &lists,
                                   const std::string &arguments,
                                   const std::string &results) {
  return scanFunction(
      arguments, results, lists,
      "%S: tensor<20x33xf32>, %n: index, %qt: tensor<16x20xf32>, "
      "%kt: tensor<16x20xf32>, %vt: tensor<16x33xf32>",
      R"(
    %m = chunk.dot %qt, %kt {transpose_rhs} : tensor<16x20xf32>, tensor<16x20xf32> -> tensor<16x16xf32>
    %ml = chunk.tril %m : tensor<16x16xf32>
    %mv = chunk.dot %ml, %vt : tensor<16x16xf32>, tensor<16x33xf32> -> tensor<16x33xf32>
    %qS = chunk.dot %qt, %S : tensor<16x20xf32>, tensor<20x33xf32> -> tensor<16x33xf32>
    %o = arith.addf %mv, %qS : tensor<16x33xf32>
    %kv = chunk.dot %kt, %vt {transpose_lhs} : tensor<16x20xf32>, tensor<16x33xf32> -> tensor<20x33xf32>
    %S1 = arith.addf %S, %kv : tensor<20x33xf32>
    chunk.yield %o carry(%S1) : tensor<16x33xf32> carry tensor<20x33xf32>)");
}

static const char *bthd = R"(16$HOW
  carry(%s [n, h, 0, 1] : tensor<?x?x20x33xf32>)
  in(%q [b, t, g, 1] : tensor<?x?x?x20xf32>, %k [b, t, g, 1] : tensor<?x?x?x20xf32>,
     %v [b, t, h, 1] : tensor<?x?x?x33xf32>)
  out([b, t, h, 1] : tensor<?x?x?x33xf32>)
  final([n, h, 0, 1] : tensor<?x?x20x33xf32>))";
static const char *bthdArguments =
    "%q: tensor<?x?x?x20xf32>, %k: tensor<?x?x?x20xf32>, %v: "
    "tensor<?x?x?x33xf32>, "
    "%s: tensor<?x?x20x33xf32>$MORE";
static const char *bthdResults = "tensor<?x?x?x33xf32>, tensor<?x?x20x33xf32>";

static std::string bthdProgram(const std::string &how,
                               const std::string &more = "") {
  return format(linearAttention(bthd, bthdArguments, bthdResults),
                {{"HOW", how}, {"MORE", more}});
}

TEST(ScanToCPU, LengthsAroundAChunk) {
  for (int64_t tokens : {1, 15, 16, 17, 100})
    for (const char *how : {"", " reverse"})
      check(bthdProgram(how), {2, tokens, 4, 2});
}

TEST(ScanToCPU, NoTokens) { check(bthdProgram(""), {2, 0, 4, 2}); }

TEST(ScanToCPU, PackedSequences) {
  for (const char *type : {"i32", "i64"})
    for (const char *how : {"", " reverse"}) {
      std::string offsets = std::string("tensor<?x") + type + ">";
      std::string text = bthdProgram(
          how + (" sequences(%cu : " + offsets + ")"), ", %cu: " + offsets);
      check(text, {1, 0, 4, 2, {0, 1, 7, 0, 16, 50, 33}});
      check(text, {1, 0, 4, 2, {20}});
    }
}

TEST(ScanToCPU, OtherLayouts) {
  // Heads before tokens; channels before tokens; the state transposed.
  check(linearAttention(R"(16
  carry(%s [n, h, 1, 0] : tensor<?x?x33x20xf32>)
  in(%q [b, h, t, 1] : tensor<?x?x?x20xf32>, %k [1, b, h, t] : tensor<20x?x?x?xf32>,
     %v [t, b, h, 1] : tensor<?x?x?x33xf32>)
  out([b, h, 1, t] : tensor<?x?x33x?xf32>)
  final([h, 1, 0, n] : tensor<?x33x20x?xf32>))",
                        "%q: tensor<?x?x?x20xf32>, %k: tensor<20x?x?x?xf32>, "
                        "%v: tensor<?x?x?x33xf32>, %s: tensor<?x?x33x20xf32>",
                        "tensor<?x?x33x?xf32>, tensor<?x33x20x?xf32>"),
        {2, 37, 3});
}

TEST(ScanToCPU, NarrowStatesAndNoInitialState) {
  check(linearAttention(R"(16
  carry(%s [n, h, 0, 1] : tensor<?x?x20x33xbf16>)
  in(%q [b, t, h, 1] : tensor<?x?x?x20xf32>, %k [b, t, h, 1] : tensor<?x?x?x20xf32>,
     %v [b, t, h, 1] : tensor<?x?x?x33xf32>)
  out([b, t, h, 1] : tensor<?x?x?x33xf32>)
  final([n, h, 0, 1] : tensor<?x?x20x33xf16>))",
                        "%q: tensor<?x?x?x20xf32>, %k: tensor<?x?x?x20xf32>, "
                        "%v: tensor<?x?x?x33xf32>, %s: tensor<?x?x20x33xbf16>",
                        "tensor<?x?x?x33xf32>, tensor<?x?x20x33xf16>"),
        {2, 37, 3}, 2e-4);
  std::string text =
      linearAttention(R"(16
  carry(%s [0, 1] : tensor<20x33xf32>)
  in(%q [b, t, h, 1] : tensor<?x?x?x20xf32>, %k [b, t, h, 1] : tensor<?x?x?x20xf32>,
     %v [b, t, h, 1] : tensor<?x?x?x33xf32>)
  out([b, t, h, 1] : tensor<?x?x?x33xf32>)
  final([n, h, 0, 1] : tensor<?x?x20x33xf32>))",
                      "%q: tensor<?x?x?x20xf32>, %k: tensor<?x?x?x20xf32>, "
                      "%v: tensor<?x?x?x33xf32>",
                      bthdResults);
  text.insert(text.find("%r:2"),
              "%s = arith.constant dense<0.5> : tensor<20x33xf32>\n  ");
  check(text, {2, 37, 3});
}

/// Two carries that change places, one that stays, and one not yielded by an
/// operation; a parameter of each kind.
TEST(ScanToCPU, CarriesThatMove) {
  check(R"(
func.func @f(%x: tensor<?x?x?x5xf32>, %p: tensor<5xf32>, %w: tensor<?xf32>,
             %a0: tensor<?x?x5xf32>, %b0: tensor<?x5xf32>)
    -> (tensor<?x?x?x5xf32>, tensor<?x?x5xf32>, tensor<?x?x5xf32>, tensor<?x?x4x5xf32>) {
  %z = arith.constant dense<0.0> : tensor<4x5xf32>
  %r:4 = chunk.scan 4
    carry(%a0 [n, h, 0] : tensor<?x?x5xf32>, %b0 [h, 0] : tensor<?x5xf32>,
          %z [0, 1] : tensor<4x5xf32>)
    in(%x [b, t, h, 1] : tensor<?x?x?x5xf32>, %p [0] : tensor<5xf32>, %w [h] : tensor<?xf32>)
    out([b, t, h, 1] : tensor<?x?x?x5xf32>)
    final([n, h, 0] : tensor<?x?x5xf32>, [n, h, 0] : tensor<?x?x5xf32>,
          [n, h, 0, 1] : tensor<?x?x4x5xf32>) {
  ^bb0(%a: tensor<5xf32>, %b: tensor<5xf32>, %last: tensor<4x5xf32>, %n: index,
       %xt: tensor<4x5xf32>, %pt: tensor<5xf32>, %wt: tensor<f32>):
    %wide = chunk.broadcast %wt [0] : tensor<f32> -> tensor<5xf32>
    %ap = arith.mulf %a, %pt : tensor<5xf32>
    %apw = arith.addf %ap, %wide : tensor<5xf32>
    %ab = chunk.broadcast %apw [0] : tensor<5xf32> -> tensor<4x5xf32>
    %y = arith.addf %ab, %xt : tensor<4x5xf32>
    %o = arith.addf %y, %last : tensor<4x5xf32>
    chunk.yield %o carry(%b, %a, %xt) : tensor<4x5xf32>
        carry tensor<5xf32>, tensor<5xf32>, tensor<4x5xf32>
  }
  return %r#0, %r#1, %r#2, %r#3
    : tensor<?x?x?x5xf32>, tensor<?x?x5xf32>, tensor<?x?x5xf32>, tensor<?x?x4x5xf32>
})",
        {2, 11, 3});
}

/// Without carries chunks run side by side; tiles by chunk go in and out.
TEST(ScanToCPU, TilesByChunk) {
  const char *text = R"(
func.func @f(%x: tensor<?x?x?x18xf32>, %m: tensor<?x?x?x8x18xf32>$MORE)
    -> (tensor<?x?x?x18xf32>, tensor<?x?x?x8x8xf32>) {
  %r:2 = chunk.scan 8$HOW
    in(%x [b, t, h, 1] : tensor<?x?x?x18xf32>, %m [b, c, h, 0, 1] : tensor<?x?x?x8x18xf32>)
    out([b, t, h, 1] : tensor<?x?x?x18xf32>, [b, c, h, 0, 1] : tensor<?x?x?x8x8xf32>) {
  ^bb0(%n: index, %xt: tensor<8x18xf32>, %mt: tensor<8x18xf32>):
    %w = chunk.dot %xt, %mt {transpose_rhs} : tensor<8x18xf32>, tensor<8x18xf32> -> tensor<8x8xf32>
    %o = chunk.dot %w, %mt : tensor<8x8xf32>, tensor<8x18xf32> -> tensor<8x18xf32>
    chunk.yield %o, %w : tensor<8x18xf32>, tensor<8x8xf32>
  }
  return %r#0, %r#1 : tensor<?x?x?x18xf32>, tensor<?x?x?x8x8xf32>
})";
  for (int64_t tokens : {1, 8, 50})
    check(format(text, {{"HOW", ""}, {"MORE", ""}}), {2, tokens, 3});
  // Entries that no packed sequence has stay as they are: multiples of a chunk.
  check(format(text, {{"HOW", " sequences(%cu : tensor<?xi32>)"},
                      {"MORE", ", %cu: tensor<?xi32>"}}),
        {1, 0, 3, 1, {7, 7, 7, 7}});
}

/// What runs of chunks begin with: in either direction, of a scan that is run
/// in other segments, of packed sequences, and of chunks side by side. Every
/// run has a chunk here.
TEST(ScanToCPU, Runs) {
  const char *text = R"(
func.func @f(%x: tensor<?x?x?x18xf32>, %s: tensor<?x?x18x18xf32>$MORE)
    -> (tensor<?x?x?x18xf32>, tensor<?x3x?x18x18xf32>, tensor<?x2x?x18x18xf32>) {
  %r:3 = chunk.scan 8$HOW segments(2) carry(%s [n, h, 0, 1] : tensor<?x?x18x18xf32>)
    in(%x [b, t, h, 1] : tensor<?x?x?x18xf32>)
    out([b, t, h, 1] : tensor<?x?x?x18xf32>, [n, s, h, 0, 1] : tensor<?x3x?x18x18xf32>)
    final([n, s, h, 0, 1] : tensor<?x2x?x18x18xf32>) {
  ^bb0(%S: tensor<18x18xf32>, %n: index, %xt: tensor<8x18xf32>):
    %xx = chunk.dot %xt, %xt {transpose_lhs} : tensor<8x18xf32>, tensor<8x18xf32> -> tensor<18x18xf32>
    %o = chunk.dot %xt, %S : tensor<8x18xf32>, tensor<18x18xf32> -> tensor<8x18xf32>
    %S1 = arith.addf %S, %xx : tensor<18x18xf32>
    chunk.yield %o, %S carry(%S1) : tensor<8x18xf32>, tensor<18x18xf32> carry tensor<18x18xf32>
  }
  return %r#0, %r#1, %r#2
    : tensor<?x?x?x18xf32>, tensor<?x3x?x18x18xf32>, tensor<?x2x?x18x18xf32>
})";
  std::string free = scanFunction(
      "%x: tensor<?x?x?x16xf32>$MORE", "tensor<?x3x?x16xf32>",
      "8$HOW in(%x [b, t, h, 1] : tensor<?x?x?x16xf32>) "
      "out([n, s, h, 0] : tensor<?x3x?x16xf32>)",
      "%n: index, %xt: tensor<8x16xf32>",
      "    %y = chunk.row %xt [1] : tensor<8x16xf32> -> tensor<16xf32>\n"
      "    chunk.yield %y : tensor<16xf32>");
  for (const std::string &program : {std::string(text), free})
    for (const char *how : {"", " reverse"}) {
      std::string packed = how + std::string(" sequences(%cu : tensor<?xi32>)");
      for (int64_t tokens : {40, 50, 100})
        check(format(program, {{"HOW", how}, {"MORE", ""}}), {2, tokens, 3});
      check(format(program,
                   {{"HOW", packed}, {"MORE", ", %cu: tensor<?xi32>"}}),
            {1, 0, 3, 1, {50, 17, 71, 100}});
    }
}
