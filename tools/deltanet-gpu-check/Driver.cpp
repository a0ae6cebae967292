//===- Driver.cpp - the CUDA driver, opened at run time -------------------===//
// See Driver.h.
//===----------------------------------------------------------------------===//
#include "Driver.h"
#include <dlfcn.h>
#include <utility>

using namespace deltanet::gpu;

namespace {
using Result = int;

void *lookup(const char *name) {
  static void *library = dlopen("libcuda.so.1", RTLD_NOW);
  if (!library)
    throw NoDevice("expects NVIDIA's driver: libcuda.so.1 could not be opened");
  void *symbol = dlsym(library, name);
  if (!symbol)
    throw NoDevice(std::string("expects a newer driver: libcuda.so.1 lacks ") +
                   name);
  return symbol;
}

/// Calls a function of the driver; what fails is an exception that names it.
template <typename... Args> void call(const char *name, Args... args) {
  auto *function = reinterpret_cast<Result (*)(Args...)>(lookup(name));
  Result result = function(args...);
  if (result == 0)
    return;
  const char *text = nullptr;
  reinterpret_cast<Result (*)(Result, const char **)>(
      lookup("cuGetErrorString"))(result, &text);
  std::string message = std::string(name) +
                        " failed: " + (text ? text : "unknown error") + " (" +
                        std::to_string(result) + ")";
  if (result == 100 || result == 3) // no device, not initialised
    throw NoDevice(message);
  throw std::runtime_error(message);
}
} // namespace

std::string deltanet::gpu::openDevice() {
  call("cuInit", 0u);
  int device = 0, major = 0, minor = 0;
  char name[256] = {};
  call("cuDeviceGet", &device, 0);
  call("cuDeviceGetName", static_cast<char *>(name), 256, device);
  call("cuDeviceGetAttribute", &major, 75, device);
  call("cuDeviceGetAttribute", &minor, 76, device);
  void *context = nullptr;
  call("cuDevicePrimaryCtxRetain", &context, device);
  call("cuCtxSetCurrent", context);
  return std::string(name) + ", sm_" + std::to_string(major) +
         std::to_string(minor);
}

int64_t deltanet::gpu::getMultiprocessors() {
  int count = 0;
  call("cuDeviceGetAttribute", &count, 16, 0);
  return count;
}

TensorMap deltanet::gpu::makeTensorMap(bool isBf16, DevicePointer pointer,
                                       const std::vector<uint64_t> &extents,
                                       const std::vector<uint64_t> &strides,
                                       const std::vector<uint32_t> &box,
                                       int64_t swizzle) {
  // Of cuda.h: CU_TENSOR_MAP_DATA_TYPE_FLOAT16 and BFLOAT16, SWIZZLE_NONE and
  // 128B, L2_PROMOTION_L2_256B; no interleave, zeros outside.
  constexpr int kF16 = 6, kBF16 = 9, kSwizzle128 = 3, kPromotion256 = 3;
  if (swizzle != 0 && swizzle != 128)
    throw std::runtime_error("expects a swizzle of 0 or 128 bytes, got " +
                             std::to_string(swizzle));
  std::vector<uint32_t> steps(extents.size(), 1);
  TensorMap map;
  call("cuTensorMapEncodeTiled", &map, isBf16 ? kBF16 : kF16,
       static_cast<uint32_t>(extents.size()), reinterpret_cast<void *>(pointer),
       extents.data(), strides.data(), box.data(),
       static_cast<const uint32_t *>(steps.data()), 0,
       swizzle ? kSwizzle128 : 0, kPromotion256, 0);
  return map;
}

void deltanet::gpu::synchronize() { call("cuCtxSynchronize"); }

Memory::Memory(size_t bytes, unsigned char guard) : bytes(bytes), guard(guard) {
  call("cuMemAlloc_v2", &base, bytes + 2 * kGuard);
  call("cuMemsetD8_v2", base, guard, bytes + 2 * kGuard);
}

Memory::Memory(Memory &&other) noexcept
    : base(std::exchange(other.base, 0)), bytes(other.bytes),
      guard(other.guard) {}

Memory::~Memory() {
  if (base)
    reinterpret_cast<Result (*)(DevicePointer)>(lookup("cuMemFree_v2"))(base);
}

