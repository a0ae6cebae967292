//===- Mma.cpp - products on the tensor cores -----------------------------===//
// mma.sync m16n8k16 with operands from ldmatrix, m16n8k8 of tf32 with f32
// operands from ordinary loads.
//===----------------------------------------------------------------------===//
#include "Mma.h"
#include "MatrixReader.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace deltanet::tile;

void deltanet::tile::mmaSync(Emit &emit, Type element, int64_t depth,
                             ArrayRef<Value> a, ArrayRef<Value> b,
                             MutableArrayRef<Value> c) {
  OpBuilder &builder = emit.b;
  NVVM::MMATypes type = element.isF32()    ? NVVM::MMATypes::tf32
                        : element.isBF16() ? NVVM::MMATypes::bf16
                                           : NVVM::MMATypes::f16;
  auto operands = [&](ArrayRef<Value> values) {
    SmallVector<Value> cast(values);
    if (element.isF16())
      for (Value &v : cast)
        v = emit.bitcast(v, VectorType::get(2, element));
    return cast;
  };
  SmallVector<Type> results(4, builder.getF32Type());
  Value d = NVVM::MmaOp::create(
      builder, emit.loc,
      LLVM::LLVMStructType::getLiteral(builder.getContext(), results),
      operands(a), operands(b), ValueRange(c), ArrayRef<int64_t>{16, 8, depth},
      std::nullopt, std::nullopt, std::array<NVVM::MMATypes, 2>{type, type},
      std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row,
                                     NVVM::MMALayout::col});
  llvm::copy(emit.members(d), c.begin());
}

Tf32::Operand Tf32::round(ArrayRef<Value> values) {
  Operand operand;
  auto tf32 = [&](Value v) {
    return emit.intrinsic("llvm.nvvm.f2tf32.rna", emit.b.getI32Type(), v);
  };
  for (Value v : values) {
    Value high = tf32(v);
    operand.high.push_back(high);
    if (split)
      operand.low.push_back(
          tf32(emit.subf(v, emit.bitcast(high, emit.b.getF32Type()))));
  }
  return operand;
}

void Tf32::multiply(const Operand &a, const Operand &b,
                    MutableArrayRef<Value> c) {
  Type element = emit.b.getF32Type();
  if (split) { // the small ones first
    mmaSync(emit, element, 8, a.low, b.high, c);
    mmaSync(emit, element, 8, a.high, b.low, c);
  }
  mmaSync(emit, element, 8, a.high, b.high, c);
}

namespace {

/// One product, by what this warp has of it.
class ProductEmitter {
public:
  ProductEmitter(Emit &emit, MmaOp op, ValueRange lhs, Value rhs,
                 ValueRange init)
      : emit(emit), op(op), lhs(lhs), rhs(rhs), rhsType(op.getRhs().getType()),
        lhsType(dyn_cast<BufferType>(op.getLhs().getType())), sums(init) {
    auto result = cast<RankedTensorType>(op.getResult().getType());
    auto layout = cast<AccAttr>(result.getEncoding());
    rows = result.getDimSize(0) / layout.getWarps()[0];
    columns = result.getDimSize(1) / layout.getWarps()[1];
    depth = rhsType.getShape()[op.getTransposeRhs()];
    zero = emit.i32(0);
    row = emit.mul(emit.warpRow(layout), rows);
    column = emit.mul(emit.warpColumn(layout), columns);
  }

  SmallVector<Value> run() {
    if (rhsType.getElementType().isF32())
      multiplyF32();
    else
      multiply16({this});
    return sums;
  }

  /// Products of 16 bits that share their left operand, in turns: it is taken,
  /// and rounded, a part at a time for all of them.
  static void runTogether(ArrayRef<ProductEmitter *> products) {
    multiply16(products);
  }
  ArrayRef<Value> getSums() const { return sums; }

private:
  MutableArrayRef<Value> tile(int64_t r, int64_t c) {
    return MutableArrayRef<Value>(sums).slice(
        4 * (r / 16 * (columns / 8) + c / 8), 4);
  }

  bool isRoundedHere() {
    return !lhsType && getElementTypeOrSelf(op.getLhs().getType()).isF32();
  }

