//===- DimensionClasses.cpp - which dimensions run together ---------------===//
// See DimensionClasses.h.
//===----------------------------------------------------------------------===//
#include "deltanet/Dialect/Chunk/IR/DimensionClasses.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace deltanet::chunk;

static int64_t rankOf(Value v) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  return type ? type.getRank() : 0;
}

DimensionClasses::DimensionClasses(ScanOp scan) {
  Block *body = scan.getBodyBlock();
  for (BlockArgument argument : body->getArguments())
    number(argument);
  for (Operation &op : body->without_terminator())
    for (Value result : op.getResults())
      number(result);
  for (Operation &op : body->without_terminator())
    if (!visit(&op)) {
      unknown = &op;
      return;
    }
  auto yield = cast<YieldOp>(body->getTerminator());
  for (auto [argument, value] :
       llvm::zip(scan.getCarryArguments(), yield.getCarries()))
    joinAll(argument, value);
}

Operation *DimensionClasses::getBinder(Value v, int64_t dim) const {
  unsigned leader = classes.getLeaderValue(id(v, dim));
  for (auto [member, op] : binders)
    if (classes.getLeaderValue(member) == leader)
      return op;
  return nullptr;
}

bool DimensionClasses::together(Value x, int64_t dx, Value y,
                                int64_t dy) const {
  return ids.contains(x) && ids.contains(y) &&
         classes.getLeaderValue(id(x, dx)) == classes.getLeaderValue(id(y, dy));
}

int64_t DimensionClasses::findFree(Value v) const {
  int64_t dim = rankOf(v) - 1;
  while (dim >= 0 && getBinder(v, dim))
    --dim;
  return dim;
}

void DimensionClasses::number(Value v) {
  ids[v] = next;
  for (int64_t d = 0; d != rankOf(v); ++d)
    classes.insert(next++);
}

/// Constants from around the scan run with whatever they stand beside.
void DimensionClasses::join(Value x, int64_t dx, Value y, int64_t dy) {
  if (ids.contains(x) && ids.contains(y))
    classes.unionSets(id(x, dx), id(y, dy));
}

void DimensionClasses::joinAll(Value x, Value y) {
  for (int64_t d = 0; d != rankOf(x); ++d)
    join(x, d, y, d);
}

void DimensionClasses::bind(Value v, int64_t dim, Operation *op) {
  if (ids.contains(v))
    binders.emplace_back(id(v, dim), op);
}

void DimensionClasses::bindAll(Value v, Operation *op) {
  for (int64_t d = 0; d != rankOf(v); ++d)
    bind(v, d, op);
}

/// The dimensions of `small` are those of `large` without `dropped`.
void DimensionClasses::joinRest(Value small, Value large,
                                ArrayRef<int64_t> dropped) {
  int64_t at = 0;
  for (int64_t d = 0; d != rankOf(large); ++d)
    if (!llvm::is_contained(dropped, d))
      join(small, at++, large, d);
}

bool DimensionClasses::visit(Operation *op) {
  if (op->hasTrait<OpTrait::ConstantLike>())
    return true;
  if (OpTrait::hasElementwiseMappableTraits(op)) {
    for (Value operand : op->getOperands())
      if (rankOf(operand) == rankOf(op->getResult(0)))
        joinAll(operand, op->getResult(0));
    return true;
  }
  return TypeSwitch<Operation *, bool>(op)
      .Case<DotOp, DecayDotOp, DecayApplyOp, UnitLowerSolveOp,
            UnitLowerInverseOp>([&](auto product) {
        visitProduct(product);
        return true;
      })
      .Case<BroadcastOp>([&](BroadcastOp o) {
        joinRest(o.getInput(), o.getResult(), o.getDimensions());
        return true;
      })
      .Case<ReduceOp>([&](ReduceOp o) { // by all warps together
        joinRest(o.getResult(), o.getInput(), o.getDimensions());
        return true;
      })
      .Case<RowOp>([&](RowOp o) {
        joinRest(o.getResult(), o.getInput(), {0});
        bind(o.getInput(), 0, op);
        return true;
      })
      .Case<CumsumOp, MaskTokensOp>([&](auto o) {
        joinAll(o.getInput(), o.getResult());
        bind(o.getInput(), 0, op);
        return true;
      })
      .Case<PlaceRowOp>([&](PlaceRowOp o) {
        joinRest(o.getInput(), o.getResult(), {0});
        bind(o.getResult(), 0, op);
        return true;
      })
      .Case<RepeatOp, SumRowsOp>([&](auto o) {
        for (int64_t d = 1; d < rankOf(o.getResult()); ++d)
          join(o.getInput(), d, o.getResult(), d);
        bind(o.getInput(), 0, op);
        bind(o.getResult(), 0, op);
        return true;
      })
      .Case<TrilOp>([&](TrilOp o) {
        joinAll(o.getInput(), o.getResult());
        bindAll(o.getInput(), op);
        return true;
      })
      .Case<TransposeOp>([&](TransposeOp o) {
        join(o.getInput(), 0, o.getResult(), 1);
        join(o.getInput(), 1, o.getResult(), 0);
        return true;
      })
      .Default([](Operation *) { return false; });
}

void DimensionClasses::visitProduct(DotOp op) {
  bool tl = op.getTransposeLhs(), tr = op.getTransposeRhs();
  join(op.getLhs(), tl, op.getResult(), 0);
  join(op.getRhs(), !tr, op.getResult(), 1);
  join(op.getLhs(), !tl, op.getRhs(), tr);
  bind(op.getLhs(), !tl, op);
}
void DimensionClasses::visitProduct(DecayDotOp op) {
  join(op.getX(), 0, op.getResult(), 0);
  join(op.getY(), 0, op.getResult(), 1);
  join(op.getX(), 1, op.getY(), 1);
  bind(op.getX(), 1, op);
  bindAll(op.getResult(), op);
}
void DimensionClasses::visitProduct(DecayApplyOp op) {
  bindAll(op.getM(), op);
  bind(op.getY(), 0, op);
  bind(op.getResult(), 0, op);
  join(op.getY(), 1, op.getResult(), 1);
}
void DimensionClasses::visitProduct(UnitLowerSolveOp op) {
  bindAll(op.getLower(), op);
  joinAll(op.getRhs(), op.getResult());
  bind(op.getRhs(), 0, op);
}
void DimensionClasses::visitProduct(UnitLowerInverseOp op) {
  bindAll(op.getLower(), op);
  bindAll(op.getResult(), op);
}

//===----------------------------------------------------------------------===//
// What is remade
//===----------------------------------------------------------------------===//

bool deltanet::chunk::isRemade(Operation *op) {
  return op->hasTrait<OpTrait::ConstantLike>() || isa<BroadcastOp>(op);
}

void deltanet::chunk::separateUses(ScanOp scan) {
  Block *body = scan.getBodyBlock();
  for (Operation &op : llvm::make_early_inc_range(*body))
    for (OpOperand &operand : op.getOpOperands()) {
      Operation *definition = operand.get().getDefiningOp();
      if (!definition || !isRemade(definition))
        continue;
      bool outside = definition->getBlock() != body;
      if (!outside && operand.get().hasOneUse())
        continue;
      OpBuilder b(&op);
      operand.set(b.clone(*definition)->getResult(0));
    }
}
