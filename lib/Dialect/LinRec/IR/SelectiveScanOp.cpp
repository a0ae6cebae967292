//===- SelectiveScanOp.cpp - verifier and shapes of selective_scan --------===//
// Constraints C1.. are those of dialects/LinRec/SelectiveScan.td; each has a
// test in test/Dialect/LinRec/selective-invalid.mlir.
//===----------------------------------------------------------------------===//
#include "deltanet/Dialect/LinRec/IR/LinRec.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace deltanet::linrec;

int64_t SelectiveScanOp::getNumSequences() {
  if (!getCuSeqlens())
    return getBatch();
  int64_t offsets = getCuSeqlens().getType().getDimSize(0);
  return ShapedType::isDynamic(offsets) ? offsets : offsets - 1;
}

static bool differ(int64_t a, int64_t b) {
  return !ShapedType::isDynamic(a) && !ShapedType::isDynamic(b) && a != b;
}

/// An extent as it is written: a number or ?.
static std::string extentText(int64_t extent) {
  return ShapedType::isDynamic(extent) ? "?" : std::to_string(extent);
}

/// Whether `type` has the extents `want`; one that is not known is checked where
/// the tensors are. The last must be static.
static LogicalResult verifyExtents(SelectiveScanOp op, StringRef name,
                                   RankedTensorType type,
                                   ArrayRef<int64_t> want) {
  bool same = !type.isDynamicDim(type.getRank() - 1);
  for (auto [got, extent] : llvm::zip(type.getShape(), want))
    same &= !differ(got, extent);
  if (same)
    return success();
  auto text = [](ArrayRef<int64_t> shape) {
    return llvm::join(llvm::map_range(shape, extentText), "x");
  };
  return op.emitOpError("expects ") << name << " of extents " << text(want)
                                    << ", got " << text(type.getShape());
}

/// C5, C6, C7.
static LogicalResult verifyStates(SelectiveScanOp op) {
  // C5
  if (auto offsets = op.getCuSeqlens()) {
    if (differ(op.getBatch(), 1))
      return op.emitOpError("expects a batch of 1 with packed sequences, got ")
             << op.getBatch();
    int64_t entries = offsets.getType().getDimSize(0);
    if (!ShapedType::isDynamic(entries) && entries < 2)
      return op.emitOpError(
                 "expects at least 2 offsets of packed sequences, got ")
             << entries;
  }
  int64_t states = op.getNumSequences();
  // C7
  if (auto indices = op.getIndices()) {
    if (!op.getInitialState())
      return op.emitOpError("expects indices only with an initial state, the "
                            "pool that they are of");
    if (op.getFinalState() &&
        op.getFinalState().getType() != op.getInitialState().getType())
      return op.emitOpError("expects a final_state of the type of initial, the "
                            "pool, got ")
             << op.getFinalState().getType() << " and "
             << op.getInitialState().getType();
    int64_t entries = indices.getType().getDimSize(0);
    if (differ(entries, states))
      return op.emitOpError("expects indices with ")
             << states << " entries (one a sequence), got " << entries;
    states = ShapedType::kDynamic;
  }
  // C6
  for (auto [name, state] : {std::pair<StringRef, Value>{"initial", op.getInitialState()},
                             {"final_state", op.getFinalState()}})
    if (state && failed(verifyExtents(
                     op, name, cast<RankedTensorType>(state.getType()),
                     {states, op.getChannels(), op.getStateWidth()})))
      return failure();
  return success();
}

LogicalResult SelectiveScanOp::verify() {
  int64_t channels = getChannels(), width = getStateWidth();
  // C1
  if (channels < 1)
    return emitOpError("expects a static number of channels of at least 1, got ")
           << extentText(channels);
  ArrayRef<int64_t> shape = getInput().getType().getShape();
  if (failed(verifyExtents(*this, "delta", getDelta().getType(), shape)) ||
      failed(verifyExtents(*this, "output", getOutput().getType(), shape)))
    return failure();
  // C2
  if (width < 1)
    return emitOpError("expects a static state width of at least 1, got ")
           << extentText(width);
  if (failed(verifyExtents(*this, "a", getA().getType(), {channels, width})))
    return failure();
  // C3
  SmallVector<int64_t> rows = {getBatch(), getTokens(), width};
  if (failed(verifyExtents(*this, "b", getB().getType(), rows)) ||
      failed(verifyExtents(*this, "c", getC().getType(), rows)))
    return failure();
  // C4
  if (getSkip() &&
      failed(verifyExtents(*this, "skip", getSkip().getType(), {channels})))
    return failure();
  return verifyStates(*this);
}

LogicalResult
SelectiveScanOp::reifyResultShapes(OpBuilder &b,
                                   ReifiedRankedShapedTypeDims &shapes) {
  Location loc = getLoc();
  auto size = [&](Value v, int64_t dim) {
    return tensor::getMixedSize(b, loc, v, dim);
  };
  shapes.push_back({size(getInput(), 0), size(getInput(), 1),
                    b.getIndexAttr(getChannels())});
  if (!getFinalState())
    return success();
  OpFoldResult states = size(getInput(), 0);
  if (getInitialState()) {
    states = size(getInitialState(), 0);
  } else if (getCuSeqlens()) {
    Value entries = getValueOrCreateConstantIndexOp(b, loc,
                                                    size(getCuSeqlens(), 0));
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    states = arith::SubIOp::create(b, loc, entries, one).getResult();
  }
  shapes.push_back({states, b.getIndexAttr(getChannels()),
                    b.getIndexAttr(getStateWidth())});
  return success();
}

//===----------------------------------------------------------------------===//
// Canonicalisation
//===----------------------------------------------------------------------===//

static bool isZero(Value v) {
  SplatElementsAttr splat;
  return v && matchPattern(v, m_Constant(&splat)) &&
         splat.getSplatValue<APFloat>().isZero();
}

namespace {
/// An initial state of zero, and a skip of zero, are no operand at all.
struct DropZeroOperands : OpRewritePattern<SelectiveScanOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SelectiveScanOp op,
                                PatternRewriter &rewriter) const override {
    bool skip = isZero(op.getSkip()),
         initial = isZero(op.getInitialState()) && !op.getIndices();
    if (!skip && !initial)
      return rewriter.notifyMatchFailure(op,
                                         "no operand that is a zero constant");
    rewriter.modifyOpInPlace(op, [&] {
      if (skip)
        op.getSkipMutable().clear();
      if (initial)
        op.getInitialStateMutable().clear();
    });
    return success();
  }
};
} // namespace

void SelectiveScanOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                                  MLIRContext *context) {
  patterns.add<DropZeroOperands>(context);
}
