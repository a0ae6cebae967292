//===- MatrixReader.cpp - matrices from buffers ---------------------------===//
// See MatrixReader.h.
//===----------------------------------------------------------------------===//
#include "MatrixReader.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace deltanet::tile;

ElementAddress deltanet::tile::getLaneAddress(Emit &emit, Value buffer,
                                              BufferType type, Value row,
                                              Value column, BlockOrder order) {
  // Constants are multiples of 16 columns and 8 rows; the lane's part is less.
  bool split = matchPattern(column, m_Zero());
  Value block = emit.div(emit.lane(), 8), low = emit.mul(emit.rem(block, 2), 8),
        high = emit.mul(emit.div(block, 2), 8);
  bool down = order == BlockOrder::Down;
  row = emit.add(emit.add(row, emit.rem(emit.lane(), 8)), down ? low : high);
  column = emit.add(column, down ? high : low);
  return ElementAddress(emit, buffer, type, row, column, split);
}

MatrixReader::MatrixReader(Emit &emit, Value buffer, BufferType type, Value row,
                           Value column, BlockOrder order, bool transpose)
    : emit(emit), transpose(transpose),
      address(getLaneAddress(emit, buffer, type, row, column, order)) {}

SmallVector<Value> MatrixReader::read(int64_t row, int64_t column,
                                      int64_t count) {
  OpBuilder &b = emit.b;
  MLIRContext *context = b.getContext();
  Value at = address.at(row, column);
  SmallVector<Type> types(count, b.getI32Type());
  Value blocks = NVVM::LdMatrixOp::create(
      b, emit.loc, LLVM::LLVMStructType::getLiteral(context, types), at, count,
      transpose ? NVVM::MMALayout::col : NVVM::MMALayout::row,
      NVVM::LdStMatrixShapeAttr::get(context, 8, 8),
      NVVM::LdStMatrixEltType::B16);
  return emit.members(blocks);
}

PairReader::PairReader(Emit &emit, Value buffer, BufferType type, Value row,
                       Value column, bool transpose)
    : emit(emit), type(type), transpose(transpose) {
  row = emit.add(row, emit.laneRow());
  Value pair = emit.lanePair();
  column = emit.add(column, emit.mul(pair, 2));
  auto at = [&](Value r, Value c) {
    return emit.move(buffer, emit.add(emit.mul(r, type.getRowBytes()),
                                      emit.mul(c, type.getElementBytes())));
  };
  if (!transpose) {
    first = at(row, column);
    return;
  }
  swap = emit.less(emit.i32(1), pair);
  Value odd = emit.div(pair, 2);
  first = at(emit.add(column, odd), row);
  second = at(emit.sub(emit.add(column, 1), odd), row);
}

std::pair<Value, Value> PairReader::read(int64_t row, int64_t column) {
  Type element = type.getElementType();
  if (!transpose) {
    SmallVector<Value> two =
        emit.loadMany(element, 2,
                      emit.move(first, row * type.getRowBytes() +
                                           column * type.getElementBytes()));
    return {two[0], two[1]};
  }
  int64_t bytes = column * type.getRowBytes() + row * type.getElementBytes();
  Value x = emit.load(element, emit.move(first, bytes));
  Value y = emit.load(element, emit.move(second, bytes));
  return {emit.select(swap, y, x), emit.select(swap, x, y)};
}

SmallVector<Value> PairReader::readTile(int64_t row, int64_t column) {
  auto [a, b] = read(row, column);
  auto [c, d] = read(row + 8, column);
  return {a, b, c, d};
}
