//===- ChunkToTile.cpp - chunk programs to kernels of tiles ---------------===//
// A function of scans becomes a module of kernels, one for each scan, in order.
//===----------------------------------------------------------------------===//
#include "KernelBuilder.h"
#include "TileTypes.h"
#include "deltanet/Conversion/Passes.h"
#include "deltanet/Dialect/Kernel/IR/Kernel.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace deltanet {
#define GEN_PASS_DEF_CONVERTCHUNKTOTILE
#include "deltanet/Conversion/Passes.h.inc"
} // namespace deltanet

using namespace mlir;
using namespace deltanet;
using chunk::ScanOp;

/// A value that is the same wherever it is computed belongs to its use, so that
/// two uses in different places do not become one. Constants from around the
/// scan move in; other values from there have no place in a kernel.
static LogicalResult separateUses(ScanOp scan) {
  Block *body = scan.getBodyBlock();
  for (Operation &op : llvm::make_early_inc_range(*body))
    for (OpOperand &operand : op.getOpOperands()) {
      Operation *definition = operand.get().getDefiningOp();
      bool outside = operand.get().getParentBlock() != body;
      if (outside &&
          !(definition && definition->hasTrait<OpTrait::ConstantLike>())) {
        InFlightDiagnostic diag =
            op.emitError("expects operands from the body of the scan, or "
                         "constants, in a kernel");
        diag.attachNote(operand.get().getLoc())
            << "this comes from around the scan";
        return diag;
      }
      if (!outside && !(definition && isRemade(definition)))
        continue;
      OpBuilder b(&op);
      if (outside || !operand.get().hasOneUse())
        operand.set(b.clone(*definition)->getResult(0));
    }
  return success();
}

namespace {
struct ConvertChunkToTile
    : deltanet::impl::ConvertChunkToTileBase<ConvertChunkToTile> {
  using ConvertChunkToTileBase::ConvertChunkToTileBase;

  void runOnOperation() override {
    SmallVector<func::FuncOp> functions;
    getOperation().walk([&](func::FuncOp function) {
      if (!function.getOps<ScanOp>().empty())
        functions.push_back(function);
    });
    for (func::FuncOp function : functions)
      if (failed(convert(function)))
        return signalPassFailure();
  }

private:
  /// Warps and columns of a block, as the schedule says or by rule.
  FailureOr<KernelShape> chooseShape(ScanOp scan, const BodyPlan &plan,
                                     kernel::ScheduleAttr schedule) const {
    KernelShape shape{warps, 0, slots, 0};
    if (scan.getNumCarries() == 0) { // one chunk a block: none to fetch ahead
      shape.slots = 1;
      return shape;
    }
    if (schedule && schedule.getStages() > 0)
      shape.slots = schedule.getStages();
    if (schedule && schedule.getWarps() > 0)
      shape.warps = schedule.getWarps();
    if (shape.slots < 1 || shape.slots > 2)
      return scan.emitOpError("expects 1 or 2 chunks in flight, got ")
             << shape.slots;
    shape.aheadWarps = aheadWarps;
    if (schedule && schedule.getAheadWarps() > 0)
      shape.aheadWarps = schedule.getAheadWarps();
    // Warps hold whole tiles of 16 columns, all the same number of them.
    int64_t tiles = padded(plan.getNumColumns()) / 16;
    int64_t split = schedule ? schedule.getSplitValue() : 0;
    if (split == 0)
      split = (tiles * 16 + columns - 1) / columns;
    int64_t each = (tiles + split - 1) / split;
    if (!schedule || schedule.getWarps() == 0)
      shape.warps = each;
    int64_t perWarp = (each + shape.warps - 1) / shape.warps;
    shape.width = perWarp * shape.warps * 16;
    if (plan.needsAllColumns() && shape.width < plan.getNumColumns())
      return scan.emitOpError("expects all columns of the state in one block "
                              "where something is reduced over them, got ")
             << plan.getNumColumns() << " columns and " << shape.width
             << " a block";
    if (failed(checkShape(scan, shape)))
      return failure();
    return shape;
  }

  /// What the target states must hold the threads of a block and their part of
  /// the state.
  static LogicalResult checkShape(ScanOp scan, const KernelShape &shape) {
    auto target = kernel::getTarget(scan);
    if (!target)
      return success();
    int64_t threads = (shape.warps + shape.aheadWarps) * tile::kWarpSize,
            most = target.getThreadsPerBlock();
    if (most > 0 && threads > most)
      return scan.emitOpError("expects at most ")
             << most << " threads a block, the schedule asks for " << threads
             << " (" << shape.warps << " warps and " << shape.aheadWarps
             << " ahead)";
    int64_t elements = 0;
    for (BlockArgument carry : scan.getCarryArguments())
      elements += rankedType(carry).getNumElements();
    // Of the whole state, what the block's columns are; a register each.
    auto first = rankedType(scan.getCarryArguments()[0]);
    int64_t columns =
        *BodyPlan::create(scan)->findColumn(scan.getCarryArguments()[0]);
    int64_t held = elements / first.getDimSize(columns) * shape.width /
                   (shape.warps * tile::kWarpSize);
    int64_t available = std::min(target.getRegistersPerThread(),
                                 target.getRegistersPerSm() / threads);
    if (available > 0 && held >= available)
      return scan.emitOpError("expects less than ")
             << available << " registers a thread for the state, "
             << shape.width << " columns on " << shape.warps << " warps need "
             << held;
    return success();
  }

  LogicalResult convert(func::FuncOp function) {
    OpBuilder module(function);
    auto container =
        gpu::GPUModuleOp::create(module, function.getLoc(), function.getName());
    auto schedule =
        function->getAttrOfType<kernel::ScheduleAttr>(kernel::kScheduleName);
    SmallVector<ScanOp> scans(function.getOps<ScanOp>());
    for (auto [i, scan] : llvm::enumerate(scans)) {
      std::string name = function.getName().str();
      if (scans.size() > 1)
        name += "_" + std::to_string(i);
      if (failed(convert(function, scan, schedule, name, container)))
        return failure();
    }
    function.erase();
    return success();
  }

  LogicalResult convert(func::FuncOp function, ScanOp scan,
                        kernel::ScheduleAttr schedule, StringRef name,
                        gpu::GPUModuleOp container) {
    if (scan.getReverse())
      return scan.emitOpError("expects chunks from first to last in a kernel; "
                              "this scan runs in reverse");
    FailureOr<KernelSignature> signature =
        KernelSignature::read(function, scan);
    if (failed(signature) || failed(separateUses(scan)))
      return failure();
    FailureOr<BodyPlan> plan = BodyPlan::create(scan);
    if (failed(plan))
      return failure();
    FailureOr<KernelShape> shape = chooseShape(scan, *plan, schedule);
    if (failed(shape) ||
        failed(KernelBuilder(name, scan, *signature, *plan, *shape)
                   .build(container)))
      return failure();
    ++numKernels;
    return success();
  }
};
} // namespace
