//===- DifferentiateScan.cpp - the reverse of one scan --------------------===//
// The reverse scan carries the gradients of what the scan carries, then sums of
// gradients of operands that every chunk reads alike. Its inputs are those of
// the scan, what the chunks began with, and the gradients of the outputs.
//===----------------------------------------------------------------------===//
#include "DifferentiateScan.h"
#include "ElementwiseGradients.h"
#include "ScanTypes.h"
#include "deltanet/Dialect/Chunk/IR/DimensionClasses.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace deltanet::chunk;

static RankedTensorType typeOf(Value v) {
  return cast<RankedTensorType>(v.getType());
}

static bool isFloat(Value v) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  return type && isa<FloatType>(type.getElementType());
}

static YieldOp getYield(ScanOp scan) {
  return cast<YieldOp>(scan.getBodyBlock()->getTerminator());
}

ScanDifferentiator::ScanDifferentiator(ScanOp scan, Type products, OpBuilder &b)
    : wantedInputs(scan.getInputs().size()), wantedInits(scan.getNumCarries()),
      resultGradients(scan.getNumResults()), starts(scan.getNumCarries()),
      inputGradients(scan.getInputs().size()),
      initGradients(scan.getNumCarries()), scan(scan), products(products), b(b),
      loc(scan.getLoc()), activeCarries(scan.getNumCarries()),
      startsRead(scan.getNumCarries()), inputParts(scan.getInputs().size()),
      carryParts(scan.getNumCarries()) {}

LogicalResult ScanDifferentiator::check() {
  if (scan.getIndices())
    return scan.emitOpError("expects no pool of states where gradients are "
                            "taken: it changes in place");
  if (scan.getSegments())
    return scan.emitOpError("expects whole sequences where gradients are "
                            "taken, got ")
           << *scan.getSegments() << " segments";
  return success();
}

//===----------------------------------------------------------------------===//
// What has a gradient
//===----------------------------------------------------------------------===//

/// Adds what depends on `values`; true if a carry is new among them.
bool ScanDifferentiator::propagate(llvm::DenseSet<Value> &values) {
  for (Operation &op : scan.getBodyBlock()->without_terminator())
    if (llvm::any_of(op.getOperands(),
                     [&](Value v) { return values.contains(v); }))
      for (Value result : op.getResults())
        if (isFloat(result))
          values.insert(result);
  bool changed = false;
  for (auto [i, next] : llvm::enumerate(getYield(scan).getCarries()))
    if (values.contains(next) && !activeCarries.test(i)) {
      activeCarries.set(i);
      values.insert(scan.getCarryArguments()[i]);
      changed = true;
    }
  return changed;
}

void ScanDifferentiator::findActive() {
  for (unsigned i : wantedInputs.set_bits())
    active.insert(scan.getInputArguments()[i]);
  for (unsigned i : wantedInits.set_bits()) {
    activeCarries.set(i);
    active.insert(scan.getCarryArguments()[i]);
  }
  while (propagate(active))
    ;
}

//===----------------------------------------------------------------------===//
// Results of the reverse scan
//===----------------------------------------------------------------------===//

bool ScanDifferentiator::isByChunk(unsigned input) {
  AccessAttr access = scan.getInputAccess(input);
  return access.has(AccessAttr::Token) || access.has(AccessAttr::Chunk);
}

/// Every sequence and head has its part of a gradient: what the access lacks of
/// them comes first.
ScanDifferentiator::Part ScanDifferentiator::describe(Value tensor,
                                                      AccessAttr access,
                                                      RankedTensorType tile,
                                                      bool byChunk) {
  Part part;
  SmallVector<int64_t> entries, shape, kept;
  AccessAttr::Loop outer = byChunk && (access.has(AccessAttr::Batch) ||
                                       !access.has(AccessAttr::Sequence))
                               ? AccessAttr::Batch
                               : AccessAttr::Sequence;
  auto lead = [&](AccessAttr::Loop loop) {
    entries.push_back(loop);
    shape.push_back(getExtent(scan, loop));
    part.isSum = true;
  };
  if (!access.has(AccessAttr::Batch) && !access.has(AccessAttr::Sequence))
    lead(outer);
  if (hasHeads(scan) && !access.has(AccessAttr::Head) &&
      !access.has(AccessAttr::Group))
    lead(AccessAttr::Head);
  for (auto [d, walked] : llvm::enumerate(access.getEntries())) {
    int64_t entry = walked, extent = typeOf(tensor).getDimSize(d);
    if (entry == AccessAttr::Batch || entry == AccessAttr::Sequence) {
      entry = outer;
      if (ShapedType::isDynamic(extent))
        extent = getExtent(scan, outer);
    }
    kept.push_back(entry);
    if (entry == AccessAttr::Group) {
      part.isSum = true;
      entry = AccessAttr::Head;
      extent = getExtent(scan, AccessAttr::Head);
    }
    entries.push_back(entry);
    shape.push_back(extent);
  }
  part.access = AccessAttr::get(b.getContext(), entries);
  part.resultAccess = AccessAttr::get(b.getContext(), kept);
  Type element = part.isSum ? b.getF32Type() : typeOf(tensor).getElementType();
  part.type = RankedTensorType::get(shape, element);
  return part;
}

