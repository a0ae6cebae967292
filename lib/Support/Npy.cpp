//===- Npy.cpp - tensors in .npy files ------------------------------------===//
// Prologue, data and conversion; the dictionary between them is NpyHeader.cpp.
// Every length in a file is checked against the file before it is believed.
//===----------------------------------------------------------------------===//
#include "deltanet/Support/Npy.h"
#include "NpyHeader.h"
#include "deltanet/Support/Float.h"
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

using namespace deltanet;
using namespace deltanet::support;

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "elements are used as the file has them, little endian");

static constexpr char kMagic[] = "\x93NUMPY";
static constexpr size_t kMagicSize = 6;

int64_t support::getSize(NpyType type) {
  switch (type) {
  case NpyType::BF16:
  case NpyType::F16:
    return 2;
  case NpyType::F32:
  case NpyType::I32:
    return 4;
  case NpyType::F64:
  case NpyType::I64:
    break;
  }
  return 8;
}

const char *support::getName(NpyType type) {
  switch (type) {
  case NpyType::BF16:
    return "bf16";
  case NpyType::F16:
    return "f16";
  case NpyType::F32:
    return "f32";
  case NpyType::F64:
    return "f64";
  case NpyType::I32:
    return "i32";
  case NpyType::I64:
    break;
  }
  return "i64";
}

