//===- GenericToTile.cpp - a linalg.generic as code on tiles
//---------------===//
// See GenericToTile.h.
//===----------------------------------------------------------------------===//
#include "GenericToTile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace deltanet::chunk;

bool GenericToTile::refuse(const Twine &why) {
  reason = why.str();
  return false;
}

bool GenericToTile::isReduction(unsigned loop) const {
  return generic.getIteratorTypesArray()[loop] ==
         utils::IteratorType::reduction;
}

bool GenericToTile::isProjection(AffineMap map) const {
  return map.isProjectedPermutation(/*allowZeroInResults=*/false);
}

bool GenericToTile::bind(AffineMap map, AccessAttr access) {
  if (!generic.hasPureTensorSemantics())
    return refuse("it is not on tensors");
  if (!isProjection(map))
    return refuse("a tensor is not indexed by plain loops");
  entries.assign(generic.getNumLoops(), std::nullopt);
  for (auto [expr, entry] : llvm::zip(map.getResults(), access.getEntries()))
    entries[cast<AffineDimExpr>(expr).getPosition()] = entry;
  return true;
}

bool GenericToTile::complete() {
  int64_t next = 0;
  for (auto entry : entries)
    if (entry)
      next = std::max(next, *entry == AccessAttr::Token ? 1 : *entry + 1);
  llvm::SmallDenseMap<int64_t, int64_t> extents;
  auto ranges = generic.getStaticLoopRanges();
  for (auto [loop, entry] : llvm::enumerate(entries)) {
    if (!entry && !isReduction(loop))
      return refuse(
          "one of its loops is neither the scan's nor a dimension of the tile");
    if (!entry)
      entry = next++;
    if (*entry == AccessAttr::Token) {
      extents[0] = rows;
    } else if (*entry >= 0) {
      if (ShapedType::isDynamic(ranges[loop]))
        return refuse("a dimension of its tile is not static");
      extents[*entry] = ranges[loop];
    }
    if (isReduction(loop) && *entry < 0)
      return refuse("it reduces over tokens, heads or the batch");
  }
  for (auto [dim, extent] : extents)
    fullDims.push_back(dim);
  llvm::sort(fullDims);
  for (int64_t dim : fullDims)
    fullShape.push_back(extents[dim]);
  return checkRegion();
}

bool GenericToTile::checkRegion() {
  for (AffineMap map : generic.getIndexingMapsArray())
    if (!isProjection(map))
      return refuse("a tensor is not indexed by plain loops");
  for (Operation &op : generic.getBody()->without_terminator()) {
    if (op.hasTrait<OpTrait::ConstantLike>())
      continue;
    if (!OpTrait::hasElementwiseMappableTraits(&op) || op.getNumResults() != 1)
      return refuse("its body has '" + op.getName().getStringRef() +
                    "', which is not elementwise");
    for (Value operand : op.getOperands())
      if (operand.getParentBlock() != generic.getBody())
        return refuse(
            "its body reads a scalar from outside that is not a constant");
  }
  for (Value value : generic.getBody()->getTerminator()->getOperands())
    if (value.getParentBlock() != generic.getBody())
      return refuse("its body gives a value from outside");
  for (unsigned i = 0, e = generic.getNumDpsInits(); i != e; ++i) {
    bool reduces =
        getAccess(generic.getMatchingIndexingMap(generic.getDpsInitOperand(i)))
            .getTileRank() != static_cast<int64_t>(fullDims.size());
    if (reduces && !findCombiner(i))
      return refuse("it reduces by something other than a sum, product, "
                    "maximum or minimum");
  }
  return true;
}

Operation *GenericToTile::findCombiner(unsigned i) const {
  auto yield = cast<linalg::YieldOp>(generic.getBody()->getTerminator());
  Operation *op = yield.getOperand(i).getDefiningOp();
  BlockArgument acc = generic.getRegionOutputArgs()[i];
  if (!op ||
      !isa<arith::AddFOp, arith::MulFOp, arith::MaximumFOp, arith::MinimumFOp>(
          op) ||
      !acc.hasOneUse() || *acc.user_begin() != op ||
      !op->getResult(0).hasOneUse())
    return nullptr;
  return op;
}

bool GenericToTile::reads(unsigned i) const {
  return !generic.getBody()->getArgument(i).use_empty();
}

SmallVector<int64_t> GenericToTile::tileDims(AffineMap map) const {
  SmallVector<int64_t> dims;
  for (AffineExpr expr : map.getResults()) {
    int64_t entry = *entries[cast<AffineDimExpr>(expr).getPosition()];
    if (entry == AccessAttr::Token || entry >= 0)
      dims.push_back(entry == AccessAttr::Token ? 0 : entry);
  }
  llvm::sort(dims);
  return dims;
}

AccessAttr GenericToTile::getAccess(AffineMap map) const {
  // Tile dimensions are renumbered without gaps, in order.
  SmallVector<int64_t> dims = tileDims(map), result;
  for (AffineExpr expr : map.getResults()) {
    int64_t entry = *entries[cast<AffineDimExpr>(expr).getPosition()];
    result.push_back(entry < 0 ? entry
                               : llvm::find(dims, entry) - dims.begin());
  }
  return AccessAttr::get(generic.getContext(), result);
}

