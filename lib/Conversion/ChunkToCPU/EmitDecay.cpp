//===- EmitDecay.cpp - decay_dot and decay_apply --------------------------===//
// With a gate per row, a product and a factor; with a gate per channel,
// sub-chunks (27): between two of them a product of rows scaled by factors of
// at most 1, within one the products per channel.
//===----------------------------------------------------------------------===//
#include "Product.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::cpu;

static int64_t gateRank(Value gate) {
  return cast<RankedTensorType>(gate.getType()).getRank();
}

/// exp(to - from) as f32, of gates of any float type: the difference is taken
/// in the gates' type. Lanes outside `keep`, if given, give 1.
Value BodyEmitter::decayBetween(Value to, Value from, Value keep) {
  Value difference = arith::SubFOp::create(b, loc, to, from);
  Value x = convert(difference, b.getF32Type());
  // Before the exponential, which overflows where it is not wanted.
  if (keep)
    x = arith::SelectOp::create(b, loc, keep, x, constant(x.getType(), 0));
  return math::ExpOp::create(b, loc, x);
}

/// The first column that row `row` of a lower triangle does not have.
Value BodyEmitter::triangleEnd(Value row, int64_t steps, bool strict) {
  return mulConstant(addConstant(row, strict ? 0 : 1), steps);
}

//===----------------------------------------------------------------------===//
// A gate per row
//===----------------------------------------------------------------------===//

/// For every row r of `out`: out[r, i] = product(r, i) exp(gx[r] - gy[i]) in
/// the triangle, else 0.
void BodyEmitter::emitTriangle(const Tile &out, const Tile &gx, const Tile &gy,
                               bool strict,
                               function_ref<Value(ValueRange)> product) {
  int64_t rows = out.shape[0], columns = out.shape[1], lanes = options.lanes();
  Value zero = constant(vectorOf(b.getF32Type()), 0);
  loop(0, rows, 1, [&](Value row) {
    Value end = triangleEnd(row, columns / rows, strict);
    Value padded = arith::MulIOp::create(
        b, loc, arith::CeilDivUIOp::create(b, loc, end, index(lanes)),
        index(lanes));
    Value gate = splat(loadScalar(gx, row));
    loop(index(0), padded, lanes, [&](Value col) {
      Value keep = lanesBelow(col, end);
      Value factor = decayBetween(gate, loadVector(gy, col), keep);
      Value x = arith::MulFOp::create(b, loc, product({row, col}), factor);
      storeVector(arith::SelectOp::create(b, loc, keep, x, zero), out,
                  {row, col});
    });
    loop(padded, index(columns), lanes,
         [&](Value col) { storeVector(zero, out, {row, col}); });
  });
}

void BodyEmitter::emitDecayDotRows(chunk::DecayDotOp op, const Tile &out) {
  int64_t rows = out.shape[0], columns = out.shape[1], lanes = options.lanes();
  Tile x = asF32(op.getX()), y = transposed(op.getY());
  Tile gx = tileOf(op.getGx()), gy = tileOf(op.getGy());
  Product product(*this, x, false, y, rows, columns, x.shape[1]);
  product.columns = [&](Value row, int64_t count) {
    Value end = triangleEnd(addConstant(row, count - 1), columns / rows,
                            op.getStrict());
    return b.createOrFold<arith::MinUIOp>(loc, end,
                                          index(llvm::alignTo(columns, lanes)));
  };
  product.finish = [&](Value row, Value col, Value sum) {
    storeVector(sum, out, {row, col});
  };
  product.emit();
  emitTriangle(out, gx, gy, op.getStrict(),
               [&](ValueRange at) { return loadVector(out, at); });
}

void BodyEmitter::emitDecayApplyRows(chunk::DecayApplyOp op, const Tile &out) {
  Tile m = asF32(op.getM()), y = packed(op.getY());
  Tile gx = tileOf(op.getGx()), gy = tileOf(op.getGy());
  Tile decayed = allocate(m.shape, b.getF32Type());
  emitTriangle(decayed, gx, gy, op.getStrict(),
               [&](ValueRange at) { return loadVector(m, at); });
  int64_t steps = m.shape[1] / m.shape[0];
  int64_t depth = y.shape[0];
  Product product(*this, decayed, op.getTranspose(), y, out.shape[0],
                  out.shape[1], depth);
  product.range = [&](Value row, Value,
                      int64_t count) -> std::pair<Value, Value> {
    // The triangle's part of the sum.
    if (op.getTranspose())
      return {b.createOrFold<arith::DivUIOp>(loc, row, index(steps)),
              index(depth)};
    return {index(0),
            triangleEnd(addConstant(row, count - 1), steps, op.getStrict())};
  };
  product.finish = [&](Value row, Value col, Value sum) {
    storeVector(sum, out, {row, col});
  };
  product.emit();
}

