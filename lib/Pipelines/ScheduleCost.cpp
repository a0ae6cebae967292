//===- ScheduleCost.cpp - how long a schedule takes -----------------------===//
// See ScheduleCost.h. The unit of work is a step, one product of 16 x 8 x 16 by
// one warp, together with the loads and the elementwise work around it.
//===----------------------------------------------------------------------===//
#include "deltanet/Pipelines/ScheduleCost.h"
#include <algorithm>

using namespace deltanet;

// Fitted to the rows of docs/Gpu.md (one H200, 24 November 2026); its table of
// predictions shows how well. Seconds.

/// A step, where a scheduler has enough to issue: of a warp with 16 columns,
/// and of one with 32, whose loads serve twice as many of them.
static constexpr double kStep = 7.8e-9, kWideStep = 6.7e-9;
/// A step that waits for the one before it: a warp alone.
static constexpr double kDependentStep = 7.5e-9;
/// A chunk: the inverse of its triangle; running sums of gates and the triangle
/// of their differences; 1024 elements of gates per channel, sums and factors.
static constexpr double kInverse = 330e-9, kGates = 350e-9,
                        kChannelElements = 630e-9;
/// How much longer a chunk takes where the same warps do both parts.
static constexpr double kWithoutRoles = 1.1;
/// A chunk that is fetched when it is needed.
static constexpr double kFetch = 550e-9;
/// A kernel, from the end of the one before it.
static constexpr double kLaunch = 4e-6;
/// Bytes a second, copied.
static constexpr double kBandwidth = 4.22e12;

// CUDA C++ Programming Guide, Compute Capabilities: schedulers of a
// multiprocessor; a block takes a kilobyte of shared memory for the system.
static constexpr int64_t kSchedulers = 4, kWarp = 32, kSharedOfSystem = 1024;

/// Registers of a thread for places, counts and operands on their way; fitted
/// to what ptxas says of the same rows.
static constexpr int64_t kOtherRegisters = 60;

static int64_t divideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

namespace {
/// A block, as the schedule and, where it is silent, the lowering decide it.
struct Block {
  int64_t chunk, tiles, split, warps, tilesPerWarp, aheadWarps, stages;
  bool prepare;
};

/// Steps of a chunk.
struct Steps {
  int64_t ofWarp = 0, ofState = 0, ofAhead = 0;
};
} // namespace

static Block readBlock(kernel::ScheduleAttr schedule, int64_t columns) {
  Block block;
  block.chunk = std::max<int64_t>(16, schedule.getChunk());
  block.tiles = divideUp(columns, 16);
  block.split = std::clamp<int64_t>(schedule.getSplitValue(), 1, block.tiles);
  int64_t each = divideUp(block.tiles, block.split);
  block.warps =
      schedule.getWarps() ? std::min(schedule.getWarps(), each) : each;
  block.tilesPerWarp = divideUp(each, block.warps);
  block.aheadWarps = schedule.getAheadWarps();
  block.stages = std::max<int64_t>(1, schedule.getStages());
  block.prepare = schedule.getPrepare();
  return block;
}

/// (3), (6), (8), (9): read-out and update, and for a delta rule K S and the
/// product with the inverse.
static Steps countSteps(const ScanWork &work, const Block &block) {
  int64_t rows = divideUp(block.chunk, 8), keys = divideUp(work.keys, 16),
          inner = divideUp(block.chunk, 16);
  int64_t wide = rows * keys, square = rows * inner, update = 2 * keys * inner;
  // f32 operands are three products of tf32 of half the depth.
  int64_t precision = work.isFloat32 ? 6 : 1;
  int64_t ofTile = (work.isDelta ? 2 : 1) * (wide + square) + update;
  Steps steps;
  steps.ofWarp = precision * ofTile * block.tilesPerWarp;
  steps.ofState = steps.ofWarp * block.warps;
  steps.ofAhead = precision * (work.isDelta ? 2 : 1) * inner * wide;
  return steps;
}

/// What the ahead part takes besides products.
static double countElsewhere(const ScanWork &work, const Block &block) {
  double time = work.isDelta ? kInverse : 0;
  if (work.hasChannelGates)
    time += kChannelElements * double(block.chunk * work.keys) / 1024;
  else if (work.hasGates)
    time += kGates;
  return time;
}

/// A guess, a little low, so that nothing is passed over that would fit.
static void guessNeeds(const ScanWork &work, const Block &block,
                       ScheduleCost &cost) {
  int64_t bytes = work.isFloat32 ? 4 : 2, pad = 8;
  int64_t width = 16 * block.tilesPerWarp * block.warps;
  int64_t operands = block.chunk * (work.keys + pad) * bytes *
                     (work.hasChannelGates ? 3 : 2),
          values = block.chunk * (width + pad) * bytes,
          squares = 2 * block.chunk * (block.chunk + pad) * bytes;
  int64_t ahead = block.aheadWarps > 0 && !block.prepare ? 1 : 0;
  cost.sharedBytes = operands * (block.stages + ahead) + values * block.stages +
                     squares * (1 + ahead);
  int64_t columns = 16 * block.tilesPerWarp;
  cost.stateRegisters = work.keys * columns / kWarp;
  cost.registers = cost.stateRegisters * (work.isFloat32 ? 2 : 1) +
                   2 * block.chunk * columns / kWarp + kOtherRegisters;
  cost.threads = kWarp * (block.warps + block.aheadWarps);
}

