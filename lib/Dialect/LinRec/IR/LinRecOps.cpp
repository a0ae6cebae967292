//===- LinRecOps.cpp - verifiers and canonicalisation of recurrences
//-------===//
// Constraints C1.. are those of dialects/LinRec/LinRec.td; each has a test in
// test/Dialect/LinRec/invalid.mlir.
//===----------------------------------------------------------------------===//
#include "deltanet/Dialect/LinRec/IR/LinRec.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace deltanet::linrec;

#define GET_OP_CLASSES
#include "deltanet/Dialect/LinRec/IR/LinRecOps.cpp.inc"

TokenDims deltanet::linrec::getTokenDims(Layout layout) {
  return layout == Layout::BTHD ? TokenDims{0, 1, 2} : TokenDims{0, 2, 1};
}

ScanShape deltanet::linrec::getScanShape(RecurrenceOpInterface op) {
  TokenDims d = getTokenDims(op.getLayout());
  auto q = op.getQuery().getType(), v = op.getValue().getType();
  ScanShape s;
  s.batch = q.getDimSize(d.batch);
  s.tokens = q.getDimSize(d.token);
  s.groups = q.getDimSize(d.head);
  s.heads = v.getDimSize(d.head);
  s.keyWidth = q.getDimSize(3);
  s.valueWidth = v.getDimSize(3);
  s.steps = op.getStepsPerToken();
  s.sequences = s.batch;
  if (auto offsets = op.getCuSeqlens()) {
    int64_t entries = offsets.getType().getDimSize(0);
    s.sequences = ShapedType::isDynamic(entries) ? entries : entries - 1;
  }
  return s;
}

//===----------------------------------------------------------------------===//
// Verifier
//===----------------------------------------------------------------------===//

namespace {
/// Checks extents of operands against each other. An extent that is not known
/// here is checked where the tensors are (the run-time checks of a kernel).
class Verifier {
public:
  explicit Verifier(RecurrenceOpInterface op)
      : op(op), dims(getTokenDims(op.getLayout())), shape(getScanShape(op)) {}

  LogicalResult verify();

  /// `type` is the token tensor `name` and has the extents given, in the order
  /// batch, tokens, heads, channels; a null channel count is a 3-D tensor.
  LogicalResult tokenTensor(StringRef name, RankedTensorType type,
                            int64_t tokens, int64_t heads,
                            std::optional<int64_t> channels);

  LogicalResult extent(StringRef name, StringRef what, int64_t got,
                       int64_t want, StringRef wantOf);

  RecurrenceOpInterface op;
  TokenDims dims;
  ScanShape shape;

private:
  LogicalResult state(StringRef name, RankedTensorType type);
  LogicalResult packing();
  LogicalResult pool();
};
} // namespace

static bool differ(int64_t a, int64_t b) {
  return !ShapedType::isDynamic(a) && !ShapedType::isDynamic(b) && a != b;
}

/// An extent as it is written: a number or ?.
static std::string extentText(int64_t extent) {
  return ShapedType::isDynamic(extent) ? "?" : std::to_string(extent);
}

/// The tokens of key, value and beta. A product that no tensor can have is the
/// largest number, which differs from all that one has.
static int64_t stepTokens(const ScanShape &s) {
  int64_t product;
  if (ShapedType::isDynamic(s.tokens))
    return s.tokens;
  if (llvm::MulOverflow(s.tokens, s.steps, product))
    return std::numeric_limits<int64_t>::max();
  return product;
}

LogicalResult Verifier::extent(StringRef name, StringRef what, int64_t got,
                               int64_t want, StringRef wantOf) {
  if (!differ(got, want))
    return success();
  return op->emitOpError("expects ") << name << " with " << want << " " << what
                                     << " (" << wantOf << "), got " << got;
}

LogicalResult Verifier::tokenTensor(StringRef name, RankedTensorType type,
                                    int64_t tokens, int64_t heads,
                                    std::optional<int64_t> channels) {
  if (failed(extent(name, "batch entries", type.getDimSize(dims.batch),
                    shape.batch, "as query")) ||
      failed(
          extent(name, "tokens", type.getDimSize(dims.token), tokens,
                 tokens == shape.tokens ? "as query" : "steps times query's")))
    return failure();
  if (failed(
          extent(name, "heads", type.getDimSize(dims.head), heads, "as value")))
    return failure();
  if (!channels || type.getRank() != 4)
    return success();
  if (type.isDynamicDim(3))
    return op->emitOpError("expects a static width of at least 1, got ? of ")
           << name;
  return extent(name, "channels", type.getDimSize(3), *channels,
                "the width of key");
}

