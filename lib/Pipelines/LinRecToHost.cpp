//===- LinRecToHost.cpp - linrec to a processor ---------------------------===//
// The order of passes to the fused chunk program, and on to LLVM IR.
//===----------------------------------------------------------------------===//
#include "Phases.h"
#include "deltanet/Conversion/Passes.h"
#include "deltanet/Dialect/Chunk/Transforms/Passes.h"
#include "deltanet/Dialect/Kernel/Transforms/Passes.h"
#include "deltanet/Pipelines/ChunkToLLVM.h"
#include "deltanet/Pipelines/Pipelines.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace deltanet;

static void addCleanup(OpPassManager &manager) {
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

void deltanet::addSchedule(OpPassManager &manager,
                           const PipelineOptions &options, bool leaveChunk) {
  kernel::KernelSetTargetOptions target;
  target.targetName = options.target;
  target.targetsFile = options.targetsFile;
  manager.addPass(kernel::createKernelSetTarget(target));
  kernel::KernelChooseScheduleOptions schedule;
  schedule.leaveChunk = leaveChunk;
  schedule.decided = options.schedule;
  schedule.chunkSize = options.chunk;
  schedule.tokenLoop = options.tokenLoop;
  schedule.productType = options.products;
  schedule.gateType = options.gates;
  schedule.keepStates = options.keepStates;
  manager.addNestedPass<func::FuncOp>(
      kernel::createKernelChooseSchedule(schedule));
}

static void addWholeSchedule(OpPassManager &manager,
                             const PipelineOptions &options) {
  addSchedule(manager, options, /*leaveChunk=*/false);
}

void deltanet::addChunk(OpPassManager &manager, const PipelineOptions &) {
  manager.addNestedPass<func::FuncOp>(createConvertLinRecToChunk());
  addCleanup(manager);
}

static void addSegments(OpPassManager &manager, const PipelineOptions &) {
  manager.addNestedPass<func::FuncOp>(chunk::createChunkSplitSegments());
  addCleanup(manager);
}

void deltanet::addFuse(OpPassManager &manager, const PipelineOptions &) {
  manager.addNestedPass<func::FuncOp>(chunk::createChunkFuseElementwise());
  addCleanup(manager);
}

const Pipeline &deltanet::getLinRecToChunk() {
  static const Phase phases[] = {{"schedule", addWholeSchedule},
                                 {"chunk", addChunk},
                                 {"fuse", addFuse},
                                 {kGradientPhase, addGradient}};
  static const Pipeline pipeline{"linrec-to-chunk",
                                 "recurrences to fused chunk programs", phases};
  return pipeline;
}

static void addLoops(OpPassManager &manager, const PipelineOptions &) {
  buildChunkToLoops(manager, {});
}

static void addLLVM(OpPassManager &manager, const PipelineOptions &) {
  buildLoopsToLLVM(manager);
}

const Pipeline &deltanet::getLinRecToHost() {
  static const Phase phases[] = {{"schedule", addWholeSchedule},
                                 {"chunk", addChunk},
                                 {"fuse", addFuse},
                                 {kGradientPhase, addGradient},
                                 {"split", addSegments},
                                 {"loops", addLoops},
                                 {"llvm", addLLVM}};
  static const Pipeline pipeline{
      "linrec-to-host", "recurrences to LLVM IR for a processor", phases};
  return pipeline;
}
