//===- PlanSharedMemory.cpp - places in shared memory ---------------------===//
// Allocations lie one after the other. Reuse by lifetime would go here.
//===----------------------------------------------------------------------===//
#include "deltanet/Dialect/Kernel/IR/Kernel.h"
#include "deltanet/Dialect/Tile/Transforms/Passes.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/MathExtras.h"

namespace deltanet::tile {
#define GEN_PASS_DEF_TILEPLANSHAREDMEMORY
#include "deltanet/Dialect/Tile/Transforms/Passes.h.inc"
} // namespace deltanet::tile

using namespace mlir;
using namespace deltanet;
using namespace deltanet::tile;

namespace {

/// Every place is a multiple of so many bytes.
constexpr int64_t kAlignment = 128;

struct PlanSharedMemory
    : deltanet::tile::impl::TilePlanSharedMemoryBase<PlanSharedMemory> {
  using TilePlanSharedMemoryBase::TilePlanSharedMemoryBase;

  void runOnOperation() override {
    for (auto kernel : getOperation().getOps<gpu::GPUFuncOp>())
      if (failed(plan(kernel)))
        return signalPassFailure();
  }

private:
  /// The option, or the fact that the target states; 0 for any number.
  int64_t getLimit() {
    if (limitBytes > 0)
      return limitBytes;
    auto module = getOperation()->getParentOfType<ModuleOp>();
    auto target =
        module ? module->getAttrOfType<kernel::TargetAttr>(kernel::kTargetName)
               : nullptr;
    return target ? target.getSharedMemoryBytesPerBlock() : 0;
  }

  LogicalResult plan(gpu::GPUFuncOp kernel) {
    int64_t total = 0;
    auto place = [&](auto op, int64_t bytes, int64_t alignment) {
      total = llvm::alignTo(total, alignment);
      op.setOffset(total);
      total += llvm::alignTo(bytes, kAlignment);
    };
    kernel.walk([&](Operation *op) {
      if (auto alloc = dyn_cast<AllocOp>(op)) {
        Type type = alloc.getShared().getType();
        if (auto ring = dyn_cast<RingType>(type))
          place(alloc, ring.getBytes(), ring.getAlignment());
        else
          place(alloc, cast<BufferType>(type).getBytes(),
                cast<BufferType>(type).getAlignment());
      } else if (auto channel = dyn_cast<ChannelOp>(op)) {
        ChannelType type = channel.getChannel().getType();
        place(channel, type.getBytes(), type.getAlignment());
      }
    });
    int64_t limit = getLimit();
    if (limit > 0 && total > limit)
      return kernel.emitError("expects at most ")
             << limit << " bytes of shared memory a block, the kernel needs "
             << total << " (" << total - limit
             << " more); smaller chunks or fewer slots need less";
    kernel->setAttr(kSharedBytesAttr, Builder(kernel).getI64IntegerAttr(total));
    sharedBytes += total;
    return success();
  }
};
} // namespace
