//===- Recurrence.cpp - (1), (21), (25) and (28), one token at a time -----===//
// The columns of S never meet: every task is one head of one sequence and a few
// columns, whose state stays in the nearest cache. Sums over K run in order of
// the channels, so that results do not depend on threads or on the split.
//===----------------------------------------------------------------------===//
#include "Lists.h"
#include "Tasks.h"
#include "deltanet/Reference/Reference.h"
#include <algorithm>
#include <cmath>
#include <vector>

using namespace deltanet::reference;

namespace {
/// Columns of S a task keeps; short columns are padded with zeros.
constexpr int64_t kColumns = 32;

/// Where the rows of a tensor of tokens and heads lie.
struct Rows {
  int64_t tokens, heads, width;
  Layout layout;
  int64_t operator()(int64_t batch, int64_t token, int64_t head) const {
    int64_t row = layout == Layout::BTHD
                      ? (batch * tokens + token) * heads + head
                      : (batch * heads + head) * tokens + token;
    return row * width;
  }
};

/// One head of one sequence, columns [column, column + width) of S.
class Task {
public:
  Task(const Recurrence &r, int64_t sequence, int64_t head, int64_t column)
      : r(r), head(head), group(head / (r.H / r.G)), sequence(sequence),
        column(column), width(std::min(kColumns, r.V - column)),
        S(r.K * kColumns), alpha(r.K), qRows{r.T, r.G, r.K, r.layout},
        kRows{r.T * r.steps, r.G, r.K, r.layout},
        vRows{r.T * r.steps, r.H, r.V, r.layout},
        oRows{r.T, r.H, r.V, r.layout},
        betaRows{r.T * r.steps, r.H, 1, r.layout},
        decayRows{r.T, r.H, r.decayPerChannel ? r.K : 1, r.layout},
        scale(r.scale ? *r.scale : 1 / std::sqrt(static_cast<double>(r.K))) {}

  void run();

private:
  using Column = double[kColumns];

  void readDecay(int64_t batch, int64_t token);
  void step(int64_t batch, int64_t row, bool decays);
  void readOut(int64_t batch, int64_t token);
  /// Where the caller's states hold S[channel, column + j].
  int64_t stateIndex(int64_t channel, int64_t j) const;
  /// x += row^T S with S as it is, or decayed by alpha.
  void gather(const double *row, Column &x) const;

  const Recurrence &r;
  int64_t head, group, sequence, column, width;
  std::vector<double> S, alpha;
  Column U;
  Rows qRows, kRows, vRows, oRows, betaRows, decayRows;
  double scale;
};
} // namespace

void Task::gather(const double *row, Column &x) const {
  for (int64_t c = 0; c != r.K; ++c)
    for (int64_t j = 0; j != kColumns; ++j)
      x[j] += row[c] * S[c * kColumns + j];
}

void Task::readDecay(int64_t batch, int64_t token) {
  const double *row = r.decay + decayRows(batch, token, head);
  auto factor = [](double log) {
    return std::exp(log < kLogDecayFloor ? kLogDecayFloor : log);
  };
  if (!r.decayPerChannel)
    return std::fill(alpha.begin(), alpha.end(), factor(row[0]));
  std::transform(row, row + r.K, alpha.begin(), factor);
}

/// One update of the state by row `row` of k and v. With `decays` the state is
/// decayed first; among several steps of a token only the first one does, (25).
void Task::step(int64_t batch, int64_t row, bool decays) {
  const double *k = r.k + kRows(batch, row, group);
  const double *v = r.v + vRows(batch, row, head) + column;
  Column x = {};
  // (21) reads a against the state before the decay, (1) k against the one
  // after.
  if (r.a)
    gather(r.a + kRows(batch, row, group), x);
  if (decays)
    for (int64_t c = 0; c != r.K; ++c)
      for (int64_t j = 0; j != kColumns; ++j)
        S[c * kColumns + j] *= alpha[c];
  if (r.beta)
    gather(k, x);
  std::fill(std::begin(U), std::end(U), 0.0);
  double beta = r.beta ? r.beta[betaRows(batch, row, head)] : 1;
  for (int64_t j = 0; j != width; ++j)
    U[j] = r.beta ? beta * (v[j] - x[j]) : v[j];
  for (int64_t c = 0; c != r.K; ++c)
    for (int64_t j = 0; j != kColumns; ++j)
      S[c * kColumns + j] += k[c] * U[j];
  if (!r.a)
    return;
  const double *b = r.b + kRows(batch, row, group);
  for (int64_t c = 0; c != r.K; ++c)
    for (int64_t j = 0; j != kColumns; ++j)
      S[c * kColumns + j] += b[c] * x[j];
}

