//===- Registration.cpp - what the tools know -----------------------------===//
// Add a dialect or a pass here and every tool has it.
//===----------------------------------------------------------------------===//
#include "deltanet/Registration.h"
#include "deltanet/Conversion/Passes.h"
#include "deltanet/Dialect/Chunk/Transforms/Passes.h"
#include "deltanet/Dialect/Kernel/Transforms/Passes.h"
#include "deltanet/Dialect/LinRec/IR/LinRec.h"
#include "deltanet/Dialect/Tile/Transforms/Passes.h"
#include "deltanet/Pipelines/Pipelines.h"
#include "deltanet/Target/PTX.h"
#include "deltanet/Target/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Transforms/Passes.h"

void deltanet::registerDialects(mlir::DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  ptx::registerTranslations(registry);
  registry.insert<linrec::LinRecDialect, chunk::ChunkDialect,
                  kernel::KernelDialect, tile::TileDialect>();
}

void deltanet::registerPasses() {
  registerConversionPasses();
  chunk::registerChunkTransformsPasses();
  kernel::registerKernelTransformsPasses();
  tile::registerTileTransformsPasses();
  registerTargetPasses();
  registerPipelines();
  // Of MLIR's, those one wants between ours.
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  mlir::registerInlinerPass();
  mlir::registerLoopInvariantCodeMotionPass();
  mlir::memref::registerResolveShapedTypeResultDimsPass();
  mlir::registerStripDebugInfoPass();
  mlir::registerSymbolDCEPass();
}
