//===- BodyPlan.cpp - which part of a body is whose work ------------------===//
// Dimensions that an operation makes run together form a class; a class that
// some operation contracts or orders is bound.
//===----------------------------------------------------------------------===//
#include "BodyPlan.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::chunk;

namespace {

class DimensionClasses {
public:
  explicit DimensionClasses(ScanOp scan) : scan(scan) {}

  LogicalResult build() {
    Block *body = scan.getBodyBlock();
    for (BlockArgument argument : body->getArguments())
      number(argument);
    for (Operation &op : body->without_terminator())
      for (Value result : op.getResults())
        number(result);
    for (Operation &op : body->without_terminator())
      if (failed(visit(&op)))
        return failure();
    auto yield = cast<YieldOp>(body->getTerminator());
    for (auto [argument, value] :
         llvm::zip(scan.getCarryArguments(), yield.getCarries()))
      joinAll(argument, value);
    return success();
  }

  /// The operation that binds dimension `dim` of `v`, or null.
  Operation *getBinder(Value v, int64_t dim) {
    unsigned leader = classes.getLeaderValue(id(v, dim));
    for (auto [member, op] : binders)
      if (classes.getLeaderValue(member) == leader)
        return op;
    return nullptr;
  }
  bool together(Value x, int64_t dx, Value y, int64_t dy) {
    return classes.getLeaderValue(id(x, dx)) ==
           classes.getLeaderValue(id(y, dy));
  }

private:
  static int64_t rankOf(Value v) {
    auto type = dyn_cast<RankedTensorType>(v.getType());
    return type ? type.getRank() : 0;
  }
  unsigned id(Value v, int64_t dim) { return ids.lookup(v) + dim; }
  void number(Value v) {
    ids[v] = next;
    for (int64_t d = 0; d != rankOf(v); ++d)
      classes.insert(next++);
  }
  void join(Value x, int64_t dx, Value y, int64_t dy) {
    classes.unionSets(id(x, dx), id(y, dy));
  }
  void joinAll(Value x, Value y) {
    for (int64_t d = 0; d != rankOf(x); ++d)
      join(x, d, y, d);
  }
  void bind(Value v, int64_t dim, Operation *op) {
    binders.emplace_back(id(v, dim), op);
  }
  void bindAll(Value v, Operation *op) {
    for (int64_t d = 0; d != rankOf(v); ++d)
      bind(v, d, op);
  }
  /// The dimensions of `small` are those of `large` without `dropped`.
  void joinRest(Value small, Value large, ArrayRef<int64_t> dropped) {
    int64_t at = 0;
    for (int64_t d = 0; d != rankOf(large); ++d)
      if (!llvm::is_contained(dropped, d))
        join(small, at++, large, d);
  }

  LogicalResult visit(Operation *op) {
    if (op->hasTrait<OpTrait::ConstantLike>())
      return success();
    if (OpTrait::hasElementwiseMappableTraits(op)) {
      for (Value operand : op->getOperands())
        if (rankOf(operand) == rankOf(op->getResult(0)))
          joinAll(operand, op->getResult(0));
      return success();
    }
    return TypeSwitch<Operation *, LogicalResult>(op)
        .Case<DotOp, DecayDotOp, DecayApplyOp, UnitLowerSolveOp,
              UnitLowerInverseOp>([&](auto product) {
          visitProduct(product);
          return success();
        })
        .Case<BroadcastOp>([&](BroadcastOp o) {
          joinRest(o.getInput(), o.getResult(), o.getDimensions());
          return success();
        })
        .Case<ReduceOp>([&](ReduceOp o) { // by all warps together
          joinRest(o.getResult(), o.getInput(), o.getDimensions());
          return success();
        })
        .Case<RowOp>([&](RowOp o) {
          joinRest(o.getResult(), o.getInput(), {0});
          bind(o.getInput(), 0, op);
          return success();
        })
        .Case<CumsumOp, MaskTokensOp>([&](auto o) {
          joinAll(o.getInput(), o.getResult());
          bind(o.getInput(), 0, op);
          return success();
        })
        .Case<RepeatOp>([&](RepeatOp o) {
          for (int64_t d = 1; d < rankOf(o.getResult()); ++d)
            join(o.getInput(), d, o.getResult(), d);
          bind(o.getInput(), 0, op);
          bind(o.getResult(), 0, op);
          return success();
        })
        .Case<TrilOp>([&](TrilOp o) {
          joinAll(o.getInput(), o.getResult());
          bindAll(o.getInput(), op);
          return success();
        })
        .Case<TransposeOp>([&](TransposeOp o) {
          join(o.getInput(), 0, o.getResult(), 1);
          join(o.getInput(), 1, o.getResult(), 0);
          return success();
        })
        .Default([](Operation *other) {
          return other->emitError("expects operations of chunk, arith and math "
                                  "in the body of a "
                                  "chunk.scan that becomes a kernel, got '")
                 << other->getName() << "'";
        });
  }

  void visitProduct(DotOp op) {
    bool tl = op.getTransposeLhs(), tr = op.getTransposeRhs();
    join(op.getLhs(), tl, op.getResult(), 0);
    join(op.getRhs(), !tr, op.getResult(), 1);
    join(op.getLhs(), !tl, op.getRhs(), tr);
    bind(op.getLhs(), !tl, op);
  }
  void visitProduct(DecayDotOp op) {
    join(op.getX(), 0, op.getResult(), 0);
    join(op.getY(), 0, op.getResult(), 1);
    join(op.getX(), 1, op.getY(), 1);
    bind(op.getX(), 1, op);
    bindAll(op.getResult(), op);
  }
  void visitProduct(DecayApplyOp op) {
    bindAll(op.getM(), op);
    bind(op.getY(), 0, op);
    bind(op.getResult(), 0, op);
    join(op.getY(), 1, op.getResult(), 1);
  }
  void visitProduct(UnitLowerSolveOp op) {
    bindAll(op.getLower(), op);
    joinAll(op.getRhs(), op.getResult());
    bind(op.getRhs(), 0, op);
  }
  void visitProduct(UnitLowerInverseOp op) {
    bindAll(op.getLower(), op);
    bindAll(op.getResult(), op);
  }

  ScanOp scan;
  unsigned next = 0;
  llvm::DenseMap<Value, unsigned> ids;
  llvm::EquivalenceClasses<unsigned> classes;
  SmallVector<std::pair<unsigned, Operation *>> binders;
};
} // namespace

/// Says of every dimension of a carry what binds it.
static LogicalResult reportBound(ScanOp scan, DimensionClasses &classes) {
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

bool deltanet::isRemade(Operation *op) {
  return op->hasTrait<OpTrait::ConstantLike>() || isa<BroadcastOp>(op);
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

LogicalResult BodyPlan::findColumns() {
  DimensionClasses classes(scan);
  if (failed(classes.build()))
    return failure();
  Value carry = scan.getCarryArguments()[0];
  auto type = cast<RankedTensorType>(carry.getType());
  int64_t dim = 0;
  while (dim != type.getRank() && classes.getBinder(carry, dim))
    ++dim;
  if (dim == type.getRank())
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
