//===- EmitDot.cpp - matrix products --------------------------------------===//
// Each step of the innermost loop multiplies one scalar of every row of a block
// with vectors of columns: no operand is reordered but a transposed second one.
//===----------------------------------------------------------------------===//
#include "Product.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::cpu;

//===----------------------------------------------------------------------===//
// The microkernel
//===----------------------------------------------------------------------===//

/// Rows and vectors of a block. Accumulators fill about half of the registers:
/// the multiply-adds in flight (latency times throughput) are 8 to 10.
static constexpr int64_t blockRows(int64_t registers) {
  return registers >= 32 ? 8 : 6;
}

static int64_t blockVectors(int64_t rows, int64_t vectors, int64_t registers) {
  int64_t most = registers >= 32 ? 24 : 12;
  int64_t fit = std::max<int64_t>(1, std::min<int64_t>(most / rows, 8));
  int64_t want = std::min(fit, vectors);
  // A width that leaves no rest, if that keeps most of the block.
  for (int64_t n = want; n * 2 > want && n >= 1; --n)
    if (vectors % n == 0)
      return n;
  return want;
}

Value Product::lhsAt(Index row, Index k) {
  if (lhsColumn)
    k = e.add(k, lhsColumn);
  SmallVector<Value> at = {row, k};
  if (transposeLhs)
    std::swap(at[0], at[1]);
  return e.loadScalar(lhs, at);
}

void Product::emitBlock(Index row, Index col, int64_t count, int64_t vectors) {
  OpBuilder &b = e.b;
  int64_t lanes = e.options.lanes();
  SmallVector<Value> rowAt, colAt, accumulators;
  for (int64_t r = 0; r < count; ++r)
    rowAt.push_back(e.addConstant(row, r));
  for (int64_t v = 0; v < vectors; ++v)
    colAt.push_back(e.addConstant(col, v * lanes));
  Value zero = e.constant(e.vectorOf(b.getF32Type()), 0);
  for (int64_t r = 0; r < count; ++r)
    for (int64_t v = 0; v < vectors; ++v)
      accumulators.push_back(start ? start(rowAt[r], colAt[v]) : zero);

  auto [lo, hi] = range ? range(row, col, count)
                        : std::pair<Index, Index>(e.index(0), e.index(depth));
  auto step = [&](Value k, ValueRange sums) {
    SmallVector<Value> next, columns;
    for (Value c : colAt)
      columns.push_back(e.loadVector(rhs, {k, c}));
    for (int64_t r = 0; r < count; ++r) {
      Value at = lhsRow ? e.add(rowAt[r], lhsRow) : rowAt[r];
      Value x = e.splat(lhsAt(at, k));
      if (negate)
        x = arith::NegFOp::create(b, e.loc, x);
      for (int64_t v = 0; v < vectors; ++v)
        next.push_back(e.multiplyAdd(x, columns[v], sums[r * vectors + v]));
    }
    return next;
  };
  if (!range && depth == 1)
    accumulators = step(e.index(0), accumulators);
  else
    accumulators = e.loop(lo, hi, accumulators, step);

  if (finishBlock) {
    SmallVector<SmallVector<Value>> block(count);
    for (int64_t r = 0; r < count; ++r)
      block[r].append(accumulators.begin() + r * vectors,
                      accumulators.begin() + (r + 1) * vectors);
    return finishBlock(row, col, block);
  }
  for (int64_t r = 0; r < count; ++r) {
    if (beginRow)
      beginRow(rowAt[r]);
    for (int64_t v = 0; v < vectors; ++v)
      finish(rowAt[r], colAt[v], accumulators[r * vectors + v]);
  }
}