LogicalResult Verifier::state(StringRef name, RankedTensorType type) {
  bool vk = op.getStateLayout() == StateLayout::VK;
  if ((!op.getIndices() && failed(extent(name, "states", type.getDimSize(0),
                                         shape.sequences, "one a sequence"))) ||
      failed(
          extent(name, "heads", type.getDimSize(1), shape.heads, "as value")))
    return failure();
  int64_t rows = vk ? shape.valueWidth : shape.keyWidth;
  int64_t cols = vk ? shape.keyWidth : shape.valueWidth;
  if (type.getDimSize(2) == rows && type.getDimSize(3) == cols)
    return success();
  return op->emitOpError("expects ")
         << name << " of " << rows << "x" << cols << " ("
         << (vk ? "V x K" : "K x V")
         << ", state_layout = " << stringifyStateLayout(op.getStateLayout())
         << "), got " << extentText(type.getDimSize(2)) << "x"
         << extentText(type.getDimSize(3));
}

LogicalResult Verifier::packing() {
  auto offsets = op.getCuSeqlens();
  if (!offsets)
    return success();
  if (differ(shape.batch, 1))
    return op->emitOpError("expects a batch of 1 with packed sequences, got ")
           << shape.batch;
  int64_t entries = offsets.getType().getDimSize(0);
  if (!ShapedType::isDynamic(entries) && entries < 2)
    return op->emitOpError(
               "expects at least 2 offsets of packed sequences, got ")
           << entries;
  return success();
}

LogicalResult Verifier::pool() {
  auto indices = op.getIndices();
  if (!indices)
    return success();
  auto initial = op.getInitialState(), final = op.getFinalState();
  if (!initial)
    return op->emitOpError("expects indices only with an initial state, the "
                           "pool that they are of");
  if (final && final.getType() != initial.getType())
    return op->emitOpError("expects a final_state of the type of initial, the "
                           "pool, got ")
           << final.getType() << " and " << initial.getType();
  return extent("indices", "entries", indices.getType().getDimSize(0),
                shape.sequences, "one a sequence");
}

LogicalResult Verifier::verify() {
  auto q = op.getQuery().getType(), k = op.getKey().getType(),
       v = op.getValue().getType();
  // C1
  if (q.getElementType() != k.getElementType() ||
      q.getElementType() != v.getElementType())
    return op->emitOpError(
               "expects query, key and value of one element type, got ")
           << q.getElementType() << ", " << k.getElementType() << " and "
           << v.getElementType();
  // C14
  if (shape.steps < 1)
    return op->emitOpError("expects at least 1 step a token, got ")
           << shape.steps;
  // C5
  if (differ(q.getDimSize(3), k.getDimSize(3)))
    return op->emitOpError("expects query and key of equal width, got ")
           << q.getDimSize(3) << " and " << k.getDimSize(3);
  for (auto [name, type] : {std::pair<StringRef, RankedTensorType>{"query", q},
                            {"key", k},
                            {"value", v}})
    if (type.getDimSize(3) < 1)
      return op->emitOpError("expects a static width of at least 1, got ")
             << (type.isDynamicDim(3) ? "?" : "0") << " of " << name;
  // C2, C3
  for (auto [name, type] :
       {std::pair<StringRef, RankedTensorType>{"key", k}, {"value", v}}) {
    if (failed(extent(name, "batch entries", type.getDimSize(dims.batch),
                      shape.batch, "as query")) ||
        failed(extent(name, "tokens", type.getDimSize(dims.token),
                      stepTokens(shape),
                      shape.steps == 1 ? "as query" : "steps times query's")))
      return failure();
    int64_t tokens = type.getDimSize(dims.token);
    if (!ShapedType::isDynamic(tokens) && tokens % shape.steps != 0)
      return op->emitOpError("expects ")
             << name << " with a multiple of " << shape.steps
             << " tokens (steps), got " << tokens;
  }
  // C4
  if (failed(extent("key", "heads", k.getDimSize(dims.head), shape.groups,
                    "as query")))
    return failure();
  if (!ShapedType::isDynamic(shape.groups) &&
      !ShapedType::isDynamic(shape.heads) &&
      (shape.groups < 1 || shape.heads % shape.groups != 0))
    return op->emitOpError(
               "expects heads of query to divide heads of value, got ")
           << shape.groups << " and " << shape.heads;
  // C7
  if (auto decay = op.getDecay())
    if (failed(tokenTensor("decay", decay.getType(), shape.tokens, shape.heads,
                           shape.keyWidth)))
      return failure();
  // C10
  if (failed(packing()))
    return failure();
  // C17
  if (failed(pool()))
    return failure();
  // C9
  if (auto initial = op.getInitialState())
    if (failed(state("initial", initial.getType())))
      return failure();
  // C11
  auto o = op.getOutput().getType();
  if (failed(tokenTensor("output", o, shape.tokens, shape.heads, std::nullopt)))
    return failure();
  if (o.getDimSize(3) != shape.valueWidth)
    return op->emitOpError("expects output of width ")
           << shape.valueWidth << " (the width of value), got "
           << extentText(o.getDimSize(3));
  // C12
  if (auto final = op.getFinalState())
    if (failed(state("final_state", final.getType())))
      return failure();
  return success();
}

