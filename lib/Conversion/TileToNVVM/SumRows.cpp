//===- SumRows.cpp - running sums down columns ----------------------------===//
// A warp has some columns: its lanes four neighbours each, of a part of the
// rows. A lane sums up its rows, then learns from the lane before it what to
// add.
//===----------------------------------------------------------------------===//
#include "Emit.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace deltanet::tile;

namespace {

class SumRowsEmitter {
public:
  SumRowsEmitter(Emit &emit, SumRowsOp op, Value buffer, int64_t threads)
      : emit(emit), op(op), buffer(buffer), type(op.getBuffer().getType()),
        warps(threads / kWarpSize) {
    // Eight lanes cover 128 bytes of a row, which is one access without
    // conflicts; four, where there are warps for twice as many parts.
    bool few = type.getColumns() % 32 != 0 || type.getColumns() / 32 < warps;
    parts = few ? 8 : 4;
    quads = kWarpSize / parts;
  }

  void run() {
    int64_t perWarp = kColumns * quads;
    int64_t tasks = llvm::divideCeil(type.getColumns(), perWarp);
    part = emit.div(emit.lane(), quads);
    for (int64_t first = 0; first < tasks; first += warps) {
      Value column = emit.add(emit.mul(emit.add(emit.warp(), first), perWarp),
                              emit.mul(emit.rem(emit.lane(), quads), kColumns));
      auto sum = [&] { sumColumns(column); };
      if (first + warps <= tasks && type.getColumns() % perWarp == 0)
        sum();
      else // whole warps: they shuffle
        emit.when(emit.less(emit.add(emit.warp(), first), emit.i32(tasks)),
                  sum);
    }
  }

private:
  static constexpr int64_t kColumns = 4; // of a lane
  static constexpr int64_t kRows = 8;    // of a lane at a time
  using Values = SmallVector<Value>;

  void sumColumns(Value column) {
    Values before(kColumns, emit.f32(0));
    for (int64_t first = 0; first < type.getRows(); first += kRows * parts) {
      int64_t rows = std::min(kRows, (type.getRows() - first) / parts);
      before = sumBlock(column, first, rows, before);
    }
  }

  /// `rows` rows of each lane from `first` on, to which `before` is added;
  /// gives the sum of all.
  Values sumBlock(Value column, int64_t first, int64_t rows,
                  ArrayRef<Value> before) {
    Value start = emit.add(emit.mul(part, rows), first);
    SmallVector<Value> places;
    SmallVector<Values> sums;
    for (int64_t r = 0; r != rows; ++r) {
      Value row = emit.add(start, r);
      if (op.getReverse())
        row = arith::SubIOp::create(emit.b, emit.loc,
                                    emit.i32(type.getRows() - 1), row);
      Value offset = emit.add(emit.mul(row, type.getRowBytes()),
                              emit.mul(column, type.getElementBytes()));
      places.push_back(emit.move(buffer, offset));
      sums.push_back(
          emit.loadMany(emit.b.getF32Type(), kColumns, places.back()));
    }
    for (int64_t r = 1; r != rows; ++r)
      sums[r] = plus(sums[r - 1], sums[r]);
    // What a lane adds is the last of what the lane before it stores: so sums
    // of numbers of one sign never turn round.
    Values offset(before), end = plus(offset, sums.back());
    for (int64_t p = 1; p != parts; ++p) {
      Value mine = emit.equal(part, emit.i32(p));
      for (auto [o, e] : llvm::zip(offset, end))
        o = emit.select(mine, emit.shuffle(e, emit.add(emit.lane(), -quads)),
                        o);
      end = plus(offset, sums.back());
    }
    for (int64_t r = 0; r != rows; ++r) {
      Values stored = !op.getExclusive() ? plus(offset, sums[r])
                      : r == 0           ? offset
                                         : plus(offset, sums[r - 1]);
      emit.storeMany(stored, places[r]);
    }
    bool isLast = first + rows * parts == type.getRows();
    if (!isLast)
      for (Value &e : end)
        e = emit.shuffle(
            e, emit.add(emit.rem(emit.lane(), quads), (parts - 1) * quads));
    return end;
  }

  Values plus(ArrayRef<Value> x, ArrayRef<Value> y) {
    Values sum;
    for (auto [a, b] : llvm::zip_equal(x, y))
      sum.push_back(emit.addf(a, b));
    return sum;
  }

  Emit &emit;
  SumRowsOp op;
  Value buffer;
  BufferType type;
  int64_t warps, parts, quads; // lanes that share columns, and that share rows
  Value part;                  // of this lane
};

struct SumRowsPattern : OpConversionPattern<SumRowsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(SumRowsOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    std::optional<int64_t> threads = emit.getNumThreads();
    if (!threads)
      return rewriter.notifyMatchFailure(op, "the block size is not known");
    SumRowsEmitter(emit, op, adaptor.getBuffer(), *threads).run();
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void deltanet::tile::populateSumRowsPatterns(const TypeConverter &converter,
                                             RewritePatternSet &patterns) {
  patterns.add<SumRowsPattern>(converter, patterns.getContext());
}