void ScanDifferentiator::addOperand(Value tensor, AccessAttr access, Type tile,
                                    Location at) {
  reverse.getInputsMutable().append(tensor);
  SmallVector<Attribute> accesses(reverse.getInputAccesses().getValue());
  accesses.push_back(access);
  reverse.setInputAccessesAttr(b.getArrayAttr(accesses));
  reverse.getBodyBlock()->addArgument(tile, at);
}

/// The scan with its carries and inputs, and an empty body.
void ScanDifferentiator::createScan() {
  SmallVector<Type> outputs, finals;
  SmallVector<Attribute> outputAccesses, finalAccesses, initAccesses;
  SmallVector<Value> inits;
  SmallVector<std::pair<RankedTensorType, Location>> carried;
  auto carry = [&](RankedTensorType tile, Location at, const Part &part,
                   Value init, AccessAttr access) {
    finals.push_back(part.type);
    finalAccesses.push_back(part.access);
    carried.push_back({tile, at});
    if (!init) {
      init = arith::ConstantOp::create(b, loc, b.getZeroAttr(tile));
      access = AccessAttr::get(
          b.getContext(),
          llvm::to_vector(llvm::seq<int64_t>(0, tile.getRank())));
    }
    inits.push_back(init);
    initAccesses.push_back(access);
  };
  for (unsigned i : activeCarries.set_bits()) {
    BlockArgument argument = scan.getCarryArguments()[i];
    // The gradient of a state that is wanted goes where the state came from; of
    // any other, where the last one went.
    carryParts[i] = wantedInits.test(i)
                        ? describe(scan.getInits()[i], scan.getInitAccess(i),
                                   typeOf(argument), /*byChunk=*/false)
                        : describe(scan.getFinals()[i], scan.getFinalAccess(i),
                                   typeOf(argument), /*byChunk=*/false);
    carry(GradientBuilder::gradientType(argument), argument.getLoc(),
          *carryParts[i], resultGradients[scan.getNumOutputs() + i],
          scan.getFinalAccess(i));
  }
  for (unsigned i : wantedInputs.set_bits()) {
    BlockArgument argument = scan.getInputArguments()[i];
    bool byChunk = isByChunk(i);
    inputParts[i] = describe(scan.getInputs()[i], scan.getInputAccess(i),
                             typeOf(argument), byChunk);
    if (byChunk) {
      outputs.push_back(inputParts[i]->type);
      outputAccesses.push_back(inputParts[i]->access);
    } else {
      carry(GradientBuilder::gradientType(argument), argument.getLoc(),
            *inputParts[i], Value(), AccessAttr());
    }
  }
  llvm::append_range(outputs, finals);
  reverse = ScanOp::create(
      b, loc, outputs, scan.getSequences(), inits, scan.getInputs(),
      scan.getChunkSizeAttr(), b.getArrayAttr(initAccesses),
      scan.getInputAccesses(), b.getArrayAttr(outputAccesses),
      b.getArrayAttr(finalAccesses),
      scan.getReverse() ? UnitAttr() : b.getUnitAttr());
  OpBuilder::InsertionGuard guard(b);
  Block *block = b.createBlock(&reverse.getBody());
  auto named = [&](Location at) -> Location {
    auto name = dyn_cast<NameLoc>(at);
    return name ? NameLoc::get(b.getStringAttr("d" + name.getName().strref()),
                               loc)
                : at;
  };
  for (auto [tile, at] : carried)
    block->addArgument(tile, named(at));
  block->addArgument(b.getIndexType(), scan.getCountArgument().getLoc());
  for (BlockArgument argument : scan.getInputArguments())
    block->addArgument(argument.getType(), argument.getLoc());
  for (auto [i, argument] : llvm::enumerate(scan.getCarryArguments()))
    addOperand(starts[i], getChunkAccess(scan, typeOf(argument).getRank()),
               argument.getType(), argument.getLoc());
  for (auto [i, value] : llvm::enumerate(getYield(scan).getOutputs()))
    if (resultGradients[i])
      addOperand(resultGradients[i], scan.getOutputAccess(i), value.getType(),
                 named(value.getLoc()));
}

