//===- File.h - whole files -------------------------------------*- C++ -*-===//
// Reads a file at once; writes one so that nobody ever sees half of it. Plain
// C++17 on POSIX, no LLVM.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_SUPPORT_FILE_H
#define DELTANET_SUPPORT_FILE_H

#include <cstddef>
#include <optional>
#include <string>

namespace deltanet::support {

/// The bytes of the file at `path`; nothing, and `error` set, where it cannot
/// be read. The message begins with the path.
std::optional<std::string> readFile(const std::string &path,
                                    std::string &error);

/// Puts `size` bytes into the file at `path`: into a file beside it first,
/// which then takes its place in one step. False, and `error` set, where that
/// fails; what was at `path` is then still there.
bool writeFile(const std::string &path, const void *bytes, size_t size,
               std::string &error);

} // namespace deltanet::support

#endif // DELTANET_SUPPORT_FILE_H
