//===- Elementary.cpp - elementary functions of f32 on a GPU --------------===//
// Each element by approximate instructions where they are good enough for f32,
// polynomials where they are not; docs/Elementwise.md states errors. No library
// of device functions.
//===----------------------------------------------------------------------===//
#include "Emit.h"
#include "deltanet/Support/Polynomials.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::tile;

namespace {

/// Arithmetic on the f32 numbers of one thread.
struct Calculator : Emit {
  using Emit::Emit;
  using Predicate = arith::CmpFPredicate;

  Value compare(Predicate p, Value x, Value y) {
    return arith::CmpFOp::create(b, loc, p, x, y);
  }
  Value less(Value x, double y) { return compare(Predicate::OLT, x, f32(y)); }
  Value neg(Value x) { return arith::NegFOp::create(b, loc, x); }
  Value abs(Value x) { return native("llvm.fabs", x); }
  Value withSign(Value x, Value sign) {
    return native("llvm.copysign", {x, sign});
  }
  Value floor(Value x) { return native("llvm.floor", x); }
  Value native(StringRef name, ValueRange x) {
    return intrinsic(name, b.getF32Type(), x);
  }
  /// Within 2 ulp for all quotients; 1 / infinity is 0.
  Value div(Value x, Value y) { return native("llvm.nvvm.div.full", {x, y}); }
  Value polynomial(Value x, ArrayRef<double> c) {
    Value sum = f32(c.back());
    for (double term : llvm::reverse(c.drop_back()))
      sum = fma(sum, x, f32(term));
    return sum;
  }
  Value bits(Value x) { return bitcast(x, b.getI32Type()); }
  Value number(Value x) { return bitcast(x, b.getF32Type()); }
};

constexpr double kLog2E = 1.4426950408889634, kLog2 = 0.6931471805599453;
/// log(2) as a sum; products of the first part and exponents are exact.
constexpr double kLog2High = 0.693359375, kLog2Low = -0.00021219444005469057;
/// Adding it puts the nearest integer into the lowest bits of the mantissa.
constexpr double kRounder = 12582912.0;
} // namespace

//===----------------------------------------------------------------------===//
// Exponentials
//===----------------------------------------------------------------------===//

static Value exp(Calculator &c, Value x) {
  return c.exp2(c.mulf(x, c.f32(kLog2E)));
}

static Value exp2(Calculator &c, Value x) { return c.exp2(x); }

/// r + r^2 P(r) near zero, exp(x) - 1 elsewhere.
static Value expm1(Calculator &c, Value x) {
  Value series = c.polynomial(x, polynomials::kExpm1);
  Value near = c.fma(c.mulf(x, x), series, x);
  Value far = c.subf(exp(c, x), c.f32(1));
  return c.select(c.less(c.abs(x), kLog2 / 2), near, far);
}

//===----------------------------------------------------------------------===//
// Logarithms
//===----------------------------------------------------------------------===//

namespace {
/// x = 2^k (1 + f), 1 + f between sqrt(1/2) and sqrt(2), and log(1 + f) - f.
struct Split {
  Value k, f, rest;
};
} // namespace

/// Of a positive, finite, normal x.
static Split split(Calculator &c, Value x) {
  OpBuilder &b = c.b;
  // The bits of sqrt(1/2) in place of those of 1: exponents change there.
  Value base = c.i32(0x3f3504f3);
  Value offset = c.sub(c.bits(x), base);
  Value k = arith::ShRSIOp::create(b, c.loc, offset, c.i32(23));
  Value mantissa = arith::AndIOp::create(b, c.loc, offset, c.i32(0x7fffff));
  Value f = c.subf(c.number(c.add(mantissa, base)), c.f32(1));
  Value rest = c.mulf(c.mulf(f, f), c.polynomial(f, polynomials::kLog1p));
  return {arith::SIToFPOp::create(b, c.loc, b.getF32Type(), k), f, rest};
}

/// `result`, or what the instruction gives, times `scale`, where x is zero,
/// subnormal, negative, infinite or NaN.
static Value finishLog(Calculator &c, Value x, Value result, double scale) {
  Value offset =
      c.sub(c.bits(x), c.i32(0x00800000)); // from the least normal on
  Value normal = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::ult,
                                       offset, c.i32(0x7f800000 - 0x00800000));
  Value other = c.native("llvm.nvvm.lg2.approx.f", x);
  return c.select(normal, result, c.mulf(other, c.f32(scale)));
}

