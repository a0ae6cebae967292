//===- ScanAccess.cpp - the parts of whole tensors that a scan walks ------===//
// See the table of #chunk.access in dialects/Chunk/Chunk.td.
//===----------------------------------------------------------------------===//
#include "ScanAccess.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::cpu;
using chunk::AccessAttr;

SmallVector<Value> ScanBuffers::all() const {
  SmallVector<Value> values;
  for (Value list : {sequences, indices})
    if (list)
      values.push_back(list);
  for (const auto *list : {&inits, &inputs, &outputs, &finals, &scalars})
    for (Value value : *list)
      if (value)
        values.push_back(value);
  return values;
}

ScanBuffers ScanBuffers::withValues(ValueRange values) const {
  ScanBuffers other = *this;
  size_t i = 0;
  auto replace = [&](Value &value) {
    if (value)
      value = values[i++];
  };
  replace(other.sequences);
  replace(other.indices);
  for (auto *list : {&other.inits, &other.inputs, &other.outputs, &other.finals,
                     &other.scalars})
    llvm::for_each(*list, replace);
  return other;
}

//===----------------------------------------------------------------------===//
// Extents
//===----------------------------------------------------------------------===//

Value ScanAccess::index(int64_t i) {
  return arith::ConstantIndexOp::create(b, loc, i);
}

Value ScanAccess::dim(Value memref, int64_t i) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.isDynamicDim(i))
    return index(type.getDimSize(i));
  return memref::DimOp::create(b, loc, memref, i);
}

Value ScanAccess::extent(AccessAttr::Loop loop) {
  auto find = [&](ArrayRef<Value> values, ValueRange tensors,
                  ArrayAttr accesses) -> Value {
    for (auto [value, tensor, access] : llvm::zip(values, tensors, accesses))
      if (int64_t i = cast<AccessAttr>(access).findLoop(loop); i >= 0)
        return value ? dim(value, i)
                     : index(cast<RankedTensorType>(tensor.getType())
                                 .getDimSize(i));
    return {};
  };
  if (Value found =
          find(buffers.inputs, scan.getInputs(), scan.getInputAccesses()))
    return found;
  return find(buffers.inits, scan.getInits(), scan.getInitAccesses());
}

Value ScanAccess::heads() {
  Value heads = extent(AccessAttr::Head);
  return heads ? heads : index(1);
}

Value ScanAccess::numSequences() {
  if (buffers.sequences)
    return b.createOrFold<arith::SubIOp>(loc, dim(buffers.sequences, 0),
                                         index(1));
  if (Value batch = extent(AccessAttr::Batch))
    return batch;
  if (Value sequences = extent(AccessAttr::Sequence))
    return sequences;
  return index(1);
}

Value ScanAccess::tokens() {
  for (auto [i, argument] : llvm::enumerate(scan.getInputArguments())) {
    int64_t at = scan.getInputAccess(i).findLoop(AccessAttr::Token);
    if (at < 0)
      continue;
    auto tile = cast<RankedTensorType>(argument.getType());
    int64_t steps =
        tile.getDimSize(0) / static_cast<int64_t>(scan.getChunkSize());
    return b.createOrFold<arith::DivUIOp>(loc, dim(buffers.inputs[i], at),
                                          index(steps));
  }
  return index(scan.getNumChunks());
}

Value ScanAccess::chunkEntries() {
  Value size = index(scan.getChunkSize()), n = numSequences();
  if (!buffers.sequences) {
    Value chunks = b.createOrFold<arith::CeilDivUIOp>(loc, tokens(), size);
    return b.createOrFold<arith::MulIOp>(loc, n, chunks);
  }
  Value whole = b.createOrFold<arith::DivUIOp>(loc, tokens(), size);
  Value entries = b.createOrFold<arith::AddIOp>(loc, whole, n);
  Value none =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, n, index(0));
  return arith::SelectOp::create(b, loc, none, index(0), entries);
}

static Value loadIndex(OpBuilder &b, Location loc, Value list, Value n) {
  Value entry = memref::LoadOp::create(b, loc, list, n);
  if (entry.getType().isIndex())
    return entry;
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), entry);
}

Value ScanAccess::offsetOf(Value n) {
  return loadIndex(b, loc, buffers.sequences, n);
}

Value ScanAccess::entryOf(Value n) {
  return buffers.indices ? loadIndex(b, loc, buffers.indices, n) : Value();
}

std::pair<Value, Value> ScanAccess::rangeOf(Value n) {
  Value begin = offsetOf(n);
  Value end = offsetOf(arith::AddIOp::create(b, loc, n, index(1)));
  // Offsets that decrease give no tokens, not some 2^64.
  Value length = arith::SubIOp::create(b, loc, end, begin);
  return {begin, arith::MaxSIOp::create(b, loc, length, index(0))};
}