static int64_t findOccupancy(kernel::TargetAttr target,
                             const ScheduleCost &cost) {
  int64_t blocks = INT64_MAX;
  auto limit = [&](int64_t have, int64_t need) {
    if (have > 0)
      blocks = std::min(blocks, have / need);
  };
  int64_t registers = std::min(cost.registers, target.getRegistersPerThread());
  limit(target.getThreadsPerSm(), cost.threads);
  limit(target.getRegistersPerSm(), cost.threads * registers);
  limit(target.getSharedMemoryBytesPerSm(), cost.sharedBytes + kSharedOfSystem);
  return std::max<int64_t>(1, blocks);
}

/// A pass over the chunks of `units` sequences and heads, with the state.
static double predictPass(kernel::TargetAttr target, const ScanWork &work,
                          const Block &block, int64_t units, int64_t chunks,
                          int64_t multiprocessors, ScheduleCost &cost) {
  Steps steps = countSteps(work, block);
  double step = block.tilesPerWarp > 1 ? kWideStep : kStep;
  double elsewhere = block.prepare ? 0 : countElsewhere(work, block);
  int64_t issued = steps.ofState + (block.prepare ? 0 : steps.ofAhead);
  guessNeeds(work, block, cost);
  cost.blocks = units * block.split;
  int64_t most = findOccupancy(target, cost);
  cost.blocksPerMultiprocessor = most;
  cost.waves = divideUp(cost.blocks, multiprocessors * most);
  // Of a last wave that is not full the work is, on average, less.
  int64_t resident = divideUp(cost.blocks, multiprocessors * cost.waves);
  cost.chunks = chunks;
  cost.latency = double(steps.ofWarp) * kDependentStep * (step / kStep);
  cost.load = double(resident) *
              (double(issued) / double(kSchedulers) * step + elsewhere);
  double chunk = std::max(cost.latency, cost.load);
  if (block.aheadWarps == 0 && !block.prepare)
    chunk *= kWithoutRoles;
  if (block.stages < 2)
    chunk += kFetch;
  return double(cost.waves * chunks) * chunk;
}

/// All chunks side by side: what the machine issues, and no less than one.
static double predictPrepare(const ScanWork &work, const Block &block,
                             int64_t blocks, int64_t multiprocessors) {
  Steps steps = countSteps(work, block);
  double one = double(steps.ofAhead) / double(kSchedulers) * kStep +
               countElsewhere(work, block);
  return std::max(double(blocks) / double(multiprocessors), 1.0) * one;
}

/// Of tensors and, with `prepare`, of what lies between the kernels.
static double countBytes(const ScanWork &work, const Block &block,
                         const ScanExtents &extents) {
  double bytes = work.isFloat32 ? 4 : 2;
  double token = 2.0 * double(work.keys + work.values);
  if (work.hasChannelGates)
    token += double(work.keys);
  if (block.prepare) {
    // Written and read; every block of a head reads queries and keys.
    double squares = double((work.isDelta ? 2 : 1) * block.chunk);
    token += 2 * squares;
    if (work.hasChannelGates)
      token += 2 * 3.0 * double(work.keys);
    // What is only added to what waits for the state is made ahead as well.
    if (!work.isDelta)
      token += 2.0 * double(work.values);
  }
  return bytes * token * double(extents.units) * double(extents.tokens);
}

ScheduleCost deltanet::predictCost(kernel::TargetAttr target,
                                   kernel::ScheduleAttr schedule,
                                   const ScanWork &work,
                                   const ScanExtents &extents) {
  ScheduleCost cost;
  Block block = readBlock(schedule, work.values);
  int64_t multiprocessors = extents.multiprocessors ? extents.multiprocessors
                            : target.getMultiprocessors()
                                ? target.getMultiprocessors()
                                : kMeasuredMultiprocessors;
  int64_t chunks = divideUp(extents.tokens, block.chunk);
  int64_t segments = std::max<int64_t>(1, schedule.getSegments());
  int64_t each = divideUp(chunks, segments), units = extents.units * segments;
  int64_t kernels = 1;
  if (block.prepare) {
    cost.prepare =
        predictPrepare(work, block, extents.units * chunks, multiprocessors);
    ++kernels;
  }
  if (segments > 1) {
    // (10): N and P are passes, one of them K columns wide; then a step for
    // each segment.
    ScheduleCost other;
    Block square = readBlock(schedule, work.keys);
    double step = double(divideUp(work.keys, 8) * divideUp(work.keys, 16)) *
                  kDependentStep;
    cost.segments =
        predictPass(target, work, block, units, each, multiprocessors, other) +
        predictPass(target, work, square, units, each, multiprocessors, other) +
        double(segments) * (step + kFetch);
    kernels += 3;
  }
  cost.serial =
      predictPass(target, work, block, units, each, multiprocessors, cost);
  cost.launches = double(kernels) * kLaunch;
  cost.memory = countBytes(work, block, extents) / kBandwidth;
  cost.total =
      std::max(cost.prepare + cost.segments + cost.serial, cost.memory) +
      cost.launches;
  return cost;
}