/// log(x) + correction.
static Value logOf(Calculator &c, Value x, Value correction) {
  Split s = split(c, x);
  Value low = c.fma(s.k, c.f32(kLog2Low), s.rest);
  if (correction)
    low = c.addf(low, correction);
  Value sum = c.fma(s.k, c.f32(kLog2High), c.addf(s.f, low));
  return finishLog(c, x, sum, kLog2);
}

static Value log(Calculator &c, Value x) { return logOf(c, x, Value()); }

static Value log2(Calculator &c, Value x) {
  Split s = split(c, x);
  Value sum = c.fma(c.addf(s.f, s.rest), c.f32(kLog2E), s.k);
  return finishLog(c, x, sum, 1);
}

static Value log10(Calculator &c, Value x) {
  return c.mulf(log(c, x), c.f32(0.4342944819032518));
}

/// log(u) + (x - (u - 1)) / u with u the float nearest to 1 + x; the quotient
/// is small, so that the reciprocal need not be exact.
static Value log1p(Calculator &c, Value x) {
  Value one = c.f32(1), u = c.addf(x, one);
  Value lost = c.subf(x, c.subf(u, one));
  lost = c.mulf(lost, c.native("llvm.nvvm.rcp.approx.ftz.f", u));
  Value same = c.compare(Calculator::Predicate::OEQ, u, one);
  // Where u is 1, zero with its sign among them, the result is x.
  return c.select(same, x, logOf(c, u, lost));
}

//===----------------------------------------------------------------------===//
// Sigmoids, roots, powers
//===----------------------------------------------------------------------===//

/// x + x^3 P(x^2) near zero, 1 - 2 / (exp(2|x|) + 1) elsewhere.
static Value tanh(Calculator &c, Value x) {
  Value a = c.abs(x), z = c.mulf(x, x);
  Value near = c.fma(c.mulf(z, x), c.polynomial(z, polynomials::kTanh), x);
  Value e = c.exp2(c.mulf(a, c.f32(2 * kLog2E)));
  Value far = c.subf(c.f32(1), c.div(c.f32(2), c.addf(e, c.f32(1))));
  return c.select(c.less(a, 0.55), near, c.withSign(far, x));
}

/// x + x P(x^2) up to 0.9, 1 - exp(-G(x)) from there on; 1 in f32 from 4 on.
static Value erf(Calculator &c, Value x) {
  Value a = c.abs(x), z = c.mulf(x, x);
  Value near = c.fma(x, c.polynomial(z, polynomials::kErfNear), x);
  Value bounded = arith::MinimumFOp::create(c.b, c.loc, a, c.f32(4));
  Value g = c.polynomial(bounded, polynomials::kErfFar);
  Value far = c.subf(c.f32(1), exp(c, c.neg(g)));
  return c.select(c.less(a, 0.9), near, c.withSign(far, x));
}

static Value sqrt(Calculator &c, Value x) {
  return c.native("llvm.nvvm.sqrt.approx.f", x);
}
static Value rsqrt(Calculator &c, Value x) {
  return c.native("llvm.nvvm.rsqrt.approx.f", x);
}

/// |x|^y = 2^(y log2|x|), with the sign of x where y is odd; NaN where x is
/// negative and y not whole.
static Value power(Calculator &c, Value x, Value y) {
  using Predicate = Calculator::Predicate;
  Value magnitude = c.exp2(c.mulf(y, log2(c, c.abs(x))));
  Value whole = c.compare(Predicate::OEQ, c.floor(y), y);
  Value half = c.mulf(y, c.f32(0.5));
  Value even = c.compare(Predicate::OEQ, c.floor(half), half);
  Value nan = c.f32(std::numeric_limits<double>::quiet_NaN());
  Value negative = c.select(even, magnitude, c.neg(magnitude));
  negative = c.select(whole, negative, nan);
  Value result = c.select(c.less(x, 0), negative, magnitude);
  // 0^0 and infinity^0.
  return c.select(c.compare(Predicate::OEQ, y, c.f32(0)), c.f32(1), result);
}