//===----------------------------------------------------------------------===//
// A gate per channel (27)
//===----------------------------------------------------------------------===//

/// to[r, c] = from[r, c] exp(plus[r, c] - minus[r, c]) for rows lo <= r < hi,
/// where a gate may be the one row `plusRow` or `minusRow`. `to` starts at row
/// 0.
void BodyEmitter::emitScaledRows(const Tile &from, const Tile &plus,
                                 Value plusRow, const Tile &minus,
                                 Value minusRow, Value lo, Value hi,
                                 const Tile &to) {
  loop(lo, hi, 1, [&](Value row) {
    Value target = b.createOrFold<arith::SubIOp>(loc, row, lo);
    loop(0, from.shape[1], options.lanes(), [&](Value col) {
      Value factor = decayBetween(
          loadVector(plus, {plusRow ? plusRow : row, col}),
          loadVector(minus, {minusRow ? minusRow : row, col}), Value());
      Value x = convert(loadVector(from, {row, col}), b.getF32Type());
      storeVector(arith::MulFOp::create(b, loc, x, factor), to, {target, col});
    });
  });
}

/// The one sum over channels of x y exp(gx - gy) at (row, column).
void BodyEmitter::emitChannelProduct(chunk::DecayDotOp op, const Tile &out,
                                     Value row, Value column) {
  Tile x = tileOf(op.getX()), y = tileOf(op.getY());
  Tile gx = tileOf(op.getGx()), gy = tileOf(op.getGy());
  int64_t width = x.shape[1], lanes = options.lanes();
  Value zero = constant(vectorOf(b.getF32Type()), 0);
  Value sum = loop(
      index(0), index(vectorsOf(width)), zero, [&](Value v, ValueRange sums) {
        Value col = mulConstant(v, lanes);
        Value left = convert(loadVector(x, {row, col}), b.getF32Type());
        Value right = convert(loadVector(y, {column, col}), b.getF32Type());
        Value factor = decayBetween(loadVector(gx, {row, col}),
                                    loadVector(gy, {column, col}), Value());
        Value scaled = arith::MulFOp::create(b, loc, left, factor);
        Value next = multiplyAdd(scaled, right, sums[0]);
        if (width % lanes != 0)
          next = arith::SelectOp::create(b, loc, lanesBelow(col, index(width)),
                                         next, sums[0]);
        return SmallVector<Value>{next};
      })[0];
  storeScalar(sumOfLanes(sum), out, {row, column});
}

void BodyEmitter::emitDecayDotChannels(chunk::DecayDotOp op, const Tile &out) {
  int64_t rows = out.shape[0], columns = out.shape[1], steps = columns / rows;
  int64_t sub = std::min(options.subChunk, rows),
          width = tileOf(op.getX()).shape[1];
  Tile x = tileOf(op.getX()), y = tileOf(op.getY());
  Tile gx = tileOf(op.getGx()), gy = tileOf(op.getGy());
  Value zero = constant(vectorOf(b.getF32Type()), 0);
  loop(0, rows, 1, [&](Value row) {
    loop(0, columns, options.lanes(),
         [&](Value col) { storeVector(zero, out, {row, col}); });
  });
  // Rows of later sub-chunks than the columns: the reference is the last gate
  // before the rows, so that both factors are at most 1.
  if (rows > sub) {
    Tile scaledX = allocate({sub, width}, b.getF32Type());
    Tile scaledY = allocate({columns, width}, b.getF32Type());
    Tile turnedY = allocate({width, columns}, b.getF32Type());
    loop(sub, rows, sub, [&](Value row) {
      Value before = mulConstant(row, steps);
      Value reference = b.createOrFold<arith::SubIOp>(loc, before, index(1));
      Value end = b.createOrFold<arith::MinUIOp>(loc, addConstant(row, sub),
                                                 index(rows));
      emitScaledRows(x, gx, Value(), gy, reference, row, end, scaledX);
      emitScaledRows(y, gy, reference, gy, Value(), index(0), before, scaledY);
      emitTranspose(scaledY, turnedY);
      // Rows past the last are computed on what the scratch holds, not stored.
      Product product(*this, scaledX, false, turnedY, sub, columns, width);
      product.columns = [&](Value, int64_t) { return before; };
      product.finish = [&](Value r, Value col, Value sum) {
        Value at = add(row, r);
        Value keep = lanesBelow(col, before);
        Value inside =
            arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, at, end);
        auto branch =
            scf::IfOp::create(b, loc, inside, /*withElseRegion=*/false);
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(branch.thenBlock()->getTerminator());
        storeVector(arith::SelectOp::create(b, loc, keep, sum, zero), out,
                    {at, col});
      };
      product.emit();
    });
  }
  // Within a sub-chunk.
  loop(0, rows, 1, [&](Value row) {
    Value first = arith::MulIOp::create(
        b, loc, arith::DivUIOp::create(b, loc, row, index(sub)),
        index(sub * steps));
    loop(first, triangleEnd(row, steps, op.getStrict()), 1,
         [&](Value column) { emitChannelProduct(op, out, row, column); });
  });
}

