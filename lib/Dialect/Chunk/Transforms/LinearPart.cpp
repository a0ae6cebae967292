//===- LinearPart.cpp - what a body multiplies the state by ---------------===//
// See LinearPart.h.
//===----------------------------------------------------------------------===//
#include "LinearPart.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace deltanet::chunk;

static YieldOp getYield(ScanOp scan) {
  return cast<YieldOp>(scan.getBodyBlock()->getTerminator());
}

FailureOr<LinearPart> LinearPart::find(ScanOp scan) {
  if (scan.getNumCarries() != 1 ||
      cast<RankedTensorType>(scan.getCarryArguments()[0].getType()).getRank() !=
          2)
    return scan.emitOpError("expects one carried matrix to cut sequences into "
                            "segments, got ")
           << scan.getCarryArguments().size() << " carries of rank "
           << cast<RankedTensorType>(scan.getCarryArguments()[0].getType())
                  .getRank();
  LinearPart linear(scan);
  if (failed(linear.check()))
    return failure();
  return linear;
}

std::optional<int64_t> LinearPart::findColumn(Value v) const {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  for (int64_t d = 0; type && d != type.getRank(); ++d)
    if (classes.together(carry, column, v, d))
      return d;
  return std::nullopt;
}

RankedTensorType LinearPart::retyped(Value v) const {
  auto type = cast<RankedTensorType>(v.getType());
  std::optional<int64_t> dim = findColumn(v);
  if (!dim || elementwise)
    return type;
  SmallVector<int64_t> shape(type.getShape());
  shape[*dim] = cast<RankedTensorType>(carry.getType()).getDimSize(1 - column);
  return RankedTensorType::get(shape, type.getElementType());
}

//===----------------------------------------------------------------------===//
// Is there one?
//===----------------------------------------------------------------------===//

LogicalResult LinearPart::check() {
  if (Operation *other = classes.getUnknown())
    return other->emitError("expects operations of chunk, arith and math where "
                            "sequences are cut into segments, got '")
           << other->getName() << "'";
  column = classes.findFree(carry);
  if (column < 0)
    return scan.emitOpError("expects columns of the carried matrix that do not "
                            "meet, to cut sequences into segments");
  waiting.insert(carry);
  for (Operation &op : scan.getBodyBlock()->without_terminator())
    if (llvm::any_of(op.getOperands(), [&](Value v) { return waits(v); }))
      waiting.insert(op.getResults().begin(), op.getResults().end());
  // What leads to the next state, and nothing else.
  productElement = cast<RankedTensorType>(carry.getType()).getElementType();
  llvm::SetVector<Operation *> leading;
  SmallVector<Value> work(getYield(scan).getCarries());
  while (!work.empty()) {
    Value v = work.pop_back_val();
    Operation *op = v.getDefiningOp();
    if (!op || !waits(v) || !leading.insert(op))
      continue;
    llvm::append_range(work, op->getOperands());
    if (auto rounded = dyn_cast<arith::TruncFOp>(op);
        rounded && rounded.getIn() == carry)
      productElement =
          cast<RankedTensorType>(rounded.getType()).getElementType();
  }
  bool scales = false;
  elementwise = true;
  for (Operation *op : leading) {
    if (failed(checkLinear(op)))
      return failure();
    elementwise &= OpTrait::hasElementwiseMappableTraits(op);
    bool adds = isa<arith::AddFOp>(op) &&
                (op->getOperand(0) == carry) != (op->getOperand(1) == carry);
    for (Value v : op->getOperands())
      adds &= v == carry || !waits(v);
    scales |= !adds;
  }
  identity = !scales;
  return success();
}

/// An operand that does not wait for the state must do the same to every
/// column.
LogicalResult LinearPart::checkFactor(Operation *user, Value v) const {
  std::optional<int64_t> dim = findColumn(v);
  Operation *op = v.getDefiningOp();
  if (!dim || matchPattern(v, m_Constant()))
    return success();
  if (auto repeat = dyn_cast_or_null<BroadcastOp>(op);
      repeat && llvm::is_contained(repeat.getDimensions(), *dim))
    return success();
  if (op && OpTrait::hasElementwiseMappableTraits(op)) {
    for (Value operand : op->getOperands())
      if (failed(checkFactor(user, operand)))
        return failure();
    return success();
  }
  InFlightDiagnostic diag =
      user->emitError("expects the state multiplied alike in every column, to "
                      "cut sequences into segments");
  diag.attachNote(v.getLoc()) << "this factor has columns of its own";
  return diag;
}

