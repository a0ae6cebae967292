//===- Vectors.cpp - vectors, and sums along a dimension ------------------===//
// Vectors between layouts and rows of shared memory; running sums and
// reductions by shuffles.
//===----------------------------------------------------------------------===//
#include "Emit.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace deltanet::tile;

static RankedTensorType typeOf(Value v) {
  return cast<RankedTensorType>(v.getType());
}

/// How many neighbours a thread holds, as far as one access takes them.
static int64_t getRun(RankedTensorType type) {
  if (auto slice = dyn_cast<SliceAttr>(type.getEncoding()))
    return slice.getDim() == 0 ? 2 : 1; // columns 2(l%4) and the one after
  int64_t perLane = getElementsPerThread(type);
  return perLane % 4 == 0 ? 4 : perLane % 2 == 0 ? 2 : 1;
}

/// `condition`, and that this warp is none of those that repeat the layout's.
static Value withinLayout(Emit &emit, AccAttr layout, Value condition) {
  if (emit.getNumThreads() == layout.getNumWarps() * kWarpSize)
    return condition;
  Value inside = emit.less(emit.warp(), emit.i32(layout.getNumWarps()));
  return arith::AndIOp::create(emit.b, emit.loc, condition, inside);
}

/// Whether this thread is the first of those that hold the same elements.
static Value isFirstHolder(Emit &emit, RankedTensorType type) {
  auto slice = dyn_cast<SliceAttr>(type.getEncoding());
  if (!slice) {
    int64_t lanes = type.getDimSize(0) / getElementsPerThread(type);
    return emit.less(emit.thread(), emit.i32(lanes));
  }
  bool rows = slice.getDim() == 1; // of a matrix, its columns dropped
  AccAttr layout = slice.getParent();
  Value zero = emit.i32(0);
  Value first = withinLayout(
      emit, layout, emit.equal(rows ? emit.lanePair() : emit.laneRow(), zero));
  if (layout.getWarps()[slice.getDim()] == 1)
    return first;
  Value warp = rows ? emit.warpColumn(layout) : emit.warpRow(layout);
  return arith::AndIOp::create(emit.b, emit.loc, first, emit.equal(warp, zero));
}

namespace {

struct LoadVectorPattern : OpConversionPattern<LoadVectorOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(LoadVectorOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    RankedTensorType type = typeOf(op.getResult());
    Places places = emit.places(type);
    int64_t bytes = op.getBuffer().getType().getElementBytes();
    Value base = emit.move(adaptor.getBuffer().front(),
                           emit.mul(places.variable[0], bytes));
    int64_t run = getRun(type);
    SmallVector<Value> values;
    for (size_t e = 0; e < places.constants.size(); e += run)
      llvm::append_range(
          values, load(emit, emit.move(base, places.constants[e][0] * bytes),
                       run, bytes));
    rewriter.replaceOpWithMultiple(op, {values});
    return success();
  }

private:
  /// Some neighbours as f32: as they are, or of bf16.
  static SmallVector<Value> load(Emit &emit, Value from, int64_t count,
                                 int64_t bytes) {
    OpBuilder &b = emit.b;
    if (count == 1 && bytes == 4)
      return {emit.load(b.getF32Type(), from)};
    if (count == 1) {
      Value half = emit.load(b.getI16Type(), from);
      Value pair = arith::ExtUIOp::create(b, emit.loc, b.getI32Type(), half);
      return {emit.unpack(pair, false, b.getBF16Type())};
    }
    if (bytes == 4)
      return emit.loadMany(b.getF32Type(), count, from);
    SmallVector<Value> values, pairs;
    if (count == 2)
      pairs.push_back(emit.load(b.getI32Type(), from));
    else
      pairs = emit.loadMany(b.getI32Type(), count / 2, from);
    for (Value pair : pairs)
      for (bool high : {false, true})
        values.push_back(emit.unpack(pair, high, b.getBF16Type()));
    return values;
  }
};

struct StoreVectorPattern : OpConversionPattern<StoreVectorOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(StoreVectorOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    RankedTensorType type = typeOf(op.getValue());
    Places places = emit.places(type);
    Value base =
        emit.move(adaptor.getBuffer().front(), emit.mul(places.variable[0], 4));
    SmallVector<Value> values(adaptor.getValue());
    int64_t run = getRun(type);
    emit.when(isFirstHolder(emit, type), [&] {
      for (size_t e = 0; e < values.size(); e += run) {
        Value to = emit.move(base, places.constants[e][0] * 4);
        if (run == 1)
          emit.store(values[e], to);
        else
          emit.storeMany(ArrayRef<Value>(values).slice(e, run), to);
      }
    });
    rewriter.eraseOp(op);
    return success();
  }
};

