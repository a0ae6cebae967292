/*===- Load.c - code on a device ------------------------------------------===*/
/* Which target suits a device, and how its code gets there. */
/*===----------------------------------------------------------------------===*/
#include "Load.h"
#include "Error.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The driver asks for an attribute above this. */
enum { kSharedBytesOfAll = 48 * 1024, kMaxTargets = 64 };
/* CU_STREAM_CAPTURE_MODE_RELAXED: loading is allowed while a stream of this
 * thread is captured. */
enum { kRelaxedCapture = 2 };
/* Of CUjit_option. */
enum { kJitErrorLog = 5, kJitErrorLogBytes = 6 };

/* Whether code of this kind for `target` runs on a chip of `capability`: PTX on
 * what is as new or newer, machine code within a generation, code for one chip
 * on that chip. */
static int suits(const TargetInfo *target, BinaryKind kind,
                 int64_t capability) {
  if (target->specific)
    return target->capability == capability;
  if (target->capability > capability)
    return 0;
  return kind == kPTX || target->capability / 10 == capability / 10;
}

/* Targets that may suit, the best first: the newest, of equals the specific. */
static int rankTargets(const Manifest *manifest, int64_t capability,
                       const TargetInfo **ranked) {
  int count = 0;
  for (int i = 0; i < manifest->numTargets && count < kMaxTargets; ++i) {
    const TargetInfo *target = &manifest->targets[i];
    if (!target->isGPU || !suits(target, kPTX, capability))
      continue;
    int at = count++;
    for (; at > 0; --at) {
      const TargetInfo *before = ranked[at - 1];
      if (before->capability > target->capability ||
          (before->capability == target->capability &&
           before->specific >= target->specific))
        break;
      ranked[at] = before;
    }
    ranked[at] = target;
  }
  return count;
}

/* What a driver says, kept for the case that nothing else works. */
static void note(char *why, size_t bytes, const char *target, const char *kind,
                 deltanet_cuda_result result, const char *log) {
  size_t used = strlen(why);
  snprintf(why + used, bytes - used, "%s%s as %s: %s (%d)%s%.120s",
           used ? "; " : "", target, kind, deltanet_cuda_error(result), result,
           *log ? ", " : "", log);
}

static deltanet_cuda_result loadCode(const deltanet_cuda *cuda,
                                     const void *code, char *log,
                                     size_t logBytes, LoadedDevice *loaded) {
  int options[] = {kJitErrorLog, kJitErrorLogBytes};
  void *values[] = {log, (void *)(uintptr_t)logBytes};
  log[0] = 0;
  if (cuda->cuLibraryLoadData && cuda->cuLibraryUnload &&
      cuda->cuLibraryGetKernel && cuda->cuKernelGetFunction &&
      cuda->cuKernelSetAttribute)
    return cuda->cuLibraryLoadData(&loaded->library, code, options, values, 2,
                                   NULL, NULL, 0);
  return cuda->cuModuleLoadDataEx(&loaded->module, code, 2, options, values);
}

static void dropCode(const deltanet_cuda *cuda, LoadedDevice *loaded) {
  if (loaded->library)
    cuda->cuLibraryUnload(loaded->library);
  if (loaded->module)
    cuda->cuModuleUnload(loaded->module);
  loaded->library = loaded->module = NULL;
}

