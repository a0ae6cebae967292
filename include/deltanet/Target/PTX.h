//===- PTX.h - kernels as PTX -----------------------------------*- C++ -*-===//
// Translates gpu.modules in the LLVM and NVVM dialects; needs no CUDA.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TARGET_PTX_H
#define DELTANET_TARGET_PTX_H

#include "deltanet/Dialect/Kernel/IR/Kernel.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include <string>

namespace deltanet::ptx {

/// Makes known to a context how the dialects of a kernel become LLVM IR;
/// whoever calls the functions below has done so.
void registerTranslations(mlir::DialectRegistry &registry);

/// The kernels of `module` as PTX for `target`. Above each kernel stands a line
/// of JSON that says how it is launched. What is wrong is a diagnostic at the
/// module.
mlir::FailureOr<std::string> emitPTX(mlir::gpu::GPUModuleOp module,
                                     kernel::TargetAttr target);
/// The same as LLVM IR, optimised.
mlir::FailureOr<std::string> emitLLVM(mlir::gpu::GPUModuleOp module,
                                      kernel::TargetAttr target);
/// All gpu.modules of `module`, for the target that it states.
mlir::FailureOr<std::string> emitPTX(mlir::ModuleOp module);

} // namespace deltanet::ptx

#endif // DELTANET_TARGET_PTX_H
