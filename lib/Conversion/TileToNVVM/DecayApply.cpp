//===- DecayApply.cpp - a triangle times decayed rows ---------------------===//
// A thread has elements of some rows and columns; the rows that are summed up
// pass by one after the other, with an exponential for each element.
//===----------------------------------------------------------------------===//
#include "Decay.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace deltanet::tile;

using Values = SmallVector<Value>;

namespace {

class DecayApplyEmitter {
public:
  DecayApplyEmitter(Emit &emit, DecayApplyOp op, DecayApplyOpAdaptor operands)
      : emit(emit), op(op), operands(operands),
        gx{operands.getGx(), operands.getGxRest()},
        gy{operands.getGy(), operands.getGyRest()},
        steps(op.getGy().getType().getRows() / op.getGx().getType().getRows()) {
    RankedTensorType type = cast<RankedTensorType>(op.getResult().getType());
    auto layout = cast<AccAttr>(type.getEncoding());
    rows = type.getDimSize(0) / layout.getWarps()[0];
    columns = type.getDimSize(1) / layout.getWarps()[1];
    row = emit.add(emit.mul(emit.warpRow(layout), rows), emit.laneRow());
    column = emit.add(emit.mul(emit.warpColumn(layout), columns),
                      emit.mul(emit.lanePair(), 2));
  }

  Values run() {
    OpBuilder &b = emit.b;
    bool transpose = op.getTranspose();
    BufferType mine = transpose ? op.getGy().getType() : op.getGx().getType(),
               other = transpose ? op.getGx().getType() : op.getGy().getType();
    for (int64_t r = 0; r != rows; r += 8)
      for (int64_t c = 0; c != columns; c += 8)
        llvm::append_range(
            own, loadGates(emit,
                           gatesAt(emit, transpose ? gy : gx, mine,
                                   emit.add(row, r), emit.add(column, c)),
                           2));
    Values zeros(rows / 8 * columns / 8 * 2, emit.f32(0));
    auto loop =
        scf::ForOp::create(b, emit.loc, emit.i32(0), emit.i32(other.getRows()),
                           emit.i32(1), zeros);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      scf::YieldOp::create(
          b, emit.loc,
          addRow(loop.getInductionVar(), transpose ? gx : gy, other,
                 llvm::to_vector_of<Value>(loop.getRegionIterArgs())));
    }
    return inOrder(llvm::to_vector_of<Value>(loop.getResults()));
  }

private:
  /// The sums, of rows 8 apart and then of columns 8 apart two each, with what
  /// row `i` of the operand adds.
  Values addRow(Value i, GateBuffer gates, BufferType gateType, Values sums) {
    SmallVector<Gate> there;
    Values y;
    for (int64_t c = 0; c != columns; c += 8) {
      Value at = emit.add(column, c);
      llvm::append_range(
          there, loadGates(emit, gatesAt(emit, gates, gateType, i, at), 2));
      llvm::append_range(
          y, loadNeighbours(emit, operands.getY(), op.getY().getType(), i, at));
    }
    for (int64_t r = 0; r != rows; r += 8) {
      Value m = entry(emit.add(row, r), i);
      for (int64_t c = 0; c != columns / 8 * 2; ++c) {
        int64_t at = r / 8 * (columns / 8 * 2) + c;
        Gate later = op.getTranspose() ? there[c] : own[at],
             earlier = op.getTranspose() ? own[at] : there[c];
        sums[at] =
            emit.fma(emit.mulf(m, y[c]), decay(later, earlier), sums[at]);
      }
    }
    return sums;
  }

  /// exp(later - earlier), of what is below the diagonal: there none is above
  /// one, and elsewhere nothing must be infinite.
  Value decay(Gate later, Gate earlier) {
    Value difference = emit.subf(later.sum, earlier.sum);
    if (later.rest && earlier.rest)
      difference = emit.addf(difference, emit.subf(later.rest, earlier.rest));
    difference =
        arith::MinimumFOp::create(emit.b, emit.loc, difference, emit.f32(0));
    return emit.exp2(emit.mulf(difference, emit.f32(kLog2E)));
  }

  /// m at the result's row and the operand's, zero above the diagonal.
  Value entry(Value mine, Value other) {
    BufferType type = op.getM().getType();
    Value r = op.getTranspose() ? other : mine,
          i = op.getTranspose() ? mine : other;
    Value offset = emit.add(emit.mul(r, type.getRowBytes()),
                            emit.mul(i, type.getElementBytes()));
    Value m =
        emit.load(emit.b.getF32Type(), emit.move(operands.getM(), offset));
    Value inside = arith::CmpIOp::create(
        emit.b, emit.loc,
        op.getStrict() ? arith::CmpIPredicate::slt : arith::CmpIPredicate::sle,
        emit.div(i, steps), r);
    return emit.select(inside, m, emit.f32(0));
  }

  /// As an accumulator has them: tiles of 16 x 8, four registers each.
  Values inOrder(ArrayRef<Value> sums) {
    Values registers;
    int64_t perRow = columns / 8 * 2;
    for (int64_t r = 0; r != rows; r += 16)
      for (int64_t c = 0; c != columns; c += 8)
        for (int64_t e = 0; e != 4; ++e)
          registers.push_back(
              sums[(r / 8 + e / 2) * perRow + c / 8 * 2 + e % 2]);
    return registers;
  }

  Emit &emit;
  DecayApplyOp op;
  DecayApplyOpAdaptor operands;
  GateBuffer gx, gy;
  int64_t steps;         // rows of gy for each of gx
  int64_t rows, columns; // of this warp
  Value row, column;     // the first of this thread
  SmallVector<Gate> own; // at its elements
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
