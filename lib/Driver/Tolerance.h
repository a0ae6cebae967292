//===- Tolerance.h - how near a result must be ------------------*- C++ -*-===//
#ifndef DELTANET_LIB_DRIVER_TOLERANCE_H
#define DELTANET_LIB_DRIVER_TOLERANCE_H

#include "Roles.h"
#include "deltanet/Dialect/Kernel/IR/Kernel.h"

namespace deltanet::driver {

/// The largest relative Frobenius error that a result may have where the user
/// does not say; `want` is the reference.
double chooseTolerance(mlir::Type elementType, ResultRole role,
                       kernel::ScheduleAttr schedule,
                       llvm::ArrayRef<double> want);

/// The same for the gradient of an argument of `function`.
double chooseGradientTolerance(mlir::func::FuncOp function, unsigned argument,
                               kernel::ScheduleAttr schedule);

} // namespace deltanet::driver

#endif // DELTANET_LIB_DRIVER_TOLERANCE_H
