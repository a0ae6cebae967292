//===- GlobalTile.cpp - a tile in global memory ---------------------------===//
// See GlobalTile.h.
//===----------------------------------------------------------------------===//
#include "GlobalTile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace deltanet::tile;

Value deltanet::tile::toI64(Emit &emit, Value index) {
  return arith::IndexCastOp::create(emit.b, emit.loc, emit.b.getI64Type(),
                                    index);
}
Value deltanet::tile::toI32(Emit &emit, Value index) {
  return arith::IndexCastOp::create(emit.b, emit.loc, emit.b.getI32Type(),
                                    index);
}
Value deltanet::tile::extend(Emit &emit, Value v) {
  return arith::ExtSIOp::create(emit.b, emit.loc, emit.b.getI64Type(), v);
}
Value deltanet::tile::mul64(Emit &emit, Value x, Value y) {
  return arith::MulIOp::create(emit.b, emit.loc, x, y);
}
Value deltanet::tile::mul64(Emit &emit, Value x, int64_t y) {
  return mul64(emit, x, arith::ConstantIntOp::create(emit.b, emit.loc, y, 64));
}
Value deltanet::tile::opaque(Emit &emit, Value pointer) {
  return emit.assembly("mov.b64 $0, $1;", "=l,l", pointer.getType(), pointer,
                       false);
}

GlobalTile::GlobalTile(Emit &emit, Value pointer, Value offset,
                       ValueRange strides, ValueRange limits,
                       std::optional<ArrayRef<int64_t>> along, Type element)
    : emit(emit), bytes(element.getIntOrFloatBitWidth() / 8),
      along(along.value_or(ArrayRef<int64_t>())) {
  start =
      opaque(emit, emit.move(pointer, mul64(emit, toI64(emit, offset), bytes)));
  base = start;
  for (Value stride : strides)
    this->strides.push_back(mul64(emit, toI64(emit, stride), bytes));
  for (Value limit : limits)
    this->limits.push_back(toI32(emit, limit));
}

void GlobalTile::setVariable(ArrayRef<Value> coordinates) {
  variable.assign(coordinates.begin(), coordinates.end());
  base = start;
  for (auto [c, stride] : llvm::zip(coordinates, strides))
    base = emit.move(base, mul64(emit, extend(emit, c), stride));
}

Value GlobalTile::address(ArrayRef<int64_t> constants) {
  Value at = base;
  for (auto [c, stride] : llvm::zip(constants, strides))
    if (c != 0)
      at = emit.move(at, mul64(emit, stride, c));
  return at;
}

Value GlobalTile::inside(ArrayRef<int64_t> constants) {
  Value all;
  for (auto [limit, d] : llvm::zip(limits, along)) {
    // The limit is the same for all threads, the coordinate is not.
    Value one = emit.less(variable[d], emit.add(limit, -constants[d]));
    all = all ? arith::AndIOp::create(emit.b, emit.loc, all, one).getResult()
              : one;
  }
  return all;
}

void GlobalTile::guarded(ArrayRef<int64_t> constants,
                         function_ref<void()> body) {
  Value condition = inside(constants);
  if (!condition)
    return body();
  auto ifOp = scf::IfOp::create(emit.b, emit.loc, condition);
  OpBuilder::InsertionGuard guard(emit.b);
  emit.b.setInsertionPointToStart(ifOp.thenBlock());
  body();
}
