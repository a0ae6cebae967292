//===- TensorSums.cpp - sums over dimensions of whole tensors -------------===//
// See TensorSums.h.
//===----------------------------------------------------------------------===//
#include "TensorSums.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

static RankedTensorType typeOf(Value v) {
  return cast<RankedTensorType>(v.getType());
}

static Value zeros(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> extents,
                   Type element) {
  Value empty = tensor::EmptyOp::create(b, loc, extents, element);
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(element));
  return linalg::FillOp::create(b, loc, zero, empty).getResult(0);
}

Value deltanet::chunk::zerosLike(OpBuilder &b, Location loc, Value like) {
  return zeros(b, loc, tensor::getMixedSizes(b, loc, like),
               typeOf(like).getElementType());
}

Value deltanet::chunk::sumOver(OpBuilder &b, Location loc, Value tensor,
                               ArrayRef<int64_t> dims) {
  if (dims.empty())
    return tensor;
  SmallVector<OpFoldResult> kept;
  for (auto [d, extent] :
       llvm::enumerate(tensor::getMixedSizes(b, loc, tensor)))
    if (!llvm::is_contained(dims, static_cast<int64_t>(d)))
      kept.push_back(extent);
  Value start = zeros(b, loc, kept, typeOf(tensor).getElementType());
  return linalg::ReduceOp::create(
             b, loc, tensor, start, dims,
             [](OpBuilder &inner, Location at, ValueRange terms) {
               Value sum = arith::AddFOp::create(inner, at, terms[0], terms[1]);
               linalg::YieldOp::create(inner, at, sum);
             })
      .getResult(0);
}

Value deltanet::chunk::sumNeighbours(OpBuilder &b, Location loc, Value tensor,
                                     int64_t dim, OpFoldResult groups) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, tensor);
  auto value = [&](OpFoldResult r) {
    return getValueOrCreateConstantIndexOp(b, loc, r);
  };
  OpFoldResult each = getAsOpFoldResult(
      b.createOrFold<arith::DivUIOp>(loc, value(sizes[dim]), value(groups)));
  // Not tensor.expand_shape: of one extent it may make one that is not known,
  // not two.
  SmallVector<int64_t> shape(typeOf(tensor).getShape());
  shape[dim] = getConstantIntValue(groups).value_or(ShapedType::kDynamic);
  shape.insert(shape.begin() + dim + 1, ShapedType::kDynamic);
  if (std::optional<int64_t> known = getConstantIntValue(each))
    shape[dim + 1] = *known;
  sizes[dim] = groups;
  sizes.insert(sizes.begin() + dim + 1, each);
  Value extents = tensor::FromElementsOp::create(
      b, loc, llvm::to_vector(llvm::map_range(sizes, value)));
  auto type = RankedTensorType::get(shape, typeOf(tensor).getElementType());
  Value split = tensor::ReshapeOp::create(b, loc, type, tensor, extents);
  return sumOver(b, loc, split, {dim + 1});
}

Value deltanet::chunk::convertElements(OpBuilder &b, Location loc, Value tensor,
                                       Type element) {
  RankedTensorType from = typeOf(tensor);
  unsigned width = element.getIntOrFloatBitWidth(),
           old = from.getElementTypeBitWidth();
  if (width < old)
    return arith::TruncFOp::create(b, loc, from.clone(element), tensor);
  if (width > old)
    return arith::ExtFOp::create(b, loc, from.clone(element), tensor);
  return tensor;
}
