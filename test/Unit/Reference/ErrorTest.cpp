//===- ErrorTest.cpp - how far a result is from the reference -------------===//
// If these fail, a wrong result (a NaN above all) may pass a check.
//===----------------------------------------------------------------------===//
#include "deltanet/Reference/Reference.h"
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <vector>

using namespace deltanet;
using reference::Error;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

static Error measure(std::vector<double> got, std::vector<double> want) {
  EXPECT_EQ(got.size(), want.size());
  return reference::measureError(got.data(), want.data(), want.size());
}

TEST(Error, RelativeFrobeniusAndLargest) {
  Error error = measure({3, 4.5, 0}, {3, 4, 0});
  EXPECT_DOUBLE_EQ(error.relative, 0.1);
  EXPECT_DOUBLE_EQ(error.maxAbsolute, 0.5);
  EXPECT_EQ(error.maxAbsoluteIndex, 1);
  EXPECT_EQ(error.nonFinite, 0);
  EXPECT_TRUE(error.passes(0.1 + 1e-15));
  EXPECT_FALSE(error.passes(0.1 - 1e-15));
}

TEST(Error, NothingAndZeros) {
  EXPECT_EQ(measure({}, {}).relative, 0);
  EXPECT_EQ(measure({}, {}).maxAbsoluteIndex, -1);
  EXPECT_TRUE(measure({0, 0}, {0, 0}).passes(0));
  EXPECT_EQ(measure({0, 1e-300}, {0, 0}).relative, kInfinity);
}

TEST(Error, NaNNeverPasses) {
  Error error = measure({1, std::nan(""), 3}, {1, 2, 3});
  EXPECT_EQ(error.nonFinite, 1);
  EXPECT_EQ(error.mismatched, 1);
  EXPECT_FALSE(error.passes(kInfinity));
  EXPECT_FALSE(measure({kInfinity}, {1}).passes(kInfinity));
  EXPECT_FALSE(measure({1}, {std::nan("")}).passes(kInfinity));
  EXPECT_FALSE(measure({1}, {kInfinity}).passes(kInfinity));
  EXPECT_FALSE(measure({-kInfinity}, {kInfinity}).passes(kInfinity));
  EXPECT_FALSE(measure({kInfinity}, {std::nan("")}).passes(kInfinity));
}

TEST(Error, TheSameNonFiniteElementIsNoMismatch) {
  Error error = measure({kInfinity, -kInfinity, std::nan(""), 1},
                        {kInfinity, -kInfinity, std::nan(""), 1});
  EXPECT_EQ(error.nonFinite, 3);
  EXPECT_EQ(error.mismatched, 0);
  EXPECT_TRUE(error.passes(0));
}

TEST(Error, NeitherLargeNorSmallNumbersLoseTheNorm) {
  EXPECT_NEAR(measure({1.5e300, 2e300}, {1e300, 2e300}).relative,
              0.5 / std::sqrt(5), 1e-15);
  EXPECT_NEAR(measure({1.5e-300, 2e-300}, {1e-300, 2e-300}).relative,
              0.5 / std::sqrt(5), 1e-15);
  EXPECT_NEAR(measure({1e-200, 1e200}, {2e-200, 1e200}).relative, 0, 1e-300);
}

TEST(Error, ANaNToleranceOrInfiniteErrorDoesNotPass) {
  EXPECT_FALSE(measure({1}, {1}).passes(std::nan("")));
  EXPECT_FALSE(measure({1}, {0}).passes(1e300));
}

TEST(Rounding, OfEachFormat) {
  using support::FloatFormat;
  // 1 + 2^-9 lies between 1 and 1 + 2^-7 of bf16 and is exact in f16.
  double x[] = {1 + 0x1p-9};
  EXPECT_DOUBLE_EQ(reference::measureRounding(x, 1, FloatFormat::BF16),
                   0x1p-9 / x[0]);
  EXPECT_EQ(reference::measureRounding(x, 1, FloatFormat::F16), 0);
  double y[] = {1 + 0x1p-30};
  EXPECT_DOUBLE_EQ(reference::measureRounding(y, 1, FloatFormat::F32),
                   0x1p-30 / y[0]);
  EXPECT_EQ(reference::measureRounding(y, 1, FloatFormat::F64), 0);
}

TEST(Rounding, OfNumbersSpreadOverABinadeIsItsKnownMean) {
  // Uniform in [1, 2): the error is uniform within half a last place, so that
  // its root mean square is u / sqrt(12); the numbers' is sqrt(7/3).
  std::vector<double> x;
  for (int i = 0; i != 1 << 16; ++i)
    x.push_back(1 + (i + 0.5) / (1 << 16));
  double want = 0x1p-7 / std::sqrt(12.0) / std::sqrt(7.0 / 3.0);
  EXPECT_NEAR(reference::measureRounding(x.data(), x.size(),
                                         support::FloatFormat::BF16) /
                  want,
              1, 1e-3);
}

TEST(Rounding, WhatOverflowsTheFormatIsLeftOut) {
  double x[] = {1e30, 1, kInfinity, std::nan("")};
  EXPECT_EQ(reference::measureRounding(x, 4, support::FloatFormat::F16), 0);
}
