//===- Program.h - what can be run on the device ----------------*- C++ -*-===//
// A function of tensors, whatever it was loaded from: PTX with launch lines, or
// a package through its C ABI.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TOOLS_GPU_CHECK_PROGRAM_H
#define DELTANET_TOOLS_GPU_CHECK_PROGRAM_H

#include "Driver.h"
#include "Launch.h"
#include <memory>

namespace deltanet::gpu {

/// Device memory by the name of an argument.
using Pointers = std::map<std::string, DevicePointer>;

class Program {
public:
  virtual ~Program() = default;

  /// Inputs and outputs; neither sizes nor workspace.
  const std::vector<Argument> &getTensors() const { return tensors; }
  /// The tensor called `name`, or null.
  const Argument *find(const std::string &name) const;

  /// Bytes of the workspaces of a call, by name.
  virtual std::map<std::string, int64_t> getWorkspaces(const Pointers &pointers,
                                                       const Sizes &sizes) = 0;
  /// Queues a call and does not wait; `pointers` has tensors and workspaces.
  virtual void run(const Pointers &pointers, const Sizes &sizes) = 0;
  /// What calls of one schedule have in common: bits may differ between others,
  /// also between the variants of one program.
  virtual std::string getSchedule(const Sizes &sizes) const = 0;
  /// Kernels, registers, memory: for people.
  virtual std::string describe() const = 0;

protected:
  std::vector<Argument> tensors;
};

/// Loads `path`: PTX (with a cubin in place of its code where `code` is not
/// empty), or a package where it ends in .so. Throws std::runtime_error.
std::unique_ptr<Program> loadProgram(const std::string &path,
                                     const std::string &code = {});
/// One for PTX, one for a package.
std::unique_ptr<Program> loadPtx(const std::string &path,
                                 const std::string &code);
std::unique_ptr<Program> loadPackage(const std::string &path);

/// The contents of a file; throws std::runtime_error.
std::string readText(const std::string &path);

} // namespace deltanet::gpu

#endif // DELTANET_TOOLS_GPU_CHECK_PROGRAM_H