void Product::emitRows(Index row, int64_t count) {
  int64_t lanes = e.options.lanes();
  if (columns) {
    e.loop(e.index(0), columns(row, count), lanes,
           [&](Value col) { emitBlock(row, col, count, 1); });
    return;
  }
  int64_t vectors = e.vectorsOf(width);
  int64_t block = blockVectors(count, vectors, e.options.registers);
  int64_t whole = vectors / block * block;
  e.loop(0, whole * lanes, block * lanes,
         [&](Value col) { emitBlock(row, col, count, block); });
  if (whole < vectors)
    emitBlock(row, e.index(whole * lanes), count, vectors - whole);
}

void Product::emit() {
  int64_t block = blockRows(e.options.registers);
  int64_t whole = rows / block * block, rest = rows - whole;
  auto emitRest = [&] {
    if (rest)
      emitRows(e.index(whole), rest);
  };
  if (backward)
    emitRest();
  e.loop(0, whole, block, [&](Value row) {
    if (backward)
      row = e.b.createOrFold<arith::SubIOp>(e.loc, e.index(whole - block), row);
    emitRows(row, block);
  });
  if (!backward)
    emitRest();
}

//===----------------------------------------------------------------------===//
// chunk.dot
//===----------------------------------------------------------------------===//

namespace {
/// What a tile is derived from another by.
enum Derived { F32, Transposed, Packed };
} // namespace

Tile BodyEmitter::asF32(Value value) {
  Tile tile = tileOf(value);
  if (tile.element.isF32())
    return tile;
  Tile &copyOf = derived[{value, F32}];
  if (!copyOf) {
    copyOf = allocate(tile.shape, b.getF32Type());
    copy(tile, copyOf);
  }
  arena.touch(copyOf, position);
  return copyOf;
}

Tile BodyEmitter::transposed(Value value) {
  Tile &result = derived[{value, Transposed}];
  if (!result) {
    Tile tile = asF32(value);
    Tile made = allocate({tile.shape[1], tile.shape[0]}, b.getF32Type());
    emitTranspose(tile, made);
    // `asF32` may have moved the map's entries.
    return derived[{value, Transposed}] = made;
  }
  arena.touch(result, position);
  return result;
}

Tile BodyEmitter::packed(Value value) {
  Tile tile = asF32(value);
  // Rows of a whole tensor may be so far apart that they fall on the same lines
  // of the cache.
  if (!tile.strided)
    return tile;
  Tile made = derived.lookup({value, Packed});
  if (!made) {
    made = allocate(tile.shape, b.getF32Type());
    copy(tile, made);
    derived[{value, Packed}] = made;
  }
  arena.touch(made, position);
  return made;
}

void BodyEmitter::emitDot(chunk::DotOp op, Operation *root) {
  auto shape = cast<RankedTensorType>(op.getType()).getShape();
  int64_t depth = cast<RankedTensorType>(op.getLhs().getType())
                      .getDimSize(op.getTransposeLhs() ? 0 : 1);
  Tile lhs = asF32(op.getLhs());
  Tile rhs = op.getTransposeRhs() ? transposed(op.getRhs())
             : depth > 1          ? packed(op.getRhs())
                                  : asF32(op.getRhs());
  Value value = root->getResult(0);
  Tile out = destinationOf(value);
  Product product(*this, lhs, op.getTransposeLhs(), rhs, shape[0], shape[1],
                  depth);
  if (root == op) {
    product.finish = [&](Value row, Value col, Value sum) {
      storeVector(sum, out, {row, col});
    };
    return product.emit();
  }
  // The rest of the expression, on the accumulators while they are in
  // registers.
  tiles.erase(value);
  Computed invariant;
  product.beginRow = [&](Value row) {
    invariant.clear();
    evaluateRowInvariants(value, row, invariant);
  };
  product.finish = [&](Value row, Value col, Value sum) {
    Computed computed = invariant;
    bindComputed(op.getResult(), {row, col}, sum, computed);
    storeVector(evaluate(value, {row, col}, true, computed), out, {row, col});
  };
  product.emit();
  tiles[value] = out;
}
