//===- Store.cpp - registers to global memory -----------------------------===//
// A store of a warp costs about as many cycles as it meets lines of 128 bytes,
// whatever it writes of them. A lane has two neighbours of a row of an
// accumulator, four lanes those of 16 bytes: they exchange registers until each
// has 16 bytes of its own, of one of four tiles, where rows are contiguous and
// their addresses multiples of that.
//===----------------------------------------------------------------------===//
#include "GlobalTile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/Matchers.h"
#include <numeric>

using namespace mlir;
using namespace deltanet::tile;

/// Bytes of the widest store of a lane.
static constexpr int64_t kStoreBytes = 16;

/// A number that divides `v`; 0 where `v` is 0.
static int64_t findDivisor(Value v, unsigned depth = 16) {
  constexpr int64_t kEnough = 1 << 20;
  IntegerAttr constant;
  if (matchPattern(v, m_Constant(&constant)))
    return std::abs(constant.getInt()) % kEnough;
  Operation *op = v.getDefiningOp();
  if (!op || depth == 0)
    return 1;
  auto of = [&](unsigned i) {
    return findDivisor(op->getOperand(i), depth - 1);
  };
  if (isa<arith::MulIOp>(op))
    return of(0) * of(1) % kEnough;
  if (isa<arith::AddIOp, arith::SubIOp>(op))
    return std::gcd(of(0), of(1));
  if (isa<arith::IndexCastOp>(op))
    return of(0);
  if (isa<arith::SelectOp>(op))
    return std::gcd(of(1), of(2));
  return 1;
}

namespace {

/// Stores an accumulator tile of one warp.
class AccumulatorStore {
public:
  AccumulatorStore(Emit &emit, GlobalTile &tile, RankedTensorType type,
                   ValueRange values)
      : emit(emit), tile(tile), layout(cast<AccAttr>(type.getEncoding())),
        rows(type.getDimSize(0) / layout.getWarps()[0]),
        columns(type.getDimSize(1) / layout.getWarps()[1]),
        firstRow(emit.mul(emit.warpRow(layout), rows)),
        firstColumn(emit.mul(emit.warpColumn(layout), columns)),
        values(values) {}

  /// Two of 16 bits at a time: rows are contiguous.
  void storePairs() {
    tile.setVariable({emit.add(firstRow, emit.laneRow()),
                      emit.add(firstColumn, emit.mul(emit.lanePair(), 2))});
    for (int64_t r = 0; r < rows; r += 8)
      for (int64_t c = 0; c < columns; c += 8)
        tile.guarded({r, c},
                     [&] { emit.store(block(r, c), tile.address({r, c})); });
  }

  /// The same, columns are contiguous: blocks of 8 x 8 are transposed between
  /// the lanes, which then hold two neighbours each.
  void storeTransposedPairs() {
    tile.setVariable({emit.add(firstRow, emit.mul(emit.lanePair(), 2)),
                      emit.add(firstColumn, emit.laneRow())});
    SmallVector<SmallVector<Value>> turned(columns / 8);
    for (int64_t c = 0; c < columns; c += 8)
      for (int64_t r = 0; r < rows; r += 8)
        turned[c / 8].push_back(emit.transposeBlock(block(r, c)));
    for (int64_t c = 0; c < columns; c += 8)
      tile.guarded({0, c}, [&] {
        for (int64_t r = 0; r < rows; r += 8)
          emit.store(turned[c / 8][r / 8], tile.address({r, c}));
      });
  }

  /// 16 bytes at a time where four tiles lie side by side, 8 where two do.
  void storeRows() {
    Value row = emit.add(firstRow, emit.laneRow());
    int64_t c = 0;
    for (int64_t count : {4, 2, 1})
      for (bool first = true; c + 8 * count <= columns;
           c += 8 * count, first = false) {
        if (first)
          tile.setVariable({row, emit.add(firstColumn, ownPart(count))});
        for (int64_t r = 0; r < rows; r += 8) {
          SmallVector<Value> parts;
          for (int64_t i = 0; i < count; ++i)
            parts.push_back(block(r, c + 8 * i));
          exchange(parts);
          tile.guarded({r, c}, [&] { storeParts(parts, {r, c}); });
        }
      }
  }

  /// The same down the columns, after blocks have been transposed: four tiles
  /// of 8 x 8 below each other, or two beside two.
  void storeColumns() {
    Value column = emit.add(firstColumn, emit.laneRow());
    int64_t r = 0;
    if (rows >= 32)
      tile.setVariable({emit.add(firstRow, ownPart(4)), column});
    for (; r + 32 <= rows; r += 32)
      for (int64_t c = 0; c < columns; c += 8) {
        SmallVector<Value> parts;
        for (int64_t i = 0; i < 4; ++i)
          parts.push_back(emit.transposeBlock(block(r + 8 * i, c)));
        exchange(parts);
        tile.guarded({r, c}, [&] { storeParts(parts, {r, c}); });
      }
    for (; r < rows; r += 16) {
      Value half = emit.rem(emit.lanePair(), 2);
      tile.setVariable(
          {emit.add(firstRow, emit.mul(half, 8)),
           emit.add(column, emit.mul(emit.div(emit.lanePair(), 2), 8))});
      int64_t c = 0;
      for (; c + 16 <= columns; c += 16) {
        SmallVector<Value> parts;
        for (int64_t i = 0; i < 4; ++i)
          parts.push_back(
              emit.transposeBlock(block(r + i % 2 * 8, c + i / 2 * 8)));
        exchange(parts);
        tile.guarded({r, c}, [&] { storeParts(parts, {r, c}); });
      }
      if (c == columns)
        continue;
      tile.setVariable({emit.add(firstRow, ownPart(2)), column});
      SmallVector<Value> parts{emit.transposeBlock(block(r, c)),
                               emit.transposeBlock(block(r + 8, c))};
      exchange(parts);
      tile.guarded({r, c}, [&] { storeParts(parts, {r, c}); });
    }
  }

private:
  /// The register of the block of 8 x 8 that begins at (r, c).
  Value block(int64_t r, int64_t c) const {
    return values[(r / 16 * (columns / 8) + c / 8) * 2 + r % 16 / 8];
  }

