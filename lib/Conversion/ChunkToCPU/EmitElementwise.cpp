//===- EmitElementwise.cpp - expressions over tiles -----------------------===//
// Elementwise operations and the ones that only move indices, evaluated as one
// expression a vector at a time.
//===----------------------------------------------------------------------===//
#include "BodyEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::cpu;

static RankedTensorType tileType(Value value) {
  return dyn_cast<RankedTensorType>(value.getType());
}

/// Constants are created anew at every use, so they count by their value.
static SmallVector<uint64_t, 6> keyOf(Value value, ValueRange at, bool vector) {
  SmallVector<uint64_t, 6> key = {
      reinterpret_cast<uintptr_t>(value.getAsOpaquePointer()), vector};
  for (Value i : at) {
    APInt constant;
    bool known = matchPattern(i, m_ConstantInt(&constant));
    key.push_back(known);
    key.push_back(known ? constant.getZExtValue()
                        : reinterpret_cast<uintptr_t>(i.getAsOpaquePointer()));
  }
  return key;
}

void BodyEmitter::bindComputed(Value value, ValueRange at, Value known,
                               Computed &computed) {
  computed[keyOf(value, at, true)] = known;
}

Value BodyEmitter::evaluate(Value value, ValueRange at, bool vector,
                            Computed &computed) {
  if (!tileType(value))
    return scalars.lookup(value);
  auto key = keyOf(value, at, vector);
  if (auto known = computed.find(key); known != computed.end())
    return known->second;
  Value result;
  if (Tile tile = tiles.lookup(value))
    result = vector ? loadVector(tile, at) : loadScalar(tile, at);
  else
    result = evaluateOp(value.getDefiningOp(), at, vector, computed);
  return computed[key] = result;
}

/// The index of a broadcast's input.
static SmallVector<Value> projectIndex(chunk::BroadcastOp op, ValueRange at) {
  SmallVector<Value> kept;
  for (auto [dim, i] : llvm::enumerate(at))
    if (!llvm::is_contained(op.getDimensions(), static_cast<int64_t>(dim)))
      kept.push_back(i);
  return kept;
}

/// True if a broadcast repeats along its last dimension.
static bool repeatsLast(chunk::BroadcastOp op) {
  return llvm::is_contained(op.getDimensions(), op.getType().getRank() - 1);
}

Value BodyEmitter::evaluateOp(Operation *op, ValueRange at, bool vector,
                              Computed &computed) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    auto splatAttr = cast<SplatElementsAttr>(constant.getValue());
    Attribute value = splatAttr.getSplatValue<Attribute>();
    if (vector)
      value =
          DenseElementsAttr::get(vectorOf(splatAttr.getElementType()), value);
    return arith::ConstantOp::create(b, loc, cast<TypedAttr>(value));
  }
  if (auto broadcast = dyn_cast<chunk::BroadcastOp>(op)) {
    SmallVector<Value> source = projectIndex(broadcast, at);
    if (!vector || !repeatsLast(broadcast))
      return evaluate(broadcast.getInput(), source, vector, computed);
    return splat(evaluate(broadcast.getInput(), source, false, computed));
  }
  if (auto row = dyn_cast<chunk::RowOp>(op)) {
    SmallVector<Value> source = {index(row.getIndex())};
    llvm::append_range(source, at);
    return evaluate(row.getInput(), source, vector, computed);
  }
  if (auto repeat = dyn_cast<chunk::RepeatOp>(op)) {
    if (vector && at.size() == 1)
      return gatherRepeat(repeat, at[0]);
    int64_t n = repeat.getType().getDimSize(0) /
                tileType(repeat.getInput()).getDimSize(0);
    SmallVector<Value> source(at);
    source[0] = b.createOrFold<arith::DivUIOp>(loc, at[0], index(n));
    return evaluate(repeat.getInput(), source, vector, computed);
  }
  if (auto mask = dyn_cast<chunk::MaskTokensOp>(op))
    return evaluateMask(mask, at, vector, computed);
  if (auto tril = dyn_cast<chunk::TrilOp>(op)) {
    Value x = evaluate(tril.getInput(), at, vector, computed);
    auto type = cast<RankedTensorType>(tril.getType());
    int64_t n = type.getDimSize(1) / type.getDimSize(0);
    // i / n <= r where i < (r + 1) n.
    Value limit = mulConstant(addConstant(at[0], tril.getStrict() ? 0 : 1), n);
    Value keep = vector ? lanesBelow(at[1], limit)
                        : arith::CmpIOp::create(
                              b, loc, arith::CmpIPredicate::slt, at[1], limit)
                              .getResult();
    return arith::SelectOp::create(b, loc, keep, x, constant(x.getType(), 0));
  }
  return evaluateElementwise(op, at, vector, computed);
}

