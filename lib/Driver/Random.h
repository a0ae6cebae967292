//===- Random.h - the same random numbers everywhere ------------*- C++ -*-===//
// One stream for a seed and a name: an argument's numbers do not depend on
// which other arguments there are, nor on the standard library.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DRIVER_RANDOM_H
#define DELTANET_LIB_DRIVER_RANDOM_H

#include <cmath>
#include <cstdint>
#include <string_view>

namespace deltanet::driver {

/// SplitMix64, and the usual distributions from it.
class Random {
public:
  Random(uint64_t seed, std::string_view name) : state(seed) {
    // FNV-1a of the name, so that equal seeds of two arguments differ.
    uint64_t hash = 0xcbf29ce484222325ull;
    for (unsigned char c : name)
      hash = (hash ^ c) * 0x100000001b3ull;
    state = next() ^ hash;
  }

  uint64_t next() {
    uint64_t z = (state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }

  /// In (0, 1), never an end.
  double uniform() { return (double(next() >> 12) + 0.5) * 0x1p-52; }
  double uniform(double low, double high) {
    return low + (high - low) * uniform();
  }

  /// Box and Muller.
  double normal() {
    if (spare) {
      spare = false;
      return saved;
    }
    constexpr double twoPi = 6.283185307179586;
    double radius = std::sqrt(-2 * std::log(uniform()));
    double angle = twoPi * uniform();
    saved = radius * std::sin(angle);
    spare = true;
    return radius * std::cos(angle);
  }

private:
  uint64_t state;
  double saved = 0;
  bool spare = false;
};

} // namespace deltanet::driver

#endif // DELTANET_LIB_DRIVER_RANDOM_H
