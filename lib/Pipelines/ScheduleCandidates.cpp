//===- ScheduleCandidates.cpp - schedules in the order of trial -----------===//
// See the header.
//===----------------------------------------------------------------------===//
#include "deltanet/Pipelines/ScheduleCandidates.h"
#include "deltanet/Dialect/LinRec/IR/LinRec.h"
#include <numeric>

using namespace mlir;
using namespace deltanet;
using kernel::ScheduleAttr;

/// Registers of a thread for the state: with 16 columns a warp there are K / 2.
static constexpr int64_t kMostRegistersOfState = 64;

/// Predictions closer than this are the same: then what comes first in the
/// enumeration is taken, which is what was measured to be best among equals.
static constexpr double kTie = 1.07;

/// Tokens of a sequence where the types leave them open.
static constexpr int64_t kAssumedTokens = 4096;

/// How far below its limit the shared memory that is predicted may be wrong.
static constexpr double kSharedGuess = 0.85;

//===----------------------------------------------------------------------===//
// What a function asks for
//===----------------------------------------------------------------------===//

static std::string sizeText(int64_t extent, StringRef name) {
  return ShapedType::isDynamic(extent) ? name.str() : std::to_string(extent);
}

FunctionWork deltanet::readWork(func::FuncOp function) {
  FunctionWork work;
  function.walk([&](linrec::RecurrenceOpInterface op) {
    linrec::ScanShape shape = linrec::getScanShape(op);
    ++work.numScans;
    if (!ShapedType::isDynamic(shape.sequences) &&
        !ShapedType::isDynamic(shape.heads))
      work.units = std::max(work.units, shape.sequences * shape.heads);
    bool packed = bool(op.getCuSeqlens());
    if (!ShapedType::isDynamic(shape.tokens) &&
        !(packed && ShapedType::isDynamic(shape.sequences)))
      work.tokens =
          std::max(work.tokens,
                   packed ? shape.tokens / std::max<int64_t>(1, shape.sequences)
                          : shape.tokens);
    work.sequences =
        packed ? sizeText(shape.sequences, "N") : sizeText(shape.batch, "B");
    work.heads = sizeText(shape.heads, "H");
    work.length = sizeText(shape.tokens, "T");
    if (packed)
      work.length += " / max(" + work.sequences + ", 1)";
    ScanWork &scan = work.scan;
    scan.keys = std::max(scan.keys, shape.keyWidth);
    scan.steps = std::max(scan.steps, shape.steps);
    scan.values = std::max(scan.values, shape.valueWidth);
    if (auto decay = op.getDecay()) {
      scan.hasGates = true;
      scan.hasChannelGates |= decay.getType().getRank() == 4;
    }
    auto additive = dyn_cast<linrec::ScanOp>(op.getOperation());
    scan.isDelta |= !additive || additive.getBeta();
  });
  Type products = kernel::getSchedule(function).getProducts();
  work.scan.isFloat32 = products && products.isF32();
  return work;
}

static int64_t countMultiprocessors(kernel::TargetAttr target) {
  return target.getMultiprocessors() ? target.getMultiprocessors()
                                     : kMeasuredMultiprocessors;
}

static ScanExtents assume(kernel::TargetAttr target, const FunctionWork &work,
                          int64_t units) {
  return {work.units ? work.units : units,
          work.tokens ? work.tokens : kAssumedTokens,
          countMultiprocessors(target)};
}

ScanExtents deltanet::assumeFull(kernel::TargetAttr target,
                                 const FunctionWork &work) {
  return assume(target, work, 2 * countMultiprocessors(target));
}

ScanExtents deltanet::assumeFew(kernel::TargetAttr target,
                                const FunctionWork &work) {
  return assume(target, work,
                std::max<int64_t>(1, countMultiprocessors(target) / 8));
}

ScanExtents deltanet::assumeLong(kernel::TargetAttr target,
                                 const FunctionWork &work) {
  ScanExtents extents = assumeFew(target, work);
  if (!work.tokens)
    extents.tokens = 8 * kAssumedTokens;
  return extents;
}

//===----------------------------------------------------------------------===//
// Enumeration
//===----------------------------------------------------------------------===//

