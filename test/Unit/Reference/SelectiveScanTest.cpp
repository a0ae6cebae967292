//===- SelectiveScanTest.cpp - (29) in float64 ----------------------------===//
// Against the recurrence (1), of which every channel is one, against numbers
// worked out by hand, and what a pool of states means. If these fail, no error
// the project prints about a selective scan means anything.
//===----------------------------------------------------------------------===//
#include "deltanet/Reference/SelectiveScan.h"
#include "deltanet/Reference/Reference.h"
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace deltanet::reference;
using Numbers = std::vector<double>;

namespace {
/// Random operands of one scan and room for its results.
struct Problem {
  Problem(int64_t B, int64_t T, int64_t V, int64_t K, int64_t states,
          uint64_t seed)
      : random(seed), x(make(B * T * V, -1, 1)), delta(make(B * T * V, 0, 0.5)),
        a(make(V * K, -3, 0)), b(make(B * T * K, -1, 1)),
        c(make(B * T * K, -1, 1)), skip(make(V, -1, 1)),
        initial(make(states * V * K, -1, 1)), y(B * T * V),
        last(states * V * K) {
    s.B = B, s.T = T, s.V = V, s.K = K;
    s.x = x.data(), s.delta = delta.data(), s.a = a.data();
    s.b = b.data(), s.c = c.data(), s.skip = skip.data();
    s.initialState = initial.data();
    s.y = y.data(), s.finalState = last.data();
  }
  Numbers make(int64_t count, double low, double high) {
    std::uniform_real_distribution<double> uniform(low, high);
    Numbers values(count);
    for (double &value : values)
      value = uniform(random);
    return values;
  }

  std::mt19937_64 random;
  Numbers x, delta, a, b, c, skip, initial, y, last;
  SelectiveScan s;
};
} // namespace

/// Channel v of batch entry n is (1) with a value of one channel, delta x, and
/// the log-decay delta a.
static void expectRecurrence(const Problem &p, int64_t n, int64_t v) {
  const SelectiveScan &s = p.s;
  Numbers value(s.T), decay(s.T * s.K), o(s.T), last(s.K);
  for (int64_t t = 0; t != s.T; ++t) {
    int64_t at = (n * s.T + t) * s.V + v;
    value[t] = s.delta[at] * s.x[at];
    for (int64_t k = 0; k != s.K; ++k)
      decay[t * s.K + k] = s.delta[at] * s.a[v * s.K + k];
  }
  Recurrence r;
  r.B = r.G = r.H = r.V = 1;
  r.T = s.T, r.K = s.K, r.scale = 1.0;
  r.q = s.c + n * s.T * s.K, r.k = s.b + n * s.T * s.K, r.v = value.data();
  r.decay = decay.data(), r.decayPerChannel = true;
  r.initialState = s.initialState + (n * s.V + v) * s.K;
  r.o = o.data(), r.finalState = last.data();
  ASSERT_EQ(run(r, 1), std::nullopt);
  for (int64_t t = 0; t != s.T; ++t) {
    int64_t at = (n * s.T + t) * s.V + v;
    EXPECT_NEAR(p.y[at], o[t] + s.skip[v] * s.x[at], 1e-13);
  }
  for (int64_t k = 0; k != s.K; ++k)
    EXPECT_NEAR(p.last[(n * s.V + v) * s.K + k], last[k], 1e-13);
}

TEST(SelectiveScan, EveryChannelIsARecurrence) {
  // More channels than a task has, and not a multiple of them.
  Problem p(2, 11, 37, 5, 2, 1);
  ASSERT_EQ(run(p.s, 3), std::nullopt);
  for (int64_t n = 0; n != 2; ++n)
    for (int64_t v = 0; v != 37; ++v)
      expectRecurrence(p, n, v);
}

