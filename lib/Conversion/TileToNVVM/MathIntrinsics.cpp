//===- MathIntrinsics.cpp - math on scalars as intrinsics -----------------===//
// What an instruction or two compute is called by the name of LLVM's intrinsic,
// before a pass that knows only a library of device functions meets it.
//===----------------------------------------------------------------------===//
#include "Emit.h"
#include "deltanet/Conversion/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace deltanet {
#define GEN_PASS_DEF_CONVERTMATHTOINTRINSICS
#include "deltanet/Conversion/Passes.h.inc"
} // namespace deltanet

using namespace mlir;
using namespace deltanet;

namespace {
template <typename OpTy> struct CallIntrinsic : OpRewritePattern<OpTy> {
  CallIntrinsic(MLIRContext *context, StringRef name)
      : OpRewritePattern<OpTy>(context), name(name) {}
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isF32())
      return rewriter.notifyMatchFailure(op, "not a number of f32");
    rewriter.replaceOp(op, tile::Emit(rewriter, op.getLoc())
                               .intrinsic(name, op.getType(),
                                          op->getOperands()));
    return success();
  }
  StringRef name;
};

struct ConvertMathToIntrinsics
    : deltanet::impl::ConvertMathToIntrinsicsBase<ConvertMathToIntrinsics> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    patterns.add<CallIntrinsic<math::SqrtOp>>(context, "llvm.sqrt.f32");
    patterns.add<CallIntrinsic<math::AbsFOp>>(context, "llvm.fabs.f32");
    patterns.add<CallIntrinsic<math::CopySignOp>>(context,
                                                  "llvm.copysign.f32");
    patterns.add<CallIntrinsic<math::FloorOp>>(context, "llvm.floor.f32");
    patterns.add<CallIntrinsic<math::CeilOp>>(context, "llvm.ceil.f32");
    patterns.add<CallIntrinsic<math::TruncOp>>(context, "llvm.trunc.f32");
    patterns.add<CallIntrinsic<math::RoundEvenOp>>(context,
                                                   "llvm.roundeven.f32");
    patterns.add<CallIntrinsic<math::FmaOp>>(context, "llvm.fma.f32");
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
