//===- Reference.h - the recurrence, token by token in float64 --*- C++ -*-===//
// What linrec.scan and linrec.dplr_scan mean, and how far a result is from it.
// Names are those of docs/Math.md. Plain C++17, no LLVM: it also judges results
// on machines that have none.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_REFERENCE_REFERENCE_H
#define DELTANET_REFERENCE_REFERENCE_H

#include "deltanet/Support/Float.h"
#include <cstdint>
#include <optional>
#include <string>

namespace deltanet::reference {

enum class Layout { BTHD, BHTD };
enum class StateLayout { KV, VK };
enum class ReadOut { After, Before };

/// A log-decay below this counts as this.
inline constexpr double kLogDecayFloor = -1.0e4;

/// One recurrence on tensors that are contiguous in the order `layout` says.
/// A null pointer is an operand that is absent. Extents as in linrec.scan: B
/// batch entries of T tokens, G heads of query and key, H of value.
struct Recurrence {
  int64_t B = 0, T = 0, G = 0, H = 0, K = 0, V = 0;
  int64_t steps = 1; ///< updates of the state per token, (25)
  Layout layout = Layout::BTHD;
  StateLayout stateLayout = StateLayout::KV;
  ReadOut readOut = ReadOut::After;
  std::optional<double> scale; ///< 1/sqrt(K) where absent

  const double *q = nullptr; ///< B x T x G x K
  const double *k = nullptr; ///< B x steps*T x G x K
  const double *v = nullptr; ///< B x steps*T x H x V
  const double *beta =
      nullptr; ///< B x steps*T x H; present: the delta rule (1)
  const double *decay = nullptr; ///< B x T x H, or with K channels
  bool decayPerChannel = false;
  const double *bonus = nullptr; ///< H x K, (28)
  const double *a = nullptr;     ///< as k; a and b present: the transition (21)
  const double *b = nullptr;
  const double *initialState = nullptr; ///< N x H x K x V, or V x K
  const int64_t *cuSeqlens = nullptr;   ///< N + 1 offsets, in tokens
  int64_t N = 0;                        ///< sequences, where cuSeqlens is there
  /// Entries of the pool that the sequences use; then initialState and finalState
  /// are P states.
  const int64_t *indices = nullptr;
  int64_t P = 0;

  double *o = nullptr;          ///< B x T x H x V
  double *finalState = nullptr; ///< as initialState; may be null

  int64_t getNumSequences() const { return cuSeqlens ? N : B; }
};

/// Runs the recurrence on `threads` threads (0: as many as there are cores).
/// The result does not depend on their number. Returns what is wrong with the
/// description, in words, and then leaves the results alone; null otherwise.
std::optional<std::string> run(const Recurrence &recurrence,
                               unsigned threads = 0);

/// The distance of a result from the reference.
struct Error {
  /// ||got - want|| / ||want||, over the elements where `want` is finite.
  double relative = 0;
  double maxAbsolute = 0;
  int64_t maxAbsoluteIndex = -1;
  /// Elements of `got` that are not finite.
  int64_t nonFinite = 0;
  /// Elements where one of the two is not finite and the other is not the same.
  int64_t mismatched = 0;

  /// Never with a mismatched element, whatever the tolerance.
  bool passes(double tolerance) const {
    return mismatched == 0 && relative <= tolerance;
  }
};

Error measureError(const double *got, const double *want, int64_t count);

/// The relative error that rounding `want` to `format` makes by itself: no
/// result stored in that format can be expected to be nearer.
double measureRounding(const double *want, int64_t count,
                       support::FloatFormat format);

} // namespace deltanet::reference

#endif // DELTANET_REFERENCE_REFERENCE_H
