//===- Phases.h - phases that several pipelines share -----------*- C++ -*-===//
#ifndef DELTANET_LIB_PIPELINES_PHASES_H
#define DELTANET_LIB_PIPELINES_PHASES_H

#include "deltanet/Pipelines/Pipelines.h"

namespace deltanet {

/// The target's facts and the schedule become attributes; with `leaveChunk` the
/// tokens a chunk of a gpu stay open where nobody said them.
void addSchedule(mlir::OpPassManager &manager, const PipelineOptions &options,
                 bool leaveChunk);
/// Recurrences become chunk programs.
void addChunk(mlir::OpPassManager &manager, const PipelineOptions &options);
/// Elementwise work around a scan moves into its body.
void addFuse(mlir::OpPassManager &manager, const PipelineOptions &options);

/// Where gradients are asked for, functions get theirs beside them.
void addGradient(mlir::OpPassManager &manager, const PipelineOptions &options);

/// Solves become inverses and products; where the schedule says so, what does
/// not wait for the state becomes a scan of its own.
void addSplit(mlir::OpPassManager &manager, const PipelineOptions &options);
/// Chunk programs become kernels of tiles, with their barriers and places in
/// shared memory.
void addTile(mlir::OpPassManager &manager, const PipelineOptions &options);

/// Decides what a schedule leaves open: the schedule that ranks first among
/// those whose kernels can be built; with `variants` a second for few heads.
std::unique_ptr<mlir::Pass> createFitSchedule(const PipelineOptions &options);

} // namespace deltanet

#endif // DELTANET_LIB_PIPELINES_PHASES_H
