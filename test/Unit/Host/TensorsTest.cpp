//===- TensorsTest.cpp - what is left on tensors around scans -------------===//
// Work around an operator that no scan computes becomes loops; the memory
// between is freed. The oracle is the interpreter.
//===----------------------------------------------------------------------===//
#include "HostRunner.h"
#include "deltanet/Conversion/Passes.h"
#include "deltanet/Interpreter/Interpreter.h"
#include "deltanet/Pipelines/ChunkToLLVM.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"
#include <random>

using namespace mlir;
using namespace deltanet;
using namespace deltanet::test;

/// Runs `text`'s function on tensors of `shapes` (arguments, then results)
/// without fusing anything, and compares it with the interpreter.
static void checkUnfused(const std::string &text,
                         const std::vector<std::vector<int64_t>> &shapes,
                         double tolerance = 2e-6) {
  OwningOpRef<ModuleOp> module = parse(text);
  ASSERT_TRUE(module);
  func::FuncOp function = *module->getOps<func::FuncOp>().begin();
  std::mt19937 random(1);
  std::vector<Array> inputs;
  std::vector<interpreter::Tensor> tensors;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
    Array a{shapes[i], getElementTypeOrSelf(type), {}};
    for (int64_t j = 0; j < a.size(); ++j)
      a.values.push_back(roundTo(a.element, -0.3 * (random() / 4294967296.0)));
    inputs.push_back(a);
    tensors.push_back({a.shape, a.values});
  }
  FailureOr<std::vector<interpreter::Tensor>> want =
      interpreter::evaluate(function, tensors);
  ASSERT_TRUE(succeeded(want));
  PassManager manager(&getContext());
  manager.addNestedPass<func::FuncOp>(createConvertLinRecToChunk());
  ASSERT_TRUE(succeeded(manager.run(*module)));
  std::vector<std::vector<int64_t>> results(shapes.begin() + inputs.size(),
                                            shapes.end());
  std::vector<Array> got =
      run(*module, function.getName().str(), inputs, results);
  ASSERT_EQ(got.size(), want->size());
  for (size_t i = 0; i < got.size(); ++i) {
    Array expected{(*want)[i].shape, got[i].element, (*want)[i].data};
    EXPECT_LE(relativeError(got[i], expected), tolerance)
        << "result " << i << " of\n"
        << text;
  }
}

TEST(TensorsToCPU, ProducersAndConsumersOfAScan) {
  checkUnfused(R"(
#all = affine_map<(b, t, h) -> (b, t, h)>
#head = affine_map<(b, t, h) -> (h)>
func.func @layer(%q: tensor<?x?x2x24xf32>, %k: tensor<?x?x2x24xf32>, %v: tensor<?x?x2x40xf32>,
                 %b: tensor<?x?x2xf32>, %a: tensor<2xf32>)
    -> (tensor<?x?x2x40xf32>, tensor<?x?x2x40xf32>, tensor<?x?x80xf32>) {
  %one = arith.constant 1.0 : f32
  %beta = linalg.generic {indexing_maps = [#all, #head, #all],
                          iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%b, %a : tensor<?x?x2xf32>, tensor<2xf32>) outs(%b : tensor<?x?x2xf32>) {
  ^bb0(%x: f32, %y: f32, %out: f32):
    %e = math.exp %x : f32
    %d = arith.addf %e, %one : f32
    %s = arith.divf %e, %d : f32
    %r = arith.mulf %s, %y : f32
    linalg.yield %r : f32
  } -> tensor<?x?x2xf32>
  %k2 = arith.mulf %k, %k : tensor<?x?x2x24xf32>
  %o = linrec.scan %q, %k2, %v beta(%beta : tensor<?x?x2xf32>)
      : tensor<?x?x2x24xf32>, tensor<?x?x2x24xf32>, tensor<?x?x2x40xf32>
     -> tensor<?x?x2x40xf32>
  // One result as it is, one computed from it, one of another shape.
  %n = arith.negf %o : tensor<?x?x2x40xf32>
  %t = math.tanh %n : tensor<?x?x2x40xf32>
  %flat = tensor.collapse_shape %t [[0], [1], [2, 3]]
      : tensor<?x?x2x40xf32> into tensor<?x?x80xf32>
  return %o, %t, %flat : tensor<?x?x2x40xf32>, tensor<?x?x2x40xf32>, tensor<?x?x80xf32>
})",
               {{2, 70, 2, 24},
                {2, 70, 2, 24},
                {2, 70, 2, 40},
                {2, 70, 2},
                {2},
                {2, 70, 2, 40},
                {2, 70, 2, 40},
                {2, 70, 80}});
}

