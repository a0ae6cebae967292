//===- BodyEmitter.cpp - building blocks and the walk over a body ---------===//
// Loops, loads, stores and conversions that the Emit*.cpp files share, and the
// dispatch from operations to them.
//===----------------------------------------------------------------------===//
#include "BodyEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::cpu;

//===----------------------------------------------------------------------===//
// Building blocks
//===----------------------------------------------------------------------===//

Value BodyEmitter::index(int64_t i) {
  return arith::ConstantIndexOp::create(b, loc, i);
}

Value BodyEmitter::add(Value a, Value c) {
  return b.createOrFold<arith::AddIOp>(loc, a, c);
}

Value BodyEmitter::addConstant(Value a, int64_t c) {
  return c == 0 ? a : add(a, index(c));
}

Value BodyEmitter::mulConstant(Value a, int64_t c) {
  return c == 1 ? a : b.createOrFold<arith::MulIOp>(loc, a, index(c));
}

VectorType BodyEmitter::vectorOf(Type element) {
  return VectorType::get({options.lanes()}, element);
}

Value BodyEmitter::splat(Value scalar) {
  return vector::BroadcastOp::create(b, loc, vectorOf(scalar.getType()),
                                     scalar);
}

Value BodyEmitter::multiplyAdd(Value x, Value y, Value sum) {
  if (options.fma)
    return vector::FMAOp::create(b, loc, x, y, sum);
  // One rounding more, where one instruction would be a call for every element.
  return arith::AddFOp::create(b, loc, arith::MulFOp::create(b, loc, x, y),
                               sum);
}

Value BodyEmitter::constant(Type type, double value) {
  Type element = getElementTypeOrSelf(type);
  TypedAttr attr =
      isa<FloatType>(element)
          ? TypedAttr(b.getFloatAttr(element, value))
          : TypedAttr(b.getIntegerAttr(element, static_cast<int64_t>(value)));
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, Attribute(attr));
  return arith::ConstantOp::create(b, loc, attr);
}

Value BodyEmitter::loadVector(const Tile &tile, ValueRange at) {
  arena.touch(tile, position);
  Type stored = cast<MemRefType>(tile.buffer.getType()).getElementType();
  Value v = vector::LoadOp::create(b, loc, vectorOf(stored), tile.buffer, at);
  if (stored != tile.element)
    v = arith::TruncIOp::create(b, loc, vectorOf(tile.element), v);
  return v;
}

Value BodyEmitter::loadScalar(const Tile &tile, ValueRange at) {
  arena.touch(tile, position);
  Value zero = tile.shape.empty() ? index(0) : Value();
  Value v =
      memref::LoadOp::create(b, loc, tile.buffer, zero ? ValueRange(zero) : at);
  if (v.getType() != tile.element)
    v = arith::TruncIOp::create(b, loc, tile.element, v);
  return v;
}

void BodyEmitter::storeVector(Value vector, const Tile &tile, ValueRange at) {
  arena.touch(tile, position);
  Type stored = cast<MemRefType>(tile.buffer.getType()).getElementType();
  if (stored != tile.element)
    vector = arith::ExtUIOp::create(b, loc, vectorOf(stored), vector);
  vector::StoreOp::create(b, loc, vector, tile.buffer, at);
}

void BodyEmitter::storeScalar(Value scalar, const Tile &tile, ValueRange at) {
  arena.touch(tile, position);
  Type stored = cast<MemRefType>(tile.buffer.getType()).getElementType();
  if (stored != tile.element)
    scalar = arith::ExtUIOp::create(b, loc, stored, scalar);
  Value zero = tile.shape.empty() ? index(0) : Value();
  memref::StoreOp::create(b, loc, scalar, tile.buffer,
                          zero ? ValueRange(zero) : at);
}

Value BodyEmitter::convert(Value value, Type element) {
  auto from = dyn_cast<FloatType>(getElementTypeOrSelf(value.getType()));
  auto to = dyn_cast<FloatType>(element);
  if (!from || !to || from == to)
    return value;
  Type type = to;
  if (isa<VectorType>(value.getType()))
    type = vectorOf(to);
  if (to.getWidth() > from.getWidth())
    return arith::ExtFOp::create(b, loc, type, value);
  if (to.getWidth() < from.getWidth())
    return arith::TruncFOp::create(b, loc, type, value);
  // bf16 to f16 or back.
  return convert(convert(value, b.getF32Type()), element);
}

Value BodyEmitter::lanesBelow(Value start, Value limit) {
  // Compared as 32-bit integers: an index would need twice the registers.
  Type i32 = b.getI32Type();
  SmallVector<Attribute> steps;
  for (int64_t i = 0; i < options.lanes(); ++i)
    steps.push_back(b.getI32IntegerAttr(i));
  Value lane = arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(vectorOf(i32), steps));
  Value left = b.createOrFold<arith::SubIOp>(loc, limit, start);
  left = arith::IndexCastOp::create(b, loc, i32, left);
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, lane,
                               splat(left));
}

void BodyEmitter::loop(Value lo, Value hi, int64_t step,
                       function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(b, loc, lo, hi, index(step));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(loop.getBody()->getTerminator());
  body(loop.getInductionVar());
}

