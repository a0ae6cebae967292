/*===- Load.h - code on a device -----------------------------------*- C
 * -*-===*/
#ifndef DELTANET_LIB_RUNTIME_LOAD_H
#define DELTANET_LIB_RUNTIME_LOAD_H

#include "Device.h"
#include "deltanet/Runtime/Cuda.h"

struct LoadedDevice {
  const TargetInfo *target;
  deltanet_cuda_device handle;
  int multiprocessors;
  void *primary; /* the device's primary context, kept while this lives */
  /* The code: a library, which works in every context of the device, or, with
   * drivers that have none, a module of the primary context. */
  void *library, *module;
  void *kernels[kMaxKernels];   /* of the library */
  void *functions[kMaxKernels]; /* in the primary context */
};

#endif /* DELTANET_LIB_RUNTIME_LOAD_H */
