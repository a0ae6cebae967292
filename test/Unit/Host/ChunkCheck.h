//===- ChunkCheck.h - lowered programs against the oracle -------*- C++ -*-===//
// Random inputs, the shapes that a scan's accesses ask for, the comparison.
#ifndef DELTANET_TEST_UNIT_HOST_CHUNKCHECK_H
#define DELTANET_TEST_UNIT_HOST_CHUNKCHECK_H

#include "HostRunner.h"
#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <random>

namespace deltanet::test {

/// What the dynamic extents of a program are.
struct Sizes {
  int64_t batch = 2, tokens = 100, heads = 3, groups = 1;
  /// Lengths of packed sequences; empty: not packed.
  std::vector<int64_t> packed = {};
  /// Bounds of the elements, where an argument does not say its own.
  double lowest = -1, highest = 1;
};

/// Runs the function of `text`, which has one chunk.scan, on random inputs and
/// expects every result within `tolerance` (relative, Frobenius) of the
/// oracle's. An argument attribute `test.range = [lo, hi]` says what its
/// elements are like; otherwise they are within those of `sizes`.
void check(const std::string &text, const Sizes &sizes, double tolerance = 2e-6,
           const RunOptions &options = {});

/// The same for the function of `module`.
void check(mlir::ModuleOp module, const Sizes &sizes, double tolerance = 2e-6,
           const RunOptions &options = {});

/// Arguments of `function`, of the shapes that the accesses of its `scan` ask
/// for.
std::vector<Array> randomArguments(mlir::func::FuncOp function,
                                   chunk::ScanOp scan, const Sizes &sizes,
                                   std::mt19937 &random);

/// A function @f of one scan: `lists` are its in(...), carry(...), ... in the
/// syntax of chunk.scan, with the arguments it names declared by `arguments`.
std::string scanFunction(const std::string &arguments,
                         const std::string &results, const std::string &lists,
                         const std::string &blockArguments,
                         const std::string &body);

/// Replaces every `$name` by its text.
std::string
format(std::string text,
       const std::vector<std::pair<std::string, std::string>> &names);

} // namespace deltanet::test

#endif // DELTANET_TEST_UNIT_HOST_CHUNKCHECK_H
