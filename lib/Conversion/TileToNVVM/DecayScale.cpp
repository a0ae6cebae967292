//===- DecayScale.cpp - operands multiplied by their decays ---------------===//
// Every thread scales four neighbouring channels of a row at a time (27); what
// several steps need is loaded before any of them stores.
//===----------------------------------------------------------------------===//
#include "Decay.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace deltanet::tile;

Value deltanet::tile::decayFactor(Emit &emit, Value later, Value earlier) {
  // Rounding may leave a running sum above an earlier one.
  Value exponent = emit.mulf(emit.subf(later, earlier), emit.f32(kLog2E));
  exponent = arith::MinimumFOp::create(emit.b, emit.loc, exponent, emit.f32(0));
  return emit.exp2(exponent);
}

namespace {

class ScaleEmitter {
public:
  ScaleEmitter(Emit &emit, DecayScaleOp op, DecayScaleOpAdaptor operands,
               int64_t threads)
      : emit(emit), op(op), operands(operands), threads(threads),
        xType(cast<BufferType>(op.getX().front().getType())),
        yType(op.getY().getType()), gxType(op.getGx().getType()),
        gyType(op.getGy().getType()),
        blockRows(16 * (yType.getRows() / xType.getRows())) {}

  void run() {
    bool both = xType.getRows() == yType.getRows();
    pass(xType.getRows(), true, both);
    if (!both)
      pass(yType.getRows(), false, true);
  }

private:
  /// Channels that a thread scales at once, and how often it does that with all
  /// loads before all stores.
  static constexpr int64_t kChannels = 4, kTogether = 4;
  using Values = SmallVector<Value>;

  /// One thread's four channels of a row.
  struct Unit {
    Value number, row, column; // of x and y, where both have as many rows
    SmallVector<Values> x;
    Values y, xFactor, yFactor;
  };

  void pass(int64_t rows, bool doX, bool doY) {
    int64_t units = rows * yType.getColumns() / kChannels;
    int64_t turns = llvm::divideCeil(units, threads);
    int64_t together = std::min(turns, kTogether);
    Value thread = emit.thread();
    if (turns <= together)
      return steps(thread, units, together, doX, doY);
    auto loop =
        scf::ForOp::create(emit.b, emit.loc, emit.i32(0), emit.i32(units),
                           emit.i32(threads * together), ValueRange());
    OpBuilder::InsertionGuard guard(emit.b);
    emit.b.setInsertionPointToStart(loop.getBody());
    steps(emit.add(thread, loop.getInductionVar()), units, together, doX, doY);
  }

  void steps(Value first, int64_t units, int64_t count, bool doX, bool doY) {
    bool whole = units % (threads * count) == 0;
    SmallVector<Unit, 0> all;
    for (int64_t i = 0; i != count; ++i)
      all.push_back(load(emit.add(first, i * threads), units, whole, doX, doY));
    for (Unit &unit : all) {
      auto body = [&] { store(unit, doX, doY); };
      if (whole)
        body();
      else
        emit.when(emit.less(unit.number, emit.i32(units)), body);
    }
  }

  Unit load(Value number, int64_t units, bool whole, bool doX, bool doY) {
    int64_t perRow = yType.getColumns() / kChannels;
    Unit unit;
    unit.number = number;
    Value inside = number;
    if (!whole) // past the end the last one is loaded again
      inside =
          arith::MinUIOp::create(emit.b, emit.loc, number, emit.i32(units - 1));
    unit.row = emit.div(inside, perRow);
    unit.column = emit.mul(emit.rem(inside, perRow), kChannels);
    if (doX) {
      Values gates = read(operands.getGx(), gxType, unit.row, unit.column);
      unit.xFactor = factors(gates, reference(unit.row, unit.column));
      for (auto [x, type] : llvm::zip(operands.getX(), op.getX().getTypes()))
        unit.x.push_back(
            read(x, cast<BufferType>(type), unit.row, unit.column));
    }
    if (doY) {
      Value block = emit.div(unit.row, blockRows);
      Value last = emit.add(emit.mul(block, blockRows), blockRows - 1);
      unit.yFactor =
          factors(read(operands.getGy(), gyType, last, unit.column),
                  read(operands.getGy(), gyType, unit.row, unit.column));
      unit.y = read(operands.getY(), yType, unit.row, unit.column);
    }
    return unit;
  }

