//===- OracleTensors.cpp - sums around scans in double precision ----------===//
// See OracleTensors.h.
//===----------------------------------------------------------------------===//
#include "OracleTensors.h"
#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace deltanet::test;

/// The extents of the result of `sum`, where its type leaves them open those of
/// its parts.
static std::vector<int64_t>
shapeOf(deltanet::chunk::SumOp sum,
        const llvm::DenseMap<Value, Array> &arrays) {
  if (Value like = sum.getLike())
    return arrays.at(like).shape;
  auto type = cast<RankedTensorType>(sum.getResult().getType());
  std::vector<int64_t> shape = type.getShape().vec();
  for (auto [i, part] : llvm::enumerate(sum.getParts()))
    for (auto [d, extent] : llvm::enumerate(arrays.at(part).shape))
      if (int64_t to = sum.findResultDim(i, d);
          to >= 0 && sum.getAccess().getEntries()[to] ==
                         sum.getPartAccess(i).getEntries()[d])
        shape[to] = extent;
  return shape;
}

static Array sumUp(deltanet::chunk::SumOp sum,
                   const llvm::DenseMap<Value, Array> &arrays) {
  Array out{shapeOf(sum, arrays), getElementTypeOrSelf(sum.getResult()), {}};
  out.values.assign(out.size(), 0);
  for (auto [p, part] : llvm::enumerate(sum.getParts())) {
    const Array &in = arrays.at(part);
    for (int64_t i = 0; i < in.size(); ++i) {
      std::vector<int64_t> at(out.shape.size());
      int64_t rest = i, to = 0;
      for (int64_t d = in.shape.size() - 1; d >= 0; --d) {
        int64_t index = rest % in.shape[d], dim = sum.findResultDim(p, d);
        rest /= in.shape[d];
        if (dim >= 0) // heads of a group are neighbours
          at[dim] = index / (in.shape[d] / out.shape[dim]);
      }
      for (size_t d = 0; d < at.size(); ++d)
        to = to * out.shape[d] + at[d];
      out.values[to] += in.values[i];
    }
  }
  if (out.element.getIntOrFloatBitWidth() < 32)
    for (double &x : out.values)
      x = roundTo(out.element, x);
  return out;
}

bool deltanet::test::evaluateTensorOp(Operation *op,
                                      llvm::DenseMap<Value, Array> &arrays,
                                      llvm::DenseMap<Value, double> &scalars) {
  return TypeSwitch<Operation *, bool>(op)
      .Case([&](tensor::DimOp dim) {
        scalars[dim.getResult()] =
            arrays.at(dim.getSource()).shape[*dim.getConstantIndex()];
        return true;
      })
      .Case([&](tensor::EmptyOp empty) {
        Array out{{empty.getType().getShape().begin(),
                   empty.getType().getShape().end()},
                  empty.getType().getElementType(),
                  {}};
        unsigned next = 0;
        for (int64_t &n : out.shape)
          if (ShapedType::isDynamic(n))
            n = scalars[empty.getDynamicSizes()[next++]];
        out.values.assign(out.size(), 0);
        arrays[empty.getResult()] = out;
        return true;
      })
      .Case([&](linalg::FillOp fill) {
        Array out = arrays.at(fill.getOutputs()[0]);
        out.values.assign(out.size(), scalars[fill.getInputs()[0]]);
        arrays[fill.getResult(0)] = out;
        return true;
      })
      .Case([&](tensor::CastOp cast) {
        Array out = arrays.at(cast.getSource());
        arrays[cast.getResult()] = out;
        return true;
      })
      .Case([&](deltanet::chunk::SumOp sum) {
        arrays[sum.getResult()] = sumUp(sum, arrays);
        return true;
      })
      .Case([&](arith::AddFOp add) {
        Array out = arrays.at(add.getLhs());
        for (auto [x, y] :
             llvm::zip(out.values, arrays.at(add.getRhs()).values))
          x += y;
        arrays[add.getResult()] = out;
        return true;
      })
      .Default([](Operation *) { return false; });
}
