//===- MathToPolynomial.cpp - elementary functions as arithmetic -----------===//
// Range reductions and polynomials on scalars and vectors of f32, so that vectors
// of them need no library. Coefficients interpolate the function at Chebyshev
// nodes of the reduced range.
//===----------------------------------------------------------------------===//
#include "deltanet/Conversion/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace deltanet {
#define GEN_PASS_DEF_CONVERTMATHTOPOLYNOMIAL
#include "deltanet/Conversion/Passes.h.inc"
} // namespace deltanet

using namespace mlir;

namespace {

/// Arithmetic on one type: a float, or a vector of it, and the integer type of
/// its bits.
struct Calculator {
  Calculator(OpBuilder &b, Location loc, Type type) : b(b), loc(loc), type(type) {
    unsigned width = getElementTypeOrSelf(type).getIntOrFloatBitWidth();
    bits = b.getIntegerType(width);
    if (auto vector = dyn_cast<VectorType>(type))
      bits = VectorType::get(vector.getShape(), bits, vector.getScalableDims());
  }
  Value constant(Type type, Attribute value) {
    if (auto vector = dyn_cast<VectorType>(type))
      value = DenseElementsAttr::get(vector, value);
    return arith::ConstantOp::create(b, loc, cast<TypedAttr>(value));
  }
  Value real(double x) {
    return constant(type, b.getFloatAttr(getElementTypeOrSelf(type), x));
  }
  Value integer(int64_t x) {
    return constant(bits, b.getIntegerAttr(getElementTypeOrSelf(bits), x));
  }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  Value compare(arith::CmpFPredicate p, Value x, Value y) {
    return arith::CmpFOp::create(b, loc, p, x, y);
  }
  Value select(Value c, Value x, Value y) { return arith::SelectOp::create(b, loc, c, x, y); }
  Value toBits(Value x) { return arith::BitcastOp::create(b, loc, bits, x); }
  Value fromBits(Value x) { return arith::BitcastOp::create(b, loc, type, x); }
  /// c[0] + c[1] x + ..., by Horner's rule; products and sums may be contracted.
  Value polynomial(Value x, ArrayRef<double> c) {
    Value sum = real(c.back());
    for (double term : llvm::reverse(c.drop_back()))
      sum = add(mul(sum, x), real(term));
    return sum;
  }

  OpBuilder &b;
  Location loc;
  Type type, bits;
};

/// The figures of one float type for `expand(exp)`.
struct ExpFigures {
  /// Beyond these the result is 0 or infinite whatever the argument.
  double lowest, highest;
  /// Adding this puts the nearest integer into the lowest bits of the mantissa.
  double rounder;
  /// log(2) in two parts; the first has so few bits that products with exponents
  /// are exact.
  double high, low;
  int64_t mantissaBits, exponentBias;
  /// (exp(r) - 1 - r) / r^2.
  ArrayRef<double> series;
};
} // namespace

static const ExpFigures &expFigures(unsigned width) {
  static const double single[] = {0.5, 0.16666576666119928, 0.04166655421298415,
                                  0.008363232883682618, 0.0013926250831497611};
  static const double doubled[] = {
      0.5000000000000001,     0.16666666666666669,    0.041666666666623824,
      0.008333333333330039,   0.0013888888917367081,  0.00019841269863171557,
      2.4801521057868204e-05, 2.7557268276905696e-06, 2.7620201591031547e-07,
      2.5100472505694996e-08};
  static const ExpFigures f32 = {-104.0, 89.0, 12582912.0, 0.693359375,
                                 -0.00021219444005469057, 23, 127, single};
  static const ExpFigures f64 = {-746.0, 710.0, 6755399441055744.0, 0.6931471803691238,
                                 1.9082149292705877e-10, 52, 1023, doubled};
  return width == 64 ? f64 : f32;
}

/// exp(x) = 2^n exp(r) with n the integer nearest to x / log(2). 2^n is applied in
/// two factors, so that results from the largest to the subnormal come out.
static Value expandExp(Calculator &c, Value x) {
  using P = arith::CmpFPredicate;
  const ExpFigures &f = expFigures(getElementTypeOrSelf(c.type).getIntOrFloatBitWidth());
  Value lowest = c.real(f.lowest), highest = c.real(f.highest);
  // NaN becomes the lowest argument here and is put back at the end.
  Value y = c.select(c.compare(P::OGT, x, lowest), x, lowest);
  y = c.select(c.compare(P::OLT, y, highest), y, highest);
  Value shifted = c.add(c.mul(y, c.real(1.4426950408889634)), c.real(f.rounder));
  Value n = c.sub(shifted, c.real(f.rounder));
  Value r = c.sub(y, c.mul(n, c.real(f.high)));
  r = c.sub(r, c.mul(n, c.real(f.low)));
  Value tail = c.mul(c.mul(r, r), c.polynomial(r, f.series));
  Value mantissa = c.add(c.add(r, tail), c.real(1.0));

  Value exponent = arith::SubIOp::create(c.b, c.loc, c.toBits(shifted),
                                         c.toBits(c.real(f.rounder)));
  Value half = arith::ShRSIOp::create(c.b, c.loc, exponent, c.integer(1));
  Value rest = arith::SubIOp::create(c.b, c.loc, exponent, half);
  auto power = [&](Value n) {
    Value biased = arith::AddIOp::create(c.b, c.loc, n, c.integer(f.exponentBias));
    return c.fromBits(arith::ShLIOp::create(c.b, c.loc, biased, c.integer(f.mantissaBits)));
  };
  Value result = c.mul(c.mul(mantissa, power(half)), power(rest));
  return c.select(c.compare(P::UNO, x, x), x, result);
}

namespace {
struct ExpandExp : OpRewritePattern<math::ExpOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::ExpOp op, PatternRewriter &rewriter) const override {
    Type element = getElementTypeOrSelf(op.getType());
    if (!element.isF32() && !element.isF64())
      return rewriter.notifyMatchFailure(op, "not f32 or f64");
    Calculator c(rewriter, op.getLoc(), op.getType());
    rewriter.replaceOp(op, expandExp(c, op.getOperand()));
    return success();
  }
};

/// Square root and division round correctly, so this is off by 1 ulp at most.
struct ExpandRsqrt : OpRewritePattern<math::RsqrtOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::RsqrtOp op, PatternRewriter &rewriter) const override {
    Calculator c(rewriter, op.getLoc(), op.getType());
    Value root = math::SqrtOp::create(rewriter, op.getLoc(), op.getOperand());
    rewriter.replaceOpWithNewOp<arith::DivFOp>(op, c.real(1.0), root);
    return success();
  }
};

struct ConvertMathToPolynomial
    : deltanet::impl::ConvertMathToPolynomialBase<ConvertMathToPolynomial> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandExp, ExpandRsqrt>(&getContext());
    populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
      return name != math::ExpOp::getOperationName() &&
             name != math::RsqrtOp::getOperationName();
    });
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
