//===- MathToPolynomial.cpp - elementary functions as arithmetic ----------===//
// Range reductions and polynomials on scalars and vectors of f32, so that
// vectors of them need no library. Coefficients interpolate the function at
// Chebyshev nodes of the reduced range.
//===----------------------------------------------------------------------===//
#include "deltanet/Conversion/Passes.h"
#include "deltanet/Support/Polynomials.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace deltanet {
#define GEN_PASS_DEF_CONVERTMATHTOPOLYNOMIAL
#include "deltanet/Conversion/Passes.h.inc"
} // namespace deltanet

using namespace mlir;
using namespace deltanet;

namespace {

/// Arithmetic on one type: a float, or a vector of it, and the integer type of
/// its bits.
struct Calculator {
  Calculator(OpBuilder &b, Location loc, Type type)
      : b(b), loc(loc), type(type) {
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
  Value div(Value x, Value y) { return arith::DivFOp::create(b, loc, x, y); }
  Value neg(Value x) { return arith::NegFOp::create(b, loc, x); }
  Value select(Value c, Value x, Value y) {
    return arith::SelectOp::create(b, loc, c, x, y);
  }
  Value abs(Value x) { return math::AbsFOp::create(b, loc, x); }
  Value withSign(Value x, Value sign) {
    return math::CopySignOp::create(b, loc, x, sign);
  }
  Value toBits(Value x) { return arith::BitcastOp::create(b, loc, bits, x); }
  Value fromBits(Value x) { return arith::BitcastOp::create(b, loc, type, x); }
  /// c[0] + c[1] x + ..., by Horner's rule; products and sums may be
  /// contracted.
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

using Predicate = arith::CmpFPredicate;

/// The figures of exp in one float type.
struct ExpFigures {
  /// Beyond these the result is 0 or infinite whatever the argument.
  double lowest, highest;
  /// Adding this puts the nearest integer into the lowest bits of the mantissa.
  double rounder;
  /// log(2) in two parts; the first has so few bits that products with
  /// exponents are exact.
  double high, low;
  int64_t mantissaBits, exponentBias;
  /// (exp(r) - 1 - r) / r^2.
  ArrayRef<double> series;
};
} // namespace

static const ExpFigures &expFigures(unsigned width) {
  static const double doubled[] = {
      0.5000000000000001,     0.16666666666666669,    0.041666666666623824,
      0.008333333333330039,   0.0013888888917367081,  0.00019841269863171557,
      2.4801521057868204e-05, 2.7557268276905696e-06, 2.7620201591031547e-07,
      2.5100472505694996e-08};
  static const ExpFigures f32 = {
      -104.0, 89.0, 12582912.0,         0.693359375, -0.00021219444005469057,
      23,     127,  polynomials::kExpm1};
  static const ExpFigures f64 = {-746.0,
                                 710.0,
                                 6755399441055744.0,
                                 0.6931471803691238,
                                 1.9082149292705877e-10,
                                 52,
                                 1023,
                                 doubled};
  return width == 64 ? f64 : f32;
}

//===----------------------------------------------------------------------===//
// exp, exp2, expm1
//===----------------------------------------------------------------------===//

namespace {
/// x = n log(2) + r with n whole and |r| <= log(2) / 2.
struct Reduced {
  /// n as a float and as an integer, r, and exp(r) - 1.
  Value n, exponent, r, expm1;
};
} // namespace

static const ExpFigures &expFiguresOf(const Calculator &c) {
  return expFigures(getElementTypeOrSelf(c.type).getIntOrFloatBitWidth());
}

/// x between two bounds; NaN becomes the lower one.
static Value clamp(Calculator &c, Value x, double lowest, double highest) {
  Value lo = c.real(lowest), hi = c.real(highest);
  Value y = c.select(c.compare(Predicate::OGT, x, lo), x, lo);
  return c.select(c.compare(Predicate::OLT, y, hi), y, hi);
}

/// The nearest whole number, as a float and as an integer.
static std::pair<Value, Value> roundToInteger(Calculator &c, Value x) {
  Value rounder = c.real(expFiguresOf(c).rounder);
  Value shifted = c.add(x, rounder);
  Value exponent =
      arith::SubIOp::create(c.b, c.loc, c.toBits(shifted), c.toBits(rounder));
  return {c.sub(shifted, rounder), exponent};
}

/// exp(r) - 1 for |r| <= log(2) / 2.
static Value smallExpm1(Calculator &c, Value r) {
  return c.add(r, c.mul(c.mul(r, r), c.polynomial(r, expFiguresOf(c).series)));
}

static Reduced reduce(Calculator &c, Value x) {
  const ExpFigures &f = expFiguresOf(c);
  Reduced result;
  std::tie(result.n, result.exponent) =
      roundToInteger(c, c.mul(x, c.real(1.4426950408889634)));
  Value r = c.sub(x, c.mul(result.n, c.real(f.high)));
  result.r = c.sub(r, c.mul(result.n, c.real(f.low)));
  result.expm1 = smallExpm1(c, result.r);
  return result;
}

/// 2^n for n that a normal float can have.
static Value power(Calculator &c, Value n) {
  const ExpFigures &f = expFiguresOf(c);
  Value biased =
      arith::AddIOp::create(c.b, c.loc, n, c.integer(f.exponentBias));
  return c.fromBits(
      arith::ShLIOp::create(c.b, c.loc, biased, c.integer(f.mantissaBits)));
}

/// x 2^n, in two factors: the result may be subnormal or infinite.
static Value scale(Calculator &c, Value x, Value n) {
  Value half = arith::ShRSIOp::create(c.b, c.loc, n, c.integer(1));
  Value rest = arith::SubIOp::create(c.b, c.loc, n, half);
  return c.mul(c.mul(x, power(c, half)), power(c, rest));
}

/// `result`, or x where x is NaN.
static Value keepNaN(Calculator &c, Value x, Value result) {
  return c.select(c.compare(Predicate::UNO, x, x), x, result);
}

/// exp(x) = 2^n exp(r).
static Value expandExp(Calculator &c, Value x) {
  const ExpFigures &f = expFiguresOf(c);
  Reduced y = reduce(c, clamp(c, x, f.lowest, f.highest));
  return keepNaN(c, x, scale(c, c.add(y.expm1, c.real(1.0)), y.exponent));
}

static Value expandExp2(Calculator &c, Value x) {
  Value y = clamp(c, x, -151.0, 129.0);
  auto [n, exponent] = roundToInteger(c, y);
  Value r = c.mul(c.sub(y, n), c.real(0.6931471805599453));
  return keepNaN(c, x,
                 scale(c, c.add(smallExpm1(c, r), c.real(1.0)), exponent));
}

/// exp(x) - 1 = 2^n (exp(r) - 1 + (1 - 2^-n)).
static Value expandExpm1(Calculator &c, Value x) {
  // Below, the result is -1. Above n = 64 nothing is left of 2^-n.
  Reduced y = reduce(c, clamp(c, x, -20.0, 89.0));
  Value most = arith::MinSIOp::create(c.b, c.loc, y.exponent, c.integer(64));
  Value inverse =
      power(c, arith::SubIOp::create(c.b, c.loc, c.integer(0), most));
  Value sum = c.add(y.expm1, c.sub(c.real(1.0), inverse));
  // Zero keeps its sign, and small arguments all their bits.
  Value zero = c.compare(Predicate::OEQ, x, c.real(0.0));
  return keepNaN(c, x, c.select(zero, x, scale(c, sum, y.exponent)));
}

//===----------------------------------------------------------------------===//
// log, log2, log1p
//===----------------------------------------------------------------------===//

namespace {
/// x = 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt(2).
struct Split {
  Value k, f;
};
} // namespace

/// Splits a positive, finite x.
static Split split(Calculator &c, Value x) {
  // Subnormals are made normal first.
  Value tiny = c.compare(Predicate::OLT, x, c.real(1.1754943508222875e-38));
  Value normal = c.select(tiny, c.mul(x, c.real(8388608.0)), x);
  Value bits = c.toBits(normal);
  // The bits of sqrt(1/2) in place of those of 1: the exponent then changes
  // there.
  Value base = c.integer(0x3f3504f3);
  Value offset = arith::SubIOp::create(c.b, c.loc, bits, base);
  Value k = arith::ShRSIOp::create(c.b, c.loc, offset, c.integer(23));
  Value mantissa =
      arith::AndIOp::create(c.b, c.loc, offset, c.integer(0x7fffff));
  Value m = c.fromBits(arith::AddIOp::create(c.b, c.loc, mantissa, base));
  Value exponent = arith::SIToFPOp::create(c.b, c.loc, c.type, k);
  exponent = c.sub(exponent, c.select(tiny, c.real(23.0), c.real(0.0)));
  return {exponent, c.sub(m, c.real(1.0))};
}

/// log(1 + f) = f - (f^2/2 - s (f^2/2 + R(s^2))) with s = f / (2 + f): what is
/// subtracted from f, in brackets.
static Value logRest(Calculator &c, Value f, Value extra) {
  static const double series[] = {0.6666666655430007, 0.40000122000846017,
                                  0.28550802551295174, 0.23330964090255224};
  Value s = c.div(f, c.add(f, c.real(2.0)));
  Value z = c.mul(s, s);
  Value r = c.mul(z, c.polynomial(z, series));
  Value half = c.mul(c.mul(f, f), c.real(0.5));
  Value inner = c.mul(s, c.add(half, r));
  return c.sub(half, extra ? c.add(inner, extra) : inner);
}

/// The values of a logarithm where its argument is not positive and finite.
static Value finishLog(Calculator &c, Value x, Value result) {
  Value infinity = c.real(std::numeric_limits<double>::infinity());
  Value zero = c.real(0.0);
  result = c.select(c.compare(Predicate::OEQ, x, infinity), infinity, result);
  result =
      c.select(c.compare(Predicate::OEQ, x, zero), c.neg(infinity), result);
  Value nan = c.real(std::numeric_limits<double>::quiet_NaN());
  return c.select(c.compare(Predicate::ULT, x, zero), nan, result);
}

/// log(x) + correction for x > 0.
static Value logOf(Calculator &c, Value x, Value correction) {
  Split y = split(c, x);
  Value low = c.mul(y.k, c.real(-0.00021219444005469057));
  if (correction)
    low = c.add(low, correction);
  Value rest = logRest(c, y.f, low);
  return c.add(c.mul(y.k, c.real(0.693359375)), c.sub(y.f, rest));
}

static Value expandLog(Calculator &c, Value x) {
  return finishLog(c, x, logOf(c, x, Value()));
}

static Value expandLog2(Calculator &c, Value x) {
  Split y = split(c, x);
  Value log = c.sub(y.f, logRest(c, y.f, Value()));
  return finishLog(c, x, c.add(y.k, c.mul(log, c.real(1.4426950408889634))));
}

/// log(1 + x) = log(u) + (x - (u - 1)) / u with u the float nearest to 1 + x.
static Value expandLog1p(Calculator &c, Value x) {
  Value one = c.real(1.0);
  Value u = c.add(x, one);
  Value lost = c.div(c.sub(x, c.sub(u, one)), u);
  Value result = finishLog(c, u, logOf(c, u, lost));
  // So small that u is 1, zero with its sign among them.
  return c.select(c.compare(Predicate::OEQ, u, one), x, result);
}

//===----------------------------------------------------------------------===//
// tanh, erf, rsqrt
//===----------------------------------------------------------------------===//

/// tanh(a) = e / (e + 2) with e = exp(2 a) - 1, a = |x|; 1 in f32 from 10 on.
static Value expandTanh(Calculator &c, Value x) {
  Value a = clamp(c, c.abs(x), 0.0, 10.0);
  Value e = expandExpm1(c, c.add(a, a));
  // Where 2 a is subnormal or not much more, tanh(x) is x.
  Value small = c.compare(Predicate::OLT, a, c.real(1e-4));
  Value result = c.select(small, a, c.div(e, c.add(e, c.real(2.0))));
  return keepNaN(c, x, c.withSign(result, x));
}

/// x + x P(x^2) up to 0.9, 1 - exp(-G(x)) from there on; 1 in f32 from 4 on.
static Value expandErf(Calculator &c, Value x) {
  Value a = clamp(c, c.abs(x), 0.0, 4.0);
  Value first =
      c.add(a, c.mul(a, c.polynomial(c.mul(a, a), polynomials::kErfNear)));
  Value second = c.sub(
      c.real(1.0), expandExp(c, c.neg(c.polynomial(a, polynomials::kErfFar))));
  Value result =
      c.select(c.compare(Predicate::OLT, a, c.real(0.9)), first, second);
  return keepNaN(c, x, c.withSign(result, x));
}

/// Square root and division round correctly, so this is off by 1 ulp at most.
static Value expandRsqrt(Calculator &c, Value x) {
  return c.div(c.real(1.0), math::SqrtOp::create(c.b, c.loc, x));
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

namespace {
template <typename OpTy, Value (*expand)(Calculator &, Value)>
struct Expand : OpRewritePattern<OpTy> {
  /// With `wide`, f64 too.
  Expand(MLIRContext *context, bool wide = false)
      : OpRewritePattern<OpTy>(context), wide(wide) {}
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    Type element = getElementTypeOrSelf(op.getType());
    if (!element.isF32() && !(wide && element.isF64()))
      return rewriter.notifyMatchFailure(op,
                                         "no expansion for the element type");
    Calculator c(rewriter, op.getLoc(), op.getType());
    rewriter.replaceOp(op, expand(c, op.getOperand()));
    return success();
  }
  bool wide;
};

/// f64 functions that LLVM has no intrinsic for: calls of libm, one for each
/// element.
template <typename OpTy> struct CallLibm : OpRewritePattern<OpTy> {
  CallLibm(MLIRContext *context, StringRef name)
      : OpRewritePattern<OpTy>(context), name(name) {}
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    Type element = getElementTypeOrSelf(op.getType());
    if (!element.isF64())
      return rewriter.notifyMatchFailure(op, "not f64");
    Location loc = op.getLoc();
    auto module = op->template getParentOfType<ModuleOp>();
    if (!module.template lookupSymbol<func::FuncOp>(name)) {
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToEnd(module.getBody());
      func::FuncOp::create(rewriter, module.getLoc(), name,
                           rewriter.getFunctionType({element}, {element}))
          .setPrivate();
    }
    auto call = [&](Value x) -> Value {
      return func::CallOp::create(rewriter, loc, name, element, x).getResult(0);
    };
    auto vector = dyn_cast<VectorType>(op.getType());
    if (!vector) {
      rewriter.replaceOp(op, call(op.getOperand()));
      return success();
    }
    if (vector.getRank() != 1 || vector.isScalable())
      return rewriter.notifyMatchFailure(op,
                                         "not a vector of one fixed dimension");
    Value result = op.getOperand();
    for (int64_t i = 0; i < vector.getNumElements(); ++i) {
      Value x = vector::ExtractOp::create(rewriter, loc, op.getOperand(), i);
      result = vector::InsertOp::create(rewriter, loc, call(x), result, i);
    }
    rewriter.replaceOp(op, result);
    return success();
  }
  StringRef name;
};

struct ConvertMathToPolynomial
    : deltanet::impl::ConvertMathToPolynomialBase<ConvertMathToPolynomial> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    patterns.add<Expand<math::ExpOp, expandExp>,
                 Expand<math::RsqrtOp, expandRsqrt>>(context, /*wide=*/true);
    patterns.add<
        Expand<math::Exp2Op, expandExp2>, Expand<math::ExpM1Op, expandExpm1>,
        Expand<math::LogOp, expandLog>, Expand<math::Log2Op, expandLog2>,
        Expand<math::Log1pOp, expandLog1p>, Expand<math::TanhOp, expandTanh>,
        Expand<math::ErfOp, expandErf>>(context);
    patterns.add<CallLibm<math::ExpM1Op>>(context, "expm1");
    patterns.add<CallLibm<math::Log1pOp>>(context, "log1p");
    patterns.add<CallLibm<math::TanhOp>>(context, "tanh");
    patterns.add<CallLibm<math::ErfOp>>(context, "erf");
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
