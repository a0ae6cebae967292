//===- SplitSums.cpp - sums over chunks that need not be carried ----------===//
// The gradient of a parameter is carried as a sum: every chunk adds its term.
// No chunk has to wait for that: terms are outputs, and summed up afterwards.
//===----------------------------------------------------------------------===//
#include "ScanTypes.h"
#include "deltanet/Dialect/Chunk/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/BitVector.h"

namespace deltanet::chunk {
#define GEN_PASS_DEF_CHUNKSPLITSUMS
#include "deltanet/Dialect/Chunk/Transforms/Passes.h.inc"
} // namespace deltanet::chunk

using namespace mlir;
using namespace deltanet::chunk;

namespace {
class SumSplitter {
public:
  explicit SumSplitter(ScanOp scan)
      : scan(scan), rewriter(scan.getContext()), split(scan.getNumCarries()) {}

  /// The number of carries that became outputs.
  int64_t run() {
    SmallVector<Type> types;
    SmallVector<Attribute> accesses;
    SmallVector<Value> terms;
    for (int64_t i = 0, e = scan.getNumCarries(); i != e; ++i) {
      Value term = findTerm(i);
      if (!term || !isOnlySummed(i))
        continue;
      split.set(i);
      terms.push_back(term);
      AccessAttr access = getTermAccess(i);
      accesses.push_back(access);
      types.push_back(
          getStorageType(scan, access, cast<RankedTensorType>(term.getType())));
    }
    if (terms.empty())
      return 0;
    int64_t first = scan.getNumOutputs();
    scan = withOutputs(scan, types, accesses, terms, rewriter);
    int64_t next = first;
    for (unsigned i : split.set_bits())
      sumUp(i, next++);
    dropCarries();
    return terms.size();
  }

private:
  /// What chunks add to carry `i`, which nothing else reads; null otherwise.
  Value findTerm(int64_t i) {
    BlockArgument carried = scan.getCarryArguments()[i];
    auto type = cast<RankedTensorType>(carried.getType());
    auto yield = cast<YieldOp>(scan.getBodyBlock()->getTerminator());
    auto next = yield.getCarries()[i].getDefiningOp<arith::AddFOp>();
    // Matrices of every chunk would take more room than they save time.
    if (type.getRank() > 1 || !next || !next->hasOneUse() ||
        !carried.hasOneUse() || *carried.user_begin() != next ||
        !matchPattern(scan.getInits()[i], m_AnyZeroFloat()))
      return {};
    return next.getLhs() == carried ? next.getRhs() : next.getLhs();
  }

  bool isOnlySummed(int64_t i) {
    Value final = scan.getFinals()[i];
    return !final.use_empty() &&
           llvm::all_of(final.getUses(), [](OpOperand &use) {
             auto sum = dyn_cast<SumOp>(use.getOwner());
             return sum && use.get() != sum.getLike() &&
                    !sum.getAccess().has(AccessAttr::Sequence);
           });
  }

  /// By chunks, and beside that as the final is walked.
  AccessAttr getTermAccess(int64_t i) {
    SmallVector<int64_t> entries(getChunkAccess(scan, 0).getEntries());
    entries.resize(2);
    for (int64_t entry : scan.getFinalAccess(i).getEntries())
      if (entry != AccessAttr::Sequence)
        entries.push_back(entry);
    return AccessAttr::get(scan.getContext(), entries);
  }