TEST(TensorsToCPU, ScansInARow) {
  checkUnfused(R"(
func.func @two(%q: tensor<?x?x2x32xf32>, %k: tensor<?x?x2x32xf32>, %v: tensor<?x?x2x32xf32>)
    -> (tensor<?x?x2x32xf32>, tensor<?x2x32x32xf32>) {
  %o, %s = linrec.scan %q, %k, %v
      : tensor<?x?x2x32xf32>, tensor<?x?x2x32xf32>, tensor<?x?x2x32xf32>
     -> tensor<?x?x2x32xf32>, tensor<?x2x32x32xf32>
  %w = arith.addf %o, %v : tensor<?x?x2x32xf32>
  %p, %u = linrec.scan %o, %k, %w initial(%s : tensor<?x2x32x32xf32>)
      : tensor<?x?x2x32xf32>, tensor<?x?x2x32xf32>, tensor<?x?x2x32xf32>
     -> tensor<?x?x2x32xf32>, tensor<?x2x32x32xf32>
  return %p, %u : tensor<?x?x2x32xf32>, tensor<?x2x32x32xf32>
})",
               {{2, 90, 2, 32},
                {2, 90, 2, 32},
                {2, 90, 2, 32},
                {2, 90, 2, 32},
                {2, 2, 32, 32}});
}

/// An argument and a constant returned as they are, and one value twice.
TEST(TensorsToCPU, ResultsThatNothingComputes) {
  checkUnfused(R"(
func.func @same(%x: tensor<?x3xf32>)
    -> (tensor<?x3xf32>, tensor<2xf32>, tensor<?x3xf32>, tensor<?x3xf32>) {
  %c = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %y = arith.addf %x, %x : tensor<?x3xf32>
  return %x, %c, %y, %y : tensor<?x3xf32>, tensor<2xf32>, tensor<?x3xf32>, tensor<?x3xf32>
})",
               {{5, 3}, {5, 3}, {2}, {5, 3}, {5, 3}});
}

/// Every allocation of the lowered functions is freed, none in a loop.
TEST(TensorsToCPU, MemoryIsFreedAndNeverTakenInALoop) {
  OwningOpRef<ModuleOp> module = parse(R"(
func.func @two(%q: tensor<?x?x2x32xf32>, %k: tensor<?x?x2x32xf32>, %v: tensor<?x?x2x32xf32>)
    -> tensor<?x?x2x32xf32> {
  %w = math.exp %v : tensor<?x?x2x32xf32>
  %o = linrec.scan %q, %k, %w
      : tensor<?x?x2x32xf32>, tensor<?x?x2x32xf32>, tensor<?x?x2x32xf32> -> tensor<?x?x2x32xf32>
  %p = linrec.scan %o, %k, %w
      : tensor<?x?x2x32xf32>, tensor<?x?x2x32xf32>, tensor<?x?x2x32xf32> -> tensor<?x?x2x32xf32>
  return %p : tensor<?x?x2x32xf32>
})");
  PassManager manager(&getContext());
  manager.addNestedPass<func::FuncOp>(createConvertLinRecToChunk());
  buildChunkToLoops(manager, {});
  ASSERT_TRUE(succeeded(manager.run(*module)));
  int taken = 0, freed = 0;
  module->walk([&](memref::AllocOp op) {
    ++taken;
    EXPECT_TRUE(isa<func::FuncOp>(op->getParentOp()));
  });
  module->walk([&](memref::DeallocOp) { ++freed; });
  EXPECT_GE(taken, 1);
  EXPECT_EQ(taken, freed);
}
