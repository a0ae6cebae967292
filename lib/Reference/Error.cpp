//===- Error.cpp - how far a result is from the reference -----------------===//
// Norms in which an element that is not finite can never hide: it is counted,
// and it fails the comparison unless the reference has the very same there.
//===----------------------------------------------------------------------===//
#include "deltanet/Reference/Reference.h"
#include <cmath>
#include <limits>

using namespace deltanet;
using namespace deltanet::reference;

namespace {
/// The Euclidean norm of a sequence of numbers without overflow or underflow:
/// the sum of squares is kept relative to the largest magnitude.
class Norm {
public:
  void add(double x) {
    x = std::fabs(x);
    if (x == 0)
      return;
    if (x > largest) {
      sum = sum * (largest / x) * (largest / x) + 1;
      largest = x;
    } else {
      sum += (x / largest) * (x / largest);
    }
  }
  /// this / other, 0/0 being no error at all.
  double over(const Norm &other) const {
    if (largest == 0)
      return 0;
    if (other.largest == 0)
      return std::numeric_limits<double>::infinity();
    return largest / other.largest * std::sqrt(sum / other.sum);
  }

private:
  double largest = 0, sum = 0;
};
} // namespace

Error reference::measureError(const double *got, const double *want,
                              int64_t count) {
  Error error;
  Norm difference, magnitude;
  for (int64_t i = 0; i != count; ++i) {
    bool gotFinite = std::isfinite(got[i]), wantFinite = std::isfinite(want[i]);
    error.nonFinite += !gotFinite;
    if (!gotFinite || !wantFinite) {
      bool same =
          got[i] == want[i] || (std::isnan(got[i]) && std::isnan(want[i]));
      error.mismatched += !same;
      if (wantFinite)
        magnitude.add(want[i]);
      continue;
    }
    double d = std::fabs(got[i] - want[i]);
    difference.add(d);
    magnitude.add(want[i]);
    if (d > error.maxAbsolute || error.maxAbsoluteIndex < 0) {
      error.maxAbsolute = d;
      error.maxAbsoluteIndex = i;
    }
  }
  error.relative = difference.over(magnitude);
  return error;
}

double reference::measureRounding(const double *want, int64_t count,
                                  support::FloatFormat format) {
  Norm difference, magnitude;
  for (int64_t i = 0; i != count; ++i) {
    double rounded = support::roundTo(format, want[i]);
    // What overflows the format has no rounding error to speak of.
    if (!std::isfinite(want[i]) || !std::isfinite(rounded))
      continue;
    difference.add(rounded - want[i]);
    magnitude.add(want[i]);
  }
  return difference.over(magnitude);
}
