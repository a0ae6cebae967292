//===- DenseReference.cpp - the recurrence by explicit matrices -----------===//
// Written from the equations, for small extents: matrices are vectors of rows
// and nothing is updated in place.
//===----------------------------------------------------------------------===//
#include "Reference/DenseReference.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace deltanet;
using namespace deltanet::test;

using Matrix = std::vector<std::vector<double>>;

static Matrix zeros(int64_t rows, int64_t columns) {
  return Matrix(rows, std::vector<double>(columns, 0.0));
}

static Matrix identity(int64_t rows) {
  Matrix m = zeros(rows, rows);
  for (int64_t i = 0; i != rows; ++i)
    m[i][i] = 1;
  return m;
}

static Matrix multiply(const Matrix &x, const Matrix &y, int64_t columns) {
  Matrix z = zeros(x.size(), columns);
  for (size_t i = 0; i != x.size(); ++i)
    for (size_t l = 0; l != y.size(); ++l)
      for (int64_t j = 0; j != columns; ++j)
        z[i][j] += x[i][l] * y[l][j];
  return z;
}

static Matrix add(Matrix x, const Matrix &y) {
  for (size_t i = 0; i != x.size(); ++i)
    for (size_t j = 0; j != x[i].size(); ++j)
      x[i][j] += y[i][j];
  return x;
}

