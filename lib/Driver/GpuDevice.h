//===- GpuDevice.h - memory and time of a GPU -------------------*- C++ -*-===//
// What running a package needs beside the runtime: memory between guards, a
// stream, events, graphs. Every failure is a diagnostic.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DRIVER_GPUDEVICE_H
#define DELTANET_LIB_DRIVER_GPUDEVICE_H

#include "Session.h"
#include "deltanet/Runtime/Cuda.h"

namespace deltanet::driver {

/// A CUDA device with its primary context current in this thread, and a stream.
class GpuDevice {
public:
  static std::unique_ptr<GpuDevice> open(Session &session, int32_t number);
  ~GpuDevice();

  std::string getName() const;
  int64_t getAttribute(int attribute) const;
  void *getStream() const { return stream; }

  /// Calls a function of the driver that need not be there in every version;
  /// false, and a diagnostic, where it is missing or fails.
  template <typename... Args> bool call(const char *name, Args... args) {
    auto function = reinterpret_cast<deltanet_cuda_result (*)(Args...)>(
        deltanet_cuda_symbol(name));
    if (!function)
      return fail(name, "the driver lacks it", -1);
    deltanet_cuda_result result = function(args...);
    return result == 0 || fail(name, deltanet_cuda_error(result), result);
  }

private:
  explicit GpuDevice(Session &session) : session(session) {}
  bool fail(const char *name, const char *what, int result);

  Session &session;
  const deltanet_cuda *cuda = nullptr;
  deltanet_cuda_device handle = 0;
  void *context = nullptr, *stream = nullptr;
};

/// Memory of a device between two guards, whose bytes nobody may change.
class GpuMemory {
public:
  explicit GpuMemory(GpuDevice &device) : device(device) {}
  GpuMemory(const GpuMemory &) = delete;
  GpuMemory(GpuMemory &&other) noexcept
      : device(other.device), base(std::exchange(other.base, 0)),
        bytes(other.bytes) {}
  ~GpuMemory();

  bool allocate(size_t size);
  void *get() const;
  size_t getSize() const { return bytes; }
  bool write(const void *data);
  bool fill(uint8_t byte);
  bool read(void *data);
  /// Sets whether the guards are as they were.
  bool checkGuards(bool &intact);

private:
  static constexpr size_t kGuardBytes = 4096;
  static constexpr uint8_t kGuard = 0xa5;

  GpuDevice &device;
  deltanet_cuda_pointer base = 0;
  size_t bytes = 0;
};

/// Whether there is a device of a chip that code for `target` runs on; says
/// what is missing, and what could be done instead, if not.
int checkDevice(Session &session, kernel::TargetAttr target, int32_t number);

} // namespace deltanet::driver

#endif // DELTANET_LIB_DRIVER_GPUDEVICE_H
