//===- InsertBarriers.cpp - barriers between writers and readers ----------===//
// Shared memory is read and written by all threads; an operation that meets
// what others may still read or write needs a barrier before it. In a role the
// threads are those of the role, and so is the barrier.
//===----------------------------------------------------------------------===//
#include "SharedUses.h"
#include "deltanet/Dialect/Tile/Transforms/Passes.h"
#include "mlir/IR/Builders.h"

namespace deltanet::tile {
#define GEN_PASS_DEF_TILEINSERTBARRIERS
#include "deltanet/Dialect/Tile/Transforms/Passes.h.inc"
} // namespace deltanet::tile

using namespace mlir;
using namespace deltanet::tile;

namespace {

struct InsertBarriers
    : deltanet::tile::impl::TileInsertBarriersBase<InsertBarriers> {
  using TileInsertBarriersBase::TileInsertBarriersBase;

  void runOnOperation() override {
    for (auto kernel : getOperation().getOps<gpu::GPUFuncOp>()) {
      if (!kernel.getBody().hasOneBlock()) {
        kernel.emitError("expects structured control flow (scf), got ")
            << kernel.getBody().getBlocks().size() << " blocks";
        return signalPassFailure();
      }
      Pending pending;
      visit(kernel.getBody().front(), pending);
    }
  }

private:
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
    auto written = [&](Value m) { return pending.writes.contains(m); };
    auto read = [&](Value m) { return pending.reads.contains(m); };
    if (llvm::any_of(uses.reads, written) ||
        llvm::any_of(uses.writes, written) || llvm::any_of(uses.writes, read))
      insertBarrier(op, pending);
    pending.add(op, uses);
  }
};
} // namespace
