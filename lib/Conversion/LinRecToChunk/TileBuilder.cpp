//===- TileBuilder.cpp - builds arithmetic on tiles
//------------------------===//
// See TileBuilder.h.
//===----------------------------------------------------------------------===//
#include "TileBuilder.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::linrec;

Value TileBuilder::cast(Value v, Type type) {
  RankedTensorType from = typeOf(v);
  if (from.getElementType() == type)
    return v;
  unsigned width = type.getIntOrFloatBitWidth(),
           old = from.getElementTypeBitWidth();
  if (width > old)
    return arith::ExtFOp::create(b, loc, from.clone(type), v);
  if (width < old)
    return arith::TruncFOp::create(b, loc, from.clone(type), v);
  return cast(cast(v, b.getF32Type()), type); // bf16 and f16: through f32
}

template <typename Op> Value TileBuilder::elementwise(Value x, Value y) {
  bool wide =
      typeOf(x).getElementType().isF64() || typeOf(y).getElementType().isF64();
  Type type = wide ? Type(b.getF64Type()) : Type(b.getF32Type());
  x = cast(x, type);
  y = cast(y, type);
  auto widen = [&](Value small, Value large) {
    int64_t from = typeOf(small).getRank(), to = typeOf(large).getRank();
    if (from == to)
      return small;
    return broadcast(small, llvm::to_vector(llvm::seq<int64_t>(from, to)),
                     typeOf(large).getShape());
  };
  x = typeOf(x).getRank() < typeOf(y).getRank() ? widen(x, y) : x;
  y = typeOf(y).getRank() < typeOf(x).getRank() ? widen(y, x) : y;
  return Op::create(b, loc, x, y);
}

Value TileBuilder::mul(Value x, Value y) {
  return elementwise<arith::MulFOp>(x, y);
}
Value TileBuilder::add(Value x, Value y) {
  return elementwise<arith::AddFOp>(x, y);
}
Value TileBuilder::sub(Value x, Value y) {
  return elementwise<arith::SubFOp>(x, y);
}

static Value splat(TileBuilder &t, RankedTensorType type, double value) {
  auto attr = DenseElementsAttr::get(
      type, t.b.getFloatAttr(type.getElementType(), value));
  return arith::ConstantOp::create(t.b, t.loc, attr);
}

Value TileBuilder::scale(Value x, double factor) {
  x = f32(x);
  return factor == 1.0 ? x : mul(x, splat(*this, typeOf(x), factor));
}

Value TileBuilder::exp(Value x) { return math::ExpOp::create(b, loc, f32(x)); }

Value TileBuilder::max(Value x, double bound) {
  // maximumf, so that a NaN stays one.
  return arith::MaximumFOp::create(b, loc, x, splat(*this, typeOf(x), bound));
}

Value TileBuilder::broadcast(Value v, ArrayRef<int64_t> dims,
                             ArrayRef<int64_t> shape) {
  return chunk::BroadcastOp::create(
      b, loc, RankedTensorType::get(shape, typeOf(v).getElementType()), v,
      dims);
}

Value TileBuilder::row(Value v, int64_t index) {
  RankedTensorType type = typeOf(v);
  return chunk::RowOp::create(
      b, loc,
      RankedTensorType::get(type.getShape().drop_front(),
                            type.getElementType()),
      v, index);
}

Value TileBuilder::repeat(Value v, int64_t rows) {
  SmallVector<int64_t> shape(typeOf(v).getShape());
  if (shape[0] == rows)
    return v;
  shape[0] = rows;
  return chunk::RepeatOp::create(b, loc, typeOf(v).clone(shape), v);
}

Value TileBuilder::mask(Value v, Value count, int64_t steps) {
  return chunk::MaskTokensOp::create(b, loc, v.getType(), v, count, steps);
}

Value TileBuilder::cumsum(Value v, Type type, bool exclusive) {
  return chunk::CumsumOp::create(b, loc, typeOf(v).clone(type), v, exclusive,
                                 /*reverse=*/false);
}

Value TileBuilder::sumOverChannels(Value v) {
  RankedTensorType type = typeOf(v);
  return chunk::ReduceOp::create(
      b, loc,
      RankedTensorType::get(type.getShape().drop_back(), type.getElementType()),
      chunk::Combine::Add, v, b.getDenseI64ArrayAttr({type.getRank() - 1}));
}

Value TileBuilder::dot(Value x, Value y, bool transposeX, bool transposeY) {
  auto type = RankedTensorType::get(
      {extent(x, transposeX), extent(y, !transposeY)}, b.getF32Type());
  return chunk::DotOp::create(b, loc, type, product(x), product(y), transposeX,
                              transposeY);
}

SmallVector<Value, 2> TileBuilder::dots(Value x, Value y, bool transposeX,
                                        bool twice, StringRef name) {
  SmallVector<Value, 2> products;
  if (twice && !productType.isF32()) {
    Value rounded = product(y);
    products.push_back(dot(x, rounded, transposeX));
    y = sub(y, f32(rounded));
  }
  products.push_back(this->name(dot(x, y, transposeX), name));
  return products;
}

Value TileBuilder::addAll(Value sum, ArrayRef<Value> terms) {
  for (Value term : terms)
    sum = add(sum, term);
  return sum;
}

Value TileBuilder::lowerProduct(Value x, Value y, Value gx, Value gy,
                                bool strict) {
  if (!gx)
    return chunk::TrilOp::create(b, loc, dot(x, y, false, true), strict);
  auto type =
      RankedTensorType::get({extent(x, 0), extent(y, 0)}, b.getF32Type());
  return chunk::DecayDotOp::create(b, loc, type, product(x), product(y), gx, gy,
                                   strict);
}

Value TileBuilder::solve(Value lower, Value rhs) {
  return chunk::UnitLowerSolveOp::create(b, loc, rhs.getType(), lower, rhs,
                                         /*transpose=*/false);
}

Value TileBuilder::name(Value v, StringRef name) {
  Location named = NameLoc::get(b.getStringAttr(name), loc);
  if (auto argument = dyn_cast<BlockArgument>(v))
    argument.setLoc(named);
  else
    v.getDefiningOp()->setLoc(named);
  return v;
}
