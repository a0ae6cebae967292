//===- Inverse.cpp - the inverse of a unit lower triangle -----------------===//
// Substitution on diagonal blocks, merges in tf32 (5).
//===----------------------------------------------------------------------===//
#include "ElementAddress.h"
#include "Mma.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace deltanet::tile;

namespace {

/// Inverts a unit lower triangle in blocks of 16: a warp solves diagonal block j
/// by substitution, then forms the blocks below it,
///   X[i,j]^T = -(sum_m X[m,j]^T L[i,m]^T) D[i]^T,
/// transposed so that an accumulator is the next left operand as it stands.
class InverseEmitter {
public:
  InverseEmitter(Emit &emit, Value lower, BufferType lowerType, Value result,
                 BufferType resultType, Value scale, int64_t warps)
      : emit(emit), b(emit.b), loc(emit.loc), lower(lower), result(result),
        scale(scale), lowerType(lowerType), resultType(resultType),
        warps(warps) {}

  void run() {
    warp = emit.warp();
    lane = emit.lane();
    group = emit.laneRow();
    pair = emit.lanePair();
    int64_t blocks = lowerType.getRows() / kBlock;
    for (int64_t first = 0; first < blocks; first += warps)
      inWarps(emit.less(warp, emit.i32(blocks - first)),
              [&] { substitute(emit.add(warp, first)); });
    emit.barrier();
    for (int64_t j = 0; j != blocks; ++j)
      inWarps(arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, warp,
                                    emit.i32(j % warps)),
              [&] { merge(j, blocks); });
  }

private:
  static constexpr int64_t kBlock = 16;

  void inWarps(Value condition, function_ref<void()> body) {
    auto ifOp = scf::IfOp::create(b, loc, condition);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(ifOp.thenBlock());
    body();
  }

  using Block =
      SmallVector<SmallVector<Value>>; // two tiles of 16 x 8: registers

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
  Value round16(Value v, Value factor) {
    if (factor)
      v = arith::MulFOp::create(b, loc, v, factor);
    return emit.half(emit.pack(v, v, resultType.getElementType()), false);
  }

  /// Lanes c and c + 16 both solve column c of this warp's diagonal block; of
  /// two rows the lower half of the warp stores the first, the upper half the
  /// second.
  void substitute(Value number) {
    Value block =
        emit.move(lower, emit.mul(number, offset(lowerType, kBlock, kBlock)));
    Value column = emit.rem(lane, kBlock), half = emit.div(lane, kBlock);
    Value first = emit.mul(number, kBlock);
    Value resultColumn = emit.add(first, column);
    ElementAddress out(emit, result, resultType, emit.add(first, half),
                       resultColumn, /*split=*/true);
    Value factor = scaleOf(resultColumn);
    Value upper = emit.less(emit.i32(0), half);
    SmallVector<Value> x, stored;
    for (int64_t r = 0; r != kBlock; ++r) {
      x.push_back(solveRow(block, column, r, x));
      if (r % 2 == 0)
        continue;
      stored.push_back(arith::SelectOp::create(b, loc, upper, x[r], x[r - 1]));
      // Stored at once: what is loaded for later rows stays behind this.
      emit.store(round16(stored.back(), factor), out.at(r - 1, 0));
    }
    // The merges read the inverse where the lower triangle was.
    NVVM::SyncWarpOp::create(b, loc, emit.i32(-1));
    Value to = emit.move(block, scaled(lowerType, half, column));
    for (auto [i, value] : llvm::enumerate(stored))
      emit.store(value, emit.move(to, offset(lowerType, 2 * i, 0)));
  }