//===----------------------------------------------------------------------===//
// Sine and cosine
//===----------------------------------------------------------------------===//

/// sin(x + quarter pi / 2). x = n pi/2 + r, n below 2^22; beyond, where floats
/// are further apart than a period has digits for, the instruction's value.
static Value sineOf(Calculator &c, Value x, int64_t quarter) {
  Value rounder = c.f32(kRounder);
  Value shifted = c.fma(x, c.f32(0.6366197723675814), rounder);
  Value n = c.neg(c.subf(shifted, rounder));
  Value r = x; // pi/2 in three parts
  for (double part :
       {1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15})
    r = c.fma(n, c.f32(part), r);
  Value z = c.mulf(r, r);
  Value sine = c.fma(c.mulf(z, r), c.polynomial(z, polynomials::kSine), r);
  Value cosine = c.fma(c.mulf(z, z), c.polynomial(z, polynomials::kCosine),
                       c.fma(z, c.f32(-0.5), c.f32(1)));
  Value place = c.add(c.bits(shifted), quarter);
  auto has = [&](int64_t bit) {
    Value masked = arith::AndIOp::create(c.b, c.loc, place, c.i32(bit));
    return c.equal(masked, c.i32(bit));
  };
  Value result = c.select(has(1), cosine, sine);
  result = c.select(has(2), c.neg(result), result);
  Value other = c.native(
      quarter ? "llvm.nvvm.cos.approx.f" : "llvm.nvvm.sin.approx.f", x);
  return c.select(c.less(c.abs(x), 6e6), result, other);
}

static Value sine(Calculator &c, Value x) { return sineOf(c, x, 0); }
static Value cosine(Calculator &c, Value x) { return sineOf(c, x, 1); }
static Value tangent(Calculator &c, Value x) {
  return c.div(sine(c, x), cosine(c, x));
}

//===----------------------------------------------------------------------===//
// What is one instruction, or two
//===----------------------------------------------------------------------===//

static Value abs(Calculator &c, Value x) { return c.abs(x); }
static Value absInteger(Calculator &c, Value x) {
  Value zero = arith::ConstantIntOp::create(c.b, c.loc, x.getType(), 0);
  Value negative =
      arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::slt, x, zero);
  return c.select(negative, c.sub(zero, x), x);
}

static Value copySign(Calculator &c, Value x, Value y) {
  return c.withSign(x, y);
}
static Value floor(Calculator &c, Value x) { return c.floor(x); }
static Value ceil(Calculator &c, Value x) { return c.native("llvm.ceil", x); }
static Value trunc(Calculator &c, Value x) { return c.native("llvm.trunc", x); }
static Value round(Calculator &c, Value x) { return c.native("llvm.round", x); }
static Value roundEven(Calculator &c, Value x) {
  return c.native("llvm.roundeven", x);
}
static Value quotient(Calculator &c, Value x, Value y) { return c.div(x, y); }

