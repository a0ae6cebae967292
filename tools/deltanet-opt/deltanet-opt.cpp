//===- deltanet-opt.cpp - runs passes over the project's dialects
//----------===//
#include "deltanet/Conversion/Passes.h"
#include "deltanet/Dialect/Chunk/Transforms/Passes.h"
#include "deltanet/Dialect/Kernel/IR/Kernel.h"
#include "deltanet/Dialect/LinRec/IR/LinRec.h"
#include "mlir/InitAllDialects.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  registry
      .insert<deltanet::linrec::LinRecDialect, deltanet::chunk::ChunkDialect,
              deltanet::kernel::KernelDialect>();
  mlir::registerTransformsPasses();
  deltanet::registerConversionPasses();
  deltanet::chunk::registerChunkTransformsPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "deltanet optimizer\n", registry));
}
