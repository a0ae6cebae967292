//===- NpyHeader.h - the header of an .npy file -----------------*- C++ -*-===//
// Private to lib/Support: the Python dictionary that describes the data.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_SUPPORT_NPYHEADER_H
#define DELTANET_LIB_SUPPORT_NPYHEADER_H

#include "deltanet/Support/Npy.h"

namespace deltanet::support {

struct NpyHeader {
  std::string descr;
  bool columnMajor = false;
  std::vector<int64_t> shape;
};

/// Reads the dictionary `text`; nothing, and `error` set (without the file's
/// name), where it is not what NumPy writes.
std::optional<NpyHeader> parseNpyHeader(const std::string &text,
                                        std::string &error);

/// The shape as Python prints it: "()", "(3,)", "(3, 4)".
std::string formatShape(const std::vector<int64_t> &shape);

} // namespace deltanet::support

#endif // DELTANET_LIB_SUPPORT_NPYHEADER_H