  /// A 16 x 16 part of a left operand of f32. Rounded anew for every product:
  /// all of it in 16 bits would stay in registers from the first to the last.
  SmallVector<Value> roundTile(int64_t r, int64_t k) {
    ValueRange part = lhs.slice((r / 16 * depth + k) / 2, 8);
    StringRef text = rhsType.getElementType().isBF16()
                         ? "cvt.rn.bf16x2.f32 $0, $1, $2;"
                         : "cvt.rn.f16x2.f32 $0, $1, $2;";
    SmallVector<Value> pairs;
    for (int64_t e = 0; e != 8; e += 2) // the upper half comes first
      pairs.push_back(emit.assembly(text, "=r,f,f", emit.b.getI32Type(),
                                    {part[e + 1], part[e]}, true));
    return pairs;
  }

  static void multiply16(ArrayRef<ProductEmitter *> products) {
    for (ProductEmitter *product : products)
      product->startReading();
    for (int64_t k = 0; k < products.front()->depth; k += 16) {
      SmallVector<SmallVector<Value>> a = products.front()->leftParts(k);
      for (ProductEmitter *product : products)
        product->multiplyParts(k, a);
    }
  }

  /// Right: stored n x k as the instruction wants it, or k x n and transposed.
  void startReading() {
    bool nk = op.getTransposeRhs(), km = op.getTransposeLhs();
    right.emplace(emit, rhs, rhsType, nk ? column : zero, nk ? zero : column,
                  nk ? BlockOrder::Across : BlockOrder::Down, !nk);
    if (lhsType)
      left.emplace(emit, lhs.front(), lhsType, km ? zero : row, km ? row : zero,
                   km ? BlockOrder::Across : BlockOrder::Down, km);
  }

  SmallVector<SmallVector<Value>> leftParts(int64_t k) {
    bool km = op.getTransposeLhs();
    SmallVector<SmallVector<Value>> a;
    for (int64_t r = 0; r < rows; r += 16) {
      if (left)
        a.push_back(left->read(km ? k : r, km ? r : k));
      else if (isRoundedHere())
        a.push_back(roundTile(r, k));
      else // two tiles of 16 x 8 of an accumulator are one of 16 x 16
        a.push_back(llvm::to_vector(lhs.slice((r / 16 * depth + k) / 4, 4)));
    }
    return a;
  }

  void multiplyParts(int64_t k, ArrayRef<SmallVector<Value>> a) {
    bool nk = op.getTransposeRhs();
    for (int64_t c = 0; c < columns; c += 16) {
      int64_t blocks = columns - c >= 16 ? 4 : 2;
      SmallVector<Value> b = right->read(nk ? c : k, nk ? k : c, blocks);
      for (int64_t half = 0; half != blocks / 2; ++half)
        for (int64_t r = 0; r < rows; r += 16)
          mmaSync(emit, rhsType.getElementType(), 16, a[r / 16],
                  ArrayRef<Value>(b).slice(2 * half, 2), tile(r, c + 8 * half));
    }
  }

  void multiplyF32() {
    Tf32 tf32(emit, *op.getPrecision());
    PairReader right(emit, rhs, rhsType, column, zero, !op.getTransposeRhs());
    std::optional<PairReader> left;
    if (lhsType)
      left.emplace(emit, lhs.front(), lhsType, row, zero, op.getTransposeLhs());
    // Products that are added to something are summed up by themselves first,
    // as far as f32 is to be exact; see addProducts.
    bool apart = *op.getPrecision() == Precision::TF32X3 &&
                 !matchPattern(op.getInit(), m_AnyZeroFloat());
    int64_t together = apart ? 16 : 8;
    for (int64_t k = 0; k < depth; k += together) {
      SmallVector<SmallVector<Tf32::Operand>> a; // by row, by step of k
      for (int64_t r = 0; r < rows; r += 16) {
        a.emplace_back();
        for (int64_t i = k; i < std::min(depth, k + together); i += 8)
          a.back().push_back(tf32.left(
              left
                  ? left->readTile(r, i)
                  : llvm::to_vector(lhs.slice(r / 16 * depth / 2 + i / 2, 4))));
      }
      for (int64_t c = 0; c < columns; c += 8) {
        SmallVector<Tf32::Operand> b;
        for (int64_t i = k; i < std::min(depth, k + together); i += 8) {
          auto [first, second] = right.read(c, i);
          b.push_back(tf32.right(first, second));
        }
        for (int64_t r = 0; r < rows; r += 16)
          addProducts(tf32, a[r / 16], b, tile(r, c), apart);
      }
    }
  }

