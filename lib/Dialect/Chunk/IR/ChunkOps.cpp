//===- ChunkOps.cpp - verifiers of the operations of a chunk body
//----------===//
// Constraints C1.. are those of dialects/Chunk/Chunk.td; each has a test in
// test/Dialect/Chunk/invalid.mlir.
//===----------------------------------------------------------------------===//
#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace deltanet::chunk;

#define GET_OP_CLASSES
#include "deltanet/Dialect/Chunk/IR/ChunkOps.cpp.inc"

static RankedTensorType typeOf(Value v) {
  return cast<RankedTensorType>(v.getType());
}

/// Extents as text: 64x128.
static std::string dims(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleave(shape, os, "x");
  return shape.empty() ? "a scalar" : text;
}

LogicalResult DotOp::verify() {
  RankedTensorType l = typeOf(getLhs()), r = typeOf(getRhs());
  // C1
  if (l.getElementType() != r.getElementType())
    return emitOpError("expects operands of one element type, got ")
           << l.getElementType() << " and " << r.getElementType();
  int64_t m = l.getDimSize(getTransposeLhs()),
          k = l.getDimSize(!getTransposeLhs());
  int64_t k2 = r.getDimSize(getTransposeRhs()),
          n = r.getDimSize(!getTransposeRhs());
  // C2
  if (k != k2)
    return emitOpError("expects contracted extents to agree, got ")
           << k << " of lhs and " << k2 << " of rhs";
  if (typeOf(getResult()).getShape() != ArrayRef<int64_t>({m, n}))
    return emitOpError("expects a result of ")
           << m << "x" << n << ", got " << dims(typeOf(getResult()).getShape());
  return success();
}

/// Checks that a gate has `rows` rows and, if it has channels, `width` of them.
static LogicalResult verifyGate(Operation *op, StringRef name, Value gate,
                                int64_t rows, int64_t width) {
  RankedTensorType type = typeOf(gate);
  if (type.getDimSize(0) != rows)
    return op->emitOpError("expects ")
           << name << " with " << rows << " rows, got " << type.getDimSize(0);
  if (type.getRank() == 2 && type.getDimSize(1) != width)
    return op->emitOpError("expects ")
           << name << " with " << width << " channels, got "
           << type.getDimSize(1);
  return success();
}

static LogicalResult verifyGateRanks(Operation *op, Value gx, Value gy) {
  if (typeOf(gx).getRank() != typeOf(gy).getRank() ||
      typeOf(gx).getElementType() != typeOf(gy).getElementType())
    return op->emitOpError("expects both gates per row or both per channel, of "
                           "one element type, got ")
           << gx.getType() << " and " << gy.getType();
  return success();
}

LogicalResult DecayDotOp::verify() {
  RankedTensorType x = typeOf(getX()), y = typeOf(getY());
  // C1
  if (x.getElementType() != y.getElementType() ||
      x.getDimSize(1) != y.getDimSize(1))
    return emitOpError("expects x and y of one element type and width, got ")
           << x << " and " << y;
  if (y.getDimSize(0) % x.getDimSize(0) != 0)
    return emitOpError("expects rows of y to be a multiple of rows of x, got ")
           << y.getDimSize(0) << " and " << x.getDimSize(0);
  // C2
  if (failed(verifyGateRanks(*this, getGx(), getGy())) ||
      failed(
          verifyGate(*this, "gx", getGx(), x.getDimSize(0), x.getDimSize(1))) ||
      failed(
          verifyGate(*this, "gy", getGy(), y.getDimSize(0), x.getDimSize(1))))
    return failure();
  // C3
  SmallVector<int64_t> want = {x.getDimSize(0), y.getDimSize(0)};
  if (typeOf(getResult()).getShape() != ArrayRef<int64_t>(want))
    return emitOpError("expects a result of ")
           << dims(want) << ", got " << dims(typeOf(getResult()).getShape());
  return success();
}