Value BodyEmitter::evaluateElementwise(Operation *op, ValueRange at,
                                       bool vector, Computed &computed) {
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(evaluate(operand, at, vector, computed));
  Type element = tileType(op->getResult(0)).getElementType();
  Type result = vector ? Type(vectorOf(element)) : element;
  // f64 to bf16 has no instruction anywhere: through f32.
  if (isa<arith::TruncFOp>(op) &&
      getElementTypeOrSelf(operands[0].getType()).isF64() && !element.isF32())
    return convert(convert(operands[0], b.getF32Type()), element);
  OperationState state(loc, op->getName(), operands, result, op->getAttrs());
  return b.create(state)->getResult(0);
}

Value BodyEmitter::evaluateMask(chunk::MaskTokensOp op, ValueRange at,
                                bool vector, Computed &computed) {
  Value x = evaluate(op.getInput(), at, vector, computed);
  Value limit = mulConstant(scalars.lookup(op.getCount()), op.getSteps());
  Value keep = vector && at.size() == 1
                   ? lanesBelow(at[0], limit)
                   : arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                           at[0], limit)
                         .getResult();
  return arith::SelectOp::create(b, loc, keep, x, constant(x.getType(), 0));
}

Value BodyEmitter::gatherRepeat(chunk::RepeatOp op, Value start) {
  int64_t n =
      op.getType().getDimSize(0) / tileType(op.getInput()).getDimSize(0);
  Type element = op.getType().getElementType();
  Value result = constant(vectorOf(element), 0);
  for (int64_t lane = 0; lane < options.lanes(); ++lane) {
    Value at =
        b.createOrFold<arith::DivUIOp>(loc, addConstant(start, lane), index(n));
    Computed none;
    Value x = evaluate(op.getInput(), at, false, none);
    result = vector::InsertOp::create(b, loc, x, result, lane);
  }
  return result;
}

void BodyEmitter::evaluateRowInvariants(Value value, ValueRange row,
                                        Computed &computed) {
  Operation *op = value.getDefiningOp();
  if (!tileType(value) || tiles.count(value) || !op || row.empty())
    return;
  if (auto broadcast = dyn_cast<chunk::BroadcastOp>(op)) {
    if (!repeatsLast(broadcast))
      return;
    // Any last index gives the same: the key of the input does not hold it.
    SmallVector<Value> at(row);
    at.push_back(index(0));
    evaluate(broadcast.getInput(), projectIndex(broadcast, at), false,
             computed);
    return;
  }
  // Operations that keep the index; under others the rows are different ones.
  if (isa<chunk::RowOp, chunk::RepeatOp>(op) || !isExpression(op))
    return;
  for (Value operand : op->getOperands())
    evaluateRowInvariants(operand, row, computed);
}

void BodyEmitter::emitExpression(Operation *op) {
  Value value = op->getResult(0);
  if (chunk::DotOp dot = plan.fusedDot(op))
    return emitDot(dot, op);
  Tile out = destinationOf(value);
  // While it is evaluated the value is not yet in its tile.
  tiles.erase(value);
  if (out.shape.empty()) {
    Computed computed;
    storeScalar(evaluate(value, {}, false, computed), out, {});
  } else {
    loopRows(out.shape, [&](ValueRange row) {
      Computed invariant;
      evaluateRowInvariants(value, row, invariant);
      loop(0, out.shape.back(), options.lanes(), [&](Value col) {
        SmallVector<Value> at(row);
        at.push_back(col);
        Computed computed = invariant;
        storeVector(evaluate(value, at, true, computed), out, at);
      });
    });
  }
  tiles[value] = out;
}
