//===- Describe.h - what a function means, for a package --------*- C++ -*-===//
#ifndef DELTANET_LIB_DRIVER_DESCRIBE_H
#define DELTANET_LIB_DRIVER_DESCRIBE_H

#include "Gradient.h"

namespace deltanet::driver {

/// Arguments, shapes, recurrences of `function`, which is as the user wrote it.
/// Fails, with a diagnostic, where an argument or a result is no tensor.
mlir::FailureOr<artifact::Signature>
describeFunction(mlir::func::FuncOp function, llvm::StringRef prefix);

/// The forward and the backward function of `gradient`, which has been derived;
/// `signature` is that of `function` and learns of them.
mlir::FailureOr<std::vector<artifact::Signature>>
describeDerived(mlir::func::FuncOp function, Gradient &gradient,
                artifact::Signature &signature);

/// Largest relative errors of the results, as `check` holds them to.
std::vector<double> describeTolerances(mlir::func::FuncOp function,
                                       kernel::ScheduleAttr schedule);

} // namespace deltanet::driver

#endif // DELTANET_LIB_DRIVER_DESCRIBE_H
