//===- Nest.h - a loop nest around a program --------------------*- C++ -*-===//
// Loops, the elements each operand is read and written at, and a scalar
// program; what structured operations and elementwise ones become before they
// run.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_INTERPRETER_NEST_H
#define DELTANET_LIB_INTERPRETER_NEST_H

#include "Program.h"
#include "mlir/IR/AffineMap.h"

namespace deltanet::interpreter {

/// The element of a row-major tensor that an iteration of the loops touches.
class Access {
public:
  /// Through `map`, from loops to the dimensions of a tensor of shape `shape`.
  Access(mlir::AffineMap map, llvm::ArrayRef<int64_t> shape);
  /// The same element in every iteration.
  static Access scalar(unsigned numLoops);
  /// Element i in iteration i of one loop.
  static Access identity();

  int64_t getOffset(llvm::ArrayRef<int64_t> iteration) const;
  /// The distance between the elements of neighbouring iterations of `loop`;
  /// nothing where that is not always the same.
  std::optional<int64_t> getStride(unsigned loop) const;

private:
  Access() = default;
  /// Offset = constant + sum of factors * iteration + sum of terms * stride.
  llvm::SmallVector<int64_t> factors;
  int64_t constant = 0;
  llvm::SmallVector<std::pair<mlir::AffineExpr, int64_t>> terms;
};

/// The values `expr` takes over loops of the given extents; nothing where a
/// part of it is not understood.
std::optional<std::pair<int64_t, int64_t>>
getRange(mlir::AffineExpr expr, llvm::ArrayRef<int64_t> extents);

struct Nest {
  llvm::SmallVector<int64_t> extents;
  /// Loops whose iterations run one after the other, in order.
  llvm::SmallVector<bool> ordered;
  Program program;
  /// One per argument of the program. (Not read where the program does not.)
  llvm::SmallVector<Access> inputs;
  llvm::SmallVector<const double *> inputData;
  /// One per result of the program.
  llvm::SmallVector<Access> outputs;
  llvm::SmallVector<double *> outputData;

  /// Every iteration of the loops; on all cores where that pays.
  void run() const;

private:
  unsigned pickLaneLoop() const;
};

} // namespace deltanet::interpreter

#endif // DELTANET_LIB_INTERPRETER_NEST_H
