//===- Vectors.cpp - vectors between registers and shared memory ----------===//
// Rows of one-row buffers.
//===----------------------------------------------------------------------===//
#include "Emit.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace deltanet::tile;

static RankedTensorType typeOf(Value v) {
  return cast<RankedTensorType>(v.getType());
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
    Type element = type.getElementType();
    Value base =
        emit.move(adaptor.getBuffer().front(), emit.mul(places.variable[0], 4));
    bool pairs =
        cast<SliceAttr>(type.getEncoding()).getDim() == 0; // neighbours
    SmallVector<Value> values;
    for (size_t e = 0; e < places.constants.size(); e += 2) {
      int64_t first = places.constants[e][0],
              second = places.constants[e + 1][0];
      if (!pairs) {
        values.push_back(emit.load(element, emit.move(base, first * 4)));
        values.push_back(emit.load(element, emit.move(base, second * 4)));
        continue;
      }
      Value two =
          emit.load(VectorType::get(2, element), emit.move(base, first * 4));
      for (int64_t i = 0; i != 2; ++i)
        values.push_back(LLVM::ExtractElementOp::create(rewriter, op.getLoc(),
                                                        two, emit.i32(i)));
    }
    rewriter.replaceOpWithMultiple(op, {values});
    return success();
  }
};

struct StoreVectorPattern : OpConversionPattern<StoreVectorOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(StoreVectorOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    Places places = emit.places(typeOf(op.getValue()));
    Value base =
        emit.move(adaptor.getBuffer().front(), emit.mul(places.variable[0], 4));
    auto first = scf::IfOp::create(
        rewriter, op.getLoc(), emit.less(emit.thread(), emit.i32(kWarpSize)));
    {
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(first.thenBlock());
      for (auto [value, constants] :
           llvm::zip(adaptor.getValue(), places.constants))
        emit.store(value, emit.move(base, constants[0] * 4));
    }
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void deltanet::tile::populateVectorPatterns(const TypeConverter &converter,
                                            RewritePatternSet &patterns) {
  patterns.add<LoadVectorPattern, StoreVectorPattern>(converter,
                                                      patterns.getContext());
}
