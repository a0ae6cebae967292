//===- Program.h - scalar code over lanes -----------------------*- C++ -*-===//
// The body of a structured operation, or one elementwise operation, as a flat
// list of instructions on registers of kLanes float64 numbers each: the
// interpreter's cost is paid once for many elements.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_INTERPRETER_PROGRAM_H
#define DELTANET_LIB_INTERPRETER_PROGRAM_H

#include "mlir/IR/Block.h"
#include "mlir/IR/Operation.h"
#include <optional>
#include <vector>

namespace deltanet::interpreter {

/// Elements that one instruction works on.
inline constexpr int64_t kLanes = 128;

/// Sets the first `lanes` elements of `result` from those of the operands.
/// `immediate` is what else the instruction needs: a width, a format.
using LaneFunction = void (*)(double *result, const double *const *operands,
                              int64_t lanes, int64_t immediate);

struct Encoding {
  LaneFunction function = nullptr; ///< null: the operand itself
  int64_t immediate = 0;
};

/// The instruction that is `op` applied to scalars, or what prevents that.
mlir::FailureOr<Encoding> encode(mlir::Operation *op);
/// Whether `encode` knows operations of this name.
bool isElementwise(mlir::Operation *op);

/// Integers are kept sign-extended from their width; true is -1.
inline double toLane(const llvm::APInt &value) {
  return static_cast<double>(value.getSExtValue());
}
double toLane(const llvm::APFloat &value);
/// The value of a scalar attribute of a constant.
std::optional<double> toLane(mlir::Attribute value);

struct Instruction {
  LaneFunction function;
  int64_t immediate;
  int result;
  llvm::SmallVector<int, 3> operands;
};

struct Program {
  /// Register of every argument; -1 where the body does not use it.
  llvm::SmallVector<int> arguments;
  /// Registers that hold one value throughout.
  llvm::SmallVector<std::pair<int, double>> constants;
  /// Registers that hold the index of a loop.
  llvm::SmallVector<std::pair<int, unsigned>> indices;
  std::vector<Instruction> code;
  llvm::SmallVector<int> results;
  int numRegisters = 0;
};

/// Compiles the block of a structured operation. `outer` gives the values of
/// scalars that are defined outside of it.
mlir::FailureOr<Program>
compileBody(mlir::Block &body,
            llvm::function_ref<mlir::FailureOr<double>(mlir::Value)> outer);

/// Compiles one elementwise operation; its operands are the arguments.
mlir::FailureOr<Program> compileOperation(mlir::Operation *op);

} // namespace deltanet::interpreter

#endif // DELTANET_LIB_INTERPRETER_PROGRAM_H
