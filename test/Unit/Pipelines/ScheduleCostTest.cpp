//===- ScheduleCostTest.cpp - predictions beside measurements -------------===//
// The rows of docs/Gpu.md: predictions are near, and of two schedules of one
// row the faster is predicted to be faster. Which extents a variant is for.
//===----------------------------------------------------------------------===//
#include "deltanet/Pipelines/ScheduleCandidates.h"
#include "deltanet/Registration.h"
#include "deltanet/Target/TargetRegistry.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace deltanet;

namespace {
struct Row {
  const char *name;
  ScanWork work;
  int64_t units, tokens;
  const char *schedule;
  double milliseconds;
};

const ScanWork kDelta{128, 128, false, true, false, false},
    kGated{128, 128, false, true, true, false},
    kKda{128, 128, false, true, true, true},
    kGla{128, 128, false, false, true, true},
    kLinear{128, 128, false, false, false, false},
    kDelta64{64, 64, false, true, false, false},
    kDelta256{256, 256, false, true, false, false};

const char *const kRoles = "chunk = 32, stages = 2, ahead_warps = 4",
                  *const kFour = "chunk = 32, stages = 2, warps = 4, "
                                 "ahead_warps = 2",
                  *const kFourAndFour = "chunk = 32, stages = 2, warps = 4, "
                                        "ahead_warps = 4",
                  *const kShared = "chunk = 32, stages = 2, split_value = 8, "
                                   "ahead_warps = 2, prepare = true";

/// Neighbours of one work and extents are compared with each other.
const Row kRows[] = {
    {"delta", kDelta, 256, 2048, kRoles, .302},
    {"delta", kDelta, 256, 2048, kFour, .268},
    {"delta long", kDelta, 16, 32768, kShared, .930},
    {"delta long", kDelta, 16, 32768, kRoles, 2.31},
    {"delta short", kDelta, 16, 1024, kShared, .038},
    {"delta short", kDelta, 16, 1024, kRoles, .078},
    {"gated", kGated, 256, 2048, kRoles, .347},
    {"gated", kGated, 256, 2048, kFour, .310},
    {"kda", kKda, 256, 2048, kFourAndFour, .612},
    {"gla", kGla, 256, 2048, kFourAndFour, .450},
    {"linear", kLinear, 256, 2048, "chunk = 64, stages = 2, ahead_warps = 4",
     .200},
    {"linear", kLinear, 256, 2048,
     "chunk = 64, stages = 2, warps = 4, ahead_warps = 4", .176},
    {"K = 64", kDelta64, 256, 4096,
     "chunk = 32, stages = 2, warps = 2, ahead_warps = 2", .213},
    {"K = 64", kDelta64, 256, 4096, kFourAndFour, .254},
    {"K = 256", kDelta256, 32, 4096,
     "chunk = 32, stages = 2, split_value = 4, ahead_warps = 4", .329},
    {"K = 256", kDelta256, 32, 4096,
     "chunk = 32, stages = 2, split_value = 4, warps = 4, ahead_warps = 2, "
     "prepare = true",
     .239}};

class Cost : public ::testing::Test {
protected:
  void SetUp() override {
    DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadDialect<kernel::KernelDialect>();
    auto chips = TargetRegistry::load(&context);
    ASSERT_TRUE(succeeded(chips));
    auto found = chips->lookup("sm_90", UnknownLoc::get(&context));
    ASSERT_TRUE(succeeded(found));
    target = *found;
  }
  kernel::ScheduleAttr parse(const char *text) {
    auto schedule = kernel::parseSchedule(UnknownLoc::get(&context), text);
    EXPECT_TRUE(succeeded(schedule)) << text;
    return succeeded(schedule) ? *schedule : kernel::ScheduleAttr();
  }
  double predict(const Row &row) {
    return 1e3 * predictCost(target, parse(row.schedule), row.work,
                             {row.units, row.tokens, 132})
                     .total;
  }
  MLIRContext context;
  kernel::TargetAttr target;
};
} // namespace

// A tenth: what the constants were fitted to has to come out again.
TEST_F(Cost, IsNearWhatWasMeasured) {
  for (const Row &row : kRows)
    EXPECT_NEAR(predict(row) / row.milliseconds, 1, .1)
        << row.name << " " << row.schedule;
}

