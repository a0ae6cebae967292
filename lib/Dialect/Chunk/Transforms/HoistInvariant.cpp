//===- HoistInvariant.cpp - run ahead what does not wait for the state ----===//
// Splits a scan: a carry-free scan stores, for every chunk, the products and
// inverses that do not depend on the carried values, and the rest reads them.
//===----------------------------------------------------------------------===//
#include "deltanet/Dialect/Chunk/IR/DimensionClasses.h"
#include "deltanet/Dialect/Chunk/Transforms/Columns.h"
#include "deltanet/Dialect/Chunk/Transforms/Passes.h"
#include "deltanet/Dialect/Kernel/IR/Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"

namespace deltanet::chunk {
#define GEN_PASS_DEF_CHUNKHOISTINVARIANT
#include "deltanet/Dialect/Chunk/Transforms/Passes.h.inc"
} // namespace deltanet::chunk

using namespace mlir;
using namespace deltanet::chunk;

namespace {

/// Which values of a body wait for the carried values, and which of the others
/// are worth storing.
class Invariants {
public:
  explicit Invariants(ScanOp scan);

  /// Values that the carried part reads from the part that runs ahead.
  ArrayRef<Value> getCrossing() const { return crossing.getArrayRef(); }

private:
  /// Records what the carried part needs to have `v`.
  void require(Value v);
  /// Whether the carried part makes `v` with the columns of its state.
  bool isMadeByColumns(Value v) const;

  llvm::SmallDenseSet<Value> carried; // depend on a carried value
  llvm::SmallDenseSet<Value> worked;  // invariant, and take work to make
  llvm::SmallDenseSet<Value> seen;
  llvm::SetVector<Value> crossing;
  DimensionClasses classes;
  /// The first carry and its dimension that nothing binds, or -1.
  Value carry;
  int64_t column = -1;
};

} // namespace

/// Operations whose result is worth a trip through memory.
static bool isWork(Operation &op) {
  return isa<DotOp, DecayDotOp, DecayApplyOp, UnitLowerSolveOp,
             UnitLowerInverseOp, CumsumOp, ReduceOp>(op);
}

/// Operations that make their operand larger: done again rather than stored.
static bool isExpansion(Operation *op) {
  return isa<BroadcastOp, RepeatOp, arith::ExtFOp>(op);
}

Invariants::Invariants(ScanOp scan)
    : classes(scan), carry(scan.getCarryArguments()[0]) {
  if (!classes.getUnknown())
    column = classes.findFree(carry);
  for (Value v : scan.getCarryArguments())
    carried.insert(v);
  auto anyIn = [](Operation &op, const llvm::SmallDenseSet<Value> &set) {
    return llvm::any_of(op.getOperands(),
                        [&](Value v) { return set.contains(v); });
  };
  for (Operation &op : scan.getBodyBlock()->without_terminator()) {
    if (anyIn(op, carried)) {
      carried.insert(op.getResults().begin(), op.getResults().end());
    } else if (isWork(op) || anyIn(op, worked)) {
      worked.insert(op.getResults().begin(), op.getResults().end());
    }
  }
  for (Value v : scan.getBodyBlock()->getTerminator()->getOperands())
    require(v);
}

/// A product that is only added to what waits for the state, as M U where U
/// does not wait, is as large as what it is added to, and larger than its
/// operands: it is left where its columns are.
bool Invariants::isMadeByColumns(Value v) const {
  Operation *op = v.getDefiningOp();
  if (column < 0 ||
      !(isa<DotOp>(op) || OpTrait::hasElementwiseMappableTraits(op)))
    return false;
  auto dims =
      llvm::seq<int64_t>(0, cast<RankedTensorType>(v.getType()).getRank());
  return llvm::any_of(
      dims, [&](int64_t d) { return classes.together(carry, column, v, d); });
}

void Invariants::require(Value v) {
  Operation *op = v.getDefiningOp();
  if (!op || !seen.insert(v).second)
    return;
  // A number is made again from the vector that it comes from.
  bool isTile = cast<RankedTensorType>(v.getType()).getRank() > 0;
  if (worked.contains(v) && isTile && !isExpansion(op) && !isMadeByColumns(v)) {
    crossing.insert(v);
    return;
  }
  for (Value operand : op->getOperands())
    require(operand);
}

