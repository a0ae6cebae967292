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
  int64_t units = 0; // sequences times heads, where the types say it
};

/// Registers of a thread for the state: with 16 columns a warp there are K / 2.
constexpr int64_t kMostRegistersOfState = 64;

/// Blocks that fill a large chip, one on each multiprocessor (an H200 has 132).
constexpr int64_t kBlocksToFill = 128;

Work readWork(func::FuncOp function) {
  Work work;
  function.walk([&](linrec::RecurrenceOpInterface op) {
    linrec::ScanShape shape = linrec::getScanShape(op);
    if (!ShapedType::isDynamic(shape.sequences) &&
        !ShapedType::isDynamic(shape.heads))
      work.units = std::max(work.units, shape.sequences * shape.heads);
    work.keys = std::max(work.keys, shape.keyWidth);
    work.values = std::max(work.values, shape.valueWidth);
    if (auto decay = op.getDecay())
      work.hasChannelGates |= decay.getType().getRank() == 4;
    auto scan = dyn_cast<linrec::ScanOp>(op.getOperation());
    work.isDelta |= !scan || scan.getBeta();
  });
  return work;
}

/// Tokens a chunk, the best first.
SmallVector<int64_t> listChunks(const Work &work) {
  // What is split in two for its products (tf32x3) takes twice the room.
  if (work.isFloat32 && (work.hasChannelGates || work.keys > 64))
    return {16};
  // Without a triangle to solve, longer chunks meet their barriers less often;
  // gates per channel are held in registers by the ahead part.
  if (!work.isDelta && !work.hasChannelGates && !work.isFloat32)
    return {64, 32, 16};
  return {32, 16};
}

/// Schedules in the order in which they are tried; what is decided stays.
SmallVector<ScheduleAttr> listSchedules(ScheduleAttr decided,
                                        const Work &work) {
  SmallVector<int64_t> chunks = {decided.getChunk()};
  if (!decided.getChunk())
    chunks = listChunks(work);
  int64_t tiles = (work.values + 15) / 16;
  // Half as many columns a block where their state takes twice the registers,
  // or operands of products are split in two.
  int64_t registers = work.keys / 2 * (work.isFloat32 ? 2 : 1);
  int64_t most = registers > kMostRegistersOfState ? 4 : 8;
  // 32 columns a warp where registers allow it: what a warp reads of an operand
  // in shared memory then serves twice as many of them.
  bool wide = !work.isFloat32 &&
              (work.keys <= 64 || (work.hasChannelGates && work.keys <= 128));
  int64_t split = (tiles + most - 1) / most;
  // Up to 8 warps a thread has all registers it can name.
  int64_t each = (tiles + split - 1) / split;
  bool heavy = work.isFloat32 || work.hasChannelGates;
  bool small = wide && work.keys <= 64;
  int64_t ahead = small || (heavy && (each == 5 || each == 6)) ? 2 : 4;
  struct Way {
    int64_t aheadWarps, stages;
    bool prepare;
  };
  SmallVector<ScheduleAttr> list;
  // Few sequences and heads leave most of the chip idle: then blocks share the
  // columns of a head, and what they would all do runs ahead of them.
  bool open = !decided.getWarps() && !decided.getSplitValue() &&
              !decided.getAheadWarps() && !decided.getStages();
  if (open && work.units > 0 && work.units * split * 2 <= kBlocksToFill) {
    int64_t blocks = split;
    while (blocks < tiles && work.units * blocks < kBlocksToFill)
      blocks *= 2;
    list.push_back(decided.withChunk(chunks.front())
                       .withStages(2)
                       .withPrepare(true)
                       .withSplitValue(std::min(blocks, tiles))
                       .withAheadWarps(2));
  }
  for (int64_t chunk : chunks)
    for (Way way : {Way{ahead, 2, false},
                    {ahead, 1, false},
                    {0, 2, false},
                    {0, 1, false},
                    {0, 1, true}}) {
      if ((decided.getAheadWarps() && way.aheadWarps == 0) ||
          (decided.getStages() && decided.getStages() != way.stages))
        continue;
      ScheduleAttr schedule =
          decided.withChunk(chunk)
              .withStages(way.stages)
              .withPrepare(decided.getPrepare() || way.prepare);
      if (!decided.getAheadWarps())
        schedule = schedule.withAheadWarps(way.aheadWarps);
      bool splits = !decided.getSplitValue() && !decided.getWarps();
      if (splits)
        schedule = schedule.withSplitValue(split);
      if (!decided.getWarps() && wide)
        schedule = schedule.withWarps(
            std::max<int64_t>(1, (tiles + split - 1) / split / 2));
      list.push_back(schedule);
      if (splits && split > 1)
        list.push_back(schedule.withSplitValue(1).withWarps(0));
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
    ScheduleAttr decided = kernel::getSchedule(function);
    Work work = readWork(function);
    work.isFloat32 = decided.getProducts() && decided.getProducts().isF32();
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