/* Finds the kernels in what is loaded and gives them their shared memory. */
static deltanet_cuda_result findKernels(const deltanet_cuda *cuda,
                                        LoadedDevice *loaded) {
  const TargetInfo *target = loaded->target;
  for (int i = 0; i < target->numKernels; ++i) {
    const KernelInfo *kernel = &target->kernels[i];
    deltanet_cuda_result result;
    if (loaded->library) {
      result = cuda->cuLibraryGetKernel(&loaded->kernels[i], loaded->library,
                                        kernel->name);
      if (!result && kernel->shared > kSharedBytesOfAll)
        result = cuda->cuKernelSetAttribute(
            DELTANET_CUDA_FUNCTION_DYNAMIC_SHARED_BYTES, (int)kernel->shared,
            loaded->kernels[i], loaded->handle);
      /* Loads it into the primary context now, not at its first launch. */
      if (!result)
        result = cuda->cuKernelGetFunction(&loaded->functions[i],
                                           loaded->kernels[i]);
    } else {
      result = cuda->cuModuleGetFunction(&loaded->functions[i], loaded->module,
                                         kernel->name);
      if (!result && kernel->shared > kSharedBytesOfAll)
        result = cuda->cuFuncSetAttribute(
            loaded->functions[i], DELTANET_CUDA_FUNCTION_DYNAMIC_SHARED_BYTES,
            (int)kernel->shared);
    }
    if (result)
      return result;
  }
  return 0;
}

/* Whether the device has what the kernels of `target` need. */
static int hasRoom(const deltanet_cuda *cuda, const TargetInfo *target,
                   deltanet_cuda_device device, char *why, size_t bytes) {
  int shared = 0;
  if (cuda->cuDeviceGetAttribute(&shared, DELTANET_CUDA_SHARED_BYTES_PER_BLOCK,
                                 device))
    return 1; /* the driver will say */
  for (int i = 0; i < target->numKernels; ++i) {
    size_t used = strlen(why);
    if (target->kernels[i].cluster[0] && !cuda->cuLaunchKernelEx) {
      snprintf(why + used, bytes - used,
               "%s%s needs a driver that launches clusters", used ? "; " : "",
               target->name);
      return 0;
    }
    if (target->kernels[i].numMaps && !cuda->cuTensorMapEncodeTiled) {
      snprintf(why + used, bytes - used,
               "%s%s needs a driver that makes tensor maps", used ? "; " : "",
               target->name);
      return 0;
    }
    if (target->kernels[i].shared <= shared)
      continue;
    snprintf(why + used, bytes - used,
             "%s%s needs %lld bytes of shared memory a block, there are %d",
             used ? "; " : "", target->name,
             (long long)target->kernels[i].shared, shared);
    return 0;
  }
  return 1;
}

static int loadTarget(const deltanet_cuda *cuda, const TargetInfo *target,
                      const deltanet_package *package, int64_t capability,
                      LoadedDevice *loaded, char *why, size_t bytes) {
  char log[512];
  if (!hasRoom(cuda, target, loaded->handle, why, bytes))
    return 0;
  loaded->target = target;
  static const BinaryKind kinds[] = {kCubin, kPTX};
  for (int k = 0; k < 2; ++k)
    for (int i = 0; i < target->numBinaries; ++i) {
      const Binary *binary = &target->binaries[i];
      if (binary->kind != kinds[k] || !suits(target, kinds[k], capability))
        continue;
      deltanet_cuda_result result = loadCode(
          cuda, package->blobs[binary->blob].data, log, sizeof log, loaded);
      if (!result)
        result = findKernels(cuda, loaded);
      if (!result)
        return 1;
      dropCode(cuda, loaded);
      note(why, bytes, target->name, kinds[k] == kCubin ? "cubin" : "PTX",
           result, log);
    }
  return 0;
}

/* Says that no target suits, with what there is and what was tried. */
static int32_t refuse(const Manifest *manifest, const deltanet_cuda *cuda,
                      int32_t device, deltanet_cuda_device handle,
                      int64_t capability, const char *why) {
  char name[96] = "", targets[160] = "";
  cuda->cuDeviceGetName(name, sizeof name, handle);
  for (int i = 0; i < manifest->numTargets; ++i)
    if (manifest->targets[i].isGPU) {
      size_t used = strlen(targets);
      snprintf(targets + used, sizeof targets - used, "%s%s", used ? ", " : "",
               manifest->targets[i].name);
    }
  return deltanet_fail(
      DELTANET_ERROR_DEVICE,
      "'%s' expects a device that its code for %s runs on; device %d is %s of "
      "compute capability %lld.%lld%s%s",
      manifest->name, *targets ? targets : "no GPU", device, name,
      (long long)capability / 10, (long long)capability % 10, *why ? ": " : "",
      why);
}

