//===- SelectiveScan.h - linrec.selective_scan in float64 -------*- C++ -*-===//
// What linrec.selective_scan means, (29). Plain C++17, no LLVM.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_REFERENCE_SELECTIVESCAN_H
#define DELTANET_REFERENCE_SELECTIVESCAN_H

#include <cstdint>
#include <optional>
#include <string>

namespace deltanet::reference {

/// One scan on contiguous tensors; a null pointer is an operand that is absent.
struct SelectiveScan {
  int64_t B = 0, T = 0, V = 0, K = 0; ///< V channels, K numbers a state

  const double *x = nullptr;            ///< B x T x V
  const double *delta = nullptr;        ///< B x T x V
  const double *a = nullptr;            ///< V x K
  const double *b = nullptr;            ///< B x T x K
  const double *c = nullptr;            ///< B x T x K
  const double *skip = nullptr;         ///< V
  const double *initialState = nullptr; ///< N x V x K, or P x V x K
  const int64_t *cuSeqlens = nullptr;   ///< N + 1 offsets, in tokens
  int64_t N = 0;                        ///< sequences, where cuSeqlens is there
  const int64_t *indices = nullptr;     ///< N entries of the pool
  int64_t P = 0;                        ///< states in the pool

  double *y = nullptr;          ///< B x T x V
  double *finalState = nullptr; ///< as initialState; may be null

  int64_t getNumSequences() const { return cuSeqlens ? N : B; }
};

/// Runs the scan on `threads` threads (0: as many as there are cores). Returns what
/// is wrong with the description, in words, and then leaves the results alone;
/// null otherwise.
std::optional<std::string> run(const SelectiveScan &scan, unsigned threads = 0);

} // namespace deltanet::reference

#endif // DELTANET_REFERENCE_SELECTIVESCAN_H
