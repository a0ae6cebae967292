//===- ScheduleCandidates.h - schedules in the order of trial ---*- C++ -*-===//
// What a function asks of its kernels, the schedules that come into question,
// ranked by what they are predicted to take, and the extents at which one is to
// stand in for another.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_PIPELINES_SCHEDULECANDIDATES_H
#define DELTANET_PIPELINES_SCHEDULECANDIDATES_H

#include "deltanet/Pipelines/ScheduleCost.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

namespace deltanet {

/// What a function computes, as far as its types say.
struct FunctionWork {
  ScanWork scan;
  int64_t numScans = 0;
  int64_t units = 0, tokens = 0;        // 0: left open
  std::string sequences, heads, length; // sizes of the launch, or numbers
};
FunctionWork readWork(mlir::func::FuncOp function);

struct ScheduleCandidate {
  kernel::ScheduleAttr schedule;
  ScheduleCost cost;
  std::string refused; // empty: it may be built
};

/// Extents of a machine that is full, or of one that mostly stands idle, where
/// the types leave them open.
ScanExtents assumeFull(kernel::TargetAttr target, const FunctionWork &work);
ScanExtents assumeFew(kernel::TargetAttr target, const FunctionWork &work);
/// The latter with sequences that are long.
ScanExtents assumeLong(kernel::TargetAttr target, const FunctionWork &work);

/// Whether nothing is decided that says which warps do what.
bool isOpen(kernel::ScheduleAttr decided);

/// Schedules with what `decided` decides, in the order in which to build them.
/// The last is the least demanding.
llvm::SmallVector<ScheduleCandidate> rankSchedules(kernel::TargetAttr target,
                                                   kernel::ScheduleAttr decided,
                                                   const FunctionWork &work,
                                                   const ScanExtents &extents);

/// The extents at which `few` is predicted to be faster than `all`, as a
/// condition of #kernel.variant; empty where there are none up to the tokens of
/// `extents`.
std::string findCondition(kernel::TargetAttr target, kernel::ScheduleAttr few,
                          kernel::ScheduleAttr all, const FunctionWork &work,
                          ScanExtents extents);

/// Runs the passes that build kernels, on a module of its own.
using TrialRunner = llvm::function_ref<mlir::LogicalResult(
    mlir::OpPassManager &, mlir::ModuleOp)>;

/// The gradient that is asked for: arguments, and results whose gradient is
/// given.
struct GradientNames {
  llvm::SmallVector<std::string> of, from;
};

/// Whether the kernels of `function`, by `schedule`, can be built for the
/// target of its module, those of its gradient too; `reason` says why not. The
/// trial stands in `parent` for as long as it runs.
bool isPossible(mlir::ModuleOp parent, mlir::func::FuncOp function,
                kernel::ScheduleAttr schedule, TrialRunner run,
                std::string &reason, const GradientNames &gradient = {});

} // namespace deltanet

#endif // DELTANET_PIPELINES_SCHEDULECANDIDATES_H
