//===- GpuDevice.cpp - memory and time of a GPU ---------------------------===//
// See GpuDevice.h.
//===----------------------------------------------------------------------===//
#include "GpuDevice.h"
#include "deltanet/Runtime/Package.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;

bool GpuDevice::fail(const char *name, const char *what, int result) {
  session.fail(kMissing, llvm::Twine(name) + " failed: " + what + " (" +
                             llvm::Twine(result) + ")");
  return false;
}

std::unique_ptr<GpuDevice> GpuDevice::open(Session &session, int32_t number) {
  std::unique_ptr<GpuDevice> device(new GpuDevice(session));
  device->cuda = deltanet_open_cuda();
  if (!device->cuda) {
    session.fail(kMissing, deltanet_get_error());
    return nullptr;
  }
  if (!device->call("cuDeviceGet", &device->handle, number) ||
      !device->call("cuDevicePrimaryCtxRetain", &device->context,
                    device->handle) ||
      !device->call("cuCtxPushCurrent_v2", device->context) ||
      // Does not wait for the default stream.
      !device->call("cuStreamCreate", &device->stream, 1u))
    return nullptr;
  return device;
}

GpuDevice::~GpuDevice() {
  if (!context)
    return;
  void *popped;
  if (stream)
    call("cuStreamDestroy_v2", stream);
  cuda->cuCtxPopCurrent(&popped);
  cuda->cuDevicePrimaryCtxRelease(handle);
}

std::string GpuDevice::getName() const {
  char name[128] = "";
  cuda->cuDeviceGetName(name, sizeof name, handle);
  return name;
}

int64_t GpuDevice::getAttribute(int attribute) const {
  int value = 0;
  cuda->cuDeviceGetAttribute(&value, attribute, handle);
  return value;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

GpuMemory::~GpuMemory() {
  if (base)
    device.call("cuMemFree_v2", base);
}

bool GpuMemory::allocate(size_t size) {
  bytes = size;
  return device.call("cuMemAlloc_v2", &base, bytes + 2 * kGuardBytes) &&
         device.call("cuMemsetD8_v2", base, kGuard, bytes + 2 * kGuardBytes);
}

void *GpuMemory::get() const {
  return reinterpret_cast<void *>(base + kGuardBytes);
}

bool GpuMemory::write(const void *data) {
  return !bytes ||
         device.call("cuMemcpyHtoD_v2", base + kGuardBytes, data, bytes);
}

bool GpuMemory::fill(uint8_t byte) {
  return !bytes ||
         device.call("cuMemsetD8_v2", base + kGuardBytes, byte, bytes);
}

bool GpuMemory::read(void *data) {
  return !bytes ||
         device.call("cuMemcpyDtoH_v2", data, base + kGuardBytes, bytes);
}

bool GpuMemory::checkGuards(bool &intact) {
  std::vector<uint8_t> guard(kGuardBytes);
  for (deltanet_cuda_pointer at : {base, base + kGuardBytes + bytes}) {
    if (!device.call("cuMemcpyDtoH_v2", static_cast<void *>(guard.data()), at,
                     kGuardBytes))
      return false;
    intact &= llvm::all_of(guard, [](uint8_t byte) { return byte == kGuard; });
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Which device
//===----------------------------------------------------------------------===//

int deltanet::driver::checkDevice(Session &session, kernel::TargetAttr target,
                                  int32_t number) {
  std::string instead = "; without one, compile --target " +
                        target.getName().str() +
                        " --emit ptx writes the kernels, and check --target "
                        "host holds the function against the recurrence";
  const deltanet_cuda *cuda = deltanet_open_cuda();
  if (!cuda)
    return session.fail(kMissing, "expects a GPU for '" + target.getName() +
                                      "': " + deltanet_get_error() + instead);
  int count = 0;
  cuda->cuDeviceGetCount(&count);
  if (number < 0 || number >= count)
    return session.fail(kMissing, "expects --device below " +
                                      llvm::Twine(count) +
                                      ", the number of CUDA devices, got " +
                                      llvm::Twine(number));
  auto device = GpuDevice::open(session, number);
  if (!device)
    return kMissing;
  int64_t capability =
      device->getAttribute(DELTANET_CUDA_CAPABILITY_MAJOR) * 10 +
      device->getAttribute(DELTANET_CUDA_CAPABILITY_MINOR);
  int64_t needed = target.getComputeCapability();
  bool specific = llvm::isAlpha(target.getName().back());
  if (specific ? capability == needed : capability >= needed)
    return kOk;
  auto write = [](int64_t c) {
    return std::to_string(c / 10) + "." + std::to_string(c % 10);
  };
  return session.fail(kMissing,
                      "expects a GPU of compute capability " + write(needed) +
                          (specific ? "" : " or later") + " for '" +
                          target.getName() + "', device " +
                          llvm::Twine(number) + " is " + device->getName() +
                          " of " + write(capability) + instead);
}
