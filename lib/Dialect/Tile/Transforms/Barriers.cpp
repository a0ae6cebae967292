//===- Barriers.cpp - barriers between writers and readers ----------------===//
// See Barriers.h.
//===----------------------------------------------------------------------===//
#include "Barriers.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace deltanet::tile;

namespace {

class BarrierInserter {
public:
  explicit BarrierInserter(Overlap overlap) : overlap(overlap) {}

  void visit(Block &block, Pending &pending) {
    for (Operation &op : llvm::make_early_inc_range(block)) {
      if (op.getNumRegions() == 0) {
        visit(&op, pending);
        continue;
      }
      if (auto roles = dyn_cast<RolesOp>(op)) {
        visit(roles, pending);
        continue;
      }
      visitRegions(&op, pending,
                   [&](Block &inner, Pending &end) { visit(inner, end); });
    }
  }

  unsigned getNumBarriers() const { return numBarriers; }

private:
  /// The roles begin with nothing pending: what was before them is behind a
  /// barrier of the block, and no such barrier stands in a role. After them,
  /// all they used is pending: a role's barriers were its own.
  void visit(RolesOp roles, Pending &pending) {
    if (!pending.reads.empty() || !pending.writes.empty())
      insertBarrier(roles, pending);
    Pending after = pending;
    for (Region &body : roles.getBodies()) {
      Pending end = pending;
      visit(body.front(), end);
      after.merge(end);
    }
    roles.walk([&](Operation *op) {
      Uses uses(op);
      after.reads.insert(uses.reads.begin(), uses.reads.end());
      after.writes.insert(uses.writes.begin(), uses.writes.end());
    });
    pending = after;
  }

  void insertBarrier(Operation *before, Pending &pending) {
    OpBuilder b(before);
    BarrierOp::create(b, before->getLoc());
    ++numBarriers;
    pending.meet();
  }

  void visit(Operation *op, Pending &pending) {
    if (isa<AcquireOp, WaitSlotOp>(op))
      return pending.forget(op->getResults());
    if (isa<BarrierOp>(op))
      return pending.meet();
    if (auto wait = dyn_cast<WaitOp>(op))
      return wait.getPending() == 0 ? pending.wait() : pending.waitForSome();
    Uses uses(op);
    auto meet = [&](ArrayRef<Value> used, const llvm::DenseSet<Value> &others) {
      return llvm::any_of(used, [&](Value m) {
        return llvm::any_of(others,
                            [&](Value other) { return overlap(m, other); });
      });
    };
    if (meet(uses.reads, pending.writes) || meet(uses.writes, pending.writes) ||
        meet(uses.writes, pending.reads))
      insertBarrier(op, pending);
    pending.add(op, uses);
  }

  Overlap overlap;
  unsigned numBarriers = 0;
};
} // namespace

FailureOr<unsigned> deltanet::tile::insertBarriers(gpu::GPUFuncOp kernel,
                                                   Overlap overlap) {
  if (!kernel.getBody().hasOneBlock())
    return kernel.emitError("expects structured control flow (scf), got ")
           << kernel.getBody().getBlocks().size() << " blocks";
  BarrierInserter inserter(overlap);
  Pending pending;
  inserter.visit(kernel.getBody().front(), pending);
  return inserter.getNumBarriers();
}