/// Every lane fetches its elements from the lanes that hold them.
struct ConvertPattern : OpConversionPattern<ConvertOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ConvertOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    RankedTensorType input = typeOf(op.getInput());
    ValueRange held = adaptor.getInput();
    if (input == op.getResult().getType()) {
      rewriter.replaceOpWithMultiple(op, {SmallVector<Value>(held)});
      return success();
    }
    Places places = emit.places(typeOf(op.getResult()));
    // Elements at a constant distance from an even one.
    auto slice = dyn_cast<SliceAttr>(typeOf(op.getResult()).getEncoding());
    bool even = slice && slice.getDim() == 0;
    SmallVector<Value> values;
    for (ArrayRef<int64_t> constants : places.constants) {
      Value at = emit.add(places.variable[0], constants[0]);
      std::optional<int64_t> parity;
      if (even)
        parity = constants[0] % 2;
      values.push_back(isa<LanesAttr>(input.getEncoding())
                           ? fromLanes(emit, held, at, parity)
                           : fromSlice(emit, input, held, at));
    }
    rewriter.replaceOpWithMultiple(op, {values});
    return success();
  }

  /// Element `at` of a vector over lanes; `parity` is at mod 2 where it is the
  /// same for all.
  static Value fromLanes(Emit &emit, ValueRange held, Value at,
                         std::optional<int64_t> parity) {
    int64_t perLane = held.size();
    Value lane = emit.div(at, perLane);
    if (perLane == 2 && parity)
      return emit.shuffle(held[*parity], lane);
    return pick(emit, held, emit.rem(at, perLane), lane);
  }

private:
  /// Element `at` of a slice that every warp holds as a whole: registers 2i and
  /// 2i + 1 are rows l/4 and l/4 + 8 of tile i, or columns 2(l%4) and the next.
  static Value fromSlice(Emit &emit, RankedTensorType type, ValueRange held,
                         Value at) {
    bool rows = cast<SliceAttr>(type.getEncoding()).getDim() == 1;
    Value lane =
        rows ? emit.mul(emit.rem(at, 8), 4) : emit.div(emit.rem(at, 8), 2);
    Value which = rows
                      ? emit.div(at, 8)
                      : emit.add(emit.mul(emit.div(at, 8), 2), emit.rem(at, 2));
    return pick(emit, held, which, lane);
  }

  /// Register `which` of lane `lane`. All lanes offer every register.
  static Value pick(Emit &emit, ValueRange held, Value which, Value lane) {
    Value value = emit.shuffle(held[0], lane);
    for (size_t e = 1; e < held.size(); ++e)
      value = emit.select(emit.equal(which, emit.i32(e)),
                          emit.shuffle(held[e], lane), value);
    return value;
  }
};

/// Row i of a result is row `i * times / over + plus` of the input.
struct RowSource {
  int64_t times, over, plus;
  int64_t of(int64_t row) const { return row * times / over + plus; }
  Value of(Emit &emit, Value row) const {
    return emit.add(emit.div(emit.mul(row, times), over), plus);
  }
};

