//===- SplitCarry.cpp - what is carried, and what is made of it -----------===//
// A scan that needs a carried value whole for what it yields becomes two: one
// that carries and yields little, and one that carries nothing, whose chunks
// wait for no other.
//===----------------------------------------------------------------------===//
#include "ScanTypes.h"
#include "deltanet/Dialect/Chunk/IR/DimensionClasses.h"
#include "deltanet/Dialect/Chunk/Transforms/Columns.h"
#include "deltanet/Dialect/Chunk/Transforms/Passes.h"
#include "deltanet/Dialect/Kernel/IR/Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

namespace deltanet::chunk {
#define GEN_PASS_DEF_CHUNKSPLITCARRY
#include "deltanet/Dialect/Chunk/Transforms/Passes.h.inc"
} // namespace deltanet::chunk

using namespace mlir;
using namespace deltanet::chunk;

namespace {
class CarrySplitter {
public:
  /// What crosses has the type of products' operands, if they have 16 bits.
  CarrySplitter(ScanOp scan, Type products)
      : scan(scan), products(products),
        yield(cast<YieldOp>(scan.getBodyBlock()->getTerminator())),
        rewriter(scan.getContext()) {}

  /// Whether there was something to make apart.
  bool run() {
    findWaiting();
    findUpdate();
    for (auto [i, value] : llvm::enumerate(yield.getOutputs()))
      if (!staysWithUpdate(value))
        moved.push_back(i);
    if (moved.empty())
      return false;
    requireMoved();
    // Where what is carried crosses anyway, its products need not.
    remakesProducts = llvm::any_of(roundings, [&](arith::TruncFOp rounding) {
      return isCarry(rounding.getIn());
    });
    if (remakesProducts) {
      seen.clear();
      crossing.clear();
      roundings.clear();
      requireMoved();
    }
    // What is read rounded only crosses so; what is read as it is, is rounded
    // where it is read.
    for (arith::TruncFOp rounding : roundings)
      if (!isMade(rounding.getIn()))
        crossing.insert(rounding);
    for (Value v : crossing)
      stored.push_back(narrowed(v));
    ScanOp rest = buildRest();
    finishUpdate(rest);
    return true;
  }

private:
  bool waits(Value v) const { return waiting.contains(v); }
  bool isInUpdate(Value v) const {
    Operation *op = v.getDefiningOp();
    return !op || update.contains(op);
  }

  void findWaiting() {
    waiting.insert(scan.getCarryArguments().begin(),
                   scan.getCarryArguments().end());
    for (Operation &op : scan.getBodyBlock()->without_terminator())
      if (llvm::any_of(op.getOperands(), [&](Value v) { return waits(v); }))
        waiting.insert(op.getResults().begin(), op.getResults().end());
  }

  /// The operations that lead to the next carried values.
  void findUpdate() {
    SmallVector<Value> work(yield.getCarries());
    while (!work.empty()) {
      Operation *op = work.pop_back_val().getDefiningOp();
      if (op && op->getBlock() == scan.getBodyBlock() &&
          update.insert(op).second)
        llvm::append_range(work, op->getOperands());
    }
  }

  static bool isElementwise(Operation *op) {
    return OpTrait::hasElementwiseMappableTraits(op) &&
           op->getNumResults() == 1;
  }

  static bool isConstant(Value v) {
    Operation *op = v.getDefiningOp();
    return op && op->hasTrait<OpTrait::ConstantLike>();
  }

  /// Whether the carried part has `v` but for elementwise work.
  bool staysWithUpdate(Value v) const {
    if (isInUpdate(v))
      return waits(v);
    Operation *op = v.getDefiningOp();
    return waits(v) && isElementwise(op) &&
           llvm::all_of(op->getOperands(), [&](Value operand) {
             return isInUpdate(operand) || isConstant(operand) ||
                    staysWithUpdate(operand);
           });
  }

  bool isCarry(Value v) const {
    return llvm::is_contained(ScanOp(scan).getCarryArguments(), v);
  }
  /// Whether `v` is a carried value as products read it.
  bool isRoundedCarry(Value v) const {
    auto rounding = v.getDefiningOp<arith::TruncFOp>();
    return rounding && isCarry(rounding.getIn());
  }

  /// Whether the other part makes it from one value that waits.
  bool isRemade(Operation *op) const {
    bool isProduct = remakesProducts && isa<DotOp>(op) &&
                     llvm::any_of(op->getOperands(),
                                  [&](Value v) { return isRoundedCarry(v); });
    return (isProduct || isElementwise(op)) &&
           llvm::count_if(op->getOperands(),
                          [&](Value v) { return waits(v); }) == 1;
  }

  void requireMoved() {
    for (unsigned i : moved)
      require(yield.getOutputs()[i]);
  }

  /// Records what has to cross so that the other part has `v`.
  void require(Value v) {
    if (!waits(v) || !seen.insert(v).second)
      return;
    Operation *op = v.getDefiningOp();
    if (auto rounding = dyn_cast_or_null<arith::TruncFOp>(op);
        rounding && isInUpdate(rounding.getIn())) {
      roundings.push_back(rounding);
      return;
    }
    if (isInUpdate(v) && !(op && isRemade(op))) {
      crossing.insert(v);
      return;
    }
    for (Value operand : op->getOperands())
      require(operand);
  }

  /// Whether the other part has `v` with what crosses so far.
  bool isMade(Value v) const {
    if (!waits(v) || crossing.contains(v))
      return true;
    Operation *op = v.getDefiningOp();
    if (!op || (isInUpdate(v) && !isRemade(op)))
      return false;
    return llvm::all_of(op->getOperands(),
                        [&](Value operand) { return isMade(operand); });
  }

