//===- DecayScale.cpp - operands multiplied by their decays ---------------===//
// Every thread scales four neighbouring channels of a row at a time (27),
// blocks of 16 rows one after the other; what several steps need is loaded
// before any of them stores.
//===----------------------------------------------------------------------===//
#include "Decay.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace deltanet::tile;

/// Largest decay within a block, as a logarithm, that a factor may undo.
static constexpr double kReach = 64;

Value deltanet::tile::decayFactor(Emit &emit, Gate x, Gate y) {
  // Neighbouring sums differ by far less than they are: first what is large.
  Value difference = emit.subf(x.sum, y.sum);
  if (x.rest && y.rest)
    difference = emit.addf(difference, emit.subf(x.rest, y.rest));
  return emit.exp2(emit.mulf(difference, emit.f32(kLog2E)));
}

SmallVector<Value> deltanet::tile::decayFactors(Emit &emit, ArrayRef<Gate> x,
                                                ArrayRef<Gate> y) {
  SmallVector<Value> factors;
  for (auto [later, earlier] : llvm::zip_equal(x, y))
    factors.push_back(decayFactor(emit, later, earlier));
  return factors;
}

Value deltanet::tile::packRemainder(Emit &emit, Value low, Value high,
                                    Value pair, Type element) {
  return emit.pack(emit.subf(low, emit.unpack(pair, false, element)),
                   emit.subf(high, emit.unpack(pair, true, element)), element);
}

GateBuffer deltanet::tile::moveGates(Emit &emit, GateBuffer gates,
                                     Value elements) {
  Value rests;
  if (gates.rests)
    rests = emit.move(gates.rests, emit.mul(elements, 2));
  return {emit.move(gates.sums, emit.mul(elements, 4)), rests};
}

GateBuffer deltanet::tile::gatesAt(Emit &emit, GateBuffer gates,
                                   BufferType type, Value row, Value column) {
  // A row of the rests has as many elements.
  int64_t stride = type.getRowBytes() / type.getElementBytes();
  return moveGates(emit, gates, emit.add(emit.mul(row, stride), column));
}

GateBuffer deltanet::tile::selectGates(Emit &emit, Value condition,
                                       GateBuffer x, GateBuffer y) {
  return {emit.select(condition, x.sums, y.sums),
          x.rests ? emit.select(condition, x.rests, y.rests) : Value()};
}

Value deltanet::tile::isWithinReach(Emit &emit, Value column, int64_t columns,
                                    function_ref<Value(Value)> start,
                                    function_ref<Value(Value)> end) {
  OpBuilder &b = emit.b;
  Type f32 = b.getF32Type();
  Value all;
  for (int64_t first = 0; first < columns; first += 2 * kWarpSize) {
    Value channel = emit.add(emit.mul(emit.lane(), 2), first);
    if (first + 2 * kWarpSize > columns) // the last ones several times
      channel =
          arith::MinUIOp::create(b, emit.loc, channel, emit.i32(columns - 2));
    channel = emit.add(column, channel);
    SmallVector<Value> starts = emit.loadMany(f32, 2, start(channel)),
                       ends = emit.loadMany(f32, 2, end(channel));
    for (auto [s, e] : llvm::zip(starts, ends)) {
      Value within =
          arith::CmpFOp::create(b, emit.loc, arith::CmpFPredicate::OLT,
                                emit.subf(s, e), emit.f32(kReach));
      all = all ? arith::AndIOp::create(b, emit.loc, all, within).getResult()
                : within;
    }
  }
  return emit.intrinsic("llvm.nvvm.vote.all.sync", b.getI1Type(),
                        {emit.i32(-1), all});
}

SmallVector<Gate> deltanet::tile::loadGates(Emit &emit, GateBuffer from,
                                            int64_t count) {
  SmallVector<Gate> gates;
  for (Value sum : emit.loadMany(emit.b.getF32Type(), count, from.sums))
    gates.push_back({sum, Value()});
  if (!from.rests)
    return gates;
  SmallVector<Value> pairs;
  if (count == 2)
    pairs.push_back(emit.load(emit.b.getI32Type(), from.rests));
  else
    pairs = emit.loadMany(emit.b.getI32Type(), count / 2, from.rests);
  for (auto [i, gate] : llvm::enumerate(gates))
    gate.rest = emit.unpack(pairs[i / 2], i % 2 == 1, emit.b.getBF16Type());
  return gates;
}

