//===- StructuredTest.cpp - linalg in float64 -----------------------------===//
// Loops, maps and bodies against plain loops in C++, at sizes around the number
// of lanes and above the size from which cores share the work.
//===----------------------------------------------------------------------===//
#include "Interpreter/Evaluate.h"
#include <cmath>
#include <numeric>

using namespace deltanet::test;

static Tensor count(Shape shape) {
  int64_t size = std::accumulate(shape.begin(), shape.end(), int64_t(1),
                                 std::multiplies<int64_t>());
  Tensor tensor{std::move(shape), Doubles(size)};
  std::iota(tensor.data.begin(), tensor.data.end(), 1.0);
  return tensor;
}

TEST(InterpreterStructured, BroadcastTransposeAndIndex) {
  // r[i, j] = x[j, i] * y[i] + 100 i + j.
  const char *text = R"(
    #t = affine_map<(i, j) -> (j, i)>
    #v = affine_map<(i, j) -> (i)>
    #id = affine_map<(i, j) -> (i, j)>
    func.func @f(%x: tensor<?x?xf32>, %y: tensor<?xf32>, %init: tensor<?x?xf32>) -> tensor<?x?xf32> {
      %hundred = arith.constant 100.0 : f32
      %r = linalg.generic {indexing_maps = [#t, #v, #id], iterator_types = ["parallel", "parallel"]}
          ins(%x, %y : tensor<?x?xf32>, tensor<?xf32>) outs(%init : tensor<?x?xf32>) {
      ^bb0(%a: f32, %b: f32, %out: f32):
        %i = linalg.index 0 : index
        %j = linalg.index 1 : index
        %i32 = arith.index_cast %i : index to i32
        %j32 = arith.index_cast %j : index to i32
        %fi = arith.sitofp %i32 : i32 to f32
        %fj = arith.sitofp %j32 : i32 to f32
        %p = arith.mulf %a, %b : f32
        %q = arith.mulf %fi, %hundred : f32
        %s = arith.addf %p, %q : f32
        %u = arith.addf %s, %fj : f32
        linalg.yield %u : f32
      } -> tensor<?x?xf32>
      return %r : tensor<?x?xf32>
    })";
  for (auto [rows, columns] :
       std::initializer_list<std::pair<int64_t, int64_t>>{
           {1, 1}, {2, 3}, {127, 5}, {5, 129}, {300, 200}, {0, 4}}) {
    Tensor x = count({columns, rows}), y = count({rows});
    std::vector<Tensor> results =
        evaluate(text, {x, y, count({rows, columns})});
    ASSERT_EQ(results.size(), 1u);
    EXPECT_EQ(results[0].shape, Shape({rows, columns}));
    for (int64_t i = 0; i != rows; ++i)
      for (int64_t j = 0; j != columns; ++j)
        ASSERT_EQ(results[0].data[i * columns + j],
                  x.data[j * rows + i] * y.data[i] + 100.0 * i + j);
  }
}

TEST(InterpreterStructured, ReductionsAlongEachDimension) {
  for (int dimension : {0, 1, 2}) {
    Shape shape = {7, 130, 33}, kept;
    for (int d : {0, 1, 2})
      if (d != dimension)
        kept.push_back(shape[d]);
    std::string type = "tensor<" + std::to_string(kept[0]) + "x" +
                       std::to_string(kept[1]) + "xf32>";
    Tensor x = count(shape), init = count(kept);
    std::vector<Tensor> results =
        evaluate("func.func @f(%x: tensor<7x130x33xf32>, %init: " + type +
                     ") -> " + type +
                     " {\n %r = linalg.reduce { arith.addf } ins(%x : "
                     "tensor<7x130x33xf32>) outs(%init : " +
                     type + ") dimensions = [" + std::to_string(dimension) +
                     "]\n return %r : " + type + "\n}",
                 {x, init});
    ASSERT_EQ(results.size(), 1u);
    Doubles want = init.data;
    for (int64_t i = 0; i != 7; ++i)
      for (int64_t j = 0; j != 130; ++j)
        for (int64_t l = 0; l != 33; ++l)
          want[dimension == 0   ? j * 33 + l
               : dimension == 1 ? i * 33 + l
                                : i * 130 + j] +=
              x.data[(i * 130 + j) * 33 + l];
    EXPECT_EQ(results[0].data, want) << dimension;
  }
}

TEST(InterpreterStructured, ReductionToAScalar) {
  std::vector<Tensor> results = evaluate(R"(
    func.func @f(%x: tensor<?xf32>, %init: tensor<f32>) -> tensor<f32> {
      %r = linalg.reduce { arith.addf } ins(%x : tensor<?xf32>) outs(%init : tensor<f32>) dimensions = [0]
      return %r : tensor<f32>
    })",
                                         {count({20000}), scalar(5)});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].data, Doubles({5 + 20000.0 * 20001 / 2}));
}

