//===- DecayApply.cpp - a triangle times decayed rows ---------------------===//
// The adjoint of DecayDot.cpp, with its blocks of 16 rows (27).
//===----------------------------------------------------------------------===//
#include "DecayParts.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace deltanet::tile;

using Values = SmallVector<Value>;

namespace {

class DecayApplyEmitter {
public:
  DecayApplyEmitter(Emit &emit, DecayApplyOp op, DecayApplyOpAdaptor operands)
      : emit(emit), b(emit.b), loc(emit.loc), op(op), operands(operands),
        gx{operands.getGx(), operands.getGxRest()},
        gy{operands.getGy(), operands.getGyRest()},
        steps(op.getGy().getType().getRows() / op.getGx().getType().getRows()),
        blocks(op.getGx().getType().getRows() / 16),
        transpose(op.getTranspose()),
        product(emit, productType(), Precision::TF32X3, keepsRemainders()) {
    auto type = cast<RankedTensorType>(op.getResult().getType());
    auto layout = cast<AccAttr>(type.getEncoding());
    rows = type.getDimSize(0) / layout.getWarps()[0];
    columns = type.getDimSize(1) / layout.getWarps()[1];
    isSplit = layout.getWarps()[0] > 1;
    firstRow = emit.mul(emit.warpRow(layout), rows);
    column = emit.mul(emit.warpColumn(layout), columns);
    pair = emit.add(column, emit.mul(emit.lanePair(), 2));
  }

  /// Blocks of 16 rows, one after the other.
  Values run() {
    Values result;
    for (int64_t r = 0; r != rows; r += 16) {
      row = emit.add(firstRow, r);
      // One warp's blocks are known; else the number depends on the warp.
      block = isSplit ? emit.div(row, 16 * blockSteps())
                      : emit.i32(r / (16 * blockSteps()));
      known = isSplit ? -1 : r / (16 * blockSteps());
      llvm::append_range(result, emitBlock());
    }
    return result;
  }

private:
  /// Exponents of f16 are too few for what a factor undoes.
  Type productType() {
    Type element = op.getY().getType().getElementType();
    return element.isBF16() ? element : b.getF32Type();
  }
  bool keepsRemainders() { return productType().isBF16(); }
  /// So many blocks of rows of the result belong to one of gx.
  int64_t blockSteps() const { return transpose ? steps : 1; }
  int64_t blockOfGy() const { return 16 * steps; }
  int64_t perBlock() const { return columns / 8 * 4; }

  //===--------------------------------------------------------------------===//
  // Gates
  //===--------------------------------------------------------------------===//

  BufferType gateType(bool ofX) {
    return ofX ? op.getGx().getType() : op.getGy().getType();
  }
  /// Gates of x or of y at a lane's two columns of 8 from `c` on.
  SmallVector<Gate> pairAt(bool ofX, Value row, int64_t c) {
    return loadGates(
        emit,
        gatesAt(emit, ofX ? gx : gy, gateType(ofX), row, emit.add(pair, c)), 2);
  }
  /// What block `block` of gx decays from: the end of the one before it; of the
  /// first one, its first row.
  GateBuffer reference(Value block, Value column) {
    Value first = emit.equal(block, emit.i32(0));
    Value end = emit.add(emit.mul(block, blockOfGy()), -1);
    return selectGates(emit, first,
                       gatesAt(emit, gx, gateType(true), emit.i32(0), column),
                       gatesAt(emit, gy, gateType(false),
                               emit.select(first, emit.i32(0), end), column));
  }
  /// The same at a lane's pairs of columns, one after the other.
  SmallVector<Gate> referencePairs(Value block) {
    SmallVector<Gate> gates;
    for (int64_t c = 0; c != columns; c += 8)
      llvm::append_range(
          gates, loadGates(emit, reference(block, emit.add(pair, c)), 2));
    return gates;
  }

  //===--------------------------------------------------------------------===//
  // Parts of operands
  //===--------------------------------------------------------------------===//

  /// 16 x 16 of m, or of its transpose: its rows are the result's, its columns
  /// those of y from `other` on.
  PartProduct::Part left(Value other) {
    BufferType type = op.getM().getType();
    if (type.getElementType().isF32()) {
      PairReader reader(emit, operands.getM(), type, row, other, transpose);
      Values numbers = reader.readTile(0, 0);
      llvm::append_range(numbers, reader.readTile(0, 8));
      return product.left(numbers);
    }
    auto read = [&](Value buffer) {
      return MatrixReader(emit, buffer, type, transpose ? other : row,
                          transpose ? row : other,
                          transpose ? BlockOrder::Across : BlockOrder::Down,
                          transpose)
          .read(0, 0);
    };
    return product.packed(read(operands.getM()), operands.getMRest()
                                                     ? read(operands.getMRest())
                                                     : Values());
  }