/// Takes the rows of `input` that `source` says, by shuffles within every warp.
template <typename Op>
LogicalResult takeRows(Op op, ValueRange held, RowSource source,
                       ConversionPatternRewriter &rewriter) {
  Emit emit(rewriter, op.getLoc());
  RankedTensorType result = typeOf(op.getResult());
  SmallVector<Value> values;
  auto layout = dyn_cast<AccAttr>(result.getEncoding());
  if (!layout) {
    Places places = emit.places(result);
    for (ArrayRef<int64_t> constants : places.constants)
      values.push_back(ConvertPattern::fromLanes(
          emit, held,
          source.of(emit, emit.add(places.variable[0], constants[0])),
          std::nullopt));
    rewriter.replaceOpWithMultiple(op, {values});
    return success();
  }
  // Rows in blocks of eight, one in four lanes: a block of the result comes
  // from one block of the input or from several.
  int64_t columns = result.getDimSize(1) / layout.getWarps()[1];
  auto number = [&](int64_t block, int64_t column, int64_t e) {
    return (block / 2 * (columns / 8) + column) * 4 + block % 2 * 2 + e;
  };
  values.resize(getNumRegisters(result));
  for (int64_t block = 0; block != result.getDimSize(0) / 8; ++block) {
    Value row = source.of(emit, emit.add(emit.laneRow(), 8 * block));
    Value lane = emit.add(emit.mul(emit.rem(row, 8), 4), emit.lanePair());
    Value from = emit.div(row, 8);
    int64_t first = source.of(8 * block) / 8,
            last = source.of(8 * block + 7) / 8;
    for (int64_t column = 0; column != columns / 8; ++column)
      for (int64_t e = 0; e != 2; ++e) {
        Value value;
        for (int64_t part = first; part <= last; ++part) {
          Value got = emit.shuffle(held[number(part, column, e)], lane);
          value =
              value ? emit.select(emit.equal(from, emit.i32(part)), got, value)
                    : got;
        }
        values[number(block, column, e)] = value;
      }
  }
  rewriter.replaceOpWithMultiple(op, {values});
  return success();
}

struct RepeatPattern : OpConversionPattern<RepeatOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(RepeatOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    int64_t steps = typeOf(op.getResult()).getDimSize(0) /
                    typeOf(op.getInput()).getDimSize(0);
    return takeRows(op, adaptor.getInput(), {1, steps, 0}, rewriter);
  }
};

struct StepPattern : OpConversionPattern<StepOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(StepOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    int64_t steps = typeOf(op.getInput()).getDimSize(0) /
                    typeOf(op.getResult()).getDimSize(0);
    return takeRows(op, adaptor.getInput(),
                    {steps, 1, static_cast<int64_t>(op.getStep())}, rewriter);
  }
};

/// A sum of f32, with what rounding took from it where that is kept.
struct Sum {
  Value sum, rest;
};

/// Both, and what is lost in adding them: exactly the difference between the
/// sum and its rounding, whatever the magnitudes.
Sum plus(Emit &emit, Sum x, Sum y) {
  Value sum = emit.addf(x.sum, y.sum);
  if (!x.rest)
    return {sum, Value()};
  Value fromY = emit.subf(sum, x.sum);
  Value lostX = emit.subf(x.sum, emit.subf(sum, fromY));
  Value lost = emit.addf(lostX, emit.subf(y.sum, fromY));
  return {sum, emit.addf(lost, emit.addf(x.rest, y.rest))};
}

/// Running sums over lanes in one direction: `distance` lanes before, in the
/// order of summation, is what `fetch` gives, zero where there is none.
class RunningSum {
public:
  /// Over `lanes` groups of `stride` neighbouring lanes, repeated to fill the
  /// warp.
  RunningSum(Emit &emit, int64_t lanes, int64_t stride, bool reverse)
      : emit(emit), lanes(lanes), stride(stride), reverse(reverse) {
    place = emit.div(emit.lane(), stride);
    if (lanes * stride != kWarpSize)
      place = emit.rem(place, lanes);
  }

  Sum fetch(Sum v, int64_t distance) {
    return forBoth(v, [&](Value x) { return fetch(x, distance); });
  }
  /// Sums up to and with each lane.
  Sum inclusive(Sum v) {
    for (int64_t distance = 1; distance < lanes; distance *= 2)
      v = plus(emit, v, fetch(v, distance));
    return v;
  }
  /// What the last lane in the order of summation has.
  Sum last(Sum v) {
    Value lane = emit.rem(emit.lane(), stride);
    Value from = emit.add(lane, reverse ? 0 : (lanes - 1) * stride);
    return forBoth(v, [&](Value x) { return emit.shuffle(x, from); });
  }

private:
  static Sum forBoth(Sum v, function_ref<Value(Value)> f) {
    Value sum = f(v.sum);
    return {sum, v.rest ? f(v.rest) : Value()};
  }
  Value fetch(Value v, int64_t distance) {
    Value none = reverse ? emit.less(emit.i32(lanes - 1 - distance), place)
                         : emit.less(place, emit.i32(distance));
    Value got;
    if (lanes * stride == kWarpSize) {
      auto kind = reverse ? NVVM::ShflKind::down : NVVM::ShflKind::up;
      got = NVVM::ShflOp::create(emit.b, emit.loc, v.getType(), emit.i32(-1), v,
                                 emit.i32(distance * stride),
                                 emit.i32(reverse ? 31 : 0), kind, UnitAttr());
    } else { // from the first repetition
      Value from = emit.add(place, reverse ? distance : lanes - distance);
      got = emit.shuffle(v, emit.add(emit.mul(emit.rem(from, lanes), stride),
                                     emit.rem(emit.lane(), stride)));
    }
    return emit.select(none, emit.f32(0), got);
  }