bool deltanet::isOpen(ScheduleAttr decided) {
  return !decided.getWarps() && !decided.getSplitValue() &&
         !decided.getAheadWarps() && !decided.getStages() &&
         !decided.getPrepare() && decided.getSegments() < 2;
}

/// Tokens a chunk, the best first. No prediction: what a chunk costs apart from
/// its products is not among the constants of the model.
static SmallVector<int64_t> listChunks(const ScanWork &work) {
  // What is split in two for its products (tf32x3) takes twice the room.
  if (work.isFloat32 &&
      (work.hasChannelGates || work.keys > 64 || work.steps > 1))
    return {16};
  // Pseudo-values in two parts beside half a state of 128 keys: 32 rows of them
  // are what a thread has registers for.
  if (work.isDelta && work.steps > 1 && work.keys >= 128)
    return {16};
  // Without a triangle to solve, longer chunks meet their barriers less often;
  // gates per channel are held in registers by the ahead part.
  if (!work.isDelta && !work.hasChannelGates && !work.isFloat32)
    return {64, 32, 16};
  return {32, 16};
}

namespace {
/// How the columns of a head are shared, by what registers allow.
struct Columns {
  int64_t tiles, split, each;
  bool wide; // 32 a warp
  bool wideWithoutRoles;
  int64_t aheadWarps;

  /// Tiles of 16 columns of one of `split` blocks.
  int64_t share(int64_t split) const { return (tiles + split - 1) / split; }
};

struct Way {
  int64_t aheadWarps, stages;
  bool prepare;
};

/// What is tried first: one kernel with both parts; blocks that share the
/// columns of a head, where few heads leave it to them; or these and then what
/// does not wait for the state in a kernel before.
enum class Order { kTogether, kShared, kApart };
} // namespace

static Columns shareColumns(const ScanWork &work) {
  Columns columns;
  columns.tiles = (work.values + 15) / 16;
  // Half as many columns a block where their state takes twice the registers,
  // or operands of products are split in two.
  int64_t registers = work.keys / 2 * (work.isFloat32 ? 2 : 1);
  int64_t most = registers > kMostRegistersOfState ? 4 : 8;
  // What a warp reads of an operand in shared memory serves 32 columns where
  // registers allow it without spills.
  columns.wide = !work.isFloat32 &&
                 (work.keys <= 64 ||
                  (work.keys <= 128 &&
                   (work.hasChannelGates ||
                    (work.steps == 1 && (work.isDelta || !work.hasGates)))));
  columns.split = (columns.tiles + most - 1) / most;
  columns.each = columns.share(columns.split);
  // Up to 8 warps a thread has all registers it can name.
  bool heavy = work.isFloat32 || work.hasChannelGates;
  // Warps that do both parts hold the gates of channels beside the state.
  columns.wideWithoutRoles = columns.wide && !heavy;
  bool little = columns.wide && (work.keys <= 64 || (work.isDelta && !heavy));
  columns.aheadWarps =
      little || (heavy && (columns.each == 5 || columns.each == 6)) ? 2 : 4;
  return columns;
}

/// Where no time is predicted the order is the rule. A chunk that is stated and
/// longer than the rule's has more operands in two parts than registers for
/// them beside the state.
static Order chooseOrder(const ScanWork &work, ScheduleAttr decided,
                         int64_t chunk) {
  if (!work.isFloat32)
    return Order::kTogether;
  bool isLong = chunk > listChunks(work).front();
  return isLong && isOpen(decided) ? Order::kApart : Order::kShared;
}

/// Blocks that share the columns of a head, of few heads: as many as there are
/// multiprocessors for, then the other powers.
static SmallVector<int64_t> listSplits(const Columns &columns, int64_t units,
                                       int64_t multiprocessors) {
  SmallVector<int64_t> splits = {columns.split};
  while (splits.back() < columns.tiles)
    splits.push_back(std::min(2 * splits.back(), columns.tiles));
  auto fits = [&](int64_t split) { return units * split <= multiprocessors; };
  auto last = llvm::find_if_not(splits, fits);
  if (last != splits.begin())
    std::rotate(splits.begin(), last - 1, last);
  return splits;
}

