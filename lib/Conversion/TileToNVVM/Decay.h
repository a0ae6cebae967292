//===- Decay.h - decays per channel ----------------------------*- C++ -*-===//
// What the operations of products with decays have in common.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_TILETONVVM_DECAY_H
#define DELTANET_LIB_CONVERSION_TILETONVVM_DECAY_H

#include "Emit.h"

namespace deltanet::tile {

inline constexpr double kLog2E = 1.4426950408889634;

/// A running sum of log-decays, with what rounding took from it where that is
/// kept.
struct Gate {
  mlir::Value sum, rest;
};

/// Gates and their rests, which are bf16, in shared memory; no rests are a null
/// pointer.
struct GateBuffer {
  mlir::Value sums, rests;
};

/// exp(x - y).
mlir::Value decayFactor(Emit &emit, Gate x, Gate y);
/// The same, one by one.
llvm::SmallVector<mlir::Value> decayFactors(Emit &emit, llvm::ArrayRef<Gate> x,
                                            llvm::ArrayRef<Gate> y);

/// What rounding took from two numbers that became `pair`, as a pair.
mlir::Value packRemainder(Emit &emit, mlir::Value low, mlir::Value high,
                          mlir::Value pair, mlir::Type element);

/// `gates` moved by elements.
GateBuffer moveGates(Emit &emit, GateBuffer gates, mlir::Value elements);
/// `gates`, a buffer of type `type`, from an element on.
GateBuffer gatesAt(Emit &emit, GateBuffer gates, BufferType type,
                   mlir::Value row, mlir::Value column);
GateBuffer selectGates(Emit &emit, mlir::Value condition, GateBuffer x,
                       GateBuffer y);
/// Several neighbours, an even number.
llvm::SmallVector<Gate> loadGates(Emit &emit, GateBuffer from, int64_t count);

/// Whether none of `columns` channels from `column` on decays by more than the
/// reach between two rows of sums, whose pointers at a channel `start` and
/// `end` give; a warp answers together. NaN is not within it.
mlir::Value isWithinReach(Emit &emit, mlir::Value column, int64_t columns,
                          llvm::function_ref<mlir::Value(mlir::Value)> start,
                          llvm::function_ref<mlir::Value(mlir::Value)> end);

/// Two neighbours of a row of `buffer`, a buffer of type `type`, as f32.
llvm::SmallVector<mlir::Value> loadNeighbours(Emit &emit, mlir::Value buffer,
                                              BufferType type, mlir::Value row,
                                              mlir::Value column);

} // namespace deltanet::tile

#endif // DELTANET_LIB_CONVERSION_TILETONVVM_DECAY_H
