//===- TensorTest.cpp - shapes and copies ---------------------------------===//
// The operations of tensor that surround an operator.
//===----------------------------------------------------------------------===//
#include "Interpreter/Evaluate.h"
#include <cmath>

using namespace deltanet::test;

TEST(InterpreterTensor, DimsEmptyAndIndexArithmetic) {
  std::vector<Tensor> results = evaluate(R"(
    func.func @f(%x: tensor<?x3xf32>) -> (index, tensor<?x2xf32>) {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %d = tensor.dim %x, %c0 : tensor<?x3xf32>
      %n = arith.muli %d, %c2 : index
      %e = tensor.empty(%n) : tensor<?x2xf32>
      return %n, %e : index, tensor<?x2xf32>
    })",
                                         {{{2, 3}, Doubles(6, 0.0)}});
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[0].data, Doubles({4}));
  EXPECT_EQ(results[1].shape, Shape({4, 2}));
  for (double x : results[1].data)
    EXPECT_TRUE(std::isnan(x)) << "nothing was written to it";
}

TEST(InterpreterTensor, Reshapes) {
  std::vector<Tensor> results =
      evaluate(R"(
    func.func @f(%x: tensor<?x4xf32>, %n: index) -> (tensor<?x2x2xf32>, tensor<?xf32>, tensor<2x4xf32>) {
      %a = tensor.expand_shape %x [[0], [1, 2]] output_shape [%n, 2, 2] : tensor<?x4xf32> into tensor<?x2x2xf32>
      %b = tensor.collapse_shape %x [[0, 1]] : tensor<?x4xf32> into tensor<?xf32>
      %c = tensor.cast %x : tensor<?x4xf32> to tensor<2x4xf32>
      return %a, %b, %c : tensor<?x2x2xf32>, tensor<?xf32>, tensor<2x4xf32>
    })",
               {{{2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}}, scalar(2)});
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0].shape, Shape({2, 2, 2}));
  EXPECT_EQ(results[1].shape, Shape({8}));
  EXPECT_EQ(results[2].shape, Shape({2, 4}));
  for (const Tensor &result : results)
    EXPECT_EQ(result.data, Doubles({1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST(InterpreterTensor, Slices) {
  std::vector<Tensor> results =
      evaluate(R"(
    func.func @f(%x: tensor<3x4xf32>, %i: index) -> (tensor<2x2xf32>, tensor<4xf32>, tensor<3x4xf32>) {
      %a = tensor.extract_slice %x[0, %i] [2, 2] [2, 2] : tensor<3x4xf32> to tensor<2x2xf32>
      %b = tensor.extract_slice %x[%i, 0] [1, 4] [1, 1] : tensor<3x4xf32> to tensor<4xf32>
      %c = tensor.insert_slice %a into %x[1, 0] [2, 2] [1, 3] : tensor<2x2xf32> into tensor<3x4xf32>
      return %a, %b, %c : tensor<2x2xf32>, tensor<4xf32>, tensor<3x4xf32>
    })",
               {{{3, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}}, scalar(1)});
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0].data, Doubles({1, 3, 9, 11}));
  EXPECT_EQ(results[1].data, Doubles({4, 5, 6, 7}));
  EXPECT_EQ(results[2].data, Doubles({0, 1, 2, 3, 1, 5, 6, 3, 9, 9, 10, 11}));
}

TEST(InterpreterTensor, Elements) {
  std::vector<Tensor> results = evaluate(R"(
    func.func @f(%x: tensor<2x2xf32>, %n: index) -> (tensor<?x2xf32>, tensor<2xf32>, f32) {
      %c1 = arith.constant 1 : index
      %c0 = arith.constant 0 : index
      %a = tensor.extract %x[%c1, %c0] : tensor<2x2xf32>
      %b = tensor.extract %x[%c0, %c1] : tensor<2x2xf32>
      %s = tensor.splat %a[%n] : tensor<?x2xf32>
      %e = tensor.from_elements %a, %b : tensor<2xf32>
      return %s, %e, %b : tensor<?x2xf32>, tensor<2xf32>, f32
    })",
                                         {{{2, 2}, {1, 2, 3, 4}}, scalar(2)});
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0].data, Doubles({3, 3, 3, 3}));
  EXPECT_EQ(results[1].data, Doubles({3, 2}));
  EXPECT_EQ(results[2].data, Doubles({2}));
}

TEST(InterpreterTensor, ArgumentsMayBeReturnedAndReturnedTwice) {
  Tensor x{{2}, {1, 2}};
  std::vector<Tensor> results = evaluate(R"(
    func.func @f(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
      %y = arith.addf %x, %x : tensor<2xf32>
      return %x, %x, %y, %y : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
    })",
                                         {x});
  ASSERT_EQ(results.size(), 4u);
  EXPECT_EQ(x.data, Doubles({1, 2}));
  EXPECT_EQ(results[0].data, x.data);
  EXPECT_EQ(results[1].data, x.data);
  EXPECT_EQ(results[2].data, Doubles({2, 4}));
  EXPECT_EQ(results[3].data, Doubles({2, 4}));
}
