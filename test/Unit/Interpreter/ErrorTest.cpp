//===- ErrorTest.cpp - what the interpreter refuses -----------------------===//
// Each message with its place. If one is missing, a wrong reference is computed
// without a word.
//===----------------------------------------------------------------------===//
#include "Interpreter/Evaluate.h"

using namespace deltanet::test;

static Tensor zeros(Shape shape) {
  int64_t size = 1;
  for (int64_t extent : shape)
    size *= extent;
  return {shape, Doubles(size, 0.0)};
}

TEST(InterpreterRefuses, UnknownOperations) {
  EXPECT_EQ(
      refuse(
          R"(func.func @f(%x: tensor<?xf32>, %s: tensor<1xi32>) -> tensor<?xf32> {
  %r = tensor.reshape %x(%s) : (tensor<?xf32>, tensor<1xi32>) -> tensor<?xf32>
  return %r : tensor<?xf32>
})",
          {zeros({2}), zeros({1})}),
      "2:8: expects an operation that the interpreter can evaluate, got "
      "'tensor.reshape'");
  EXPECT_EQ(refuse(R"(func.func @f(%x: f32) -> f32 {
  %s, %c = math.sincos %x : f32
  return %s : f32
})",
                   {scalar(1)}),
            "2:12: expects an operation that the interpreter can evaluate, got "
            "'math.sincos'");
}

TEST(InterpreterRefuses, UnknownOperationsInABody) {
  EXPECT_EQ(refuse(R"(#id = affine_map<(i) -> (i)>
func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  %r = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel"]} outs(%x : tensor<2xf32>) {
  ^bb0(%a: f32):
    %i = linalg.index 0 : index
    %b = tensor.extract %x[%i] : tensor<2xf32>
    linalg.yield %b : f32
  } -> tensor<2xf32>
  return %r : tensor<2xf32>
})",
                   {zeros({2})}),
            "6:10: expects an operation that the interpreter can evaluate, got "
            "'tensor.extract'");
}

TEST(InterpreterRefuses, ElementTypesAndRoundings) {
  EXPECT_EQ(
      refuse(R"(func.func @f(%x: tensor<2xf8E4M3FN>) -> tensor<2xf8E4M3FN> {
  %r = arith.addf %x, %x : tensor<2xf8E4M3FN>
  return %r : tensor<2xf8E4M3FN>
})",
             {zeros({2})}),
      "2:8: 'arith.addf' op expects elements of f64, f32, bf16, f16, index or "
      "integers of at "
      "most 64 bits to evaluate it, got 'f8E4M3FN'");
  EXPECT_EQ(refuse(R"(func.func @f(%x: f32) -> bf16 {
  %r = arith.truncf %x upward : f32 to bf16
  return %r : bf16
})",
                   {scalar(1)}),
            "2:8: 'arith.truncf' op expects rounding to nearest even to "
            "evaluate it, got upward");
}

TEST(InterpreterRefuses, Arguments) {
  const char *text = R"(func.func @f(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  return %x : tensor<?x2xf32>
})";
  EXPECT_EQ(refuse(text, {}), "1:1: 'func.func' op expects 1 arguments, got 0");
  EXPECT_EQ(refuse(text, {zeros({2, 3})}),
            "1:1: 'func.func' op expects argument 0 of type "
            "'tensor<?x2xf32>', got extents 2x3");
  EXPECT_EQ(refuse(text, {zeros({2})}),
            "1:1: 'func.func' op expects argument 0 of type 'tensor<?x2xf32>', "
            "got extents 2");
  EXPECT_EQ(refuse(text, {scalar(1)}),
            "1:1: 'func.func' op expects argument 0 of type "
            "'tensor<?x2xf32>', got extents none (a scalar)");
  EXPECT_EQ(refuse(text, {{{2, 2}, {1, 2, 3}}}),
            "1:1: 'func.func' op expects 4 elements in argument 0, got 3");
  EXPECT_EQ(refuse("func.func @f(%x: memref<2xf32>) { return }", {zeros({2})}),
            "1:1: 'func.func' op expects tensors and scalars as arguments to "
            "evaluate it, got "
            "'memref<2xf32>' as argument 0");
  EXPECT_EQ(refuse("func.func @f(%x: i1) { return }", {scalar(1)}),
            "1:1: 'func.func' op expects arguments of floats or of integers of "
            "several bits to "
            "evaluate it, got 'i1' as argument 0");
  EXPECT_EQ(
      refuse("func.func private @f()", {}),
      "1:1: 'func.func' op expects a body of one block to evaluate it, got 0");
}

TEST(InterpreterRefuses, ExtentsThatDoNotFit) {
  EXPECT_EQ(
      refuse(
          R"(func.func @f(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  %r = arith.addf %x, %y : tensor<?xf32>
  return %r : tensor<?xf32>
})",
          {zeros({2}), zeros({3})}),
      "2:8: 'arith.addf' op expects operands of one shape, got 2 and 3");
  EXPECT_EQ(refuse(R"(func.func @f(%x: tensor<?xf32>) -> tensor<3xf32> {
  %r = tensor.cast %x : tensor<?xf32> to tensor<3xf32>
  return %r : tensor<3xf32>
})",
                   {zeros({2})}),
            "2:8: expects a value of type 'tensor<3xf32>', got extents 2");
  const char *generic = R"(#id = affine_map<(i) -> (i)>