void BodyEmitter::loop(int64_t lo, int64_t hi, int64_t step,
                       function_ref<void(Value)> body) {
  // A single turn needs no loop.
  if (hi > lo && hi - lo <= step)
    return body(index(lo));
  if (hi > lo)
    loop(index(lo), index(hi), step, body);
}

SmallVector<Value>
BodyEmitter::loop(Value lo, Value hi, ValueRange start,
                  function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(b, loc, lo, hi, index(1), start);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  scf::YieldOp::create(b, loc, next);
  return SmallVector<Value>(loop.getResults());
}

void BodyEmitter::loopRows(ArrayRef<int64_t> shape,
                           function_ref<void(ValueRange)> body) {
  SmallVector<Value> at;
  std::function<void(unsigned)> nest = [&](unsigned dim) {
    if (dim + 1 >= shape.size())
      return body(at);
    loop(0, shape[dim], 1, [&](Value i) {
      at.push_back(i);
      nest(dim + 1);
      at.pop_back();
    });
  };
  nest(0);
}

Tile BodyEmitter::tileOf(Value value) {
  auto it = tiles.find(value);
  assert(it != tiles.end() &&
         "a value that is read from memory must be stored");
  arena.touch(it->second, position);
  return it->second;
}

Tile BodyEmitter::destinationOf(Value value) {
  Tile tile = destinations.lookup(value);
  if (!tile) {
    auto type = cast<RankedTensorType>(value.getType());
    tile = allocate(type.getShape(), type.getElementType());
  }
  arena.touch(tile, position);
  tiles[value] = tile;
  return tile;
}

void BodyEmitter::copy(const Tile &from, const Tile &to) {
  if (from.shape.empty())
    return storeScalar(convert(loadScalar(from, {}), to.element), to, {});
  loopRows(from.shape, [&](ValueRange row) {
    loop(0, from.shape.back(), options.lanes(), [&](Value col) {
      SmallVector<Value> at(row);
      at.push_back(col);
      storeVector(convert(loadVector(from, at), to.element), to, at);
    });
  });
}

void BodyEmitter::fill(const Tile &tile, Attribute element) {
  Value x = arith::ConstantOp::create(b, loc, cast<TypedAttr>(element));
  x = convert(x, tile.element);
  if (tile.shape.empty())
    return storeScalar(x, tile, {});
  x = splat(x);
  loopRows(tile.shape, [&](ValueRange row) {
    loop(0, tile.shape.back(), options.lanes(), [&](Value col) {
      SmallVector<Value> at(row);
      at.push_back(col);
      storeVector(x, tile, at);
    });
  });
}

//===----------------------------------------------------------------------===//
// The walk
//===----------------------------------------------------------------------===//

LogicalResult BodyEmitter::emitBody() {
  for (Operation &op : scan.getBodyBlock()->without_terminator()) {
    ++position;
    loc = op.getLoc();
    if (failed(emit(&op)))
      return failure();
  }
  ++position;
  return success();
}

LogicalResult BodyEmitter::emit(Operation *op) {
  bool tensors =
      llvm::any_of(op->getOperandTypes(), llvm::IsaPred<RankedTensorType>) ||
      llvm::any_of(op->getResultTypes(), llvm::IsaPred<RankedTensorType>);
  if (!tensors) {
    IRMapping mapping;
    for (Value operand : op->getOperands())
      mapping.map(operand, scalars.lookup(operand));
    Operation *clone = b.clone(*op, mapping);
    for (auto [old, fresh] : llvm::zip(op->getResults(), clone->getResults()))
      scalars[old] = fresh;
    return success();
  }
  if (isExpression(op)) {
    if (plan.isStored(op->getResult(0)))
      emitExpression(op);
    return success();
  }
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](arith::ConstantOp op) {
        emitConstant(op.getResult(), cast<DenseElementsAttr>(op.getValue()));
        return success();
      })
      .Case([&](chunk::DotOp op) {
        if (!plan.isFused(op))
          emitDot(op, op);
        return success();
      })
      .Case([&](chunk::DecayDotOp op) { return emitDecayDot(op), success(); })
      .Case(
          [&](chunk::DecayApplyOp op) { return emitDecayApply(op), success(); })
      .Case([&](chunk::UnitLowerSolveOp op) {
        Tile rhs = tileOf(op.getRhs());
        emitSolve(op.getLower(), &rhs, destinationOf(op.getResult()),
                  op.getTranspose());
        return success();
      })
      .Case([&](chunk::UnitLowerInverseOp op) {
        emitSolve(op.getLower(), nullptr, destinationOf(op.getResult()), false);
        return success();
      })
      .Case([&](chunk::CumsumOp op) { return emitCumsum(op), success(); })
      .Case([&](chunk::ReduceOp op) { return emitReduce(op), success(); })
      .Case([&](chunk::PlaceRowOp op) { return emitPlaceRow(op), success(); })
      .Case([&](chunk::SumRowsOp op) { return emitSumRows(op), success(); })
      .Case([&](chunk::TransposeOp op) {
        Tile from = tileOf(op.getInput());
        emitTranspose(from, destinationOf(op.getResult()));
        return success();
      })
      .Default([&](Operation *op) {
        return op->emitOpError("expects an operation of a chunk body (chunk, "
                               "or elementwise arith and "
                               "math)");
      });
}
