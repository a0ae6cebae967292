//===- LoweringTest.cpp - what happens when a pass fails ------------------===//
// Breaks if a mistake of ours is blamed on the user's file, ends the process,
// or leaves no reproducer; or if a refusal leaves one.
//===----------------------------------------------------------------------===//
#include "Lowering.h"
#include "Driver/DriverTest.h"
#include "mlir/IR/Builders.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;
using namespace deltanet::test;

namespace {
constexpr char kProgram[] =
    R"(func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
})";

/// A pass that ends as `act` does.
template <typename Derived>
struct TestPass : PassWrapper<Derived, OperationPass<ModuleOp>> {
  StringRef getArgument() const override { return "test-pass"; }
};
struct CrashPass : TestPass<CrashPass> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(CrashPass)
  void runOnOperation() override { std::abort(); }
};
struct RefusePass : TestPass<RefusePass> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(RefusePass)
  void runOnOperation() override {
    emitError(getOperation().getLoc(), "expects something else");
    signalPassFailure();
  }
};
/// Refuses a module when it is half through with it.
struct RefuseHalfwayPass : TestPass<RefuseHalfwayPass> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(RefuseHalfwayPass)
  void runOnOperation() override {
    getOperation().walk([](func::ReturnOp op) { op.erase(); });
    emitError(getOperation().getLoc(), "expects something else");
    signalPassFailure();
  }
};
/// Takes the terminator of a function away.
struct BreakPass : TestPass<BreakPass> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(BreakPass)
  void runOnOperation() override {
    getOperation().walk([](func::ReturnOp op) { op.erase(); });
  }
};

template <typename P>
void add(OpPassManager &manager, const PipelineOptions &) {
  manager.addPass(std::make_unique<P>());
}

/// Runs one pass in a folder of its own.
template <typename P> struct LoweringTest {
  LoweringTest() {
    auto module = tested.read(kProgram);
    auto before = std::filesystem::current_path();
    std::filesystem::current_path(folder.file(""));
    static const Phase phases[] = {{"only", add<P>}};
    static const Pipeline pipeline{"test", "", phases};
    code = lower(tested.session, *module, pipeline, /*target=*/{}, {});
    std::filesystem::current_path(before);
  }
  TestSession tested;
  TemporaryFolder folder;
  int code;
};
} // namespace

// What a pass that crashes has allocated is lost, and the sanitizer says so.
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if !__has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
TEST(Lowering, ACrashIsInternalAndLeavesAReproducer) {
  LoweringTest<CrashPass> test;
  EXPECT_EQ(test.code, kInternal);
  EXPECT_EQ(test.tested.err,
            "deltanet: error: internal error in a pass of test; please report "
            "it with deltanet-reproducer.mlir, which `deltanet-opt "
            "--run-reproducer` repeats\n");
  std::string error;
  auto text =
      support::readFile(test.folder.file("deltanet-reproducer.mlir"), error);
  ASSERT_TRUE(text) << error;
  EXPECT_NE(text->find("func.func @f"), std::string::npos) << *text;
  EXPECT_NE(text->find("test-pass"), std::string::npos) << *text;
}
#endif

TEST(Lowering, AModuleThatDoesNotVerifyIsInternal) {
  LoweringTest<BreakPass> test;
  EXPECT_EQ(test.code, kInternal) << test.tested.err;
  EXPECT_EQ(test.folder.countFiles(), 1);
}

TEST(Lowering, ARefusalIsTheInputs) {
  LoweringTest<RefusePass> test;
  EXPECT_EQ(test.code, kInputError);
  EXPECT_NE(test.tested.err.find("error: expects something else\n"),
            std::string::npos);
  EXPECT_EQ(test.tested.err.find("reproducer"), std::string::npos)
      << test.tested.err;
  EXPECT_EQ(test.folder.countFiles(), 0);
}

TEST(Lowering, ARefusalHalfwayIsTheInputs) {
  LoweringTest<RefuseHalfwayPass> test;
  EXPECT_EQ(test.code, kInputError) << test.tested.err;
  EXPECT_EQ(test.folder.countFiles(), 0);
}
