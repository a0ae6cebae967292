//===- Check.h - a kernel against the recurrence ----------------*- C++ -*-===//
// Runs one case twice on poisoned outputs and compares it with the float64
// recurrence; times another.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TOOLS_GPU_CHECK_CHECK_H
#define DELTANET_TOOLS_GPU_CHECK_CHECK_H

#include "Data.h"
#include "Driver.h"

namespace deltanet::gpu {

/// What a case showed.
struct Verdict {
  bool passed = true;
  std::string text; // errors of the results, and what is wrong
};

/// Compares the results of case `c` with the reference; each may differ by
/// `tolerance` (relative, Frobenius).
Verdict check(Kernel &kernel, const Launch &launch, const Case &c,
              double tolerance);

/// Median and spread of `repeats` launches, the cache overwritten between them.
std::string time(Kernel &kernel, const Launch &launch, const Case &c,
                 int repeats);

} // namespace deltanet::gpu

#endif // DELTANET_TOOLS_GPU_CHECK_CHECK_H
