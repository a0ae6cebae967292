//===- DenseReference.h - the recurrence by explicit matrices ---*- C++ -*-===//
// A second, slow way to the same numbers: every token's transition is written
// out as a K x K matrix and the state is P S0 + N (10). Shares no code with
// lib/.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TEST_UNIT_REFERENCE_DENSEREFERENCE_H
#define DELTANET_TEST_UNIT_REFERENCE_DENSEREFERENCE_H

#include "deltanet/Reference/Reference.h"
#include <string>
#include <vector>

namespace deltanet::test {

enum class Decay { None, Scalar, Channel };
enum class Rule { Additive, Delta, Dplr };

/// One recurrence with random operands, in the layouts bthd and kv.
struct Problem {
  int64_t B = 1, T = 5, G = 1, H = 1, K = 3, V = 4, steps = 1;
  Rule rule = Rule::Delta;
  Decay decay = Decay::None;
  bool before = false, hasBonus = false, hasInitial = false;
  std::vector<int64_t> offsets; ///< empty: not packed
  double scale = 0;             ///< 0: the default

  std::vector<double> q, k, v, beta, logDecay, bonus, a, b, initial;

  int64_t getNumSequences() const {
    return offsets.empty() ? B : static_cast<int64_t>(offsets.size()) - 1;
  }
  void fill(uint64_t seed);
  std::string describe() const;
};

struct Result {
  std::vector<double> o, finalState;
};

/// By explicit matrices.
Result runDense(const Problem &problem);

/// By lib/Reference, with operands and results in the given layouts; results
/// come back in bthd and kv.
Result
runReference(const Problem &problem,
             reference::Layout layout = reference::Layout::BTHD,
             reference::StateLayout stateLayout = reference::StateLayout::KV,
             unsigned threads = 1);

/// Uniform in [low, high), the same everywhere.
std::vector<double> randomNumbers(int64_t count, uint64_t seed, double low,
                                  double high);

} // namespace deltanet::test

#endif // DELTANET_TEST_UNIT_REFERENCE_DENSEREFERENCE_H
