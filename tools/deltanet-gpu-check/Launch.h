//===- Launch.h - how kernels are launched ----------------------*- C++ -*-===//
// Read from the lines `// deltanet.launch {...}` that stand above kernels in
// PTX, in the order of their launches: grid, block, shared memory, arguments.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TOOLS_GPU_CHECK_LAUNCH_H
#define DELTANET_TOOLS_GPU_CHECK_LAUNCH_H

#include "Expression.h"
#include "Json.h"
#include "deltanet/Support/Npy.h"
#include <optional>
#include <vector>

namespace deltanet::gpu {

/// A tensor as the copy engine sees it: the parameter is not its address but a
/// description of it.
struct MapShape {
  std::vector<std::string> extents; // innermost first; expressions of sizes
  std::vector<std::string> strides; // of all but the innermost, in elements
  std::vector<std::string> box;     // what one copy takes
  int64_t swizzle = 0;              // bytes; 0: none
};

struct Argument {
  /// Workspace is memory that lives for one call.
  enum class Role { Input, Size, Output, Workspace };
  std::string name;
  Role role = Role::Input;
  support::NpyType type = support::NpyType::F32; // of a tensor
  std::vector<std::string> shape;                // expressions of sizes
  std::optional<MapShape> map;

  std::vector<int64_t> getShape(const Sizes &sizes) const;
  int64_t getBytes(const Sizes &sizes) const;
};

struct Launch {
  std::string kernel, target;
  std::vector<std::string> grid; // three expressions
  int64_t block = 0, sharedBytes = 0;
  std::vector<int64_t> cluster;    // blocks of a cluster; empty: none
  std::vector<Argument> arguments; // in the kernel's order
  /// Of a variant that serves the extents `when` alone; empty: all of them.
  std::string variant, when;
};

/// An argument as launch lines and manifests write it; throws
/// std::runtime_error, as does the function below.
Argument readArgument(const Json &json);

/// Whether `when`, `low <= high` of sizes, holds.
bool holds(const std::string &when, const Sizes &sizes);

/// The name of the variant of `launches` for these extents: the first whose
/// condition holds; empty where none does.
std::string chooseVariant(const std::vector<Launch> &launches,
                          const Sizes &sizes);

/// The launches described in `ptx`, at least one.
std::vector<Launch> readLaunches(const std::string &ptx);

} // namespace deltanet::gpu

#endif // DELTANET_TOOLS_GPU_CHECK_LAUNCH_H
