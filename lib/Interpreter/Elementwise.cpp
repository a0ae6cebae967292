//===- Elementwise.cpp - arith and math on lanes of float64 ---------------===//
// One line an operation in the tables at the end; what it does to one element
// stands above. Integers are float64 numbers, sign-extended from their width.
//===----------------------------------------------------------------------===//
#include "Program.h"
#include "deltanet/Interpreter/Interpreter.h"
#include "deltanet/Support/Float.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringMap.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace deltanet::interpreter;
using deltanet::support::FloatFormat;

//===----------------------------------------------------------------------===//
// Floats
//===----------------------------------------------------------------------===//

template <double (*f)(double)>
static void unary(double *r, const double *const *x, int64_t lanes, int64_t) {
  for (int64_t i = 0; i != lanes; ++i)
    r[i] = f(x[0][i]);
}
template <double (*f)(double, double)>
static void binary(double *r, const double *const *x, int64_t lanes, int64_t) {
  for (int64_t i = 0; i != lanes; ++i)
    r[i] = f(x[0][i], x[1][i]);
}
template <double (*f)(double, double, double)>
static void ternary(double *r, const double *const *x, int64_t lanes, int64_t) {
  for (int64_t i = 0; i != lanes; ++i)
    r[i] = f(x[0][i], x[1][i], x[2][i]);
}
/// Truth is all ones, hence -1.
template <bool (*f)(double, double)>
static void compare(double *r, const double *const *x, int64_t lanes, int64_t) {
  for (int64_t i = 0; i != lanes; ++i)
    r[i] = f(x[0][i], x[1][i]) ? -1.0 : 0.0;
}
template <bool (*f)(double)>
static void classify(double *r, const double *const *x, int64_t lanes,
                     int64_t) {
  for (int64_t i = 0; i != lanes; ++i)
    r[i] = f(x[0][i]) ? -1.0 : 0.0;
}
static void roundLanes(double *r, const double *const *x, int64_t lanes,
                       int64_t format) {
  for (int64_t i = 0; i != lanes; ++i)
    r[i] =
        deltanet::support::roundTo(static_cast<FloatFormat>(format), x[0][i]);
}

static double add(double x, double y) { return x + y; }
static double subtract(double x, double y) { return x - y; }
static double multiply(double x, double y) { return x * y; }
static double divide(double x, double y) { return x / y; }
static double negate(double x) { return -x; }
static double reciprocalRoot(double x) { return 1 / std::sqrt(x); }
static double multiplyAdd(double x, double y, double z) { return x * y + z; }
static double select(double c, double x, double y) { return c != 0 ? x : y; }
/// A NaN wins, and +0 is above -0.
static double maximum(double x, double y) {
  if (std::isnan(x) || std::isnan(y))
    return x + y;
  return x > y || (x == y && std::signbit(y)) ? x : y;
}
static double minimum(double x, double y) { return -maximum(-x, -y); }
static double clamp(double x, double low, double high) {
  return minimum(maximum(x, low), high);
}
static bool isFinite(double x) { return std::isfinite(x); }
static bool isInfinite(double x) { return std::isinf(x); }
static bool isNotANumber(double x) { return std::isnan(x); }

static bool never(double, double) { return false; }
static bool always(double, double) { return true; }
static bool ordered(double x, double y) {
  return !std::isnan(x) && !std::isnan(y);
}
static bool unordered(double x, double y) { return !ordered(x, y); }
static bool oeq(double x, double y) { return x == y; }
static bool ogt(double x, double y) { return x > y; }
static bool oge(double x, double y) { return x >= y; }
static bool olt(double x, double y) { return x < y; }
static bool ole(double x, double y) { return x <= y; }
static bool one(double x, double y) { return x < y || x > y; }
static bool ueq(double x, double y) { return !one(x, y); }
static bool ugt(double x, double y) { return !(x <= y); }
static bool uge(double x, double y) { return !(x < y); }
static bool ult(double x, double y) { return !(x >= y); }
static bool ule(double x, double y) { return !(x > y); }
static bool une(double x, double y) { return x != y; }

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

