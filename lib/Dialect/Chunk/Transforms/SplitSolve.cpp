//===- SplitSolve.cpp - a solve as an inverse and a product ---------------===//
// The inverse waits for no state, so that it can run ahead; the product is one
// that tensor cores do: U = (I + L)^-1 Y, (5), (6).
//===----------------------------------------------------------------------===//
#include "deltanet/Dialect/Chunk/Transforms/Passes.h"
#include "deltanet/Dialect/Kernel/IR/Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace deltanet::chunk {
#define GEN_PASS_DEF_CHUNKSPLITSOLVE
#include "deltanet/Dialect/Chunk/Transforms/Passes.h.inc"
} // namespace deltanet::chunk

using namespace mlir;
using namespace deltanet::chunk;

static Value rounded(OpBuilder &b, Location loc, Value v, Type type) {
  auto from = cast<RankedTensorType>(v.getType());
  if (from.getElementType() == type)
    return v;
  return arith::TruncFOp::create(b, loc, from.clone(type), v);
}

namespace {
struct SplitSolve : deltanet::chunk::impl::ChunkSplitSolveBase<SplitSolve> {
  using ChunkSplitSolveBase::ChunkSplitSolveBase;

  void runOnOperation() override {
    FailureOr<Type> type = getProducts();
    if (failed(type))
      return signalPassFailure();
    getOperation().walk([&](UnitLowerSolveOp solve) {
      OpBuilder b(solve);
      Location loc = solve.getLoc();
      Location named = NameLoc::get(b.getStringAttr("A"), loc);
      Value inverse = UnitLowerInverseOp::create(b, named, solve.getLower());
      Value a = rounded(b, loc, inverse, *type),
            y = rounded(b, loc, solve.getRhs(), *type);
      Value product = DotOp::create(b, loc, solve.getType(), a, y,
                                    /*transpose_lhs=*/solve.getTranspose(),
                                    /*transpose_rhs=*/false);
      if (y != solve.getRhs()) {
        // The diagonal of the inverse is one, in any type: what rounding took
        // from the right-hand side is added to its own row as it is.
        Value whole = arith::ExtFOp::create(b, loc, solve.getType(), y);
        Value rest = arith::SubFOp::create(b, loc, solve.getRhs(), whole);
        product = arith::AddFOp::create(b, loc, rest, product);
      }
      solve.replaceAllUsesWith(product);
      solve.erase();
      ++numSplit;
    });
  }

private:
  /// What the option says, or the schedule.
  FailureOr<Type> getProducts() {
    if (products.empty())
      if (Type decided =
              deltanet::kernel::getSchedule(getOperation()).getProducts())
        return decided;
    return deltanet::kernel::parseProductType(
        getOperation().getLoc(),
        products.empty() ? StringRef("f32") : StringRef(products));
  }
};
} // namespace
