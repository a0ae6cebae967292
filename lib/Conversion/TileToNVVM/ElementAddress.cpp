//===- ElementAddress.cpp - where elements of a buffer are ----------------===//
// See ElementAddress.h.
//===----------------------------------------------------------------------===//
#include "ElementAddress.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace deltanet::tile;

/// Bytes that the swizzle moves as one, and rows until it repeats.
static constexpr int64_t kUnitBytes = 16, kRows = 8;

ElementAddress::ElementAddress(Emit &emit, Value buffer, BufferType type,
                               Value row, Value column, bool split)
    : emit(emit), buffer(buffer), type(type), row(row), column(column),
      split(split) {
  if (!type.isSwizzled())
    base = emit.move(buffer,
                     emit.add(emit.mul(row, type.getRowBytes()),
                              emit.mul(column, type.getElementBytes())));
  else if (split)
    base = emit.addressOf(emit.move(buffer, swizzled(row, column)));
}

Value ElementAddress::swizzled(Value row, Value column) {
  int64_t perUnit = kUnitBytes / type.getElementBytes();
  int64_t perPanel = type.getSwizzle() / type.getElementBytes();
  Value panel = emit.div(column, perPanel);
  Value unit = emit.div(emit.rem(column, perPanel), perUnit);
  unit = arith::XOrIOp::create(emit.b, emit.loc, unit, emit.rem(row, kRows));
  Value bytes = emit.add(emit.mul(row, type.getSwizzle()),
                         emit.mul(unit, kUnitBytes));
  bytes = emit.add(bytes,
                   emit.mul(panel, type.getRows() * type.getSwizzle()));
  return emit.add(bytes, emit.mul(emit.rem(column, perUnit),
                                  type.getElementBytes()));
}

Value ElementAddress::at(int64_t r, int64_t c) {
  if (!type.isSwizzled())
    return emit.move(base, r * type.getRowBytes() + c * type.getElementBytes());
  if (!split)
    return emit.move(buffer, swizzled(emit.add(row, r), emit.add(column, c)));
  int64_t perUnit = kUnitBytes / type.getElementBytes();
  int64_t perPanel = type.getSwizzle() / type.getElementBytes();
  int64_t unit = c % perPanel / perUnit ^ r % kRows;
  Value address = base;
  if (unit)
    address = arith::XOrIOp::create(emit.b, emit.loc, address,
                                    emit.i32(unit * kUnitBytes));
  return emit.move(emit.pointerTo(address),
                   r * type.getSwizzle() +
                       c / perPanel * type.getRows() * type.getSwizzle() +
                       c % perUnit * type.getElementBytes());
}
