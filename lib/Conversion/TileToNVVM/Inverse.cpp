//===- Inverse.cpp - the inverse of a unit lower triangle -----------------===//
// Substitution on diagonal blocks, half a warp each; then block columns, one
// warp each, by products in tf32 (5).
//===----------------------------------------------------------------------===//
#include "MatrixReader.h"
#include "Mma.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace deltanet::tile;

namespace {

/// Inverts in blocks of 16. With D the inverses of the diagonal blocks, block
/// column j is
///   X[i] = -(P[i] X[i-1] + D[i] sum_{m<i-1} L[i,m] X[m]),  P[i] = D[i]
///   L[i,i-1],
/// X[j] = D[j]: one product waits for the block above, the rest for the one
/// above that. All is transposed, so that an accumulator is the next left
/// operand as it stands.
class InverseEmitter {
public:
  InverseEmitter(Emit &emit, Value lower, BufferType lowerType, Value result,
                 BufferType resultType, Value scale, int64_t warps)
      : emit(emit), b(emit.b), loc(emit.loc), lower(lower), result(result),
        scale(scale), lowerType(lowerType), resultType(resultType), warps(warps),
        blocks(lowerType.getRows() / kBlock),
        tf32(emit, resultType.getElementType().isF32() ? Precision::TF32X3
                                                       : Precision::TF32) {}

  void run() {
    warp = emit.warp();
    lane = emit.lane();
    int64_t pairs = llvm::divideCeil(blocks, 2);
    for (int64_t first = 0; first < pairs; first += warps) {
      Value mine = emit.add(warp, first);
      inWarps(first + warps > pairs ? emit.less(mine, emit.i32(pairs))
                                    : Value(),
              [&] { substitute(emit.mul(mine, 2)); });
    }
    if (warps == 1)
      NVVM::SyncWarpOp::create(b, loc, emit.i32(-1));
    else
      emit.barrier();
    rows.emplace(emit, lower, lowerType, emit.i32(0), emit.i32(0), false);
    turned.emplace(emit, lower, lowerType, emit.i32(0), emit.i32(0), true);
    // Long columns and short ones take turns over the warps.
    for (int64_t j = 0; j != blocks; ++j) {
      int64_t place = j % (2 * warps);
      int64_t mine = place < warps ? place : 2 * warps - 1 - place;
      inWarps(warps == 1 ? Value() : emit.equal(warp, emit.i32(mine)),
              [&] { mergeColumn(j); });
    }
  }

private:
  static constexpr int64_t kBlock = 16;

  /// A 16 x 16 block as two tiles of 16 x 8 of an accumulator.
  using Block = SmallVector<SmallVector<Value>, 2>;
  /// The same as a left operand, by halves of its columns.
  using Left = SmallVector<Tf32::Operand, 2>;

  void inWarps(Value condition, function_ref<void()> body) {
    if (condition)
      emit.when(condition, body);
    else
      body();
  }

  int64_t offset(BufferType type, int64_t row, int64_t column) {
    return row * type.getRowBytes() + column * type.getElementBytes();
  }
  Value scaled(BufferType type, Value row, Value column) {
    return emit.add(emit.mul(row, type.getRowBytes()),
                    emit.mul(column, type.getElementBytes()));
  }

  /// What column `column` of the result is multiplied with, or null.
  Value scaleOf(Value column) {
    return scale ? emit.load(b.getF32Type(),
                             emit.move(scale, emit.mul(column, 4)))
                 : Value();
  }
  Value scaled(Value v, Value factor) {
    return factor ? arith::MulFOp::create(b, loc, v, factor).getResult() : v;
  }

  //===--------------------------------------------------------------------===//
  // Diagonal blocks
  //===--------------------------------------------------------------------===//

