//===- InsertBarriers.cpp - barriers between writers and readers ----------===//
// Shared memory is read and written by all threads; an operation that meets
// what others may still read or write needs a barrier before it.
//===----------------------------------------------------------------------===//
#include "deltanet/Dialect/Tile/Transforms/Passes.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

namespace deltanet::tile {
#define GEN_PASS_DEF_TILEINSERTBARRIERS
#include "deltanet/Dialect/Tile/Transforms/Passes.h.inc"
} // namespace deltanet::tile

using namespace mlir;
using namespace deltanet::tile;

namespace {

/// Uses of shared memory that no barrier separates from what comes next.
struct Pending {
  llvm::SmallPtrSet<Operation *, 8> reads, writes; // allocations
  /// Written by copies that have not been waited for.
  llvm::SmallPtrSet<Operation *, 8> copies;

  bool operator!=(const Pending &other) const {
    return reads != other.reads || writes != other.writes ||
           copies != other.copies;
  }
  void merge(const Pending &other) {
    reads.insert(other.reads.begin(), other.reads.end());
    writes.insert(other.writes.begin(), other.writes.end());
    copies.insert(other.copies.begin(), other.copies.end());
  }
};

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
      // What is pending at the end of a loop meets its beginning; sets only
      // grow, so that this ends.
      bool loop = isa<LoopLikeOpInterface>(op);
      Pending before = pending, after = pending;
      for (bool changed = true; changed;) {
        changed = false;
        for (Region &region : op.getRegions())
          for (Block &inner : region) {
            Pending end = before;
            visit(inner, end);
            after.merge(end);
          }
        Pending again = before;
        again.merge(after);
        if (loop && again != before) {
          before = again;
          changed = true;
        }
      }
      pending = after;
    }
  }

  void visit(Operation *op, Pending &pending) {
    if (isa<BarrierOp>(op)) {
      pending.reads.clear();
      pending.writes.clear();
      return;
    }
    if (isa<WaitOp>(op)) {
      // The copies are this thread's; others see them after a barrier.
      pending.writes.insert(pending.copies.begin(), pending.copies.end());
      pending.copies.clear();
      return;
    }
    auto interface = dyn_cast<MemoryEffectOpInterface>(op);
    if (!interface)
      return;
    SmallVector<MemoryEffects::EffectInstance> effects;
    interface.getEffects(effects);
    SmallVector<Operation *> reads, writes;
    for (const MemoryEffects::EffectInstance &effect : effects) {
      Value value = effect.getValue();
      if (!value || !isa<BufferType, RingType>(value.getType()))
        continue;
      AllocOp alloc = getAllocation(value);
      if (!alloc)
        continue;
      if (isa<MemoryEffects::Read>(effect.getEffect()))
        reads.push_back(alloc);
      else if (isa<MemoryEffects::Write>(effect.getEffect()))
        writes.push_back(alloc);
    }
    auto written = [&](Operation *a) { return pending.writes.contains(a); };
    auto read = [&](Operation *a) { return pending.reads.contains(a); };
    if (llvm::any_of(reads, written) || llvm::any_of(writes, written) ||
        llvm::any_of(writes, read)) {
      OpBuilder b(op);
      BarrierOp::create(b, op->getLoc());
      ++numBarriers;
      pending.reads.clear();
      pending.writes.clear();
    }
    pending.reads.insert(reads.begin(), reads.end());
    auto &sink = isa<CopyAsyncOp>(op) ? pending.copies : pending.writes;
    sink.insert(writes.begin(), writes.end());
  }
};
} // namespace
