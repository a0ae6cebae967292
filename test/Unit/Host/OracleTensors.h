//===- OracleTensors.h - sums around scans in double precision --*- C++ -*-===//
// The operations on whole tensors that derived gradients have beside scans, and
// those on numbers.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TEST_UNIT_HOST_ORACLETENSORS_H
#define DELTANET_TEST_UNIT_HOST_ORACLETENSORS_H

#include "HostRunner.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseMap.h"

namespace deltanet::test {

/// Evaluates `op` on `arrays` and `scalars`; false if it is none of these.
bool evaluateTensorOp(mlir::Operation *op,
                      llvm::DenseMap<mlir::Value, Array> &arrays,
                      llvm::DenseMap<mlir::Value, double> &scalars);

/// An elementwise operation of arith or math on numbers.
double applyElementwise(mlir::Operation *op, mlir::ArrayRef<double> x);

} // namespace deltanet::test

#endif // DELTANET_TEST_UNIT_HOST_ORACLETENSORS_H
