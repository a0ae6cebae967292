//===- RecurrenceTest.cpp - linrec in float64 -----------------------------===//
// That every operand and attribute of an operation reaches the reference: each
// of them is given in the text and, beside it, described to lib/Reference by
// hand.
//===----------------------------------------------------------------------===//
#include "Interpreter/Evaluate.h"
#include "Reference/DenseReference.h"
#include "deltanet/Support/File.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <cmath>

using namespace deltanet;
using namespace deltanet::test;

static std::vector<Tensor> expectEqual(const std::string &text,
                                       std::vector<Tensor> arguments,
                                       reference::Recurrence r,
                                       Shape outputShape, Shape stateShape) {
  std::vector<Tensor> results = evaluate(text, arguments);
  Doubles output(r.B * r.T * r.H * r.V),
      state(r.getNumSequences() * r.H * r.K * r.V);
  r.o = output.data(), r.finalState = state.data();
  EXPECT_EQ(reference::run(r).value_or(""), "");
  EXPECT_EQ(results.size(), 2u);
  if (results.size() == 2) {
    EXPECT_EQ(results[0].shape, outputShape);
    EXPECT_EQ(results[0].data, output);
    EXPECT_EQ(results[1].shape, stateShape);
    EXPECT_EQ(results[1].data, state);
  }
  return results;
}

static Tensor random(Shape shape, uint64_t seed, double low = -1,
                     double high = 1) {
  int64_t size = 1;
  for (int64_t extent : shape)
    size *= extent;
  return {shape, randomNumbers(size, seed, low, high)};
}

TEST(InterpreterRecurrence, GatedDeltaRuleWithEveryOption) {
  // bhtd, vk, two steps a token, grouped heads, both states, a scale.
  std::vector<Tensor> x = {
      random({2, 2, 3, 4}, 1),     random({2, 2, 6, 4}, 2),
      random({2, 4, 6, 5}, 3),     random({2, 4, 6}, 4, 0, 1),
      random({2, 4, 3}, 5, -1, 0), random({2, 4, 5, 4}, 6)};
  reference::Recurrence r;
  r.B = 2, r.T = 3, r.G = 2, r.H = 4, r.K = 4, r.V = 5, r.steps = 2,
  r.scale = 0.25;
  r.layout = reference::Layout::BHTD,
  r.stateLayout = reference::StateLayout::VK;
  r.q = x[0].data.data(), r.k = x[1].data.data(), r.v = x[2].data.data();
  r.beta = x[3].data.data(), r.decay = x[4].data.data(),
  r.initialState = x[5].data.data();
  expectEqual(R"(
    func.func @f(%q: tensor<?x?x?x4xf32>, %k: tensor<?x?x?x4xf32>, %v: tensor<?x?x?x5xf32>,
                 %beta: tensor<?x?x?xf32>, %g: tensor<?x?x?xf32>, %s: tensor<?x?x5x4xf32>)
        -> (tensor<?x?x?x5xf32>, tensor<?x?x5x4xf32>) {
      %o, %f = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x?xf32>) decay(%g : tensor<?x?x?xf32>)
          initial(%s : tensor<?x?x5x4xf32>) layout(bhtd) state_layout(vk) steps(2) {scale = 0.25}
          : tensor<?x?x?x4xf32>, tensor<?x?x?x4xf32>, tensor<?x?x?x5xf32>
         -> tensor<?x?x?x5xf32>, tensor<?x?x5x4xf32>
      return %o, %f : tensor<?x?x?x5xf32>, tensor<?x?x5x4xf32>
    })",
              x, r, {2, 4, 3, 5}, {2, 4, 5, 4});
}

