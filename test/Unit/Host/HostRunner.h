//===- HostRunner.h - compiles and calls a module of a test -----*- C++ -*-===//
// Text in, arrays in, arrays out; memory around every result is watched.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TEST_UNIT_HOST_HOSTRUNNER_H
#define DELTANET_TEST_UNIT_HOST_HOSTRUNNER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include <string>
#include <vector>

namespace deltanet::test {

/// A tensor whose elements are held as doubles; they are values of `element`.
struct Array {
  std::vector<int64_t> shape;
  mlir::Type element;
  std::vector<double> values;

  int64_t size() const;
};

/// The programs of test/Examples, in order.
std::vector<std::string> listExamples();

/// The nearest value of a type.
double roundTo(mlir::Type element, double value);
/// |a - b| / |b| over all elements (Frobenius); NaN unless NaNs are in the same
/// places.
double relativeError(const Array &a, const Array &b);

/// A context with the dialects that tests use.
mlir::MLIRContext &getContext();
mlir::OwningOpRef<mlir::ModuleOp> parse(const std::string &text);

/// How a test wants its code.
struct RunOptions {
  int64_t vectorBits = 0;
  int64_t subChunk = 8;
};

/// Lowers `module` (from chunk programs), calls its function `name` on `inputs`
/// and returns results of `shapes`. Failures are those of the running test.
std::vector<Array> run(mlir::ModuleOp module, const std::string &name,
                       const std::vector<Array> &inputs,
                       const std::vector<std::vector<int64_t>> &shapes,
                       const RunOptions &options = {});

} // namespace deltanet::test

#endif // DELTANET_TEST_UNIT_HOST_HOSTRUNNER_H
