//===- Predict.cpp - how long schedules are thought to take ---------------===//
// See Predict.h.
//===----------------------------------------------------------------------===//
#include "Predict.h"
#include "Format.h"
#include "Program.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;
using kernel::ScheduleAttr;

/// Offsets of packed sequences that the user gave; -1 where he did not.
static int64_t countSequences(linrec::RecurrenceOpInterface op,
                              const Inputs &inputs) {
  auto offsets = dyn_cast_if_present<BlockArgument>(Value(op.getCuSeqlens()));
  if (!offsets || !inputs.specs[offsets.getArgNumber()].array)
    return -1;
  return std::max<int64_t>(
      1, inputs.specs[offsets.getArgNumber()].array->shape[0] - 1);
}

ScanExtents deltanet::driver::measureExtents(func::FuncOp function,
                                             const ShapeBinder &shapes,
                                             const Inputs &inputs,
                                             int64_t multiprocessors) {
  ScanExtents extents;
  extents.multiprocessors =
      multiprocessors ? multiprocessors : kMeasuredMultiprocessors;
  function.walk([&](linrec::RecurrenceOpInterface op) {
    linrec::TokenDims d = linrec::getTokenDims(op.getLayout());
    SmallVector<int64_t> query = shapes.getShape(op.getQuery());
    int64_t heads = shapes.getShape(op.getValue())[d.head],
            sequences = query[d.batch], tokens = query[d.token];
    if (int64_t packed = countSequences(op, inputs); packed > 0) {
      sequences = packed;
      tokens = (tokens + packed - 1) / packed;
    }
    if (sequences * heads * tokens < extents.units * extents.tokens)
      return;
    extents.units = sequences * heads;
    extents.tokens = tokens;
  });
  return extents;
}

/// What was decided before the rule looked for a schedule.
static ScheduleAttr findDecided(const CompilationOptions &options,
                                func::FuncOp function, ScheduleAttr taken) {
  ScheduleAttr decided = kernel::getSchedule(function);
  if (!options.schedule.empty()) {
    auto stated = kernel::parseSchedule(function.getLoc(), options.schedule);
    if (succeeded(stated))
      decided = *stated;
  }
  if (options.chunk > 0)
    decided = decided.withChunk(options.chunk);
  return decided.withProducts(taken.getProducts()).withGates(taken.getGates());
}

static std::string print(ScheduleAttr schedule) {
  std::string text;
  llvm::raw_string_ostream(text) << schedule;
  return text;
}

static llvm::json::Object describeCost(Session &session,
                                       const ScheduleCost &cost) {
  constexpr double kMilli = 1e3, kMicro = 1e6;
  session.print(fmt::format(
      "predicted {:.4f} ms: {:.4f} of {} waves of {} chunks, {:.4f} of kernels "
      "before, {:.4f} of launches",
      cost.total * kMilli, cost.serial * kMilli, cost.waves, cost.chunks,
      (cost.prepare + cost.segments) * kMilli, cost.launches * kMilli));
  session.print(fmt::format(
      "          a chunk takes {:.3f} us: products one after the other {:.3f}, "
      "what the schedulers issue {:.3f}",
      std::max(cost.latency, cost.load) * kMicro, cost.latency * kMicro,
      cost.load * kMicro));
  session.print(fmt::format("          memory alone takes {:.4f} ms",
                            cost.memory * kMilli));
  return llvm::json::Object{
      {"milliseconds", cost.total * kMilli},
      {"serial_milliseconds", cost.serial * kMilli},
      {"waves", cost.waves},
      {"chunks", cost.chunks},
      {"before_milliseconds", (cost.prepare + cost.segments) * kMilli},
      {"launch_milliseconds", cost.launches * kMilli},
      {"chunk_latency_microseconds", cost.latency * kMicro},
      {"chunk_issue_microseconds", cost.load * kMicro},
      {"memory_milliseconds", cost.memory * kMilli}};
}

/// Fills `reason` where the kernels of `candidate` cannot be built.
static void tryToBuild(ModuleOp module, func::FuncOp function,
                       ScheduleCandidate &candidate) {
  auto run = [](OpPassManager &passes, ModuleOp trial) {
    PassManager manager(trial.getContext());
    static_cast<OpPassManager &>(manager) = passes;
    return manager.run(trial);
  };
  if (candidate.refused.empty() &&
      !isPossible(module, function, candidate.schedule, run,
                  candidate.refused) &&
      candidate.refused.empty())
    candidate.refused = "cannot be built";
}

void deltanet::driver::describePrediction(
    Session &session, const CompilationOptions &options, ModuleOp module,
    func::FuncOp function, kernel::TargetAttr target, ScheduleAttr taken,
    const ScanExtents &extents) {
  FunctionWork work = readWork(function);
  work.scan.isFloat32 = taken.getProducts() && taken.getProducts().isF32();
  if (!target.isGPU() || work.scan.keys == 0 || taken.getTokenLoop())
    return;
  session["predicted"] =
      describeCost(session, predictCost(target, taken, work.scan, extents));
  session.print("candidates, predicted for these extents, in the order of "
                "their rank");
  auto copy = copyEntry(module, function);
  if (!copy)
    return;
  (*copy)->setAttr(kernel::kTargetName, target);
  auto entry = copy->lookupSymbol<func::FuncOp>(function.getName());
  llvm::json::Array candidates;
  for (ScheduleCandidate &candidate : rankSchedules(
           target, findDecided(options, function, taken), work, extents)) {
    tryToBuild(*copy, entry, candidate);
    bool isTaken = candidate.schedule == taken;
    session.print(fmt::format(
        "          {:.4f} ms {}{}{}", candidate.cost.total * 1e3,
        print(candidate.schedule), isTaken ? ", taken" : "",
        candidate.refused.empty() ? "" : ", refused: " + candidate.refused));
    llvm::json::Object object{{"schedule", print(candidate.schedule)},
                              {"milliseconds", candidate.cost.total * 1e3},
                              {"taken", isTaken}};
    if (!candidate.refused.empty())
      object["refused"] = candidate.refused;
    candidates.push_back(std::move(object));
  }
  session["candidates"] = std::move(candidates);
}
