//===- FitSchedule.cpp - the schedule that is predicted to be fastest -----===//
// How much shared memory a kernel needs is known when it has been built. So
// schedules are built in the order in which they rank, on a copy, until one
// fits the chip. Where the types leave open how much there is to do, a function
// may be compiled twice: for a machine that is full, and for few heads.
//===----------------------------------------------------------------------===//
#include "Phases.h"
#include "deltanet/Pipelines/ScheduleCandidates.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/ScopeExit.h"

using namespace mlir;
using namespace deltanet;
using kernel::ScheduleAttr;

static void addTileLevels(OpPassManager &manager,
                          const GradientNames &gradient) {
  PipelineOptions options;
  options.grad = ArrayRef<std::string>(gradient.of);
  options.gradFrom = ArrayRef<std::string>(gradient.from);
  addChunk(manager, options);
  addFuse(manager, options);
  addGradient(manager, options);
  addSplit(manager, options);
  addTile(manager, options);
}

bool deltanet::isPossible(ModuleOp parent, func::FuncOp function,
                          ScheduleAttr schedule, TrialRunner run,
                          std::string &reason, const GradientNames &gradient) {
  // A pass runs others on what is within its own operation.
  OpBuilder b = OpBuilder::atBlockEnd(parent.getBody());
  auto module = ModuleOp::create(b, function.getLoc());
  auto drop = llvm::make_scope_exit([&] { module.erase(); });
  module->setAttr(kernel::kTargetName, kernel::getTarget(function));
  module->setAttr(kTrialAttr, b.getUnitAttr());
  b.setInsertionPointToEnd(module.getBody());
  auto copy = cast<func::FuncOp>(b.clone(*function));
  copy->removeAttr(kernel::kVariantName);
  kernel::setSchedule(copy, schedule);
  ScopedDiagnosticHandler handler(
      parent.getContext(), [&](Diagnostic &diagnostic) {
        if (reason.empty() &&
            diagnostic.getSeverity() == DiagnosticSeverity::Error)
          reason = diagnostic.str();
        return success();
      });
  OpPassManager manager(ModuleOp::getOperationName());
  addTileLevels(manager, gradient);
  return succeeded(run(manager, module));
}

namespace {
class FitSchedule : public PassWrapper<FitSchedule, OperationPass<ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(FitSchedule)

  FitSchedule(bool variants, GradientNames gradient)
      : variants(variants), gradient(std::move(gradient)) {}

  StringRef getArgument() const override { return "kernel-fit-schedule"; }
  StringRef getDescription() const override {
    return "decide what is undecided so that kernels fit the chip";
  }
  void getDependentDialects(DialectRegistry &registry) const override {
    OpPassManager manager(ModuleOp::getOperationName());
    addTileLevels(manager, gradient);
    manager.getDependentDialects(registry);
  }

  void runOnOperation() override {
    auto target = kernel::getTarget(getOperation());
    if (!target || !target.isGPU())
      return;
    SmallVector<func::FuncOp> functions(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp function : functions)
      if (!function.isExternal())
        fit(function);
  }

private:
  void fit(func::FuncOp function) {
    FunctionWork work = readWork(function);
    ScheduleAttr decided = kernel::getSchedule(function);
    if (work.scan.keys == 0 || decided.getTokenLoop())
      return;
    auto target = kernel::getTarget(function);
    ScheduleAttr all;
    if (!choose(function, decided, work, assumeFull(target, work), all))
      return; // the passes that follow say what is wrong with the last
    if (variants && isOpen(decided) && work.numScans == 1 && work.units == 0 &&
        !kernel::getVariant(function)) {
      // What a forward function keeps is of one chunk size, whichever of its
      // variants and of the backward function's run.
      if (!gradient.of.empty())
        decided = decided.withChunk(all.getChunk());
      ScheduleAttr few = addVariant(function, "_few", decided, work, all,
                                    assumeFew(target, work));
      // The first variant that holds is taken: what asks for more goes before.
      addVariant(function, "_long", decided, work, few ? few : all,
                 assumeLong(target, work));
    }
  }

  /// States the first schedule that can be built, and says what was passed
  /// over.
  bool choose(func::FuncOp function, ScheduleAttr decided,
              const FunctionWork &work, const ScanExtents &extents,
              ScheduleAttr &chosen) {
    SmallVector<ScheduleCandidate> ranked =
        rankSchedules(kernel::getTarget(function), decided, work, extents);
    SmallVector<std::string> refused;
    auto run = [&](OpPassManager &manager, ModuleOp module) {
      return runPipeline(manager, module);
    };
    for (const ScheduleCandidate &candidate : ranked) {
      chosen = candidate.schedule;
      std::string reason = candidate.refused;
      if (reason.empty() &&
          isPossible(getOperation(), function, chosen, run, reason, gradient)) {
        kernel::setSchedule(function, chosen);
        if (!refused.empty())
          function.emitRemark("is computed as ")
              << chosen << ": " << refused.size()
              << " schedules before it do not fit, the first because a kernel "
              << refused.front();
        return true;
      }
      refused.push_back(reason);
    }
    chosen = ranked.back().schedule;
    kernel::setSchedule(function, chosen);
    return false;
  }

  /// A copy of `function` for few sequences and heads, where another schedule
  /// is predicted to be faster there than `all`; its schedule, null without
  /// one.
  ScheduleAttr addVariant(func::FuncOp function, StringRef suffix,
                          ScheduleAttr decided, const FunctionWork &work,
                          ScheduleAttr all, const ScanExtents &extents) {
    auto target = kernel::getTarget(function);
    auto few = cast<func::FuncOp>(function->clone());
    few.setSymName((function.getName() + suffix).str());
    few.setPrivate();
    SymbolTable symbols(getOperation());
    // Before all variants that there are.
    symbols.insert(few, getOperation().getBody()->begin());
    ScheduleAttr chosen;
    std::string when;
    if (choose(few, decided, work, extents, chosen) && chosen != all)
      when = findCondition(target, chosen, all, work, extents);
    if (when.empty()) {
      symbols.erase(few);
      return {};
    }
    few->setAttr(
        kernel::kVariantName,
        kernel::VariantAttr::get(&getContext(), function.getName(), when));
    return chosen;
  }

  bool variants;
  GradientNames gradient;
};
} // namespace

std::unique_ptr<Pass>
deltanet::createFitSchedule(const PipelineOptions &options) {
  GradientNames gradient;
  llvm::append_range(gradient.of, options.grad);
  llvm::append_range(gradient.from, options.gradFrom);
  return std::make_unique<FitSchedule>(
      options.variants && options.schedule.empty(), std::move(gradient));
}
