//===- Float.h - narrow floating-point formats ------------------*- C++ -*-===//
// float64 to bf16, f16 and f32 and back: round to nearest, ties to even, in one
// step (never through a third format); NaN stays NaN. Plain C++17, no LLVM.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_SUPPORT_FLOAT_H
#define DELTANET_SUPPORT_FLOAT_H

#include <cstdint>
#include <cstring>

namespace deltanet::support {

/// A floating-point format that a tensor's elements may have.
enum class FloatFormat { BF16, F16, F32, F64 };

namespace detail {
template <typename To, typename From> To bitCast(From from) {
  static_assert(sizeof(To) == sizeof(From), "a bit pattern keeps its size");
  To to;
  std::memcpy(&to, &from, sizeof(to));
  return to;
}

/// The pattern of `value` in the IEEE-like format of 16 bits or fewer with
/// `fractionBits` bits of fraction and `exponentBits` of exponent.
template <int fractionBits, int exponentBits> uint16_t encode(double value) {
  constexpr int bias = (1 << (exponentBits - 1)) - 1, minExponent = 1 - bias;
  constexpr uint64_t infinity = uint64_t((1 << exponentBits) - 1)
                                << fractionBits;
  constexpr uint64_t fractionMask = (uint64_t(1) << 52) - 1;
  uint64_t bits = bitCast<uint64_t>(value);
  uint64_t sign = bits >> 63 << (fractionBits + exponentBits);
  uint64_t fraction = bits & fractionMask;
  int exponent = static_cast<int>(bits >> 52 & 0x7ff) - 1023;
  if (exponent == 1024) {
    if (fraction == 0)
      return static_cast<uint16_t>(sign | infinity);
    // The payload's top bits and the quiet bit: a NaN never becomes infinite.
    return static_cast<uint16_t>(sign | infinity |
                                 fraction >> (52 - fractionBits) |
                                 uint64_t(1) << (fractionBits - 1));
  }
  // Below the smallest normal number the last place stands still.
  int shift =
      52 - fractionBits + (exponent < minExponent ? minExponent - exponent : 0);
  if (exponent == -1023 || shift > 53)
    return static_cast<uint16_t>(sign);
  uint64_t significand = fraction | uint64_t(1) << 52;
  uint64_t quotient = significand >> shift;
  uint64_t rest = significand & ((uint64_t(1) << shift) - 1);
  uint64_t half = uint64_t(1) << (shift - 1);
  if (rest > half || (rest == half && (quotient & 1)))
    ++quotient;
  // The leading one of a normal significand is 1 in the exponent's last place;
  // a carry out of the fraction therefore lands in the exponent, as it should.
  if (exponent >= minExponent)
    quotient += static_cast<uint64_t>(exponent - minExponent) << fractionBits;
  return static_cast<uint16_t>(sign |
                               (quotient < infinity ? quotient : infinity));
}
} // namespace detail

inline uint16_t toBF16Bits(double value) { return detail::encode<7, 8>(value); }
inline uint16_t toF16Bits(double value) { return detail::encode<10, 5>(value); }

inline float fromBF16Bits(uint16_t bits) {
  return detail::bitCast<float>(static_cast<uint32_t>(bits) << 16);
}

inline float fromF16Bits(uint16_t bits) {
  uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  uint32_t exponent = bits >> 10 & 0x1f, fraction = bits & 0x3ff;
  if (exponent == 31)
    return detail::bitCast<float>(sign | 0x7f800000u | fraction << 13);
  if (exponent != 0)
    return detail::bitCast<float>(sign | (exponent + 112) << 23 |
                                  fraction << 13);
  float magnitude = static_cast<float>(fraction) * 0x1p-24f;
  return detail::bitCast<float>(sign | detail::bitCast<uint32_t>(magnitude));
}

/// `value` rounded to `format`.
inline double roundTo(FloatFormat format, double value) {
  switch (format) {
  case FloatFormat::BF16:
    return fromBF16Bits(toBF16Bits(value));
  case FloatFormat::F16:
    return fromF16Bits(toF16Bits(value));
  case FloatFormat::F32:
    return static_cast<float>(value);
  case FloatFormat::F64:
    break;
  }
  return value;
}

} // namespace deltanet::support

#endif // DELTANET_SUPPORT_FLOAT_H
