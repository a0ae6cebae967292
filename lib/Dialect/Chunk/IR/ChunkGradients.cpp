//===- ChunkGradients.cpp - the rules of reverse mode of chunk operations -===//
// One rule an operation; dz is the gradient of its result. Numbers are those of
// docs/Math.md.
//===----------------------------------------------------------------------===//
#include "deltanet/Dialect/Chunk/IR/Gradient.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace deltanet::chunk;

static RankedTensorType typeOf(Value v) {
  return cast<RankedTensorType>(v.getType());
}

/// `v`'s type with the element type of `dz`.
static RankedTensorType shapedAs(Value v, Value dz) {
  return typeOf(v).clone(typeOf(dz).getElementType());
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

LogicalResult DotOp::pullBack(GradientBuilder &g, Value dz) {
  Value x = g.finite(getLhs()), y = g.finite(getRhs());
  bool tx = getTransposeLhs(), ty = getTransposeRhs();
  dz = g.as(dz, x);
  if (g.wants(getLhs()))
    g.add(getLhs(), tx ? g.dot(y, dz, ty, true) : g.dot(dz, y, false, !ty));
  if (g.wants(getRhs()))
    g.add(getRhs(), ty ? g.dot(dz, x, true, tx) : g.dot(x, dz, !tx, false));
  return success();
}

LogicalResult DecayDotOp::pullBack(GradientBuilder &g, Value dz) {
  Value x = g.finite(getX()), y = g.finite(getY());
  auto apply = [&](Value rows, Value like, bool transpose) -> Value {
    auto type = RankedTensorType::get(typeOf(like).getShape(),
                                      g.builder().getF32Type());
    return DecayApplyOp::create(g.builder(), g.getLoc(), type, g.as(dz, rows),
                                rows, getGx(), getGy(), getStrict(), transpose);
  };
  bool channels = typeOf(getGx()).getRank() == 2;
  bool gx = g.wants(getGx()), gy = g.wants(getGy());
  Value dx, dy;
  if (g.wants(getX()) || (channels && gx))
    g.add(getX(), dx = apply(y, x, false));
  if (g.wants(getY()) || (channels && gy))
    g.add(getY(), dy = apply(x, y, true));
  // Every factor exp(gx - gy) gives x dx at its row and -y dy at its column;
  // without channels these are sums of what is in the matrix already.
  if (channels) {
    if (gx)
      g.add(getGx(), g.as(g.mul(g.wide(x), dx), getGx()));
    if (gy)
      g.add(getGy(), g.negate(g.as(g.mul(g.wide(y), dy), getGy())));
  } else if (gx || gy) {
    Value p = g.as(g.mul(dz, getResult()), getGx());
    if (gx)
      g.add(getGx(), g.sum(p, {1}));
    if (gy)
      g.add(getGy(), g.negate(g.sum(p, {0})));
  }
  return success();
}

LogicalResult DecayApplyOp::pullBack(GradientBuilder &g, Value dz) {
  Value m = getM(), y = g.finite(getY());
  Value rounded = g.as(dz, y);
  OpBuilder &b = g.builder();
  auto matrix = RankedTensorType::get(typeOf(m).getShape(), b.getF32Type());
  if (g.wants(m))
    g.add(m, DecayDotOp::create(
                 b, g.getLoc(), matrix, getTranspose() ? y : rounded,
                 getTranspose() ? rounded : y, getGx(), getGy(), getStrict()));
  bool gates = g.wants(getGx()) || g.wants(getGy());
  if (!g.wants(getY()) && !gates)
    return success();
  auto type = RankedTensorType::get(typeOf(y).getShape(), b.getF32Type());
  Value dy = DecayApplyOp::create(b, g.getLoc(), type, m, rounded, getGx(),
                                  getGy(), getStrict(), !getTranspose());
  g.add(getY(), dy);
  if (!gates)
    return success();
  // Both sides of every factor, at the rows of y and at those of the result.
  auto perGate = [&](Value p) {
    p = g.as(p, getGx());
    return typeOf(getGx()).getRank() == 2 ? p : g.sum(p, {1});
  };
  Value atY = perGate(g.mul(g.wide(y), dy)),
        atResult = perGate(g.mul(dz, getResult()));
  g.add(getGx(), getTranspose() ? atY : atResult);
  g.add(getGy(), g.negate(getTranspose() ? atResult : atY));
  return success();
}

//===----------------------------------------------------------------------===//
// Solves
//===----------------------------------------------------------------------===//

/// -strict_tril(x y^T), products in the body's type.
static Value lowerGradient(GradientBuilder &g, Value x, Value y) {
  Value outer = g.dot(g.operand(x), g.operand(y), false, true);
  return g.negate(g.tril(outer, /*strict=*/true));
}

// (13), (16): the gradient of the inverse is never built.
LogicalResult UnitLowerSolveOp::pullBack(GradientBuilder &g, Value dz) {
  Value dy = UnitLowerSolveOp::create(g.builder(), g.getLoc(), typeOf(getRhs()),
                                      getLower(), dz, !getTranspose());
  g.add(getRhs(), dy);
  if (g.wants(getLower()))
    g.add(getLower(), getTranspose() ? lowerGradient(g, getResult(), dy)
                                     : lowerGradient(g, dy, getResult()));
  return success();
}

LogicalResult UnitLowerInverseOp::pullBack(GradientBuilder &g, Value dz) {
  // -A^T dA A^T, below the diagonal.
  Value a = g.operand(getResult());
  Value left = g.dot(a, g.operand(dz), true, false);
  Value whole = g.dot(g.operand(left), a, false, true);
  g.add(getLower(), g.negate(g.tril(whole, /*strict=*/true)));
  return success();
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

LogicalResult CumsumOp::pullBack(GradientBuilder &g, Value dz) {
  g.add(getInput(), CumsumOp::create(g.builder(), g.getLoc(), dz.getType(), dz,
                                     getExclusive(), !getReverse()));
  return success();
}

LogicalResult TrilOp::pullBack(GradientBuilder &g, Value dz) {
  g.add(getInput(), g.tril(dz, getStrict()));
  return success();
}

LogicalResult RowOp::pullBack(GradientBuilder &g, Value dz) {
  g.add(getInput(),
        PlaceRowOp::create(g.builder(), g.getLoc(), shapedAs(getInput(), dz),
                           dz, getIndex()));
  return success();
}

LogicalResult PlaceRowOp::pullBack(GradientBuilder &g, Value dz) {
  g.add(getInput(), RowOp::create(g.builder(), g.getLoc(),
                                  shapedAs(getInput(), dz), dz, getIndex()));
  return success();
}

LogicalResult RepeatOp::pullBack(GradientBuilder &g, Value dz) {
  g.add(getInput(), SumRowsOp::create(g.builder(), g.getLoc(),
                                      shapedAs(getInput(), dz), dz));
  return success();
}

LogicalResult SumRowsOp::pullBack(GradientBuilder &g, Value dz) {
  g.add(getInput(), RepeatOp::create(g.builder(), g.getLoc(),
                                     shapedAs(getInput(), dz), dz));
  return success();
}

LogicalResult MaskTokensOp::pullBack(GradientBuilder &g, Value dz) {
  g.add(getInput(), MaskTokensOp::create(g.builder(), g.getLoc(), dz.getType(),
                                         dz, getCount(), getSteps()));
  return success();
}

//===----------------------------------------------------------------------===//
// Dimensions
//===----------------------------------------------------------------------===//

LogicalResult BroadcastOp::pullBack(GradientBuilder &g, Value dz) {
  g.add(getInput(), g.sum(dz, getDimensions()));
  return success();
}

LogicalResult ReduceOp::pullBack(GradientBuilder &g, Value dz) {
  ArrayRef<int64_t> shape = typeOf(getInput()).getShape(),
                    dims = getDimensions();
  if (getKind() == Combine::Mul)
    return emitOpError("expects a sum, a largest or a smallest where gradients "
                       "are taken, got a product");
  Value spread = g.broadcast(dz, dims, shape);
  if (getKind() == Combine::Add) {
    g.add(getInput(), spread);
    return success();
  }
  // The elements that are the largest share the gradient.
  OpBuilder &b = g.builder();
  auto atLeast = getKind() == Combine::Max ? arith::CmpFPredicate::OGE
                                           : arith::CmpFPredicate::OLE;
  Value chosen = arith::CmpFOp::create(b, g.getLoc(), atLeast, getInput(),
                                       g.broadcast(getResult(), dims, shape));
  Value zero = g.constant(spread, 0), one = g.constant(spread, 1);
  Value each = arith::SelectOp::create(b, g.getLoc(), chosen, one, zero);
  Value share = arith::DivFOp::create(
      b, g.getLoc(), each, g.broadcast(g.sum(each, dims), dims, shape));
  g.add(getInput(), g.mul(share, spread));
  return success();
}

LogicalResult TransposeOp::pullBack(GradientBuilder &g, Value dz) {
  g.add(getInput(), TransposeOp::create(g.builder(), g.getLoc(),
                                        shapedAs(getInput(), dz), dz));
  return success();
}
