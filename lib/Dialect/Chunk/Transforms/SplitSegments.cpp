//===- SplitSegments.cpp - runs of chunks side by side --------------------===//
// S_end = P S_start + N over any run of chunks (10). N is the body run from
// zero, P its linear part run from the identity; a diagonal P from ones.
//===----------------------------------------------------------------------===//
#include "LinearPart.h"
#include "deltanet/Dialect/Chunk/Transforms/Passes.h"
#include "deltanet/Dialect/Kernel/IR/Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace deltanet::chunk {
#define GEN_PASS_DEF_CHUNKSPLITSEGMENTS
#include "deltanet/Dialect/Chunk/Transforms/Passes.h.inc"
} // namespace deltanet::chunk

using namespace mlir;
using namespace deltanet::chunk;

namespace {
class SegmentSplitter {
public:
  SegmentSplitter(ScanOp scan, int64_t segments, const LinearPart &linear)
      : scan(scan), segments(segments), linear(linear), b(scan),
        loc(scan.getLoc()), carry(scan.getCarryArguments()[0]),
        carryType(cast<RankedTensorType>(carry.getType())) {}

  void run() {
    Value n = buildRun("N", carryType, /*product=*/false);
    Value p;
    if (!linear.isIdentity())
      p = buildRun("P", linear.getStoredType(), /*product=*/true);
    auto [starts, end] = buildCombine(n, p);
    // The scan itself, from where its segments begin.
    scan.getFinals()[0].replaceAllUsesWith(end);
    auto fresh = ScanOp::create(
        b, loc, concat(scan.getOutputs().getTypes(), starts.getType()),
        scan.getSequences(), ValueRange(starts), scan.getInputs(), Value(),
        scan.getChunkSizeAttr(), access(), scan.getInputAccesses(),
        scan.getOutputAccesses(), access(), scan.getReverseAttr(),
        b.getI64IntegerAttr(segments));
    fresh->setDiscardableAttrs(scan->getDiscardableAttrDictionary());
    fresh.getBody().takeBody(scan.getBody());
    for (auto [old, value] : llvm::zip(scan.getOutputs(), fresh.getOutputs()))
      old.replaceAllUsesWith(value);
    scan.erase();
  }

private:
  static SmallVector<Type> concat(TypeRange types, Type last) {
    SmallVector<Type> all(types);
    all.push_back(last);
    return all;
  }
  Location named(StringRef name) {
    return NameLoc::get(b.getStringAttr(name), loc);
  }

  bool hasHeads() {
    return llvm::any_of(scan.getFinalAccesses(), [](Attribute a) {
      return cast<AccessAttr>(a).has(AccessAttr::Head);
    });
  }
  /// A tile of each sequence, segment and head; `loop` walks the segments.
  ArrayAttr access(AccessAttr::Loop loop = AccessAttr::Segment) {
    SmallVector<int64_t> entries = {AccessAttr::Sequence, loop};
    if (hasHeads())
      entries.push_back(AccessAttr::Head);
    llvm::append_values(entries, 0, 1);
    return b.getArrayAttr(AccessAttr::get(b.getContext(), entries));
  }
  RankedTensorType tensorType(RankedTensorType tile) {
    auto extent = [&](AccessAttr::Loop loop) {
      auto read = [&](ValueRange values, ArrayAttr accesses) {
        for (auto [value, attr] : llvm::zip(values, accesses))
          if (int64_t dim = cast<AccessAttr>(attr).findLoop(loop); dim >= 0)
            return cast<RankedTensorType>(value.getType()).getDimSize(dim);
        return ShapedType::kDynamic;
      };
      int64_t known = read(scan.getFinals(), scan.getFinalAccesses());
      return ShapedType::isDynamic(known)
                 ? read(scan.getInputs(), scan.getInputAccesses())
                 : known;
    };
    int64_t sequences = extent(AccessAttr::Sequence);
    if (ShapedType::isDynamic(sequences) && !scan.getSequences())
      sequences = extent(AccessAttr::Batch);
    SmallVector<int64_t> shape = {sequences, segments};
    if (hasHeads())
      shape.push_back(extent(AccessAttr::Head));
    llvm::append_range(shape, tile.getShape());
    return RankedTensorType::get(shape, tile.getElementType());
  }

