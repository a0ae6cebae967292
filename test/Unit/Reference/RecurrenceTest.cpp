//===- RecurrenceTest.cpp - the float64 recurrence ------------------------===//
// Against explicit transition matrices for every combination of options,
// against numbers worked out by hand, and against itself where two descriptions
// say the same. If these fail, no error the project prints means anything.
//===----------------------------------------------------------------------===//
#include "Reference/DenseReference.h"
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace deltanet;
using namespace deltanet::test;
using reference::Layout;
using reference::Recurrence;
using reference::StateLayout;

static double distance(const std::vector<double> &got,
                       const std::vector<double> &want) {
  EXPECT_EQ(got.size(), want.size());
  reference::Error error =
      reference::measureError(got.data(), want.data(), want.size());
  return error.mismatched ? std::numeric_limits<double>::infinity()
                          : error.relative;
}

static void expectDense(Problem &problem, uint64_t seed) {
  problem.fill(seed);
  Result want = runDense(problem), got = runReference(problem);
  EXPECT_LE(distance(got.o, want.o), 1e-13) << problem.describe();
  EXPECT_LE(distance(got.finalState, want.finalState), 1e-13)
      << problem.describe();
}

TEST(Recurrence, EveryCombinationEqualsExplicitTransitions) {
  int64_t count = 0;
  for (Rule rule : {Rule::Additive, Rule::Delta, Rule::Dplr})
    for (Decay decay : {Decay::None, Decay::Scalar, Decay::Channel})
      for (int64_t steps : {1, 2, 3})
        for (int options = 0; options != 32; ++options) {
          Problem p;
          p.rule = rule, p.decay = decay, p.steps = steps;
          p.before = options & 1, p.hasBonus = options & 2,
          p.hasInitial = options & 4;
          if (options & 8)
            p.G = 2, p.H = 6;
          if (options & 16)
            p.T = 7, p.offsets = {0, 2, 2, 3, 7};
          else
            p.B = 2;
          if ((steps != 1 && rule == Rule::Dplr) ||
              (p.hasBonus && (!p.before || steps != 1 || rule == Rule::Dplr)))
            continue;
          expectDense(p, ++count);
        }
  // By decay: additive and delta with 24 option sets in one step (a bonus needs
  // the read-out before) and 16 in two and three; the general one with 16.
  EXPECT_EQ(count, 3 * (2 * (24 + 2 * 16) + 16));
}

TEST(Recurrence, WidthsAroundTheBlockOfColumns) {
  for (int64_t V : {1, 31, 32, 33, 64, 70}) {
    Problem p;
    p.K = 5, p.V = V, p.T = 9, p.hasInitial = true, p.decay = Decay::Channel;
    expectDense(p, V);
  }
}

TEST(Recurrence, ByHand) {
  // K = V = 1: S1 = 0.5*2 + 1*(3 - 0.5*2*1)*1 = 1 + 2 = 3 with beta = 1, and
  // then S2 = 0.25*3 + 2*0.5*(1 - 0.25*3*2) = 0.75 - 0.5 = 0.25.
  double q[] = {1, 4}, k[] = {1, 2}, v[] = {3, 1}, beta[] = {1, 0.5};
  double decay[] = {std::log(0.5), std::log(0.25)}, initial[] = {2}, o[2],
         final[1];
  Recurrence r;
  r.B = r.G = r.H = r.K = r.V = 1;
  r.T = 2;
  r.q = q, r.k = k, r.v = v, r.beta = beta, r.decay = decay,
  r.initialState = initial;
  r.o = o, r.finalState = final;
  ASSERT_EQ(reference::run(r), std::nullopt);
  EXPECT_DOUBLE_EQ(o[0], 3);
  EXPECT_DOUBLE_EQ(o[1], 1);
  EXPECT_DOUBLE_EQ(final[0], 0.25);

  // Read out before: the states 2 and 3, with no decay applied to them.
  r.readOut = reference::ReadOut::Before;
  r.scale = 10;
  ASSERT_EQ(reference::run(r), std::nullopt);
  EXPECT_DOUBLE_EQ(o[0], 20);
  EXPECT_DOUBLE_EQ(o[1], 120);

  // A bonus of 0.5: u1 = 2 and u2 = -0.25, times q*bonus*k.
  double bonus[] = {0.5};
  r.bonus = bonus;
  ASSERT_EQ(reference::run(r), std::nullopt);
  EXPECT_DOUBLE_EQ(o[0], 20 + 10 * 0.5 * 2);
  EXPECT_DOUBLE_EQ(o[1], 120 + 10 * (4 * 0.5 * 2) * -0.25);
}

TEST(Recurrence, ADeltaRuleReadsBackWhatItWrote) {
  // A unit key and beta = 1 replace what the state returns for that key.
  double q[] = {0.6, 0.8, 0.6, 0.8}, v[] = {7, -3, 5, 11}, beta[] = {1, 1},
         o[4];
  Recurrence r;
  r.B = r.G = r.H = 1;
  r.T = r.K = r.V = 2;
  r.scale = 1;
  r.q = q, r.k = q, r.v = v, r.beta = beta, r.o = o;
  ASSERT_EQ(reference::run(r), std::nullopt);
  for (int i = 0; i != 4; ++i)
    EXPECT_NEAR(o[i], v[i], 1e-14);
}

