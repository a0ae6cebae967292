//===- Phases.h - phases that several pipelines share -----------*- C++ -*-===//
#ifndef DELTANET_LIB_PIPELINES_PHASES_H
#define DELTANET_LIB_PIPELINES_PHASES_H

#include "deltanet/Pipelines/Pipelines.h"

namespace deltanet {

/// The target's facts and the schedule become attributes.
void addSchedule(mlir::OpPassManager &manager, const PipelineOptions &options);
/// Recurrences become chunk programs.
void addChunk(mlir::OpPassManager &manager, const PipelineOptions &options);
/// Elementwise work around a scan moves into its body.
void addFuse(mlir::OpPassManager &manager, const PipelineOptions &options);

} // namespace deltanet

#endif // DELTANET_LIB_PIPELINES_PHASES_H