int64_t NpyArray::getNumElements() const {
  // Zero first: the product of the other extents may be beyond int64_t.
  if (std::find(shape.begin(), shape.end(), 0) != shape.end())
    return 0;
  return std::accumulate(shape.begin(), shape.end(), int64_t(1),
                         std::multiplies<int64_t>());
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

static std::optional<NpyType> findType(const std::string &descr) {
  static const struct {
    const char *descr;
    NpyType type;
  } types[] = {{"<f4", NpyType::F32},  {"<f8", NpyType::F64},
               {"<f2", NpyType::F16},  {"<i4", NpyType::I32},
               {"<i8", NpyType::I64},  {"<u2", NpyType::BF16},
               {"<V2", NpyType::BF16}, {"|V2", NpyType::BF16},
               {"V2", NpyType::BF16},  {"bfloat16", NpyType::BF16}};
  for (const auto &entry : types)
    if (descr == entry.descr)
      return entry.type;
  return std::nullopt;
}

/// The dictionary of the file `contents`, and in `data` where its data begin.
static std::optional<NpyHeader> readHeader(const std::string &contents,
                                           size_t &data, std::string &error) {
  if (contents.compare(0, kMagicSize, kMagic, kMagicSize) != 0) {
    static const char digits[] = "0123456789abcdef";
    error = "expects an .npy file, which begins with 93 4e 55 4d 50 59, got ";
    for (size_t i = 0; i != kMagicSize && i != contents.size(); ++i) {
      unsigned char byte = static_cast<unsigned char>(contents[i]);
      error +=
          std::string(i ? " " : "") + digits[byte >> 4] + digits[byte & 15];
    }
    error += contents.empty() ? "an empty file" : "";
    return std::nullopt;
  }
  auto byteAt = [&](size_t i) -> size_t {
    return static_cast<unsigned char>(contents[i]);
  };
  size_t major = contents.size() > kMagicSize ? byteAt(kMagicSize) : 1;
  if (major < 1 || major > 3) {
    error = "expects version 1, 2 or 3 of the .npy format, got " +
            std::to_string(major);
    return std::nullopt;
  }
  size_t lengthSize = major == 1 ? 2 : 4, start = kMagicSize + 2 + lengthSize,
         length = 0;
  if (contents.size() < start) {
    error = "expects " + std::to_string(start) +
            " bytes before the header, got " + std::to_string(contents.size());
    return std::nullopt;
  }
  for (size_t i = 0; i != lengthSize; ++i)
    length |= byteAt(kMagicSize + 2 + i) << (8 * i);
  if (contents.size() - start < length) {
    error = "expects a header of " + std::to_string(length) + " bytes, got " +
            std::to_string(contents.size() - start);
    return std::nullopt;
  }
  data = start + length;
  return parseNpyHeader(contents.substr(start, length), error);
}

/// The bytes that `array` has by its shape, if they can be counted.
static std::optional<int64_t> countBytes(const NpyArray &array) {
  int64_t bytes = getSize(array.type);
  if (std::find(array.shape.begin(), array.shape.end(), 0) != array.shape.end())
    return 0;
  for (int64_t extent : array.shape) {
    if (bytes > std::numeric_limits<int64_t>::max() / extent)
      return std::nullopt;
    bytes *= extent;
  }
  return bytes;
}

/// Copies column-major `from` to row-major `to`.
static void transpose(const NpyArray &array, const char *from, uint8_t *to) {
  size_t rank = array.shape.size(),
         size = static_cast<size_t>(getSize(array.type));
  std::vector<int64_t> index(rank, 0), stride(rank, 1);
  for (size_t d = 1; d < rank; ++d)
    stride[d] = stride[d - 1] * array.shape[d - 1];
  int64_t offset = 0, count = array.getNumElements();
  for (int64_t i = 0; i != count; ++i) {
    std::memcpy(to + static_cast<size_t>(i) * size,
                from + static_cast<size_t>(offset) * size, size);
    for (size_t d = rank; d-- != 0;) {
      offset += stride[d];
      if (++index[d] != array.shape[d])
        break;
      offset -= stride[d] * array.shape[d];
      index[d] = 0;
    }
  }
}

static std::optional<NpyArray> parse(const std::string &contents,
                                     std::string &error) {
  size_t data = 0;
  std::optional<NpyHeader> header = readHeader(contents, data, error);
  if (!header)
    return std::nullopt;
  std::optional<NpyType> type = findType(header->descr);
  if (!type) {
    error = "expects elements of f2, f4, f8, i4, i8, u2 or V2 (bfloat16), "
            "little endian, got \"" +
            header->descr + "\"";
    return std::nullopt;
  }
  NpyArray array;
  array.type = *type;
  array.shape = header->shape;
  std::optional<int64_t> bytes = countBytes(array);
  if (!bytes) {
    error = "expects fewer than 2^63 bytes of data, got shape " +
            formatShape(array.shape) + " of " + getName(*type);
    return std::nullopt;
  }
  if (contents.size() - data != static_cast<size_t>(*bytes)) {
    error = "expects " + std::to_string(*bytes) + " bytes of data for shape " +
            formatShape(array.shape) + " of " + getName(*type) + ", got " +
            std::to_string(contents.size() - data);
    return std::nullopt;
  }
  const char *from = contents.data() + data;
  if (!header->columnMajor || array.shape.size() < 2) {
    array.bytes.assign(from, from + *bytes);
    return array;
  }
  array.bytes.resize(static_cast<size_t>(*bytes));
  transpose(array, from, array.bytes.data());
  return array;
}

std::optional<NpyArray> support::parseNpy(const std::string &contents,
                                          const std::string &name,
                                          std::string &error) {
  std::optional<NpyArray> array = parse(contents, error);
  if (!array)
    error = name + ": " + error;
  return array;
}

std::optional<NpyArray> support::readNpy(const std::string &path,
                                         std::string &error) {
  std::optional<std::string> contents = readFile(path, error);
  if (!contents)
    return std::nullopt;
  return parseNpy(*contents, path, error);
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

std::string support::serializeNpy(const NpyArray &array) {
  static const char *const descr[] = {"<V2", "<f2", "<f4", "<f8", "<i4", "<i8"};
  std::string header =
      std::string("{'descr': '") + descr[static_cast<int>(array.type)] +
      "', 'fortran_order': False, 'shape': " + formatShape(array.shape) + ", }";
  // NumPy ends the header with a line feed and begins data at a multiple of 64.
  constexpr size_t prologue = kMagicSize + 4, alignment = 64;
  size_t length =
      (prologue + header.size() + 1 + alignment - 1) / alignment * alignment -
      prologue;
  header.resize(length - 1, ' ');
  std::string contents(kMagic, kMagicSize);
  contents += {'\1', '\0', static_cast<char>(length & 0xff),
               static_cast<char>(length >> 8)};
  contents += header + '\n';
  contents.append(reinterpret_cast<const char *>(array.bytes.data()),
                  array.bytes.size());
  return contents;
}

bool support::writeNpy(const std::string &path, const NpyArray &array,
                       std::string &error) {
  std::string contents = serializeNpy(array);
  return writeFile(path, contents.data(), contents.size(), error);
}

//===----------------------------------------------------------------------===//
// Conversion
//===----------------------------------------------------------------------===//

template <typename T, typename Convert>
static void decode(const NpyArray &array, std::vector<double> &values,
                   Convert convert) {
  for (size_t i = 0; i != values.size(); ++i) {
    T element;
    std::memcpy(&element, array.bytes.data() + i * sizeof(T), sizeof(T));
    values[i] = static_cast<double>(convert(element));
  }
}

std::vector<double> support::toDoubles(const NpyArray &array) {
  std::vector<double> values(static_cast<size_t>(array.getNumElements()));
  auto same = [](auto element) { return element; };
  switch (array.type) {
  case NpyType::BF16:
    decode<uint16_t>(array, values, fromBF16Bits);
    break;
  case NpyType::F16:
    decode<uint16_t>(array, values, fromF16Bits);
    break;
  case NpyType::F32:
    decode<float>(array, values, same);
    break;
  case NpyType::F64:
    decode<double>(array, values, same);
    break;
  case NpyType::I32:
    decode<int32_t>(array, values, same);
    break;
  case NpyType::I64:
    decode<int64_t>(array, values, same);
    break;
  }
  return values;
}

/// The integer nearest to `value`, ties to even; NaN becomes 0.
template <typename T> static T toInteger(double value) {
  value = std::nearbyint(value);
  // The lower bound is a power of two, hence exact; so is one past the upper
  // one.
  constexpr double low = static_cast<double>(std::numeric_limits<T>::min());
  if (std::isnan(value))
    return 0;
  if (value < low)
    return std::numeric_limits<T>::min();
  return value >= -low ? std::numeric_limits<T>::max() : static_cast<T>(value);
}

template <typename T, typename Convert>
static void encode(const double *values, NpyArray &array, Convert convert) {
  for (size_t i = 0; i != array.bytes.size() / sizeof(T); ++i) {
    T element = convert(values[i]);
    std::memcpy(array.bytes.data() + i * sizeof(T), &element, sizeof(T));
  }
}

NpyArray support::fromDoubles(NpyType type, std::vector<int64_t> shape,
                              const double *values) {
  NpyArray array;
  array.type = type;
  array.shape = std::move(shape);
  array.bytes.resize(
      static_cast<size_t>(array.getNumElements() * getSize(type)));
  switch (type) {
  case NpyType::BF16:
    encode<uint16_t>(values, array, toBF16Bits);
    break;
  case NpyType::F16:
    encode<uint16_t>(values, array, toF16Bits);
    break;
  case NpyType::F32:
    encode<float>(values, array,
                  [](double x) { return static_cast<float>(x); });
    break;
  case NpyType::F64:
    encode<double>(values, array, [](double x) { return x; });
    break;
  case NpyType::I32:
    encode<int32_t>(values, array, toInteger<int32_t>);
    break;
  case NpyType::I64:
    encode<int64_t>(values, array, toInteger<int64_t>);
    break;
  }
  return array;
}
