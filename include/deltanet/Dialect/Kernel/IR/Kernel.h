//===- Kernel.h - the kernel dialect ----------------------------*- C++ -*-===//
// Facts of a chip (#kernel.target) and decisions taken (#kernel.schedule); the
// normative page is dialects/Kernel/README.md.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_DIALECT_KERNEL_IR_KERNEL_H
#define DELTANET_DIALECT_KERNEL_IR_KERNEL_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"

#include "deltanet/Dialect/Kernel/IR/KernelDialect.h.inc"
#include "deltanet/Dialect/Kernel/IR/KernelEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "deltanet/Dialect/Kernel/IR/KernelAttrs.h.inc"

namespace deltanet::kernel {

/// The discardable attributes of the dialect.
inline constexpr llvm::StringLiteral kTargetName = "kernel.target";
inline constexpr llvm::StringLiteral kTargetsName = "kernel.targets";
inline constexpr llvm::StringLiteral kScheduleName = "kernel.schedule";
inline constexpr llvm::StringLiteral kVariantName = "kernel.variant";

/// The target stated on `op` or the nearest operation around it; null if none.
TargetAttr getTarget(mlir::Operation *op);

/// The schedule stated on `op` or the nearest operation around it; an empty one
/// if none.
ScheduleAttr getSchedule(mlir::Operation *op);

/// States the decisions taken so far on `op`.
void setSchedule(mlir::Operation *op, ScheduleAttr schedule);

/// What `op`, a function, stands in for; null where it stands for itself.
VariantAttr getVariant(mlir::Operation *op);

/// `schedule` with what is undecided decided by rule: chunks of 64, products in
/// f32, running sums of log-decays in f64 where products are f32, else in f32.
ScheduleAttr withDefaults(ScheduleAttr schedule);

/// The schedule whose entries `text` lists, as `chunk = 64, warps = 8`.
/// Anything else is an error at `loc`.
mlir::FailureOr<ScheduleAttr> parseSchedule(mlir::Location loc,
                                            llvm::StringRef text);

/// The element type of products' operands that a user names: f32, bf16 or f16.
/// Anything else is an error at `loc`.
mlir::FailureOr<mlir::Type> parseProductType(mlir::Location loc,
                                             llvm::StringRef name);

/// `schedule` with what options of a pass say in place of what it says: tokens
/// a chunk (0: not said, 1: the token loop), element types (empty: not said).
/// What cannot be is an error at `loc`.
mlir::FailureOr<ScheduleAttr> withOptions(mlir::Location loc,
                                          ScheduleAttr schedule, int64_t chunk,
                                          llvm::StringRef products,
                                          llvm::StringRef gates);

} // namespace deltanet::kernel

#endif // DELTANET_DIALECT_KERNEL_IR_KERNEL_H
