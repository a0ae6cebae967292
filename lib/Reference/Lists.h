//===- Lists.h - offsets of sequences, entries of a pool --------*- C++ -*-===//
// Checks that all recurrences have in common. Each returns what is wrong, in
// words, or null.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_REFERENCE_LISTS_H
#define DELTANET_LIB_REFERENCE_LISTS_H

#include <cstdint>
#include <optional>
#include <string>

namespace deltanet::reference {

/// `offsets` are of `count` sequences in a batch of `batch` with `tokens` tokens.
std::optional<std::string> checkOffsets(const int64_t *offsets, int64_t count,
                                        int64_t batch, int64_t tokens);

/// `indices` are `count` different entries of a pool of `entries` states.
std::optional<std::string> checkIndices(const int64_t *indices, int64_t count,
                                        int64_t entries, bool hasPool);

} // namespace deltanet::reference

#endif // DELTANET_LIB_REFERENCE_LISTS_H
