//===- FuseElementwise.cpp - prologues and epilogues into the chunk body
//---===//
// Elementwise work around a scan, and reductions along a tile dimension (a
// norm), becomes part of the scan's body, whatever it computes: GenericToTile
// decides by the loops alone.
//===----------------------------------------------------------------------===//
#include "GenericToTile.h"
#include "ScanTypes.h"
#include "deltanet/Dialect/Chunk/Transforms/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/RegionUtils.h"

namespace deltanet::chunk {
#define GEN_PASS_DEF_CHUNKFUSEELEMENTWISE
#include "deltanet/Dialect/Chunk/Transforms/Passes.h.inc"
} // namespace deltanet::chunk

using namespace mlir;
using namespace deltanet::chunk;

//===----------------------------------------------------------------------===//
// Inputs of a scan
//===----------------------------------------------------------------------===//

/// The body argument that holds the tile of `value` by `access`; added if no
/// input is that already. A splat constant becomes a constant tile. Null if the
/// tile would not be static.
static Value getOrAddInput(ScanOp scan, Value value, AccessAttr access,
                           int64_t rows, Location loc, OpBuilder &body) {
  auto type = cast<RankedTensorType>(value.getType());
  RankedTensorType tile = getTileType(access, type, rows);
  if (!tile)
    return {};
  SplatElementsAttr splat;
  Value source = value;
  if (auto fill =
          value.getDefiningOp<linalg::FillOp>()) // of a constant, a constant
    source = fill.getInputs()[0];
  Attribute scalar;
  if (matchPattern(value, m_Constant(&splat)))
    return arith::ConstantOp::create(body, value.getLoc(),
                                     splat.resizeSplat(tile));
  if (source != value && matchPattern(source, m_Constant(&scalar)))
    return arith::ConstantOp::create(body, value.getLoc(),
                                     DenseElementsAttr::get(tile, scalar));
  for (auto [i, input] : llvm::enumerate(scan.getInputs()))
    if (input == value && scan.getInputAccess(i) == access &&
        scan.getInputArguments()[i].getType() == tile)
      return scan.getInputArguments()[i];
  scan.getInputsMutable().append(value);
  SmallVector<Attribute> accesses(scan.getInputAccesses().getValue());
  accesses.push_back(access);
  scan.setInputAccessesAttr(ArrayAttr::get(scan.getContext(), accesses));
  return scan.getBodyBlock()->addArgument(tile, loc);
}

/// Drops input `i`, which the body no longer reads.
static void dropInput(ScanOp scan, unsigned i) {
  auto count = [&](AccessAttr::Loop loop) {
    return llvm::count_if(scan.getInputAccesses(), [&](Attribute a) {
      return cast<AccessAttr>(a).has(loop);
    });
  };
  AccessAttr access = scan.getInputAccess(i);
  // The last input by batch, tokens or heads says how many there are.
  for (auto loop : {AccessAttr::Batch, AccessAttr::Token, AccessAttr::Head})
    if (access.has(loop) && count(loop) == 1)
      return;
  SmallVector<Attribute> accesses(scan.getInputAccesses().getValue());
  accesses.erase(accesses.begin() + i);
  scan.getBodyBlock()->eraseArgument(scan.getNumCarries() + 1 + i);
  scan.getInputsMutable().erase(i);
  scan.setInputAccessesAttr(ArrayAttr::get(scan.getContext(), accesses));
}

/// The tiles of the operands of `generic` in the body; those that the region
/// does not read are null. `have` gives tiles of operands that are known
/// already.
static bool gatherTiles(ScanOp scan, linalg::GenericOp generic,
                        const GenericToTile &code, int64_t rows, Location loc,
                        OpBuilder &body, SmallVector<Value> &tiles) {
  auto maps = generic.getIndexingMapsArray();
  for (auto [i, operand] : llvm::enumerate(generic->getOperands())) {
    if (tiles[i] || !code.reads(i))
      continue;
    tiles[i] =
        getOrAddInput(scan, operand, code.getAccess(maps[i]), rows, loc, body);
    if (!tiles[i])
      return false;
  }
  return true;
}

/// Scalars that the region takes from outside become tensors without
/// dimensions, so that they can be inputs of a scan.
static void captureScalars(linalg::GenericOp generic, RewriterBase &rewriter) {
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(generic.getRegion(), captured);
  for (Value value : captured) {
    if (Operation *def = value.getDefiningOp();
        def && def->hasTrait<OpTrait::ConstantLike>()) {
      // A constant moves in.
      rewriter.setInsertionPointToStart(generic.getBody());
      Value inside = rewriter.clone(*def)->getResult(0);
      rewriter.replaceUsesWithIf(value, inside, [&](OpOperand &use) {
        return generic->isProperAncestor(use.getOwner()) &&
               use.getOwner() != inside.getDefiningOp();
      });
    }
  }
}

