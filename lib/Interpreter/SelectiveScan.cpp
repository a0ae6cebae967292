//===- SelectiveScan.cpp - linrec.selective_scan through the reference ----===//
// Describes the operation to lib/Reference. Extents that are known at run time
// only are checked here.
//===----------------------------------------------------------------------===//
#include "Environment.h"
#include "deltanet/Reference/SelectiveScan.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::interpreter;
using linrec::SelectiveScanOp;

/// The data of `value`, which has the extents `shape`; null where it is absent.
static LogicalResult read(SelectiveScanOp op, Environment &environment,
                          StringRef name, Value value, ArrayRef<int64_t> shape,
                          const double *&data) {
  if (!value)
    return success();
  const TensorValue &tensor = environment.get(value);
  if (ArrayRef<int64_t>(tensor.shape) != shape)
    return op.emitOpError("expects ")
           << name << " of extents " << formatExtents(shape) << ", got "
           << formatExtents(tensor.shape);
  data = tensor.begin();
  return success();
}

/// The numbers of a list of integers; none where it is absent.
static FailureOr<std::vector<int64_t>>
readList(SelectiveScanOp op, Environment &environment, Value list) {
  std::vector<int64_t> entries;
  if (!list)
    return entries;
  for (double entry : *environment.get(list).data) {
    if (!(std::fabs(entry) < 0x1p53))
      return op.emitOpError("expects offsets and indices below 2^53, got ")
             << entry;
    entries.push_back(static_cast<int64_t>(entry));
  }
  return entries;
}

LogicalResult
deltanet::interpreter::evaluateSelectiveScan(SelectiveScanOp op,
                                             Environment &environment) {
  reference::SelectiveScan s;
  ArrayRef<int64_t> x = environment.get(op.getInput()).shape;
  s.B = x[0], s.T = x[1], s.V = x[2];
  s.K = environment.get(op.getA()).shape[1];
  auto offsets = readList(op, environment, op.getCuSeqlens());
  auto indices = readList(op, environment, op.getIndices());
  if (failed(offsets) || failed(indices))
    return failure();
  if (op.getCuSeqlens()) {
    s.cuSeqlens = offsets->data();
    s.N = static_cast<int64_t>(offsets->size()) - 1;
  }
  int64_t states = s.getNumSequences();
  if (op.getIndices()) {
    if (static_cast<int64_t>(indices->size()) != states)
      return op.emitOpError("expects an index for every sequence, got ")
             << indices->size() << " for " << states;
    s.indices = indices->data();
    s.P = states = environment.get(op.getInitialState()).shape[0];
  }
  SmallVector<int64_t> tokens = {s.B, s.T, s.V}, rows = {s.B, s.T, s.K},
                       state = {states, s.V, s.K};
  auto get = [&](StringRef name, Value value, ArrayRef<int64_t> shape,
                 const double *&data) {
    return read(op, environment, name, value, shape, data);
  };
  if (failed(get("input", op.getInput(), tokens, s.x)) ||
      failed(get("delta", op.getDelta(), tokens, s.delta)) ||
      failed(get("a", op.getA(), {s.V, s.K}, s.a)) ||
      failed(get("b", op.getB(), rows, s.b)) ||
      failed(get("c", op.getC(), rows, s.c)) ||
      failed(get("skip", op.getSkip(), {s.V}, s.skip)) ||
      failed(get("initial", op.getInitialState(), state, s.initialState)))
    return failure();
  std::vector<double> y(countElements(tokens)), last;
  s.y = y.data();
  if (op.getFinalState()) {
    // (A batch that is not there at all has no state.)
    last.resize(std::max<int64_t>(0, countElements(state)));
    s.finalState = last.data();
  }
  if (std::optional<std::string> error = reference::run(s))
    return op.emitOpError(*error);
  if (failed(environment.set(op.getOutput(), tokens, std::move(y))))
    return failure();
  if (!op.getFinalState())
    return success();
  return environment.set(op.getFinalState(), state, std::move(last));
}
