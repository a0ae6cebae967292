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
  /// `guard` is what the guards are filled with: around an input it is NaN, so
  /// that a read beyond the end shows.
  explicit Memory(size_t bytes, unsigned char guard = 0xa5);
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
  unsigned char guard;
};

/// A tensor map, as a kernel takes it by value.
struct alignas(64) TensorMap {
  unsigned char bytes[128];
};

/// Describes a tensor of 16-bit elements (bf16 or not) at `pointer`: extents,
/// strides in bytes of all dimensions but the first, the box of one copy.
TensorMap makeTensorMap(bool isBf16, DevicePointer pointer,
                        const std::vector<uint64_t> &extents,
                        const std::vector<uint64_t> &strides,
                        const std::vector<uint32_t> &box, int64_t swizzle);

/// One kernel of a module.
class Kernel {
public:
  Kernel(void *module, const std::string &name, int64_t sharedBytes);

  /// Queues a launch, of clusters where `cluster` is not empty. A grid with a
  /// zero holds no block: nothing is launched.
  void launch(const int64_t grid[3], int64_t block,
              const std::vector<int64_t> &cluster,
              std::vector<void *> &parameters);
  int getRegisters() const { return registers; }
  int getLocalBytes() const { return localBytes; }
  int64_t getSharedBytes() const { return sharedBytes; }

private:
  void *function = nullptr;
  int64_t sharedBytes;
  int registers = 0, localBytes = 0;
};

/// Code that is loaded: PTX, a cubin or a fatbin.
class Module {
public:
  explicit Module(const std::string &code);
  ~Module();
  Module(const Module &) = delete;
  Module(Module &&other) noexcept;
  void *get() const { return module; }

private:
  void *module = nullptr;
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
/// Multiprocessors of the device: what `M` is in a grid.
int64_t getMultiprocessors();
/// Waits for all that is queued.
void synchronize();

} // namespace deltanet::gpu

#endif // DELTANET_TOOLS_GPU_CHECK_DRIVER_H
