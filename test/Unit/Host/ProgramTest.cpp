//===- ProgramTest.cpp - objects and their loading ------------------------===//
// The same bytes every time, for other machines too; refusals say what is
// wrong.
//===----------------------------------------------------------------------===//
#include "HostRunner.h"
#include "deltanet/Pipelines/ChunkToLLVM.h"
#include "deltanet/Target/Host.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace mlir;
using namespace deltanet;
using namespace deltanet::test;

static const char *text = R"(
func.func @f(%x: tensor<?x?x?x64xf32>) -> tensor<?x?x?x64xf32> {
  %r = chunk.scan 16 in(%x [b, t, h, 1] : tensor<?x?x?x64xf32>)
      out([b, t, h, 1] : tensor<?x?x?x64xf32>) {
  ^bb0(%n: index, %a: tensor<16x64xf32>):
    %m = chunk.mask_tokens %a, %n : tensor<16x64xf32>
    %e = math.exp %m : tensor<16x64xf32>
    %s = chunk.dot %e, %e {transpose_rhs} : tensor<16x64xf32>, tensor<16x64xf32> -> tensor<16x16xf32>
    %o = chunk.dot %s, %m : tensor<16x16xf32>, tensor<16x64xf32> -> tensor<16x64xf32>
    chunk.yield %o : tensor<16x64xf32>
  }
  return %r : tensor<?x?x?x64xf32>
})";

static OwningOpRef<ModuleOp> lower(int64_t vectorBits = 0) {
  OwningOpRef<ModuleOp> module = parse(text);
  PassManager manager(&getContext());
  ChunkToLLVMOptions options;
  options.vectorBits = vectorBits;
  buildChunkToLLVM(manager, options);
  EXPECT_TRUE(succeeded(manager.run(*module)));
  return module;
}

TEST(HostProgram, TheSameBytesEveryTime) {
  auto first = host::emitObject(*lower()), second = host::emitObject(*lower());
  ASSERT_TRUE(bool(first) && bool(second));
  EXPECT_FALSE(first->empty());
  EXPECT_TRUE(*first == *second);
}

TEST(HostProgram, OtherMachines) {
  host::MachineOptions arm;
  arm.triple = "aarch64-unknown-linux-gnu";
  arm.cpu = "cortex-a76";
  auto assembly = host::emitAssembly(*lower(128), arm);
  ASSERT_TRUE(bool(assembly)) << llvm::toString(assembly.takeError());
  EXPECT_NE(assembly->find("fmla"), std::string::npos);
  host::MachineOptions x86;
  x86.triple = "x86_64-unknown-linux-gnu";
  x86.cpu = "x86-64-v3";
  assembly = host::emitAssembly(*lower(256), x86);
  ASSERT_TRUE(bool(assembly)) << llvm::toString(assembly.takeError());
  EXPECT_NE(assembly->find("vfmadd"), std::string::npos);
  EXPECT_NE(assembly->find("ymm"), std::string::npos);
  EXPECT_EQ(assembly->find("zmm"), std::string::npos);
}

TEST(HostProgram, RefusesWhatItDoesNotKnow) {
  host::MachineOptions options;
  options.triple = "nonsense";
  options.cpu = "any";
  auto object = host::emitObject(*lower(), options);
  ASSERT_FALSE(bool(object));
  EXPECT_NE(llvm::toString(object.takeError())
                .find("expects a known target triple, got 'nonsense'"),
            std::string::npos);
  options.triple = "x86_64-unknown-linux-gnu";
  options.cpu = "pentium99";
  object = host::emitObject(*lower(), options);
  ASSERT_FALSE(bool(object));
  EXPECT_EQ(llvm::toString(object.takeError()),
            "expects a processor of x86_64-unknown-linux-gnu, got 'pentium99'");
}

TEST(HostProgram, RefusesMissingSymbols) {
  auto program = host::Program::compile(*lower());
  ASSERT_TRUE(bool(program));
  llvm::Error error = (*program)->invoke("g", {});
  ASSERT_TRUE(bool(error));
  EXPECT_NE(llvm::toString(std::move(error)).find("deltanet_packed_g"),
            std::string::npos);
}

/// mask_tokens is a choice, not a product; what is NaN within the sequence
/// stays.
TEST(HostProgram, NaNStaysWhereItBelongs) {
  OwningOpRef<ModuleOp> module = parse(R"(
func.func @f(%x: tensor<?x?x?x8xf32>) -> tensor<?x?x?x8xf32> {
  %r = chunk.scan 16 in(%x [b, t, h, 1] : tensor<?x?x?x8xf32>)
      out([b, t, h, 1] : tensor<?x?x?x8xf32>) {
  ^bb0(%n: index, %a: tensor<16x8xf32>):
    // Rows past the end become 0/0, and are masked; their sum with others is not NaN.
    %q = arith.divf %a, %a : tensor<16x8xf32>
    %m = chunk.mask_tokens %q, %n : tensor<16x8xf32>
    %s = chunk.reduce add %m [0] : tensor<16x8xf32> -> tensor<8xf32>
    %t = chunk.reduce max %m [0] : tensor<16x8xf32> -> tensor<8xf32>
    %u = arith.addf %s, %t : tensor<8xf32>
    %o = chunk.broadcast %u [0] : tensor<8xf32> -> tensor<16x8xf32>
    chunk.yield %o : tensor<16x8xf32>
  }
  return %r : tensor<?x?x?x8xf32>
})");
  Array x{{1, 5, 1, 8},
          Float32Type::get(&getContext()),
          std::vector<double>(40, 2.0)};
  x.values[8 + 3] = NAN;
  Array o = run(*module, "f", {x}, {x.shape})[0];
  for (int64_t i = 0; i < 40; ++i)
    if (i % 8 == 3)
      EXPECT_TRUE(std::isnan(o.values[i])) << i;
    else
      EXPECT_EQ(o.values[i], 6.0) << i;
}
