//===- BodyPlan.cpp - which values of a chunk body get memory -------------===//
// Values are visited from the last to the first, so that it is known of every
// user whether it is stored. A root of a value is an operation whose loop reads
// it: a stored user, or the root of one that is not.
//===----------------------------------------------------------------------===//
#include "BodyPlan.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::cpu;

/// An expression above this cost is not computed twice.
static constexpr int64_t recomputeCost = 2;
/// An expression above this cost does not go into a product's unrolled end.
static constexpr int64_t fusedCost = 12;

bool cpu::isExpression(Operation *op) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return isa<SplatElementsAttr>(constant.getValue());
  return OpTrait::hasElementwiseMappableTraits(op) ||
         isa<chunk::BroadcastOp, chunk::RowOp, chunk::RepeatOp,
             chunk::MaskTokensOp, chunk::TrilOp>(op);
}

static bool isTile(Value value) {
  return isa<RankedTensorType>(value.getType());
}
static int64_t rankOf(Value v) {
  return cast<RankedTensorType>(v.getType()).getRank();
}

/// What one vector of the operation costs, in additions.
static int64_t costOfOne(Operation *op) {
  if (isa<chunk::BroadcastOp, chunk::RowOp, chunk::RepeatOp, arith::ConstantOp>(
          op))
    return 0;
  if (isa<math::MathDialect>(op->getDialect()))
    return isa<math::AbsFOp, math::FmaOp, math::CopySignOp>(op) ? 1 : 10;
  if (isa<arith::DivFOp, arith::RemFOp, arith::DivSIOp, arith::DivUIOp>(op))
    return 5;
  return 1;
}

/// True if `op`, not an expression itself, reads `operand` an index at a time.
static bool readsByIndex(Operation *op) {
  return isa<chunk::ReduceOp, chunk::CumsumOp>(op);
}

int64_t BodyPlan::costOf(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !isTile(value) || !isExpression(op))
    return 0;
  if (auto it = costs.find(value); it != costs.end())
    return it->second;
  int64_t cost = costOfOne(op);
  for (Value operand : op->getOperands())
    cost += costOf(operand);
  return costs[value] = std::min<int64_t>(cost, 1000);
}

void BodyPlan::findRoots(Value value) {
  Roots found;
  bool memory = false;
  for (Operation *user : value.getUsers()) {
    if (!isExpression(user)) {
      found.insert(fusedDots.contains(user) ? fusedInto.lookup(user) : user);
      memory |= !readsByIndex(user);
      continue;
    }
    Value result = user->getResult(0);
    if (isStored(result))
      found.insert(user);
    else
      found.insert(roots[result].begin(), roots[result].end());
    // A broadcast needs one element for many; a repeat gathers.
    bool repeated = isa<chunk::BroadcastOp>(user) ||
                    (isa<chunk::RepeatOp>(user) && rankOf(value) == 1);
    memory |= repeated && costOf(value) > 0;
  }
  Operation *op = value.getDefiningOp();
  if (op && !isExpression(op))
    memory = true;
  // Loops of several roots would each compute it.
  memory |= found.size() > 1 && costOf(value) > recomputeCost;
  if (op && memory)
    stored.insert(value);
  roots[value] = std::move(found);
}

/// Looks for `wanted` under `value` through operations that keep the index.
/// Sets `other` where it is (also) reached at another index.
static bool reaches(Value value, Value wanted, const BodyPlan &plan,
                    bool &other, bool sameIndex = true) {
  if (value == wanted) {
    other |= !sameIndex;
    return sameIndex;
  }
  Operation *op = value.getDefiningOp();
  if (!op || (plan.isStored(value) && !isa<chunk::DotOp>(op)))
    return false;
  if (auto dot = dyn_cast<chunk::DotOp>(op)) {
    if (plan.isFused(dot))
      other |= dot.getLhs() == wanted || dot.getRhs() == wanted;
    return false;
  }
  if (!isExpression(op))
    return false;
  bool keeps =
      sameIndex && !isa<chunk::BroadcastOp, chunk::RowOp, chunk::RepeatOp>(op);
  bool found = false;
  for (Value operand : op->getOperands())
    if (isTile(operand))
      found |= reaches(operand, wanted, plan, other, keeps);
  return found;
}

/// `reaches` for the operands of a stored root.
static bool rootReaches(Operation *root, Value wanted, const BodyPlan &plan,
                        bool &other) {
  bool found = false;
  for (Value operand : root->getOperands())
    if (isTile(operand))
      found |= reaches(operand, wanted, plan, other);
  return found;
}

void BodyPlan::fuseDots(Block *body) {
  for (Operation &op : llvm::reverse(*body)) {
    auto dot = dyn_cast<chunk::DotOp>(op);
    if (!dot)
      continue;
    const Roots &users = roots[dot.getResult()];
    if (users.size() != 1)
      continue;
    Operation *root = *users.begin();
    bool other = false;
    if (!isExpression(root) || fused.count(root) ||
        isa<chunk::BroadcastOp, chunk::RowOp, chunk::RepeatOp>(root) ||
        cast<RankedTensorType>(root->getResult(0).getType()).getShape() !=
            dot.getType().getShape() ||
        !rootReaches(root, dot.getResult(), *this, other) || other)
      continue;
    // What the unrolled end of the product evaluates.
    int64_t cost = costOf(root->getResult(0));
    if (cost > fusedCost)
      continue;
    fused[root] = dot;
    fusedDots.insert(dot);
    fusedInto[dot] = root;
    stored.erase(dot.getResult());
    // The operands are read where the root is.
    for (Value operand : {dot.getLhs(), dot.getRhs()})
      roots[operand].insert(root);
  }
}

void BodyPlan::planCarries(chunk::ScanOp scan) {
  auto yield = cast<chunk::YieldOp>(scan.getBodyBlock()->getTerminator());
  for (auto [carry, next] :
       llvm::zip(scan.getCarryArguments(), yield.getCarries())) {
    Operation *root = next.getDefiningOp();
    bool ok = root && isStored(next);
    for (Operation *user : roots[carry]) {
      if (!ok)
        break;
      if (user == root) {
        bool other = !isExpression(root);
        rootReaches(root, carry, *this, other);
        if (chunk::DotOp dot = fusedDot(root))
          other |= dot.getLhs() == carry || dot.getRhs() == carry;
        ok = !other;
      } else {
        ok = user->isBeforeInBlock(root);
      }
    }
    // One tile serves one carry.
    ok &= llvm::count(yield.getCarries(), next) == 1 &&
          !llvm::is_contained(yield.getOutputs(), next);
    overwrite.push_back(ok);
  }
}

BodyPlan::BodyPlan(chunk::ScanOp scan) {
  Block *body = scan.getBodyBlock();
  for (Operation &op : llvm::reverse(*body))
    if (op.getNumResults() == 1 && isTile(op.getResult(0)))
      findRoots(op.getResult(0));
  fuseDots(body);
  for (BlockArgument argument : body->getArguments())
    if (isTile(argument))
      findRoots(argument);
  planCarries(scan);
}