Value GenericToTile::widen(OpBuilder &b, const Tile &tile,
                           ArrayRef<int64_t> dims) const {
  SmallVector<int64_t> added, shape;
  for (auto [i, dim] : llvm::enumerate(dims)) {
    shape.push_back(fullShape[llvm::find(fullDims, dim) - fullDims.begin()]);
    if (!llvm::is_contained(tile.dims, dim))
      added.push_back(i);
  }
  if (added.empty())
    return tile.value;
  Type element = cast<RankedTensorType>(tile.value.getType()).getElementType();
  auto type = RankedTensorType::get(shape, element);
  SplatElementsAttr splat;
  if (matchPattern(tile.value, m_Constant(&splat)))
    return arith::ConstantOp::create(b, generic.getLoc(),
                                     splat.resizeSplat(type));
  return BroadcastOp::create(b, generic.getLoc(), type, tile.value, added);
}

static Combine combineOf(Operation *op) {
  if (isa<arith::AddFOp>(op))
    return Combine::Add;
  if (isa<arith::MulFOp>(op))
    return Combine::Mul;
  return isa<arith::MaximumFOp>(op) ? Combine::Max : Combine::Min;
}

/// Whether `tile` is a constant that `combiner` leaves the other operand as it
/// is with.
static bool isNeutral(Value tile, Operation *combiner) {
  SplatElementsAttr splat;
  if (!matchPattern(tile, m_Constant(&splat)))
    return false;
  APFloat value = splat.getSplatValue<APFloat>();
  switch (combineOf(combiner)) {
  case Combine::Add:
    return value.isZero();
  case Combine::Mul:
    return value.isExactlyValue(1.0);
  case Combine::Max:
    return value.isInfinity() && value.isNegative();
  case Combine::Min:
    return value.isInfinity() && !value.isNegative();
  }
  llvm_unreachable("every way to combine has a neutral element");
}

GenericToTile::Tile GenericToTile::buildOp(OpBuilder &b, Operation &op,
                                           const TileMap &tiles) const {
  // On the dimensions that its operands have: a number per row stays one.
  SmallVector<int64_t> dims, shape;
  for (auto [dim, extent] : llvm::zip(fullDims, fullShape))
    if (llvm::any_of(op.getOperands(), [&, d = dim](Value v) {
          return llvm::is_contained(tiles.at(v).dims, d);
        })) {
      dims.push_back(dim);
      shape.push_back(extent);
    }
  auto type = RankedTensorType::get(shape, op.getResult(0).getType());
  Attribute value;
  if (matchPattern(&op, m_Constant(&value)))
    return {arith::ConstantOp::create(
                b, op.getLoc(),
                DenseElementsAttr::get(type, ArrayRef<Attribute>(value))),
            dims};
  OperationState state(op.getLoc(), op.getName());
  for (Value operand : op.getOperands())
    state.operands.push_back(widen(b, tiles.at(operand), dims));
  state.addTypes(type);
  state.addAttributes(op.getDiscardableAttrDictionary().getValue());
  state.propertiesAttr = op.getPropertiesAsAttribute();
  return {b.create(state)->getResult(0), dims};
}

Value GenericToTile::buildReduction(OpBuilder &b, Operation *combiner,
                                    Value term, Value init,
                                    ArrayRef<int64_t> kept) const {
  SmallVector<int64_t> reduced, shape;
  for (auto [position, dim] : llvm::enumerate(fullDims)) {
    if (llvm::is_contained(kept, dim))
      shape.push_back(fullShape[position]);
    else
      reduced.push_back(position);
  }
  auto type = RankedTensorType::get(
      shape, cast<RankedTensorType>(term.getType()).getElementType());
  Value result =
      ReduceOp::create(b, combiner->getLoc(), type, combineOf(combiner), term,
                       b.getDenseI64ArrayAttr(reduced));
  if (isNeutral(init, combiner))
    return result;
  OperationState state(combiner->getLoc(), combiner->getName());
  state.addOperands({result, init});
  state.addTypes(type);
  state.propertiesAttr = combiner->getPropertiesAsAttribute();
  return b.create(state)->getResult(0);
}

SmallVector<Value> GenericToTile::build(OpBuilder &b,
                                        ArrayRef<Value> operands) const {
  TileMap tiles;
  auto maps = generic.getIndexingMapsArray();
  for (auto [i, arg] : llvm::enumerate(generic.getBody()->getArguments()))
    if (operands[i])
      tiles[arg] = {operands[i], tileDims(maps[i])};
  unsigned numInputs = generic.getNumDpsInputs(),
           numResults = generic.getNumDpsInits();
  SmallVector<Operation *> combiners(numResults);
  for (unsigned i = 0; i != numResults; ++i)
    if (tileDims(maps[numInputs + i]).size() != fullDims.size())
      combiners[i] = findCombiner(i);

  for (Operation &op : generic.getBody()->without_terminator())
    if (!llvm::is_contained(combiners, &op))
      tiles[op.getResult(0)] = buildOp(b, op, tiles);

  SmallVector<Value> results;
  for (auto [i, value] :
       llvm::enumerate(generic.getBody()->getTerminator()->getOperands())) {
    if (!combiners[i]) {
      results.push_back(widen(b, tiles.at(value), fullDims));
      continue;
    }
    BlockArgument acc = generic.getRegionOutputArgs()[i];
    Operation *op = combiners[i];
    Value term = op->getOperand(op->getOperand(0) == acc ? 1 : 0);
    results.push_back(buildReduction(b, op, widen(b, tiles.at(term), fullDims),
                                     operands[numInputs + i],
                                     tileDims(maps[numInputs + i])));
  }
  return results;
}