//===----------------------------------------------------------------------===//
// Producers
//===----------------------------------------------------------------------===//

static void explain(linalg::GenericOp generic, StringRef what, StringRef why) {
  if (why.empty())
    return;
  mlir::emitRemark(generic.getLoc())
      << "stays outside of the recurrence's kernel, as its " << what << ": "
      << why;
}

/// The name of what the prologue of `argument` reads: k_in for k.
static Location inputName(BlockArgument argument) {
  auto named = dyn_cast<NameLoc>(argument.getLoc());
  if (!named || named.getName().getValue().ends_with("_in"))
    return argument.getLoc();
  auto name = StringAttr::get(argument.getContext(),
                              named.getName().getValue() + "_in");
  return NameLoc::get(name, named.getChildLoc());
}

/// Fuses the producer of input `i`; false if it has none that can be fused.
static bool fuseProducer(ScanOp scan, unsigned i, RewriterBase &rewriter,
                         llvm::SmallDenseSet<Operation *> &declined) {
  Value input = scan.getInputs()[i];
  BlockArgument argument = scan.getInputArguments()[i];
  if (argument.use_empty())
    return false;
  OpBuilder body = OpBuilder::atBlockBegin(scan.getBodyBlock());
  SplatElementsAttr splat;
  if (matchPattern(input, m_Constant(&splat))) {
    auto tile = cast<RankedTensorType>(argument.getType());
    argument.replaceAllUsesWith(arith::ConstantOp::create(
        body, input.getLoc(), splat.resizeSplat(tile)));
    dropInput(scan, i);
    return true;
  }
  auto generic = input.getDefiningOp<linalg::GenericOp>();
  if (!generic || declined.contains(generic))
    return false;
  captureScalars(generic, rewriter);
  unsigned result = cast<OpResult>(input).getResultNumber();
  AccessAttr access = scan.getInputAccess(i);
  auto tileType = cast<RankedTensorType>(argument.getType());
  int64_t rows = access.has(AccessAttr::Token) ? tileType.getDimSize(0)
                                               : scan.getChunkSize();
  AffineMap map =
      generic.getMatchingIndexingMap(generic.getDpsInitOperand(result));
  GenericToTile code(generic, rows);
  SmallVector<Value> tiles(generic->getNumOperands());
  bool fits = code.bind(map, access) && code.complete();
  // The tile of the result has its dimensions in the order of the argument's.
  fits = fits && code.getAccess(map) == access;
  if (!fits || !gatherTiles(scan, generic, code, rows, inputName(argument),
                            body, tiles)) {
    declined.insert(generic);
    explain(generic, "producer",
            code.getReason().empty()
                ? "its tile would be transposed or not static"
                : code.getReason());
    return false;
  }
  Value tile = code.build(body, tiles)[result];
  if (isa<NameLoc>(argument.getLoc()) && tile.getDefiningOp())
    tile.getDefiningOp()->setLoc(argument.getLoc());
  argument.replaceAllUsesWith(tile);
  dropInput(scan, i);
  return true;
}

//===----------------------------------------------------------------------===//
// Consumers
//===----------------------------------------------------------------------===//

/// Moves what `generic` reads, and is not of the scan, before the scan.
static bool moveOperandsBefore(linalg::GenericOp generic, ScanOp scan,
                               RewriterBase &rewriter) {
  DominanceInfo dominance;
  SmallVector<Value> values;
  for (Value operand : generic->getOperands())
    if (operand.getDefiningOp() != scan.getOperation() &&
        !dominance.dominates(operand, scan))
      values.push_back(operand);
  return values.empty() ||
         succeeded(moveValueDefinitions(rewriter, values, scan, dominance));
}