static LogicalResult verifyAttributes(Operation *op,
                                      std::optional<APFloat> scale,
                                      std::optional<APFloat> decayMin,
                                      bool hasDecay) {
  // C13
  if (scale && (!scale->isFinite() || scale->isZero()))
    return op->emitOpError("expects a finite scale that is not zero, got ")
           << scale->convertToDouble();
  // C15
  if (decayMin && !hasDecay)
    return op->emitOpError("expects decay_min only with a decay");
  if (decayMin && (!decayMin->isFinite() ||
                   (!decayMin->isNegative() && !decayMin->isZero())))
    return op->emitOpError(
               "expects a finite decay_min that is not positive, got ")
           << decayMin->convertToDouble();
  return success();
}

LogicalResult ScanOp::verify() {
  Verifier verifier(*this);
  if (failed(verifyAttributes(*this, getScale(), getDecayMin(),
                              bool(getDecay()))) ||
      failed(verifier.verify()))
    return failure();
  const ScanShape &s = verifier.shape;
  // C6
  if (auto beta = getBeta()) {
    int64_t tokens =
        ShapedType::isDynamic(s.tokens) ? s.tokens : s.tokens * s.steps;
    if (failed(verifier.tokenTensor("beta", beta.getType(), tokens, s.heads,
                                    std::nullopt)))
      return failure();
  }
  // C8
  if (auto bonus = getBonus()) {
    if (getReadOut() != ReadOut::Before)
      return emitOpError("expects a bonus only with read_out = before");
    if (failed(verifier.extent("bonus", "heads", bonus.getType().getDimSize(0),
                               s.heads, "as value")) ||
        failed(verifier.extent("bonus", "channels",
                               bonus.getType().getDimSize(1), s.keyWidth,
                               "the width of key")))
      return failure();
    if (bonus.getType().isDynamicDim(1))
      return emitOpError(
          "expects a static width of at least 1, got ? of bonus");
    if (s.steps != 1)
      return emitOpError("expects a bonus only with one step a token, got ")
             << s.steps;
  }
  return success();
}

