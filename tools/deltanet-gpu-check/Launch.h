//===- Launch.h - how a kernel is launched ----------------------*- C++ -*-===//
// Read from the line `// deltanet.launch {...}` that stands above a kernel in
// PTX: grid, block, shared memory, arguments in order.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TOOLS_GPU_CHECK_LAUNCH_H
#define DELTANET_TOOLS_GPU_CHECK_LAUNCH_H

#include "deltanet/Support/Float.h"
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace deltanet::gpu {

/// Sizes by name: B, T, H, G.
using Sizes = std::map<std::string, int64_t>;

struct Argument {
  enum class Role { Input, Size, Output };
  std::string name;
  Role role;
  support::FloatFormat format = support::FloatFormat::F32; // of a tensor
  std::vector<std::string> shape;                          // numbers or sizes

  std::vector<int64_t> getShape(const Sizes &sizes) const;
  int64_t getCount(const Sizes &sizes) const;
};

struct Launch {
  std::string kernel, target;
  std::vector<std::string> grid;
  int64_t block = 0, sharedBytes = 0;
  std::vector<Argument> arguments;

  /// The argument called `name`, or null.
  const Argument *find(const std::string &name) const;
};

/// `text` as a number, or the size of that name; throws std::runtime_error.
int64_t evaluate(const std::string &text, const Sizes &sizes);
int64_t getElementBytes(support::FloatFormat format);

/// The first launch described in `ptx`; throws std::runtime_error.
Launch readLaunch(const std::string &ptx);

} // namespace deltanet::gpu

#endif // DELTANET_TOOLS_GPU_CHECK_LAUNCH_H