SmallVector<Value> deltanet::tile::loadNeighbours(Emit &emit, Value buffer,
                                                  BufferType type, Value row,
                                                  Value column) {
  Value from =
      emit.move(buffer, emit.add(emit.mul(row, type.getRowBytes()),
                                 emit.mul(column, type.getElementBytes())));
  Type stored = type.getElementType();
  if (stored.isF32())
    return emit.loadMany(stored, 2, from);
  Value pair = emit.load(emit.b.getI32Type(), from);
  return {emit.unpack(pair, false, stored), emit.unpack(pair, true, stored)};
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
        gx{operands.getGx(), operands.getGxRest()},
        gy{operands.getGy(), operands.getGyRest()},
        blockRows(16 * (yType.getRows() / xType.getRows())) {}

  /// Block by block, since what a block's gates are compared with is known of
  /// the first one; y of the last one is read by nobody.
  void run() {
    int64_t blocks = xType.getRows() / 16;
    scaleBlock(emit.i32(0), /*first=*/true, /*doY=*/blocks > 1);
    if (blocks > 2) {
      auto loop = scf::ForOp::create(emit.b, emit.loc, emit.i32(1),
                                     emit.i32(blocks - 1), emit.i32(1));
      OpBuilder::InsertionGuard guard(emit.b);
      emit.b.setInsertionPointToStart(loop.getBody());
      scaleBlock(loop.getInductionVar(), false, true);
    }
    if (blocks > 1)
      scaleBlock(emit.i32(blocks - 1), false, false);
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

  void scaleBlock(Value block, bool first, bool doY) {
    this->block = block;
    isFirst = first;
    bool both = blockRows == 16;
    pass(16, true, both && doY);
    if (!both && doY)
      pass(blockRows, false, true);
  }

  /// Rows of the block.
  void pass(int64_t rows, bool doX, bool doY) {
    int64_t units = rows * yType.getColumns() / kChannels;
    int64_t turns = llvm::divideCeil(units, threads);
    int64_t together = std::min(turns, kTogether);
    Value thread = emit.thread();
    if (turns <= together)
      return steps(thread, units, rows, together, doX, doY);
    auto loop =
        scf::ForOp::create(emit.b, emit.loc, emit.i32(0), emit.i32(units),
                           emit.i32(threads * together), ValueRange());
    OpBuilder::InsertionGuard guard(emit.b);
    emit.b.setInsertionPointToStart(loop.getBody());
    steps(emit.add(thread, loop.getInductionVar()), units, rows, together, doX,
          doY);
  }

  void steps(Value first, int64_t units, int64_t rows, int64_t count, bool doX,
             bool doY) {
    bool whole = units % (threads * count) == 0;
    SmallVector<Unit, 0> all;
    for (int64_t i = 0; i != count; ++i)
      all.push_back(
          load(emit.add(first, i * threads), units, rows, whole, doX, doY));
    for (Unit &unit : all) {
      auto body = [&] { store(unit, doX, doY); };
      if (whole)
        body();
      else
        emit.when(emit.less(unit.number, emit.i32(units)), body);
    }
  }

  Unit load(Value number, int64_t units, int64_t rows, bool whole, bool doX,
            bool doY) {
    int64_t perRow = yType.getColumns() / kChannels;
    Unit unit;
    unit.number = number;
    Value inside = number;
    if (!whole) // past the end the last one is loaded again
      inside =
          arith::MinUIOp::create(emit.b, emit.loc, number, emit.i32(units - 1));
    unit.row = emit.add(emit.mul(block, rows), emit.div(inside, perRow));
    unit.column = emit.mul(emit.rem(inside, perRow), kChannels);
    if (doX) {
      unit.xFactor =
          decayFactors(emit, readGates(gx, gxType, unit.row, unit.column),
                       loadGates(emit, reference(unit.column), kChannels));
      for (auto [x, type] : llvm::zip(operands.getX(), op.getX().getTypes()))
        unit.x.push_back(
            read(x, cast<BufferType>(type), unit.row, unit.column));
    }
    if (doY) {
      Value last = emit.add(emit.mul(block, blockRows), blockRows - 1);
      unit.yFactor =
          decayFactors(emit, readGates(gy, gyType, last, unit.column),
                       readGates(gy, gyType, unit.row, unit.column));
      unit.y = read(operands.getY(), yType, unit.row, unit.column);
    }
    return unit;
  }

  /// The end of the block before; before the first one, the first row of gx.
  GateBuffer reference(Value column) {
    if (isFirst)
      return gatesAt(emit, gx, gxType, emit.i32(0), column);
    Value end = emit.add(emit.mul(block, blockRows), -1);
    return gatesAt(emit, gy, gyType, end, column);
  }

  SmallVector<Gate> readGates(GateBuffer gates, BufferType type, Value row,
                              Value column) {
    return loadGates(emit, gatesAt(emit, gates, type, row, column), kChannels);
  }

  /// Bytes from the start of a buffer.
  Value offset(BufferType type, Value row, Value column) {
    return emit.add(emit.mul(row, type.getRowBytes()),
                    emit.mul(column, type.getElementBytes()));
  }
  Value address(Value buffer, BufferType type, Value row, Value column) {
    return emit.move(buffer, offset(type, row, column));
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
      for (auto [i, x] : llvm::enumerate(unit.x))
        write(x, unit.xFactor, operands.getScaledX()[i], remainder(i),
              cast<BufferType>(op.getScaledX()[i].getType()), unit);
    if (doY)
      write(unit.y, unit.yFactor, operands.getScaledY(),
            remainder(op.getScaledX().size()), op.getScaledY().getType(), unit);
  }

  /// Where what rounding takes from a scaled operand goes, if anywhere.
  Value remainder(size_t i) {
    return operands.getRemainders().empty() ? Value()
                                            : operands.getRemainders()[i];
  }

  void write(ArrayRef<Value> values, ArrayRef<Value> factors, Value buffer,
             Value remainder, BufferType type, Unit &unit) {
    Type element = type.getElementType();
    bool is32 = element.isF32();
    Values scaled, stored, rest;
    for (auto [i, factor] : llvm::enumerate(factors)) {
      Value v =
          is32 ? values[i] : emit.unpack(values[i / 2], i % 2 == 1, element);
      scaled.push_back(emit.mulf(v, factor));
    }
    for (size_t i = 0; !is32 && i != scaled.size(); i += 2) {
      stored.push_back(emit.pack(scaled[i], scaled[i + 1], element));
      if (remainder)
        rest.push_back(packRemainder(emit, scaled[i], scaled[i + 1],
                                     stored.back(), element));
    }
    Value to = offset(type, unit.row, unit.column);
    emit.storeMany(is32 ? scaled : stored, emit.move(buffer, to));
    if (remainder)
      emit.storeMany(rest, emit.move(remainder, to));
  }

  Emit &emit;
  DecayScaleOp op;
  DecayScaleOpAdaptor operands;
  int64_t threads;
  BufferType xType, yType, gxType, gyType;
  GateBuffer gx, gy;
  int64_t blockRows; // of y
  Value block;       // at hand
  bool isFirst = false;
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
