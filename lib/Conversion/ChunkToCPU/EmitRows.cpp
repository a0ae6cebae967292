//===- EmitRows.cpp - running sums, reductions, transposes, constants -----===//
// Operations that combine or move the elements of one tile.
//===----------------------------------------------------------------------===//
#include "BodyEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::cpu;

static RankedTensorType tileType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

void BodyEmitter::emitConstant(Value value, DenseElementsAttr elements) {
  Tile out = destinationOf(value);
  // Not a splat: a handful of elements, stored one by one.
  SmallVector<int64_t> at(out.shape.size(), 0);
  for (Attribute element : elements.getValues<Attribute>()) {
    SmallVector<Value> indices;
    for (int64_t i : at)
      indices.push_back(index(i));
    storeScalar(arith::ConstantOp::create(b, loc, cast<TypedAttr>(element)),
                out, indices);
    for (int64_t dim = at.size() - 1; dim >= 0; --dim) {
      if (++at[dim] < out.shape[dim])
        break;
      at[dim] = 0;
    }
  }
}

//===----------------------------------------------------------------------===//
// cumsum (2)
//===----------------------------------------------------------------------===//

void BodyEmitter::emitCumsum(chunk::CumsumOp op) {
  Tile out = destinationOf(op.getResult());
  tiles.erase(op.getResult());
  bool vector = out.rank() > 1;
  int64_t rows = out.shape[0];
  Type sumType = vector ? Type(vectorOf(out.element)) : out.element;
  // For one vector of columns (or the one column), down the rows.
  auto column = [&](ValueRange rest) {
    loop(index(0), index(rows), constant(sumType, 0),
         [&](Value i, ValueRange sums) {
           Value row = i;
           if (op.getReverse())
             row = arith::SubIOp::create(b, loc, index(rows - 1), i);
           SmallVector<Value> at = {row};
           llvm::append_range(at, rest);
           Computed computed;
           Value x = convert(evaluate(op.getInput(), at, vector, computed),
                             out.element);
           Value sum = arith::AddFOp::create(b, loc, sums[0], x);
           Value stored = op.getExclusive() ? sums[0] : sum;
           vector ? storeVector(stored, out, at) : storeScalar(stored, out, at);
           return SmallVector<Value>{sum};
         });
  };
  if (!vector) {
    column({});
  } else {
    loopRows(ArrayRef<int64_t>(out.shape).drop_front(), [&](ValueRange rest) {
      loop(0, out.shape.back(), options.lanes(), [&](Value col) {
        SmallVector<Value> at(rest);
        at.push_back(col);
        column(at);
      });
    });
  }
  tiles[op.getResult()] = out;
}

//===----------------------------------------------------------------------===//
// reduce
//===----------------------------------------------------------------------===//

static Value combine(OpBuilder &b, Location loc, chunk::Combine kind, Value x,
                     Value y) {
  switch (kind) {
  case chunk::Combine::Add:
    return arith::AddFOp::create(b, loc, x, y);
  case chunk::Combine::Mul:
    return arith::MulFOp::create(b, loc, x, y);
  case chunk::Combine::Max:
    return arith::MaximumFOp::create(b, loc, x, y);
  case chunk::Combine::Min:
    return arith::MinimumFOp::create(b, loc, x, y);
  }
  llvm_unreachable("every way of combining is handled");
}

static double neutral(chunk::Combine kind) {
  switch (kind) {
  case chunk::Combine::Add:
    return 0;
  case chunk::Combine::Mul:
    return 1;
  case chunk::Combine::Max:
    return -std::numeric_limits<double>::infinity();
  case chunk::Combine::Min:
    return std::numeric_limits<double>::infinity();
  }
  llvm_unreachable("every way of combining is handled");
}

/// The lanes of a vector combined, halves first: always in the same order.
static Value combineLanes(OpBuilder &b, Location loc, chunk::Combine kind,
                          Value v) {
  int64_t lanes = cast<VectorType>(v.getType()).getNumElements();
  for (; lanes > 1; lanes /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < lanes / 2; ++i) {
      low.push_back(i);
      high.push_back(i + lanes / 2);
    }
    Value x = vector::ShuffleOp::create(b, loc, v, v, low);
    Value y = vector::ShuffleOp::create(b, loc, v, v, high);
    v = combine(b, loc, kind, x, y);
  }
  return vector::ExtractOp::create(b, loc, v, 0);
}

