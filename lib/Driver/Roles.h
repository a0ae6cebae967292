//===- Roles.h - what an argument is to a recurrence ------------*- C++ -*-===//
// Follows the operands of recurrences back to the arguments of a function, and
// its results back to the recurrences that they come from.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DRIVER_ROLES_H
#define DELTANET_LIB_DRIVER_ROLES_H

#include "deltanet/Dialect/LinRec/IR/LinRec.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace deltanet::driver {

/// Ordered: of two roles an argument has the first, and a direct one first.
enum class Role {
  Key,
  TransitionIn,
  TransitionOut,
  Query,
  Value,
  Beta,
  Decay,
  Bonus,
  InitialState,
  Sequences,
  Indices,
  StepSize, ///< delta of a selective scan
  Rate,     ///< a of a selective scan
  None
};

struct ArgumentRole {
  Role role = Role::None;
  /// The operand of a recurrence it reaches, and whether unchanged but for its
  /// type and broadcasts.
  bool direct = false;
  linrec::RecurrenceOpInterface recurrence; ///< null for a selective scan
  mlir::Value pool; ///< what indices are of
};

/// One entry an argument.
llvm::SmallVector<ArgumentRole> traceArguments(mlir::func::FuncOp function);

/// The arguments that an operand of a recurrence is computed from.
struct OperandSource {
  llvm::SmallVector<unsigned> arguments;
  /// Whether it is one of them, but for its type and broadcasts.
  bool direct = false;
};
OperandSource traceOperand(mlir::func::FuncOp function, mlir::Value value);

/// What a result of a function is.
struct ResultRole {
  bool finalState = false;
  bool gated = false; ///< some recurrence of the function decays
};
ResultRole traceResult(mlir::func::FuncOp function, unsigned index);

} // namespace deltanet::driver

#endif // DELTANET_LIB_DRIVER_ROLES_H
