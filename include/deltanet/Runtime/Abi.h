/*===- Abi.h - what a program and a package say to each other ------*- C
 * -*-===*/
/* Tensors are DLPack's. This file is C89 but for stdint.h and stands, as it is,
 * at the top of the header of every package. A program that has a dlpack.h of
 * its own includes that first. */
/*===----------------------------------------------------------------------===*/
#ifndef DELTANET_RUNTIME_ABI_H
#define DELTANET_RUNTIME_ABI_H

#include <stdint.h>

#if !defined(DLPACK_DLPACK_H_) && !defined(DELTANET_HAS_DLTENSOR)
#define DELTANET_HAS_DLTENSOR
/* device_type: 1 processor, 2 CUDA, 3 CUDA's pinned memory of the host,
 * 13 CUDA's managed memory */
typedef struct {
  int32_t device_type;
  int32_t device_id;
} DLDevice;
/* code: 0 signed integer, 2 float, 4 bfloat */
typedef struct {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
} DLDataType;
/* strides: in elements; NULL is row-major without gaps */
typedef struct {
  void *data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t *shape;
  int64_t *strides;
  uint64_t byte_offset;
} DLTensor;
#endif

/* How a kernel is called. NULL in its place: the default stream, no workspace,
 * the device of the tensors. */
typedef struct {
  uint32_t struct_size; /* sizeof(deltanet_call) */
  uint32_t flags;       /* 0 */
  void *stream;         /* CUstream or cudaStream_t; NULL on a processor */
  void *workspace;      /* device memory, aligned to 256 bytes */
  uint64_t workspace_bytes;
  int32_t device; /* number of a CUDA device; -1: the tensors' */
} deltanet_call;

/* What a call returns. */
enum {
  DELTANET_OK = 0,
  DELTANET_ERROR_TENSOR = 1,    /* a tensor is not what the kernel takes */
  DELTANET_ERROR_CALL = 2,      /* deltanet_call is not what it should be */
  DELTANET_ERROR_WORKSPACE = 3, /* the workspace is missing or too small */
  DELTANET_ERROR_DEVICE = 4,    /* no driver, or no code for this device */
  DELTANET_ERROR_DRIVER = 5,    /* a call of the driver failed */
  DELTANET_ERROR_MEMORY = 6,    /* no memory on the host */
  DELTANET_ERROR_PACKAGE = 7    /* the package itself is not right */
};

#endif /* DELTANET_RUNTIME_ABI_H */