  /// Puts the sum over the chunks of output `output` in the place of final `i`.
  /// Chunks of packed sequences are all one list, and their sum is that over
  /// the sequences.
  void sumUp(int64_t i, int64_t output) {
    Value terms = scan.getOutputs()[output], final = scan.getFinals()[i];
    AccessAttr access = scan.getOutputAccess(output);
    bool packed = bool(scan.getSequences());
    SmallVector<int64_t> entries, shape;
    for (auto [entry, extent] :
         llvm::zip(access.getEntries(),
                   cast<RankedTensorType>(terms.getType()).getShape())) {
      if (entry == AccessAttr::Chunk || (packed && entry == AccessAttr::Batch))
        continue;
      entries.push_back(entry);
      shape.push_back(extent);
    }
    auto summed = AccessAttr::get(scan.getContext(), entries);
    auto type = cast<RankedTensorType>(terms.getType()).clone(shape);
    for (OpOperand &use : llvm::make_early_inc_range(final.getUses())) {
      auto sum = cast<SumOp>(use.getOwner());
      SmallVector<Attribute> accesses(sum.getPartAccesses().getValue());
      unsigned part = use.getOperandNumber();
      if (sum.getAccess() == summed) {
        accesses[part] = access;
        use.set(terms);
      } else {
        accesses[part] = summed;
        rewriter.setInsertionPoint(sum);
        use.set(SumOp::create(rewriter, sum.getLoc(), type, terms, access,
                              summed, Value()));
      }
      sum.setPartAccessesAttr(rewriter.getArrayAttr(accesses));
    }
  }

  void dropCarries() {
    auto keep = [&](auto range) {
      SmallVector<std::decay_t<decltype(*range.begin())>> kept;
      for (auto [i, x] : llvm::enumerate(range))
        if (!split.test(i))
          kept.push_back(x);
      return kept;
    };
    auto yield = cast<YieldOp>(scan.getBodyBlock()->getTerminator());
    SmallVector<Operation *> sums;
    for (unsigned i : split.set_bits())
      sums.push_back(yield.getCarries()[i].getDefiningOp());
    rewriter.setInsertionPoint(scan);
    yield.getCarriesMutable().assign(keep(yield.getCarries()));
    for (Operation *sum : sums)
      sum->erase();
    BitVector arguments(scan.getBodyBlock()->getNumArguments());
    for (unsigned i : split.set_bits())
      arguments.set(i);
    SmallVector<Type> types(scan.getOutputs().getTypes());
    SmallVector<Value> inits = keep(scan.getInits());
    SmallVector<OpResult> finals = keep(scan.getFinals());
    // Side by side chunks have no order, but runs a first one.
    bool ordered =
        !inits.empty() || llvm::any_of(scan.getOutputAccesses(), [](auto a) {
          return cast<AccessAttr>(a).has(AccessAttr::Segment);
        });
    for (OpResult final : finals)
      types.push_back(final.getType());
    auto fresh = ScanOp::create(
        rewriter, scan.getLoc(), types, scan.getSequences(), inits,
        scan.getInputs(), scan.getIndices(), scan.getChunkSizeAttr(),
        rewriter.getArrayAttr(keep(scan.getInitAccesses().getValue())),
        scan.getInputAccesses(), scan.getOutputAccesses(),
        rewriter.getArrayAttr(keep(scan.getFinalAccesses().getValue())),
        ordered ? scan.getReverseAttr() : UnitAttr(), scan.getSegmentsAttr());
    fresh->setDiscardableAttrs(scan->getDiscardableAttrDictionary());
    rewriter.inlineRegionBefore(scan.getBody(), fresh.getBody(),
                                fresh.getBody().end());
    fresh.getBodyBlock()->eraseArguments(arguments);
    for (auto [old, result] : llvm::zip(scan.getOutputs(), fresh.getOutputs()))
      rewriter.replaceAllUsesWith(old, result);
    for (auto [old, result] : llvm::zip(finals, fresh.getFinals()))
      rewriter.replaceAllUsesWith(old, result);
    rewriter.eraseOp(scan);
  }

  ScanOp scan;
  IRRewriter rewriter;
  BitVector split; // carries that become outputs
};

struct SplitSums : deltanet::chunk::impl::ChunkSplitSumsBase<SplitSums> {
  using ChunkSplitSumsBase::ChunkSplitSumsBase;

  void runOnOperation() override {
    SmallVector<ScanOp> scans;
    getOperation().walk([&](ScanOp scan) {
      if (!scan.getSegments() && scan.hasTokens())
        scans.push_back(scan);
    });
    for (ScanOp scan : scans)
      numSplit += SumSplitter(scan).run();
  }
};
} // namespace
