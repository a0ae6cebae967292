//===- Driver.h - the CUDA driver, opened at run time -----------*- C++ -*-===//
// The few calls that running a kernel needs, from libcuda.so.1; no header or
// library of CUDA. Every failure becomes a sentence.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TOOLS_GPU_CHECK_DRIVER_H
#define DELTANET_TOOLS_GPU_CHECK_DRIVER_H

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace deltanet::gpu {

/// There is no driver or no device.
struct NoDevice : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using DevicePointer = unsigned long long;

/// Memory of the device between two guards, whose bytes nobody may change.
class Memory {
public:
  explicit Memory(size_t bytes);
  ~Memory();
  Memory(const Memory &) = delete;
  Memory(Memory &&other) noexcept;

  DevicePointer get() const { return base + kGuard; }
  size_t size() const { return bytes; }
  void write(const void *data);
  void fill(unsigned char byte);
  std::vector<unsigned char> read() const;
  /// Whether the guards are as they were.
  bool isIntact() const;

private:
  static constexpr size_t kGuard = 4096;
  DevicePointer base = 0;
  size_t bytes = 0;
};

/// A module with one kernel.
class Kernel {
public:
  Kernel(const std::string &code, const std::string &name, int64_t sharedBytes);
  ~Kernel();
  Kernel(const Kernel &) = delete;

  /// Launches and does not wait.
  void launch(const int64_t grid[3], int64_t block,
              std::vector<void *> &parameters);
  int getRegisters() const { return registers; }
  int getLocalBytes() const { return localBytes; }

private:
  void *module = nullptr, *function = nullptr;
  int64_t sharedBytes;
  int registers = 0, localBytes = 0;
};

/// Times what is between start() and stop() on the device, in milliseconds.
class Timer {
public:
  Timer();
  ~Timer();
  void start();
  float stop();

private:
  void *first = nullptr, *last = nullptr;
};

/// Opens the driver and the first device; its name and architecture.
std::string openDevice();
void synchronize();

} // namespace deltanet::gpu

#endif // DELTANET_TOOLS_GPU_CHECK_DRIVER_H
