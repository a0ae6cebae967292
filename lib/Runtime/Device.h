/*===- Device.h - a package on one GPU -----------------------------*- C
 * -*-===*/
#ifndef DELTANET_LIB_RUNTIME_DEVICE_H
#define DELTANET_LIB_RUNTIME_DEVICE_H

#include "Manifest.h"
#include "Tensors.h"

/* Code of a package on one device. */
typedef struct LoadedDevice LoadedDevice;

/* Chooses the target for device number `device` and loads its code. */
int32_t deltanet_load_device(const Manifest *manifest,
                             const deltanet_package *package, int32_t device,
                             LoadedDevice **loaded);
void deltanet_unload_device(LoadedDevice *loaded);
const TargetInfo *deltanet_loaded_target(const LoadedDevice *loaded);

/* Bytes of workspace that a call needs. */
int32_t deltanet_count_workspace(const Manifest *manifest,
                                 const LoadedDevice *loaded,
                                 const Operands *operands, int64_t *bytes);
/* Puts the kernels into the stream of `call`, which may be NULL. */
int32_t deltanet_launch(const Manifest *manifest, const LoadedDevice *loaded,
                        const deltanet_call *call, const Operands *operands);

#endif /* DELTANET_LIB_RUNTIME_DEVICE_H */