TEST(Recurrence, LayoutsAndThreadsChangeNoBit) {
  Problem p;
  p.B = 2, p.T = 6, p.G = 2, p.H = 4, p.K = 5, p.V = 40, p.steps = 2;
  p.decay = Decay::Channel, p.hasInitial = true;
  p.fill(3);
  Result want = runReference(p);
  for (Layout layout : {Layout::BTHD, Layout::BHTD})
    for (StateLayout stateLayout : {StateLayout::KV, StateLayout::VK})
      for (unsigned threads : {0u, 1u, 3u}) {
        Result got = runReference(p, layout, stateLayout, threads);
        EXPECT_EQ(got.o, want.o);
        EXPECT_EQ(got.finalState, want.finalState);
      }
}

TEST(Recurrence, PackedEqualsEachSequenceAlone) {
  Problem packed;
  packed.T = 11, packed.offsets = {0, 0, 1, 8, 8, 11}, packed.H = 2;
  packed.decay = Decay::Scalar, packed.hasInitial = true;
  packed.fill(4);
  Result together = runReference(packed);
  for (int64_t n = 0; n != packed.getNumSequences(); ++n) {
    int64_t begin = packed.offsets[n], end = packed.offsets[n + 1];
    Problem alone = packed;
    alone.offsets.clear();
    alone.T = end - begin;
    auto cut = [&](const std::vector<double> &x) {
      int64_t width = x.size() / packed.T;
      return std::vector<double>(x.begin() + begin * width,
                                 x.begin() + end * width);
    };
    alone.q = cut(packed.q), alone.k = cut(packed.k), alone.v = cut(packed.v);
    alone.beta = cut(packed.beta), alone.logDecay = cut(packed.logDecay);
    int64_t size = packed.H * packed.K * packed.V;
    auto state = packed.initial.begin() + n * size;
    alone.initial.assign(state, state + size);
    Result want = runReference(alone);
    EXPECT_EQ(cut(together.o), want.o);
    EXPECT_TRUE(std::equal(want.finalState.begin(), want.finalState.end(),
                           together.finalState.begin() + n * size));
  }
}

TEST(Recurrence, ASequenceWithoutTokensKeepsItsState) {
  Problem p;
  p.T = 0, p.B = 2, p.hasInitial = true;
  p.fill(5);
  EXPECT_EQ(runReference(p).finalState, p.initial);
  p.hasInitial = false;
  EXPECT_EQ(runReference(p).finalState,
            std::vector<double>(p.initial.size(), 0.0));
}

TEST(Recurrence, StepsAreTokensThatDecayOnceAndReadLast) {
  // (25): n steps a token against one step over n times the tokens.
  Problem steps;
  steps.T = 4, steps.steps = 3, steps.decay = Decay::Channel, steps.H = 2;
  steps.fill(6);
  Problem tokens = steps;
  tokens.T = 12, tokens.steps = 1;
  tokens.q.assign(12 * steps.K, 0.0);
  tokens.logDecay.assign(12 * steps.H * steps.K, 0.0);
  for (int64_t t = 0; t != 4; ++t) {
    std::copy_n(steps.q.begin() + t * steps.K, steps.K,
                tokens.q.begin() + (3 * t + 2) * steps.K);
    int64_t width = steps.H * steps.K;
    std::copy_n(steps.logDecay.begin() + t * width, width,
                tokens.logDecay.begin() + 3 * t * width);
  }
  Result got = runReference(steps), want = runReference(tokens);
  EXPECT_EQ(got.finalState, want.finalState);
  int64_t width = steps.H * steps.V;
  for (int64_t t = 0; t != 4; ++t)
    for (int64_t j = 0; j != width; ++j)
      EXPECT_EQ(got.o[t * width + j], want.o[(3 * t + 2) * width + j]);
}

TEST(Recurrence, GeneralTransitionContainsTheDeltaRule) {
  // a = -alpha k, b = beta k, and beta k in k's place, below (21).
  Problem delta;
  delta.decay = Decay::Channel, delta.T = 6, delta.hasInitial = true;
  delta.fill(7);
  Problem dplr = delta;
  dplr.rule = Rule::Dplr;
  dplr.a.resize(delta.k.size());
  dplr.b.resize(delta.k.size());
  for (size_t i = 0; i != delta.k.size(); ++i) {
    dplr.a[i] = -std::exp(delta.logDecay[i]) * delta.k[i];
    dplr.b[i] = dplr.k[i] = delta.beta[i / delta.K] * delta.k[i];
  }
  Result want = runReference(delta), got = runReference(dplr);
  EXPECT_LE(distance(got.o, want.o), 1e-14);
  EXPECT_LE(distance(got.finalState, want.finalState), 1e-14);
}

