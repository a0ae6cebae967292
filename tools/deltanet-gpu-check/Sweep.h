//===- Sweep.h - a folder of cases ------------------------------*- C++ -*-===//
// Every NAME.json of a folder with its program, in several processes: a kernel
// that crashes or hangs fails alone.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TOOLS_GPU_CHECK_SWEEP_H
#define DELTANET_TOOLS_GPU_CHECK_SWEEP_H

#include <string>

namespace deltanet::gpu {

struct SweepOptions {
  std::string folder;
  std::string only;          ///< cases whose name or text has this in it
  int jobs = 8;              ///< processes; 0: this one
  int shard = 0, shards = 1; ///< cases whose number is shard modulo shards
  double timeout = 90;       ///< seconds for one case
  double budget = 1e9;       ///< seconds after which no case is begun
  bool small = false;        ///< runs of few tokens only
  bool once = false;         ///< one run of each case
};

/// What came of it: all passed, one failed, no device, nothing to run.
enum class SweepResult { Passed, Failed, NoDevice, Nothing };
SweepResult sweep(const SweepOptions &options);

} // namespace deltanet::gpu

#endif // DELTANET_TOOLS_GPU_CHECK_SWEEP_H