Value BodyEmitter::sumOfLanes(Value vector) {
  return combineLanes(b, loc, chunk::Combine::Add, vector);
}

/// Combines, into `sum`, what lies at `at` along the reduced dimensions from
/// `dim` on; `at` has the indices of the others.
Value BodyEmitter::reduceAlong(chunk::ReduceOp op, SmallVector<Value> at,
                               int64_t dim, Value sum) {
  ArrayRef<int64_t> shape = tileType(op.getInput()).getShape();
  int64_t last = static_cast<int64_t>(shape.size()) - 1,
          lanes = options.lanes();
  auto reduced = [&](int64_t d) {
    return llvm::is_contained(op.getDimensions(), d);
  };
  while (dim < last && !reduced(dim))
    ++dim;
  if (dim < last)
    return loop(
        index(0), index(shape[dim]), sum, [&](Value i, ValueRange sums) {
          at[dim] = i;
          return SmallVector<Value>{reduceAlong(op, at, dim + 1, sums[0])};
        })[0];
  auto take = [&](Value col, Value sum) {
    at[last] = col;
    Computed computed;
    Value x = evaluate(op.getInput(), at, true, computed);
    // What is past the end of a row does not count.
    if (reduced(last) && shape.back() % lanes != 0)
      x = arith::SelectOp::create(b, loc, lanesBelow(col, index(shape.back())),
                                  x,
                                  constant(x.getType(), neutral(op.getKind())));
    return combine(b, loc, op.getKind(), sum, x);
  };
  if (!reduced(last))
    return take(at[last], sum);
  int64_t vectors = vectorsOf(shape.back());
  if (vectors == 1)
    return take(index(0), sum);
  return loop(index(0), index(vectors), sum, [&](Value v, ValueRange sums) {
    return SmallVector<Value>{take(mulConstant(v, lanes), sums[0])};
  })[0];
}

/// Loops over the kept dimensions from `dim` on, the last by vectors.
void BodyEmitter::reduceEvery(chunk::ReduceOp op, const Tile &out,
                              SmallVector<Value> at, SmallVector<Value> outAt,
                              int64_t dim) {
  ArrayRef<int64_t> shape = tileType(op.getInput()).getShape();
  int64_t rank = shape.size();
  if (dim == rank) {
    Value start = constant(vectorOf(out.element), neutral(op.getKind()));
    Value sum = reduceAlong(op, at, 0, start);
    if (llvm::is_contained(op.getDimensions(), rank - 1))
      storeScalar(combineLanes(b, loc, op.getKind(), sum), out, outAt);
    else
      storeVector(sum, out, outAt);
    return;
  }
  if (llvm::is_contained(op.getDimensions(), dim))
    return reduceEvery(op, out, at, outAt, dim + 1);
  loop(0, shape[dim], dim == rank - 1 ? options.lanes() : 1, [&](Value i) {
    at[dim] = i;
    SmallVector<Value> next = outAt;
    next.push_back(i);
    reduceEvery(op, out, at, next, dim + 1);
  });
}

void BodyEmitter::emitReduce(chunk::ReduceOp op) {
  Tile out = destinationOf(op.getResult());
  tiles.erase(op.getResult());
  int64_t rank = tileType(op.getInput()).getRank();
  if (rank == 0) {
    Computed computed;
    storeScalar(evaluate(op.getInput(), {}, false, computed), out, {});
  } else {
    reduceEvery(op, out, SmallVector<Value>(rank), {}, 0);
  }
  tiles[op.getResult()] = out;
}

//===----------------------------------------------------------------------===//
// place_row, sum_rows: the adjoints of row and repeat
//===----------------------------------------------------------------------===//