//===----------------------------------------------------------------------===//
// The body
//===----------------------------------------------------------------------===//

/// Says which values have tokens as rows.
void ScanDifferentiator::markRows(GradientBuilder &g) {
  DimensionClasses classes(scan);
  auto mark = [&](Value v) {
    auto type = dyn_cast<RankedTensorType>(v.getType());
    if (!type || type.getRank() == 0 || !mapping.contains(v))
      return;
    Value like = v;
    // Its rows are those of a gate.
    if (auto apply = v.getDefiningOp<DecayApplyOp>())
      like = apply.getTranspose() ? apply.getGy() : apply.getGx();
    for (auto [i, tokens] : llvm::enumerate(scan.getInputArguments()))
      if (scan.getInputAccess(i).has(AccessAttr::Token) &&
          classes.together(like, 0, tokens, 0)) {
        int64_t size = scan.getChunkSize();
        g.setRows(mapping.lookup(v), typeOf(tokens).getDimSize(0) / size);
        return;
      }
  };
  for (BlockArgument argument : scan.getInputArguments())
    mark(argument);
  for (Operation &op : scan.getBodyBlock()->without_terminator())
    for (Value result : op.getResults())
      mark(result);
}

/// The multiplication by one number that the only output whose gradient comes
/// in ends in. All else is linear in that gradient, so that the number may
/// multiply what comes out instead, before it is rounded: operands of products
/// are then what came in, not rounded once more.
void ScanDifferentiator::findScale() {
  Value seed;
  for (auto [i, gradient] : llvm::enumerate(resultGradients)) {
    if (!gradient)
      continue;
    if (seed || static_cast<int64_t>(i) >= scan.getNumOutputs() ||
        wantedInits.any())
      return;
    seed = getYield(scan).getOutputs()[i];
  }
  while (seed && seed.hasOneUse() &&
         isa_and_nonnull<arith::TruncFOp, arith::ExtFOp>(seed.getDefiningOp()))
    seed = seed.getDefiningOp()->getOperand(0);
  auto product = seed && seed.hasOneUse() ? seed.getDefiningOp<arith::MulFOp>()
                                          : arith::MulFOp();
  SplatElementsAttr number;
  if (!product || !isa<RankedTensorType>(product.getType()))
    return;
  for (bool left : {false, true})
    if (matchPattern(left ? product.getLhs() : product.getRhs(),
                     m_Constant(&number))) {
      scaled = product;
      scaledOperand = left ? product.getRhs() : product.getLhs();
      scale = number.getSplatValue<FloatAttr>().getValueAsDouble();
      return;
    }
}

LogicalResult ScanDifferentiator::buildBody() {
  if (Operation *other = DimensionClasses(scan).getUnknown())
    return other->emitError("expects operations of chunk, arith and math where "
                            "gradients are taken, got '")
           << other->getName() << "'";
  OpBuilder::InsertionGuard guard(b);
  Block *block = reverse.getBodyBlock();
  b.setInsertionPointToEnd(block);
  mapping.map(scan.getCountArgument(), reverse.getCountArgument());
  auto inputs = reverse.getInputArguments();
  unsigned next = 0;
  for (BlockArgument argument : scan.getInputArguments())
    mapping.map(argument, inputs[next++]);
  for (BlockArgument argument : scan.getCarryArguments())
    mapping.map(argument, inputs[next++]);
  findScale();
  SmallVector<Operation *> forward;
  for (Operation &op : scan.getBodyBlock()->without_terminator())
    forward.push_back(b.clone(op, mapping));

  GradientBuilder g(b, products, reverse.getCountArgument());
  markRows(g);
  for (Value v : active)
    g.setWanted(mapping.lookup(v));
  for (auto [i, value] : llvm::enumerate(getYield(scan).getOutputs()))
    if (resultGradients[i])
      g.add(mapping.lookupOrDefault(value), inputs[next++]);
  unsigned carry = 0;
  for (unsigned i : activeCarries.set_bits())
    g.add(mapping.lookupOrDefault(getYield(scan).getCarries()[i]),
          reverse.getCarryArguments()[carry++]);
  for (Operation *op : llvm::reverse(forward)) {
    Value dz = op->getNumResults() == 1 ? g.take(op->getResult(0)) : Value();
    if (!dz)
      continue;
    // Terms have no name; the sum that they end in has.
    auto named = dyn_cast<NameLoc>(op->getLoc());
    g.setLoc(named ? named.getChildLoc() : op->getLoc());
    if (scaled && op->getResult(0) == mapping.lookup(scaled->getResult(0))) {
      g.add(mapping.lookup(scaledOperand), dz);
      continue;
    }
    auto rule = dyn_cast<DifferentiableOpInterface>(op);
    if (failed(rule ? rule.pullBack(g, dz) : pullBackElementwise(op, g, dz)))
      return failure();
  }
  g.setLoc(loc);
  yield(g);
  return success();
}