  Emit &emit;
  int64_t lanes, stride;
  bool reverse;
  Value place;
};

struct CumsumPattern : OpConversionPattern<CumsumOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(CumsumOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    RankedTensorType type = typeOf(op.getInput());
    Value none = op.getRest() ? emit.f32(0) : Value();
    SmallVector<Sum> sums;
    for (Value v : adaptor.getInput())
      sums.push_back({v, none});
    if (isa<LanesAttr>(type.getEncoding()))
      sumVector(emit, op, sums);
    else
      sumColumns(emit, op, type, sums);
    SmallVector<SmallVector<Value>> results(op->getNumResults());
    for (Sum sum : sums) {
      results[0].push_back(sum.sum);
      if (op.getRest())
        results[1].push_back(sum.rest);
    }
    rewriter.replaceOpWithMultiple(op, std::move(results));
    return success();
  }

private:
  /// Sums within a lane, then over lanes by doubling distances.
  static void sumVector(Emit &emit, CumsumOp op, SmallVector<Sum> &values) {
    int64_t lanes = typeOf(op.getInput()).getDimSize(0) / values.size();
    if (op.getReverse())
      std::reverse(values.begin(), values.end());
    SmallVector<Sum> local = values;
    for (size_t e = 1; e < local.size(); ++e)
      local[e] = plus(emit, local[e - 1], local[e]);
    RunningSum sum(emit, lanes, 1, op.getReverse());
    Sum before = sum.fetch(sum.inclusive(local.back()), 1);
    for (size_t e = 0; e != values.size(); ++e) {
      bool first = op.getExclusive() && e == 0;
      values[e] =
          first ? before : plus(emit, before, local[e - op.getExclusive()]);
    }
    if (op.getReverse())
      std::reverse(values.begin(), values.end());
  }

  /// Eight rows at a time over lanes, carrying each column's sum on.
  static void sumColumns(Emit &emit, CumsumOp op, RankedTensorType type,
                         SmallVector<Sum> &values) {
    auto layout = cast<AccAttr>(type.getEncoding());
    int64_t rows = type.getDimSize(0) / 8;
    int64_t columns = type.getDimSize(1) / layout.getWarps()[1] / 8;
    RunningSum sum(emit, 8, 4, op.getReverse());
    for (int64_t c = 0; c != columns; ++c)
      for (int64_t e = 0; e != 2; ++e) {
        std::optional<Sum> carry;
        for (int64_t i = 0; i != rows; ++i) {
          int64_t block = op.getReverse() ? rows - 1 - i : i;
          Sum &v = values[(block / 2 * columns + c) * 4 + block % 2 * 2 + e];
          Sum here = sum.inclusive(v);
          v = op.getExclusive() ? sum.fetch(here, 1) : here;
          if (carry)
            v = plus(emit, v, *carry);
          if (i + 1 == rows)
            continue;
          Sum all = sum.last(here);
          carry = carry ? plus(emit, *carry, all) : all;
        }
      }
  }
};

/// Every lane takes its own: nothing that a compiler sees through, and a use of
/// the register.
struct SettlePattern : OpConversionPattern<SettleOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(SettleOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    SmallVector<Value> values;
    for (Value v : adaptor.getInput()) {
      Type type = v.getType();
      bool narrow = type.getIntOrFloatBitWidth() == 16;
      if (narrow) {
        v = emit.bitcast(v, rewriter.getI16Type());
        v = arith::ExtUIOp::create(rewriter, op.getLoc(), rewriter.getI32Type(),
                                   v);
      }
      v = emit.shuffle(v, emit.lane());
      if (narrow) {
        v = arith::TruncIOp::create(rewriter, op.getLoc(),
                                    rewriter.getI16Type(), v);
        v = emit.bitcast(v, type);
      }
      values.push_back(v);
    }
    rewriter.replaceOpWithMultiple(op, {values});
    return success();
  }
};

