//===- Columns.cpp - the independent dimension of a chunk program ---------===//
// Dimensions that an operation makes run together form a class; a class that
// some operation contracts, reduces or orders is bound.
//===----------------------------------------------------------------------===//
#include "Columns.h"
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
        .Case<DotOp, DecayDotOp, UnitLowerSolveOp, UnitLowerInverseOp>(
            [&](auto product) {
              visitProduct(product);
              return success();
            })
        .Case<BroadcastOp>([&](BroadcastOp o) {
          joinRest(o.getInput(), o.getResult(), o.getDimensions());
          return success();
        })
        .Case<ReduceOp>([&](ReduceOp o) {
          joinRest(o.getResult(), o.getInput(), o.getDimensions());
          for (int64_t d : o.getDimensions())
            bind(o.getInput(), d, op);
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
                       "contracts, reduces or orders, so "
                       "that it can be split over warps, got none");
  for (int64_t d = 0, e = cast<RankedTensorType>(carry.getType()).getRank();
       d != e; ++d)
    if (Operation *op = classes.getBinder(carry, d))
      diag.attachNote(op->getLoc())
          << "dimension " << d << " is bound by this '" << op->getName() << "'";
  return diag;
}

FailureOr<Columns> deltanet::findColumns(ScanOp scan) {
  if (scan.getNumCarries() == 0)
    return scan.emitOpError(
        "expects a carried value; a scan that carries nothing is not lowered "
        "to tiles yet");
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

  Columns columns;
  columns.extent = type.getDimSize(dim);
  bool sound = true;
  auto add = [&](Value v) {
    auto tensor = dyn_cast<RankedTensorType>(v.getType());
    for (int64_t d = 0; tensor && d != tensor.getRank(); ++d)
      if (classes.together(carry, dim, v, d) &&
          !columns.dims.try_emplace(v, d).second) {
        emitError(
            v.getLoc(),
            "expects the independent columns along one dimension of a value, "
            "got two of ")
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
    if (!columns.find(argument))
      return scan.emitOpError(
                 "expects every carried value to have the independent columns, "
                 "carry ")
             << i << " has not";
  return columns;
}
