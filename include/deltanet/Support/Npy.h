//===- Npy.h - tensors in .npy files ----------------------------*- C++ -*-===//
// NumPy's file format, versions 1 to 3, for the element types a tensor of ours
// may have. Plain C++17, no LLVM.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_SUPPORT_NPY_H
#define DELTANET_SUPPORT_NPY_H

#include "deltanet/Support/File.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace deltanet::support {

/// Element types. NumPy has no bfloat16: it is read from V2 (what ml_dtypes
/// writes) and from u2 (bit patterns), and written as V2.
enum class NpyType { BF16, F16, F32, F64, I32, I64 };

int64_t getSize(NpyType type);
const char *getName(NpyType type); ///< bf16, f16, f32, f64, i32, i64

/// A tensor as a file holds it: elements in row-major order, little endian.
struct NpyArray {
  NpyType type = NpyType::F32;
  std::vector<int64_t> shape;
  std::vector<uint8_t> bytes;

  int64_t getNumElements() const;
};

/// Reads the file at `path`, or says in `error` what is wrong with it: the
/// path, the rule, the fact. Data in column-major order is brought into
/// row-major.
std::optional<NpyArray> readNpy(const std::string &path, std::string &error);

/// The same for the contents of a file; `name` stands for it in messages.
std::optional<NpyArray> parseNpy(const std::string &contents,
                                 const std::string &name, std::string &error);

/// Writes version 1, row-major, in one step (see writeFile).
bool writeNpy(const std::string &path, const NpyArray &array,
              std::string &error);
std::string serializeNpy(const NpyArray &array);

/// Between the bytes of a tensor and float64; rounds to nearest, ties to even.
/// (i64 beyond 2^53 loses its last bits; out of range becomes the nearest
/// value.)
std::vector<double> toDoubles(const NpyArray &array);
NpyArray fromDoubles(NpyType type, std::vector<int64_t> shape,
                     const double *values);

} // namespace deltanet::support

#endif // DELTANET_SUPPORT_NPY_H
