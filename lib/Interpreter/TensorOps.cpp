//===- TensorOps.cpp - the tensor dialect in float64 ----------------------===//
// Shapes and copies. Reshapes and casts share the data of their operand.
//===----------------------------------------------------------------------===//
#include "Environment.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"
#include <limits>

using namespace mlir;
using namespace deltanet::interpreter;

namespace {
/// Calls body(index, row-major position) for every element of a shape, in
/// order.
template <typename Body>
void forEachElement(ArrayRef<int64_t> shape, Body body) {
  SmallVector<int64_t> index(shape.size(), 0);
  int64_t count = countElements(shape);
  for (int64_t i = 0; i != count; ++i) {
    body(ArrayRef<int64_t>(index), i);
    for (unsigned d = shape.size(); d-- != 0;) {
      if (++index[d] != shape[d])
        break;
      index[d] = 0;
    }
  }
}

/// A part of a tensor: where it lies among the elements of the whole.
struct Slice {
  SmallVector<int64_t> offsets, sizes, strides;

  int64_t getPosition(ArrayRef<int64_t> whole, ArrayRef<int64_t> index) const {
    int64_t position = 0;
    for (unsigned d = 0; d != whole.size(); ++d)
      position = position * whole[d] + offsets[d] + index[d] * strides[d];
    return position;
  }
};
} // namespace

static FailureOr<Slice> readSlice(OffsetSizeAndStrideOpInterface op,
                                  ArrayRef<int64_t> whole,
                                  const Environment &environment) {
  auto offsets = environment.getIntegers(op.getMixedOffsets(), op);
  auto sizes = environment.getIntegers(op.getMixedSizes(), op);
  auto strides = environment.getIntegers(op.getMixedStrides(), op);
  if (failed(offsets) || failed(sizes) || failed(strides))
    return failure();
  for (unsigned d = 0; d != whole.size(); ++d) {
    int64_t first = (*offsets)[d], size = (*sizes)[d];
    int64_t last = first + (size - 1) * (*strides)[d];
    if (size < 0 || (size > 0 && (std::min(first, last) < 0 ||
                                  std::max(first, last) >= whole[d])))
      return op->emitOpError("expects a slice within 0 and ")
             << whole[d] - 1 << " in dimension " << d << ", got " << size
             << " elements from " << first << " to " << last;
  }
  return Slice{std::move(*offsets), std::move(*sizes), std::move(*strides)};
}

static LogicalResult evaluate(tensor::EmptyOp op, Environment &environment) {
  auto shape = environment.getIntegers(op.getMixedSizes(), op);
  if (failed(shape))
    return failure();
  for (int64_t extent : *shape)
    if (extent < 0)
      return op.emitOpError("expects extents that are not negative, got ")
             << extent;
  // Nothing may be read from it; what does read it shows.
  std::vector<double> data(countElements(*shape),
                           std::numeric_limits<double>::quiet_NaN());
  return environment.set(op.getResult(), *shape, std::move(data));
}

static LogicalResult evaluate(tensor::DimOp op, Environment &environment) {
  auto index = environment.getIntegers({OpFoldResult(op.getIndex())}, op);
  if (failed(index))
    return failure();
  ArrayRef<int64_t> shape = environment.get(op.getSource()).shape;
  int64_t dim = index->front();
  if (dim < 0 || dim >= static_cast<int64_t>(shape.size()))
    return op.emitOpError("expects a dimension below ")
           << shape.size() << ", got " << dim;
  return environment.set(op.getResult(), {}, {static_cast<double>(shape[dim])});
}

static LogicalResult evaluate(tensor::CastOp op, Environment &environment) {
  return environment.set(op.getResult(), environment.get(op.getSource()));
}

static LogicalResult reshape(Operation *op, Value source, Value result,
                             ArrayRef<int64_t> shape,
                             Environment &environment) {
  TensorValue value = environment.get(source);
  if (countElements(shape) != value.getNumElements())
    return op->emitOpError("expects as many elements as before, ")
           << formatExtents(value.shape) << ", got " << formatExtents(shape);
  value.shape.assign(shape.begin(), shape.end());
  return environment.set(result, std::move(value));
}

static LogicalResult evaluate(tensor::ExpandShapeOp op,
                              Environment &environment) {
  auto shape = environment.getIntegers(op.getMixedOutputShape(), op);
  if (failed(shape))
    return failure();
  return reshape(op, op.getSrc(), op.getResult(), *shape, environment);
}

