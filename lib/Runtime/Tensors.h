/*===- Tensors.h - the tensors of a call, checked ------------------*- C
 * -*-===*/
#ifndef DELTANET_LIB_RUNTIME_TENSORS_H
#define DELTANET_LIB_RUNTIME_TENSORS_H

#include "Manifest.h"

/* DLPack's numbers. */
enum { kDLCPU = 1, kDLCUDA = 2, kDLCUDAHost = 3, kDLCUDAManaged = 13 };

/* What the tensors of a call say. */
typedef struct {
  const DLTensor *const *tensors;
  int isGPU;
  int device; /* of a GPU */
  int64_t sizes[kMaxSizes];
  unsigned char known[kMaxSizes];
} Operands;

/* Checks types, ranks, shapes against each other, strides and devices; with
 * `data` also where the tensors are. Fills `operands`, or notes the error. */
int32_t deltanet_check_tensors(const Manifest *manifest,
                               const DLTensor *const *tensors, int32_t count,
                               int data, Operands *operands);

/* The first byte of a tensor. */
void *deltanet_tensor_data(const DLTensor *tensor);

#endif /* DELTANET_LIB_RUNTIME_TENSORS_H */
