//===- Decay.h - decays per channel ----------------------------*- C++ -*-===//
// What the operations of products with decays have in common.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_TILETONVVM_DECAY_H
#define DELTANET_LIB_CONVERSION_TILETONVVM_DECAY_H

#include "Emit.h"

namespace deltanet::tile {

inline constexpr double kLog2E = 1.4426950408889634;

/// exp(later - earlier) of two running sums of log-decays, at most 1.
mlir::Value decayFactor(Emit &emit, mlir::Value later, mlir::Value earlier);

} // namespace deltanet::tile

#endif // DELTANET_LIB_CONVERSION_TILETONVVM_DECAY_H