  /// x[r] = [r = column] - sum_{i<r} L[r,i] x[i].
  Value solveRow(Value block, Value column, int64_t r, ArrayRef<Value> x) {
    Value unit = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, column,
                                       emit.i32(r));
    Value sum = arith::SelectOp::create(b, loc, unit, emit.f32(1), emit.f32(0));
    for (int64_t i = 0; i < r; i += 4) {
      Value row = emit.load(VectorType::get(4, b.getF32Type()),
                            emit.move(block, offset(lowerType, r, i)));
      for (int64_t e = i; e < std::min(i + 4, r); ++e) {
        Value l = LLVM::ExtractElementOp::create(b, loc, row, emit.i32(e - i));
        sum = LLVM::FMAOp::create(b, loc, arith::NegFOp::create(b, loc, l),
                                  x[e], sum);
      }
    }
    return sum;
  }

  /// tf32 as mma takes it, rounded to nearest.
  Value tf32(Value v) {
    return emit.intrinsic("llvm.nvvm.f2tf32.rna", b.getI32Type(), v);
  }
  /// An accumulator of 16 x 8 as a left operand of depth 8, its columns 2t and
  /// 2t + 1 standing for t and t + 4; `rightOf` orders the rows alike.
  SmallVector<Value> leftOf(ArrayRef<Value> c) {
    return {tf32(c[0]), tf32(c[2]), tf32(c[1]), tf32(c[3])};
  }
  /// The transpose of the block at (row, column): rows of 8 from `n`, 8 of
  /// depth from `k`.
  SmallVector<Value> rightOf(int64_t row, int64_t column, int64_t n,
                             int64_t k) {
    Value at = emit.move(lower, scaled(lowerType, group, emit.mul(pair, 2)));
    Value two =
        emit.load(VectorType::get(2, b.getF32Type()),
                  emit.move(at, offset(lowerType, row + n, column + k)));
    SmallVector<Value> values;
    for (int64_t e = 0; e != 2; ++e)
      values.push_back(
          tf32(LLVM::ExtractElementOp::create(b, loc, two, emit.i32(e))));
    return values;
  }
  /// The transpose of diagonal block j of the inverse as an accumulator would
  /// hold it.
  Block diagonal(int64_t j) {
    Value at = emit.move(lower, scaled(lowerType, emit.mul(pair, 2), group));
    Block block(2);
    for (int64_t tile = 0; tile != 2; ++tile)
      for (int64_t e = 0; e != 4; ++e)
        block[tile].push_back(emit.load(
            b.getF32Type(),
            emit.move(at, offset(lowerType, j * kBlock + tile * 8 + e % 2,
                                 j * kBlock + e / 2 * 8))));
    return block;
  }
  void multiply(const Block &left, int64_t row, int64_t column, Block &sums) {
    for (int64_t k = 0; k != 2; ++k) {
      SmallVector<Value> a = leftOf(left[k]);
      for (int64_t n = 0; n != 2; ++n)
        mmaSync(emit, b.getF32Type(), 8, a, rightOf(row, column, 8 * n, 8 * k),
                sums[n]);
    }
  }
  Block zeros() { return Block(2, SmallVector<Value>(4, emit.f32(0))); }

  /// Block column j: zeros above the diagonal, merged blocks below.
  void merge(int64_t j, int64_t blocks) {
    for (int64_t i = 0; i != j; ++i)
      storeTransposed(zeros(), i, j);
    SmallVector<Block> x = {diagonal(j)};
    for (int64_t i = j + 1; i != blocks; ++i) {
      Block sums = zeros();
      for (int64_t m = j; m != i; ++m)
        multiply(x[m - j], i * kBlock, m * kBlock, sums);
      for (SmallVector<Value> &tile : sums)
        for (Value &v : tile)
          v = arith::NegFOp::create(b, loc, v);
      Block block = zeros();
      multiply(sums, i * kBlock, i * kBlock, block);
      storeTransposed(block, i, j);
      x.push_back(block);
    }
  }

  /// Stores a transposed block as block (i, j) of the result.
  void storeTransposed(const Block &block, int64_t i, int64_t j) {
    ElementAddress to(emit, result, resultType, emit.mul(pair, 2), group,
                      /*split=*/true);
    std::array<Value, 2> factors;
    for (int64_t half = 0; half != 2; ++half)
      factors[half] = scaleOf(emit.add(group, j * kBlock + half * 8));
    for (int64_t tile = 0; tile != 2; ++tile)
      for (int64_t e = 0; e != 4; ++e)
        emit.store(round16(block[tile][e], factors[e / 2]),
                   to.at(i * kBlock + tile * 8 + e % 2,
                         j * kBlock + e / 2 * 8));
  }

  Emit &emit;
  OpBuilder &b;
  Location loc;
  Value lower, result, scale;
  BufferType lowerType, resultType;
  int64_t warps;
  Value warp, lane, group, pair;
};

struct UnitLowerInversePattern : OpConversionPattern<UnitLowerInverseOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(UnitLowerInverseOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    // Where the kernel does not say how many warps there are, they suffice.
    int64_t blocks = op.getLower().getType().getRows() / 16;
    std::optional<int64_t> threads = emit.getNumThreads();
    int64_t warps = threads ? std::min(*threads / kWarpSize, blocks) : blocks;
    InverseEmitter(emit, adaptor.getLower(), op.getLower().getType(),
                   adaptor.getResult(), op.getResult().getType(),
                   adaptor.getScale(), warps)
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
