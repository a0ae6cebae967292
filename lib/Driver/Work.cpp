//===- Work.cpp - how much a chunk program computes -----------------------===//
#include "Work.h"
#include "mlir/IR/OpDefinition.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;

static int64_t countElements(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? type.getNumElements() : 1;
}

static int64_t getExtent(Value value, unsigned dim) {
  return cast<RankedTensorType>(value.getType()).getDimSize(dim);
}

Work deltanet::driver::countWork(chunk::ScanOp scan) {
  Work work;
  scan.getBody().walk([&](Operation *op) {
    if (auto dot = dyn_cast<chunk::DotOp>(op)) {
      int64_t contracted =
          getExtent(dot.getLhs(), dot.getTransposeLhs() ? 0 : 1);
      work.products += 2 * contracted * countElements(dot.getResult());
    } else if (auto dot = dyn_cast<chunk::DecayDotOp>(op)) {
      work.products +=
          2 * getExtent(dot.getX(), 1) * countElements(dot.getResult());
    } else if (auto apply = dyn_cast<chunk::DecayApplyOp>(op)) {
      work.products +=
          2 * countElements(apply.getM()) * getExtent(apply.getY(), 1);
    } else if (isa<chunk::UnitLowerSolveOp>(op)) {
      // Half of the square: every row takes those before it.
      work.solves +=
          getExtent(op->getOperand(0), 0) * countElements(op->getResult(0));
    } else if (isa<chunk::UnitLowerInverseOp>(op)) {
      int64_t rows = getExtent(op->getOperand(0), 0);
      work.solves += rows * rows * rows / 3;
    } else if (OpTrait::hasElementwiseMappableTraits(op)) {
      work.elementwise += countElements(op->getResult(0));
    }
  });
  return work;
}
