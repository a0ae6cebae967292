// If this fails, a function of f32 costs more than docs/Elementwise.md says, or is
// left over and becomes a call of a library of device functions.
// RUN: deltanet-opt %s --convert-tile-to-nvvm --canonicalize --cse --split-input-file --verify-diagnostics | FileCheck %s

gpu.module @kernels {
  // CHECK-LABEL: gpu.func @instructions
  // CHECK-SAME: (%[[X:.*]]: f32)
  // CHECK: %[[S:.*]] = llvm.call_intrinsic "llvm.nvvm.sqrt.approx.f"(%[[X]])
  // CHECK: %[[R:.*]] = llvm.call_intrinsic "llvm.nvvm.rsqrt.approx.f"(%[[S]])
  // CHECK: %[[E:.*]] = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz"(%[[R]])
  // CHECK: llvm.call_intrinsic "llvm.nvvm.div.full"(%[[E]], %[[X]])
  // CHECK-NOT: arith
  // CHECK: gpu.return
  gpu.func @instructions(%x: tensor<32xf32, #tile.lanes>) -> tensor<32xf32, #tile.lanes> {
    %s = math.sqrt %x : tensor<32xf32, #tile.lanes>
    %r = math.rsqrt %s : tensor<32xf32, #tile.lanes>
    %e = math.exp2 %r : tensor<32xf32, #tile.lanes>
    %d = arith.divf %e, %x : tensor<32xf32, #tile.lanes>
    gpu.return %d : tensor<32xf32, #tile.lanes>
  }

  // A polynomial where the argument is an ordinary number, the instruction for the
  // rest; no division.
  // CHECK-LABEL: gpu.func @log
  // CHECK-COUNT-10: llvm.intr.fma
  // CHECK-NOT: llvm.intr.fma
  // CHECK: %[[OTHER:.*]] = llvm.call_intrinsic "llvm.nvvm.lg2.approx.f"
  // CHECK: arith.select
  gpu.func @log(%x: f32) -> f32 {
    %y = math.log %x : f32
    gpu.return %y : f32
  }

  // Every function of the table.
  // CHECK-LABEL: gpu.func @all
  // CHECK-NOT: math.
  // CHECK-NOT: arith.divf
  // CHECK: gpu.return
  gpu.func @all(%x: f32, %y: f32, %i: i32) -> (f32, i1, i32) {
    %0 = math.exp %x : f32
    %1 = math.exp2 %0 : f32
    %2 = math.expm1 %1 : f32
    %3 = math.log %2 : f32
    %4 = math.log2 %3 : f32
    %5 = math.log10 %4 : f32
    %6 = math.log1p %5 : f32
    %7 = math.tanh %6 : f32
    %8 = math.erf %7 : f32
    %9 = math.sqrt %8 : f32
    %10 = math.rsqrt %9 : f32
    %11 = math.sin %10 : f32
    %12 = math.cos %11 : f32
    %13 = math.tan %12 : f32
    %14 = math.powf %13, %y : f32
    %15 = math.absf %14 : f32
    %16 = math.floor %15 : f32
    %17 = math.ceil %16 : f32
    %18 = math.trunc %17 : f32
    %19 = math.round %18 : f32
    %20 = math.roundeven %19 : f32
    %21 = math.copysign %20, %y : f32
    %22 = math.fma %21, %y, %x : f32
    %23 = arith.divf %22, %y : f32
    %24 = math.isnan %23 : f32
    %25 = math.isinf %23 : f32
    %26 = math.isfinite %23 : f32
    %27 = arith.andi %24, %25 : i1
    %28 = arith.andi %27, %26 : i1
    %29 = math.absi %i : i32
    gpu.return %23, %28, %29 : f32, i1, i32
  }
}

// -----

gpu.module @kernels {
  gpu.func @left_over(%x: f32) -> f32 {
    // expected-error @below {{failed to legalize operation 'math.atan'}}
    %y = math.atan %x : f32
    gpu.return %y : f32
  }
}
