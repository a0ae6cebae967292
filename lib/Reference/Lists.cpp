//===- Lists.cpp - offsets of sequences, entries of a pool ----------------===//
// See Lists.h.
//===----------------------------------------------------------------------===//
#include "Lists.h"
#include <algorithm>
#include <vector>

using namespace deltanet;

std::optional<std::string> reference::checkOffsets(const int64_t *offsets,
                                                   int64_t count, int64_t batch,
                                                   int64_t tokens) {
  if (batch != 1)
    return "expects a batch of 1 with packed sequences, got " +
           std::to_string(batch);
  if (count < 1)
    return "expects at least 2 offsets of packed sequences, got " +
           std::to_string(count + 1);
  auto at = [&](int64_t i) {
    return std::to_string(offsets[i]) + " at entry " + std::to_string(i);
  };
  if (offsets[0] != 0)
    return "expects offsets of packed sequences to begin with 0, got " + at(0);
  for (int64_t i = 0; i != count; ++i)
    if (offsets[i + 1] < offsets[i])
      return "expects offsets of packed sequences that do not fall, got " +
             at(i) + " and " + at(i + 1);
  if (offsets[count] != tokens)
    return "expects offsets of packed sequences to end with the number of "
           "tokens " +
           std::to_string(tokens) + ", got " + at(count);
  return std::nullopt;
}

std::optional<std::string> reference::checkIndices(const int64_t *indices,
                                                   int64_t count,
                                                   int64_t entries,
                                                   bool hasPool) {
  if (!hasPool && entries > 0)
    return "expects indices only with an initial state, the pool that they are "
           "of";
  std::vector<int64_t> user(std::max<int64_t>(0, entries), -1);
  for (int64_t n = 0; n != count; ++n) {
    int64_t entry = indices[n];
    if (entry < 0 || entry >= entries)
      return "expects indices of a pool of " + std::to_string(entries) +
             " states, got " + std::to_string(entry) + " at entry " +
             std::to_string(n);
    if (user[entry] >= 0)
      return "expects an entry of the pool for every sequence, got " +
             std::to_string(entry) + " at entries " +
             std::to_string(user[entry]) + " and " + std::to_string(n);
    user[entry] = n;
  }
  return std::nullopt;
}