LogicalResult DecayApplyOp::verify() {
  RankedTensorType m = typeOf(getM()), y = typeOf(getY()),
                   r = typeOf(getResult());
  // C1
  if (m.getElementType() != y.getElementType())
    return emitOpError("expects m and y of one element type, got ")
           << m.getElementType() << " and " << y.getElementType();
  int64_t width = y.getDimSize(1);
  int64_t in = m.getDimSize(getTranspose() ? 0 : 1);
  int64_t out = m.getDimSize(getTranspose() ? 1 : 0);
  if (y.getDimSize(0) != in)
    return emitOpError("expects y with ")
           << in << " rows, got " << y.getDimSize(0);
  if (m.getDimSize(1) % m.getDimSize(0) != 0)
    return emitOpError(
               "expects columns of m to be a multiple of its rows, got ")
           << dims(m.getShape());
  if (r.getShape() != ArrayRef<int64_t>({out, width}))
    return emitOpError("expects a result of ")
           << out << "x" << width << ", got " << dims(r.getShape());
  // C2
  if (failed(verifyGateRanks(*this, getGx(), getGy())) ||
      failed(verifyGate(*this, "gx", getGx(), m.getDimSize(0), width)) ||
      failed(verifyGate(*this, "gy", getGy(), m.getDimSize(1), width)))
    return failure();
  return success();
}

LogicalResult UnitLowerSolveOp::verify() {
  RankedTensorType l = typeOf(getLower());
  // C1
  if (l.getDimSize(0) != l.getDimSize(1) ||
      l.getDimSize(0) != typeOf(getRhs()).getDimSize(0))
    return emitOpError(
               "expects a square matrix of the right-hand side's rows, got ")
           << dims(l.getShape()) << " and "
           << dims(typeOf(getRhs()).getShape());
  return success();
}

LogicalResult IdentityOp::verify() {
  // C1
  RankedTensorType type = typeOf(getResult());
  if (type.getDimSize(0) != type.getDimSize(1))
    return emitOpError("expects a square matrix, got ") << type;
  // C2
  if ((*this)->getParentOfType<ScanOp>())
    return emitOpError("expects to stand around scans, not in the body of one");
  return success();
}

LogicalResult UnitLowerInverseOp::verify() {
  RankedTensorType l = typeOf(getLower());
  // C1
  if (l.getDimSize(0) != l.getDimSize(1))
    return emitOpError("expects a square matrix, got ") << dims(l.getShape());
  return success();
}

LogicalResult CumsumOp::verify() {
  RankedTensorType in = typeOf(getInput()), out = typeOf(getResult());
  // C1
  if (in.getRank() < 1 || in.getShape() != out.getShape())
    return emitOpError("expects rows, and a result of the input's shape, got ")
           << dims(in.getShape()) << " and " << dims(out.getShape());
  if (out.getElementTypeBitWidth() < in.getElementTypeBitWidth())
    return emitOpError("expects a result no narrower than the input, got ")
           << out.getElementType() << " from " << in.getElementType();
  return success();
}

LogicalResult TrilOp::verify() {
  RankedTensorType in = typeOf(getInput());
  // C1
  if (in.getRank() != 2 || in.getDimSize(1) % in.getDimSize(0) != 0)
    return emitOpError("expects a matrix whose columns are a multiple of its "
                       "rows, got ")
           << dims(in.getShape());
  return success();
}

LogicalResult RowOp::verify() {
  RankedTensorType in = typeOf(getInput()), out = typeOf(getResult());
  // C1
  int64_t index = getIndex();
  if (in.getRank() < 1 || index < 0 || index >= in.getDimSize(0))
    return emitOpError("expects one of the rows of ")
           << dims(in.getShape()) << ", got row " << index;
  if (out.getShape() != in.getShape().drop_front() ||
      out.getElementType() != in.getElementType())
    return emitOpError("expects the input without its first dimension, got ")
           << out << " from " << in;
  return success();
}

