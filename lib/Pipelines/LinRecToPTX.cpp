//===- LinRecToPTX.cpp - linrec to a GPU ----------------------------------===//
// The order of passes from recurrences to PTX: chunk program, tiles, the
// instructions of one thread.
//===----------------------------------------------------------------------===//
#include "Phases.h"
#include "deltanet/Conversion/Passes.h"
#include "deltanet/Dialect/Chunk/Transforms/Passes.h"
#include "deltanet/Dialect/Tile/Transforms/Passes.h"
#include "deltanet/Pipelines/Pipelines.h"
#include "deltanet/Target/Passes.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace deltanet;

static void addCleanup(OpPassManager &manager) {
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

void deltanet::addGradient(OpPassManager &manager,
                           const PipelineOptions &options) {
  if (options.grad.empty())
    return;
  chunk::ChunkDifferentiateOptions gradient;
  gradient.of.assign(options.grad.begin(), options.grad.end());
  gradient.from.assign(options.gradFrom.begin(), options.gradFrom.end());
  manager.addPass(chunk::createChunkDifferentiate(gradient));
  addCleanup(manager);
}

/// The solve becomes an inverse, which does not wait for the state, and a
/// product; sums are not carried, and what a carried value is needed whole for
/// is made apart from it.
void deltanet::addSplit(OpPassManager &manager, const PipelineOptions &) {
  manager.addNestedPass<func::FuncOp>(chunk::createChunkSplitSolve());
  manager.addNestedPass<func::FuncOp>(chunk::createChunkSplitSums());
  manager.addNestedPass<func::FuncOp>(chunk::createChunkSplitCarry());
  addCleanup(manager);
  chunk::ChunkHoistInvariantOptions hoist;
  hoist.onlyScheduled = true;
  manager.addNestedPass<func::FuncOp>(chunk::createChunkHoistInvariant(hoist));
  manager.addNestedPass<func::FuncOp>(chunk::createChunkSplitSegments());
  addCleanup(manager);
}

void deltanet::addTile(OpPassManager &manager, const PipelineOptions &) {
  manager.addPass(createConvertTokenLoopToTile());
  manager.addPass(createConvertChunkToTile());
  OpPassManager &kernels = manager.nest<gpu::GPUModuleOp>();
  // Before common subexpressions: what is loaded anew after a barrier need not
  // wait for its second use in registers.
  kernels.addPass(tile::createTileInsertBarriers());
  addCleanup(kernels);
  kernels.addPass(tile::createTilePlanSharedMemory());
}

static void addNVVM(OpPassManager &manager, const PipelineOptions &) {
  OpPassManager &threads = manager.nest<gpu::GPUModuleOp>();
  threads.addPass(createConvertTileToNVVM());
  addCleanup(threads);
  // What no instruction computes, exp apart.
  manager.addPass(createConvertMathToPolynomial());
  OpPassManager &kernels = manager.nest<gpu::GPUModuleOp>();
  kernels.addPass(createSCFToControlFlowPass());
  kernels.addPass(createConvertMathToIntrinsics());
  kernels.addPass(createConvertGpuOpsToNVVMOps());
  kernels.addPass(createConvertMathToLLVMPass());
  kernels.addPass(createConvertIndexToLLVMPass());
  kernels.addPass(createArithToLLVMConversionPass());
  kernels.addPass(createReconcileUnrealizedCastsPass());
  addCleanup(kernels);
}

static void addPTX(OpPassManager &manager, const PipelineOptions &) {
  manager.addPass(createWritePTX());
}

static void addFittedSchedule(OpPassManager &manager,
                              const PipelineOptions &options) {
  addSchedule(manager, options, /*leaveChunk=*/true);
  manager.addPass(createFitSchedule(options));
}

const Pipeline &deltanet::getLinRecToPTX() {
  static const Phase phases[] = {{"schedule", addFittedSchedule},
                                 {"chunk", addChunk},
                                 {"fuse", addFuse},
                                 {kGradientPhase, addGradient},
                                 {"split", addSplit},
                                 {"tile", addTile},
                                 {"nvvm", addNVVM},
                                 {"ptx", addPTX}};
  static const Pipeline pipeline{
      "linrec-to-ptx", "recurrences to PTX for an NVIDIA GPU", phases};
  return pipeline;
}

const Pipeline &deltanet::getTileToPTX() {
  static const Phase phases[] = {{"nvvm", addNVVM}, {"ptx", addPTX}};
  static const Pipeline pipeline{"tile-to-ptx", "kernels of tiles to PTX",
                                 phases};
  return pipeline;
}