static LogicalResult evaluate(tensor::CollapseShapeOp op,
                              Environment &environment) {
  ArrayRef<int64_t> from = environment.get(op.getSrc()).shape;
  SmallVector<int64_t> shape;
  for (const ReassociationIndices &group : op.getReassociationIndices()) {
    shape.push_back(1);
    for (int64_t d : group)
      shape.back() *= from[d];
  }
  return reshape(op, op.getSrc(), op.getResult(), shape, environment);
}

static LogicalResult evaluate(tensor::ExtractSliceOp op,
                              Environment &environment) {
  const TensorValue &source = environment.get(op.getSource());
  FailureOr<Slice> slice = readSlice(op, source.shape, environment);
  if (failed(slice))
    return failure();
  std::vector<double> data(countElements(slice->sizes));
  forEachElement(slice->sizes, [&](ArrayRef<int64_t> index, int64_t i) {
    data[i] = source.begin()[slice->getPosition(source.shape, index)];
  });
  SmallVector<int64_t> shape;
  llvm::SmallBitVector dropped = op.getDroppedDims();
  for (auto [d, size] : llvm::enumerate(slice->sizes))
    if (!dropped.test(d))
      shape.push_back(size);
  return environment.set(op.getResult(), shape, std::move(data));
}

static LogicalResult evaluate(tensor::InsertSliceOp op,
                              Environment &environment) {
  const TensorValue &source = environment.get(op.getSource());
  const TensorValue &dest = environment.get(op.getDest());
  FailureOr<Slice> slice = readSlice(op, dest.shape, environment);
  if (failed(slice))
    return failure();
  if (countElements(slice->sizes) != source.getNumElements())
    return op.emitOpError("expects a source of extents ")
           << formatExtents(slice->sizes) << ", got "
           << formatExtents(source.shape);
  std::vector<double> data = *dest.data;
  forEachElement(slice->sizes, [&](ArrayRef<int64_t> index, int64_t i) {
    data[slice->getPosition(dest.shape, index)] = source.begin()[i];
  });
  return environment.set(op.getResult(), dest.shape, std::move(data));
}

static LogicalResult evaluate(tensor::SplatOp op, Environment &environment) {
  SmallVector<OpFoldResult> sizes;
  Builder builder(op.getContext());
  unsigned next = 0;
  for (int64_t extent : op.getType().getShape())
    if (ShapedType::isDynamic(extent))
      sizes.push_back(op.getDynamicSizes()[next++]);
    else
      sizes.push_back(builder.getIndexAttr(extent));
  auto shape = environment.getIntegers(sizes, op);
  if (failed(shape))
    return failure();
  std::vector<double> data(countElements(*shape),
                           environment.getNumber(op.getInput()));
  return environment.set(op.getResult(), *shape, std::move(data));
}

static LogicalResult evaluate(tensor::FromElementsOp op,
                              Environment &environment) {
  std::vector<double> data;
  for (Value element : op.getElements())
    data.push_back(environment.getNumber(element));
  return environment.set(op.getResult(), op.getType().getShape(),
                         std::move(data));
}

static LogicalResult evaluate(tensor::ExtractOp op, Environment &environment) {
  const TensorValue &source = environment.get(op.getTensor());
  auto index = environment.getIntegers(getAsOpFoldResult(op.getIndices()), op);
  if (failed(index))
    return failure();
  int64_t position = 0;
  for (auto [d, i] : llvm::enumerate(*index)) {
    if (i < 0 || i >= source.shape[d])
      return op.emitOpError("expects an index within 0 and ")
             << source.shape[d] - 1 << " in dimension " << d << ", got " << i;
    position = position * source.shape[d] + i;
  }
  return environment.set(op.getResult(), {}, {source.begin()[position]});
}

LogicalResult
deltanet::interpreter::evaluateTensorOp(Operation *op,
                                        Environment &environment) {
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case<tensor::EmptyOp, tensor::DimOp, tensor::CastOp,
            tensor::ExpandShapeOp, tensor::CollapseShapeOp,
            tensor::ExtractSliceOp, tensor::InsertSliceOp, tensor::SplatOp,
            tensor::FromElementsOp, tensor::ExtractOp>(
          [&](auto known) { return evaluate(known, environment); })
      .Default([](Operation *unknown) {
        return unknown->emitError("expects an operation that the interpreter "
                                  "can evaluate, got '")
               << unknown->getName() << "'";
      });
}