void Task::readOut(int64_t batch, int64_t token) {
  Column x = {};
  gather(r.q + qRows(batch, token, group), x);
  double *o = r.o + oRows(batch, token, head) + column;
  for (int64_t j = 0; j != width; ++j)
    o[j] = scale * x[j];
}

int64_t Task::stateIndex(int64_t channel, int64_t j) const {
  int64_t entry = r.indices ? r.indices[sequence] : sequence;
  int64_t base = (entry * r.H + head) * r.K * r.V;
  return base + (r.stateLayout == StateLayout::KV
                     ? channel * r.V + column + j
                     : (column + j) * r.K + channel);
}

void Task::run() {
  for (int64_t c = 0; r.initialState && c != r.K; ++c)
    for (int64_t j = 0; j != width; ++j)
      S[c * kColumns + j] = r.initialState[stateIndex(c, j)];
  std::fill(alpha.begin(), alpha.end(), 1.0);
  int64_t batch = r.cuSeqlens ? 0 : sequence;
  int64_t begin = r.cuSeqlens ? r.cuSeqlens[sequence] : 0;
  int64_t end = r.cuSeqlens ? r.cuSeqlens[sequence + 1] : r.T;
  for (int64_t t = begin; t != end; ++t) {
    if (r.decay)
      readDecay(batch, t);
    if (r.readOut == ReadOut::Before)
      readOut(batch, t);
    for (int64_t n = 0; n != r.steps; ++n)
      step(batch, t * r.steps + n, r.decay && n == 0);
    if (r.readOut == ReadOut::After)
      readOut(batch, t);
    if (!r.bonus)
      continue;
    // (28); the verifier of linrec.scan allows a bonus with one step only.
    const double *q = r.q + qRows(batch, t, group),
                 *k = r.k + kRows(batch, t, group);
    double weight = 0;
    for (int64_t c = 0; c != r.K; ++c)
      weight += q[c] * r.bonus[head * r.K + c] * k[c];
    double *o = r.o + oRows(batch, t, head) + column;
    for (int64_t j = 0; j != width; ++j)
      o[j] += scale * weight * U[j];
  }
  for (int64_t c = 0; r.finalState && c != r.K; ++c)
    for (int64_t j = 0; j != width; ++j)
      r.finalState[stateIndex(c, j)] = S[c * kColumns + j];
}

//===----------------------------------------------------------------------===//
// What a description must satisfy
//===----------------------------------------------------------------------===//

static std::optional<std::string> check(const Recurrence &r) {
  if (r.B < 0 || r.T < 0 || r.H < 0)
    return "expects extents that are not negative, got batch " +
           std::to_string(r.B) + ", tokens " + std::to_string(r.T) +
           " and heads " + std::to_string(r.H);
  if (r.K < 1 || r.V < 1)
    return "expects widths of at least 1, got " + std::to_string(r.K) +
           " of key and " + std::to_string(r.V) + " of value";
  if (r.steps < 1)
    return "expects at least 1 step a token, got " + std::to_string(r.steps);
  if (r.G < 1 || r.H % r.G != 0)
    return "expects heads of query to divide heads of value, got " +
           std::to_string(r.G) + " and " + std::to_string(r.H);
  // The data of an empty tensor may well be null.
  bool empty = r.B * r.T * r.H == 0;
  if (!empty && (!r.q || !r.k || !r.v || !r.o))
    return std::string("expects query, key, value and output, got none for ") +
           (!r.q   ? "query"
            : !r.k ? "key"
            : !r.v ? "value"
                   : "output");
  if (!r.a != !r.b)
    return std::string("expects a and b together, got ") + (r.a ? "a" : "b") +
           " alone";
  if (r.a && (r.beta || r.bonus || r.steps != 1))
    return "expects neither beta, bonus nor several steps with a and b";
  if (r.bonus && (r.readOut != ReadOut::Before || r.steps != 1))
    return "expects a bonus only with read_out = before and one step a token";
  if (r.cuSeqlens)
    if (auto error = checkOffsets(r.cuSeqlens, r.N, r.B, r.T))
      return error;
  if (!r.indices)
    return std::nullopt;
  return checkIndices(r.indices, r.getNumSequences(), r.P, r.initialState);
}

std::optional<std::string> deltanet::reference::run(const Recurrence &r,
                                                    unsigned threads) {
  if (std::optional<std::string> error = check(r))
    return error;
  // Entries of the pool that no sequence uses.
  if (r.indices && r.finalState && r.finalState != r.initialState)
    std::copy_n(r.initialState, r.P * r.H * r.K * r.V, r.finalState);
  int64_t blocks = (r.V + kColumns - 1) / kColumns;
  int64_t tasks = r.getNumSequences() * r.H * blocks;
  runTasks(tasks, threads, [&](int64_t i) {
    Task(r, i / blocks / r.H, i / blocks % r.H, i % blocks * kColumns).run();
  });
  return std::nullopt;
}
