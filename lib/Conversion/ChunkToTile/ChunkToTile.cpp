//===- ChunkToTile.cpp - chunk programs to kernels of tiles ---------------===//
// A function of scans, and of sums of what they yield, becomes a module of
// kernels, one for each, in order.
//===----------------------------------------------------------------------===//
#include "KernelBuilder.h"
#include "SumKernel.h"
#include "TileTypes.h"
#include "deltanet/Conversion/Passes.h"
#include "deltanet/Dialect/Chunk/Transforms/Columns.h"
#include "deltanet/Dialect/Kernel/IR/Kernel.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace deltanet {
#define GEN_PASS_DEF_CONVERTCHUNKTOTILE
#include "deltanet/Conversion/Passes.h.inc"
} // namespace deltanet

using namespace mlir;
using namespace deltanet;
using chunk::ScanOp;

/// Values from around the scan have no place in a kernel, constants apart.
static LogicalResult checkUses(ScanOp scan) {
  Block *body = scan.getBodyBlock();
  for (Operation &op : *body)
    for (Value operand : op.getOperands())
      if (operand.getParentBlock() != body) {
        InFlightDiagnostic diag =
            op.emitError("expects operands from the body of the scan, or "
                         "constants, in a kernel");
        diag.attachNote(operand.getLoc()) << "this comes from around the scan";
        return diag;
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
  /// The columns that the schedule's split is of: those of the state, also
  /// where a scan carries P, which has others (10).
  static int64_t countDecidedColumns(ScanOp scan, const BodyPlan &plan) {
    if (!scan.getSegments() || scan.getNumOutputs() > 0)
      return plan.getNumColumns();
    for (auto other : scan->getParentOfType<func::FuncOp>().getOps<ScanOp>())
      if (other.getSegments() && other.getNumOutputs() > 0) {
        BlockArgument carry = other.getCarryArguments()[0];
        int64_t dim = chunk::DimensionClasses(other).findFree(carry);
        if (dim >= 0)
          return rankedType(carry).getDimSize(dim);
      }
    return plan.getNumColumns();
  }

  /// The shape of a block that carries nothing. A second block beside it works
  /// while its inputs come: where all of them leave no room for one, the large
  /// ones come in turn (as they do where there is no room for all of them), and
  /// where that does not make room either, it has twice as many warps if a
  /// matrix would take more than 32 registers of a thread.
  KernelShape chooseParallelShape(ScanOp scan) const {
    KernelShape shape{warps, 0, /*slots=*/1, 0};
    auto target = kernel::getTarget(scan);
    if (!target)
      return shape;
    int64_t bytes = 0, most = 0;
    for (BlockArgument argument : scan.getInputArguments())
      if (auto type = dyn_cast<RankedTensorType>(argument.getType()))
        bytes += type.getNumElements() * type.getElementTypeBitWidth() / 8;
    for (Operation &op : scan.getBodyBlock()->without_terminator())
      if (auto type = dyn_cast<RankedTensorType>(op.getResult(0).getType()))
        most = std::max(most, type.getNumElements());
    // Half as much again is what is made of them.
    auto leavesRoom = [&](int64_t bytes) {
      return 3 * bytes <= target.getSharedMemoryBytesPerSm();
    };
    if (leavesRoom(bytes))
      return shape;
    InputPhases phases(scan);
    int64_t largest = 0, large = 0;
    for (int64_t each : phases.getBytes()) {
      largest = std::max(largest, each);
      large += each;
    }
    bool turns = phases.canTakeTurns(scan);
    bool leavesRoomInTurn = turns && leavesRoom(bytes - large + largest);
    shape.inTurn =
        leavesRoomInTurn ||
        (turns && 5 * bytes > 4 * target.getSharedMemoryBytesPerBlock());
    if (!leavesRoomInTurn && most > 32 * warps * tile::kWarpSize)
      shape.warps = 2 * warps;
    return shape;
  }

  /// Warps and columns of a block, as the schedule says or by rule.
  FailureOr<KernelShape> chooseShape(ScanOp scan, const BodyPlan &plan,
                                     kernel::ScheduleAttr schedule) const {
    KernelShape shape{warps, 0, slots, 0};
    if (scan.getNumCarries() == 0) // one chunk a block: none to fetch ahead
      return chooseParallelShape(scan);
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
    if (!scan.hasTokens()) {
      // A few steps over segments, of large matrices: as many blocks as there
      // can be, nothing on its way while something is worked on.
      shape.slots = 1;
      shape.warps = 1;
      shape.width = 16;
      shape.aheadWarps = 0;
      return shape;
    }
    // Warps hold whole tiles of 16 columns, all the same number of them.
    int64_t tiles = llvm::divideCeil(plan.getNumColumns(), 16),
            decided = llvm::divideCeil(countDecidedColumns(scan, plan), 16);
    int64_t split = schedule ? schedule.getSplitValue() : 0;
    if (split == 0)
      split = (decided * 16 + columns - 1) / columns;
    int64_t each = (decided + split - 1) / split;
    if (!schedule || schedule.getWarps() == 0)
      shape.warps = each;
    int64_t perWarp = (each + shape.warps - 1) / shape.warps;
    if (tiles != decided) // columns of P, of which there may be fewer
      shape.warps = std::min(shape.warps, (tiles + perWarp - 1) / perWarp);
    shape.width = perWarp * shape.warps * 16;
    if (plan.needsAllColumns() && shape.width < plan.getNumColumns())
      return scan.emitOpError("expects all columns of the state in one block "
                              "where something is reduced over them, got ")
             << plan.getNumColumns() << " columns and " << shape.width
             << " a block";
    if (failed(checkShape(scan, shape)))
      return failure();
    shareRegisters(scan, shape);
    return shape;
  }

  /// Gives the state's warps more registers than the others, where a block of
  /// warp groups leaves a thread fewer than the state and its work need.
  static void shareRegisters(ScanOp scan, KernelShape &shape) {
    auto target = kernel::getTarget(scan);
    // What the work of either role takes beside the state, as ptxas reports it.
    constexpr int64_t kGroup = 4, kUnit = 8, kMost = 240, kWork = 104,
                      kAhead = 96;
    if (!target || !target.getSetmaxnreg() || shape.aheadWarps == 0 ||
        shape.warps % kGroup != 0 || shape.aheadWarps % kGroup != 0)
      return;
    int64_t warps = shape.warps + shape.aheadWarps;
    int64_t each =
        target.getRegistersPerSm() / (warps * tile::kWarpSize) / kUnit * kUnit;
    if (each >= countStateRegisters(scan, shape) + kWork)
      return;
    int64_t all = each * warps, most = all - kAhead * shape.aheadWarps;
    int64_t state = std::min(kMost, most / shape.warps / kUnit * kUnit);
    if (state <= each)
      return;
    shape.registers = state;
    shape.aheadRegisters =
        (all - state * shape.warps) / shape.aheadWarps / kUnit * kUnit;
  }

  /// Of the whole state, what the block's columns are; a register each.
  static int64_t countStateRegisters(ScanOp scan, const KernelShape &shape) {
    int64_t elements = 0;
    for (BlockArgument carry : scan.getCarryArguments())
      elements += rankedType(carry).getNumElements();
    auto first = rankedType(scan.getCarryArguments()[0]);
    int64_t columns =
        *BodyPlan::create(scan)->findColumn(scan.getCarryArguments()[0]);
    return elements / first.getDimSize(columns) * shape.width /
           (shape.warps * tile::kWarpSize);
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
    int64_t held = countStateRegisters(scan, shape);
    int64_t available = std::min(target.getRegistersPerThread(),
                                 target.getRegistersPerSm() / threads);
    if (available > 0 && held >= available)
      return scan.emitOpError("expects less than ")
             << available << " registers a thread for the state, "
             << shape.width << " columns on " << shape.warps << " warps need "
             << held;
    return success();
  }

  /// The module of the kernels of `function` and of its variants.
  static gpu::GPUModuleOp findContainer(func::FuncOp function) {
    kernel::VariantAttr variant = kernel::getVariant(function);
    StringRef name = variant ? variant.getOf() : function.getName();
    for (auto container :
         function->getParentOp()->getRegion(0).getOps<gpu::GPUModuleOp>())
      if (container.getName() == name)
        return container;
    OpBuilder module(function);
    return gpu::GPUModuleOp::create(module, function.getLoc(), name);
  }

  /// Says in the launch of `kernel` that it serves some extents only.
  static void markVariant(gpu::GPUFuncOp kernel, func::FuncOp function) {
    kernel::VariantAttr variant = kernel::getVariant(function);
    if (!variant)
      return;
    Builder b(kernel.getContext());
    NamedAttrList launch(
        kernel->getAttrOfType<DictionaryAttr>(tile::kLaunchAttr));
    launch.set("variant", b.getStringAttr(function.getName()));
    launch.set("when", b.getStringAttr(variant.getWhen()));
    kernel->setAttr(tile::kLaunchAttr, launch.getDictionary(b.getContext()));
  }

  LogicalResult convert(func::FuncOp function) {
    gpu::GPUModuleOp container = findContainer(function);
    auto built = llvm::to_vector(container.getOps<gpu::GPUFuncOp>());
    auto schedule =
        function->getAttrOfType<kernel::ScheduleAttr>(kernel::kScheduleName);
    llvm::for_each(function.getOps<ScanOp>(), chunk::separateUses);
    SmallVector<Operation *> ops;
    for (Operation &op : function.getBody().front())
      if (isa<ScanOp, chunk::SumOp>(op))
        ops.push_back(&op);
    for (auto [i, op] : llvm::enumerate(ops)) {
      std::string name = function.getName().str();
      if (ops.size() > 1)
        name += "_" + std::to_string(i);
      auto scan = dyn_cast<ScanOp>(op);
      if (failed(scan ? convert(function, scan, schedule, name, container)
                      : convert(function, cast<chunk::SumOp>(op), name,
                                container)))
        return failure();
    }
    for (auto kernel : container.getOps<gpu::GPUFuncOp>())
      if (!llvm::is_contained(built, kernel))
        markVariant(kernel, function);
    function.erase();
    return success();
  }

  LogicalResult convert(func::FuncOp function, chunk::SumOp sum, StringRef name,
                        gpu::GPUModuleOp container) {
    FailureOr<KernelSignature> signature = KernelSignature::read(function, sum);
    if (failed(signature) ||
        failed(buildSumKernel(name, sum, *signature, container)))
      return failure();
    ++numKernels;
    return success();
  }

  LogicalResult convert(func::FuncOp function, ScanOp scan,
                        kernel::ScheduleAttr schedule, StringRef name,
                        gpu::GPUModuleOp container) {
    FailureOr<KernelSignature> signature =
        KernelSignature::read(function, scan);
    if (failed(signature))
      return failure();
    if (failed(checkUses(scan)))
      return failure();
    chunk::separateColumns(scan);
    if (scan.getNumCarries() == 0)
      sortSums(scan);
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
