//===- Registers.cpp - work in registers ----------------------------------===//
// Elementwise operations, element by element; what moves nothing.
//===----------------------------------------------------------------------===//
#include "Emit.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace deltanet::tile;

static RankedTensorType typeOf(Value v) {
  return cast<RankedTensorType>(v.getType());
}

namespace {

/// Element by element. Arithmetic is f32; 16-bit tiles are only converted.
struct ElementwisePattern : ConversionPattern {
  ElementwisePattern(const TypeConverter &converter, MLIRContext *context)
      : ConversionPattern(converter, MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult
  matchAndRewrite(Operation *op, ArrayRef<ValueRange> operands,
                  ConversionPatternRewriter &rewriter) const override {
    if (!OpTrait::hasElementwiseMappableTraits(op) ||
        op->getNumResults() != 1 || !isInRegisters(op->getResult(0).getType()))
      return rewriter.notifyMatchFailure(
          op, "no elementwise operation on registers");
    Emit emit(rewriter, op->getLoc());
    RankedTensorType result = typeOf(op->getResult(0));
    if (isa<arith::TruncFOp>(op) && result.getElementTypeBitWidth() == 16 &&
        typeOf(op->getOperand(0)).getElementType().isF32()) {
      rewriter.replaceOpWithMultiple(op, {round(emit, result, operands[0])});
      return success();
    }
    if (isa<arith::ExtFOp>(op) && result.getElementType().isF32() &&
        typeOf(op->getOperand(0)).getElementTypeBitWidth() == 16) {
      rewriter.replaceOpWithMultiple(
          op, {widen(emit, typeOf(op->getOperand(0)), operands[0])});
      return success();
    }
    auto is16 = [](Type type) {
      return getElementTypeOrSelf(type).getIntOrFloatBitWidth() == 16;
    };
    if (is16(result) || llvm::any_of(op->getOperandTypes(), is16))
      return rewriter.notifyMatchFailure(
          op, "16-bit elements are converted, not computed with");
    SmallVector<Value> values;
    for (size_t i = 0, e = getNumRegisters(result); i != e; ++i) {
      SmallVector<Value> scalars;
      for (ValueRange registers : operands) // a scalar condition has one
        scalars.push_back(registers.size() == 1 ? registers[0] : registers[i]);
      OperationState state(op->getLoc(), op->getName(), scalars,
                           {result.getElementType()}, op->getAttrs());
      values.push_back(rewriter.create(state)->getResult(0));
    }
    rewriter.replaceOpWithMultiple(op, {values});
    return success();
  }

  static SmallVector<Value> round(Emit &emit, RankedTensorType type,
                                  ValueRange values) {
    SmallVector<Value> pairs;
    for (size_t i = 0; i < values.size(); i += 2)
      pairs.push_back(emit.pack(values[i],
                                values[std::min(i + 1, values.size() - 1)],
                                type.getElementType()));
    return pairs;
  }

  static SmallVector<Value> widen(Emit &emit, RankedTensorType type,
                                  ValueRange pairs) {
    SmallVector<Value> values;
    for (int64_t e = 0, n = getElementsPerThread(type); e != n; ++e)
      values.push_back(emit.unpack(pairs[e / 2], e % 2, type.getElementType()));
    return values;
  }
};

/// e^x = 2^(x log2 e), one instruction; no library of device functions.
struct ExpPattern : OpConversionPattern<math::ExpOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(math::ExpOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "only f32");
    Emit emit(rewriter, op.getLoc());
    SmallVector<Value> values;
    for (Value x : adaptor.getOperand()) {
      Value scaled = arith::MulFOp::create(rewriter, op.getLoc(), x,
                                           emit.f32(1.4426950408889634));
      values.push_back(
          emit.intrinsic("llvm.nvvm.ex2.approx.ftz", x.getType(), scaled));
    }
    rewriter.replaceOpWithMultiple(op, {values});
    return success();
  }
};

struct ConstantPattern : OpConversionPattern<arith::ConstantOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(arith::ConstantOp op, OneToNOpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto splat = dyn_cast<SplatElementsAttr>(op.getValue());
    if (!splat || !isInRegisters(op.getType()))
      return rewriter.notifyMatchFailure(op, "no splat in registers");
    RankedTensorType type = typeOf(op);
    Value value;
    if (type.getElementTypeBitWidth() == 16) {
      APInt bits = splat.getSplatValue<APFloat>().bitcastToAPInt();
      value = Emit(rewriter, op.getLoc())
                  .i32(bits.zext(32).getZExtValue() * 0x10001);
    } else {
      value = arith::ConstantOp::create(rewriter, op.getLoc(),
                                        splat.getSplatValue<TypedAttr>());
    }
    rewriter.replaceOpWithMultiple(
        op, {SmallVector<Value>(getNumRegisters(type), value)});
    return success();
  }
};

struct BroadcastPattern : OpConversionPattern<BroadcastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(BroadcastOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType result = typeOf(op.getResult());
    ValueRange input = adaptor.getInput();
    if (result.getElementTypeBitWidth() == 16)
      return rewriter.notifyMatchFailure(op, "only 32-bit elements");
    SmallVector<Value> values(getNumRegisters(result), input.front());
    if (auto type = dyn_cast<RankedTensorType>(op.getInput().getType())) {
      // Registers of a matrix: tiles of 16 x 8, four a tile.
      auto slice = cast<SliceAttr>(type.getEncoding());
      int64_t columns = result.getDimSize(1) / slice.getParent().getWarps()[1];
      for (auto [i, value] : llvm::enumerate(values)) {
        int64_t tile = i / 4, perRow = columns / 8, e = i % 4;
        value = slice.getDim() == 0 ? input[tile % perRow * 2 + e % 2]
                                    : input[tile / perRow * 2 + e / 2];
      }
    }
    rewriter.replaceOpWithMultiple(op, {values});
    return success();
  }
};

struct CoordinatePattern : OpConversionPattern<CoordinateOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(CoordinateOp op, OneToNOpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    Places places = emit.places(typeOf(op.getResult()));
    SmallVector<Value> values;
    int64_t d = op.getDimension();
    for (ArrayRef<int64_t> constants : places.constants)
      values.push_back(emit.add(places.variable[d], constants[d]));
    rewriter.replaceOpWithMultiple(op, {values});
    return success();
  }
};

struct ExtractPattern : OpConversionPattern<ExtractOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ExtractOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    int64_t perLane = adaptor.getInput().size(), index = op.getIndex();
    rewriter.replaceOp(op, emit.shuffle(adaptor.getInput()[index % perLane],
                                        emit.i32(index / perLane)));
    return success();
  }
};
} // namespace

void deltanet::tile::populateRegisterPatterns(const TypeConverter &converter,
                                              RewritePatternSet &patterns) {
  patterns.add<ElementwisePattern, ExpPattern, ConstantPattern,
               BroadcastPattern, CoordinatePattern, ExtractPattern>(
      converter, patterns.getContext());
}
