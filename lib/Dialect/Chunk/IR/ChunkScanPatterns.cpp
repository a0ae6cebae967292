//===- ChunkScanPatterns.cpp - canonicalisation of chunk.scan -------------===//
// What nobody reads goes, what is twice the same becomes one, groups that are
// heads are heads.
//===----------------------------------------------------------------------===//
#include "deltanet/Dialect/Chunk/IR/DimensionClasses.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace deltanet::chunk;

namespace {
/// Drops inputs that the body does not read and outputs that nobody uses.
struct DropUnused : OpRewritePattern<ScanOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScanOp op,
                                PatternRewriter &rewriter) const override {
    BitVector deadInputs(op.getInputs().size()),
        deadOutputs(op.getNumOutputs());
    // The last inputs by batch, tokens and heads say how many there are.
    constexpr AccessAttr::Loop loops[] = {AccessAttr::Batch, AccessAttr::Token,
                                          AccessAttr::Head};
    llvm::SmallDenseMap<int64_t, int64_t> walked;
    for (Attribute a : op.getInputAccesses())
      for (AccessAttr::Loop loop : loops)
        walked[loop] += cast<AccessAttr>(a).has(loop);
    for (auto [i, arg] : llvm::enumerate(op.getInputArguments())) {
      AccessAttr access = op.getInputAccess(i);
      if (!arg.use_empty() || llvm::any_of(loops, [&](AccessAttr::Loop loop) {
            return access.has(loop) && walked[loop] == 1;
          }))
        continue;
      for (AccessAttr::Loop loop : loops)
        walked[loop] -= access.has(loop);
      deadInputs.set(i);
    }
    for (auto [i, output] : llvm::enumerate(op.getOutputs()))
      if (output.use_empty())
        deadOutputs.set(i);
    if (deadInputs.none() && deadOutputs.none())
      return rewriter.notifyMatchFailure(op, "every input and output is used");

    auto keep = [](auto range, const BitVector &dead) {
      SmallVector<std::decay_t<decltype(*range.begin())>> kept;
      for (auto [i, x] : llvm::enumerate(range))
        if (!dead.test(i))
          kept.push_back(x);
      return kept;
    };
    SmallVector<Value> inputs, outputs;
    SmallVector<Attribute> inputAccesses =
        keep(op.getInputAccesses().getValue(), deadInputs);
    SmallVector<Attribute> outputAccesses =
        keep(op.getOutputAccesses().getValue(), deadOutputs);
    for (auto [i, v] : llvm::enumerate(op.getInputs()))
      if (!deadInputs.test(i))
        inputs.push_back(v);
    SmallVector<Type> types;
    for (auto [i, v] : llvm::enumerate(op.getOutputs()))
      if (!deadOutputs.test(i))
        types.push_back(v.getType());
    llvm::append_range(types, op.getFinals().getTypes());

    auto yield = cast<YieldOp>(op.getBodyBlock()->getTerminator());
    for (auto [i, v] : llvm::enumerate(yield.getOutputs()))
      if (!deadOutputs.test(i))
        outputs.push_back(v);
    auto scan = ScanOp::create(
        rewriter, op.getLoc(), types, op.getSequences(), op.getInits(), inputs,
        op.getIndices(), op.getChunkSizeAttr(), op.getInitAccesses(),
        rewriter.getArrayAttr(inputAccesses),
        rewriter.getArrayAttr(outputAccesses), op.getFinalAccesses(),
        op.getReverseAttr(), op.getSegmentsAttr());
    rewriter.modifyOpInPlace(
        yield, [&] { yield.getOutputsMutable().assign(outputs); });
    rewriter.inlineRegionBefore(op.getBody(), scan.getBody(),
                                scan.getBody().end());
    BitVector deadArguments(op.getNumCarries() + 1 + deadInputs.size());
    for (unsigned i : deadInputs.set_bits())
      deadArguments.set(op.getNumCarries() + 1 + i);
    scan.getBodyBlock()->eraseArguments(deadArguments);
    SmallVector<Value> replacements;
    unsigned next = 0;
    for (unsigned i = 0, e = op.getNumResults(); i != e; ++i)
      replacements.push_back(i < deadOutputs.size() && deadOutputs.test(i)
                                 ? Value()
                                 : Value(scan.getResult(next++)));
    for (auto [old, fresh] : llvm::zip(op.getResults(), replacements))
      if (fresh)
        rewriter.replaceAllUsesWith(old, fresh);
    rewriter.eraseOp(op);
    return success();
  }
};

