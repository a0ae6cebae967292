//===- Gradient.cpp - reverse mode over a chunk body ----------------------===//
// See Gradient.h.
//===----------------------------------------------------------------------===//
#include "deltanet/Dialect/Chunk/IR/Gradient.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace deltanet::chunk;

RankedTensorType GradientBuilder::gradientType(Value v) {
  RankedTensorType type = typeOf(v);
  Type element = Float32Type::get(v.getContext());
  return type.clone(type.getElementType().isF64() ? type.getElementType()
                                                  : element);
}

//===----------------------------------------------------------------------===//
// Gradients
//===----------------------------------------------------------------------===//

void GradientBuilder::add(Value v, Value gradient) {
  if (!wants(v))
    return;
  gradient = cast(gradient, gradientType(v).getElementType());
  assert(gradient.getType() == gradientType(v) &&
         "a gradient has the shape of its value");
  ++shares[gradient];
  terms[v].push_back(gradient);
}

/// The location of the gradient of what is at `loc`: dU for U.
static Location gradientName(Location loc, MLIRContext *context) {
  auto named = dyn_cast<NameLoc>(loc);
  if (!named)
    return loc;
  return NameLoc::get(StringAttr::get(context, "d" + named.getName().strref()),
                      named.getChildLoc());
}

Value GradientBuilder::take(Value v) {
  auto it = terms.find(v);
  if (it == terms.end())
    return {};
  SmallVector<Value> summands = std::move(it->second);
  terms.erase(it);
  Location previous = loc;
  loc = gradientName(v.getLoc(), v.getContext());
  mergeProducts(summands);
  Value sum = summands.front();
  for (Value term : ArrayRef(summands).drop_front())
    sum = plus(sum, term);
  // What several values share keeps the name that it had first.
  if (Operation *op = sum.getDefiningOp();
      op && !isa<arith::ConstantOp>(op) &&
      (summands.size() > 1 || shares[sum] == 1) && isa<NameLoc>(loc))
    op->setLoc(loc);
  sum = finite(sum, v);
  loc = previous;
  return sum;
}

/// The value before it was rounded to be the operand of a product.
static Value unrounded(Value v) {
  auto rounded = v.getDefiningOp<arith::TruncFOp>();
  return rounded ? rounded.getIn() : v;
}

/// x + y, or x + y^T, as an operand of the type that both have.
Value GradientBuilder::addOperands(Value x, Value y, bool transposeY) {
  Type element = typeOf(x).getElementType();
  Value sum = wide(unrounded(x)), other = wide(unrounded(y));
  if (transposeY) {
    RankedTensorType type = typeOf(other);
    other = TransposeOp::create(
        b, loc,
        RankedTensorType::get({type.getDimSize(1), type.getDimSize(0)},
                              type.getElementType()),
        other);
  }
  return cast(plus(sum, other), element);
}

/// One product for the sum of two that share an operand; null if they do not.
Value GradientBuilder::mergeTwo(Value x, Value y) {
  auto p = x.getDefiningOp<DotOp>(), q = y.getDefiningOp<DotOp>();
  if (!p || !q || shares[x] != 1 || shares[y] != 1 || !x.use_empty() ||
      !y.use_empty())
    return {};
  bool tl = p.getTransposeLhs(), tr = p.getTransposeRhs();
  Value merged;
  if (p.getRhs() == q.getRhs() && tr == q.getTransposeRhs())
    merged = dot(addOperands(p.getLhs(), q.getLhs(), tl != q.getTransposeLhs()),
                 p.getRhs(), tl, tr);
  else if (p.getLhs() == q.getLhs() && tl == q.getTransposeLhs())
    merged = dot(p.getLhs(),
                 addOperands(p.getRhs(), q.getRhs(), tr != q.getTransposeRhs()),
                 tl, tr);
  else
    return {};
  shares[merged] = 1;
  for (DotOp dead : {p, q}) {
    shares.erase(dead.getResult());
    dead.erase();
  }
  return merged;
}

void GradientBuilder::mergeProducts(SmallVectorImpl<Value> &summands) {
  for (size_t i = 0; i < summands.size(); ++i)
    for (size_t j = i + 1; j < summands.size();)
      if (Value merged = mergeTwo(summands[i], summands[j])) {
        summands[i] = merged;
        summands.erase(summands.begin() + j);
      } else {
        ++j;
      }
}

//===----------------------------------------------------------------------===//
// Rows past the end
//===----------------------------------------------------------------------===//

