//===- Recurrences.cpp - linrec through the reference ---------------------===//
// Describes an operation to lib/Reference. The verifier has checked the extents
// that types give; those known at run time only are checked here.
//===----------------------------------------------------------------------===//
#include "Environment.h"
#include "deltanet/Reference/Reference.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::interpreter;
using linrec::RecurrenceOpInterface;

namespace {
class Evaluator {
public:
  Evaluator(RecurrenceOpInterface op, Environment &environment)
      : op(op), environment(environment),
        dims(linrec::getTokenDims(op.getLayout())) {}

  LogicalResult run();

private:
  void readExtents();
  LogicalResult readOperands();
  LogicalResult readSequences();
  /// A list of integers.
  LogicalResult readIntegers(StringRef what, Value list,
                             std::vector<int64_t> &entries);
  /// The data of a token tensor; `channels` is 0 for a tensor without.
  LogicalResult read(StringRef name, Value value, int64_t tokens, int64_t heads,
                     int64_t channels, const double *&data);
  LogicalResult read(StringRef name, Value value, ArrayRef<int64_t> shape,
                     const double *&data);
  SmallVector<int64_t> getTokenShape(int64_t tokens, int64_t heads,
                                     int64_t channels) const;
  SmallVector<int64_t> getStateShape();

  RecurrenceOpInterface op;
  Environment &environment;
  linrec::TokenDims dims;
  reference::Recurrence r;
  std::vector<int64_t> offsets, indices;
};
} // namespace

SmallVector<int64_t> Evaluator::getTokenShape(int64_t tokens, int64_t heads,
                                              int64_t channels) const {
  SmallVector<int64_t> shape(3);
  shape[dims.batch] = r.B;
  shape[dims.token] = tokens;
  shape[dims.head] = heads;
  if (channels)
    shape.push_back(channels);
  return shape;
}

SmallVector<int64_t> Evaluator::getStateShape() {
  bool vk = op.getStateLayout() == linrec::StateLayout::VK;
  return {r.indices ? r.P : r.getNumSequences(), r.H, vk ? r.V : r.K,
          vk ? r.K : r.V};
}

LogicalResult Evaluator::read(StringRef name, Value value,
                              ArrayRef<int64_t> shape, const double *&data) {
  if (!value)
    return success();
  const TensorValue &tensor = environment.get(value);
  if (ArrayRef<int64_t>(tensor.shape) != shape)
    return op->emitOpError("expects ")
           << name << " of extents " << formatExtents(shape) << ", got "
           << formatExtents(tensor.shape);
  data = tensor.begin();
  return success();
}

LogicalResult Evaluator::read(StringRef name, Value value, int64_t tokens,
                              int64_t heads, int64_t channels,
                              const double *&data) {
  return read(name, value, getTokenShape(tokens, heads, channels), data);
}

void Evaluator::readExtents() {
  ArrayRef<int64_t> q = environment.get(op.getQuery()).shape;
  ArrayRef<int64_t> v = environment.get(op.getValue()).shape;
  r.B = q[dims.batch], r.T = q[dims.token], r.G = q[dims.head], r.K = q[3];
  r.H = v[dims.head], r.V = v[3];
  r.steps = op.getStepsPerToken();
  r.scale = op.getScaleFactor();
  r.layout = op.getLayout() == linrec::Layout::BTHD ? reference::Layout::BTHD
                                                    : reference::Layout::BHTD;
  r.stateLayout = op.getStateLayout() == linrec::StateLayout::KV
                      ? reference::StateLayout::KV
                      : reference::StateLayout::VK;
  r.readOut = op.getReadOut() == linrec::ReadOut::After
                  ? reference::ReadOut::After
                  : reference::ReadOut::Before;
}

LogicalResult Evaluator::readIntegers(StringRef what, Value list,
                                      std::vector<int64_t> &entries) {
  for (double entry : *environment.get(list).data) {
    if (!(std::fabs(entry) < 0x1p53))
      return op->emitOpError("expects ") << what << " below 2^53, got " << entry;
    entries.push_back(static_cast<int64_t>(entry));
  }
  return success();
}

LogicalResult Evaluator::readSequences() {
  if (op.getCuSeqlens()) {
    if (failed(readIntegers("offsets of packed sequences", op.getCuSeqlens(),
                            offsets)))
      return failure();
    r.cuSeqlens = offsets.data();
    r.N = static_cast<int64_t>(offsets.size()) - 1;
  }
  if (!op.getIndices())
    return success();
  if (failed(readIntegers("indices of a pool", op.getIndices(), indices)))
    return failure();
  int64_t entries = static_cast<int64_t>(indices.size());
  if (entries != r.getNumSequences())
    return op->emitOpError("expects an index for every sequence, got ")
           << entries << " for " << r.getNumSequences();
  r.indices = indices.data();
  r.P = environment.get(op.getInitialState()).shape[0];
  return success();
}

LogicalResult Evaluator::readOperands() {
  int64_t rows = r.T * r.steps;
  if (failed(read("query", op.getQuery(), r.T, r.G, r.K, r.q)) ||
      failed(read("key", op.getKey(), rows, r.G, r.K, r.k)) ||
      failed(read("value", op.getValue(), rows, r.H, r.V, r.v)))
    return failure();
  r.decayPerChannel = op.getDecay() && op.getDecay().getType().getRank() == 4;
  if (failed(read("decay", op.getDecay(), r.T, r.H, r.decayPerChannel ? r.K : 0,
                  r.decay)) ||
      failed(read("initial", op.getInitialState(), getStateShape(),
                  r.initialState)))
    return failure();
  if (auto scan = dyn_cast<linrec::ScanOp>(op.getOperation())) {
    if (failed(read("beta", scan.getBeta(), rows, r.H, 0, r.beta)) ||
        failed(read("bonus", scan.getBonus(), {r.H, r.K}, r.bonus)))
      return failure();
    return success();
  }
  auto dplr = dyn_cast<linrec::DplrScanOp>(op.getOperation());
  if (!dplr)
    return op->emitError(
               "expects an operation that the interpreter can evaluate, got '")
           << op->getName() << "'";
  if (failed(read("a", dplr.getTransitionIn(), rows, r.G, r.K, r.a)) ||
      failed(read("b", dplr.getTransitionOut(), rows, r.G, r.K, r.b)))
    return failure();
  return success();
}

LogicalResult Evaluator::run() {
  readExtents();
  if (failed(readSequences()) || failed(readOperands()))
    return failure();
  SmallVector<int64_t> outputShape = getTokenShape(r.T, r.H, r.V),
                       stateShape = getStateShape();
  std::vector<double> output(countElements(outputShape)), state;
  r.o = output.data();
  if (op.getFinalState()) {
    // (A batch that is not there at all has no state; nor has a wrong
    // description.)
    state.resize(std::max<int64_t>(0, countElements(stateShape)));
    r.finalState = state.data();
  }
  if (std::optional<std::string> error = reference::run(r))
    return op->emitOpError(*error);
  if (failed(environment.set(op.getOutput(), outputShape, std::move(output))))
    return failure();
  if (!op.getFinalState())
    return success();
  return environment.set(op.getFinalState(), stateShape, std::move(state));
}

LogicalResult
deltanet::interpreter::evaluateRecurrence(RecurrenceOpInterface op,
                                          Environment &environment) {
  return Evaluator(op, environment).run();
}