std::vector<double> test::randomNumbers(int64_t count, uint64_t seed,
                                        double low, double high) {
  std::vector<double> numbers(count);
  for (double &number : numbers) {
    // splitmix64
    uint64_t z = (seed += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    number = low + (high - low) * static_cast<double>((z ^ (z >> 31)) >> 11) *
                       0x1p-53;
  }
  return numbers;
}

void Problem::fill(uint64_t seed) {
  int64_t rows = B * T, stepRows = rows * steps;
  q = randomNumbers(rows * G * K, seed + 1, -1, 1);
  k = randomNumbers(stepRows * G * K, seed + 2, -1, 1);
  v = randomNumbers(stepRows * H * V, seed + 3, -1, 1);
  if (rule == Rule::Delta)
    beta = randomNumbers(stepRows * H, seed + 4, 0, 1);
  if (decay != Decay::None)
    logDecay = randomNumbers(rows * H * (decay == Decay::Channel ? K : 1),
                             seed + 5, -2, 0);
  if (hasBonus)
    bonus = randomNumbers(H * K, seed + 6, -1, 1);
  if (rule == Rule::Dplr) {
    a = randomNumbers(stepRows * G * K, seed + 7, -1, 1);
    b = randomNumbers(stepRows * G * K, seed + 8, -1, 1);
  }
  if (hasInitial)
    initial = randomNumbers(getNumSequences() * H * K * V, seed + 9, -1, 1);
}

std::string Problem::describe() const {
  return "B" + std::to_string(B) + " T" + std::to_string(T) + " G" +
         std::to_string(G) + " H" + std::to_string(H) + " K" +
         std::to_string(K) + " V" + std::to_string(V) + " steps " +
         std::to_string(steps) + " rule " +
         std::to_string(static_cast<int>(rule)) + " decay " +
         std::to_string(static_cast<int>(decay)) +
         (before ? " before" : " after") + (hasBonus ? " bonus" : "") +
         (hasInitial ? " initial" : "") + (offsets.empty() ? "" : " packed");
}

namespace {
/// One head of one sequence of a problem.
struct Head {
  const Problem &p;
  int64_t batch, head, group;

  std::vector<double> row(const std::vector<double> &x, int64_t tokens,
                          int64_t heads, int64_t width, int64_t token,
                          int64_t h) const {
    auto from = x.begin() + ((batch * tokens + token) * heads + h) * width;
    return std::vector<double>(from, from + width);
  }
  std::vector<double> alpha(int64_t t) const {
    if (p.decay == Decay::None)
      return std::vector<double>(p.K, 1.0);
    int64_t width = p.decay == Decay::Channel ? p.K : 1;
    std::vector<double> x = row(p.logDecay, p.T, p.H, width, t, head);
    for (double &e : x)
      e = std::exp(e);
    return width == 1 ? std::vector<double>(p.K, x[0]) : x;
  }
  /// The token's transition: S_t = A S_{t-1} + B.
  void transition(int64_t t, Matrix &A, Matrix &B) const;
};
} // namespace

void Head::transition(int64_t t, Matrix &A, Matrix &B) const {
  std::vector<double> gate = alpha(t);
  A = zeros(p.K, p.K);
  B = zeros(p.K, p.V);
  for (int64_t i = 0; i != p.K; ++i)
    A[i][i] = gate[i];
  for (int64_t n = 0; n != p.steps; ++n) {
    int64_t r = t * p.steps + n, rows = p.T * p.steps;
    std::vector<double> k = row(p.k, rows, p.G, p.K, r, group);
    std::vector<double> v = row(p.v, rows, p.H, p.V, r, head);
    // (I - beta k k^T), or Diag(alpha) + b a^T whole (21).
    Matrix factor = identity(p.K);
    double weight = 1;
    if (p.rule == Rule::Delta) {
      weight = row(p.beta, rows, p.H, 1, r, head)[0];
      for (int64_t i = 0; i != p.K; ++i)
        for (int64_t j = 0; j != p.K; ++j)
          factor[i][j] -= weight * k[i] * k[j];
    }
    A = multiply(factor, A, p.K);
    B = multiply(factor, B, p.V);
    for (int64_t i = 0; i != p.K; ++i)
      for (int64_t j = 0; j != p.V; ++j)
        B[i][j] += weight * k[i] * v[j];
  }
  if (p.rule != Rule::Dplr)
    return;
  std::vector<double> a = row(p.a, p.T, p.G, p.K, t, group);
  std::vector<double> b = row(p.b, p.T, p.G, p.K, t, group);
  for (int64_t i = 0; i != p.K; ++i)
    for (int64_t j = 0; j != p.K; ++j)
      A[i][j] += b[i] * a[j];
}

Result test::runDense(const Problem &p) {
  Result result;
  result.o.assign(p.B * p.T * p.H * p.V, 0.0);
  result.finalState.assign(p.getNumSequences() * p.H * p.K * p.V, 0.0);
  double scale =
      p.scale != 0 ? p.scale : std::pow(static_cast<double>(p.K), -0.5);
  for (int64_t n = 0; n != p.getNumSequences(); ++n)
    for (int64_t h = 0; h != p.H; ++h) {
      Head head{p, p.offsets.empty() ? n : 0, h, h / (p.H / p.G)};
      int64_t base = (n * p.H + h) * p.K * p.V;
      Matrix S0 = zeros(p.K, p.V);
      for (int64_t i = 0; p.hasInitial && i != p.K * p.V; ++i)
        S0[i / p.V][i % p.V] = p.initial[base + i];
      Matrix P = identity(p.K), N = zeros(p.K, p.V), S = S0;
      int64_t begin = p.offsets.empty() ? 0 : p.offsets[n];
      int64_t end = p.offsets.empty() ? p.T : p.offsets[n + 1];
      for (int64_t t = begin; t != end; ++t) {
        Matrix A, B, last = S;
        head.transition(t, A, B);
        P = multiply(A, P, p.K);
        N = add(multiply(A, N, p.V), B);
        S = add(multiply(P, S0, p.V), N);
        std::vector<double> q = head.row(p.q, p.T, p.G, p.K, t, head.group);
        const Matrix &read = p.before ? last : S;
        for (int64_t i = 0; i != p.K; ++i)
          for (int64_t j = 0; j != p.V; ++j) {
            double &o = result.o[((head.batch * p.T + t) * p.H + h) * p.V + j];
            o += scale * q[i] * read[i][j];
            // k u^T is what the token added to the decayed state (28).
            if (p.hasBonus)
              o += scale * q[i] * p.bonus[h * p.K + i] *
                   (S[i][j] - head.alpha(t)[i] * last[i][j]);
          }
      }
      for (int64_t i = 0; i != p.K * p.V; ++i)
        result.finalState[base + i] = S[i / p.V][i % p.V];
    }
  return result;
}

//===----------------------------------------------------------------------===//
// The same problem for lib/Reference
//===----------------------------------------------------------------------===//

/// Exchanges dimensions 1 and 2 of a 4-D tensor of the extents given.
static std::vector<double> exchange(const std::vector<double> &x, int64_t d0,
                                    int64_t d1, int64_t d2, int64_t d3) {
  std::vector<double> y(x.size());
  for (int64_t i = 0; i != static_cast<int64_t>(x.size()); ++i) {
    int64_t i3 = i % d3, i2 = i / d3 % d2, i1 = i / d3 / d2 % d1,
            i0 = i / d3 / d2 / d1;
    y[((i0 * d2 + i2) * d1 + i1) * d3 + i3] = x[i];
  }
  EXPECT_EQ(static_cast<int64_t>(x.size()) %
                std::max<int64_t>(1, d0 * d1 * d2 * d3),
            0);
  return y;
}

/// Exchanges the two dimensions of every K x V matrix.
static std::vector<double> transposeStates(const std::vector<double> &x,
                                           int64_t rows, int64_t columns) {
  std::vector<double> y(x.size());
  for (size_t i = 0; i != x.size(); ++i) {
    int64_t r = i / columns % rows, c = i % columns;
    y[i / (rows * columns) * rows * columns + c * rows + r] = x[i];
  }
  return y;
}

Result test::runReference(const Problem &p, reference::Layout layout,
                          reference::StateLayout stateLayout,
                          unsigned threads) {
  bool bhtd = layout == reference::Layout::BHTD,
       vk = stateLayout == reference::StateLayout::VK;
  int64_t tokens = p.T * p.steps,
          channels = p.decay == Decay::Channel ? p.K : 1;
  auto put = [&](const std::vector<double> &x, int64_t rows, int64_t heads,
                 int64_t width) {
    return bhtd ? exchange(x, p.B, rows, heads, width) : x;
  };
  std::vector<double> q = put(p.q, p.T, p.G, p.K),
                      k = put(p.k, tokens, p.G, p.K);
  std::vector<double> v = put(p.v, tokens, p.H, p.V),
                      beta = put(p.beta, tokens, p.H, 1);
  std::vector<double> decay = put(p.logDecay, p.T, p.H, channels);
  std::vector<double> a = put(p.a, tokens, p.G, p.K),
                      b = put(p.b, tokens, p.G, p.K);
  std::vector<double> initial =
      vk ? transposeStates(p.initial, p.K, p.V) : p.initial;
  // Poisoned: what the library does not write shows.
  Result result;
  result.o.assign(p.B * p.T * p.H * p.V, std::nan(""));
  result.finalState.assign(p.getNumSequences() * p.H * p.K * p.V, std::nan(""));

  reference::Recurrence r;
  r.B = p.B, r.T = p.T, r.G = p.G, r.H = p.H, r.K = p.K, r.V = p.V,
  r.steps = p.steps;
  r.layout = layout, r.stateLayout = stateLayout;
  r.readOut = p.before ? reference::ReadOut::Before : reference::ReadOut::After;
  if (p.scale != 0)
    r.scale = p.scale;
  r.q = q.data(), r.k = k.data(), r.v = v.data(), r.o = result.o.data();
  r.beta = p.rule == Rule::Delta ? beta.data() : nullptr;
  r.decay = p.decay != Decay::None ? decay.data() : nullptr;
  r.decayPerChannel = p.decay == Decay::Channel;
  r.bonus = p.hasBonus ? p.bonus.data() : nullptr;
  r.a = p.rule == Rule::Dplr ? a.data() : nullptr;
  r.b = p.rule == Rule::Dplr ? b.data() : nullptr;
  r.initialState = p.hasInitial ? initial.data() : nullptr;
  r.cuSeqlens = p.offsets.empty() ? nullptr : p.offsets.data();
  r.N = p.getNumSequences();
  r.finalState = result.finalState.data();
  std::optional<std::string> error = reference::run(r, threads);
  EXPECT_EQ(error.value_or(""), "") << p.describe();
  if (bhtd)
    result.o = exchange(result.o, p.B, p.H, p.T, p.V);
  if (vk)
    result.finalState = transposeStates(result.finalState, p.V, p.K);
  return result;
}