  /// Rows of y as a right operand, 16 x 8 at a time, each number times how much
  /// it has decayed, or is to: exp(gates of its row - `from`) or the inverse.
  class Right {
  public:
    /// With `ready`, as it was scaled before.
    Right(DecayApplyEmitter &self, Value first, bool ready)
        : self(self), emit(self.emit), isX(self.transpose),
          element(self.op.getY().getType().getElementType()) {
      BufferType type = self.op.getY().getType(), gateType = self.gateType(isX);
      if (ready) {
        for (Value buffer : self.operands.getScaled())
          scaled.emplace_back(emit, buffer, type, first, self.column,
                              BlockOrder::Down, true);
        return;
      }
      GateBuffer gates = isX ? self.gx : self.gy;
      Value y = self.operands.getY();
      if (element.isF32())
        pairs.emplace(emit, y, type, self.column, first, true);
      else
        matrix.emplace(emit, y, type, first, self.column, BlockOrder::Down,
                       true);
      sums.emplace(emit, gates.sums, gateType, self.column, first, true);
      if (gates.rests)
        rests.emplace(emit, gates.rests,
                      BufferType::get(gateType.getContext(),
                                      gateType.getShape(), emit.b.getBF16Type(),
                                      gateType.getPad()),
                      self.column, first, true);
    }

    PartProduct::Part read(int64_t c) {
      return self.product.packed(scaled[0].read(0, c, 2),
                                 scaled.size() > 1 ? scaled[1].read(0, c, 2)
                                                   : Values());
    }
    PartProduct::Part read(int64_t c, Gate from) {
      Values numbers = readNumbers(c);
      for (auto [v, gate] : llvm::zip_equal(numbers, readGates(c)))
        v = emit.mulf(v, isX ? decayFactor(emit, gate, from)
                             : decayFactor(emit, from, gate));
      return self.product.right(numbers);
    }

  private:
    Values readNumbers(int64_t c) {
      Values numbers;
      if (pairs)
        return twoPairs(*pairs, c);
      for (Value two : matrix->read(0, c, 2))
        for (bool high : {false, true})
          numbers.push_back(emit.unpack(two, high, element));
      return numbers;
    }
    SmallVector<Gate> readGates(int64_t c) {
      SmallVector<Gate> gates;
      for (Value sum : twoPairs(*sums, c))
        gates.push_back({sum, Value()});
      if (rests)
        for (auto [gate, rest] : llvm::zip_equal(gates, twoPairs(*rests, c)))
          gate.rest = arith::ExtFOp::create(emit.b, emit.loc,
                                            emit.b.getF32Type(), rest);
      return gates;
    }
    Values twoPairs(PairReader &reader, int64_t c) {
      Values values;
      for (int64_t half : {0, 8}) {
        auto [first, second] = reader.read(c, half);
        values.append({first, second});
      }
      return values;
    }

    DecayApplyEmitter &self;
    Emit &emit;
    bool isX; // the gates that go with y are those of x
    Type element;
    std::optional<MatrixReader> matrix;
    std::optional<PairReader> pairs, sums, rests;
    SmallVector<MatrixReader, 2> scaled; // and its remainder
  };

  /// Adds what rows of y from `first` on make, decayed from or to the gates
  /// that `from` has for the lane's column of every 8.
  void multiply(Value first, GateBuffer from, bool onDiagonal, Values &sums) {
    PartProduct::Part m = left(first);
    // Rows before the diagonal decay to their end and no further.
    bool ready = !operands.getScaled().empty() && (transpose || !onDiagonal);
    Right y(*this, first, ready);
    for (int64_t c = 0; c != columns; c += 8) {
      PartProduct::Part right =
          ready ? y.read(c)
                : y.read(c, loadGate(moveGates(emit, from, emit.i32(c))));
      // The small ones first; sums of other columns lie between.
      MutableArrayRef<Value> sum = MutableArrayRef<Value>(sums).slice(c / 2, 4);
      product.multiply(m, right, {sum, sum, sum});
    }
  }
  Gate loadGate(GateBuffer from) {
    Gate gate{emit.load(b.getF32Type(), from.sums), Value()};
    if (from.rests)
      gate.rest = arith::ExtFOp::create(b, loc, b.getF32Type(),
                                        emit.load(b.getBF16Type(), from.rests));
    return gate;
  }
  Value laneColumn() { return emit.add(column, emit.laneRow()); }

