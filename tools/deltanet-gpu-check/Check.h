//===- Check.h - a program against the recurrence ---------------*- C++ -*-===//
// Runs a program twice on poisoned outputs and compares it with the float64
// recurrence; the same sequence alone and packed, one call and two.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TOOLS_GPU_CHECK_CHECK_H
#define DELTANET_TOOLS_GPU_CHECK_CHECK_H

#include "Session.h"

namespace deltanet::gpu {

/// What a run showed.
struct Verdict {
  bool passed = true;
  double worst = 0;    // largest error, as a part of what is allowed
  std::string figures; // errors of the results
  std::string faults;  // what is wrong

  void fail(const std::string &why) {
    passed = false;
    faults += (faults.empty() ? "" : "; ") + why;
  }
};

/// Run `run` of case `c`. `alone` computes one sequence that is not packed, or
/// is null.
Verdict check(Program &program, Program *alone, const Case &c, const Run &run);

/// Median and spread of `repeats` calls, the cache overwritten between them.
std::string time(Program &program, const Operator &op, const Run &run,
                 int repeats);

/// What the recurrence makes of `inputs`: `o`, and `state` where `withState`.
std::map<std::string, std::vector<double>>
computeExpected(const Operator &op, const Sizes &sizes, const Tensors &inputs,
                bool withState);

} // namespace deltanet::gpu

#endif // DELTANET_TOOLS_GPU_CHECK_CHECK_H