Value ScanAccess::findSequence(Value entry) {
  Value size = index(scan.getChunkSize());
  Type type = b.getIndexType();
  auto loop = scf::WhileOp::create(
      b, loc, TypeRange{type, type}, ValueRange{index(0), numSequences()},
      [&](OpBuilder &b, Location loc, ValueRange bounds) {
        Value width = arith::SubIOp::create(b, loc, bounds[1], bounds[0]);
        Value more = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ugt,
                                           width, index(1));
        scf::ConditionOp::create(b, loc, more, bounds);
      },
      [&](OpBuilder &b, Location loc, ValueRange bounds) {
        Value sum = arith::AddIOp::create(b, loc, bounds[0], bounds[1]);
        Value middle = arith::DivUIOp::create(b, loc, sum, index(2));
        Value whole = arith::DivUIOp::create(b, loc, offsetOf(middle), size);
        Value start = arith::AddIOp::create(b, loc, whole, middle);
        Value below = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ule,
                                            start, entry);
        Value lo = arith::SelectOp::create(b, loc, below, middle, bounds[0]);
        Value hi = arith::SelectOp::create(b, loc, below, bounds[1], middle);
        scf::YieldOp::create(b, loc, ValueRange{lo, hi});
      });
  return loop.getResult(0);
}

std::pair<Value, Value> ScanAccess::findRun(Value i, Value chunks,
                                            int64_t runs) {
  Value each = arith::CeilDivUIOp::create(b, loc, chunks, index(runs));
  Value run = arith::DivUIOp::create(b, loc, i, each);
  Value first = arith::MulIOp::create(b, loc, run, each);
  if (scan.getReverse()) {
    Value end = arith::AddIOp::create(b, loc, first, each);
    end = arith::MinUIOp::create(b, loc, end, chunks);
    first = arith::SubIOp::create(b, loc, end, index(1));
  }
  Value begins =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, i, first);
  return {run, begins};
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

Tile ScanAccess::view(Value whole, AccessAttr access, RankedTensorType tile,
                      const ScanPlace &place) {
  auto type = cast<MemRefType>(whole.getType());
  int64_t rank = type.getRank();
  // Strides of the identity layout.
  SmallVector<Value> strides(rank);
  Value stride = index(1);
  for (int64_t i = rank - 1; i >= 0; --i) {
    strides[i] = stride;
    if (i > 0)
      stride = b.createOrFold<arith::MulIOp>(loc, stride, dim(whole, i));
  }
  Value offset = index(0);
  SmallVector<OpFoldResult> tileStrides(tile.getRank());
  for (auto [i, entry] : llvm::enumerate(access.getEntries())) {
    Value at;
    switch (entry) {
    case AccessAttr::Batch:
      at = place.batch;
      break;
    case AccessAttr::Sequence:
      at = place.sequence;
      break;
    case AccessAttr::Pool:
      at = place.entry;
      break;
    case AccessAttr::Head:
      at = place.head;
      break;
    case AccessAttr::Segment:
      at = place.segment;
      break;
    case AccessAttr::Chunk:
      at = place.chunk;
      break;
    case AccessAttr::Group: {
      Value each = b.createOrFold<arith::DivUIOp>(loc, heads(), dim(whole, i));
      at = b.createOrFold<arith::DivUIOp>(loc, place.head, each);
      break;
    }
    case AccessAttr::Token: {
      int64_t steps =
          tile.getDimSize(0) / static_cast<int64_t>(scan.getChunkSize());
      at = b.createOrFold<arith::MulIOp>(loc, place.token, index(steps));
      tileStrides[0] = strides[i];
      break;
    }
    default:
      tileStrides[entry] = strides[i];
      continue;
    }
    Value part = b.createOrFold<arith::MulIOp>(loc, at, strides[i]);
    offset = b.createOrFold<arith::AddIOp>(loc, offset, part);
  }
  Tile result;
  result.shape.assign(tile.getShape().begin(), tile.getShape().end());
  result.element = type.getElementType();
  result.strided = true;
  SmallVector<int64_t> shape(result.shape),
      staticStrides(tile.getRank(), ShapedType::kDynamic);
  if (shape.empty()) {
    shape.push_back(1);
    staticStrides.push_back(1);
    tileStrides.push_back(b.getIndexAttr(1));
  } else if (access.findTileDim(tile.getRank() - 1) == rank - 1) {
    staticStrides.back() = 1;
    tileStrides.back() = b.getIndexAttr(1);
  }
  auto layout = StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic,
                                       staticStrides);
  auto viewType = MemRefType::get(shape, result.element, layout);
  SmallVector<OpFoldResult> sizes;
  for (int64_t extent : shape)
    sizes.push_back(b.getIndexAttr(extent));
  result.buffer = memref::ReinterpretCastOp::create(
      b, loc, viewType, whole, OpFoldResult(offset), sizes, tileStrides);
  return result;
}