  /// Each half of the warp solves one of two blocks, a lane one column. A row
  /// that is done is taken out of all rows below at once, so that 15 steps
  /// follow each other and not 120.
  void substitute(Value firstBlock) {
    Value column = emit.rem(lane, kBlock);
    Value block = emit.add(firstBlock, emit.div(lane, kBlock)), own;
    if (blocks % 2 != 0) { // the last one is alone; both halves solve it
      own = emit.less(block, emit.i32(blocks));
      block = arith::MinUIOp::create(b, loc, block, emit.i32(blocks - 1));
    }
    Value from =
        emit.move(lower, emit.mul(block, offset(lowerType, kBlock, kBlock)));
    SmallVector<Value> x;
    for (int64_t r = 0; r != kBlock; ++r)
      x.push_back(emit.select(emit.equal(column, emit.i32(r)), emit.f32(1),
                              emit.f32(0)));
    // Row by row, so that few elements are in registers at a time.
    for (int64_t c = 0; c != kBlock; c += 4)
      for (int64_t r = c + 1; r != kBlock; ++r) {
        SmallVector<Value> l = emit.loadMany(
            b.getF32Type(), 4, emit.move(from, offset(lowerType, r, c)));
        for (int64_t i = c; i != std::min(c + 4, r); ++i)
          x[r] =
              emit.fma(arith::NegFOp::create(b, loc, l[i - c]), x[i], x[r]);
      }
    // The merges read the inverse where the lower triangle was.
    NVVM::SyncWarpOp::create(b, loc, emit.i32(-1));
    inWarps(own, [&] { storeColumn(x, from, block, column); });
  }

  void storeColumn(ArrayRef<Value> x, Value block, Value number, Value column) {
    Value to = emit.move(block, emit.mul(column, 4));
    Value first = emit.mul(number, kBlock);
    column = emit.add(first, column);
    ElementAddress out(emit, result, resultType, first, column, /*split=*/true);
    Value factor = scaleOf(column);
    for (auto [r, value] : llvm::enumerate(x)) {
      emit.store(value, emit.move(to, offset(lowerType, r, 0)));
      Type element = resultType.getElementType();
      Value y = scaled(value, factor);
      emit.store(element.isF32() ? y : emit.half(emit.pack(y, y, element), false),
                 out.at(r, 0));
    }
  }

  //===--------------------------------------------------------------------===//
  // Block columns
  //===--------------------------------------------------------------------===//

  Block zeros() { return Block(2, SmallVector<Value>(4, emit.f32(0))); }
  Left leftOf(const Block &block) {
    return {tf32.left(block[0]), tf32.left(block[1])};
  }
  /// Block (i, m) as it stands, and its transpose.
  Block read(PairReader &reader, int64_t row, int64_t column) {
    return {reader.readTile(row * kBlock, column * kBlock),
            reader.readTile(row * kBlock, column * kBlock + 8)};
  }

  /// sums += left right^T, where `right` is a block of rows.
  void multiply(const Left &left, const Block &right, Block &sums) {
    for (int64_t k = 0; k != 2; ++k)
      for (int64_t n = 0; n != 2; ++n)
        tf32.multiply(left[k], tf32.right(right[k][2 * n], right[k][2 * n + 1]),
                      sums[n]);
  }

  void mergeColumn(int64_t j) {
    for (int64_t i = 0; i != j; ++i)
      clear(i, j);
    if (j + 1 == blocks)
      return;
    SmallVector<Left, 0> x = {leftOf(read(*turned, j, j))};
    for (int64_t i = j + 1; i != blocks; ++i) {
      Block inverse = read(*rows, i, i);
      // L[i,i-1] as the right operand of a product is the transpose's rows.
      Block last = zeros(), sums = zeros();
      multiply(leftOf(inverse), read(*turned, i - 1, i), last);
      if (i > j + 1) {
        Block above = zeros();
        for (int64_t m = j; m != i - 1; ++m)
          multiply(x[m - j], read(*rows, i, m), above);
        multiply(leftOf(above), inverse, sums);
      }
      multiply(x.back(), last, sums);
      for (SmallVector<Value> &tile : sums)
        for (Value &v : tile)
          v = arith::NegFOp::create(b, loc, v);
      storeTransposed(sums, i, j);
      if (i + 1 != blocks)
        x.push_back(leftOf(sums));
    }
  }