TEST(Recurrence, AHardResetForgetsEverythingBeforeIt) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Problem p;
  p.T = 6, p.decay = Decay::Scalar, p.hasInitial = true;
  p.fill(8);
  for (double log : {-1.0e4, -1.0e5, -infinity}) {
    p.logDecay[3] = log;
    Problem rest = p;
    rest.T = 3, rest.hasInitial = false;
    auto drop = [](std::vector<double> &x) {
      x.erase(x.begin(), x.begin() + x.size() / 2);
    };
    drop(rest.q), drop(rest.k), drop(rest.v), drop(rest.beta),
        drop(rest.logDecay);
    EXPECT_EQ(runReference(p).finalState, runReference(rest).finalState) << log;
  }
}

TEST(Recurrence, NaNOfAnOperandReachesTheResults) {
  Problem p;
  p.decay = Decay::Scalar;
  p.fill(9);
  for (std::vector<double> *operand :
       {&p.q, &p.k, &p.v, &p.beta, &p.logDecay}) {
    double saved = operand->front();
    operand->front() = std::nan("");
    EXPECT_TRUE(std::isnan(runReference(p).o[0]));
    operand->front() = saved;
  }
}

//===----------------------------------------------------------------------===//
// Descriptions that are refused
//===----------------------------------------------------------------------===//

namespace {
/// A description that is right, to be spoilt in one place.
struct Refused : testing::Test {
  double numbers[64] = {}, results[64] = {};
  int64_t offsets[3] = {0, 1, 2};
  Recurrence r;

  Refused() {
    r.B = r.G = r.H = 1;
    r.T = r.K = r.V = 2;
    r.q = r.k = r.v = numbers;
    r.o = results;
  }
  std::string message() { return reference::run(r).value_or(""); }
};
} // namespace

TEST_F(Refused, NothingWhenAllIsRight) {
  EXPECT_EQ(message(), "");
  r.cuSeqlens = offsets, r.N = 2;
  EXPECT_EQ(message(), "");
}
TEST_F(Refused, NegativeExtents) {
  r.T = -1;
  EXPECT_EQ(message(), "expects extents that are not negative, got batch 1, "
                       "tokens -1 and heads 1");
}
TEST_F(Refused, NoWidth) {
  r.V = 0;
  EXPECT_EQ(message(),
            "expects widths of at least 1, got 2 of key and 0 of value");
}
TEST_F(Refused, NoSteps) {
  r.steps = 0;
  EXPECT_EQ(message(), "expects at least 1 step a token, got 0");
}
TEST_F(Refused, HeadsThatDoNotDivide) {
  r.G = 2, r.H = 3;
  EXPECT_EQ(message(),
            "expects heads of query to divide heads of value, got 2 and 3");
}
TEST_F(Refused, MissingOperand) {
  r.k = nullptr;
  EXPECT_EQ(message(),
            "expects query, key, value and output, got none for key");
}
TEST_F(Refused, HalfATransition) {
  r.a = numbers;
  EXPECT_EQ(message(), "expects a and b together, got a alone");
}
TEST_F(Refused, TransitionWithBeta) {
  r.a = r.b = r.beta = numbers;
  EXPECT_EQ(message(),
            "expects neither beta, bonus nor several steps with a and b");
}
TEST_F(Refused, BonusAfterTheUpdate) {
  r.bonus = numbers;
  EXPECT_EQ(message(),
            "expects a bonus only with read_out = before and one step a token");
}
TEST_F(Refused, PackedBatch) {
  r.B = 2, r.cuSeqlens = offsets, r.N = 2;
  EXPECT_EQ(message(), "expects a batch of 1 with packed sequences, got 2");
}
TEST_F(Refused, NoSequence) {
  r.cuSeqlens = offsets, r.N = 0;
  EXPECT_EQ(message(), "expects at least 2 offsets of packed sequences, got 1");
}
TEST_F(Refused, OffsetsThatBeginLate) {
  offsets[0] = 1, r.cuSeqlens = offsets, r.N = 2;
  EXPECT_EQ(
      message(),
      "expects offsets of packed sequences to begin with 0, got 1 at entry 0");
}
TEST_F(Refused, OffsetsThatFall) {
  offsets[1] = 3, r.cuSeqlens = offsets, r.N = 2;
  EXPECT_EQ(
      message(),
      "expects offsets of packed sequences that do not fall, got 3 at entry 1 "
      "and 2 at entry 2");
}
TEST_F(Refused, OffsetsThatEndElsewhere) {
  r.T = 3, r.cuSeqlens = offsets, r.N = 2;
  EXPECT_EQ(
      message(),
      "expects offsets of packed sequences to end with the number of tokens 3, "
      "got 2 at entry 2");
}
TEST_F(Refused, ResultsAreLeftAlone) {
  r.o[0] = 42, r.T = -1;
  EXPECT_NE(message(), "");
  EXPECT_EQ(r.o[0], 42);
}