static int32_t loadCurrent(const Manifest *manifest,
                           const deltanet_package *package,
                           const deltanet_cuda *cuda, int32_t device,
                           LoadedDevice *loaded) {
  int major = 0, minor = 0;
  char why[512] = "";
  const TargetInfo *ranked[kMaxTargets];
  cuda->cuDeviceGetAttribute(&major, DELTANET_CUDA_CAPABILITY_MAJOR,
                             loaded->handle);
  cuda->cuDeviceGetAttribute(&minor, DELTANET_CUDA_CAPABILITY_MINOR,
                             loaded->handle);
  cuda->cuDeviceGetAttribute(&loaded->multiprocessors,
                             DELTANET_CUDA_MULTIPROCESSORS, loaded->handle);
  int64_t capability = major * 10 + minor;
  int count = rankTargets(manifest, capability, ranked);
  for (int i = 0; i < count; ++i)
    if (loadTarget(cuda, ranked[i], package, capability, loaded, why,
                   sizeof why))
      return DELTANET_OK;
  return refuse(manifest, cuda, device, loaded->handle, capability, why);
}

int32_t deltanet_load_device(const Manifest *manifest,
                             const deltanet_package *package, int32_t device,
                             LoadedDevice **result) {
  const deltanet_cuda *cuda = deltanet_open_cuda();
  if (!cuda)
    return DELTANET_ERROR_DEVICE;
  int count = 0;
  cuda->cuDeviceGetCount(&count);
  if (device < 0 || device >= count)
    return deltanet_fail(DELTANET_ERROR_DEVICE,
                         "expects the number of one of %d CUDA devices, got %d",
                         count, device);
  LoadedDevice *loaded = calloc(1, sizeof *loaded);
  if (!loaded)
    return deltanet_fail(DELTANET_ERROR_MEMORY, "no memory to load a package");
  deltanet_cuda_result error = cuda->cuDeviceGet(&loaded->handle, device);
  if (!error)
    error = cuda->cuDevicePrimaryCtxRetain(&loaded->primary, loaded->handle);
  if (error) {
    free(loaded);
    return deltanet_fail(DELTANET_ERROR_DRIVER,
                         "CUDA device %d cannot be used: %s (%d)", device,
                         deltanet_cuda_error(error), error);
  }
  int mode = kRelaxedCapture;
  if (cuda->cuThreadExchangeStreamCaptureMode)
    cuda->cuThreadExchangeStreamCaptureMode(&mode);
  int32_t code;
  error = cuda->cuCtxPushCurrent(loaded->primary);
  if (error) {
    code =
        deltanet_fail(DELTANET_ERROR_DRIVER,
                      "the context of CUDA device %d cannot be used: %s (%d)",
                      device, deltanet_cuda_error(error), error);
  } else {
    void *popped;
    code = loadCurrent(manifest, package, cuda, device, loaded);
    cuda->cuCtxPopCurrent(&popped);
  }
  if (cuda->cuThreadExchangeStreamCaptureMode)
    cuda->cuThreadExchangeStreamCaptureMode(&mode);
  if (code) {
    cuda->cuDevicePrimaryCtxRelease(loaded->handle);
    free(loaded);
    return code;
  }
  *result = loaded;
  return DELTANET_OK;
}

void deltanet_unload_device(LoadedDevice *loaded) {
  const deltanet_cuda *cuda = loaded ? deltanet_open_cuda() : NULL;
  if (cuda) {
    /* At the end of a process the driver may be gone; it says so, and there is
     * nothing left to free then. */
    void *popped;
    if (cuda->cuCtxPushCurrent(loaded->primary) == 0) {
      dropCode(cuda, loaded);
      cuda->cuCtxPopCurrent(&popped);
    }
    cuda->cuDevicePrimaryCtxRelease(loaded->handle);
  }
  free(loaded);
}

const TargetInfo *deltanet_loaded_target(const LoadedDevice *loaded) {
  return loaded->target;
}