  /// Zeros in block (i, j) of the result, 16 bytes a lane and store.
  void clear(int64_t i, int64_t j) {
    int64_t perRow = kBlock * resultType.getElementBytes() / 16;
    SmallVector<Value> zero(4, emit.i32(0));
    for (int64_t row = 0; row < kBlock; row += kWarpSize / perRow) {
      Value column = emit.mul(emit.rem(lane, perRow),
                              16 / resultType.getElementBytes());
      ElementAddress at(emit, result, resultType, emit.div(lane, perRow),
                        column, /*split=*/true);
      emit.storeMany(zero, at.at(i * kBlock + row, j * kBlock));
    }
  }

  /// Stores a transposed block as block (i, j) of the result.
  void storeTransposed(const Block &block, int64_t i, int64_t j) {
    Type element = resultType.getElementType();
    Value pair = emit.lanePair(), group = emit.laneRow();
    std::array<Value, 2> factors;
    for (int64_t half = 0; half != 2; ++half)
      factors[half] = scaleOf(emit.add(group, j * kBlock + half * 8));
    if (!element.isF32()) {
      ElementAddress at(emit, result, resultType, group, emit.mul(pair, 2),
                        /*split=*/true);
      for (int64_t e = 0; e != 4; ++e) {
        const SmallVector<Value> &tile = block[e / 2];
        int64_t first = e % 2 * 2;
        Value two = emit.transposeBlock(
            emit.pack(scaled(tile[first], factors[e % 2]),
                      scaled(tile[first + 1], factors[e % 2]), element));
        emit.store(two,
                   at.at(i * kBlock + e / 2 * 8, j * kBlock + e % 2 * 8));
      }
      return;
    }
    // As PairReader reads: half of the lanes begin with the second.
    Value swap = emit.less(emit.i32(1), pair), odd = emit.div(pair, 2);
    Value row = emit.mul(pair, 2);
    Value first =
        emit.move(result, scaled(resultType, emit.add(row, odd), group));
    Value second = emit.move(
        result, scaled(resultType, emit.sub(emit.add(row, 1), odd), group));
    for (int64_t e = 0; e != 4; ++e) {
      Value x = scaled(block[e / 2][e % 2 * 2], factors[e % 2]);
      Value y = scaled(block[e / 2][e % 2 * 2 + 1], factors[e % 2]);
      int64_t bytes =
          offset(resultType, i * kBlock + e / 2 * 8, j * kBlock + e % 2 * 8);
      emit.store(emit.select(swap, y, x), emit.move(first, bytes));
      emit.store(emit.select(swap, x, y), emit.move(second, bytes));
    }
  }

  Emit &emit;
  OpBuilder &b;
  Location loc;
  Value lower, result, scale;
  BufferType lowerType, resultType;
  int64_t warps, blocks;
  Tf32 tf32;
  Value warp, lane;
  std::optional<PairReader> rows, turned;
};

struct UnitLowerInversePattern : OpConversionPattern<UnitLowerInverseOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(UnitLowerInverseOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    std::optional<int64_t> threads = emit.getNumThreads();
    if (!threads)
      return rewriter.notifyMatchFailure(
          op, "the kernel does not state its block size");
    InverseEmitter(emit, adaptor.getLower(), op.getLower().getType(),
                   adaptor.getResult(), op.getResult().getType(),
                   adaptor.getScale(), *threads / kWarpSize)
        .run();
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void deltanet::tile::populateInversePatterns(const TypeConverter &converter,
                                             RewritePatternSet &patterns) {
  patterns.add<UnitLowerInversePattern>(converter, patterns.getContext());
}