LogicalResult DplrScanOp::verify() {
  Verifier verifier(*this);
  if (failed(verifyAttributes(*this, getScale(), getDecayMin(),
                              bool(getDecay()))) ||
      failed(verifier.verify()))
    return failure();
  // C16
  RankedTensorType key = getKey().getType();
  for (auto [name, type] : {std::pair<StringRef, RankedTensorType>{
                                "a", getTransitionIn().getType()},
                            {"b", getTransitionOut().getType()}}) {
    if (type.getElementType() != key.getElementType())
      return emitOpError("expects ")
             << name << " of key's element type " << key.getElementType()
             << ", got " << type.getElementType();
    for (int64_t d = 0; d != 4; ++d)
      if (differ(type.getDimSize(d), key.getDimSize(d)) ||
          (d == 3 && type.isDynamicDim(3)))
        return emitOpError("expects ") << name << " of the shape of key, got "
                                       << type << " and " << key;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Values derived from attributes
//===----------------------------------------------------------------------===//

static double scaleOf(std::optional<APFloat> scale, RankedTensorType query) {
  if (scale)
    return scale->convertToDouble();
  return 1.0 / std::sqrt(static_cast<double>(query.getDimSize(3)));
}

double ScanOp::getScaleFactor() {
  return scaleOf(getScale(), getQuery().getType());
}
double DplrScanOp::getScaleFactor() {
  return scaleOf(getScale(), getQuery().getType());
}
int64_t ScanOp::getStepsPerToken() { return getSteps(); }
int64_t DplrScanOp::getStepsPerToken() { return 1; }

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

/// Shapes of the results, from query (tokens), value (heads), initial or batch.
static LogicalResult reify(RecurrenceOpInterface op, OpBuilder &b,
                           ReifiedRankedShapedTypeDims &shapes) {
  Location loc = op->getLoc();
  TokenDims d = getTokenDims(op.getLayout());
  ScanShape s = getScanShape(op);
  auto size = [&](Value v, int64_t dim) {
    return tensor::getMixedSize(b, loc, v, dim);
  };
  OpFoldResult heads = size(op.getValue(), d.head);
  auto &out = shapes.emplace_back(4);
  out[d.batch] = size(op.getQuery(), d.batch);
  out[d.token] = size(op.getQuery(), d.token);
  out[d.head] = heads;
  out[3] = b.getIndexAttr(s.valueWidth);
  if (!op.getFinalState())
    return success();
  OpFoldResult sequences = out[d.batch];
  if (auto initial = op.getInitialState()) {
    sequences = size(initial, 0);
  } else if (auto offsets = op.getCuSeqlens()) {
    OpFoldResult entries = size(offsets, 0);
    if (auto known = getConstantIntValue(entries)) {
      sequences = b.getIndexAttr(*known - 1);
    } else {
      Value one = arith::ConstantIndexOp::create(b, loc, 1);
      sequences =
          arith::SubIOp::create(b, loc, cast<Value>(entries), one).getResult();
    }
  }
  bool vk = op.getStateLayout() == StateLayout::VK;
  int64_t rows = vk ? s.valueWidth : s.keyWidth,
          cols = vk ? s.keyWidth : s.valueWidth;
  shapes.push_back(
      {sequences, heads, b.getIndexAttr(rows), b.getIndexAttr(cols)});
  return success();
}

LogicalResult ScanOp::reifyResultShapes(OpBuilder &b,
                                        ReifiedRankedShapedTypeDims &shapes) {
  return reify(*this, b, shapes);
}
LogicalResult
DplrScanOp::reifyResultShapes(OpBuilder &b,
                              ReifiedRankedShapedTypeDims &shapes) {
  return reify(*this, b, shapes);
}

//===----------------------------------------------------------------------===//
// Canonicalisation: algebra on absent operands
//===----------------------------------------------------------------------===//

/// A constant whose elements are all zero, of either sign.
static bool isZero(Value v) {
  SplatElementsAttr splat;
  return v && matchPattern(v, m_Constant(&splat)) &&
         splat.getSplatValue<APFloat>().isZero();
}

namespace {
/// A log-decay of zero and an initial state of zero are no operand at all.
template <typename Op> struct DropZeroOperands : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    bool decay = isZero(op.getDecay());
    // A pool says how many states there are, whatever they are.
    bool initial = isZero(op.getInitialState()) && !op.getIndices();
    if (!decay && !initial)
      return rewriter.notifyMatchFailure(op,
                                         "no operand that is a zero constant");
    rewriter.modifyOpInPlace(op, [&] {
      if (decay) {
        op.getDecayMutable().clear();
        op.removeDecayMinAttr();
      }
      if (initial)
        op.getInitialStateMutable().clear();
    });
    return success();
  }
};

/// A final state that nobody reads is not a result.
template <typename Op> struct DropUnusedFinalState : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    if (!op.getFinalState() || !op.getFinalState().use_empty())
      return rewriter.notifyMatchFailure(op,
                                         "the final state is used or absent");
    OperationState state(op.getLoc(), op->getName());
    state.addOperands(op->getOperands());
    state.addTypes(op.getOutput().getType());
    state.propertiesAttr = op->getPropertiesAsAttribute();
    Operation *fresh = rewriter.create(state);
    rewriter.replaceAllUsesWith(op.getOutput(), fresh->getResult(0));
    rewriter.eraseOp(op);
    return success();
  }
};

/// A bonus of zero adds nothing to the read-out.
struct DropZeroBonus : OpRewritePattern<ScanOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScanOp op,
                                PatternRewriter &rewriter) const override {
    if (!isZero(op.getBonus()))
      return rewriter.notifyMatchFailure(op,
                                         "no bonus that is a zero constant");
    rewriter.modifyOpInPlace(op, [&] { op.getBonusMutable().clear(); });
    return success();
  }
};
} // namespace

void ScanOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *context) {
  patterns.add<DropZeroOperands<ScanOp>, DropUnusedFinalState<ScanOp>,
               DropZeroBonus>(context);
}
void DplrScanOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                             MLIRContext *context) {
  patterns.add<DropZeroOperands<DplrScanOp>, DropUnusedFinalState<DplrScanOp>>(
      context);
}
