//===- FitSchedule.cpp - the first schedule that fits ---------------------===//
// How much shared memory a kernel needs is known when it has been built. So the
// schedules that a rule would rather have are built one after the other, on a
// copy, until one fits the chip.
//===----------------------------------------------------------------------===//
#include "Phases.h"
#include "deltanet/Dialect/Kernel/IR/Kernel.h"
#include "deltanet/Dialect/LinRec/IR/LinRec.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/ScopeExit.h"

using namespace mlir;
using namespace deltanet;
using kernel::ScheduleAttr;

namespace {

/// What the rule looks at.
struct Work {
  int64_t keys = 0, values = 0;
  bool isFloat32 = false;
  bool isDelta = false; // solves a triangle for every chunk
  bool hasChannelGates = false;
};

/// Registers of a thread for the state: with 16 columns a warp there are K / 2.
constexpr int64_t kMostRegistersOfState = 64;

Work readWork(func::FuncOp function) {
  Work work;
  function.walk([&](linrec::RecurrenceOpInterface op) {
    linrec::ScanShape shape = linrec::getScanShape(op);
    work.keys = std::max(work.keys, shape.keyWidth);
    work.values = std::max(work.values, shape.valueWidth);
    work.isFloat32 |= op.getValue().getType().getElementType().isF32();
    if (auto decay = op.getDecay())
      work.hasChannelGates |= decay.getType().getRank() == 4;
    auto scan = dyn_cast<linrec::ScanOp>(op.getOperation());
    work.isDelta |= !scan || scan.getBeta();
  });
  return work;
}

/// Schedules in the order in which they are tried; what is decided stays.
SmallVector<ScheduleAttr> listSchedules(ScheduleAttr decided,
                                        const Work &work) {
  SmallVector<int64_t> chunks = {decided.getChunk()};
  if (!decided.getChunk()) {
    // Without a triangle to solve, longer chunks meet their barriers less
    // often; with gates per channel the ahead part holds them in registers.
    chunks = {32, 16};
    if (!work.isDelta && !work.hasChannelGates && !work.isFloat32)
      chunks = {64, 32, 16};
    if (work.isFloat32 && (work.hasChannelGates || work.keys > 128))
      chunks = {16};
  }
  int64_t tiles = (work.values + 15) / 16;
  // Half as many columns a block where their state takes twice the registers,
  // or operands of products are split in two (tf32x3).
  int64_t registers = work.keys / 2 * (work.isFloat32 ? 2 : 1);
  int64_t most = registers > kMostRegistersOfState ? 4 : 8;
  // Gates per channel take registers ahead: 32 columns a warp leave room there.
  int64_t perWarp = 1;
  if (work.hasChannelGates && work.keys > 64 && work.keys <= 128 &&
      !work.isFloat32)
    perWarp = 2;
  int64_t split = (tiles + most - 1) / most;
  SmallVector<ScheduleAttr> list;
  for (int64_t chunk : chunks)
    for (auto [ahead, stages] :
         {std::pair<int64_t, int64_t>{4, 2}, {4, 1}, {0, 2}, {0, 1}}) {
      ScheduleAttr schedule = decided.withChunk(chunk);
      if (!decided.getSplitValue() && !decided.getWarps())
        schedule = schedule.withSplitValue(split);
      if (decided.getAheadWarps() && ahead == 0)
        continue;
      if (!decided.getAheadWarps())
        schedule = schedule.withAheadWarps(ahead);
      if (!decided.getWarps() && perWarp > 1)
        schedule = schedule.withWarps(
            std::max<int64_t>(1, (tiles + split - 1) / split / perWarp));
      if (decided.getStages() && decided.getStages() != stages)
        continue;
      list.push_back(schedule.withStages(stages));
      if (!decided.getSplitValue() && split > 1 && !decided.getWarps())
        list.push_back(list.back().withSplitValue(1));
    }
  return list;
}

class FitSchedule : public PassWrapper<FitSchedule, OperationPass<ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(FitSchedule)

  StringRef getArgument() const override { return "kernel-fit-schedule"; }
  StringRef getDescription() const override {
    return "decide what is undecided so that kernels fit the chip";
  }
  void getDependentDialects(DialectRegistry &registry) const override {
    OpPassManager manager(ModuleOp::getOperationName());
    addTileLevels(manager);
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
  static void addTileLevels(OpPassManager &manager) {
    PipelineOptions none;
    addChunk(manager, none);
    addFuse(manager, none);
    addSplit(manager, none);
    addTile(manager, none);
  }

  void fit(func::FuncOp function) {
    Work work = readWork(function);
    ScheduleAttr decided = kernel::getSchedule(function);
    if (work.keys == 0 || decided.getTokenLoop())
      return;
    SmallVector<ScheduleAttr> schedules = listSchedules(decided, work);
    SmallVector<std::pair<ScheduleAttr, std::string>> refused;
    for (ScheduleAttr schedule : schedules) {
      std::string reason;
      if (!isPossible(function, schedule, reason)) {
        refused.push_back({schedule, reason});
        continue;
      }
      kernel::setSchedule(function, schedule);
      if (!refused.empty())
        function.emitRemark("is computed as ")
            << schedule << ": " << refused.size()
            << " schedules before it do not fit, the first because a kernel "
            << refused.front().second;
      return;
    }
    // The passes that follow say what is wrong with the smallest.
    kernel::setSchedule(function, schedules.back());
  }

  /// Whether the kernels of `function` can be built so.
  bool isPossible(func::FuncOp function, ScheduleAttr schedule,
                  std::string &reason) {
    // A pass runs others on what is within its own operation.
    OpBuilder b = OpBuilder::atBlockEnd(getOperation().getBody());
    auto module = ModuleOp::create(b, function.getLoc());
    auto drop = llvm::make_scope_exit([&] { module.erase(); });
    module->setAttr(kernel::kTargetName, kernel::getTarget(function));
    module->setAttr(kTrialAttr, b.getUnitAttr());
    b.setInsertionPointToEnd(module.getBody());
    auto copy = cast<func::FuncOp>(b.clone(*function));
    kernel::setSchedule(copy, schedule);
    ScopedDiagnosticHandler handler(&getContext(), [&](Diagnostic &diagnostic) {
      if (reason.empty() &&
          diagnostic.getSeverity() == DiagnosticSeverity::Error)
        reason = diagnostic.str();
      return success();
    });
    OpPassManager manager(ModuleOp::getOperationName());
    addTileLevels(manager);
    return succeeded(runPipeline(manager, module));
  }
};
} // namespace

std::unique_ptr<Pass> deltanet::createFitSchedule() {
  return std::make_unique<FitSchedule>();
}
