//===- Interpreter.h - what a function means, in float64 --------*- C++ -*-===//
// Evaluates a function on whole tensors (linrec, linalg, tensor, arith, math)
// in float64: what a compiled kernel is compared with.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_INTERPRETER_INTERPRETER_H
#define DELTANET_INTERPRETER_INTERPRETER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Support/LLVM.h"
#include <vector>

namespace deltanet::interpreter {

/// A tensor, row-major; a scalar has no dimensions. Integers are held exactly
/// up to 2^53 in magnitude.
struct Tensor {
  std::vector<int64_t> shape;
  std::vector<double> data;

  int64_t getNumElements() const;
};

/// On an arith.truncf: it does not round. What is differentiated by differences
/// has to be smooth.
inline constexpr llvm::StringLiteral kSmoothAttr = "deltanet.smooth";

/// The results of `function` on `arguments`. All arithmetic on floats is
/// float64 whatever the type says: recurrences run token by token
/// (lib/Reference), arith.extf does nothing. Only arith.truncf rounds, to its
/// type: a rounding that is written out belongs to the function. The caller
/// rounds the arguments to their types, and compares the results with this in
/// mind.
///
/// An operation that cannot be evaluated, and extents that do not fit each
/// other at run time, are errors at their place in the function.
mlir::FailureOr<std::vector<Tensor>> evaluate(mlir::func::FuncOp function,
                                              mlir::ArrayRef<Tensor> arguments);

} // namespace deltanet::interpreter

#endif // DELTANET_INTERPRETER_INTERPRETER_H
