//===- Expression.h - numbers that follow from sizes ------------*- C++ -*-===//
// `ceildiv(T, 64) * H`: how grids and shapes are written in a launch.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TOOLS_GPU_CHECK_EXPRESSION_H
#define DELTANET_TOOLS_GPU_CHECK_EXPRESSION_H

#include <cstdint>
#include <map>
#include <string>

namespace deltanet::gpu {

/// Sizes by name: B, T, H, G, N, P.
using Sizes = std::map<std::string, int64_t>;

/// The value of `text`: whole numbers, names of sizes, + - * and / (which
/// rounds down), ceildiv(a, b), min(a, b), max(a, b), parentheses. Throws
/// std::runtime_error.
int64_t evaluate(const std::string &text, const Sizes &sizes);

} // namespace deltanet::gpu

#endif // DELTANET_TOOLS_GPU_CHECK_EXPRESSION_H