/// Segments of which all are worked on at once, and which have chunks enough.
static SmallVector<int64_t> listSegments(const Columns &columns, int64_t chunk,
                                         const ScanExtents &extents) {
  constexpr int64_t kMostSegments = 64, kLeastChunks = 16;
  SmallVector<int64_t> segments;
  for (int64_t count = 2; count <= kMostSegments; count *= 2)
    if (extents.units * count * columns.split <= extents.multiprocessors &&
        extents.tokens >= count * chunk * kLeastChunks)
      segments.push_back(count);
  return segments;
}

/// The ways of one chunk size, preferred ones first, the least demanding last.
static SmallVector<ScheduleAttr>
listWays(ScheduleAttr decided, int64_t chunk, const Columns &columns,
         ArrayRef<int64_t> shared, ArrayRef<int64_t> segments, Order order) {
  SmallVector<ScheduleAttr> list;
  auto add = [&](Way way) {
    if ((decided.getAheadWarps() && way.aheadWarps == 0) ||
        (decided.getStages() && decided.getStages() != way.stages))
      return;
    ScheduleAttr schedule =
        decided.withChunk(chunk)
            .withStages(way.stages)
            .withPrepare(decided.getPrepare() || way.prepare);
    if (!decided.getAheadWarps())
      schedule = schedule.withAheadWarps(way.aheadWarps);
    if (!decided.getSplitValue() && !decided.getWarps())
      schedule = schedule.withSplitValue(columns.split);
    bool hasRoles = schedule.getAheadWarps() > 0 || schedule.getPrepare();
    if (!decided.getWarps() &&
        (hasRoles ? columns.wide : columns.wideWithoutRoles)) {
      int64_t each = decided.getSplitValue()
                         ? columns.share(decided.getSplitValue())
                         : columns.each;
      schedule = schedule.withWarps(std::max<int64_t>(1, each / 2));
    }
    list.push_back(schedule);
  };
  if (order == Order::kTogether)
    add({columns.aheadWarps, 2, false});
  // Blocks share the columns of a head, and what they would all do is a kernel
  // before them; 16 columns a warp, since there are few warps.
  auto prepared = [&](int64_t split) {
    return decided.withChunk(chunk)
        .withStages(2)
        .withPrepare(true)
        .withSplitValue(split)
        .withWarps(columns.share(split))
        .withAheadWarps(2);
  };
  for (int64_t split : shared)
    list.push_back(prepared(split));
  // Long sequences are cut, so that every multiprocessor has a segment (10).
  for (int64_t count : segments)
    list.push_back(prepared(columns.split).withSegments(count));
  if (order == Order::kApart)
    add({columns.aheadWarps, 2, true});
  if (order != Order::kTogether)
    add({columns.aheadWarps, 2, false});
  for (Way way : {Way{columns.aheadWarps, 1, false},
                  {0, 2, false},
                  {0, 1, false},
                  {0, 1, true}})
    add(way);
  return list;
}

/// Why a block of `cost` cannot fit; empty where it may.
static std::string refuse(kernel::TargetAttr target, const ScheduleCost &cost) {
  int64_t have = target.getSharedMemoryBytesPerBlock(),
          need = static_cast<int64_t>(double(cost.sharedBytes) * kSharedGuess);
  if (have > 0 && need > have)
    return "needs about " + std::to_string(need) +
           " bytes of shared memory a block, there are " + std::to_string(have);
  have = target.getRegistersPerThread();
  if (target.getRegistersPerSm() > 0)
    have = std::min(have, target.getRegistersPerSm() / cost.threads);
  if (have > 0 && cost.stateRegisters >= have)
    return "needs " + std::to_string(cost.stateRegisters) +
           " registers a thread for the state and some besides, there are " +
           std::to_string(have);
  have = target.getThreadsPerBlock();
  if (have > 0 && cost.threads > have)
    return "has " + std::to_string(cost.threads) +
           " threads a block, at most " + std::to_string(have) + " can be";
  return "";
}

/// By time; among those that are as good as the best of the rest, by order.
static void rank(MutableArrayRef<ScheduleCandidate> group) {
  auto isLess = [](const ScheduleCandidate &a, const ScheduleCandidate &b) {
    return a.cost.total < b.cost.total;
  };
  for (; group.size() > 1; group = group.drop_front()) {
    double best = llvm::min_element(group, isLess)->cost.total;
    auto *next = llvm::find_if(group, [&](const ScheduleCandidate &candidate) {
      return candidate.cost.total <= best * kTie;
    });
    std::rotate(group.begin(), next, next + 1);
  }
}

