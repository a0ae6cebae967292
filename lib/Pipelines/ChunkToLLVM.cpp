//===- ChunkToLLVM.cpp - chunk programs to the LLVM dialect ---------------===//
// Which of MLIR's passes lower what convert-chunk-to-cpu leaves, in which
// order.
//===----------------------------------------------------------------------===//
#include "deltanet/Pipelines/ChunkToLLVM.h"
#include "deltanet/Conversion/Passes.h"
#include "deltanet/Dialect/Chunk/Transforms/Passes.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

static void addCleanup(OpPassManager &manager) {
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

void deltanet::buildChunkToLoops(OpPassManager &manager,
                                 const ChunkToLLVMOptions &options) {
  manager.addNestedPass<func::FuncOp>(chunk::createChunkExpandSums());
  ConvertChunkToCPUOptions convert;
  convert.vectorBits = options.vectorBits;
  convert.subChunk = options.subChunk;
  manager.addPass(createConvertChunkToCPU(convert));
  manager.addPass(createCSEPass());

  // What no scan computes: tensors to memory, memory freed after its last use.
  manager.addNestedPass<func::FuncOp>(createConvertElementwiseToLinalgPass());
  bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.unknownTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  manager.addPass(bufferization::createOneShotBufferizePass(bufferize));
  addCleanup(manager);
  bufferization::buildBufferDeallocationPipeline(manager);
  manager.addNestedPass<func::FuncOp>(
      bufferization::createOptimizeAllocationLivenessPass());
  manager.addPass(createConvertBufferizationToMemRefPass());
  manager.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
}

void deltanet::buildLoopsToLLVM(OpPassManager &manager) {
  // Arithmetic on narrow floats is that of f32, rounded.
  manager.addPass(math::createMathExtendToSupportedTypes());
  arith::ArithEmulateUnsupportedFloatsOptions narrow;
  narrow.sourceTypeStrs = {"bf16", "f16"};
  narrow.targetTypeStr = "f32";
  manager.addPass(arith::createArithEmulateUnsupportedFloats(narrow));
  manager.addPass(createConvertMathToPolynomial());
  arith::ArithExpandOpsPassOptions expand;
  // No machine rounds to bf16 as we do down to the subnormals; in integers all
  // do.
  expand.includeBf16 = true;
  manager.addPass(arith::createArithExpandOpsPass(expand));
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(createSCFToControlFlowPass());
  addCleanup(manager);
  // Functions that LLVM has no intrinsic for are called for every element: code
  // on vectors, that goes on to LLVM after it.
  manager.addPass(createConvertMathToLLVMPass());
  manager.addPass(createConvertMathToLibmPass());
  manager.addPass(createConvertVectorToLLVMPass());
  manager.addPass(createFinalizeMemRefToLLVMConversionPass());
  manager.addPass(createConvertControlFlowToLLVMPass());
  manager.addPass(createConvertIndexToLLVMPass());
  manager.addPass(createArithToLLVMConversionPass());
  manager.addPass(createConvertFuncToLLVMPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
  addCleanup(manager);
}

void deltanet::buildChunkToLLVM(OpPassManager &manager,
                                const ChunkToLLVMOptions &options) {
  buildChunkToLoops(manager, options);
  buildLoopsToLLVM(manager);
}