static Value infinity(Calculator &c) {
  return c.f32(std::numeric_limits<double>::infinity());
}
static Value isNaN(Calculator &c, Value x) {
  return c.compare(Calculator::Predicate::UNO, x, x);
}
static Value isInf(Calculator &c, Value x) {
  return c.compare(Calculator::Predicate::OEQ, c.abs(x), infinity(c));
}
static Value isFinite(Calculator &c, Value x) {
  return c.compare(Calculator::Predicate::OLT, c.abs(x), infinity(c));
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

namespace {
/// A function of f32, on registers or a number, element by element.
template <typename OpTy> struct FunctionPattern : OpConversionPattern<OpTy> {
  using Function = llvm::function_ref<Value(Calculator &, ArrayRef<Value>)>;
  using OneToNOpAdaptor = typename OpConversionPattern<OpTy>::OneToNOpAdaptor;
  using OpConversionPattern<OpTy>::OpConversionPattern;

  LogicalResult replace(OpTy op, OneToNOpAdaptor adaptor,
                        ConversionPatternRewriter &rewriter,
                        Function compute) const {
    Type element = getElementTypeOrSelf(op->getOperand(0).getType());
    if (isa<FloatType>(element) && !element.isF32())
      return rewriter.notifyMatchFailure(op, "of floats only f32");
    Calculator c(rewriter, op.getLoc());
    SmallVector<ValueRange> operands(adaptor.getOperands());
    SmallVector<Value> values;
    for (size_t i = 0; i != operands.front().size(); ++i) {
      SmallVector<Value> arguments;
      for (ValueRange registers : operands)
        arguments.push_back(registers[i]);
      values.push_back(compute(c, arguments));
    }
    rewriter.replaceOpWithMultiple(op, {values});
    return success();
  }
};

template <typename OpTy, Value (*compute)(Calculator &, Value)>
struct UnaryPattern : FunctionPattern<OpTy> {
  using FunctionPattern<OpTy>::FunctionPattern;
  LogicalResult
  matchAndRewrite(OpTy op, typename FunctionPattern<OpTy>::OneToNOpAdaptor a,
                  ConversionPatternRewriter &rewriter) const override {
    return this->replace(op, a, rewriter, [](Calculator &c, ArrayRef<Value> x) {
      return compute(c, x[0]);
    });
  }
};

template <typename OpTy, Value (*compute)(Calculator &, Value, Value)>
struct BinaryPattern : FunctionPattern<OpTy> {
  using FunctionPattern<OpTy>::FunctionPattern;
  LogicalResult
  matchAndRewrite(OpTy op, typename FunctionPattern<OpTy>::OneToNOpAdaptor a,
                  ConversionPatternRewriter &rewriter) const override {
    return this->replace(op, a, rewriter, [](Calculator &c, ArrayRef<Value> x) {
      return compute(c, x[0], x[1]);
    });
  }
};
} // namespace

static Value fused(Calculator &c, ArrayRef<Value> x) {
  return c.fma(x[0], x[1], x[2]);
}

namespace {
struct FmaPattern : FunctionPattern<math::FmaOp> {
  using FunctionPattern::FunctionPattern;
  LogicalResult
  matchAndRewrite(math::FmaOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    return replace(op, adaptor, rewriter, fused);
  }
};
} // namespace

void deltanet::tile::populateElementaryPatterns(const TypeConverter &converter,
                                                RewritePatternSet &patterns) {
  patterns.add<
      UnaryPattern<math::ExpOp, exp>, UnaryPattern<math::Exp2Op, exp2>,
      UnaryPattern<math::ExpM1Op, expm1>, UnaryPattern<math::LogOp, log>,
      UnaryPattern<math::Log2Op, log2>, UnaryPattern<math::Log10Op, log10>,
      UnaryPattern<math::Log1pOp, log1p>, UnaryPattern<math::TanhOp, tanh>,
      UnaryPattern<math::ErfOp, erf>, UnaryPattern<math::SqrtOp, sqrt>,
      UnaryPattern<math::RsqrtOp, rsqrt>, UnaryPattern<math::SinOp, sine>,
      UnaryPattern<math::CosOp, cosine>, UnaryPattern<math::TanOp, tangent>,
      BinaryPattern<math::PowFOp, power>>(converter, patterns.getContext());
  patterns.add<
      UnaryPattern<math::AbsFOp, abs>, UnaryPattern<math::AbsIOp, absInteger>,
      UnaryPattern<math::FloorOp, floor>, UnaryPattern<math::CeilOp, ceil>,
      UnaryPattern<math::TruncOp, trunc>, UnaryPattern<math::RoundOp, round>,
      UnaryPattern<math::RoundEvenOp, roundEven>,
      UnaryPattern<math::IsNaNOp, isNaN>, UnaryPattern<math::IsInfOp, isInf>,
      UnaryPattern<math::IsFiniteOp, isFinite>,
      BinaryPattern<math::CopySignOp, copySign>,
      BinaryPattern<arith::DivFOp, quotient>, FmaPattern>(
      converter, patterns.getContext());
}

void deltanet::tile::addElementaryLegality(ConversionTarget &target) {
  // What is left of these would become calls of a library of device functions.
  target.addIllegalDialect<math::MathDialect>();
  target.addIllegalOp<arith::RemFOp>();
  target.addDynamicallyLegalOp<arith::DivFOp>([](arith::DivFOp op) {
    return !getElementTypeOrSelf(op.getType()).isF32();
  });
}