void BodyEmitter::emitPlaceRow(chunk::PlaceRowOp op) {
  Tile from = tileOf(op.getInput()), out = destinationOf(op.getResult());
  fill(out, b.getZeroAttr(out.element));
  Value row = index(op.getIndex());
  if (from.shape.empty())
    return storeScalar(loadScalar(from, {}), out, {row});
  loopRows(from.shape, [&](ValueRange rest) {
    loop(0, from.shape.back(), options.lanes(), [&](Value col) {
      SmallVector<Value> at(rest), to = {row};
      at.push_back(col);
      llvm::append_range(to, at);
      storeVector(loadVector(from, at), out, to);
    });
  });
}

void BodyEmitter::emitSumRows(chunk::SumRowsOp op) {
  Tile from = tileOf(op.getInput()), out = destinationOf(op.getResult());
  int64_t n = from.shape[0] / out.shape[0];
  bool vector = out.rank() > 1;
  // One vector of columns (or the one column) of one row.
  auto element = [&](SmallVector<Value> at) {
    SmallVector<Value> to = at;
    Value first = mulConstant(at[0], n), sum;
    for (int64_t j = 0; j < n; ++j) {
      at[0] = addConstant(first, j);
      Value x = vector ? loadVector(from, at) : loadScalar(from, at);
      sum = sum ? arith::AddFOp::create(b, loc, sum, x).getResult() : x;
    }
    vector ? storeVector(sum, out, to) : storeScalar(sum, out, to);
  };
  if (!vector)
    return loop(0, out.shape[0], 1, [&](Value row) { element({row}); });
  loopRows(out.shape, [&](ValueRange row) {
    loop(0, out.shape.back(), options.lanes(), [&](Value col) {
      SmallVector<Value> at(row);
      at.push_back(col);
      element(at);
    });
  });
}

//===----------------------------------------------------------------------===//
// transpose
//===----------------------------------------------------------------------===//

/// Transposes a square of vectors in registers: in step s, blocks of 2^s rows
/// exchange their outer quarters.
static void transposeSquare(OpBuilder &b, Location loc,
                            MutableArrayRef<Value> rows) {
  int64_t n = rows.size();
  for (int64_t half = 1; half < n; half *= 2) {
    SmallVector<Value> next(n);
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < n; ++i) {
      bool upper = i & half;
      low.push_back(upper ? n + i - half : i);
      high.push_back(upper ? n + i : i + half);
    }
    for (int64_t r = 0; r < n; ++r) {
      if (r & half)
        continue;
      next[r] = vector::ShuffleOp::create(b, loc, rows[r], rows[r + half], low);
      next[r + half] =
          vector::ShuffleOp::create(b, loc, rows[r], rows[r + half], high);
    }
    llvm::copy(next, rows.begin());
  }
}

void BodyEmitter::emitTranspose(const Tile &from, const Tile &to) {
  int64_t lanes = options.lanes(), rows = from.shape[0], cols = from.shape[1];
  int64_t whole =
      from.element.isF32() && to.element.isF32() ? rows / lanes * lanes : 0;
  // Rows by whole squares; a square may run into the padding of `from`'s rows,
  // so the columns that exist are written, and no others.
  int64_t wholeCols = cols / lanes * lanes;
  loop(0, whole, lanes, [&](Value row) {
    loop(0, wholeCols, lanes, [&](Value col) {
      SmallVector<Value> square;
      for (int64_t i = 0; i < lanes; ++i)
        square.push_back(loadVector(from, {addConstant(row, i), col}));
      transposeSquare(b, loc, square);
      for (int64_t i = 0; i < lanes; ++i)
        storeVector(square[i], to, {addConstant(col, i), row});
    });
  });
  auto scalars = [&](int64_t rowLo, int64_t rowHi, int64_t colLo,
                     int64_t colHi) {
    if (rowLo == rowHi || colLo == colHi)
      return;
    loop(rowLo, rowHi, 1, [&](Value row) {
      loop(colLo, colHi, 1, [&](Value col) {
        storeScalar(convert(loadScalar(from, {row, col}), to.element), to,
                    {col, row});
      });
    });
  };
  scalars(0, whole, wholeCols, cols);
  scalars(whole, rows, 0, cols);
}
