//===- Pipelines.cpp - builds and registers pipelines ---------------------===//
// What all pipelines share: stopping after a phase, registration by name.
//===----------------------------------------------------------------------===//
#include "deltanet/Pipelines/Pipelines.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace deltanet;

ArrayRef<const Pipeline *> deltanet::getPipelines() {
  static const Pipeline *const pipelines[] = {
      &getLinRecToChunk(), &getLinRecToHost(), &getLinRecToPTX(),
      &getTileToPTX()};
  return pipelines;
}

LogicalResult
deltanet::buildPipeline(OpPassManager &manager, const Pipeline &pipeline,
                        const PipelineOptions &options,
                        llvm::function_ref<LogicalResult(const Twine &)> fail) {
  StringRef last = options.stopAfter.getValue(),
            first = options.startAfter.getValue();
  auto names = llvm::map_range(pipeline.phases,
                               [](const Phase &phase) { return phase.name; });
  for (auto [option, phase] :
       {std::pair("stop-after", last), std::pair("start-after", first)})
    if (!phase.empty() && !llvm::is_contained(names, phase))
      return fail("expects " + Twine(option) + " to name a phase of " +
                  pipeline.name + " (" + llvm::join(names, ", ") + "), got '" +
                  phase + "'");
  if (!options.grad.empty() && !llvm::is_contained(names, kGradientPhase))
    return fail("expects grad with a pipeline that has the phase " +
                kGradientPhase + ", got " + pipeline.name + " (" +
                llvm::join(names, ", ") + ")");
  if (options.grad.empty() && !options.gradFrom.empty())
    return fail("expects grad where there is grad-from, got grad-from=" +
                llvm::join(options.gradFrom, ","));
  if (options.grad.empty() && options.keepStates != 0)
    return fail("expects grad where there is keep-states, got keep-states=" +
                Twine(options.keepStates.getValue()));
  bool done = !first.empty();
  for (const Phase &phase : pipeline.phases) {
    if (!done)
      phase.build(manager, options);
    done &= phase.name != first;
    if (phase.name == last)
      break;
  }
  return success();
}

void deltanet::registerPipelines() {
  for (const Pipeline *pipeline : getPipelines())
    registerPassPipeline(
        pipeline->name, pipeline->summary,
        [pipeline](OpPassManager &manager, StringRef text,
                   llvm::function_ref<LogicalResult(const Twine &)> fail) {
          PipelineOptions options;
          if (failed(options.parseFromString(text)))
            return fail("expects options of " + pipeline->name);
          return buildPipeline(manager, *pipeline, options, fail);
        },
        [](llvm::function_ref<void(const detail::PassOptions &)> show) {
          show(PipelineOptions());
        });
}