  /// A matrix that crosses, as it is kept.
  Value narrowed(Value v) {
    auto type = cast<RankedTensorType>(v.getType());
    if (type.getRank() < 2 || !type.getElementType().isF32() ||
        products.getIntOrFloatBitWidth() != 16)
      return v;
    rewriter.setInsertionPoint(yield);
    return arith::TruncFOp::create(rewriter, v.getLoc(), type.clone(products),
                                   v);
  }

  /// The scan that carries nothing. What crosses comes as further inputs.
  ScanOp buildRest() {
    rewriter.setInsertionPointAfter(scan);
    SmallVector<Attribute> inputAccesses(scan.getInputAccesses().getValue());
    for (Value v : stored) {
      auto tile = cast<RankedTensorType>(v.getType());
      AccessAttr access = getChunkAccess(scan, tile.getRank());
      crossingAccesses.push_back(access);
      crossingTypes.push_back(getStorageType(scan, access, tile));
      inputAccesses.push_back(access);
    }
    SmallVector<Type> types;
    SmallVector<Attribute> outputAccesses;
    bool byRuns = false; // in which there is a first chunk
    for (unsigned i : moved) {
      types.push_back(scan.getResult(i).getType());
      outputAccesses.push_back(scan.getOutputAccesses()[i]);
      byRuns |= scan.getOutputAccess(i).has(AccessAttr::Segment);
    }
    // Inputs that cross are added when the first scan yields them.
    ArrayAttr none = rewriter.getArrayAttr({});
    auto rest = ScanOp::create(
        rewriter, scan.getLoc(), types, scan.getSequences(), ValueRange(),
        scan.getInputs(), scan.getChunkSizeAttr(), none,
        scan.getInputAccesses(), rewriter.getArrayAttr(outputAccesses), none,
        byRuns ? scan.getReverseAttr() : UnitAttr());
    rest->setDiscardableAttrs(scan->getDiscardableAttrDictionary());
    Block *block = rewriter.createBlock(&rest.getBody());
    IRMapping mapping;
    for (BlockArgument arg :
         scan.getBodyBlock()->getArguments().drop_front(scan.getNumCarries()))
      mapping.map(arg, block->addArgument(arg.getType(), arg.getLoc()));
    for (auto [v, kept] : llvm::zip_equal(crossing, stored)) {
      Value argument = block->addArgument(kept.getType(), v.getLoc());
      mapping.map(v, kept == v ? argument
                               : arith::ExtFOp::create(rewriter, v.getLoc(),
                                                       v.getType(), argument));
    }
    for (Operation &op : scan.getBodyBlock()->without_terminator())
      if (!crossing.contains(op.getResult(0)) &&
          llvm::all_of(op.getOperands(), [&](Value v) {
            return mapping.contains(v) ||
                   v.getParentBlock() != scan.getBodyBlock();
          }))
        rewriter.clone(op, mapping);
    SmallVector<Value> yielded;
    for (unsigned i : moved)
      yielded.push_back(mapping.lookup(yield.getOutputs()[i]));
    YieldOp::create(rewriter, scan.getLoc(), yielded, ValueRange());
    rest.setInputAccessesAttr(rewriter.getArrayAttr(inputAccesses));
    for (auto [i, result] : llvm::zip(moved, rest.getResults()))
      rewriter.replaceAllUsesWith(scan.getResult(i), result);
    eraseDead(*block);
    return rest;
  }

  /// The scan itself without the outputs that moved, and with what crosses.
  void finishUpdate(ScanOp rest) {
    ScanOp wider =
        withOutputs(scan, crossingTypes, crossingAccesses, stored, rewriter);
    unsigned first = wider.getNumOutputs() - crossing.size();
    rest.getInputsMutable().append(
        wider.getResults().slice(first, crossing.size()));
    // The outputs that moved have no uses: canonicalisation drops them.
    eraseDead(*wider.getBodyBlock());
  }

  static void eraseDead(Block &block) {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
      if (isOpTriviallyDead(&op))
        op.erase();
  }

  ScanOp scan;
  Type products;
  YieldOp yield;
  IRRewriter rewriter;
  llvm::SmallDenseSet<Value> waiting, seen;
  llvm::SmallDenseSet<Operation *> update;
  llvm::SmallSetVector<Value, 8> crossing;
  SmallVector<arith::TruncFOp> roundings;
  SmallVector<Value> stored; // what crosses, as it is kept
  SmallVector<Type> crossingTypes;
  SmallVector<Attribute> crossingAccesses;
  SmallVector<unsigned> moved; // outputs of the scan that carries nothing
  bool remakesProducts = false;
};

struct SplitCarry : deltanet::chunk::impl::ChunkSplitCarryBase<SplitCarry> {
  using ChunkSplitCarryBase::ChunkSplitCarryBase;

  void runOnOperation() override {
    SmallVector<ScanOp> scans;
    getOperation().walk([&](ScanOp scan) {
      if (scan.getNumCarries() > 0)
        scans.push_back(scan);
    });
    llvm::erase_if(scans, [](ScanOp scan) {
      separateUses(scan);
      separateColumns(scan);
      return !bindsColumns(scan);
    });
    Type products = deltanet::kernel::withDefaults(
                        deltanet::kernel::getSchedule(getOperation()))
                        .getProducts();
    for (ScanOp scan : scans) {
      if (CarrySplitter(scan, products).run())
        ++numSplit;
    }
  }

private:
  /// Whether no dimension of the carried value is left alone by what the scan
  /// yields.
  static bool bindsColumns(ScanOp scan) {
    DimensionClasses classes(scan);
    return !classes.getUnknown() && scan.hasTokens() &&
           classes.findFree(scan.getCarryArguments()[0]) < 0;
  }
};
} // namespace
