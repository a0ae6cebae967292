//===- ExamplesTest.cpp - every example, compiled and run -----------------===//
// The whole way of an operator to the processor, with chunks and as a token
// loop. That the chunk program is the operator is for others to test.
//===----------------------------------------------------------------------===//
#include "ChunkCheck.h"
#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "deltanet/Pipelines/Pipelines.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"
#include <filesystem>

using namespace mlir;
using namespace deltanet;
using namespace deltanet::test;

static std::string nameOf(const ::testing::TestParamInfo<std::string> &info) {
  return std::filesystem::path(info.param).stem().string();
}

namespace {
class ExamplesOnHost : public ::testing::TestWithParam<std::string> {
protected:
  void run(int64_t chunk, const Sizes &sizes) {
    OwningOpRef<ModuleOp> module =
        parseSourceFile<ModuleOp>(GetParam(), &getContext());
    ASSERT_TRUE(module);
    PassManager manager(&getContext());
    PipelineOptions options;
    options.chunk = chunk;
    options.tokenLoop = chunk == 1;
    options.stopAfter = "fuse";
    ASSERT_TRUE(
        succeeded(buildPipeline(manager, getLinRecToChunk(), options,
                                [](const Twine &) { return failure(); })));
    ASSERT_TRUE(succeeded(manager.run(*module)));
    // Outputs that the program rounds to bf16 may differ by one rounding.
    bool narrow = false;
    module->walk([&](chunk::ScanOp scan) {
      for (Value output : scan.getOutputs())
        narrow |=
            cast<RankedTensorType>(output.getType()).getElementType().isBF16();
    });
    check(*module, sizes, narrow ? 4e-3 : 4e-6);
  }
};
} // namespace

// Below zero, as log-decays have to be, and keys shorter than 1, so that no
// rule diverges.
TEST_P(ExamplesOnHost, Chunks) { run(64, {1, 150, 4, 4, {}, -0.15, 0.0}); }
TEST_P(ExamplesOnHost, TokenLoop) { run(1, {2, 9, 4, 4, {}, -0.15, 0.0}); }

INSTANTIATE_TEST_SUITE_P(Every, ExamplesOnHost,
                         ::testing::ValuesIn(listExamples()), nameOf);