Value ScanDifferentiator::timesScale(Value v) {
  if (!scaled)
    return v;
  auto type = cast<RankedTensorType>(v.getType());
  Value number = arith::ConstantOp::create(
      b, loc,
      SplatElementsAttr::get(type,
                             b.getFloatAttr(type.getElementType(), scale)));
  return arith::MulFOp::create(b, loc, v, number);
}

void ScanDifferentiator::yield(GradientBuilder &g) {
  SmallVector<Value> outputs, carries;
  auto takeOrZero = [&](Value v) -> Value {
    if (Value sum = g.take(v))
      return sum;
    return arith::ConstantOp::create(
        b, loc, b.getZeroAttr(GradientBuilder::gradientType(v)));
  };
  for (unsigned i : activeCarries.set_bits())
    carries.push_back(takeOrZero(mapping.lookup(scan.getCarryArguments()[i])));
  for (unsigned i : wantedInputs.set_bits()) {
    Value sum = takeOrZero(mapping.lookup(scan.getInputArguments()[i]));
    if (isByChunk(i)) {
      // Rows past the end are not written.
      if (auto mask = sum.getDefiningOp<MaskTokensOp>();
          mask && inputParts[i]->access.has(AccessAttr::Token))
        sum = mask.getInput();
      outputs.push_back(
          g.cast(timesScale(sum), inputParts[i]->type.getElementType()));
      continue;
    }
    Value before = reverse.getCarryArguments()[carries.size()];
    carries.push_back(g.plus(before, timesScale(sum)));
  }
  YieldOp::create(b, loc, outputs, carries);
  Block *block = reverse.getBodyBlock();
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*block)))
    if (isOpTriviallyDead(&op))
      op.erase();
}

/// What the chunks began with is an operand only where the body reads it.
void ScanDifferentiator::dropUnreadInputs() {
  unsigned first = scan.getInputs().size();
  for (int64_t i = scan.getNumCarries() - 1; i >= 0; --i) {
    BlockArgument argument = reverse.getInputArguments()[first + i];
    if (!argument.use_empty()) {
      startsRead.set(i);
      continue;
    }
    reverse.getBodyBlock()->eraseArgument(argument.getArgNumber());
    reverse.getInputsMutable().erase(first + i);
    SmallVector<Attribute> accesses(reverse.getInputAccesses().getValue());
    accesses.erase(accesses.begin() + first + i);
    reverse.setInputAccessesAttr(b.getArrayAttr(accesses));
  }
}

//===----------------------------------------------------------------------===//
// Sums over heads and sequences
//===----------------------------------------------------------------------===//

void ScanDifferentiator::collect() {
  auto whole = [&](Value part, const Part &how, Value like,
                   AccessAttr access) -> Value {
    if (!how.isSum)
      return part.getType() == like.getType()
                 ? part
                 : tensor::CastOp::create(b, loc, like.getType(), part);
    int64_t groups = access.findLoop(AccessAttr::Group);
    bool open = groups >= 0 && typeOf(like).isDynamicDim(groups);
    return SumOp::create(b, loc, like.getType(), part, how.access,
                         how.resultAccess, open ? like : Value());
  };
  unsigned output = 0, final = 0;
  for (unsigned i : activeCarries.set_bits()) {
    Value part = reverse.getFinals()[final++];
    if (wantedInits.test(i))
      initGradients[i] = whole(part, *carryParts[i], scan.getInits()[i],
                               scan.getInitAccess(i));
  }
  for (unsigned i : wantedInputs.set_bits()) {
    Value part = isByChunk(i) ? reverse.getOutputs()[output++]
                              : reverse.getFinals()[final++];
    inputGradients[i] = whole(part, *inputParts[i], scan.getInputs()[i],
                              scan.getInputAccess(i));
  }
}

LogicalResult ScanDifferentiator::run() {
  if (failed(check()))
    return failure();
  findActive();
  createScan();
  if (failed(buildBody()))
    return failure();
  dropUnreadInputs();
  collect();
  return success();
}
