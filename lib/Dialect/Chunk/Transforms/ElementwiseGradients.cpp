//===- ElementwiseGradients.cpp - derivatives of arith and math -----------===//
// One line an operation in the tables at the end. x, y are operands, z is the
// result, dz its gradient, all in the type that gradients have.
//===----------------------------------------------------------------------===//
#include "ElementwiseGradients.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;
using namespace deltanet::chunk;

namespace {
/// A tile that arithmetic is written with.
struct Term {
  GradientBuilder *g;
  Value v;

  Term number(double value) const { return {g, g->constant(v, value)}; }
  template <typename Op> Term apply() const {
    return {g, Op::create(g->builder(), g->getLoc(), v)};
  }
  template <typename Op> Term apply(Term other) const {
    return {g, Op::create(g->builder(), g->getLoc(), v, other.v)};
  }
};
} // namespace

static Term operator*(Term a, Term b) { return a.apply<arith::MulFOp>(b); }
static Term operator/(Term a, Term b) { return a.apply<arith::DivFOp>(b); }
static Term operator+(Term a, Term b) { return a.apply<arith::AddFOp>(b); }
static Term operator-(Term a, Term b) { return a.apply<arith::SubFOp>(b); }
static Term operator-(Term a) { return a.apply<arith::NegFOp>(); }
static Term operator*(double a, Term b) { return b.number(a) * b; }
static Term operator/(double a, Term b) { return b.number(a) / b; }
static Term operator+(double a, Term b) { return b.number(a) + b; }
static Term operator-(double a, Term b) { return b.number(a) - b; }

/// `a` where x > y, else `b`; where one is NaN, `b`.
static Term whereGreater(Term x, Term y, Term a, Term b) {
  OpBuilder &builder = x.g->builder();
  Value greater = arith::CmpFOp::create(builder, x.g->getLoc(),
                                        arith::CmpFPredicate::OGT, x.v, y.v);
  return {x.g,
          arith::SelectOp::create(builder, x.g->getLoc(), greater, a.v, b.v)};
}

/// -1, 0 or 1.
static Term sign(Term x) {
  Term zero = x.number(0);
  return whereGreater(x, zero, x.number(1),
                      whereGreater(zero, x, x.number(-1), zero));
}

//===----------------------------------------------------------------------===//
// Operations of one operand: the gradient of x
//===----------------------------------------------------------------------===//

using UnaryRule = Term (*)(Term x, Term z, Term dz);

/// Only multiplied: no factor is infinite where the body's values are finite.
static bool isFactor(Value v) {
  return llvm::all_of(v.getUsers(), [](Operation *user) {
    if (isa<BroadcastOp, RepeatOp, RowOp>(user))
      return isFactor(user->getResult(0));
    return isa<arith::MulFOp>(user);
  });
}

/// An exponential below a fraction bar may be infinite, and what comes back to
/// it is then zero; the product is to be zero.
static Term bounded(Term z) {
  const llvm::fltSemantics &format =
      cast<FloatType>(GradientBuilder::typeOf(z.v).getElementType())
          .getFloatSemantics();
  return z.apply<arith::MinimumFOp>(
      z.number(APFloat::getLargest(format).convertToDouble()));
}

