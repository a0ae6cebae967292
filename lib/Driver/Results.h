//===- Results.h - what a function gave, and what it should -----*- C++ -*-===//
// The results of a run, in memory, in files and in the answer; how far they are
// from the reference.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DRIVER_RESULTS_H
#define DELTANET_LIB_DRIVER_RESULTS_H

#include "Inputs.h"
#include "deltanet/Interpreter/Interpreter.h"
#include "deltanet/Reference/Reference.h"

namespace deltanet::driver {

/// One result of a function.
struct Result {
  std::string name, output; ///< output: the file to write, if any
  support::NpyArray array;
  /// Nothing where there is no reference to compare it with.
  bool checked = false;
  reference::Error error;
  double tolerance = 0;
  bool passed = true;
};

/// An argument that is written to a file as it was used.
struct InputOutput {
  unsigned argument;
  std::string file;
};

/// One entry for every result of `function`, with its name.
std::vector<Result> nameResults(mlir::func::FuncOp function);

/// Reads --output: which results and arguments go to which file.
int readOutputs(Session &session, mlir::func::FuncOp function,
                const RunOptions &options, std::vector<Result> &results,
                std::vector<InputOutput> &inputOutputs);
int writeOutputs(Session &session, llvm::ArrayRef<Result> results,
                 const Inputs &inputs,
                 llvm::ArrayRef<InputOutput> inputOutputs);

/// Memory for the result that `value` is, of extents `shape`.
int allocateResult(mlir::Location loc, mlir::Type elements,
                   llvm::ArrayRef<int64_t> shape, Result &result);
/// The same for the first results, which are those of `function`.
int allocateResults(mlir::func::FuncOp function, const ShapeBinder &shapes,
                    llvm::MutableArrayRef<Result> results);

/// What the function means on `inputs`, in float64.
mlir::FailureOr<std::vector<interpreter::Tensor>>
evaluateReference(mlir::func::FuncOp function, const Inputs &inputs);
/// Holds result `index` of `function` against the reference `want`.
void compareResult(mlir::func::FuncOp function, unsigned index,
                   llvm::ArrayRef<double> want, kernel::ScheduleAttr schedule,
                   std::optional<double> tolerance, Result &result);

/// The lines and the JSON about the inputs of a run.
void describeInputs(Session &session, mlir::func::FuncOp function,
                    const Inputs &inputs);
/// The table of results, which `heading` says what they are, with errors where
/// they are checked, and its JSON.
llvm::json::Array describeResults(Session &session,
                                  llvm::ArrayRef<Result> results,
                                  llvm::StringRef heading, bool check);

} // namespace deltanet::driver

#endif // DELTANET_LIB_DRIVER_RESULTS_H