  /// The end of the block before; before the first one, the first row of gx.
  Values reference(Value row, Value column) {
    Value block = emit.div(row, 16);
    Value end = emit.add(emit.mul(block, blockRows), -1);
    Value first = emit.equal(block, emit.i32(0));
    Value from = emit.select(
        first, address(operands.getGx(), gxType, emit.i32(0), column),
        address(operands.getGy(), gyType, emit.select(first, emit.i32(0), end),
                column));
    return emit.loadMany(emit.b.getF32Type(), kChannels, from);
  }

  Values factors(ArrayRef<Value> later, ArrayRef<Value> earlier) {
    Values result;
    for (auto [l, e] : llvm::zip(later, earlier))
      result.push_back(decayFactor(emit, l, e));
    return result;
  }

  Value address(Value buffer, BufferType type, Value row, Value column) {
    return emit.move(buffer,
                     emit.add(emit.mul(row, type.getRowBytes()),
                              emit.mul(column, type.getElementBytes())));
  }

  /// Four numbers, as they are stored: of 16 bits two in a register.
  Values read(Value buffer, BufferType type, Value row, Value column) {
    Value from = address(buffer, type, row, column);
    if (type.getElementBytes() == 2)
      return emit.loadMany(emit.b.getI32Type(), kChannels / 2, from);
    return emit.loadMany(emit.b.getF32Type(), kChannels, from);
  }

  void store(Unit &unit, bool doX, bool doY) {
    if (doX)
      for (auto [x, scaled, type] :
           llvm::zip(unit.x, operands.getScaledX(), op.getScaledX().getTypes()))
        write(x, unit.xFactor, scaled, cast<BufferType>(type), unit);
    if (!doY)
      return;
    BufferType type = op.getScaledY().getType();
    int64_t rows = yType.getRows() - blockRows;
    if (rows == 0)
      return;
    emit.when(emit.less(unit.row, emit.i32(rows)), [&] {
      write(unit.y, unit.yFactor, operands.getScaledY(), type, unit);
    });
  }

  void write(ArrayRef<Value> values, ArrayRef<Value> factors, Value buffer,
             BufferType type, Unit &unit) {
    Type element = type.getElementType();
    Values scaled;
    if (element.isF32()) {
      for (auto [v, f] : llvm::zip(values, factors))
        scaled.push_back(emit.mulf(v, f));
    } else {
      for (auto [i, pair] : llvm::enumerate(values))
        scaled.push_back(emit.pack(
            emit.mulf(emit.unpack(pair, false, element), factors[2 * i]),
            emit.mulf(emit.unpack(pair, true, element), factors[2 * i + 1]),
            element));
    }
    emit.storeMany(scaled, address(buffer, type, unit.row, unit.column));
  }

  Emit &emit;
  DecayScaleOp op;
  DecayScaleOpAdaptor operands;
  int64_t threads;
  BufferType xType, yType, gxType, gyType;
  int64_t blockRows; // of y
};

struct DecayScalePattern : OpConversionPattern<DecayScaleOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(DecayScaleOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    std::optional<int64_t> threads = emit.getNumThreads();
    if (!threads)
      return rewriter.notifyMatchFailure(
          op, "the kernel does not state its block size");
    ScaleEmitter(emit, op, adaptor, *threads).run();
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void deltanet::tile::populateDecayScalePatterns(const TypeConverter &converter,
                                                RewritePatternSet &patterns) {
  patterns.add<DecayScalePattern>(converter, patterns.getContext());
}
