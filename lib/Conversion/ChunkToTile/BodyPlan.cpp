//===- BodyPlan.cpp - which part of a body is whose work ------------------===//
// Columns of the state and what waits for it.
//===----------------------------------------------------------------------===//
#include "BodyPlan.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::chunk;

/// Says of every dimension of a carry what binds it.
static LogicalResult reportBound(ScanOp scan, const DimensionClasses &classes) {
  Value carry = scan.getCarryArguments()[0];
  InFlightDiagnostic diag =
      scan.emitOpError("expects a dimension of the carried value that nothing "
                       "contracts or orders, so that it can be split over "
                       "warps, got none");
  for (int64_t d = 0, e = cast<RankedTensorType>(carry.getType()).getRank();
       d != e; ++d)
    if (Operation *op = classes.getBinder(carry, d))
      diag.attachNote(op->getLoc())
          << "dimension " << d << " is bound by this '" << op->getName() << "'";
  return diag;
}

Value BodyPlan::source(Value v) {
  while (Operation *op = v.getDefiningOp()) {
    if (auto mask = dyn_cast<MaskTokensOp>(op);
        mask && isa<BlockArgument>(source(mask.getInput())))
      v = mask.getInput();
    else if (auto repeat = dyn_cast<BroadcastOp>(op);
             repeat && repeat.getDimensions().empty())
      v = repeat.getInput();
    else
      break;
  }
  return v;
}

int64_t BodyPlan::pad(int64_t extent) const {
  auto whole = [](int64_t n) -> int64_t { return llvm::alignTo(n, 16); };
  ScanOp op = scan;
  int64_t size = op.getChunkSize();
  if (size == whole(size) || extent % size != 0)
    return whole(extent);
  auto isLong = [&](Value v) {
    auto type = cast<RankedTensorType>(v.getType());
    return type.getRank() > 0 && type.getDimSize(0) == extent;
  };
  bool isRows =
      llvm::any_of(op.getBodyBlock()->getOps<RepeatOp>(),
                   [&](RepeatOp repeat) { return isLong(repeat.getResult()); });
  for (auto [argument, access] :
       llvm::zip(op.getInputArguments(), op.getInputAccesses()))
    isRows |=
        cast<AccessAttr>(access).has(AccessAttr::Token) && isLong(argument);
  return isRows ? extent / size * whole(size) : whole(extent);
}

LogicalResult BodyPlan::findColumns() {
  DimensionClasses classes(scan);
  if (Operation *other = classes.getUnknown())
    return other->emitError("expects operations of chunk, arith and math "
                            "in the body of a "
                            "chunk.scan that becomes a kernel, got '")
           << other->getName() << "'";
  Value carry = scan.getCarryArguments()[0];
  auto type = cast<RankedTensorType>(carry.getType());
  int64_t dim = classes.findFree(carry);
  if (dim < 0)
    return reportBound(scan, classes);
  numColumns = type.getDimSize(dim);
  bool sound = true;
  auto add = [&](Value v) {
    auto tensor = dyn_cast<RankedTensorType>(v.getType());
    for (int64_t d = 0; tensor && d != tensor.getRank(); ++d)
      if (classes.together(carry, dim, v, d) &&
          !columns.try_emplace(v, d).second) {
        emitError(v.getLoc(), "expects the independent columns along one "
                              "dimension of a value, got two of ")
            << v.getType();
        sound = false;
      }
  };
  for (BlockArgument argument : scan.getBodyBlock()->getArguments())
    add(argument);
  for (Operation &op : scan.getBodyBlock()->without_terminator())
    for (Value result : op.getResults())
      add(result);
  if (!sound)
    return failure();
  for (auto [i, argument] : llvm::enumerate(scan.getCarryArguments()))
    if (!findColumn(argument))
      return scan.emitOpError("expects every carried value to have the "
                              "independent columns, carry ")
             << i << " has not";
  return success();
}

void BodyPlan::findWaiting() {
  waiting.insert(scan.getCarryArguments().begin(),
                 scan.getCarryArguments().end());
  for (Operation &op : scan.getBodyBlock()->without_terminator())
    if (llvm::any_of(op.getOperands(), [&](Value v) { return waits(v); }))
      waiting.insert(op.getResults().begin(), op.getResults().end());
}

/// Whether the state part can make the values of `op` for itself, column by
/// column, where they do not wait for the state.
static bool worksByColumn(Operation *op) {
  return OpTrait::hasElementwiseMappableTraits(op) ||
         isa<DotOp, BroadcastOp, MaskTokensOp>(op);
}

void BodyPlan::requireAhead(Value v) {
  v = source(v);
  Operation *op = v.getDefiningOp();
  if (!op) {
    readAhead.insert(v);
    // A tile of columns that is not split by them.
    allColumns |= findColumn(v).has_value();
    return;
  }
  if (!inAhead.insert(op).second)
    return;
  for (Value operand : op->getOperands())
    requireAhead(operand);
}

LogicalResult BodyPlan::requireStateOperand(Operation *user, Value v) {
  v = source(v);
  Operation *op = v.getDefiningOp();
  auto type = dyn_cast<RankedTensorType>(v.getType());
  if (!type) { // the number of tokens
    readByState.insert(v);
    return success();
  }
  if (op && (waits(v) || isRemade(op)))
    return requireState(v);
  if (findColumn(v)) {
    if (!op || worksByColumn(op))
      return requireState(v);
    return op->emitError("does not wait for the state and mixes columns; "
                         "expects it to be computed by columns in a kernel: '")
           << op->getName() << "'";
  }
  if (type.getRank() == 2 && !isa<DotOp>(user))
    return user->emitError("expects matrices without the columns of the state "
                           "to be operands of products in a kernel, got ")
           << type;
  if (!op && type.getRank() == 2) { // as it lies in shared memory
    readByState.insert(v);
    return success();
  }
  crossing.insert(v);
  requireAhead(v);
  return success();
}

LogicalResult BodyPlan::requireState(Value v) {
  v = source(v);
  Operation *op = v.getDefiningOp();
  if (!op) {
    readByState.insert(v);
    return success();
  }
  if (!inState.insert(op).second)
    return success();
  if (auto reduce = dyn_cast<ReduceOp>(op))
    if (std::optional<int64_t> dim = findColumn(reduce.getInput()))
      allColumns |= llvm::is_contained(reduce.getDimensions(), *dim);
  for (Value operand : op->getOperands())
    if (failed(requireStateOperand(op, operand)))
      return failure();
  return success();
}

LogicalResult BodyPlan::split() {
  auto yield = cast<YieldOp>(scan.getBodyBlock()->getTerminator());
  for (Value v : yield.getCarries())
    if (failed(requireState(v)))
      return failure();
  for (Value v : yield.getOutputs()) {
    if (!waits(v))
      requireAhead(v);
    else if (failed(requireState(v)))
      return failure();
  }
  for (Operation &op : scan.getBodyBlock()->without_terminator()) {
    if (inAhead.contains(&op))
      ahead.push_back(&op);
    if (inState.contains(&op))
      state.push_back(&op);
  }
  return success();
}

FailureOr<BodyPlan> BodyPlan::create(ScanOp scan) {
  BodyPlan plan(scan);
  if (scan.getNumCarries() > 0 && failed(plan.findColumns()))
    return failure();
  plan.findWaiting();
  if (failed(plan.split()))
    return failure();
  return plan;
}