class ReduceEmitter {
public:
  ReduceEmitter(Emit &emit, ReduceOp op, ValueRange input, Value scratch)
      : emit(emit), op(op), input(input), scratch(scratch),
        type(typeOf(op.getInput())), result(typeOf(op.getResult())),
        layout(cast<AccAttr>(type.getEncoding())), dim(op.getDimension()) {}

  SmallVector<Value> run() {
    SmallVector<Value> values = withinThread();
    // Lanes that differ in the column only are neighbours.
    for (int64_t distance = dim == 1 ? 1 : 4; distance < (dim == 1 ? 4 : 32);
         distance *= 2)
      for (Value &v : values) {
        Value other = NVVM::ShflOp::create(
            emit.b, emit.loc, v.getType(), emit.i32(-1), v, emit.i32(distance),
            emit.i32(31), NVVM::ShflKind::bfly, UnitAttr());
        v = combine(v, other);
      }
    return scratch ? overWarps(values) : values;
  }

private:
  Value combine(Value x, Value y) {
    OpBuilder &b = emit.b;
    switch (op.getCombination()) {
    case Combination::Add:
      return emit.addf(x, y);
    case Combination::Mul:
      return emit.mulf(x, y);
    case Combination::Max:
      return arith::MaximumFOp::create(b, emit.loc, x, y);
    case Combination::Min:
      return arith::MinimumFOp::create(b, emit.loc, x, y);
    }
    llvm_unreachable("every combination returns");
  }

  /// The elements of each place of the result.
  SmallVector<Value> withinThread() {
    int64_t columns = type.getDimSize(1) / layout.getWarps()[1] / 8;
    SmallVector<Value> values(getNumRegisters(result));
    for (auto [i, v] : llvm::enumerate(input)) {
      int64_t tile = i / 4, e = i % 4;
      Value &sum = dim == 0 ? values[tile % columns * 2 + e % 2]
                            : values[tile / columns * 2 + e / 2];
      sum = sum ? combine(sum, v) : v;
    }
    return values;
  }

  /// Every warp of the dimension writes a row; all read all rows.
  SmallVector<Value> overWarps(ArrayRef<Value> values) {
    int64_t warps = layout.getWarps()[dim];
    int64_t row = cast<BufferType>(op.getScratch().getType()).getRowBytes();
    Places places = emit.places(result);
    Value base = emit.move(scratch, emit.mul(places.variable[0], 4));
    Value warp = dim == 1 ? emit.warpColumn(layout) : emit.warpRow(layout);
    Value mine = emit.move(base, emit.mul(warp, row));
    Value holder = withinLayout(
        emit, layout,
        emit.equal(dim == 1 ? emit.lanePair() : emit.laneRow(), emit.i32(0)));
    emit.when(holder, [&] {
      for (auto [v, at] : llvm::zip(values, places.constants))
        emit.store(v, emit.move(mine, at[0] * 4));
    });
    emit.barrier();
    SmallVector<Value> sums;
    for (ArrayRef<int64_t> at : places.constants) {
      Value sum;
      for (int64_t w = 0; w != warps; ++w) {
        Value v = emit.load(emit.b.getF32Type(),
                            emit.move(base, w * row + at[0] * 4));
        sum = sum ? combine(sum, v) : v;
      }
      sums.push_back(sum);
    }
    return sums;
  }

  Emit &emit;
  ReduceOp op;
  ValueRange input;
  Value scratch;
  RankedTensorType type, result;
  AccAttr layout;
  int64_t dim;
};

struct ReducePattern : OpConversionPattern<ReduceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ReduceOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    Value scratch = op.getScratch() ? adaptor.getScratch().front() : Value();
    ReduceEmitter reduce(emit, op, adaptor.getInput(), scratch);
    rewriter.replaceOpWithMultiple(op, {reduce.run()});
    return success();
  }
};
} // namespace

void deltanet::tile::populateVectorPatterns(const TypeConverter &converter,
                                            RewritePatternSet &patterns) {
  patterns
      .add<LoadVectorPattern, StoreVectorPattern, ConvertPattern, RepeatPattern,
           StepPattern, CumsumPattern, SettlePattern, ReducePattern>(
          converter, patterns.getContext());
}
