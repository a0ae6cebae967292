/*===- Cuda.h - the CUDA driver, opened at run time ----------------*- C
 * -*-===*/
/* The functions of libcuda that are used, by their signatures; no header or
 * library of CUDA. DELTANET_LIBCUDA of the environment names the library where
 * it is not libcuda.so.1. */
/*===----------------------------------------------------------------------===*/
#ifndef DELTANET_RUNTIME_CUDA_H
#define DELTANET_RUNTIME_CUDA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int deltanet_cuda_result; /* 0 is success */
typedef int deltanet_cuda_device;
typedef unsigned long long deltanet_cuda_pointer;

/* Of CUdevice_attribute and CUfunction_attribute. */
enum {
  DELTANET_CUDA_MULTIPROCESSORS = 16,
  DELTANET_CUDA_MEMORY_KILOHERTZ = 36,
  DELTANET_CUDA_MEMORY_BITS = 37,
  DELTANET_CUDA_L2_BYTES = 38,
  DELTANET_CUDA_CAPABILITY_MAJOR = 75,
  DELTANET_CUDA_CAPABILITY_MINOR = 76,
  DELTANET_CUDA_SHARED_BYTES_PER_BLOCK = 97,
  DELTANET_CUDA_FUNCTION_LOCAL_BYTES = 3,
  DELTANET_CUDA_FUNCTION_REGISTERS = 4,
  DELTANET_CUDA_FUNCTION_DYNAMIC_SHARED_BYTES = 8
};

/* CUlaunchAttribute and CUlaunchConfig. */
typedef struct {
  int id; /* 4: extents of a cluster */
  char pad[4];
  union {
    char bytes[64];
    unsigned cluster[3];
  } value;
} deltanet_cuda_launch_attribute;

typedef struct {
  unsigned grid[3], block[3], shared_bytes;
  void *stream;
  deltanet_cuda_launch_attribute *attributes;
  unsigned num_attributes;
} deltanet_cuda_launch_config;

/* CUtensorMap, and what cuda.h calls the numbers that describe one. */
typedef struct {
  uint64_t words[16];
} __attribute__((aligned(64))) deltanet_cuda_tensor_map;
enum {
  DELTANET_CUDA_MAP_F16 = 6,
  DELTANET_CUDA_MAP_F32 = 7,
  DELTANET_CUDA_MAP_BF16 = 9,
  DELTANET_CUDA_MAP_SWIZZLE_128 = 3,
  DELTANET_CUDA_MAP_PROMOTE_256 = 3
};

/* Those marked optional may be NULL: drivers before CUDA 12 lack them. */
typedef struct {
  deltanet_cuda_result (*cuInit)(unsigned);
  deltanet_cuda_result (*cuDriverGetVersion)(int *);
  deltanet_cuda_result (*cuDeviceGet)(deltanet_cuda_device *, int);
  deltanet_cuda_result (*cuDeviceGetCount)(int *);
  deltanet_cuda_result (*cuDeviceGetName)(char *, int, deltanet_cuda_device);
  deltanet_cuda_result (*cuDeviceGetAttribute)(int *, int,
                                               deltanet_cuda_device);
  deltanet_cuda_result (*cuDevicePrimaryCtxRetain)(void **,
                                                   deltanet_cuda_device);
  deltanet_cuda_result (*cuDevicePrimaryCtxRelease)(deltanet_cuda_device);
  deltanet_cuda_result (*cuCtxGetCurrent)(void **);
  deltanet_cuda_result (*cuCtxGetDevice)(deltanet_cuda_device *);
  deltanet_cuda_result (*cuCtxPushCurrent)(void *);
  deltanet_cuda_result (*cuCtxPopCurrent)(void **);
  deltanet_cuda_result (*cuGetErrorString)(deltanet_cuda_result, const char **);
  deltanet_cuda_result (*cuModuleLoadDataEx)(void **, const void *, unsigned,
                                             int *, void **);
  deltanet_cuda_result (*cuModuleUnload)(void *);
  deltanet_cuda_result (*cuModuleGetFunction)(void **, void *, const char *);
  deltanet_cuda_result (*cuFuncSetAttribute)(void *, int, int);
  deltanet_cuda_result (*cuFuncGetAttribute)(int *, int, void *);
  deltanet_cuda_result (*cuLaunchKernel)(void *, unsigned, unsigned, unsigned,
                                         unsigned, unsigned, unsigned, unsigned,
                                         void *, void **, void **);
  /* optional */
  deltanet_cuda_result (*cuLaunchKernelEx)(const deltanet_cuda_launch_config *,
                                           void *, void **, void **);
  deltanet_cuda_result (*cuLibraryLoadData)(void **, const void *, int *,
                                            void **, unsigned, int *, void **,
                                            unsigned);
  deltanet_cuda_result (*cuLibraryUnload)(void *);
  deltanet_cuda_result (*cuLibraryGetKernel)(void **, void *, const char *);
  deltanet_cuda_result (*cuKernelGetFunction)(void **, void *);
  deltanet_cuda_result (*cuKernelSetAttribute)(int, int, void *,
                                               deltanet_cuda_device);
  deltanet_cuda_result (*cuThreadExchangeStreamCaptureMode)(int *);
  deltanet_cuda_result (*cuTensorMapEncodeTiled)(
      deltanet_cuda_tensor_map *, int type, uint32_t rank, void *address,
      const uint64_t *extents, const uint64_t *strideBytes, const uint32_t *box,
      const uint32_t *steps, int interleave, int swizzle, int promotion,
      int outside);
} deltanet_cuda;

/* The driver, opened and initialised by whoever asks first; NULL, and the last
 * error of the thread set, where there is none. */
const deltanet_cuda *deltanet_open_cuda(void);
/* Any other function of the driver, once it is open; NULL where it lacks it. */
void *deltanet_cuda_symbol(const char *name);
/* What the driver says of a result. */
const char *deltanet_cuda_error(deltanet_cuda_result result);

#ifdef __cplusplus
}
#endif

#endif /* DELTANET_RUNTIME_CUDA_H */
