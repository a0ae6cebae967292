// If this fails, the adjoint of products with decays per channel has exponentials for pairs
// of rows where gates are not steep, or factors above one where they are.
// RUN: deltanet-opt %s --convert-tile-to-nvvm --canonicalize --cse | FileCheck %s

#acc = #tile.acc<warps = [1, 4]>
!m = !tile.buffer<32x32xbf16, pad = 8>
!b = !tile.buffer<32x64xbf16, pad = 8>
!g = !tile.buffer<32x64xf32, pad = 8>
gpu.module @kernels {
  // A warp has two blocks of 16 x 16. Of the first one: scaled rows of the diagonal, four for
  // each 8 columns and thread, and the decays of the sums, eight.
  // CHECK-LABEL: gpu.func @apply
  // CHECK: vote.all.sync
  // CHECK: scf.if
  // CHECK-COUNT-4: ex2.approx.ftz
  // CHECK: nvvm.mma.sync
  // CHECK: nvvm.mma.sync
  // CHECK-COUNT-4: ex2.approx.ftz
  // CHECK: nvvm.mma.sync
  // CHECK-COUNT-8: ex2.approx.ftz
  // CHECK-NOT: ex2.approx.ftz
  // CHECK: } else {
  // Steep gates: 16 rows, eight elements, no exponential of a positive number.
  // CHECK: scf.for %{{.*}} = %c0_i32 to %c16_i32
  // CHECK: arith.minimumf
  // CHECK-NEXT: arith.mulf
  // CHECK-NEXT: ex2.approx.ftz
  // CHECK-COUNT-7: ex2.approx.ftz
  // CHECK-NOT: ex2.approx.ftz
  // CHECK: scf.yield
  gpu.func @apply() -> tensor<32x64xf32, #acc> attributes {known_block_size = array<i32: 128, 1, 1>} {
    %m = tile.alloc at 0 : !m
    %y = tile.alloc at 5120 : !b
    %g = tile.alloc at 10000 : !g
    %r = tile.decay_apply %m, %y, %g, %g : !m, !b, !g, !g -> tensor<32x64xf32, #acc>
    gpu.return %r : tensor<32x64xf32, #acc>
  }

  // With rows that were scaled before, the other way round: decays of the sums alone.
  // CHECK-LABEL: gpu.func @transposed
  // CHECK: nvvm.ldmatrix
  // CHECK: nvvm.mma.sync
  // CHECK: scf.if
  // CHECK-COUNT-4: ex2.approx.ftz
  // CHECK: nvvm.mma.sync
  // CHECK-COUNT-8: ex2.approx.ftz
  // CHECK-NOT: ex2.approx.ftz
  // CHECK: } else {
  gpu.func @transposed() -> tensor<32x64xf32, #acc> attributes {known_block_size = array<i32: 128, 1, 1>} {
    %m = tile.alloc at 0 : !m
    %y = tile.alloc at 5120 : !b
    %s = tile.alloc at 20480 : !b
    %g = tile.alloc at 10000 : !g
    %r = tile.decay_apply %m, %y, %g, %g scaled (%s : !b) transpose : !m, !b, !g, !g -> tensor<32x64xf32, #acc>
    gpu.return %r : tensor<32x64xf32, #acc>
  }
}