TEST(InterpreterStructured, NamedOperations) {
  std::vector<Tensor> results = evaluate(R"(
    func.func @f(%x: tensor<2x3xf32>, %y: tensor<3x2xf32>) -> (tensor<2x2xf32>, tensor<3x2xf32>, tensor<2x3xf32>, tensor<2x3x4xf32>) {
      %zero = arith.constant 0.0 : f32
      %e = tensor.empty() : tensor<2x2xf32>
      %init = linalg.fill ins(%zero : f32) outs(%e : tensor<2x2xf32>) -> tensor<2x2xf32>
      %product = linalg.matmul ins(%x, %y : tensor<2x3xf32>, tensor<3x2xf32>) outs(%init : tensor<2x2xf32>) -> tensor<2x2xf32>
      %e1 = tensor.empty() : tensor<3x2xf32>
      %t = linalg.transpose ins(%x : tensor<2x3xf32>) outs(%e1 : tensor<3x2xf32>) permutation = [1, 0]
      %e2 = tensor.empty() : tensor<2x3xf32>
      %m = linalg.map { arith.mulf } ins(%x, %x : tensor<2x3xf32>, tensor<2x3xf32>) outs(%e2 : tensor<2x3xf32>)
      %e3 = tensor.empty() : tensor<2x3x4xf32>
      %b = linalg.broadcast ins(%x : tensor<2x3xf32>) outs(%e3 : tensor<2x3x4xf32>) dimensions = [2]
      return %product, %t, %m, %b : tensor<2x2xf32>, tensor<3x2xf32>, tensor<2x3xf32>, tensor<2x3x4xf32>
    })",
                                         {count({2, 3}), count({3, 2})});
  ASSERT_EQ(results.size(), 4u);
  EXPECT_EQ(results[0].data, Doubles({22, 28, 49, 64}));
  EXPECT_EQ(results[1].data, Doubles({1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(results[2].data, Doubles({1, 4, 9, 16, 25, 36}));
  for (int64_t i = 0; i != 24; ++i)
    EXPECT_EQ(results[3].data[i], i / 4 + 1);
}

TEST(InterpreterStructured, TwoResultsAndAnInitThatIsRead) {
  std::vector<Tensor> results = evaluate(R"(
    #id = affine_map<(i) -> (i)>
    func.func @f(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
      %r:2 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
          ins(%x : tensor<4xf32>) outs(%y, %y : tensor<4xf32>, tensor<4xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %s = arith.addf %a, %b : f32
        linalg.yield %s, %a : f32, f32
      } -> (tensor<4xf32>, tensor<4xf32>)
      return %r#0, %r#1 : tensor<4xf32>, tensor<4xf32>
    })",
                                         {count({4}), {{4}, {10, 20, 30, 40}}});
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[0].data, Doubles({11, 22, 33, 44}));
  EXPECT_EQ(results[1].data, Doubles({1, 2, 3, 4}));
}

TEST(InterpreterStructured, MapsWithSumsAndDivisions) {
  // Groups of heads: every third index of the loop reads the same element; and
  // a window of two over the other operand.
  std::vector<Tensor> results = evaluate(
      R"(
    #group = affine_map<(i, j) -> (i floordiv 3)>
    #window = affine_map<(i, j) -> (i * 2 + j)>
    #out = affine_map<(i, j) -> (i)>
    #two = affine_map<(i, j) -> (j)>
    func.func @f(%x: tensor<2xf32>, %y: tensor<12xf32>, %w: tensor<2xf32>, %init: tensor<6xf32>) -> tensor<6xf32> {
      %r = linalg.generic {indexing_maps = [#group, #window, #two, #out], iterator_types = ["parallel", "reduction"]}
          ins(%x, %y, %w : tensor<2xf32>, tensor<12xf32>, tensor<2xf32>) outs(%init : tensor<6xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32, %out: f32):
        %p = arith.mulf %a, %b : f32
        %s = arith.addf %p, %out : f32
        linalg.yield %s : f32
      } -> tensor<6xf32>
      return %r : tensor<6xf32>
    })",
      {{{2}, {1, 10}}, count({12}), count({2}), {{6}, Doubles(6, 0.0)}});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].data, Doubles({3, 7, 11, 150, 190, 230}));
}

TEST(InterpreterStructured, EightMillionElements) {
  // The value and the sum of squares of a layer: the sizes a check works on.
  std::vector<Tensor> results =
      evaluate(R"(
    #all = affine_map<(t, h, d) -> (t, h, d)>
    #row = affine_map<(t, h, d) -> (t, h)>
    func.func @f(%x: tensor<?x16x128xf32>, %sums: tensor<?x16xf32>) -> tensor<?x16xf32> {
      %y = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel"]}
          ins(%x : tensor<?x16x128xf32>) outs(%x : tensor<?x16x128xf32>) {
      ^bb0(%a: f32, %out: f32):
        %n = arith.negf %a : f32
        %e = math.exp %n : f32
        %one = arith.constant 1.0 : f32
        %d = arith.addf %e, %one : f32
        %s = arith.divf %a, %d : f32
        linalg.yield %s : f32
      } -> tensor<?x16x128xf32>
      %r = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "parallel", "reduction"]}
          ins(%y : tensor<?x16x128xf32>) outs(%sums : tensor<?x16xf32>) {
      ^bb0(%a: f32, %sum: f32):
        %p = arith.mulf %a, %a : f32
        %s = arith.addf %p, %sum : f32
        linalg.yield %s : f32
      } -> tensor<?x16xf32>
      return %r : tensor<?x16xf32>
    })",
               {{{4096, 16, 128}, Doubles(4096 * 16 * 128, 0.5)},
                {{4096, 16}, Doubles(4096 * 16, 0.0)}});
  ASSERT_EQ(results.size(), 1u);
  double silu = 0.5 / (1 + std::exp(-0.5));
  for (double sum : results[0].data)
    ASSERT_NEAR(sum, 128 * silu * silu, 1e-12);
}