LogicalResult RepeatOp::verify() {
  RankedTensorType in = typeOf(getInput()), out = typeOf(getResult());
  // C1
  if (in.getRank() < 1 || in.getRank() != out.getRank() ||
      out.getDimSize(0) % in.getDimSize(0) != 0 ||
      in.getShape().drop_front() != out.getShape().drop_front() ||
      in.getElementType() != out.getElementType())
    return emitOpError("expects a multiple of the input's rows and the rest "
                       "alike, got ")
           << out << " from " << in;
  return success();
}

LogicalResult PlaceRowOp::verify() {
  RankedTensorType in = typeOf(getInput()), out = typeOf(getResult());
  // C1
  int64_t index = getIndex();
  if (out.getRank() < 1 || index < 0 || index >= out.getDimSize(0))
    return emitOpError("expects one of the rows of ")
           << dims(out.getShape()) << ", got row " << index;
  if (in.getShape() != out.getShape().drop_front() ||
      out.getElementType() != in.getElementType())
    return emitOpError("expects the result without its first dimension, got ")
           << in << " for " << out;
  return success();
}

LogicalResult SumRowsOp::verify() {
  RankedTensorType in = typeOf(getInput()), out = typeOf(getResult());
  // C1
  if (in.getRank() < 1 || in.getRank() != out.getRank() ||
      in.getDimSize(0) % out.getDimSize(0) != 0 ||
      in.getShape().drop_front() != out.getShape().drop_front() ||
      in.getElementType() != out.getElementType())
    return emitOpError("expects a multiple of the result's rows and the rest "
                       "alike, got ")
           << in << " for " << out;
  return success();
}

/// Checks that `dimensions` are distinct and below `rank`.
static LogicalResult
verifyDimensions(Operation *op, ArrayRef<int64_t> dimensions, int64_t rank) {
  llvm::SmallDenseSet<int64_t> seen;
  for (int64_t d : dimensions)
    if (d < 0 || d >= rank || !seen.insert(d).second)
      return op->emitOpError("expects distinct dimensions below ")
             << rank << ", got " << d;
  return success();
}

/// The extents of `shape` without those at `dimensions`.
static SmallVector<int64_t> without(ArrayRef<int64_t> shape,
                                    ArrayRef<int64_t> dimensions) {
  SmallVector<int64_t> rest;
  for (auto [i, extent] : llvm::enumerate(shape))
    if (!llvm::is_contained(dimensions, static_cast<int64_t>(i)))
      rest.push_back(extent);
  return rest;
}

LogicalResult BroadcastOp::verify() {
  RankedTensorType in = typeOf(getInput()), out = typeOf(getResult());
  // C1
  if (failed(verifyDimensions(*this, getDimensions(), out.getRank())))
    return failure();
  if (without(out.getShape(), getDimensions()) != in.getShape() ||
      in.getElementType() != out.getElementType())
    return emitOpError(
               "expects the input's dimensions beside the new ones, got ")
           << out << " from " << in;
  return success();
}

LogicalResult ReduceOp::verify() {
  RankedTensorType in = typeOf(getInput()), out = typeOf(getResult());
  // C1
  if (failed(verifyDimensions(*this, getDimensions(), in.getRank())))
    return failure();
  if (without(in.getShape(), getDimensions()) != out.getShape() ||
      in.getElementType() != out.getElementType())
    return emitOpError("expects the input without the reduced dimensions, got ")
           << out << " from " << in;
  return success();
}

LogicalResult MaskTokensOp::verify() {
  RankedTensorType in = typeOf(getInput());
  // C1
  if (getSteps() < 1 || in.getRank() < 1 || in.getDimSize(0) % getSteps() != 0)
    return emitOpError("expects rows that are a multiple of the steps, got ")
           << dims(in.getShape()) << " and " << getSteps() << " steps";
  return success();
}