  /// Tensor cores cut sums off where they do not fit: added to a state that
  /// lives for thousands of chunks, products would take a little from it each
  /// time, and always towards zero. An addition rounds to nearest.
  void addProducts(Tf32 &tf32, ArrayRef<Tf32::Operand> a,
                   ArrayRef<Tf32::Operand> b, MutableArrayRef<Value> sums,
                   bool apart) {
    SmallVector<Value> products(4, apart ? emit.f32(0) : Value());
    for (auto [x, y] : llvm::zip_equal(a, b))
      tf32.multiply(x, y, apart ? products : sums);
    if (apart)
      for (auto [sum, product] : llvm::zip_equal(sums, products))
        sum = emit.addf(sum, product);
  }

  Emit &emit;
  MmaOp op;
  ValueRange lhs;
  Value rhs;
  BufferType rhsType, lhsType;
  SmallVector<Value> sums;
  int64_t rows, columns, depth;
  Value zero, row, column;
  std::optional<MatrixReader> left, right; // of 16 bits
};

/// The product behind `op` that shares its left operand in registers and starts
/// from zero, if there is one.
MmaOp findPartner(MmaOp op) {
  Operation *next = op->getNextNode();
  while (next && next->hasTrait<OpTrait::ConstantLike>())
    next = next->getNextNode();
  auto partner = dyn_cast_or_null<MmaOp>(next);
  auto is16 = [](MmaOp product) {
    auto type = cast<BufferType>(product.getRhs().getType());
    return !type.getElementType().isF32();
  };
  if (!partner || !isa<RankedTensorType>(op.getLhs().getType()) ||
      partner.getLhs() != op.getLhs() || partner.getType() != op.getType() ||
      !matchPattern(partner.getInit(), m_AnyZeroFloat()) || !is16(op) ||
      !is16(partner) ||
      cast<BufferType>(partner.getRhs().getType()).getElementType() !=
          cast<BufferType>(op.getRhs().getType()).getElementType())
    return {};
  return partner;
}

struct MmaPattern : OpConversionPattern<MmaOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(MmaOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    ProductEmitter product(emit, op, adaptor.getLhs(), adaptor.getRhs().front(),
                           adaptor.getInit());
    MmaOp partner = findPartner(op);
    if (!partner) {
      rewriter.replaceOpWithMultiple(op, {product.run()});
      return success();
    }
    // Behind the partner, where its operands are known.
    rewriter.setInsertionPointAfter(partner);
    SmallVector<Value> init(product.getSums().size(), emit.f32(0));
    ProductEmitter second(emit, partner, adaptor.getLhs(),
                          rewriter.getRemappedValue(partner.getRhs()), init);
    ProductEmitter::runTogether({&product, &second});
    rewriter.replaceOpWithMultiple(op, {SmallVector<Value>(product.getSums())});
    rewriter.replaceOpWithMultiple(partner,
                                   {SmallVector<Value>(second.getSums())});
    return success();
  }
};

/// Rows of 8 by 8 others, of which the diagonal is kept.
struct RowDotsPattern : OpConversionPattern<RowDotsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(RowDotsOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    auto type = cast<RankedTensorType>(op.getLhs().getType());
    auto layout = cast<AccAttr>(type.getEncoding());
    int64_t rows = type.getDimSize(0) / layout.getWarps()[0];
    int64_t depth = type.getDimSize(1) / layout.getWarps()[1];
    SmallVector<Value> isDiagonal, kept;
    for (int64_t e : {0, 1})
      isDiagonal.push_back(emit.equal(
          emit.laneRow(), emit.add(emit.mul(emit.lanePair(), 2), e)));
    for (int64_t r = 0; r != rows; r += 16)
      for (int64_t half : {0, 1}) {
        SmallVector<Value> sums(4, emit.f32(0));
        for (int64_t k = 0; k != depth; k += 16) {
          // Two tiles of 16 x 8, each with rows of both halves.
          int64_t first = (r / 16 * depth + k) / 4;
          ValueRange y = adaptor.getRhs().slice(first, 4);
          mmaSync(emit, type.getElementType(), 16,
                  llvm::to_vector(adaptor.getLhs().slice(first, 4)),
                  {y[half], y[2 + half]}, sums);
        }
        for (int64_t e : {0, 1})
          kept.push_back(
              emit.select(isDiagonal[e], sums[2 * half + e], emit.f32(0)));
      }
    rewriter.replaceOpWithMultiple(op, {kept});
    return success();
  }
};
} // namespace

void deltanet::tile::populateMmaPatterns(const TypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns.add<MmaPattern, RowDotsPattern>(converter, patterns.getContext());
}
