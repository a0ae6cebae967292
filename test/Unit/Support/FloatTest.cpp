//===- FloatTest.cpp - bf16 and f16 ---------------------------------------===//
// If these fail, inputs of the checks are not the numbers the kernels see.
//===----------------------------------------------------------------------===//
#include "deltanet/Support/Float.h"
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace deltanet::support;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Float, EveryPatternSurvivesTheWayThroughFloat64) {
  for (uint32_t bits = 0; bits != 0x10000; ++bits) {
    uint16_t pattern = static_cast<uint16_t>(bits);
    if (!std::isnan(fromBF16Bits(pattern)))
      ASSERT_EQ(toBF16Bits(fromBF16Bits(pattern)), pattern);
    else
      ASSERT_TRUE(std::isnan(fromBF16Bits(toBF16Bits(fromBF16Bits(pattern)))));
    if (!std::isnan(fromF16Bits(pattern)))
      ASSERT_EQ(toF16Bits(fromF16Bits(pattern)), pattern);
    else
      ASSERT_TRUE(std::isnan(fromF16Bits(toF16Bits(fromF16Bits(pattern)))));
  }
}

/// Between two neighbours of a format: nearest, the even one from the middle.
template <typename From, typename To>
static void checkNeighbours(uint32_t last, From from, To to) {
  for (uint32_t bits = 0; bits != last; ++bits) {
    double low = from(static_cast<uint16_t>(bits)),
           high = from(static_cast<uint16_t>(bits + 1));
    double middle = low + (high - low) / 2;
    uint16_t even = static_cast<uint16_t>(bits + (bits & 1));
    ASSERT_EQ(to(middle), even) << bits;
    ASSERT_EQ(to(-middle), even | 0x8000) << bits;
    ASSERT_EQ(to(std::nextafter(middle, -kInfinity)), bits) << bits;
    ASSERT_EQ(to(std::nextafter(middle, kInfinity)), bits + 1) << bits;
  }
}

TEST(Float, RoundsToNearestTiesToEvenBetweenAllNeighbours) {
  // Up to the largest finite number; the pattern after it is infinite.
  checkNeighbours(0x7f7f, fromBF16Bits, toBF16Bits);
  checkNeighbours(0x7bff, fromF16Bits, toF16Bits);
}

TEST(Float, Overflow) {
  EXPECT_EQ(fromF16Bits(toF16Bits(65504)), 65504);
  EXPECT_EQ(fromF16Bits(toF16Bits(std::nextafter(65520.0, 0))), 65504);
  EXPECT_EQ(fromF16Bits(toF16Bits(65520)), kInfinity);
  EXPECT_EQ(fromF16Bits(toF16Bits(-1e300)), -kInfinity);
  EXPECT_EQ(fromF16Bits(toF16Bits(kInfinity)), kInfinity);
  double largest = fromBF16Bits(0x7f7f);
  EXPECT_EQ(fromBF16Bits(toBF16Bits(largest * (1 + 0x1p-10))), largest);
  EXPECT_EQ(fromBF16Bits(toBF16Bits(largest * (1 + 0x1p-8))), kInfinity);
  EXPECT_EQ(fromBF16Bits(toBF16Bits(-kInfinity)), -kInfinity);
}

TEST(Float, Underflow) {
  EXPECT_EQ(toF16Bits(0x1p-24), 1);
  EXPECT_EQ(toF16Bits(0x1p-25), 0);
  EXPECT_EQ(toF16Bits(std::nextafter(0x1p-25, 1)), 1);
  EXPECT_EQ(toF16Bits(-0x1p-26), 0x8000);
  EXPECT_EQ(toBF16Bits(0x1p-133), 1);
  EXPECT_EQ(toBF16Bits(0x1p-134), 0);
  EXPECT_EQ(toBF16Bits(std::numeric_limits<double>::denorm_min()), 0);
  EXPECT_EQ(toBF16Bits(-0.0), 0x8000);
}

TEST(Float, NaNKeepsItsSignAndNeverBecomesInfinite) {
  // The only bits set in the payload are below those the format keeps.
  double nan = detail::bitCast<double>(uint64_t(0xfff0000000000001));
  ASSERT_TRUE(std::isnan(nan));
  EXPECT_EQ(toBF16Bits(nan), 0xffc0);
  EXPECT_EQ(toF16Bits(nan), 0xfe00);
  EXPECT_TRUE(std::isnan(roundTo(FloatFormat::F32, nan)));
}

TEST(Float, OneRoundingNotTwo) {
  // Through f32 this would become the tie 1 + 2^-8 and then 1.
  double x = 1 + 0x1p-8 + 0x1p-40;
  EXPECT_EQ(roundTo(FloatFormat::BF16, x), 1 + 0x1p-7);
  EXPECT_EQ(roundTo(FloatFormat::F32, x), 1 + 0x1p-8);
  EXPECT_EQ(roundTo(FloatFormat::F64, x), x);
}