LogicalResult TransposeOp::verify() {
  RankedTensorType in = typeOf(getInput()), out = typeOf(getResult());
  // C1
  if (in.getRank() != 2 || out.getRank() != 2 ||
      in.getDimSize(0) != out.getDimSize(1) ||
      in.getDimSize(1) != out.getDimSize(0) ||
      in.getElementType() != out.getElementType())
    return emitOpError("expects a matrix and its extents exchanged, got ")
           << in << " and " << out;
  return success();
}

//===----------------------------------------------------------------------===//
// Canonicalisation
//===----------------------------------------------------------------------===//

namespace {
/// A broadcast along nothing is its input; of a splat constant, a constant.
struct FoldBroadcast : OpRewritePattern<BroadcastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BroadcastOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getDimensions().empty()) {
      rewriter.replaceOp(op, op.getInput());
      return success();
    }
    SplatElementsAttr splat;
    if (!matchPattern(op.getInput(), m_Constant(&splat)))
      return rewriter.notifyMatchFailure(op, "not a broadcast of a splat");
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(
        op, splat.resizeSplat(cast<ShapedType>(op.getType())));
    return success();
  }
};

/// A product reads a transposed operand as it is.
struct FoldTranspose : OpRewritePattern<DotOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DotOp op,
                                PatternRewriter &rewriter) const override {
    auto lhs = op.getLhs().getDefiningOp<TransposeOp>(),
         rhs = op.getRhs().getDefiningOp<TransposeOp>();
    if (!lhs && !rhs)
      return rewriter.notifyMatchFailure(op, "no operand is a transpose");
    rewriter.modifyOpInPlace(op, [&] {
      if (lhs) {
        op.getLhsMutable().assign(lhs.getInput());
        op.setTransposeLhs(!op.getTransposeLhs());
      }
      if (rhs) {
        op.getRhsMutable().assign(rhs.getInput());
        op.setTransposeRhs(!op.getTransposeRhs());
      }
    });
    return success();
  }
};

/// Summed from the last row on, a tile that only has a last row is that row
/// everywhere: the gradient of a sum's last row needs no tile of its own.
struct SumLastRow : OpRewritePattern<CumsumOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CumsumOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getReverse() || op.getExclusive() ||
        op.getType() != op.getInput().getType())
      return rewriter.notifyMatchFailure(op, "not a sum from the last row on");
    Value rest;
    PlaceRowOp placed = findPlaced(op, rest);
    if (!placed)
      return rewriter.notifyMatchFailure(op, "not of a last row");
    Value everywhere =
        BroadcastOp::create(rewriter, placed.getLoc(), op.getType(),
                            placed.getInput(), ArrayRef<int64_t>{0});
    if (rest) {
      Value sum = CumsumOp::create(rewriter, op.getLoc(), op.getType(), rest,
                                   /*exclusive=*/false, /*reverse=*/true);
      everywhere =
          arith::AddFOp::create(rewriter, op.getLoc(), sum, everywhere);
    }
    rewriter.replaceOp(op, everywhere);
    return success();
  }

private:
  /// The last row that is summed, and what is summed beside it.
  static PlaceRowOp findPlaced(CumsumOp op, Value &rest) {
    auto isLast = [&](Value v) {
      auto placed = v.getDefiningOp<PlaceRowOp>();
      int64_t last = typeOf(op.getInput()).getDimSize(0) - 1;
      return placed && static_cast<int64_t>(placed.getIndex()) == last
                 ? placed
                 : PlaceRowOp();
    };
    if (PlaceRowOp placed = isLast(op.getInput()))
      return placed;
    auto add = op.getInput().getDefiningOp<arith::AddFOp>();
    if (!add)
      return {};
    for (unsigned i : {0, 1})
      if (PlaceRowOp placed = isLast(add->getOperand(i))) {
        rest = add->getOperand(1 - i);
        return placed;
      }
    return {};
  }
};
} // namespace

void DotOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                        MLIRContext *context) {
  patterns.add<FoldTranspose>(context);
}

void CumsumOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                           MLIRContext *context) {
  patterns.add<SumLastRow>(context);
}

void BroadcastOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<FoldBroadcast>(context);
}