bool ScanAccess::isVectorizable(AccessAttr access, RankedTensorType tile) {
  if (tile.getRank() == 0)
    return true;
  return access.findTileDim(tile.getRank() - 1) == access.getRank() - 1 &&
         tile.getShape().back() % lanes == 0 &&
         !tile.getElementType().isInteger(1);
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

static Value convertElement(OpBuilder &b, Location loc, Value x, Type element) {
  Type from = getElementTypeOrSelf(x.getType());
  if (from == element)
    return x;
  Type type = element;
  if (auto vector = dyn_cast<VectorType>(x.getType()))
    type = VectorType::get(vector.getShape(), element);
  if (isa<FloatType>(from) && isa<FloatType>(element)) {
    unsigned a = from.getIntOrFloatBitWidth(),
             c = element.getIntOrFloatBitWidth();
    if (a < c)
      return arith::ExtFOp::create(b, loc, type, x);
    if (a == 64 && c == 16)
      x = convertElement(b, loc, x, b.getF32Type());
    return arith::TruncFOp::create(b, loc, type, x);
  }
  // Predicates are bytes in a tile.
  if (from.getIntOrFloatBitWidth() < element.getIntOrFloatBitWidth())
    return arith::ExtUIOp::create(b, loc, type, x);
  return arith::TruncIOp::create(b, loc, type, x);
}

static Type storedElement(const Tile &tile) {
  return cast<MemRefType>(tile.buffer.getType()).getElementType();
}

void ScanAccess::copyRow(const Tile &from, const Tile &to, ValueRange row,
                         bool vectors) {
  auto one = [&](OpBuilder &b, Location loc, Value col) {
    SmallVector<Value> at(row);
    at.push_back(col);
    Value x = memref::LoadOp::create(b, loc, from.buffer, at);
    memref::StoreOp::create(
        b, loc, convertElement(b, loc, x, storedElement(to)), to.buffer, at);
  };
  int64_t width = from.shape.back();
  int64_t whole = vectors ? width / lanes * lanes : 0;
  if (whole)
    scf::ForOp::create(
        b, loc, index(0), index(whole), index(lanes), ValueRange(),
        [&](OpBuilder &b, Location loc, Value col, ValueRange) {
          SmallVector<Value> at(row);
          at.push_back(col);
          auto type = VectorType::get({lanes}, storedElement(from));
          Value x = vector::LoadOp::create(b, loc, type, from.buffer, at);
          vector::StoreOp::create(b, loc,
                                  convertElement(b, loc, x, storedElement(to)),
                                  to.buffer, at);
          scf::YieldOp::create(b, loc);
        });
  if (whole < width)
    scf::ForOp::create(b, loc, index(whole), index(width), index(1),
                       ValueRange(),
                       [&](OpBuilder &b, Location loc, Value col, ValueRange) {
                         one(b, loc, col);
                         scf::YieldOp::create(b, loc);
                       });
}

void ScanAccess::zeroRow(const Tile &to, ValueRange row) {
  Type element = storedElement(to);
  auto type = VectorType::get({lanes}, element);
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  scf::ForOp::create(b, loc, index(0), index(to.shape.back()), index(lanes),
                     ValueRange(),
                     [&](OpBuilder &b, Location loc, Value col, ValueRange) {
                       SmallVector<Value> at(row);
                       at.push_back(col);
                       vector::StoreOp::create(b, loc, zero, to.buffer, at);
                       scf::YieldOp::create(b, loc);
                     });
}

void ScanAccess::copy(const Tile &from, const Tile &to, bool vectors,
                      Value rows, bool zeroRest) {
  ArrayRef<int64_t> shape = from.shape;
  if (shape.empty()) {
    Value x = memref::LoadOp::create(b, loc, from.buffer, index(0));
    memref::StoreOp::create(b, loc,
                            convertElement(b, loc, x, storedElement(to)),
                            to.buffer, index(0));
    return;
  }
  if (shape.size() == 1) {
    // One row of elements, of which `rows` are there.
    if (!rows)
      return copyRow(from, to, {}, vectors);
    if (zeroRest)
      zeroRow(to, {});
    scf::ForOp::create(
        b, loc, index(0), rows, index(1), ValueRange(),
        [&](OpBuilder &b, Location loc, Value i, ValueRange) {
          Value x = memref::LoadOp::create(b, loc, from.buffer, i);
          memref::StoreOp::create(b, loc,
                                  convertElement(b, loc, x, storedElement(to)),
                                  to.buffer, i);
          scf::YieldOp::create(b, loc);
        });
    return;
  }
  auto nest = [&](Value lo, Value hi, function_ref<void(ValueRange)> body) {
    SmallVector<Value> at;
    std::function<void(unsigned)> visit = [&](unsigned dim) {
      if (dim + 1 >= shape.size())
        return body(at);
      Value first = dim == 0 ? lo : index(0),
            last = dim == 0 ? hi : index(shape[dim]);
      auto loop = scf::ForOp::create(b, loc, first, last, index(1));
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(loop.getBody()->getTerminator());
      at.push_back(loop.getInductionVar());
      visit(dim + 1);
      at.pop_back();
    };
    visit(0);
  };
  Value end = rows ? rows : index(shape[0]);
  nest(index(0), end, [&](ValueRange row) { copyRow(from, to, row, vectors); });
  if (rows && zeroRest)
    nest(end, index(shape[0]), [&](ValueRange row) { zeroRow(to, row); });
}