#next = affine_map<(i) -> (i + 1)>
func.func @f(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  %r = linalg.generic {indexing_maps = [#MAP, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%y : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<?xf32>
  return %r : tensor<?xf32>
})";
  auto withMap = [&](const char *map) {
    std::string text = generic;
    return text.replace(text.find("#MAP"), 4, map);
  };
  EXPECT_EQ(refuse(withMap("#id"), {zeros({2}), zeros({3})}),
            "4:8: 'linalg.generic' op expects extent 2 in dimension 0 of "
            "operand #1 (loop 0), got 3");
  EXPECT_EQ(refuse(withMap("#next"), {zeros({3}), zeros({3})}),
            "4:8: 'linalg.generic' op expects indices within 0 and 2 in "
            "dimension 0 of operand #0, "
            "got 1 to 3");
}

TEST(InterpreterRefuses, SlicesAndIndices) {
  const char *slice =
      R"(func.func @f(%x: tensor<4xf32>, %i: index) -> tensor<2xf32> {
  %r = tensor.extract_slice %x[%i] [2] [1] : tensor<4xf32> to tensor<2xf32>
  return %r : tensor<2xf32>
})";
  EXPECT_EQ(refuse(slice, {zeros({4}), scalar(3)}),
            "2:8: 'tensor.extract_slice' op expects a slice within 0 and 3 in "
            "dimension 0, got 2 "
            "elements from 3 to 4");
  EXPECT_EQ(refuse(R"(func.func @f(%x: tensor<4xf32>, %i: index) -> f32 {
  %r = tensor.extract %x[%i] : tensor<4xf32>
  return %r : f32
})",
                   {zeros({4}), scalar(4)}),
            "2:8: 'tensor.extract' op expects an index within 0 and 3 in "
            "dimension 0, got 4");
  EXPECT_EQ(refuse(R"(func.func @f(%i: index) -> tensor<?xf32> {
  %n = arith.divsi %i, %i : index
  %r = tensor.empty(%n) : tensor<?xf32>
  return %r : tensor<?xf32>
})",
                   {scalar(0)}),
            "3:8: 'tensor.empty' op expects indices of at most 2^53, got nan "
            "(a division by zero "
            "gives none)");
  EXPECT_EQ(
      refuse(R"(func.func @f(%i: index) -> tensor<?xf32> {
  %r = tensor.empty(%i) : tensor<?xf32>
  return %r : tensor<?xf32>
})",
             {scalar(-1)}),
      "2:8: 'tensor.empty' op expects extents that are not negative, got -1");
  EXPECT_EQ(refuse(R"(func.func @f(%x: tensor<?xf32>, %i: index) -> index {
  %r = tensor.dim %x, %i : tensor<?xf32>
  return %r : index
})",
                   {zeros({4}), scalar(1)}),
            "2:8: 'tensor.dim' op expects a dimension below 1, got 1");
  EXPECT_EQ(
      refuse(R"(func.func @f(%x: tensor<?xf32>, %i: index) -> tensor<?x2xf32> {
  %r = tensor.expand_shape %x [[0, 1]] output_shape [%i, 2] : tensor<?xf32> into tensor<?x2xf32>
  return %r : tensor<?x2xf32>
})",
             {zeros({4}), scalar(3)}),
      "2:8: 'tensor.expand_shape' op expects as many elements as before, 4, "
      "got 3x2");
}

TEST(InterpreterRefuses, Recurrences) {
  const char *text = R"(!t = tensor<?x?x?x2xf32>
func.func @f(%q: !t, %k: !t, %v: !t, %b: tensor<?x?x?xf32>, %n: tensor<?xi32>) -> !t {
  %o = linrec.scan %q, %k, %v beta(%b : tensor<?x?x?xf32>) sequences(%n : tensor<?xi32>) : !t, !t, !t -> !t
  return %o : !t
})";
  Tensor x = zeros({1, 3, 1, 2}), beta = zeros({1, 3, 1}), n{{2}, {0, 3}};
  EXPECT_EQ(evaluate(text, {x, x, x, beta, n}).size(), 1u);
  EXPECT_EQ(
      refuse(text, {x, zeros({1, 4, 1, 2}), x, beta, n}),
      "3:8: 'linrec.scan' op expects key of extents 1x3x1x2, got 1x4x1x2");
  EXPECT_EQ(refuse(text, {x, x, x, zeros({1, 3, 2}), n}),
            "3:8: 'linrec.scan' op expects beta of extents 1x3x1, got 1x3x2");
  EXPECT_EQ(refuse(text, {x, x, x, beta, {{2}, {0, 2}}}),
            "3:8: 'linrec.scan' op expects offsets of packed sequences to end "
            "with the number of "
            "tokens 3, got 2 at entry 1");
  EXPECT_EQ(refuse(text, {zeros({1, 3, 2, 2}), zeros({1, 3, 2, 2}),
                          zeros({1, 3, 3, 2}), zeros({1, 3, 3}), n}),
            "3:8: 'linrec.scan' op expects heads of query to divide heads of "
            "value, got 2 and 3");
}