TEST(InterpreterRecurrence, PackedReadOutBeforeWithBonus) {
  std::vector<Tensor> x = {
      random({1, 6, 2, 3}, 1), random({1, 6, 2, 3}, 2),
      random({1, 6, 2, 4}, 3), random({1, 6, 2, 3}, 4, -2, 0),
      random({2, 3}, 5),       {{4}, {0, 2, 2, 6}}};
  int64_t offsets[] = {0, 2, 2, 6};
  reference::Recurrence r;
  r.B = 1, r.T = 6, r.G = 2, r.H = 2, r.K = 3, r.V = 4, r.N = 3,
  r.cuSeqlens = offsets;
  r.readOut = reference::ReadOut::Before, r.decayPerChannel = true;
  r.q = x[0].data.data(), r.k = x[1].data.data(), r.v = x[2].data.data();
  r.decay = x[3].data.data(), r.bonus = x[4].data.data();
  expectEqual(R"(
    func.func @f(%q: tensor<1x?x2x3xf32>, %k: tensor<1x?x2x3xf32>, %v: tensor<1x?x2x4xf32>,
                 %g: tensor<1x?x2x3xf32>, %u: tensor<2x3xf32>, %n: tensor<?xi32>)
        -> (tensor<1x?x2x4xf32>, tensor<?x2x3x4xf32>) {
      %o, %f = linrec.scan %q, %k, %v decay(%g : tensor<1x?x2x3xf32>) bonus(%u : tensor<2x3xf32>)
          sequences(%n : tensor<?xi32>) read_out(before)
          : tensor<1x?x2x3xf32>, tensor<1x?x2x3xf32>, tensor<1x?x2x4xf32>
         -> tensor<1x?x2x4xf32>, tensor<?x2x3x4xf32>
      return %o, %f : tensor<1x?x2x4xf32>, tensor<?x2x3x4xf32>
    })",
              x, r, {1, 6, 2, 4}, {3, 2, 3, 4});
}

TEST(InterpreterRecurrence, GeneralTransition) {
  std::vector<Tensor> x = {
      random({2, 3, 1, 4}, 1), random({2, 3, 1, 4}, 2),
      random({2, 3, 1, 4}, 3), random({2, 3, 1, 4}, 4),
      random({2, 3, 1, 4}, 5), random({2, 3, 1}, 6, -1, 0)};
  reference::Recurrence r;
  r.B = 2, r.T = 3, r.G = r.H = 1, r.K = r.V = 4;
  r.q = x[0].data.data(), r.k = x[1].data.data(), r.v = x[2].data.data();
  r.a = x[3].data.data(), r.b = x[4].data.data(), r.decay = x[5].data.data();
  expectEqual(R"(
    !t = tensor<2x3x1x4xf32>
    func.func @f(%q: !t, %k: !t, %v: !t, %a: !t, %b: !t, %g: tensor<2x3x1xf32>) -> (!t, tensor<2x1x4x4xf32>) {
      %o, %f = linrec.dplr_scan %q, %k, %v a(%a) b(%b) decay(%g : tensor<2x3x1xf32>)
          : !t, !t, !t, !t, !t -> !t, tensor<2x1x4x4xf32>
      return %o, %f : !t, tensor<2x1x4x4xf32>
    })",
              x, r, {2, 3, 1, 4}, {2, 1, 4, 4});
}

TEST(InterpreterRecurrence, EveryExampleIsEvaluated) {
  // Their numbers are compared with compiled code elsewhere; here: that nothing
  // in them is beyond the interpreter, and that what comes out is finite.
  std::error_code error;
  int64_t count = 0;
  for (llvm::sys::fs::directory_iterator file(DELTANET_EXAMPLES, error), end;
       file != end && !error; file.increment(error)) {
    if (llvm::sys::path::extension(file->path()) != ".mlir")
      continue;
    SCOPED_TRACE(file->path());
    std::string message;
    std::optional<std::string> text = support::readFile(file->path(), message);
    ASSERT_TRUE(text) << message;
    for (const Tensor &result : evaluateOnRandom(*text))
      for (double x : result.data)
        ASSERT_TRUE(std::isfinite(x));
    ++count;
  }
  EXPECT_FALSE(error) << error.message();
  EXPECT_GE(count, 13);
}
