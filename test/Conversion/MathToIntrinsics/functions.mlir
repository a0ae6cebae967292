// If this fails, a kernel calls a library of device functions for what instructions
// compute, and PTX no longer stands for itself.
// RUN: deltanet-opt %s --pass-pipeline='builtin.module(gpu.module(convert-math-to-intrinsics))' | FileCheck %s
gpu.module @kernels {
  // CHECK-LABEL: gpu.func @numbers
  // CHECK-NOT: math.
  gpu.func @numbers(%x: f32, %y: f32) -> f32 {
    // CHECK: llvm.call_intrinsic "llvm.sqrt.f32"(%{{.*}}) : (f32) -> f32
    %0 = math.sqrt %x : f32
    // CHECK: llvm.call_intrinsic "llvm.fabs.f32"
    %1 = math.absf %0 : f32
    // CHECK: llvm.call_intrinsic "llvm.copysign.f32"(%{{.*}}, %{{.*}}) : (f32, f32) -> f32
    %2 = math.copysign %1, %y : f32
    // CHECK: llvm.call_intrinsic "llvm.floor.f32"
    %3 = math.floor %2 : f32
    // CHECK: llvm.call_intrinsic "llvm.ceil.f32"
    %4 = math.ceil %3 : f32
    // CHECK: llvm.call_intrinsic "llvm.trunc.f32"
    %5 = math.trunc %4 : f32
    // CHECK: llvm.call_intrinsic "llvm.roundeven.f32"
    %6 = math.roundeven %5 : f32
    // CHECK: llvm.call_intrinsic "llvm.fma.f32"(%{{.*}}, %{{.*}}, %{{.*}}) : (f32, f32, f32) -> f32
    %7 = math.fma %6, %x, %y : f32
    gpu.return %7 : f32
  }
  // Other types are for others.
  // CHECK-LABEL: gpu.func @other
  // CHECK: math.sqrt %{{.*}} : f64
  gpu.func @other(%x: f64) -> f64 {
    %0 = math.sqrt %x : f64
    gpu.return %0 : f64
  }
}