/// Fuses `generic`, which reads output `output` of the scan; null if it cannot.
static ScanOp fuseConsumer(ScanOp scan, unsigned output,
                           linalg::GenericOp generic, RewriterBase &rewriter,
                           llvm::SmallDenseSet<Operation *> &declined) {
  AccessAttr access = scan.getOutputAccess(output);
  int64_t rows = scan.getChunkSize();
  captureScalars(generic, rewriter);
  GenericToTile code(generic, rows);
  auto maps = generic.getIndexingMapsArray();
  unsigned position = 0;
  while (generic->getOperand(position) != scan.getResult(output))
    ++position;
  auto decline = [&](StringRef why) {
    declined.insert(generic);
    explain(generic, "consumer", why);
    return ScanOp();
  };
  if (!code.bind(maps[position], access) || !code.complete())
    return decline(code.getReason());
  SmallVector<Attribute> accesses;
  for (OpOperand &init : generic.getDpsInitsMutable()) {
    AccessAttr result = code.getAccess(generic.getMatchingIndexingMap(&init));
    for (auto loop : {AccessAttr::Batch, AccessAttr::Token, AccessAttr::Head})
      if (access.has(loop) && !result.has(loop))
        return decline("its result is not one of tokens and heads");
    accesses.push_back(result);
  }
  SmallVector<Value> tiles(generic->getNumOperands());
  auto yield = cast<YieldOp>(scan.getBodyBlock()->getTerminator());
  for (auto [i, operand] : llvm::enumerate(generic->getOperands())) {
    if (operand.getDefiningOp() != scan.getOperation() || !code.reads(i))
      continue;
    unsigned number = cast<OpResult>(operand).getResultNumber();
    if (number >= scan.getNumOutputs() ||
        code.getAccess(maps[i]) != scan.getOutputAccess(number))
      return decline(
          "it reads a result of the scan in another order, or a final value");
    tiles[i] = yield.getOutputs()[number];
  }
  // What still depends on the scan may be fused first.
  if (!moveOperandsBefore(generic, scan, rewriter))
    return {};
  OpBuilder body(yield);
  if (!gatherTiles(scan, generic, code, rows, generic.getLoc(), body, tiles))
    return decline("a dimension of its tile is not static");
  SmallVector<Value> results = code.build(body, tiles);
  unsigned first = scan.getNumOutputs();
  SmallVector<Type> types(generic.getResultTypes());
  ScanOp fresh = withOutputs(scan, types, accesses, results, rewriter);
  rewriter.replaceOp(generic, fresh.getResults().slice(first, results.size()));
  return fresh;
}

static ScanOp fuseOneConsumer(ScanOp scan, RewriterBase &rewriter,
                              llvm::SmallDenseSet<Operation *> &declined) {
  for (auto [i, output] : llvm::enumerate(scan.getOutputs())) {
    if (!scan.getOutputAccess(i).has(AccessAttr::Token))
      continue;
    SmallVector<Operation *> users(output.getUsers());
    // In program order, so that a later consumer finds the earlier one fused.
    llvm::sort(users, [](Operation *a, Operation *b) {
      return a->getBlock() == b->getBlock() && a->isBeforeInBlock(b);
    });
    for (Operation *user : users)
      if (auto generic = dyn_cast<linalg::GenericOp>(user);
          generic && generic->getBlock() == scan->getBlock() &&
          !declined.contains(generic))
        if (ScanOp fresh = fuseConsumer(scan, i, generic, rewriter, declined))
          return fresh;
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
struct FuseElementwise
    : deltanet::chunk::impl::ChunkFuseElementwiseBase<FuseElementwise> {
  using ChunkFuseElementwiseBase::ChunkFuseElementwiseBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    SmallVector<ScanOp> scans;
    function.walk([&](ScanOp scan) { scans.push_back(scan); });
    if (scans.empty() || failed(generalize(function)) ||
        failed(resolveExtents(function)))
      return;
    IRRewriter rewriter(&getContext());
    for (ScanOp scan : scans) {
      llvm::SmallDenseSet<Operation *> declined;
      while (ScanOp fused = fuseOneConsumer(scan, rewriter, declined)) {
        scan = fused;
        ++numConsumers;
      }
      declined.clear();
      for (unsigned i = 0; i < scan.getInputs().size();) {
        if (fuseProducer(scan, i, rewriter, declined)) {
          ++numProducers;
          i = 0;
        } else {
          ++i;
        }
      }
    }
  }

private:
  /// Extents of results become those of operands.
  LogicalResult resolveExtents(func::FuncOp function) {
    RewritePatternSet patterns(&getContext());
    memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
    memref::populateResolveShapedTypeResultDimsPatterns(patterns);
    SmallVector<Operation *> extents;
    function.walk([&](tensor::DimOp dim) { extents.push_back(dim); });
    GreedyRewriteConfig config;
    config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
    config.enableFolding(false);
    return applyOpPatternsGreedily(extents, std::move(patterns), config);
  }

  /// Brings elementwise and named operations outside of scans to
  /// linalg.generic.
  LogicalResult generalize(func::FuncOp function) {
    SmallVector<Operation *> outside;
    function.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isa<ScanOp>(op))
        return WalkResult::skip();
      if (op != function.getOperation())
        outside.push_back(op);
      return WalkResult::advance();
    });
    RewritePatternSet patterns(&getContext());
    linalg::populateElementwiseToLinalgConversionPatterns(patterns);
    linalg::populateLinalgNamedOpsGeneralizationPatterns(patterns);
    FrozenRewritePatternSet frozen(std::move(patterns));
    GreedyRewriteConfig config;
    config.setStrictness(GreedyRewriteStrictness::ExistingOps);
    config.enableFolding(false);
    SmallVector<Operation *> candidates;
    for (Operation *op : outside)
      if (!isa<linalg::FillOp>(op) &&
          op->getNumRegions() + op->getNumResults() > 0)
        candidates.push_back(op);
    return applyOpPatternsGreedily(candidates, frozen, config);
  }
};
} // namespace