/// Operations that make finite numbers of finite ones, zero of the zeros of
/// rows past the end included.
static bool keepsFinite(Operation *op) {
  return isa<arith::ConstantOp, arith::AddFOp, arith::SubFOp, arith::MulFOp,
             arith::NegFOp, arith::ExtFOp, arith::TruncFOp, arith::MaximumFOp,
             arith::MinimumFOp, arith::SelectOp, arith::CmpFOp, math::AbsFOp,
             math::ExpOp, math::Log1pOp, math::TanhOp, math::ErfOp, math::SinOp,
             math::CosOp, BroadcastOp, ReduceOp, RepeatOp, SumRowsOp, RowOp,
             PlaceRowOp, TransposeOp, TrilOp>(op);
}

bool GradientBuilder::mayBeInfinite(Value v) {
  Operation *op = v.getDefiningOp();
  // Inputs read as zero there; products and running sums have had their
  // operands looked at.
  if (!op || isa<DotOp, DecayDotOp, DecayApplyOp, UnitLowerSolveOp,
                 UnitLowerInverseOp, CumsumOp, MaskTokensOp>(op))
    return false;
  if (!keepsFinite(op))
    return true;
  if (auto known = infinite.find(v); known != infinite.end())
    return known->second;
  bool any = llvm::any_of(
      op->getOperands(), [&](Value operand) { return mayBeInfinite(operand); });
  return infinite[v] = any;
}

// Masked where it begins, and not where it is summed: the last row of a running
// sum is one past the end in a short chunk, and has a gradient.
Value GradientBuilder::finite(Value v, Value like) {
  int64_t rowsPerToken = rows.lookup(like);
  if (rowsPerToken == 0 || !mayBeInfinite(v))
    return v;
  Value &zeroed = masked[v];
  if (!zeroed)
    zeroed = MaskTokensOp::create(b, loc, v.getType(), v, count, rowsPerToken);
  return zeroed;
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Value GradientBuilder::cast(Value v, Type element) {
  RankedTensorType from = typeOf(v);
  if (from.getElementType() == element)
    return v;
  // A value that was widened is there in its own type.
  if (auto widened = v.getDefiningOp<arith::ExtFOp>();
      widened && typeOf(widened.getIn()).getElementType() == element)
    return widened.getIn();
  if (Value known = converted.lookup({v, element}))
    return known;
  unsigned width = element.getIntOrFloatBitWidth(),
           old = from.getElementTypeBitWidth();
  Value made;
  if (width > old)
    made = arith::ExtFOp::create(b, loc, from.clone(element), v);
  else if (width < old)
    made = arith::TruncFOp::create(b, loc, from.clone(element), v);
  else // bf16 and f16: through f32
    made = cast(cast(v, b.getF32Type()), element);
  return converted[{v, element}] = made;
}

Value GradientBuilder::constant(Value like, double value) {
  RankedTensorType type = typeOf(like);
  return arith::ConstantOp::create(
      b, loc,
      DenseElementsAttr::get(type,
                             b.getFloatAttr(type.getElementType(), value)));
}

Value GradientBuilder::mul(Value x, Value y) {
  return arith::MulFOp::create(b, loc, x, y);
}

Value GradientBuilder::plus(Value x, Value y) {
  return arith::AddFOp::create(b, loc, x, y);
}

Value GradientBuilder::negate(Value x) {
  return arith::NegFOp::create(b, loc, x);
}

Value GradientBuilder::broadcast(Value v, Dims dims, Dims shape) {
  if (dims.empty())
    return v;
  auto type = RankedTensorType::get(shape, typeOf(v).getElementType());
  return BroadcastOp::create(b, loc, type, v, dims);
}

Value GradientBuilder::sum(Value v, Dims dims) {
  if (dims.empty())
    return v;
  SmallVector<int64_t> kept;
  for (auto [d, extent] : llvm::enumerate(typeOf(v).getShape()))
    if (!llvm::is_contained(dims, static_cast<int64_t>(d)))
      kept.push_back(extent);
  auto type = RankedTensorType::get(kept, typeOf(v).getElementType());
  return ReduceOp::create(b, loc, type, Combine::Add, v,
                          b.getDenseI64ArrayAttr(dims));
}

Value GradientBuilder::tril(Value v, bool strict) {
  return TrilOp::create(b, loc, v, strict);
}

Value GradientBuilder::dot(Value x, Value y, bool transposeX, bool transposeY) {
  auto type = RankedTensorType::get(
      {typeOf(x).getDimSize(transposeX), typeOf(y).getDimSize(!transposeY)},
      b.getF32Type());
  return DotOp::create(b, loc, type, x, y, transposeX, transposeY);
}