/// What an operation without a defined result gives; nothing takes it for an
/// index.
static constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

static int64_t signExtend(int64_t x, int64_t width) {
  int64_t unused = 64 - width;
  return static_cast<int64_t>(static_cast<uint64_t>(x) << unused) >> unused;
}
static uint64_t zeroExtend(int64_t x, int64_t width) {
  return static_cast<uint64_t>(x) & ~uint64_t(0) >> (64 - width);
}

/// `f` on integers of `width` bits; nothing where it has no defined result.
template <std::optional<int64_t> (*f)(int64_t, int64_t, int64_t width)>
static void integer(double *r, const double *const *x, int64_t lanes,
                    int64_t width) {
  for (int64_t i = 0; i != lanes; ++i) {
    r[i] = kUndefined;
    if (std::isnan(x[0][i]) || std::isnan(x[1][i]))
      continue;
    if (auto y = f(static_cast<int64_t>(x[0][i]), static_cast<int64_t>(x[1][i]),
                   width))
      r[i] = static_cast<double>(signExtend(*y, width));
  }
}

using Integer = std::optional<int64_t>;
// Wrapping arithmetic is unsigned in C++.
static Integer addI(int64_t x, int64_t y, int64_t) {
  return uint64_t(x) + uint64_t(y);
}
static Integer subI(int64_t x, int64_t y, int64_t) {
  return uint64_t(x) - uint64_t(y);
}
static Integer mulI(int64_t x, int64_t y, int64_t) {
  return uint64_t(x) * uint64_t(y);
}
static Integer andI(int64_t x, int64_t y, int64_t) { return x & y; }
static Integer orI(int64_t x, int64_t y, int64_t) { return x | y; }
static Integer xorI(int64_t x, int64_t y, int64_t) { return x ^ y; }
static Integer maxSI(int64_t x, int64_t y, int64_t) { return std::max(x, y); }
static Integer minSI(int64_t x, int64_t y, int64_t) { return std::min(x, y); }
// Sign extension keeps the unsigned order.
static Integer maxUI(int64_t x, int64_t y, int64_t) {
  return std::max<uint64_t>(x, y);
}
static Integer minUI(int64_t x, int64_t y, int64_t) {
  return std::min<uint64_t>(x, y);
}
static bool divides(int64_t x, int64_t y) {
  return y != 0 && !(y == -1 && x == std::numeric_limits<int64_t>::min());
}
static Integer divSI(int64_t x, int64_t y, int64_t) {
  return divides(x, y) ? Integer(x / y) : std::nullopt;
}
static Integer remSI(int64_t x, int64_t y, int64_t) {
  return divides(x, y) ? Integer(x % y) : std::nullopt;
}
static Integer floorDivSI(int64_t x, int64_t y, int64_t) {
  if (!divides(x, y))
    return std::nullopt;
  return x / y - (x % y != 0 && (x < 0) != (y < 0));
}
static Integer ceilDivSI(int64_t x, int64_t y, int64_t) {
  if (!divides(x, y))
    return std::nullopt;
  return x / y + (x % y != 0 && (x < 0) == (y < 0));
}
static Integer divUI(int64_t x, int64_t y, int64_t width) {
  return y ? Integer(zeroExtend(x, width) / zeroExtend(y, width))
           : std::nullopt;
}
static Integer remUI(int64_t x, int64_t y, int64_t width) {
  return y ? Integer(zeroExtend(x, width) % zeroExtend(y, width))
           : std::nullopt;
}
static Integer ceilDivUI(int64_t x, int64_t y, int64_t width) {
  if (y == 0)
    return std::nullopt;
  uint64_t n = zeroExtend(x, width), d = zeroExtend(y, width);
  return n / d + (n % d != 0);
}
static Integer shlI(int64_t x, int64_t y, int64_t width) {
  return uint64_t(y) < uint64_t(width) ? Integer(uint64_t(x) << y)
                                       : std::nullopt;
}
static Integer shrSI(int64_t x, int64_t y, int64_t width) {
  return uint64_t(y) < uint64_t(width) ? Integer(x >> y) : std::nullopt;
}
static Integer shrUI(int64_t x, int64_t y, int64_t width) {
  return uint64_t(y) < uint64_t(width) ? Integer(zeroExtend(x, width) >> y)
                                       : std::nullopt;
}