  /// Multiplies the sums by a decay of their column.
  void decay(Values &sums, ArrayRef<Gate> later, ArrayRef<Gate> earlier) {
    Values factors = decayFactors(emit, later, earlier);
    for (auto [i, sum] : llvm::enumerate(sums))
      sum = emit.mulf(sum, factors[i / 4 * 2 + i % 2]);
  }
  /// Multiplies them by decays between their rows and `gates`.
  void decayRows(Values &sums, ArrayRef<Gate> gates) {
    for (int64_t half : {0, 1})
      for (int64_t c = 0; c != columns; c += 8) {
        Value at = emit.add(emit.add(row, emit.laneRow()), 8 * half);
        for (auto [e, own] : llvm::enumerate(pairAt(!transpose, at, c))) {
          Gate other = gates[c / 8 * 2 + e];
          Value &sum = sums[c / 2 + 2 * half + e];
          sum = emit.mulf(sum, transpose ? decayFactor(emit, other, own)
                                         : decayFactor(emit, own, other));
        }
      }
  }

  //===--------------------------------------------------------------------===//
  // Blocks
  //===--------------------------------------------------------------------===//

  Values emitBlock() {
    Values sums(perBlock(), emit.f32(0));
    bool others = known < 0 || (transpose ? known + 1 != blocks : known != 0);
    if (others)
      sums = transpose ? addLater(sums) : addEarlier(sums);
    auto products = [&] { return byProducts(sums, others); };
    auto pairs = [&] { return byPairs(sums, others); };
    auto ifOp =
        scf::IfOp::create(b, loc, SmallVector<Type>(perBlock(), b.getF32Type()),
                          isWithinReach(), true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(ifOp.thenBlock());
    scf::YieldOp::create(b, loc, products());
    b.setInsertionPointToStart(ifOp.elseBlock());
    scf::YieldOp::create(b, loc, pairs());
    return llvm::to_vector_of<Value>(ifOp.getResults());
  }

  /// `body` for 0, 1, ... below `count`, or below `known` where that is known.
  Values forEach(int64_t known, Value count, Values sums,
                 function_ref<Values(Value, Values)> body) {
    if (known >= 0) {
      for (int64_t i = 0; i != known; ++i)
        sums = body(emit.i32(i), std::move(sums));
      return sums;
    }
    auto loop =
        scf::ForOp::create(b, loc, emit.i32(0), count, emit.i32(1), sums);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    scf::YieldOp::create(
        b, loc,
        body(loop.getInductionVar(),
             llvm::to_vector_of<Value>(loop.getRegionIterArgs())));
    return llvm::to_vector_of<Value>(loop.getResults());
  }

  /// Rows of the blocks before this one, decayed to its reference. What is
  /// summed up decays from the end of one block to that of the next.
  Values addEarlier(Values sums) {
    return forEach(known, block, sums, [&](Value other, Values sums) {
      Value next = emit.add(other, 1);
      if (!isZero(other))
        decay(sums, referencePairs(next), referencePairs(other));
      GateBuffer end = reference(next, laneColumn());
      for (int64_t i = 0; i != steps; ++i)
        multiply(emit.add(emit.mul(other, blockOfGy()), 16 * i), end, false,
                 sums);
      return sums;
    });
  }

  /// Rows of the blocks after this one, from the last to the next: decayed from
  /// the end of this one.
  Values addLater(Values sums) {
    Value count = emit.sub(emit.i32(blocks - 1), block);
    return forEach(known < 0 ? known : blocks - 1 - known, count, sums,
                   [&](Value i, Values sums) {
                     Value other = emit.sub(emit.i32(blocks - 1), i);
                     Value next = arith::MinUIOp::create(
                         b, loc, emit.add(other, 1), emit.i32(blocks - 1));
                     if (!isZero(i))
                       decay(sums, referencePairs(next), referencePairs(other));
                     multiply(emit.mul(other, 16),
                              reference(other, laneColumn()), false, sums);
                     return sums;
                   });
  }
  static bool isZero(Value v) { return matchPattern(v, m_Zero()); }

  /// Whether no channel of this warp decays by more than the reach from the
  /// reference to the end of the block.
  Value isWithinReach() {
    Value last = emit.add(emit.mul(block, blockOfGy()), blockOfGy() - 1);
    return deltanet::tile::isWithinReach(
        emit, column, columns,
        [&](Value channel) { return reference(block, channel).sums; },
        [&](Value channel) {
          return gatesAt(emit, gy, gateType(false), last, channel).sums;
        });
  }

  /// What the sums of other blocks are relative to, and that of this block.
  SmallVector<Gate> end() { return referencePairs(emit.add(block, 1)); }
  SmallVector<Gate> start() { return referencePairs(block); }

  Values byProducts(Values sums, bool others) {
    SmallVector<Gate> from = start();
    if (transpose && others)
      decay(sums, endOrStart(), from);
    int64_t parts = transpose ? 1 : steps;
    for (int64_t i = 0; i != parts; ++i)
      multiply(emit.add(emit.mul(block, 16 * parts), 16 * i),
               reference(block, laneColumn()), true, sums);
    decayRows(sums, from);
    return sums;
  }

  /// The sums of later blocks are relative to the end of this one; the last
  /// block has none, and what they are multiplied by is only to be finite.
  SmallVector<Gate> endOrStart() {
    if (known >= 0)
      return end();
    Value last = emit.i32(blocks - 1);
    return referencePairs(
        arith::MinUIOp::create(b, loc, emit.add(block, 1), last));
  }

  Values byPairs(Values sums, bool others) {
    if (others)
      decayRows(sums, transpose ? endOrStart() : start());
    int64_t count = transpose ? 16 : blockOfGy();
    Value first = emit.mul(block, count);
    auto loop = scf::ForOp::create(b, loc, first, emit.add(first, count),
                                   emit.i32(1), sums);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    scf::YieldOp::create(
        b, loc,
        addRow(loop.getInductionVar(),
               llvm::to_vector_of<Value>(loop.getRegionIterArgs())));
    return llvm::to_vector_of<Value>(loop.getResults());
  }

  /// An element of a matrix of the type of m, as f32.
  Value entry(Value buffer, Value row, Value column) {
    BufferType type = op.getM().getType();
    Value v = emit.load(
        type.getElementType(),
        emit.move(buffer, emit.add(emit.mul(row, type.getRowBytes()),
                                   emit.mul(column, type.getElementBytes()))));
    return type.getElementType().isF32()
               ? v
               : arith::ExtFOp::create(b, loc, b.getF32Type(), v).getResult();
  }

  /// The sums with what row `i` of y adds, an exponential for each.
  Values addRow(Value i, Values sums) {
    for (int64_t half : {0, 1}) {
      Value mine = emit.add(emit.add(row, emit.laneRow()), 8 * half);
      Value r = transpose ? i : mine, at = transpose ? mine : i;
      Value m = entry(operands.getM(), r, at);
      if (Value rest = operands.getMRest())
        m = emit.addf(m, entry(rest, r, at));
      for (int64_t c = 0; c != columns; c += 8) {
        Values y = loadNeighbours(emit, operands.getY(), op.getY().getType(), i,
                                  emit.add(pair, c));
        auto later = pairAt(true, r, c), earlier = pairAt(false, at, c);
        for (int64_t e : {0, 1}) {
          Value &sum = sums[c / 2 + 2 * half + e];
          sum =
              emit.fma(emit.mulf(m, y[e]), bounded(later[e], earlier[e]), sum);
        }
      }
    }
    return sums;
  }

  /// exp(later - earlier): at most one below the diagonal, and above it, where
  /// m is zero, not infinite.
  Value bounded(Gate later, Gate earlier) {
    Value difference = emit.subf(later.sum, earlier.sum);
    if (later.rest && earlier.rest)
      difference = emit.addf(difference, emit.subf(later.rest, earlier.rest));
    difference = arith::MinimumFOp::create(b, loc, difference, emit.f32(0));
    return emit.exp2(emit.mulf(difference, emit.f32(kLog2E)));
  }

  Emit &emit;
  OpBuilder &b;
  Location loc;
  DecayApplyOp op;
  DecayApplyOpAdaptor operands;
  GateBuffer gx, gy;
  int64_t steps;  // rows of gy for each of gx
  int64_t blocks; // of 16 rows of gx
  bool transpose;
  PartProduct product;
  int64_t rows, columns; // of this warp
  bool isSplit;          // rows over warps
  Value firstRow, column, pair;
  Value row, block; // at hand: the first row, and the block of gx it belongs to
  int64_t known;    // the block where it is known, else -1
};

struct DecayApplyPattern : OpConversionPattern<DecayApplyOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(DecayApplyOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    SmallVector<Values> result = {DecayApplyEmitter(emit, op, adaptor).run()};
    rewriter.replaceOpWithMultiple(op, std::move(result));
    return success();
  }
};
} // namespace

void deltanet::tile::populateDecayApplyPatterns(const TypeConverter &converter,
                                                RewritePatternSet &patterns) {
  patterns.add<DecayApplyPattern>(converter, patterns.getContext());
}
