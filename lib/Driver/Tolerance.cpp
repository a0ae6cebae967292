//===- Tolerance.cpp - how near a result must be --------------------------===//
// One place for the bars that the tool and its tests hold results to.
//===----------------------------------------------------------------------===//
#include "Tolerance.h"
#include "deltanet/Reference/Reference.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;
using support::FloatFormat;

/// Products of f32 operands with f32 sums, over thousands of tokens.
static constexpr double kF32 = 2e-6;
/// A state sums over all of its sequence; a gate's error grows with its sum.
static constexpr double kGatedF32State = 1e-5;
/// Operands of products rounded to 8 and to 11 bits.
static constexpr double kBF16Products = 4.5e-3, kF16Products = 1e-3;
/// What a result stored in 16 bits may add to its rounding.
static constexpr double kRoundingFactor = 1.1;
/// Gradients: longer chains of products, and what is rounded on the way, by the
/// function itself too, is rounded in the forward and in the backward pass.
static constexpr double kF32Gradient = 1e-4, kBF16Gradient = 2e-2,
                        kF16Gradient = 2.5e-3;

/// The error of rounding `want`. Where the function rounds for itself, `want`
/// is rounded already and a result is off by a last place here and there;
/// numbers of its size that are not rounded stand in for it.
static double estimateRounding(ArrayRef<double> want, FloatFormat format) {
  double rounding =
      reference::measureRounding(want.data(), want.size(), format);
  if (rounding > 0)
    return rounding;
  constexpr double root = 1.4142135623730951;
  std::vector<double> scaled(want.begin(), want.end());
  for (double &value : scaled)
    value *= root;
  return reference::measureRounding(scaled.data(), scaled.size(), format);
}

double deltanet::driver::chooseTolerance(Type elementType, ResultRole role,
                                         kernel::ScheduleAttr schedule,
                                         ArrayRef<double> want) {
  double tolerance = role.finalState && role.gated ? kGatedF32State : kF32;
  if (schedule.getProducts().isBF16())
    tolerance = kBF16Products;
  else if (schedule.getProducts().isF16())
    tolerance = kF16Products;
  if (!elementType.isBF16() && !elementType.isF16())
    return tolerance;
  return std::max(tolerance,
                  kRoundingFactor *
                      estimateRounding(want, elementType.isBF16()
                                                 ? FloatFormat::BF16
                                                 : FloatFormat::F16));
}

double deltanet::driver::chooseGradientTolerance(
    func::FuncOp function, unsigned argument, kernel::ScheduleAttr schedule) {
  bool bf16 = schedule.getProducts().isBF16(),
       f16 = schedule.getProducts().isF16();
  auto visit = [&](Type type) {
    bf16 |= getElementTypeOrSelf(type).isBF16();
    f16 |= getElementTypeOrSelf(type).isF16();
  };
  visit(function.getArgumentTypes()[argument]);
  // Arguments are what they are; what is computed of them is rounded.
  function.walk(
      [&](Operation *op) { llvm::for_each(op->getResultTypes(), visit); });
  return bf16 ? kBF16Gradient : f16 ? kF16Gradient : kF32Gradient;
}