  /// What every segment makes of `init`: N, or with `product` P.
  Value buildRun(StringRef name, RankedTensorType stored, bool product) {
    Value init;
    auto tile = product ? linear.getCarryType() : carryType;
    if (product && !linear.isElementwise())
      init = IdentityOp::create(b, named("I"), tile);
    else
      init = arith::ConstantOp::create(
          b, loc,
          DenseElementsAttr::get(
              tile, b.getFloatAttr(tile.getElementType(), product ? 1 : 0)));
    auto whole = b.getArrayAttr(
        AccessAttr::get(b.getContext(), ArrayRef<int64_t>{0, 1}));
    auto run = ScanOp::create(
        b, named(name), TypeRange(tensorType(stored)), scan.getSequences(),
        ValueRange(init), scan.getInputs(), Value(), scan.getChunkSizeAttr(),
        whole, scan.getInputAccesses(), b.getArrayAttr({}), access(),
        scan.getReverseAttr(), b.getI64IntegerAttr(segments));
    Block *block = b.createBlock(&run.getBody());
    block->addArgument(tile, carry.getLoc());
    for (BlockArgument argument :
         scan.getBodyBlock()->getArguments().drop_front())
      block->addArgument(argument.getType(), argument.getLoc());
    IRMapping mapping;
    mapping.map(scan.getBodyBlock()->getArguments(), block->getArguments());
    Value next;
    if (product) {
      next = linear.emit(b, mapping);
    } else {
      for (Operation &op : scan.getBodyBlock()->without_terminator())
        b.clone(op, mapping);
      next = mapping.lookup(getYield().getCarries()[0]);
    }
    YieldOp::create(b, loc, ValueRange(), next);
    b.setInsertionPoint(scan);
    return run.getFinals()[0];
  }

  YieldOp getYield() {
    return cast<YieldOp>(scan.getBodyBlock()->getTerminator());
  }

  /// Where every segment begins, and where the last one ends.
  std::pair<Value, Value> buildCombine(Value n, Value p) {
    SmallVector<Value> inputs = {n};
    if (p)
      inputs.push_back(p);
    ArrayAttr by = access(AccessAttr::Chunk);
    SmallVector<Attribute> accesses(inputs.size(), by[0]);
    auto starts = tensorType(carryType);
    auto combine = ScanOp::create(
        b, named("starts"), concat(starts, scan.getFinals()[0].getType()),
        Value(), scan.getInits(), inputs, scan.getIndices(),
        b.getI64IntegerAttr(1), scan.getInitAccesses(),
        b.getArrayAttr(accesses), by, scan.getFinalAccesses(),
        scan.getReverseAttr(), IntegerAttr());
    Block *block = b.createBlock(&combine.getBody());
    Value s = block->addArgument(carryType, carry.getLoc());
    block->addArgument(b.getIndexType(), loc);
    Value run = block->addArgument(carryType, named("N")), moved = s;
    if (p && linear.isElementwise()) {
      Value factors = block->addArgument(linear.getCarryType(), named("P"));
      moved = arith::MulFOp::create(b, named("PS"), factors, s);
    } else if (p) {
      auto product = linear.getProductType();
      Value matrix = block->addArgument(product, named("P"));
      if (product.getElementType() != carryType.getElementType())
        moved = arith::TruncFOp::create(
            b, carry.getLoc(), carryType.clone(product.getElementType()), s);
      // The columns of the state are those of the product.
      bool right = linear.getColumn() == 1;
      moved = DotOp::create(b, named("PS"), carryType, right ? matrix : moved,
                            right ? moved : matrix, false, false);
    }
    Value next = arith::AddFOp::create(b, named("S_next"), moved, run);
    YieldOp::create(b, loc, s, next);
    b.setInsertionPoint(scan);
    return {combine.getOutputs()[0], combine.getFinals()[0]};
  }

  ScanOp scan;
  int64_t segments;
  const LinearPart &linear;
  OpBuilder b;
  Location loc;
  Value carry;
  RankedTensorType carryType;
};

struct SplitSegments
    : deltanet::chunk::impl::ChunkSplitSegmentsBase<SplitSegments> {
  using ChunkSplitSegmentsBase::ChunkSplitSegmentsBase;

  void runOnOperation() override {
    int64_t count = segments;
    if (count == 0)
      count = deltanet::kernel::getSchedule(getOperation()).getSegments();
    if (count < 2)
      return;
    SmallVector<ScanOp> scans;
    getOperation().walk([&](ScanOp scan) {
      if (scan.getNumCarries() > 0 && scan.hasTokens() && !scan.getSegments())
        scans.push_back(scan);
    });
    for (ScanOp scan : scans) {
      separateUses(scan);
      FailureOr<LinearPart> linear = LinearPart::find(scan);
      if (failed(linear))
        return signalPassFailure();
      SegmentSplitter(scan, count, *linear).run();
      ++numSplit;
    }
  }
};
} // namespace