/// A tensor that is walked by heads and by groups in one dimension has as many
/// of the one as of the other: there are no groups.
struct UngroupHeads : OpRewritePattern<ScanOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScanOp op,
                                PatternRewriter &rewriter) const override {
    llvm::SmallDenseSet<std::pair<Value, int64_t>> byHeads;
    auto dimension = [&](size_t i, AccessAttr::Loop loop) {
      return std::pair<Value, int64_t>(op.getInputs()[i],
                                       op.getInputAccess(i).findLoop(loop));
    };
    for (size_t i = 0; i != op.getInputs().size(); ++i)
      if (op.getInputAccess(i).has(AccessAttr::Head))
        byHeads.insert(dimension(i, AccessAttr::Head));
    auto isBoth = [&](size_t i) {
      return op.getInputAccess(i).has(AccessAttr::Group) &&
             byHeads.contains(dimension(i, AccessAttr::Group));
    };
    if (llvm::none_of(llvm::seq(op.getInputs().size()), isBoth))
      return rewriter.notifyMatchFailure(
          op, "no tensor is walked by heads and by groups");
    SmallVector<Attribute> accesses;
    for (Attribute a : op.getInputAccesses()) {
      SmallVector<int64_t> entries(cast<AccessAttr>(a).getEntries());
      llvm::replace(entries, int64_t(AccessAttr::Group),
                    int64_t(AccessAttr::Head));
      accesses.push_back(AccessAttr::get(op.getContext(), entries));
    }
    rewriter.modifyOpInPlace(
        op, [&] { op.setInputAccessesAttr(rewriter.getArrayAttr(accesses)); });
    return success();
  }
};

/// Whether one tile may be in place of `x` and `y`: a tensor may be key and
/// value, but what has the columns of the state is kept apart from what has
/// not.
bool haveColumnsAlike(ScanOp op, Value x, Value y) {
  if (op.getNumCarries() == 0)
    return true;
  DimensionClasses classes(op);
  if (classes.getUnknown())
    return false;
  Value carry = op.getCarryArguments()[0];
  int64_t column = classes.findFree(carry);
  if (column < 0)
    return true;
  for (int64_t d = 0, e = cast<RankedTensorType>(x.getType()).getRank(); d != e;
       ++d)
    if (classes.together(carry, column, x, d) !=
        classes.together(carry, column, y, d))
      return false;
  return true;
}

/// Two inputs that are the same part of the same tensor are one.
struct MergeInputs : OpRewritePattern<ScanOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScanOp op,
                                PatternRewriter &rewriter) const override {
    auto arguments = op.getInputArguments();
    for (size_t i = 0, e = arguments.size(); i != e; ++i)
      for (size_t j = i + 1; j != e; ++j)
        if (op.getInputs()[i] == op.getInputs()[j] &&
            op.getInputAccess(i) == op.getInputAccess(j) &&
            arguments[i].getType() == arguments[j].getType() &&
            !arguments[j].use_empty() &&
            haveColumnsAlike(op, arguments[i], arguments[j])) {
          rewriter.replaceAllUsesWith(arguments[j], arguments[i]);
          return success();
        }
    return rewriter.notifyMatchFailure(op, "no two inputs are the same");
  }
};
} // namespace

void ScanOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *context) {
  patterns.add<DropUnused, MergeInputs, UngroupHeads>(context);
}