/// The tensor that holds `tile` of every chunk: batch, chunks, heads, the tile.
static RankedTensorType storageType(ScanOp scan, RankedTensorType tile) {
  auto extent = [&](AccessAttr::Loop loop) {
    for (auto [value, access] :
         llvm::zip(scan.getInputs(), scan.getInputAccesses()))
      if (int64_t dim = cast<AccessAttr>(access).findLoop(loop); dim >= 0)
        return cast<RankedTensorType>(value.getType()).getDimSize(dim);
    return ShapedType::kDynamic;
  };
  SmallVector<int64_t> shape = {extent(AccessAttr::Batch), ShapedType::kDynamic,
                                extent(AccessAttr::Head)};
  llvm::append_range(shape, tile.getShape());
  return RankedTensorType::get(shape, tile.getElementType());
}

/// A scan that carries nothing and yields `crossing` by chunks.
static ScanOp buildAhead(ScanOp scan, ArrayRef<Value> crossing, OpBuilder &b) {
  SmallVector<Type> types;
  SmallVector<Attribute> accesses;
  for (Value v : crossing) {
    auto tile = cast<RankedTensorType>(v.getType());
    types.push_back(storageType(scan, tile));
    SmallVector<int64_t> entries = {AccessAttr::Batch, AccessAttr::Chunk,
                                    AccessAttr::Head};
    llvm::append_range(entries, llvm::seq<int64_t>(0, tile.getRank()));
    accesses.push_back(AccessAttr::get(b.getContext(), entries));
  }
  ArrayAttr none = b.getArrayAttr({});
  auto ahead = ScanOp::create(
      b, scan.getLoc(), types, scan.getSequences(), ValueRange(),
      scan.getInputs(), scan.getChunkSizeAttr(), none, scan.getInputAccesses(),
      b.getArrayAttr(accesses), none, scan.getReverseAttr());
  ahead->setDiscardableAttrs(scan->getDiscardableAttrDictionary());
  Block *block = b.createBlock(&ahead.getBody());
  IRMapping mapping;
  for (BlockArgument arg :
       scan.getBodyBlock()->getArguments().drop_front(scan.getNumCarries()))
    mapping.map(arg, block->addArgument(arg.getType(), arg.getLoc()));
  for (Operation &op : scan.getBodyBlock()->without_terminator())
    if (llvm::all_of(op.getOperands(), [&](Value v) {
          return mapping.contains(v) ||
                 v.getParentBlock() != scan.getBodyBlock();
        }))
      b.clone(op, mapping);
  SmallVector<Value> yielded;
  for (Value v : crossing)
    yielded.push_back(mapping.lookup(v));
  YieldOp::create(b, scan.getLoc(), yielded, ValueRange());
  return ahead;
}

/// Drops the operations of the block that nothing reads any more.
static void eraseDead(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op))
      op.erase();
}

namespace {
struct HoistInvariant
    : deltanet::chunk::impl::ChunkHoistInvariantBase<HoistInvariant> {
  using ChunkHoistInvariantBase::ChunkHoistInvariantBase;

  void runOnOperation() override {
    if (onlyScheduled &&
        !deltanet::kernel::getSchedule(getOperation()).getPrepare())
      return;
    SmallVector<ScanOp> scans;
    getOperation().walk([&](ScanOp scan) { scans.push_back(scan); });
    for (ScanOp scan : scans)
      if (scan.getNumCarries() > 0)
        hoist(scan);
  }

private:
  void hoist(ScanOp scan) {
    // Without heads there is nothing to run side by side but chunks, and the
    // scan that runs ahead would not know how many heads its outputs have.
    if (llvm::none_of(scan.getInputAccesses(), [](Attribute access) {
          return cast<AccessAttr>(access).has(AccessAttr::Head);
        }))
      return;
    separateUses(scan);
    separateColumns(scan);
    Invariants invariants(scan);
    ArrayRef<Value> crossing = invariants.getCrossing();
    if (crossing.empty())
      return;
    OpBuilder b(scan);
    ScanOp ahead = buildAhead(scan, crossing, b);
    scan.getInputsMutable().append(ahead.getResults());
    SmallVector<Attribute> accesses(scan.getInputAccesses().getValue());
    llvm::append_range(accesses, ahead.getOutputAccesses());
    scan.setInputAccessesAttr(b.getArrayAttr(accesses));
    for (Value v : crossing)
      v.replaceAllUsesWith(
          scan.getBodyBlock()->addArgument(v.getType(), v.getLoc()));
    eraseDead(*scan.getBodyBlock());
    eraseDead(*ahead.getBodyBlock());
    numHoisted += llvm::count_if(*ahead.getBodyBlock(), isWork);
  }
};
} // namespace