  /// Where, in 8 `count` elements, those begin that a lane has after the
  /// exchange.
  Value ownPart(int64_t count) {
    Value lane = emit.lanePair();
    if (count == 4)
      return emit.mul(lane, 8);
    if (count == 1)
      return emit.mul(lane, 2);
    return emit.add(emit.mul(emit.rem(lane, 2), 8),
                    emit.mul(emit.div(lane, 2), 4));
  }

  /// Registers i of `parts.size()` neighbouring lanes go to lane i, in the
  /// order of the lanes.
  void exchange(MutableArrayRef<Value> parts) {
    for (int64_t bit = 1; bit < static_cast<int64_t>(parts.size()); bit *= 2) {
      Value odd =
          emit.equal(emit.rem(emit.div(emit.lane(), bit), 2), emit.i32(1));
      for (int64_t i = 0; i < static_cast<int64_t>(parts.size()); ++i) {
        if (i & bit)
          continue;
        Value &low = parts[i], &high = parts[i | bit];
        Value got = NVVM::ShflOp::create(
            emit.b, emit.loc, low.getType(), emit.i32(-1),
            emit.select(odd, low, high), emit.i32(bit), emit.i32(31),
            NVVM::ShflKind::bfly, UnitAttr());
        low = emit.select(odd, got, low);
        high = emit.select(odd, high, got);
      }
    }
  }

  void storeParts(ArrayRef<Value> parts, ArrayRef<int64_t> constants) {
    Value at = tile.address(constants);
    if (parts.size() == 1)
      emit.store(parts.front(), at);
    else
      emit.storeMany(parts, at);
  }

  Emit &emit;
  GlobalTile &tile;
  AccAttr layout;
  int64_t rows, columns;
  Value firstRow, firstColumn;
  ValueRange values;
};

struct StorePattern : OpConversionPattern<StoreOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(StoreOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    auto type = cast<RankedTensorType>(op.getValue().getType());
    bool is16 = type.getElementTypeBitWidth() == 16;
    GlobalTile tile(emit, adaptor.getTarget().front(),
                    adaptor.getOffset().front(), op.getStrides(),
                    op.getLimits(), op.getAlong(), type.getElementType());
    Places places = emit.places(type);
    ValueRange values = adaptor.getValue();
    OpBuilder::InsertionGuard guard(rewriter);
    emit.enterHolders(type);
    // Pairs of neighbours are whole, and at multiples of 4 bytes, where no
    // limit ends a row.
    bool isAcc = isa<AccAttr>(type.getEncoding());
    auto isWhole = [&](int64_t d) {
      return isAcc && matchPattern(op.getStrides()[d], m_One()) &&
             !llvm::is_contained(op.getAlong().value_or(ArrayRef<int64_t>()),
                                 d);
    };
    if (is16 && isWhole(0)) {
      AccumulatorStore store(emit, tile, type, values);
      if (isAligned(op, 1, kStoreBytes))
        store.storeColumns();
      else
        store.storeTransposedPairs();
    } else if (is16 && isWhole(1)) {
      AccumulatorStore store(emit, tile, type, values);
      if (isAligned(op, 0, kStoreBytes))
        store.storeRows();
      else
        store.storePairs();
    } else if (isWhole(1) && isAligned(op, 0, 8)) {
      tile.setVariable(places.variable);
      for (size_t e = 0; e < places.constants.size(); e += 2)
        tile.guarded(places.constants[e], [&] {
          emit.storeMany({values[e], values[e + 1]},
                         tile.address(places.constants[e]));
        });
    } else {
      tile.setVariable(places.variable);
      for (auto [e, constants] : llvm::enumerate(places.constants))
        tile.guarded(constants, [&, e = e, constants = constants] {
          Value v = is16 ? emit.half(values[e / 2], e % 2) : values[e];
          emit.store(v, tile.address(constants));
        });
    }
    rewriter.eraseOp(op);
    return success();
  }

  /// Whether all that is contiguous begins at multiples of `bytes`; `d` is the
  /// other dimension.
  static bool isAligned(StoreOp op, int64_t d, int64_t bytes) {
    auto type = cast<RankedTensorType>(op.getValue().getType());
    int64_t unit = bytes / (type.getElementTypeBitWidth() / 8);
    return findDivisor(op.getOffset()) % unit == 0 &&
           findDivisor(op.getStrides()[d]) % unit == 0;
  }
};
} // namespace

void deltanet::tile::populateStorePatterns(const TypeConverter &converter,
                                           RewritePatternSet &patterns) {
  patterns.add<StorePattern>(converter, patterns.getContext());
}