TEST_F(Cost, RanksWhatWasMeasured) {
  int pairs = 0;
  for (const Row &a : kRows)
    for (const Row &b : kRows)
      if (StringRef(a.name) == b.name && a.milliseconds < b.milliseconds) {
        EXPECT_LT(predict(a), predict(b)) << a.name;
        ++pairs;
      }
  EXPECT_EQ(pairs, 7);
}

// More heads than blocks come in waves; a part of a wave costs a whole one.
TEST_F(Cost, CountsWaves) {
  auto at = [&](int64_t units) {
    return predictCost(target, parse(kRoles), kDelta, {units, 2048, 132});
  };
  EXPECT_EQ(at(132).waves, 1);
  EXPECT_EQ(at(133).waves, 2);
  EXPECT_EQ(at(133).serial, at(264).serial);
  EXPECT_EQ(at(133).serial, 2 * at(1).serial);
}

// No schedule is faster than memory.
TEST_F(Cost, HasAFloor) {
  ScheduleCost cost =
      predictCost(target, parse(kFour), {16, 128}, {1 << 20, 2048, 132});
  EXPECT_GE(cost.total, cost.memory);
  EXPECT_GT(cost.memory, 0);
}

// Segments pay where few heads have long sequences, and nowhere else.
TEST_F(Cost, Segments) {
  auto at = [&](const char *segments, int64_t units) {
    std::string text = std::string(kRoles) + segments;
    return predictCost(target, parse(text.c_str()), kDelta, {units, 32768, 132})
        .total;
  };
  EXPECT_LT(at(", segments = 8", 1), at("", 1));
  EXPECT_GT(at(", segments = 8", 264), at("", 264));
}

TEST_F(Cost, ChoosesAsMeasured) {
  auto choose = [&](const ScanWork &scan, int64_t units, int64_t tokens) {
    FunctionWork work;
    work.scan = scan;
    return rankSchedules(target, parse("products = bf16, gates = f32"), work,
                         {units, tokens, 132})
        .front()
        .schedule;
  };
  // Full machines: both parts as roles of one block.
  EXPECT_FALSE(choose(kDelta, 256, 2048).getPrepare());
  EXPECT_EQ(choose(kDelta, 256, 2048).getWarps(), 4);
  EXPECT_EQ(choose(kDelta, 256, 2048).getAheadWarps(), 2);
  EXPECT_EQ(choose(kLinear, 256, 2048).getWarps(), 4);
  EXPECT_EQ(choose(kLinear, 256, 2048).getChunk(), 64);
  EXPECT_EQ(choose(kKda, 256, 2048).getWarps(), 4);
  EXPECT_FALSE(choose(kKda, 256, 2048).getPrepare());
  EXPECT_FALSE(choose(kGla, 256, 2048).getPrepare());
  EXPECT_EQ(choose(kDelta64, 256, 4096).getWarps(), 2);
  EXPECT_FALSE(choose(kDelta64, 256, 4096).getPrepare());
  // Few heads: blocks share their columns.
  for (int64_t tokens : {1024, 32768}) {
    EXPECT_TRUE(choose(kDelta, 16, tokens).getPrepare());
    EXPECT_EQ(choose(kDelta, 16, tokens).getSplitValue(), 8);
  }
  EXPECT_TRUE(choose(kDelta256, 32, 4096).getPrepare());
  EXPECT_EQ(choose(kDelta256, 32, 4096).getSplitValue(), 4);
}

// The condition holds where the variant is predicted to be faster.
TEST_F(Cost, Conditions) {
  FunctionWork work;
  work.scan = kDelta;
  work.sequences = "B";
  work.heads = "H";
  work.length = "T";
  EXPECT_EQ(findCondition(target, parse(kShared), parse(kRoles), work,
                          assumeFew(target, work)),
            "max(B * H * 4 - M * 3, 96 - T) <= 0");
  work.tokens = 4096;
  EXPECT_EQ(findCondition(target, parse(kShared), parse(kRoles), work,
                          assumeFew(target, work)),
            "B * H * 4 <= M * 3");
  // The edge is the model's, with the margin that ties have.
  auto gain = [&](int64_t units) {
    auto predict = [&](const char *schedule) {
      return predictCost(target, parse(schedule), kDelta, {units, 4096, 132})
          .total;
    };
    return predict(kRoles) / predict(kShared);
  };
  EXPECT_GT(gain(99), 1.07);
  EXPECT_LE(gain(100), 1.07);
  EXPECT_EQ(findCondition(target, parse(kRoles), parse(kRoles), work,
                          assumeFew(target, work)),
            "");
}
