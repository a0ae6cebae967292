//===- RandomInputs.h - numbers that suit an argument's role ----*- C++ -*-===//
#ifndef DELTANET_LIB_DRIVER_RANDOMINPUTS_H
#define DELTANET_LIB_DRIVER_RANDOMINPUTS_H

#include "Inputs.h"

namespace deltanet::driver {

/// Random tensors on which a recurrence stays bounded: keys of length one, beta
/// in (0, 1), log-decays in [-0.2, 0], a = -k and b = k * eta for a general
/// transition, small steps and negative rates for a selective scan, entries of a
/// pool that are all different. Everything else is normal.
class RandomInputs {
public:
  RandomInputs(mlir::func::FuncOp function, const Inputs &inputs)
      : function(function), inputs(inputs), roles(traceArguments(function)) {}

  std::vector<double> generate(mlir::BlockArgument argument,
                               llvm::ArrayRef<int64_t> shape) const;
  /// Whether `argument` lists entries of a pool of states, of which there are
  /// random ones.
  bool isIndices(mlir::BlockArgument argument) const {
    const ArgumentRole &role = roles[argument.getArgNumber()];
    return role.role == Role::Indices && role.direct;
  }

private:
  /// The argument that is the `a` of the recurrence whose `b` is `argument`.
  std::optional<unsigned> findTransitionIn(unsigned argument) const;
  std::vector<double> makeTransitionOut(unsigned argument,
                                        llvm::ArrayRef<int64_t> shape) const;

  mutable mlir::func::FuncOp function; // a handle; nothing is changed
  const Inputs &inputs;
  llvm::SmallVector<ArgumentRole> roles;
};

} // namespace deltanet::driver

#endif // DELTANET_LIB_DRIVER_RANDOMINPUTS_H
