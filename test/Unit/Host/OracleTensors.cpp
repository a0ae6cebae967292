//===- OracleTensors.cpp - sums around scans in double precision ----------===//
// See OracleTensors.h.
//===----------------------------------------------------------------------===//
#include "OracleTensors.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace mlir;
using namespace deltanet::test;

bool deltanet::test::evaluateTensorOp(Operation *op,
                                      llvm::DenseMap<Value, Array> &arrays,
                                      llvm::DenseMap<Value, double> &scalars) {
  return TypeSwitch<Operation *, bool>(op)
      .Case([&](tensor::DimOp dim) {
        scalars[dim.getResult()] =
            arrays.at(dim.getSource()).shape[*dim.getConstantIndex()];
        return true;
      })
      .Case([&](arith::DivUIOp div) {
        scalars[div.getResult()] =
            std::floor(scalars[div.getLhs()] / scalars[div.getRhs()]);
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
      .Case([&](tensor::FromElementsOp list) {
        Array out{{list.getType().getShape().begin(),
                   list.getType().getShape().end()},
                  list.getType().getElementType(),
                  {}};
        for (Value element : list.getElements())
          out.values.push_back(scalars[element]);
        arrays[list.getResult()] = out;
        return true;
      })
      .Case([&](tensor::ReshapeOp reshape) {
        Array out = arrays.at(reshape.getSource());
        out.shape.clear();
        for (double n : arrays.at(reshape.getShape()).values)
          out.shape.push_back(n);
        EXPECT_EQ(out.size(), static_cast<int64_t>(out.values.size()));
        arrays[reshape.getResult()] = out;
        return true;
      })
      .Case([&](tensor::CastOp cast) {
        Array out = arrays.at(cast.getSource());
        arrays[cast.getResult()] = out;
        return true;
      })
      .Case([&](linalg::ReduceOp reduce) { // sums, to judge by the test
        Array out = arrays.at(reduce.getInits()[0]),
              &in = arrays.at(reduce.getInputs()[0]);
        for (int64_t i = 0; i < in.size(); ++i) {
          int64_t rest = i, to = 0, stride = 1;
          for (int64_t d = in.shape.size() - 1; d >= 0; --d) {
            if (!llvm::is_contained(reduce.getDimensions(), d)) {
              to += rest % in.shape[d] * stride;
              stride *= in.shape[d];
            }
            rest /= in.shape[d];
          }
          out.values[to] += in.values[i];
        }
        arrays[reduce.getResult(0)] = out;
        return true;
      })
      .Case<arith::AddFOp, arith::TruncFOp, arith::ExtFOp>([&](Operation *op) {
        Array out = arrays.at(op->getOperand(0));
        out.element = getElementTypeOrSelf(op->getResult(0).getType());
        if (isa<arith::AddFOp>(op))
          for (auto [x, y] :
               llvm::zip(out.values, arrays.at(op->getOperand(1)).values))
            x += y;
        if (isa<arith::TruncFOp>(op))
          for (double &x : out.values)
            x = roundTo(out.element, x);
        arrays[op->getResult(0)] = out;
        return true;
      })
      .Default([](Operation *) { return false; });
}