LogicalResult LinearPart::checkLinear(Operation *op) const {
  auto refuse = [&] {
    return op->emitError("expects the next state to be affine in the state, to "
                         "cut sequences into segments, got '")
           << op->getName() << "' of it";
  };
  if (isa<arith::AddFOp, arith::SubFOp, arith::NegFOp, arith::ExtFOp,
          arith::TruncFOp, BroadcastOp, RowOp, TransposeOp, MaskTokensOp,
          RepeatOp, TrilOp, CumsumOp>(op))
    return success();
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return reduce.getKind() == Combine::Add ? success() : refuse();
  unsigned numWaiting =
      llvm::count_if(op->getOperands(), [&](Value v) { return waits(v); });
  if (numWaiting != 1)
    return refuse();
  if (isa<arith::MulFOp>(op))
    return checkFactor(op, op->getOperand(waits(op->getOperand(0))));
  if (isa<arith::DivFOp>(op))
    return waits(op->getOperand(0)) ? checkFactor(op, op->getOperand(1))
                                    : refuse();
  if (isa<DotOp>(op))
    return success();
  if (auto solve = dyn_cast<UnitLowerSolveOp>(op))
    return waits(solve.getRhs()) ? success() : refuse();
  if (auto apply = dyn_cast<DecayApplyOp>(op))
    return waits(apply.getY()) ? success() : refuse();
  return refuse();
}

//===----------------------------------------------------------------------===//
// Emission
//===----------------------------------------------------------------------===//

/// `op` on operands that `mapping` holds, with the columns of P.
static Value cloneRetyped(Operation *op, Type type, OpBuilder &b,
                          IRMapping &mapping) {
  auto constant = dyn_cast<arith::ConstantOp>(op);
  if (auto splat = constant ? dyn_cast<SplatElementsAttr>(constant.getValue())
                            : SplatElementsAttr())
    return arith::ConstantOp::create(
        b, op->getLoc(),
        SplatElementsAttr::get(cast<ShapedType>(type),
                               splat.getSplatValue<Attribute>()));
  Operation *clone = b.clone(*op, mapping);
  clone->getResult(0).setType(type);
  return clone->getResult(0);
}

/// What does not wait for the state, as it is.
static Value emitPlain(Value v, OpBuilder &b, IRMapping &plain) {
  Operation *op = v.getDefiningOp();
  if (!op || plain.contains(v) || !isa<ScanOp>(op->getParentOp()))
    return plain.lookupOrDefault(v);
  for (Value operand : op->getOperands())
    emitPlain(operand, b, plain);
  b.clone(*op, plain);
  return plain.lookup(v);
}

/// The same with the columns of P, where it has columns: all of them are alike.
Value LinearPart::emitFactor(Value v, OpBuilder &b, Maps &maps) const {
  if (maps.linear.contains(v))
    return maps.linear.lookup(v);
  Value made;
  if (!findColumn(v)) {
    made = emitPlain(v, b, maps.plain);
  } else {
    Operation *op = v.getDefiningOp();
    for (Value operand : op->getOperands())
      emitFactor(operand, b, maps);
    made = cloneRetyped(op, retyped(v), b, maps.linear);
  }
  maps.linear.map(v, made);
  return made;
}

/// Sums and differences, of which an operand may not wait: null is zero.
Value LinearPart::emitSum(Operation *op, OpBuilder &b, Maps &maps) const {
  Value x = op->getOperand(0), y = op->getOperand(1);
  x = waits(x) ? emitLinear(x, b, maps) : Value();
  y = waits(y) ? emitLinear(y, b, maps) : Value();
  if (x && y)
    return cloneRetyped(op, retyped(op->getResult(0)), b, maps.linear);
  if (x)
    return x;
  if (isa<arith::AddFOp>(op))
    return y;
  return arith::NegFOp::create(b, op->getLoc(), y);
}

Value LinearPart::emitLinear(Value v, OpBuilder &b, Maps &maps) const {
  if (maps.linear.contains(v))
    return maps.linear.lookup(v);
  Operation *op = v.getDefiningOp();
  Value made;
  if (isa<arith::AddFOp, arith::SubFOp>(op)) {
    made = emitSum(op, b, maps);
  } else {
    for (Value operand : op->getOperands())
      waits(operand) ? emitLinear(operand, b, maps)
                     : emitFactor(operand, b, maps);
    made = cloneRetyped(op, retyped(v), b, maps.linear);
  }
  maps.linear.map(v, made);
  return made;
}

Value LinearPart::emit(OpBuilder &b, IRMapping &mapping) const {
  Maps maps;
  maps.plain = mapping;
  maps.linear.map(carry, mapping.lookup(carry));
  return emitLinear(getYield(scan).getCarries()[0], b, maps);
}
