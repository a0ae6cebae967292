//===- Memory.cpp - shared and global memory ------------------------------===//
// Allocations, asynchronous copies, ldmatrix, and loads of registers.
//===----------------------------------------------------------------------===//
#include "ElementAddress.h"
#include "GlobalTile.h"
#include "MatrixReader.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace deltanet::tile;

static RankedTensorType typeOf(Value v) {
  return cast<RankedTensorType>(v.getType());
}

/// Bytes of one unit of `cp.async`.
static constexpr int64_t kCopyBytes = 16;

namespace {

/// What has a place in shared memory becomes a pointer to it.
template <typename Op> struct PlacedPattern : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!op.getOffset())
      return rewriter.notifyMatchFailure(
          op, "has no place (tile-plan-shared-memory)");
    Emit emit(rewriter, op.getLoc());
    rewriter.replaceOp(op, emit.shared(*op.getOffset()));
    return success();
  }
};

struct SlotPattern : OpConversionPattern<SlotOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(SlotOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    RingType ring = op.getRing().getType();
    Value slot = emit.rem(toI32(emit, adaptor.getIndex()), ring.getSlots());
    rewriter.replaceOp(
        op, emit.move(adaptor.getRing(),
                      emit.mul(slot, ring.getSlotType().getBytes())));
    return success();
  }
};

struct RowPattern : OpConversionPattern<RowOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(RowOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    rewriter.replaceOp(
        op, emit.move(adaptor.getBuffer(),
                      op.getIndex() * op.getBuffer().getType().getRowBytes()));
    return success();
  }
};

struct LoadElementPattern : OpConversionPattern<LoadElementOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(LoadElementOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    Value at = emit.move(adaptor.getBuffer(), op.getIndex() * 4);
    rewriter.replaceOp(op, emit.load(rewriter.getF32Type(), at));
    return success();
  }
};

struct CopyAsyncPattern : OpConversionPattern<CopyAsyncOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(CopyAsyncOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    std::optional<int64_t> count = emit.getNumThreads();
    if (!count)
      return rewriter.notifyMatchFailure(
          op, "the kernel does not state its block size");
    BufferType type = op.getBuffer().getType();
    int64_t threads = *count, bytes = type.getElementBytes();
    int64_t perRow = type.getColumns() * bytes / kCopyBytes,
            total = type.getRows() * perRow;
    // Units of a row that are read; the others are cleared.
    int64_t given = op.getColumns().value_or(type.getColumns()) * bytes;
    auto isGiven = [&](Value at, Value inside) {
      if (given == type.getColumns() * bytes)
        return inside;
      Value read = emit.less(at, emit.i32(given));
      return arith::AndIOp::create(rewriter, op.getLoc(), read, inside)
          .getResult();
    };
    Copy copy{toI32(emit, adaptor.getRows()),
              mul64(emit, toI64(emit, adaptor.getStride()), bytes),
              adaptor.getBuffer(), type};
    Value source = opaque(
        emit, emit.move(adaptor.getSource(),
                        mul64(emit, toI64(emit, adaptor.getOffset()), bytes)));
    Value thread = emit.thread();
    // Where the threads make whole rows, a thread goes down one column: all
    // that differs between its copies is the same for all threads.
    if (threads % perRow == 0 && total % threads == 0) {
      Value row = emit.div(thread, perRow),
            at = emit.mul(emit.rem(thread, perRow), kCopyBytes);
      Value from = emit.move(emit.move(source, at),
                             mul64(emit, extend(emit, row), copy.stride));
      int64_t step = threads / perRow;
      ElementAddress to(emit, copy.buffer, type, row, emit.div(at, bytes),
                        step % 8 == 0 || llvm::isPowerOf2_64(step));
      for (int64_t r = 0; r != type.getRows(); r += step) {
        Value inside = isGiven(at, emit.less(row, emit.add(copy.limit, -r)));
        copyUnit(emit, to.at(r, 0),
                 r ? emit.move(from, mul64(emit, copy.stride, r)) : from,
                 inside);
      }
      rewriter.eraseOp(op);
      return success();
    }
    for (int64_t first = 0; first < total; first += threads) {
      Value unit = emit.add(thread, first);
      Value row = emit.div(unit, perRow),
            at = emit.mul(emit.rem(unit, perRow), kCopyBytes);
      OpBuilder::InsertionGuard guard(rewriter);
      if (first + threads > total) {
        auto rest = scf::IfOp::create(rewriter, op.getLoc(),
                                      emit.less(unit, emit.i32(total)));
        rewriter.setInsertionPointToStart(rest.thenBlock());
      }
      Value from = emit.move(emit.move(source, at),
                             mul64(emit, extend(emit, row), copy.stride));
      ElementAddress to(emit, copy.buffer, type, row, emit.div(at, bytes),
                        /*split=*/false);
      copyUnit(emit, to.at(0, 0), from,
               isGiven(at, emit.less(row, copy.limit)));
    }
    rewriter.eraseOp(op);
    return success();
  }

private:
  struct Copy {
    Value limit, stride, buffer;
    BufferType type;
  };

  /// Copies 16 bytes, or clears them where the row is not `inside`.
  static void copyUnit(Emit &emit, Value to, Value from, Value inside) {
    Value size = arith::SelectOp::create(emit.b, emit.loc, inside,
                                         emit.i32(kCopyBytes), emit.i32(0));
    NVVM::CpAsyncOp::create(emit.b, emit.loc, to, from, kCopyBytes,
                            NVVM::LoadCacheModifierKind::CG, size);
  }
};

