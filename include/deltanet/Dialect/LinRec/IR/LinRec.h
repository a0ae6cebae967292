//===- LinRec.h - the linrec dialect ----------------------------*- C++ -*-===//
// Linear recurrences with a matrix-valued state on whole tensors; the normative
// page is dialects/LinRec/README.md.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_DIALECT_LINREC_IR_LINREC_H
#define DELTANET_DIALECT_LINREC_IR_LINREC_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "deltanet/Dialect/LinRec/IR/LinRecDialect.h.inc"
#include "deltanet/Dialect/LinRec/IR/LinRecEnums.h.inc"

#include "deltanet/Dialect/LinRec/IR/LinRecInterfaces.h.inc"

#define GET_OP_CLASSES
#include "deltanet/Dialect/LinRec/IR/LinRecOps.h.inc"

namespace deltanet::linrec {

/// A log-decay below this is taken as this: exp() of it is zero in every
/// format, and differences of its running sums stay finite.
inline constexpr double kLogDecayFloor = -1.0e4;

/// The same of a term of a running sum. Its exponential is zero in f32 as well
/// (the smallest number is exp(-103.3)), and what follows a reset in a sum of
/// f32 keeps 2^-18, where after one of -10000 it would keep 2^-10.
inline constexpr double kLogDecayFloorOfSums = -120;

/// The extents of one recurrence; kDynamic where not known.
struct ScanShape {
  int64_t batch, tokens, groups, heads, keyWidth, valueWidth, sequences, steps;
};

/// Reads the extents off a verified operation.
ScanShape getScanShape(RecurrenceOpInterface op);

/// Positions of the dimensions of a 4-D token tensor.
struct TokenDims {
  int64_t batch, token, head;
};
TokenDims getTokenDims(Layout layout);

} // namespace deltanet::linrec

#endif // DELTANET_DIALECT_LINREC_IR_LINREC_H
