//===- Roles.cpp - what an argument is to a recurrence --------------------===//
#include "Roles.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;

/// Whether the result of `op` is its first operand in another type or shape.
static bool isTransparent(Operation *op) {
  return isa<arith::ExtFOp, arith::TruncFOp, tensor::CastOp,
             tensor::ExpandShapeOp, tensor::CollapseShapeOp,
             linalg::BroadcastOp>(op);
}

/// The tensors whose elements the results of `op` are computed from.
static SmallVector<Value> getSources(Operation *op) {
  SmallVector<Value> sources;
  auto structured = dyn_cast<linalg::LinalgOp>(op);
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    // An output that only lends its shape.
    if (structured && !structured.payloadUsesValueFromOperand(&operand))
      continue;
    sources.push_back(operand.get());
  }
  return sources;
}

namespace {
/// Follows one operand of a recurrence back.
class Tracer {
public:
  Tracer(func::FuncOp function, MutableArrayRef<ArgumentRole> roles)
      : function(function), roles(roles) {}

  void trace(Value value, Role role, linrec::RecurrenceOpInterface op,
             Value pool = {}) {
    seen.clear();
    visit(value, {role, /*direct=*/true, op, pool});
  }

private:
  void visit(Value value, ArgumentRole found) {
    if (!value)
      return;
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      if (argument.getOwner() != &function.getBody().front())
        return;
      ArgumentRole &role = roles[argument.getArgNumber()];
      auto rank = [](const ArgumentRole &r) {
        return std::make_tuple(r.role == Role::None, !r.direct, r.role);
      };
      if (rank(found) < rank(role))
        role = found;
      return;
    }
    Operation *op = value.getDefiningOp();
    if (!seen.insert(op).second ||
        isa<linrec::RecurrenceOpInterface, linrec::SelectiveScanOp>(op) ||
        op->getParentOp() != function)
      return;
    found.direct &= isTransparent(op);
    for (Value source : getSources(op)) {
      visit(source, found);
      if (isTransparent(op))
        return;
    }
  }

  func::FuncOp function;
  MutableArrayRef<ArgumentRole> roles;
  llvm::DenseSet<Operation *> seen;
};
} // namespace

SmallVector<ArgumentRole>
deltanet::driver::traceArguments(func::FuncOp function) {
  SmallVector<ArgumentRole> roles(function.getNumArguments());
  Tracer tracer(function, roles);
  function.walk([&](linrec::RecurrenceOpInterface op) {
    tracer.trace(op.getKey(), Role::Key, op);
    tracer.trace(op.getQuery(), Role::Query, op);
    tracer.trace(op.getValue(), Role::Value, op);
    tracer.trace(op.getDecay(), Role::Decay, op);
    tracer.trace(op.getInitialState(), Role::InitialState, op);
    tracer.trace(op.getCuSeqlens(), Role::Sequences, op);
    tracer.trace(op.getIndices(), Role::Indices, op, op.getInitialState());
    if (auto scan = dyn_cast<linrec::ScanOp>(op.getOperation())) {
      tracer.trace(scan.getBeta(), Role::Beta, op);
      tracer.trace(scan.getBonus(), Role::Bonus, op);
    } else if (auto dplr = dyn_cast<linrec::DplrScanOp>(op.getOperation())) {
      tracer.trace(dplr.getTransitionIn(), Role::TransitionIn, op);
      tracer.trace(dplr.getTransitionOut(), Role::TransitionOut, op);
    }
  });
  function.walk([&](linrec::SelectiveScanOp op) {
    tracer.trace(op.getDelta(), Role::StepSize, {});
    tracer.trace(op.getA(), Role::Rate, {});
    tracer.trace(op.getInitialState(), Role::InitialState, {});
    tracer.trace(op.getCuSeqlens(), Role::Sequences, {});
    tracer.trace(op.getIndices(), Role::Indices, {}, op.getInitialState());
  });
  return roles;
}

OperandSource deltanet::driver::traceOperand(func::FuncOp function,
                                             Value value) {
  OperandSource source;
  source.direct = true;
  llvm::SmallSetVector<Value, 16> seen;
  seen.insert(value);
  for (size_t i = 0; i < seen.size(); ++i) {
    Value next = seen[i];
    if (auto argument = dyn_cast<BlockArgument>(next)) {
      if (argument.getOwner() == &function.getBody().front())
        source.arguments.push_back(argument.getArgNumber());
      continue;
    }
    Operation *op = next.getDefiningOp();
    source.direct &= isTransparent(op);
    SmallVector<Value> operands = getSources(op);
    if (isTransparent(op))
      operands.resize(1);
    seen.insert_range(operands);
  }
  llvm::sort(source.arguments);
  source.direct &= source.arguments.size() == 1;
  return source;
}

ResultRole deltanet::driver::traceResult(func::FuncOp function,
                                         unsigned index) {
  ResultRole role;
  function.walk([&](linrec::RecurrenceOpInterface op) {
    role.gated |= op.getDecay() != nullptr;
  });
  function.walk([&](linrec::SelectiveScanOp) { role.gated = true; });
  Value value = function.getBody().back().getTerminator()->getOperand(index);
  while (Operation *op = value.getDefiningOp()) {
    if (auto recurrence = dyn_cast<linrec::RecurrenceOpInterface>(op)) {
      role.finalState = value == Value(recurrence.getFinalState());
      break;
    }
    if (auto scan = dyn_cast<linrec::SelectiveScanOp>(op)) {
      role.finalState = value == Value(scan.getFinalState());
      break;
    }
    if (!isTransparent(op))
      break;
    value = op->getOperand(0);
  }
  return role;
}
