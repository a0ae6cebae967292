//===- Elementwise.cpp - what is computed element by element --------------===//
// The list that docs/Elementwise.md explains.
//===----------------------------------------------------------------------===//
#include "deltanet/Dialect/Tile/IR/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

bool deltanet::tile::isElementwiseOnTiles(Operation *op) {
  if (isa<math::MathDialect>(op->getDialect()))
    return isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp,
               math::CosOp, math::ErfOp, math::Exp2Op, math::ExpM1Op,
               math::ExpOp, math::FloorOp, math::FmaOp, math::IsFiniteOp,
               math::IsInfOp, math::IsNaNOp, math::Log10Op, math::Log1pOp,
               math::Log2Op, math::LogOp, math::PowFOp, math::RoundEvenOp,
               math::RoundOp, math::RsqrtOp, math::SinOp, math::SqrtOp,
               math::TanOp, math::TanhOp, math::TruncOp>(op);
  return isa<arith::ArithDialect>(op->getDialect()) &&
         OpTrait::hasElementwiseMappableTraits(op) && !isa<arith::RemFOp>(op);
}
