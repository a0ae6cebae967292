//===- HoistTest.cpp - scans split in two, against the scan in one piece
//---===//
// The pass that runs ahead what waits for no state, and the one that makes a
// solve an inverse and a product, change the order of the work alone: numbers
// stay.
//===----------------------------------------------------------------------===//
#include "ChunkCheck.h"
#include "deltanet/Conversion/Passes.h"
#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "deltanet/Dialect/Chunk/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "gtest/gtest.h"
#include <random>

using namespace mlir;
using namespace deltanet;
using namespace deltanet::test;

/// A gated delta rule of `tokens` tokens, with a gate per head or per channel.
static std::string gatedDelta(const std::string &tokens,
                              const std::string &gate) {
  return format(R"(
func.func @f(%q: tensor<2x$Tx2x16xf32>, %k: tensor<2x$Tx2x16xf32>, %v: tensor<2x$Tx4x24xf32>,
             %b: tensor<2x$Tx4xf32>, %g: tensor<2x$Tx4$Gxf32>, %s: tensor<2x4x16x24xf32>)
    -> (tensor<2x$Tx4x24xf32>, tensor<2x4x16x24xf32>) {
  %o, %f = linrec.scan %q, %k, %v beta(%b : tensor<2x$Tx4xf32>) decay(%g : tensor<2x$Tx4$Gxf32>)
      initial(%s : tensor<2x4x16x24xf32>)
      : tensor<2x$Tx2x16xf32>, tensor<2x$Tx2x16xf32>, tensor<2x$Tx4x24xf32>
     -> tensor<2x$Tx4x24xf32>, tensor<2x4x16x24xf32>
  return %o, %f : tensor<2x$Tx4x24xf32>, tensor<2x4x16x24xf32>
})",
                {{"T", tokens}, {"G", gate}});
}

static std::vector<Array> randomInputs(func::FuncOp function) {
  std::mt19937 engine(7);
  std::vector<Array> inputs;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
    // Log-decays are not positive; the keys are short, so that no rule
    // diverges.
    std::uniform_real_distribution<double> range(i == 4 ? -0.5 : -0.4,
                                                 i == 4 ? 0.0 : 0.4);
    auto tensor = cast<RankedTensorType>(type);
    Array &input = inputs.emplace_back();
    input.shape.assign(tensor.getShape().begin(), tensor.getShape().end());
    input.element = tensor.getElementType();
    for (int64_t j = 0; j < input.size(); ++j)
      input.values.push_back(roundTo(input.element, range(engine)));
  }
  return inputs;
}

static int64_t countScans(ModuleOp module) {
  int64_t count = 0;
  module.walk([&](chunk::ScanOp) { ++count; });
  return count;
}

/// Derives chunks of 16 tokens, rewrites with `addPasses`, compares.
static void compare(const std::string &text, int64_t scans,
                    llvm::function_ref<void(OpPassManager &)> addPasses) {
  OwningOpRef<ModuleOp> module = parse(text);
  ASSERT_TRUE(module);
  ConvertLinRecToChunkOptions derive;
  derive.chunkSize = 16;
  PassManager manager(&getContext());
  manager.addNestedPass<func::FuncOp>(createConvertLinRecToChunk(derive));
  ASSERT_TRUE(succeeded(manager.run(*module)));
  OwningOpRef<ModuleOp> rewritten = module->clone();
  PassManager rewrites(&getContext());
  addPasses(rewrites);
  rewrites.addPass(createCanonicalizerPass());
  rewrites.addPass(createCSEPass());
  ASSERT_TRUE(succeeded(rewrites.run(*rewritten)));
  ASSERT_EQ(countScans(*rewritten), scans);

  auto function = module->lookupSymbol<func::FuncOp>("f");
  std::vector<std::vector<int64_t>> shapes;
  for (Type type : function.getResultTypes())
    shapes.push_back(cast<RankedTensorType>(type).getShape().vec());
  std::vector<Array> inputs = randomInputs(function);
  std::vector<Array> want = run(*module, "f", inputs, shapes),
                     got = run(*rewritten, "f", inputs, shapes);
  ASSERT_EQ(got.size(), want.size());
  for (auto [i, result] : llvm::enumerate(got)) {
    double norm = 0;
    for (double x : want[i].values)
      norm += x * x;
    EXPECT_GT(norm, 0) << "result " << i;
    EXPECT_LE(relativeError(result, want[i]), 2e-6) << "result " << i;
  }
}

static void addSplit(OpPassManager &manager) {
  manager.addNestedPass<func::FuncOp>(chunk::createChunkSplitSolve());
}
static void addHoist(OpPassManager &manager) {
  manager.addNestedPass<func::FuncOp>(chunk::createChunkHoistInvariant());
}
static void addBoth(OpPassManager &manager) {
  addSplit(manager);
  addHoist(manager);
}

// Lengths of no, of one and of several chunks, with rows left over.
static const char *lengths[] = {"1", "16", "50"};
static const char *gates[] = {"", "x16"};

TEST(Hoist, SplitSolve) {
  for (const char *gate : gates)
    for (const char *tokens : lengths)
      compare(gatedDelta(tokens, gate), 1, addSplit);
}

TEST(Hoist, RunAhead) {
  for (const char *gate : gates)
    for (const char *tokens : lengths)
      compare(gatedDelta(tokens, gate), 2, addHoist);
}

TEST(Hoist, SplitAndRunAhead) {
  for (const char *gate : gates)
    for (const char *tokens : lengths)
      compare(gatedDelta(tokens, gate), 2, addBoth);
}