static const llvm::StringMap<UnaryRule> &unaryRules() {
  static const llvm::StringMap<UnaryRule> rules = {
      {"arith.negf", [](Term, Term, Term dz) { return -dz; }},
      {"arith.extf", [](Term, Term, Term dz) { return dz; }},
      {"arith.truncf", [](Term, Term, Term dz) { return dz; }},
      {"math.absf", [](Term x, Term, Term dz) { return dz * sign(x); }},
      {"math.acos",
       [](Term x, Term, Term dz) {
         return -(dz * (1 - x * x).apply<math::RsqrtOp>());
       }},
      {"math.acosh",
       [](Term x, Term, Term dz) {
         return dz * (x * x - x.number(1)).apply<math::RsqrtOp>();
       }},
      {"math.asin",
       [](Term x, Term, Term dz) {
         return dz * (1 - x * x).apply<math::RsqrtOp>();
       }},
      {"math.asinh",
       [](Term x, Term, Term dz) {
         return dz * (1 + x * x).apply<math::RsqrtOp>();
       }},
      {"math.atan", [](Term x, Term, Term dz) { return dz / (1 + x * x); }},
      {"math.atanh", [](Term x, Term, Term dz) { return dz / (1 - x * x); }},
      {"math.cbrt", [](Term, Term z, Term dz) { return dz / (3 * (z * z)); }},
      {"math.cos",
       [](Term x, Term, Term dz) { return -(dz * x.apply<math::SinOp>()); }},
      {"math.cosh",
       [](Term x, Term, Term dz) { return dz * x.apply<math::SinhOp>(); }},
      {"math.erf",
       [](Term x, Term, Term dz) {
         Term density = (-(x * x)).apply<math::ExpOp>();
         return M_2_SQRTPI * (dz * density);
       }},
      {"math.erfc",
       [](Term x, Term, Term dz) {
         Term density = (-(x * x)).apply<math::ExpOp>();
         return -M_2_SQRTPI * (dz * density);
       }},
      {"math.exp", [](Term, Term z, Term dz) { return dz * z; }},
      {"math.exp2", [](Term, Term z, Term dz) { return M_LN2 * (dz * z); }},
      {"math.expm1", [](Term, Term z, Term dz) { return dz * (1 + z); }},
      {"math.log", [](Term x, Term, Term dz) { return dz / x; }},
      {"math.log10", [](Term x, Term, Term dz) { return M_LOG10E * (dz / x); }},
      {"math.log1p", [](Term x, Term, Term dz) { return dz / (1 + x); }},
      {"math.log2", [](Term x, Term, Term dz) { return M_LOG2E * (dz / x); }},
      {"math.rsqrt",
       [](Term, Term z, Term dz) { return -0.5 * (dz * (z * (z * z))); }},
      {"math.sin",
       [](Term x, Term, Term dz) { return dz * x.apply<math::CosOp>(); }},
      {"math.sinh",
       [](Term x, Term, Term dz) { return dz * x.apply<math::CoshOp>(); }},
      {"math.sqrt", [](Term, Term z, Term dz) { return 0.5 * (dz / z); }},
      {"math.tan", [](Term, Term z, Term dz) { return dz * (1 + z * z); }},
      {"math.tanh", [](Term, Term z, Term dz) { return dz * (1 - z * z); }},
  };
  return rules;
}

//===----------------------------------------------------------------------===//
// Operations of two operands: the gradients of x and y
//===----------------------------------------------------------------------===//

namespace {
struct BinaryRule {
  Term (*dx)(Term x, Term y, Term z, Term dz);
  Term (*dy)(Term x, Term y, Term z, Term dz);
};
} // namespace

static Term zeroLike(Term, Term, Term, Term dz) { return dz.number(0); }
static Term first(Term x, Term y, Term, Term dz) {
  return whereGreater(x, y, dz, dz.number(0));
}
static Term notFirst(Term x, Term y, Term, Term dz) {
  return whereGreater(x, y, dz.number(0), dz);
}

/// A power's logarithm is of its base where that is above zero; elsewhere the
/// exponent has no gradient.
static Term powerOfExponent(Term x, Term, Term z, Term dz) {
  Term zero = x.number(0), one = x.number(1);
  Term safe = whereGreater(x, zero, x, one);
  return dz * (whereGreater(x, zero, z, zero) * safe.apply<math::LogOp>());
}

