//===- ChunkOracle.h - chunk programs in double precision -------*- C++ -*-===//
// What the operations of the chunk dialect say, element by element: the oracle
// of their lowering. Rounding is that of the program's own truncations alone.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TEST_UNIT_HOST_CHUNKORACLE_H
#define DELTANET_TEST_UNIT_HOST_CHUNKORACLE_H

#include "HostRunner.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace deltanet::test {

/// The results of `function`, a straight line of chunk.scan, chunk operations,
/// constants and elementwise operations. `shapes` are those of its results.
std::vector<Array> evaluate(mlir::func::FuncOp function,
                            const std::vector<Array> &inputs,
                            const std::vector<std::vector<int64_t>> &shapes);

} // namespace deltanet::test

#endif // DELTANET_TEST_UNIT_HOST_CHUNKORACLE_H
