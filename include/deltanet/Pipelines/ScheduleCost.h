//===- ScheduleCost.h - how long a schedule takes ---------------*- C++ -*-===//
// A prediction from the extents, the facts of a target and a few measured
// constants; it ranks schedules before any of them is built. docs/Gpu.md has
// the equations, and predictions beside measurements.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_PIPELINES_SCHEDULECOST_H
#define DELTANET_PIPELINES_SCHEDULECOST_H

#include "deltanet/Dialect/Kernel/IR/Kernel.h"

namespace deltanet {

/// What a recurrence asks of its kernels, whatever its extents.
struct ScanWork {
  int64_t keys = 0, values = 0;
  bool isFloat32 = false;
  bool isDelta = false; // solves a triangle for every chunk
  bool hasGates = false;
  bool hasChannelGates = false;
  int64_t steps = 1; // of a token
};

/// How often it does so.
struct ScanExtents {
  int64_t units = 0;           // sequences times heads
  int64_t tokens = 0;          // of a sequence
  int64_t multiprocessors = 0; // of the device
};

/// The multiprocessors of the device that the constants were measured on, for
/// targets that state none.
inline constexpr int64_t kMeasuredMultiprocessors = 132;

/// A prediction; times are seconds.
struct ScheduleCost {
  // Of the kernel that carries the state
  int64_t blocks = 0, blocksPerMultiprocessor = 0, waves = 0;
  int64_t chunks = 0;               // one after the other in a block
  double latency = 0;               // a chunk, of one warp's products
  double load = 0;                  // a chunk, of what the schedulers issue
  double serial = 0;                // waves of chunks of these
  double prepare = 0, segments = 0; // the kernels before it
  double launches = 0;
  double memory = 0; // what must be read and written
  double total = 0;
  // What a block is thought to need
  int64_t sharedBytes = 0, registers = 0, stateRegisters = 0, threads = 0;
};

ScheduleCost predictCost(kernel::TargetAttr target,
                         kernel::ScheduleAttr schedule, const ScanWork &work,
                         const ScanExtents &extents);

} // namespace deltanet

#endif // DELTANET_PIPELINES_SCHEDULECOST_H
