//===- Pipelines.h - the order of passes ------------------------*- C++ -*-===//
// From one level to another, as library functions: deltanet-opt knows them by
// name, deltanet calls them. Nothing else knows the order of passes.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_PIPELINES_PIPELINES_H
#define DELTANET_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace deltanet {

/// On a module that is compiled only to see whether it can be: what fails in it
/// is no failure of the pipeline.
inline constexpr llvm::StringLiteral kTrialAttr = "deltanet.trial";

/// What a user may decide about a compilation.
struct PipelineOptions : mlir::PassPipelineOptions<PipelineOptions> {
  Option<std::string> target{
      *this, "target",
      llvm::cl::desc("chip to compile for: host, x86-64-v3, sm_80, ..."),
      llvm::cl::init("")};
  Option<std::string> targetsFile{
      *this, "targets",
      llvm::cl::desc("file to read in place of the chips built in"),
      llvm::cl::init("")};
  Option<int64_t> chunk{*this, "chunk",
                        llvm::cl::desc("tokens a chunk; 0: chosen by rule"),
                        llvm::cl::init(0)};
  Option<bool> tokenLoop{
      *this, "token-loop",
      llvm::cl::desc("the recurrence itself, one token after another"),
      llvm::cl::init(false)};
  Option<std::string> products{
      *this, "products",
      llvm::cl::desc("element type of products' operands: f32, bf16 or f16"),
      llvm::cl::init("")};
  Option<std::string> gates{
      *this, "gates",
      llvm::cl::desc("element type of running sums of log-decays: f32 or f64"),
      llvm::cl::init("")};
  Option<std::string> schedule{
      *this, "schedule",
      llvm::cl::desc("entries of #kernel.schedule that are decided, as "
                     "'chunk = 64, warps = 8'"),
      llvm::cl::init("")};
  Option<bool> variants{
      *this, "variants",
      llvm::cl::desc("where extents are open and no schedule is stated, a "
                     "second one for few sequences and heads"),
      llvm::cl::init(false)};
  ListOption<std::string> grad{
      *this, "grad",
      llvm::cl::desc("arguments to take the gradient of: names or numbers")};
  ListOption<std::string> gradFrom{
      *this, "grad-from",
      llvm::cl::desc("results whose gradient is given (all of floats)")};
  Option<int64_t> keepStates{
      *this, "keep-states",
      llvm::cl::desc("states of a sequence that gradients keep; 0: as the "
                     "schedule says, those of all chunks without a word"),
      llvm::cl::init(0)};
  Option<std::string> stopAfter{
      *this, "stop-after",
      llvm::cl::desc("phase of the pipeline after which to stop"),
      llvm::cl::init("")};
  Option<std::string> startAfter{
      *this, "start-after",
      llvm::cl::desc("phase of the pipeline that the module has gone through"),
      llvm::cl::init("")};
};

/// The phase that derives gradients; a pipeline without it has none.
inline constexpr llvm::StringLiteral kGradientPhase = "gradient";

/// A part of a pipeline that has a name, so that a user can stop after it.
struct Phase {
  llvm::StringRef name;
  void (*build)(mlir::OpPassManager &, const PipelineOptions &);
};

/// A pipeline is its phases, in order.
struct Pipeline {
  llvm::StringRef name, summary;
  llvm::ArrayRef<Phase> phases;
};

/// linrec to the fused chunk program.
const Pipeline &getLinRecToChunk();
/// linrec to LLVM IR for a processor.
const Pipeline &getLinRecToHost();
/// linrec to PTX for an NVIDIA GPU.
const Pipeline &getLinRecToPTX();
/// Kernels of tiles, with their barriers and places in shared memory, to PTX.
const Pipeline &getTileToPTX();
/// All of them.
llvm::ArrayRef<const Pipeline *> getPipelines();

/// Adds the passes of `pipeline` to `manager`, up to the phase that `options`
/// names. A phase that it does not have is said to `fail`.
mlir::LogicalResult buildPipeline(
    mlir::OpPassManager &manager, const Pipeline &pipeline,
    const PipelineOptions &options,
    llvm::function_ref<mlir::LogicalResult(const llvm::Twine &)> fail);

/// Makes the pipelines known by name to the parser of pass pipelines.
void registerPipelines();

} // namespace deltanet

#endif // DELTANET_PIPELINES_PIPELINES_H