void Memory::write(const void *data) {
  if (bytes)
    call("cuMemcpyHtoD_v2", get(), data, bytes);
}
void Memory::fill(unsigned char byte) {
  if (bytes)
    call("cuMemsetD8_v2", get(), byte, bytes);
}

std::vector<unsigned char> Memory::read() const {
  std::vector<unsigned char> data(bytes);
  if (bytes)
    call("cuMemcpyDtoH_v2", static_cast<void *>(data.data()), get(), bytes);
  return data;
}

bool Memory::isIntact() const {
  std::vector<unsigned char> found(kGuard);
  for (DevicePointer at : {base, base + kGuard + bytes}) {
    call("cuMemcpyDtoH_v2", static_cast<void *>(found.data()), at, kGuard);
    for (unsigned char byte : found)
      if (byte != guard)
        return false;
  }
  return true;
}

Module::Module(const std::string &code) {
  std::vector<char> log(1 << 16);
  int options[] = {5, 6}; // error log and its size
  void *values[] = {log.data(), reinterpret_cast<void *>(log.size())};
  try {
    call("cuModuleLoadDataEx", &module, static_cast<const void *>(code.c_str()),
         2u, static_cast<int *>(options), static_cast<void **>(values));
  } catch (const NoDevice &) {
    throw;
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(error.what() + std::string("\n") + log.data());
  }
}

Module::Module(Module &&other) noexcept
    : module(std::exchange(other.module, nullptr)) {}

Module::~Module() {
  if (module)
    reinterpret_cast<Result (*)(void *)>(lookup("cuModuleUnload"))(module);
}

Kernel::Kernel(void *module, const std::string &name, int64_t sharedBytes)
    : sharedBytes(sharedBytes) {
  call("cuModuleGetFunction", &function, module, name.c_str());
  call("cuFuncSetAttribute", function, 8,
       static_cast<int>(sharedBytes)); // dynamic shared memory
  call("cuFuncGetAttribute", &registers, 4, function);
  call("cuFuncGetAttribute", &localBytes, 3, function);
}

namespace {
// Of cuLaunchKernelEx.
struct LaunchAttribute {
  unsigned id, padding, value[16];
};
struct LaunchConfig {
  unsigned grid[3], block[3], sharedBytes;
  void *stream;
  LaunchAttribute *attributes;
  unsigned numAttributes;
};
constexpr unsigned kClusterDimension = 4;
} // namespace

void Kernel::launch(const int64_t grid[3], int64_t block,
                    const std::vector<int64_t> &cluster,
                    std::vector<void *> &parameters) {
  if (grid[0] == 0 || grid[1] == 0 || grid[2] == 0)
    return;
  auto u = [](int64_t v) { return static_cast<unsigned>(v); };
  if (cluster.empty())
    return call("cuLaunchKernel", function, u(grid[0]), u(grid[1]), u(grid[2]),
                u(block), 1u, 1u, u(sharedBytes), static_cast<void *>(nullptr),
                parameters.data(), static_cast<void **>(nullptr));
  LaunchAttribute attribute = {
      kClusterDimension, 0, {u(cluster[0]), u(cluster[1]), u(cluster[2])}};
  LaunchConfig config = {{u(grid[0]), u(grid[1]), u(grid[2])},
                         {u(block), 1, 1},
                         u(sharedBytes),
                         nullptr,
                         &attribute,
                         1};
  call("cuLaunchKernelEx", static_cast<const LaunchConfig *>(&config), function,
       parameters.data(), static_cast<void **>(nullptr));
}

Timer::Timer() {
  call("cuEventCreate", &first, 0u);
  call("cuEventCreate", &last, 0u);
}

Timer::~Timer() {
  for (void *event : {first, last})
    reinterpret_cast<Result (*)(void *)>(lookup("cuEventDestroy_v2"))(event);
}

void Timer::start() {
  call("cuEventRecord", first, static_cast<void *>(nullptr));
}

float Timer::stop() {
  float milliseconds = 0;
  call("cuEventRecord", last, static_cast<void *>(nullptr));
  call("cuEventSynchronize", last);
  call("cuEventElapsedTime", &milliseconds, first, last);
  return milliseconds;
}
