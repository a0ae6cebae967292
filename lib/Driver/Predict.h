//===- Predict.h - how long schedules are thought to take -------*- C++ -*-===//
// The part of explain that looks at what was not taken, too.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DRIVER_PREDICT_H
#define DELTANET_LIB_DRIVER_PREDICT_H

#include "Inputs.h"
#include "Session.h"
#include "Shapes.h"
#include "deltanet/Driver/Driver.h"
#include "deltanet/Pipelines/ScheduleCandidates.h"

namespace deltanet::driver {

/// The extents of the recurrence of `function` that has most to do; 0
/// multiprocessors: as many as the constants were measured on.
ScanExtents measureExtents(mlir::func::FuncOp function,
                           const ShapeBinder &shapes, const Inputs &inputs,
                           int64_t multiprocessors);

/// Says how long `taken` is predicted to take and why, and what else came into
/// question.
void describePrediction(Session &session, const CompilationOptions &options,
                        mlir::ModuleOp module, mlir::func::FuncOp function,
                        kernel::TargetAttr target, kernel::ScheduleAttr taken,
                        const ScanExtents &extents);

} // namespace deltanet::driver

#endif // DELTANET_LIB_DRIVER_PREDICT_H