static const llvm::StringMap<BinaryRule> &binaryRules() {
  static const BinaryRule larger = {first, notFirst},
                          smaller = {notFirst, first};
  static const llvm::StringMap<BinaryRule> rules = {
      {"arith.addf",
       {[](Term, Term, Term, Term dz) { return dz; },
        [](Term, Term, Term, Term dz) { return dz; }}},
      {"arith.subf",
       {[](Term, Term, Term, Term dz) { return dz; },
        [](Term, Term, Term, Term dz) { return -dz; }}},
      {"arith.mulf",
       {[](Term, Term y, Term, Term dz) { return dz * y; },
        [](Term x, Term, Term, Term dz) { return dz * x; }}},
      {"arith.divf",
       {[](Term, Term y, Term, Term dz) { return dz / y; },
        [](Term, Term y, Term z, Term dz) { return -(dz * (z / y)); }}},
      {"arith.maximumf", larger},
      {"arith.maxnumf", larger},
      {"arith.minimumf", smaller},
      {"arith.minnumf", smaller},
      {"math.atan2",
       {[](Term x, Term y, Term, Term dz) {
          return dz * (y / (x * x + y * y));
        },
        [](Term x, Term y, Term, Term dz) {
          return -(dz * (x / (x * x + y * y)));
        }}},
      {"math.copysign",
       {[](Term x, Term, Term z, Term dz) { return dz * (sign(x) * sign(z)); },
        zeroLike}},
      {"math.powf",
       {[](Term x, Term y, Term, Term dz) {
          return dz * (y * x.apply<math::PowFOp>(y - y.number(1)));
        },
        powerOfExponent}},
  };
  return rules;
}

/// Operations whose result does not change where the operand does a little.
static bool isStep(Operation *op) {
  return isa<math::CeilOp, math::FloorOp, math::RoundOp, math::RoundEvenOp,
             math::TruncOp>(op);
}

//===----------------------------------------------------------------------===//
// The rule of an operation
//===----------------------------------------------------------------------===//

static void pullBackSelect(arith::SelectOp op, GradientBuilder &g, Value dz) {
  Value zero = g.constant(dz, 0);
  auto choose = [&](Value yes, Value no) -> Value {
    return arith::SelectOp::create(g.builder(), g.getLoc(), op.getCondition(),
                                   yes, no);
  };
  if (g.wants(op.getTrueValue()))
    g.add(op.getTrueValue(), choose(dz, zero));
  if (g.wants(op.getFalseValue()))
    g.add(op.getFalseValue(), choose(zero, dz));
}

LogicalResult deltanet::chunk::pullBackElementwise(Operation *op,
                                                   GradientBuilder &g,
                                                   Value dz) {
  auto term = [&](Value v) { return Term{&g, g.as(v, dz)}; };
  Term result = {&g, dz};
  StringRef name = op->getName().getStringRef();
  if (isStep(op))
    return success();
  if (auto select = dyn_cast<arith::SelectOp>(op))
    return pullBackSelect(select, g, dz), success();
  if (auto fma = dyn_cast<math::FmaOp>(op)) {
    if (g.wants(fma.getA()))
      g.add(fma.getA(), (result * term(fma.getB())).v);
    if (g.wants(fma.getB()))
      g.add(fma.getB(), (result * term(fma.getA())).v);
    g.add(fma.getC(), dz);
    return success();
  }
  if (auto it = unaryRules().find(name); it != unaryRules().end()) {
    Term x = term(op->getOperand(0)), z = term(op->getResult(0));
    if (isa<math::ExpOp, math::Exp2Op, math::ExpM1Op>(op) &&
        !isFactor(op->getResult(0)))
      z = bounded(z);
    g.add(op->getOperand(0), it->second(x, z, result).v);
    return success();
  }
  auto it = binaryRules().find(name);
  if (it == binaryRules().end())
    return op->emitError("expects operations that have a derivative (docs/"
                         "Gradient.md lists them) where gradients are taken, "
                         "got '")
           << name << "'";
  Term x = term(op->getOperand(0)), y = term(op->getOperand(1)),
       z = term(op->getResult(0));
  if (g.wants(op->getOperand(0)))
    g.add(op->getOperand(0), it->second.dx(x, y, z, result).v);
  if (g.wants(op->getOperand(1)))
    g.add(op->getOperand(1), it->second.dy(x, y, z, result).v);
  return success();
}
