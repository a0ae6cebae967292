//===- SelectiveScan.cpp - (29), one token at a time ----------------------===//
// Channels never meet: every task is one sequence and some of its channels.
//===----------------------------------------------------------------------===//
#include "deltanet/Reference/SelectiveScan.h"
#include "Lists.h"
#include "Tasks.h"
#include <algorithm>
#include <cmath>
#include <vector>

using namespace deltanet::reference;

/// Channels of a task.
static constexpr int64_t kChannels = 32;

/// One sequence, channels from `first` on.
static void runTask(const SelectiveScan &s, int64_t sequence, int64_t first) {
  int64_t count = std::min(kChannels, s.V - first);
  std::vector<double> h(count * s.K);
  int64_t entry = s.indices ? s.indices[sequence] : sequence;
  int64_t state = (entry * s.V + first) * s.K;
  if (s.initialState)
    std::copy_n(s.initialState + state, h.size(), h.begin());
  // Rows of x, delta and y, and of b and c, from the start of the batch.
  int64_t begin = s.cuSeqlens ? s.cuSeqlens[sequence] : sequence * s.T;
  int64_t end = s.cuSeqlens ? s.cuSeqlens[sequence + 1] : begin + s.T;
  for (int64_t t = begin; t != end; ++t)
    for (int64_t i = 0; i != count; ++i) {
      int64_t v = first + i;
      double x = s.x[t * s.V + v], delta = s.delta[t * s.V + v];
      double y = 0;
      for (int64_t k = 0; k != s.K; ++k) {
        double &number = h[i * s.K + k];
        number = std::exp(delta * s.a[v * s.K + k]) * number +
                 delta * x * s.b[t * s.K + k];
        y += s.c[t * s.K + k] * number;
      }
      s.y[t * s.V + v] = y + (s.skip ? s.skip[v] * x : 0);
    }
  if (s.finalState)
    std::copy_n(h.begin(), h.size(), s.finalState + state);
}

static std::optional<std::string> check(const SelectiveScan &s) {
  if (s.B < 0 || s.T < 0)
    return "expects extents that are not negative, got batch " +
           std::to_string(s.B) + " and tokens " + std::to_string(s.T);
  if (s.V < 1 || s.K < 1)
    return "expects at least 1 channel and 1 number a state, got " +
           std::to_string(s.V) + " and " + std::to_string(s.K);
  // The data of an empty tensor may well be null.
  bool empty = s.B * s.T == 0;
  if (!empty && (!s.x || !s.delta || !s.a || !s.b || !s.c || !s.y))
    return "expects input, delta, a, b, c and output, got none for one of them";
  if (s.cuSeqlens)
    if (auto error = checkOffsets(s.cuSeqlens, s.N, s.B, s.T))
      return error;
  if (!s.indices)
    return std::nullopt;
  return checkIndices(s.indices, s.getNumSequences(), s.P, s.initialState);
}

std::optional<std::string> deltanet::reference::run(const SelectiveScan &s,
                                                    unsigned threads) {
  if (std::optional<std::string> error = check(s))
    return error;
  // Entries of the pool that no sequence uses.
  if (s.indices && s.finalState && s.finalState != s.initialState)
    std::copy_n(s.initialState, s.P * s.V * s.K, s.finalState);
  int64_t parts = (s.V + kChannels - 1) / kChannels;
  int64_t tasks = s.getNumSequences() * parts;
  runTasks(tasks, threads,
           [&](int64_t i) { runTask(s, i / parts, i % parts * kChannels); });
  return std::nullopt;
}