struct CommitPattern : OpConversionPattern<CommitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(CommitOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<NVVM::CpAsyncCommitGroupOp>(op);
    return success();
  }
};

struct WaitPattern : OpConversionPattern<WaitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(WaitOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<NVVM::CpAsyncWaitGroupOp>(op, op.getPending());
    return success();
  }
};

struct BarrierPattern : OpConversionPattern<BarrierOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(BarrierOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit(rewriter, op.getLoc()).barrier();
    rewriter.eraseOp(op);
    return success();
  }
};

struct LoadMatrixPattern : OpConversionPattern<LoadMatrixOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(LoadMatrixOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    RankedTensorType result = typeOf(op.getResult());
    auto layout = cast<AccAttr>(result.getEncoding());
    int64_t rows = result.getDimSize(0) / layout.getWarps()[0];
    int64_t columns = result.getDimSize(1) / layout.getWarps()[1];
    Value row = emit.mul(emit.warpRow(layout), rows);
    Value column = emit.mul(emit.warpColumn(layout), columns);
    bool transpose = op.getTranspose();
    if (result.getElementType().isF32()) {
      PairReader reader(emit, adaptor.getBuffer().front(),
                        op.getBuffer().getType(), row, column, transpose);
      SmallVector<Value> values;
      for (int64_t r = 0; r < rows; r += 16)
        for (int64_t c = 0; c < columns; c += 8)
          llvm::append_range(values, reader.readTile(r, c));
      rewriter.replaceOpWithMultiple(op, {values});
      return success();
    }
    if (transpose)
      std::swap(row, column);
    MatrixReader reader(
        emit, adaptor.getBuffer().front(), op.getBuffer().getType(), row,
        column, transpose ? BlockOrder::Across : BlockOrder::Down, transpose);
    SmallVector<Value> values;
    for (int64_t r = 0; r < rows; r += 16)
      for (int64_t c = 0; c < columns; c += 16)
        llvm::append_range(values,
                           reader.read(transpose ? c : r, transpose ? r : c,
                                       columns - c >= 16 ? 4 : 2));
    rewriter.replaceOpWithMultiple(op, {values});
    return success();
  }
};

struct LoadPattern : OpConversionPattern<LoadOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(LoadOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    Type element = getElementTypeOrSelf(op.getResult().getType());
    bool is16 = element.getIntOrFloatBitWidth() == 16;
    Type stored = is16 ? Type(rewriter.getI16Type()) : element;
    GlobalTile tile(emit, adaptor.getSource().front(),
                    adaptor.getOffset().front(), op.getStrides(),
                    op.getLimits(), op.getAlong(), element);
    auto type = dyn_cast<RankedTensorType>(op.getResult().getType());
    if (!type) {
      rewriter.replaceOp(
          op, emit.bitcast(emit.load(stored, tile.address({})), element));
      return success();
    }
    Places places = emit.places(type);
    tile.setVariable(places.variable);
    SmallVector<Value> values;
    for (ArrayRef<int64_t> constants : places.constants)
      values.push_back(loadElement(emit, tile, constants, stored));
    if (is16)
      values = joinPairs(emit, values);
    rewriter.replaceOpWithMultiple(op, {values});
    return success();
  }

  static Value loadElement(Emit &emit, GlobalTile &tile,
                           ArrayRef<int64_t> constants, Type stored) {
    Value condition = tile.inside(constants);
    if (!condition)
      return emit.load(stored, tile.address(constants));
    OpBuilder &b = emit.b;
    Value zero = arith::ConstantOp::create(b, emit.loc, b.getZeroAttr(stored));
    auto ifOp =
        scf::IfOp::create(b, emit.loc, TypeRange(stored), condition, true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(ifOp.thenBlock());
    Value loaded = emit.load(stored, tile.address(constants));
    scf::YieldOp::create(b, emit.loc, loaded);
    b.setInsertionPointToStart(ifOp.elseBlock());
    scf::YieldOp::create(b, emit.loc, zero);
    return ifOp.getResult(0);
  }

  static SmallVector<Value> joinPairs(Emit &emit, ArrayRef<Value> values) {
    SmallVector<Value> pairs;
    for (size_t e = 0; e + 1 < values.size(); e += 2)
      pairs.push_back(emit.join(values[e], values[e + 1]));
    // A single one as it was loaded: work on it would wait for the load.
    if (values.size() % 2 == 1)
      pairs.push_back(arith::ExtUIOp::create(
          emit.b, emit.loc, emit.b.getI32Type(), values.back()));
    return pairs;
  }
};
} // namespace

void deltanet::tile::populateMemoryPatterns(const TypeConverter &converter,
                                            RewritePatternSet &patterns) {
  patterns.add<PlacedPattern<AllocOp>, PlacedPattern<ChannelOp>, SlotPattern,
               RowPattern, LoadElementPattern, CopyAsyncPattern, CommitPattern,
               WaitPattern, BarrierPattern, LoadMatrixPattern, LoadPattern>(
      converter, patterns.getContext());
}
