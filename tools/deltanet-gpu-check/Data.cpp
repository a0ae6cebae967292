//===- Data.cpp - inputs of a case ----------------------------------------===//
// See Data.h. Numbers come from a hash of their place, so that every core can
// make its part.
//===----------------------------------------------------------------------===//
#include "Data.h"
#include <cmath>
#include <cstring>
#include <functional>
#include <stdexcept>

using namespace deltanet;
using namespace deltanet::gpu;
using support::FloatFormat;

static uint64_t hash(uint64_t seed, uint64_t index) {
  uint64_t x = seed * 0x9e3779b97f4a7c15u + index * 0xbf58476d1ce4e5b9u +
               0x94d049bb133111ebu;
  for (int i = 0; i != 2; ++i) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    x ^= x >> 31;
  }
  return x;
}

/// In (0, 1).
static double uniform(uint64_t seed, uint64_t index) {
  return ((hash(seed, index) >> 12) + 0.5) * 0x1p-52;
}

/// About normal, of variance 1: four uniform numbers.
static double normal(uint64_t seed, uint64_t index) {
  uint64_t bits = hash(seed, index);
  double sum = 0;
  for (int i = 0; i != 4; ++i)
    sum += (bits >> 16 * i & 0xffff) * 0x1p-16 + 0x1p-17 - 0.5;
  return sum * std::sqrt(3.0);
}

Case deltanet::gpu::readCase(const std::string &text) {
  Case c;
  c.text = text;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find(',', at), text.size()),
           equal = text.find('=', at);
    if (equal == std::string::npos || equal > end)
      throw std::runtime_error("expects NAME=VALUE, got '" +
                               text.substr(at, end - at) + "'");
    std::string name = text.substr(at, equal - at),
                value = text.substr(equal + 1, end - equal - 1);
    char *rest = nullptr;
    double number = std::strtod(value.c_str(), &rest);
    bool isNumber = !value.empty() && *rest == '\0';
    if (name == "keys" && value == "same")
      c.sameKeys = true;
    else if (name == "state" && (value == "vk" || value == "kv"))
      c.stateVK = value == "vk";
    else if (!isNumber)
      throw std::runtime_error("expects a number for '" + name + "', got '" +
                               value + "'");
    else if (name == "B" || name == "T" || name == "H" || name == "G")
      c.sizes[name] = static_cast<int64_t>(number);
    else if (name == "seed")
      c.seed = static_cast<uint64_t>(number);
    else if (name == "decay")
      c.decay = number;
    else if (name == "resets")
      c.resets = number;
    else if (name == "beta")
      c.beta = number;
    else if (name == "tol")
      c.tolerance = number;
    else if (name == "units")
      c.units = static_cast<int64_t>(number);
    else
      throw std::runtime_error(
          "expects B, T, H, G, seed, decay, resets, beta, keys, state, tol or "
          "units, got '" +
          name + "'");
    at = end + 1;
  }
  for (const char *name : {"B", "T", "H"})
    if (!c.sizes.count(name))
      throw std::runtime_error(std::string("expects a size ") + name + " in '" +
                               text + "'");
  c.sizes.emplace("G", c.sizes["H"]);
  return c;
}

static void writeElement(std::vector<unsigned char> &data, FloatFormat format,
                         int64_t index, double value) {
  if (format == FloatFormat::F32) {
    float narrow = static_cast<float>(value);
    std::memcpy(&data[index * 4], &narrow, 4);
    return;
  }
  uint16_t bits = format == FloatFormat::BF16 ? support::toBF16Bits(value)
                                              : support::toF16Bits(value);
  std::memcpy(&data[index * 2], &bits, 2);
}

double deltanet::gpu::readElement(const std::vector<unsigned char> &data,
                                  FloatFormat format, int64_t index) {
  if (format == FloatFormat::F32) {
    float value;
    std::memcpy(&value, &data[index * 4], 4);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, &data[index * 2], 2);
  return format == FloatFormat::BF16 ? support::fromBF16Bits(bits)
                                     : support::fromF16Bits(bits);
}

std::vector<unsigned char> deltanet::gpu::makeInput(const Argument &argument,
                                                    const Case &c) {
  int64_t count = argument.getCount(c.sizes),
          width = argument.getShape(c.sizes).back();
  std::vector<unsigned char> data(count * getElementBytes(argument.format));
  uint64_t seed = hash(c.seed, std::hash<std::string>()(argument.name));
  std::vector<double> key;
  if (argument.name == "k" && c.sameKeys)
    for (int64_t i = 0; i != width; ++i)
      key.push_back(normal(seed, i));
  bool gate = argument.name == "decay", rate = argument.name == "beta";
  bool numbers =
      gate || rate || argument.name == "delta" || argument.name == "a";
  int64_t rows = numbers ? count : count / width,
          columns = count / std::max<int64_t>(rows, 1);
  parallelFor(rows, [&](int64_t row) {
    if (gate) {
      double g = -c.decay * uniform(seed, row);
      if (uniform(seed + 1, row) < c.resets)
        g = -2e4; // below the floor, which counts as the floor
      return writeElement(data, argument.format, row, g);
    }
    if (argument.name == "delta")
      return writeElement(data, argument.format, row,
                          0.001 + 0.2 * uniform(seed, row));
    if (argument.name == "a")
      return writeElement(data, argument.format, row, -4 * uniform(seed, row));
    if (rate)
      return writeElement(data, argument.format, row,
                          c.beta >= 0 ? c.beta : uniform(seed, row));
    auto value = [&](int64_t i) {
      return key.empty() ? normal(seed, row * columns + i) : key[i];
    };
    double scale = 1;
    if (argument.name == "k") {
      double length2 = 0;
      for (int64_t i = 0; i != columns; ++i)
        length2 += value(i) * value(i);
      scale = 1 / std::sqrt(length2);
    }
    for (int64_t i = 0; i != columns; ++i)
      writeElement(data, argument.format, row * columns + i, scale * value(i));
  });
  return data;
}
