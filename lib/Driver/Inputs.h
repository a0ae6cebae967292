//===- Inputs.h - the tensors a function is run on --------------*- C++ -*-===//
// From files, from random numbers that suit the role of an argument, or from a
// list of lengths; checked before anything is launched.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DRIVER_INPUTS_H
#define DELTANET_LIB_DRIVER_INPUTS_H

#include "Roles.h"
#include "Shapes.h"
#include "deltanet/Support/Npy.h"

namespace deltanet::driver {

/// One input as the user states it.
struct InputSpec {
  enum Kind { Random, File, Lengths } kind = Random;
  std::string text; ///< as stated
  std::string path;
  uint64_t seed = 0;
  std::optional<std::pair<double, double>> range;
  std::vector<int64_t> lengths;
  std::optional<support::NpyArray> array; ///< of a file, or the offsets
};

/// The inputs of one run, in the order of the arguments.
struct Inputs {
  std::vector<InputSpec> specs;
  std::vector<support::NpyArray> tensors;
};

/// Reads --input and --shape, loads files and binds all dimensions; `inputs`
/// has no tensors yet. Returns kOk or what went wrong.
int readInputs(Session &session, mlir::func::FuncOp function,
               const RunOptions &options, ShapeBinder &shapes, Inputs &inputs);

/// Whether arguments and results of these shapes have room in this machine's
/// memory; an exit code, with the diagnostic given.
int checkMemory(Session &session, mlir::func::FuncOp function,
                const ShapeBinder &shapes);

/// The same for any tensors: their shapes, and the types of their elements.
int checkMemory(
    Session &session,
    llvm::ArrayRef<std::pair<llvm::SmallVector<int64_t>, mlir::Type>> tensors);

/// Makes the tensors: of the arguments' types and of the shapes bound.
int makeInputs(Session &session, mlir::func::FuncOp function,
               const ShapeBinder &shapes, Inputs &inputs);

/// The type of elements in a file that `type` corresponds to.
std::optional<support::NpyType> getNpyType(mlir::Type type);

} // namespace deltanet::driver

#endif // DELTANET_LIB_DRIVER_INPUTS_H