static bool below(double x, double y) {
  return static_cast<uint64_t>(static_cast<int64_t>(x)) <
         static_cast<uint64_t>(static_cast<int64_t>(y));
}
static bool ultI(double x, double y) { return below(x, y); }
static bool uleI(double x, double y) { return !below(y, x); }
static bool ugtI(double x, double y) { return below(y, x); }
static bool ugeI(double x, double y) { return !below(x, y); }

static double zeroExtendLane(double x, int64_t width) {
  return std::isnan(x)
             ? x
             : static_cast<double>(zeroExtend(static_cast<int64_t>(x), width));
}
static void extendUnsigned(double *r, const double *const *x, int64_t lanes,
                           int64_t width) {
  for (int64_t i = 0; i != lanes; ++i)
    r[i] = zeroExtendLane(x[0][i], width);
}
static void truncateInteger(double *r, const double *const *x, int64_t lanes,
                            int64_t width) {
  for (int64_t i = 0; i != lanes; ++i)
    r[i] = std::isnan(x[0][i]) ? x[0][i]
                               : static_cast<double>(signExtend(
                                     static_cast<int64_t>(x[0][i]), width));
}
static void toSigned(double *r, const double *const *x, int64_t lanes,
                     int64_t width) {
  double bound = std::ldexp(1.0, static_cast<int>(width - 1));
  for (int64_t i = 0; i != lanes; ++i) {
    double whole = std::trunc(x[0][i]);
    r[i] = whole >= -bound && whole < bound ? whole + 0.0 : kUndefined;
  }
}
static void toUnsigned(double *r, const double *const *x, int64_t lanes,
                       int64_t width) {
  double bound = std::ldexp(1.0, static_cast<int>(width));
  for (int64_t i = 0; i != lanes; ++i) {
    double whole = std::trunc(x[0][i]);
    bool defined = whole >= 0 && whole < bound;
    // The upper half of the numbers are the negative ones, sign-extended.
    r[i] = !defined             ? kUndefined
           : whole >= bound / 2 ? whole - bound
                                : whole + 0.0;
  }
}
static void absInteger(double *r, const double *const *x, int64_t lanes,
                       int64_t width) {
  for (int64_t i = 0; i != lanes; ++i)
    r[i] = std::fabs(x[0][i]);
  const double *absolute = r;
  truncateInteger(r, &absolute, lanes, width);
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

namespace {
/// What an instruction takes as its immediate.
enum class Immediate { None, ResultWidth, OperandWidth, ResultFormat };
struct Entry {
  LaneFunction function;
  Immediate immediate = Immediate::None;
};
} // namespace

static const llvm::StringMap<Entry> &getTable() {
  constexpr Immediate width = Immediate::ResultWidth,
                      source = Immediate::OperandWidth;
  static const llvm::StringMap<Entry> table = {
      {"arith.addf", {binary<add>}},
      {"arith.subf", {binary<subtract>}},
      {"arith.mulf", {binary<multiply>}},
      {"arith.divf", {binary<divide>}},
      {"arith.remf", {binary<std::fmod>}},
      {"arith.negf", {unary<negate>}},
      {"arith.maximumf", {binary<maximum>}},
      {"arith.minimumf", {binary<minimum>}},
      {"arith.maxnumf", {binary<std::fmax>}},
      {"arith.minnumf", {binary<std::fmin>}},
      {"arith.select", {ternary<select>}},
      {"arith.extf", {nullptr}},
      {"arith.truncf", {roundLanes, Immediate::ResultFormat}},
      {"arith.addi", {integer<addI>, width}},
      {"arith.subi", {integer<subI>, width}},
      {"arith.muli", {integer<mulI>, width}},
      {"arith.divsi", {integer<divSI>, width}},
      {"arith.divui", {integer<divUI>, width}},
      {"arith.remsi", {integer<remSI>, width}},
      {"arith.remui", {integer<remUI>, width}},
      {"arith.ceildivsi", {integer<ceilDivSI>, width}},
      {"arith.ceildivui", {integer<ceilDivUI>, width}},
      {"arith.floordivsi", {integer<floorDivSI>, width}},
      {"arith.andi", {integer<andI>, width}},
      {"arith.ori", {integer<orI>, width}},
      {"arith.xori", {integer<xorI>, width}},
      {"arith.shli", {integer<shlI>, width}},
      {"arith.shrsi", {integer<shrSI>, width}},
      {"arith.shrui", {integer<shrUI>, width}},
      {"arith.maxsi", {integer<maxSI>, width}},
      {"arith.minsi", {integer<minSI>, width}},
      {"arith.maxui", {integer<maxUI>, width}},
      {"arith.minui", {integer<minUI>, width}},
      {"arith.extsi", {nullptr}},
      {"arith.extui", {extendUnsigned, source}},
      {"arith.trunci", {truncateInteger, width}},
      {"arith.index_cast", {truncateInteger, width}},
      {"arith.index_castui", {extendUnsigned, source}},
      {"arith.sitofp", {nullptr}},
      {"arith.uitofp", {extendUnsigned, source}},
      {"arith.fptosi", {toSigned, width}},
      {"arith.fptoui", {toUnsigned, width}},
      {"math.absf", {unary<std::fabs>}},
      {"math.absi", {absInteger, width}},
      {"math.acos", {unary<std::acos>}},
      {"math.acosh", {unary<std::acosh>}},
      {"math.asin", {unary<std::asin>}},
      {"math.asinh", {unary<std::asinh>}},
      {"math.atan", {unary<std::atan>}},
      {"math.atan2", {binary<std::atan2>}},
      {"math.atanh", {unary<std::atanh>}},
      {"math.cbrt", {unary<std::cbrt>}},
      {"math.ceil", {unary<std::ceil>}},
      {"math.clampf", {ternary<clamp>}},
      {"math.copysign", {binary<std::copysign>}},
      {"math.cos", {unary<std::cos>}},
      {"math.cosh", {unary<std::cosh>}},
      {"math.erf", {unary<std::erf>}},
      {"math.erfc", {unary<std::erfc>}},
      {"math.exp", {unary<std::exp>}},
      {"math.exp2", {unary<std::exp2>}},
      {"math.expm1", {unary<std::expm1>}},
      {"math.floor", {unary<std::floor>}},
      {"math.fma", {ternary<multiplyAdd>}},
      {"math.fpowi", {binary<std::pow>}},
      {"math.isfinite", {classify<isFinite>}},
      {"math.isinf", {classify<isInfinite>}},
      {"math.isnan", {classify<isNotANumber>}},
      {"math.log", {unary<std::log>}},
      {"math.log10", {unary<std::log10>}},
      {"math.log1p", {unary<std::log1p>}},
      {"math.log2", {unary<std::log2>}},
      {"math.powf", {binary<std::pow>}},
      {"math.round", {unary<std::round>}},
      {"math.roundeven", {unary<std::nearbyint>}},
      {"math.rsqrt", {unary<reciprocalRoot>}},
      {"math.sin", {unary<std::sin>}},
      {"math.sinh", {unary<std::sinh>}},
      {"math.sqrt", {unary<std::sqrt>}},
      {"math.tan", {unary<std::tan>}},
      {"math.tanh", {unary<std::tanh>}},
      {"math.trunc", {unary<std::trunc>}},
  };
  return table;
}

static LaneFunction getComparison(arith::CmpFPredicate predicate) {
  // In the order of the enumeration.
  static constexpr LaneFunction functions[] = {
      compare<never>, compare<oeq>, compare<ogt>,       compare<oge>,
      compare<olt>,   compare<ole>, compare<one>,       compare<ordered>,
      compare<ueq>,   compare<ugt>, compare<uge>,       compare<ult>,
      compare<ule>,   compare<une>, compare<unordered>, compare<always>};
  return functions[static_cast<int>(predicate)];
}

static LaneFunction getComparison(arith::CmpIPredicate predicate) {
  static constexpr LaneFunction functions[] = {
      compare<oeq>, compare<une>,  compare<olt>,  compare<ole>,  compare<ogt>,
      compare<oge>, compare<ultI>, compare<uleI>, compare<ugtI>, compare<ugeI>};
  return functions[static_cast<int>(predicate)];
}

//===----------------------------------------------------------------------===//
// Encoding
//===----------------------------------------------------------------------===//

static std::optional<FloatFormat> getFormat(Type type) {
  if (type.isBF16())
    return FloatFormat::BF16;
  if (type.isF16())
    return FloatFormat::F16;
  if (type.isF32())
    return FloatFormat::F32;
  if (type.isF64())
    return FloatFormat::F64;
  return std::nullopt;
}

static int64_t getWidth(Type type) {
  return type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
}

/// Numbers that a float64 stands for.
static bool isNumber(Type type) {
  return getFormat(type) || type.isIndex() ||
         (type.isInteger() && getWidth(type) <= 64);
}

bool deltanet::interpreter::isElementwise(Operation *op) {
  return isa<arith::CmpFOp, arith::CmpIOp>(op) ||
         getTable().contains(op->getName().getStringRef());
}

FailureOr<Encoding> deltanet::interpreter::encode(Operation *op) {
  if (!isElementwise(op))
    return op->emitError(
               "expects an operation that the interpreter can evaluate, got '")
           << op->getName() << "'";
  Type result = getElementTypeOrSelf(op->getResult(0).getType());
  Type operand = getElementTypeOrSelf(op->getOperand(0).getType());
  for (Type type : {result, operand})
    if (!isNumber(type))
      return op->emitOpError("expects elements of f64, f32, bf16, f16, index "
                             "or integers of at most 64 bits to evaluate it, "
                             "got ")
             << type;
  if (auto cmp = dyn_cast<arith::CmpFOp>(op))
    return Encoding{getComparison(cmp.getPredicate())};
  if (auto cmp = dyn_cast<arith::CmpIOp>(op))
    return Encoding{getComparison(cmp.getPredicate())};
  if (auto truncation = dyn_cast<arith::TruncFOp>(op))
    if (truncation.getRoundingmode().value_or(
            arith::RoundingMode::to_nearest_even) !=
        arith::RoundingMode::to_nearest_even)
      return op->emitOpError(
                 "expects rounding to nearest even to evaluate it, got ")
             << stringifyRoundingMode(*truncation.getRoundingmode());
  if (op->hasAttr(kSmoothAttr))
    return Encoding{};
  const Entry &entry = getTable().find(op->getName().getStringRef())->second;
  switch (entry.immediate) {
  case Immediate::None:
    return Encoding{entry.function};
  case Immediate::ResultWidth:
    return Encoding{entry.function, getWidth(result)};
  case Immediate::OperandWidth:
    return Encoding{entry.function, getWidth(operand)};
  case Immediate::ResultFormat:
    return Encoding{entry.function, static_cast<int64_t>(*getFormat(result))};
  }
  llvm_unreachable("every kind of immediate is handled above");
}