void BodyEmitter::emitDecayApplyChannels(chunk::DecayApplyOp op,
                                         const Tile &out) {
  int64_t rows = out.shape[0], width = out.shape[1];
  bool turned = op.getTranspose();
  Tile m = asF32(op.getM()), y = tileOf(op.getY());
  Tile gx = tileOf(op.getGx()), gy = tileOf(op.getGy());
  int64_t steps = m.shape[1] / m.shape[0], others = y.shape[0];
  // A sub-chunk in rows of the result, and of y.
  int64_t sub = std::min<int64_t>(options.subChunk, m.shape[0]);
  int64_t subOut = turned ? sub * steps : sub,
          subIn = turned ? sub : sub * steps;
  Tile scaled = allocate({others, width}, b.getF32Type());
  // The gate that a row of the result carries, and that of a row of y.
  const Tile &outGate = turned ? gy : gx, &inGate = turned ? gx : gy;
  loop(0, rows, subOut, [&](Value row) {
    Value end = b.createOrFold<arith::MinUIOp>(loc, addConstant(row, subOut),
                                               index(rows));
    Value block = b.createOrFold<arith::DivUIOp>(loc, row, index(subOut));
    Value inFirst = mulConstant(block, subIn);
    Value inEnd = b.createOrFold<arith::MinUIOp>(
        loc, addConstant(inFirst, subIn), index(others));
    // Other sub-chunks: before the rows, or with `transpose` after them. The
    // reference is the last gate of the earlier of the two.
    Value lo = turned ? inEnd : index(0), hi = turned ? index(others) : inFirst;
    Value some =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, lo, hi);
    Value reference = turned ? end : inFirst;
    reference = arith::SubIOp::create(b, loc, reference, index(1));
    reference = arith::SelectOp::create(b, loc, some, reference, index(0));
    if (turned)
      emitScaledRows(y, gx, Value(), gy, reference, lo, hi, scaled);
    else
      emitScaledRows(y, gy, reference, gy, Value(), lo, hi, scaled);
    Value zero = constant(vectorOf(b.getF32Type()), 0);
    loop(row, end, 1, [&](Value r) {
      Value inRow = turned
                        ? b.createOrFold<arith::DivUIOp>(loc, r, index(steps))
                        : Value();
      Value inLo = inFirst, inHi = inEnd;
      // r's own part of its sub-chunk's triangle.
      if (turned)
        inLo = addConstant(inRow, op.getStrict() ? 1 : 0);
      else
        inHi = triangleEnd(r, steps, op.getStrict());
      loop(0, width, options.lanes(), [&](Value col) {
        auto weight = [&](Value i) {
          return splat(
              loadScalar(m, turned ? ValueRange{i, r} : ValueRange{r, i}));
        };
        Value far = loop(lo, hi, zero, [&](Value i, ValueRange sums) {
          Value at = b.createOrFold<arith::SubIOp>(loc, i, lo);
          return SmallVector<Value>{
              multiplyAdd(weight(i), loadVector(scaled, {at, col}), sums[0])};
        })[0];
        Value mine = loadVector(outGate, {r, col}),
              edge = loadVector(gy, {reference, col});
        Value factor = turned ? decayBetween(edge, mine, splat(some))
                              : decayBetween(mine, edge, splat(some));
        far = arith::MulFOp::create(b, loc, far, factor);
        Value sum = loop(inLo, inHi, far, [&](Value i, ValueRange sums) {
          Value other = loadVector(inGate, {i, col});
          Value near = turned ? decayBetween(other, mine, Value())
                              : decayBetween(mine, other, Value());
          Value value = convert(loadVector(y, {i, col}), b.getF32Type());
          Value x = arith::MulFOp::create(b, loc, weight(i), near);
          return SmallVector<Value>{multiplyAdd(x, value, sums[0])};
        })[0];
        storeVector(sum, out, {r, col});
      });
    });
  });
}

void BodyEmitter::emitDecayDot(chunk::DecayDotOp op) {
  Tile out = destinationOf(op.getResult());
  if (gateRank(op.getGx()) == 1)
    emitDecayDotRows(op, out);
  else
    emitDecayDotChannels(op, out);
}

void BodyEmitter::emitDecayApply(chunk::DecayApplyOp op) {
  Tile out = destinationOf(op.getResult());
  if (gateRank(op.getGx()) == 1)
    emitDecayApplyRows(op, out);
  else
    emitDecayApplyChannels(op, out);
}
