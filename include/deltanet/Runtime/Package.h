/*===- Package.h - loads a package and runs it ---------------------*- C
 * -*-===*/
/* The half of a package that is the same for all of them. A package is its
 * manifest (JSON, docs/Embed.md), the binaries that the manifest counts, and,
 * for a processor, a function. Code that deltanet generates makes one of them
 * and calls these functions; so does the tool, for a package in memory. C99,
 * needs the C library and, for a GPU, the driver, which is opened when it is
 * first used. */
/*===----------------------------------------------------------------------===*/
#ifndef DELTANET_RUNTIME_PACKAGE_H
#define DELTANET_RUNTIME_PACKAGE_H

#include "deltanet/Runtime/Abi.h"
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of this file's structs; generated code states the one that it was made for.
 */
enum { DELTANET_PACKAGE_VERSION = 1 };

typedef struct {
  const void *data;
  uint64_t bytes;
} deltanet_blob;

typedef struct {
  uint32_t version;
  uint32_t num_blobs;
  const char *manifest; /* ends in a zero that is not counted */
  uint64_t manifest_bytes;
  const deltanet_blob *blobs;
  /* Takes a descriptor (base, data, offset, extents, strides) for every
   * argument; NULL where there is no code for a processor. */
  void (*host)(void **descriptors);
  void *state; /* the runtime's; NULL at first */
} deltanet_package;

/* P_run, P_workspace, P_load and P_unload of a package. `tensors` are those of
 * the arguments in the order of the manifest. */
int32_t deltanet_run_package(deltanet_package *package,
                             const deltanet_call *call,
                             const DLTensor *const *tensors, int32_t count);
int32_t deltanet_measure_package(deltanet_package *package,
                                 const DLTensor *const *tensors, int32_t count,
                                 uint64_t *bytes);
int32_t deltanet_load_package(deltanet_package *package, int32_t device);
int32_t deltanet_unload_package(deltanet_package *package);
/* Unloads, and frees what the runtime has of the package. */
void deltanet_close_package(deltanet_package *package);

/* The name of the target in use on a device that is loaded; else NULL. */
const char *deltanet_get_target(deltanet_package *package, int32_t device);

/* What was wrong with the last call of this thread that failed; "" after one
 * that went well. */
const char *deltanet_get_error(void);

#ifdef __cplusplus
}
#endif

#endif /* DELTANET_RUNTIME_PACKAGE_H */