SmallVector<ScheduleCandidate>
deltanet::rankSchedules(kernel::TargetAttr target, ScheduleAttr decided,
                        const FunctionWork &work, const ScanExtents &extents) {
  SmallVector<int64_t> chunks = {decided.getChunk()};
  if (!decided.getChunk())
    chunks = listChunks(work.scan);
  Columns columns = shareColumns(work.scan);
  // Products of f32 are not among the rows that the constants are fitted to:
  // there the order is the rule, and few heads those that leave half of the
  // machine idle.
  bool isMeasured = !work.scan.isFloat32;
  bool isFew = extents.units * columns.split * 2 <= extents.multiprocessors;
  SmallVector<ScheduleCandidate> ranked;
  auto append = [&](ScheduleAttr schedule) {
    ScheduleCost cost = predictCost(target, schedule, work.scan, extents);
    ranked.push_back({schedule, cost, refuse(target, cost)});
  };
  for (int64_t chunk : chunks) {
    SmallVector<int64_t> shared, segments;
    if (isOpen(decided) && chunk == chunks.front() && (isMeasured || isFew)) {
      shared = listSplits(columns, extents.units, extents.multiprocessors);
      if (isMeasured && work.numScans == 1)
        segments = listSegments(columns, chunk, extents);
    }
    SmallVector<ScheduleCandidate> group;
    for (ScheduleAttr schedule :
         listWays(decided, chunk, columns, shared, segments,
                  chooseOrder(work.scan, decided, chunk)))
      group.push_back(
          {schedule, predictCost(target, schedule, work.scan, extents), ""});
    // What demands least stays last: it says what is wrong where nothing fits.
    if (isMeasured)
      rank(MutableArrayRef(group).drop_back(
          chunk == chunks.back() && !group.empty() ? 1 : 0));
    for (const ScheduleCandidate &candidate : group) {
      append(candidate.schedule);
      // All columns in one block, where something is reduced over them.
      if (!decided.getSplitValue() && !decided.getWarps() &&
          candidate.schedule.getSplitValue() == columns.split &&
          candidate.schedule.getSplitValue() > 1)
        append(candidate.schedule.withSplitValue(1).withWarps(0));
    }
  }
  if (ranked.empty()) // the passes that follow say what cannot be
    append(decided);
  return ranked;
}

//===----------------------------------------------------------------------===//
// Variants
//===----------------------------------------------------------------------===//

std::string deltanet::findCondition(kernel::TargetAttr target, ScheduleAttr few,
                                    ScheduleAttr all, const FunctionWork &work,
                                    ScanExtents extents) {
  auto isFaster = [&](int64_t units, int64_t tokens) {
    extents.units = units;
    extents.tokens = tokens;
    return predictCost(target, few, work.scan, extents).total * kTie <
           predictCost(target, all, work.scan, extents).total;
  };
  int64_t tokens = extents.tokens, machine = extents.multiprocessors, units = 0;
  while (units < 4 * machine && isFaster(units + 1, tokens))
    ++units;
  // Not measured, see rankSchedules: no more than leave half of it idle.
  if (work.scan.isFloat32)
    units = std::min(units,
                     machine / (2 * std::max<int64_t>(1, all.getSplitValue())));
  if (units == 0)
    return "";
  // Fewer tokens than these are no worth a kernel more.
  int64_t least = 0, middle = std::max<int64_t>(1, units / 2);
  while (!work.tokens && least < tokens && !isFaster(middle, least + 1))
    least += all.getChunk();
  int64_t divisor = std::gcd(units, machine);
  std::string count = work.sequences + " * " + work.heads;
  if (machine != divisor)
    count += " * " + std::to_string(machine / divisor);
  std::string most = "M";
  if (units != divisor)
    most += " * " + std::to_string(units / divisor);
  if (least == 0)
    return count + " <= " + most;
  return "max(" + count + " - " + most + ", " + std::to_string(least) + " - " +
         work.length + ") <= 0";
}
