//===- OracleTensors.cpp - sums around scans in double precision ----------===//
// See OracleTensors.h.
//===----------------------------------------------------------------------===//
#include "OracleTensors.h"
#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"
#include "gtest/gtest.h"
#include <cmath>

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

double deltanet::test::applyElementwise(Operation *op, ArrayRef<double> x) {
  using namespace arith;
  return TypeSwitch<Operation *, double>(op)
      .Case<AddFOp, AddIOp>([&](auto) { return x[0] + x[1]; })
      .Case<SubFOp, SubIOp>([&](auto) { return x[0] - x[1]; })
      .Case<MulFOp, MulIOp>([&](auto) { return x[0] * x[1]; })
      .Case([&](DivFOp) { return x[0] / x[1]; })
      .Case([&](NegFOp) { return -x[0]; })
      .Case<ExtFOp, TruncFOp, SIToFPOp, IndexCastOp>([&](auto) { return x[0]; })
      .Case([&](UIToFPOp) { return std::abs(x[0]); })
      .Case([&](MaximumFOp) {
        return std::isnan(x[0]) || std::isnan(x[1]) ? NAN
                                                    : std::max(x[0], x[1]);
      })
      .Case([&](MinimumFOp) {
        return std::isnan(x[0]) || std::isnan(x[1]) ? NAN
                                                    : std::min(x[0], x[1]);
      })
      .Case([&](SelectOp) { return x[0] != 0 ? x[1] : x[2]; })
      .Case([&](CmpFOp c) {
        switch (c.getPredicate()) {
        case CmpFPredicate::OGT:
          return x[0] > x[1] ? 1. : 0.;
        case CmpFPredicate::OGE:
          return x[0] >= x[1] ? 1. : 0.;
        case CmpFPredicate::OLT:
          return x[0] < x[1] ? 1. : 0.;
        case CmpFPredicate::OLE:
          return x[0] <= x[1] ? 1. : 0.;
        default:
          ADD_FAILURE() << "a predicate the oracle lacks";
          return 0.;
        }
      })
      .Case([&](math::ExpOp) { return std::exp(x[0]); })
      .Case([&](math::Exp2Op) { return std::exp2(x[0]); })
      .Case([&](math::ExpM1Op) { return std::expm1(x[0]); })
      .Case([&](math::LogOp) { return std::log(x[0]); })
      .Case([&](math::Log2Op) { return std::log2(x[0]); })
      .Case([&](math::Log1pOp) { return std::log1p(x[0]); })
      .Case([&](math::TanhOp) { return std::tanh(x[0]); })
      .Case([&](math::ErfOp) { return std::erf(x[0]); })
      .Case([&](math::SqrtOp) { return std::sqrt(x[0]); })
      .Case([&](math::RsqrtOp) { return 1 / std::sqrt(x[0]); })
      .Case([&](math::SinOp) { return std::sin(x[0]); })
      .Case([&](math::CosOp) { return std::cos(x[0]); })
      .Case([&](math::AbsFOp) { return std::abs(x[0]); })
      .Case([&](math::FmaOp) { return x[0] * x[1] + x[2]; })
      .Default([&](Operation *op) {
        ADD_FAILURE() << "the oracle lacks "
                      << op->getName().getStringRef().str();
        return 0.;
      });
}