TEST(SelectiveScan, ByHand) {
  // One channel, one number: h = e^(-1/2) 2 + 1/2 * 3 * 4, y = 5 h + 7 * 3.
  double x = 3, delta = 0.5, a = -1, b = 4, c = 5, skip = 7, h0 = 2, y = 0,
         h = 0;
  SelectiveScan s;
  s.B = s.T = s.V = s.K = 1;
  s.x = &x, s.delta = &delta, s.a = &a, s.b = &b, s.c = &c, s.skip = &skip;
  s.initialState = &h0, s.y = &y, s.finalState = &h;
  ASSERT_EQ(run(s), std::nullopt);
  EXPECT_DOUBLE_EQ(h, std::exp(-0.5) * 2 + 6);
  EXPECT_DOUBLE_EQ(y, 5 * h + 21);
}

TEST(SelectiveScan, PackedSequencesInAPool) {
  Problem p(1, 6, 3, 4, 5, 2);
  int64_t offsets[] = {0, 4, 4, 6}, indices[] = {3, 0, 1};
  p.s.cuSeqlens = offsets, p.s.N = 3;
  p.s.indices = indices, p.s.P = 5;
  ASSERT_EQ(run(p.s), std::nullopt);
  // Each sequence alone, from its own state.
  for (int64_t n = 0; n != 3; ++n) {
    SelectiveScan one = p.s;
    int64_t size = one.V * one.K, begin = offsets[n];
    Numbers last(size), y(one.V * 6);
    one.cuSeqlens = nullptr, one.indices = nullptr;
    one.T = offsets[n + 1] - begin;
    one.x += begin * one.V, one.delta += begin * one.V;
    one.b += begin * one.K, one.c += begin * one.K;
    one.initialState += indices[n] * size;
    one.y = y.data(), one.finalState = last.data();
    ASSERT_EQ(run(one), std::nullopt);
    for (int64_t i = 0; i != one.T * one.V; ++i)
      EXPECT_EQ(p.y[begin * one.V + i], y[i]);
    for (int64_t i = 0; i != size; ++i)
      EXPECT_EQ(p.last[indices[n] * size + i], last[i]);
  }
  for (int64_t entry : {2, 4}) // nobody's
    for (int64_t i = entry * 12; i != entry * 12 + 12; ++i)
      EXPECT_EQ(p.last[i], p.initial[i]);
}

TEST(SelectiveScan, SaysWhatIsWrong) {
  Problem p(2, 1, 3, 4, 5, 3);
  int64_t twice[] = {1, 1}, outside[] = {1, 5};
  p.s.indices = twice, p.s.P = 5;
  EXPECT_EQ(run(p.s), "expects an entry of the pool for every sequence, got 1 "
                      "at entries 0 and 1");
  p.s.indices = outside;
  EXPECT_EQ(run(p.s),
            "expects indices of a pool of 5 states, got 5 at entry 1");
  p.s.indices = nullptr;
  p.s.b = nullptr;
  EXPECT_EQ(run(p.s), "expects input, delta, a, b, c and output, got none for "
                      "one of them");
  p.s.K = 0;
  EXPECT_EQ(run(p.s), "expects at least 1 channel and 1 number a state, got 3 "
                      "and 0");
}

TEST(Recurrence, StatesInAPool) {
  // Two sequences of one token, whose states are entries 2 and 0 of three.
  double q[] = {1, 1}, k[] = {1, 1}, v[] = {10, 20}, pool[] = {1, 2, 3}, o[2],
         last[3];
  int64_t indices[] = {2, 0};
  Recurrence r;
  r.B = 2;
  r.T = r.G = r.H = r.K = r.V = 1;
  r.scale = 1.0;
  r.q = q, r.k = k, r.v = v, r.initialState = pool;
  r.indices = indices, r.P = 3;
  r.o = o, r.finalState = last;
  ASSERT_EQ(run(r), std::nullopt);
  EXPECT_EQ(o[0], 13);
  EXPECT_EQ(o[1], 21);
  EXPECT_EQ(last[0], 21);
  EXPECT_EQ(last[1], 2);
  EXPECT_EQ(last[2], 13);
  // In place.
  r.finalState = pool;
  ASSERT_EQ(run(r), std::nullopt);
  EXPECT_EQ(pool[0], 21);
  EXPECT_EQ(pool[1], 2);
  EXPECT_EQ(pool[2], 13);
  r.initialState = nullptr;
  EXPECT_EQ(run(r), "expects indices only with an initial state, the pool that "
                    "they are of");
}
