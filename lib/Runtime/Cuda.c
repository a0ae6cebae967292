/*===- Cuda.c - the CUDA driver, opened at run time -----------------------===*/
/* See Cuda.h. */
/*===----------------------------------------------------------------------===*/
#include "deltanet/Runtime/Cuda.h"
#include "Error.h"
#include "deltanet/Runtime/Abi.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static deltanet_cuda driver;
static void *library;
static pthread_once_t once = PTHREAD_ONCE_INIT;
/* Why there is no driver; empty where there is one. */
static char failure[256];

static const struct {
  const char *name;
  size_t offset;
  int optional;
} functions[] = {
#define REQUIRED(field, name) {name, offsetof(deltanet_cuda, field), 0}
#define OPTIONAL(field) {#field, offsetof(deltanet_cuda, field), 1}
    REQUIRED(cuInit, "cuInit"),
    REQUIRED(cuDriverGetVersion, "cuDriverGetVersion"),
    REQUIRED(cuDeviceGet, "cuDeviceGet"),
    REQUIRED(cuDeviceGetCount, "cuDeviceGetCount"),
    REQUIRED(cuDeviceGetName, "cuDeviceGetName"),
    REQUIRED(cuDeviceGetAttribute, "cuDeviceGetAttribute"),
    REQUIRED(cuDevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain"),
    REQUIRED(cuDevicePrimaryCtxRelease, "cuDevicePrimaryCtxRelease_v2"),
    REQUIRED(cuCtxGetCurrent, "cuCtxGetCurrent"),
    REQUIRED(cuCtxGetDevice, "cuCtxGetDevice"),
    REQUIRED(cuCtxPushCurrent, "cuCtxPushCurrent_v2"),
    REQUIRED(cuCtxPopCurrent, "cuCtxPopCurrent_v2"),
    REQUIRED(cuGetErrorString, "cuGetErrorString"),
    REQUIRED(cuModuleLoadDataEx, "cuModuleLoadDataEx"),
    REQUIRED(cuModuleUnload, "cuModuleUnload"),
    REQUIRED(cuModuleGetFunction, "cuModuleGetFunction"),
    REQUIRED(cuFuncSetAttribute, "cuFuncSetAttribute"),
    REQUIRED(cuFuncGetAttribute, "cuFuncGetAttribute"),
    REQUIRED(cuLaunchKernel, "cuLaunchKernel"),
    OPTIONAL(cuLaunchKernelEx),
    OPTIONAL(cuLibraryLoadData),
    OPTIONAL(cuLibraryUnload),
    OPTIONAL(cuLibraryGetKernel),
    OPTIONAL(cuKernelGetFunction),
    OPTIONAL(cuKernelSetAttribute),
    OPTIONAL(cuThreadExchangeStreamCaptureMode),
    OPTIONAL(cuTensorMapEncodeTiled),
};

const char *deltanet_cuda_error(deltanet_cuda_result result) {
  const char *text = NULL;
  if (driver.cuGetErrorString)
    driver.cuGetErrorString(result, &text);
  return text ? text : "unknown error";
}

static void openDriver(void) {
  const char *name = getenv("DELTANET_LIBCUDA");
  if (!name || !*name)
    name = "libcuda.so.1";
  library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    snprintf(failure, sizeof failure,
             "expects NVIDIA's driver, but %.100s cannot be opened", name);
    return;
  }
  for (size_t i = 0; i < sizeof functions / sizeof *functions; ++i) {
    void *symbol = dlsym(library, functions[i].name);
    if (!symbol && !functions[i].optional) {
      snprintf(failure, sizeof failure,
               "expects a newer NVIDIA driver: %.100s lacks %s", name,
               functions[i].name);
      return;
    }
    memcpy((char *)&driver + functions[i].offset, &symbol, sizeof symbol);
  }
  deltanet_cuda_result result = driver.cuInit(0);
  if (result)
    snprintf(failure, sizeof failure,
             "expects a CUDA device, but the driver says: %.160s (%d)",
             deltanet_cuda_error(result), result);
}

const deltanet_cuda *deltanet_open_cuda(void) {
  pthread_once(&once, openDriver);
  if (!failure[0])
    return &driver;
  deltanet_fail(DELTANET_ERROR_DEVICE, "%s", failure);
  return NULL;
}

void *deltanet_cuda_symbol(const char *name) {
  return library ? dlsym(library, name) : NULL;
}
