//===- SumKernel.h - the kernel of a sum of whole tensors -------*- C++ -*-===//
#ifndef DELTANET_LIB_CONVERSION_CHUNKTOTILE_SUMKERNEL_H
#define DELTANET_LIB_CONVERSION_CHUNKTOTILE_SUMKERNEL_H

#include "KernelSignature.h"

namespace deltanet {

/// Builds the kernel of `sum` at the end of `container`.
mlir::LogicalResult buildSumKernel(mlir::StringRef name, chunk::SumOp sum,
                                   KernelSignature &signature,
                                   mlir::gpu::GPUModuleOp container);

} // namespace deltanet

#endif // DELTANET_LIB_CONVERSION_CHUNKTOTILE_SUMKERNEL_H
