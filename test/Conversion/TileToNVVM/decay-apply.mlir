// If this fails, the adjoint of products with decays per channel forms factors above one, or
// has more exponentials than elements and rows.
// RUN: deltanet-opt %s --convert-tile-to-nvvm --canonicalize --cse | FileCheck %s

#acc = #tile.acc<warps = [1, 4]>
!m = !tile.buffer<32x32xf32, pad = 8>
!b = !tile.buffer<32x64xbf16, pad = 8>
!g = !tile.buffer<32x64xf32, pad = 8>
gpu.module @kernels {
  // A warp has 16 of 64 columns and all rows, a thread 16 elements: as many exponentials for
  // each of the 32 rows that pass by, and none of a positive number.
  // CHECK-LABEL: gpu.func @apply
  // CHECK: scf.for %[[I:.*]] = %c0_i32 to %c32_i32
  // CHECK: %[[IN:.*]] = arith.cmpi sle, %[[I]], %{{.*}}
  // CHECK: arith.select %[[IN]], %{{.*}}, %cst
  // CHECK: arith.minimumf
  // CHECK-NEXT: arith.mulf
  // CHECK-NEXT: ex2.approx.ftz
  // CHECK-COUNT-15: ex2.approx.ftz
  // CHECK-NOT: ex2.approx.ftz
  // CHECK: scf.yield
  gpu.func @apply() -> tensor<32x64xf32, #acc> attributes {known_block_size = array<i32: 128, 1, 1>} {
    %m = tile.alloc at 0 : !m
    %y = tile.alloc at 5120 : !b
    %g = tile.alloc at 10000 : !g
    %r = tile.decay_apply %m, %y, %g, %g : !m, !b, !g, !g -> tensor<32x64xf32, #acc>
    gpu.return %r : tensor<32x64xf32, #acc>
  }
}
