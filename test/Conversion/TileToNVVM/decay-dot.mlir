// If this fails, products with decays per channel form factors that overflow, cost
// more exponentials than they must, or lose the way round steep gates.
// RUN: deltanet-opt %s --convert-tile-to-nvvm --canonicalize --cse | FileCheck %s

#acc = #tile.acc<warps = [2, 4]>
!b = !tile.buffer<32x64xbf16, pad = 8>
!g = !tile.buffer<32x64xf32, pad = 8>
!h = !tile.buffer<32x64xf16, pad = 8>
gpu.module @kernels {
  // 16 x 64 channels a block, four a thread of 256: four exponentials for both x, in
  // the first block four for y, whose last block nobody reads. What is scaled is
  // rounded once, 8 bytes a store.
  // CHECK-LABEL: gpu.func @scale
  // CHECK: %[[G:.*]] = llvm.load %{{.*}} -> vector<4xf32>
  // CHECK: %[[LOG:.*]] = arith.mulf
  // CHECK-NEXT: {{.*}} "llvm.nvvm.ex2.approx.ftz"(%[[LOG]])
  // CHECK-COUNT-7: "llvm.nvvm.ex2.approx.ftz"
  // CHECK-COUNT-3: llvm.store %{{.*}} : vector<2xi32>
  // CHECK-COUNT-4: "llvm.nvvm.ex2.approx.ftz"
  // CHECK-NOT: "llvm.nvvm.ex2.approx.ftz"
  // CHECK-COUNT-2: llvm.store %{{.*}} : vector<2xi32>
  gpu.func @scale() kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
    %k = tile.alloc at 0 : !b
    %q = tile.alloc at 5000 : !b
    %kx = tile.alloc at 10000 : !b
    %qx = tile.alloc at 15000 : !b
    %ky = tile.alloc at 20000 : !b
    %g = tile.alloc at 25000 : !g
    tile.decay_scale (%k, %q), %g, %k, %g into (%kx, %qx), %ky : (!b, !b), !g, !b, !g, (!b, !b), !b
    gpu.return
  }

  // Below the diagonal two products share what they read of y; nothing is exponentiated.
  // CHECK-LABEL: gpu.func @dot
  // CHECK: %[[BELOW:.*]] = arith.cmpi slt
  // CHECK: scf.if %[[BELOW]]
  // CHECK-NOT: "llvm.nvvm.ex2.approx.ftz"
  // CHECK-COUNT-8: nvvm.mma.sync
  // CHECK-NOT: nvvm.mma.sync
  // CHECK: } else {
  // CHECK: scf.if
  // One warp decides together whether its block is flat enough.
  // CHECK: %[[FLAT:.*]] = llvm.call_intrinsic "llvm.nvvm.vote.all.sync"
  // CHECK: scf.if %[[FLAT]]
  // CHECK-COUNT-8: nvvm.mma.sync
  // CHECK: } else {
  // Else every pair and channel for itself.
  // CHECK: scf.for
  // CHECK-NOT: nvvm.mma.sync
  // CHECK-COUNT-8: "llvm.nvvm.ex2.approx.ftz"
  // CHECK-NOT: "llvm.nvvm.ex2.approx.ftz"
  // CHECK: scf.yield
  // CHECK: arith.select
  gpu.func @dot() -> (tensor<32x32xf32, #acc>, tensor<32x32xf32, #acc>) {
    %k = tile.alloc at 0 : !b
    %q = tile.alloc at 5000 : !b
    %kx = tile.alloc at 10000 : !b
    %qx = tile.alloc at 15000 : !b
    %ky = tile.alloc at 20000 : !b
    %g = tile.alloc at 25000 : !g
    %kk, %qk = tile.decay_dot (%k, %q), %g, %k, %g scaled (%kx, %qx), %ky strict [true, false] : (!b, !b), !g, !b, !g, (!b, !b), !b -> tensor<32x32xf32, #acc>, tensor<32x32xf32, #acc>
    gpu.return %kk, %qk : tensor<32x32xf32, #acc>, tensor<32x32xf32, #acc>
  }

  // A stated bound leaves out the test and the loop; f16 is multiplied as tf32 where
  // factors are above one.
  // CHECK-LABEL: gpu.func @bounded
  // CHECK-COUNT-4: shape = #nvvm.shape<m = 16, n = 8, k = 16>
  // CHECK-NOT: vote
  // CHECK-NOT: scf.for
  // CHECK: multiplicandAPtxType = #nvvm.mma_type<tf32>
  gpu.func @bounded() -> tensor<32x32xf32, #acc> {
    %k = tile.alloc at 0 : !h
    %kx = tile.alloc at 10000 : !h
    %ky = tile.alloc at 20000 : !h
    %g = tile.alloc at 25000 : !g
    %kk = tile.decay_dot (%k), %g, %k, %g scaled (%kx), %ky strict [true] bounded : (!h), !g, !h, !g, (!h), !h -> tensor<32x32xf32, #acc>
    gpu.return %kk : tensor<32x32xf32, #acc>
  }

  // Operands in two parts: what rounding takes from a scaled pair is rounded and stored
  // as well, and every product becomes three, the small ones first.
  // CHECK-LABEL: gpu.func @remainders
  // CHECK: llvm.call_intrinsic "llvm.nvvm.ff2bf16x2.rn"(%[[HIGH:.*]], %[[LOW:.*]]) :
  // CHECK: %[[LOST:.*]] = arith.subf %[[LOW]], %{{.*}}
  // CHECK: %[[MORE:.*]] = arith.subf %[[HIGH]], %{{.*}}
  // CHECK: llvm.call_intrinsic "llvm.nvvm.ff2bf16x2.rn"(%[[MORE]], %[[LOST]]) :
  // CHECK: %[[BELOW:.*]] = arith.cmpi slt
  // CHECK: scf.if %[[BELOW]]
  // CHECK-COUNT-12: nvvm.mma.sync
  // CHECK-NOT: nvvm.mma.sync
  // CHECK: } else {
  gpu.func @remainders() -> tensor<32x32xf32, #acc> attributes {known_block_size = array<i32: 256, 1, 1>} {
    %q = tile.alloc at 0 : !b
    %qx = tile.alloc at 5000 : !b
    %ky = tile.alloc at 10000 : !b
    %qr = tile.alloc at 15000 : !b
    %kr = tile.alloc at 20000 : !b
    %g = tile.alloc at 25000 : !g
    tile.decay_scale (%q), %g, %q, %g into (%qx), %ky remainders (%qr, %kr : !b, !b) : (!b), !g, !b, !g, (!b), !b
    %m = tile.decay_dot (%q), %g, %q, %g scaled (%qx), %ky remainders (%qr, %kr : !b, !b) strict [false] : (!b), !g, !b, !g, (!b), !b -> tensor<32x32xf32, #acc>
    gpu.return %m : tensor<32x32xf32, #acc>
  }

  // A difference of gates is that of the sums and that of their rests.
  // CHECK-LABEL: gpu.func @rests
  // CHECK: %[[SUMS:.*]] = arith.subf
  // CHECK: %[[RESTS:.*]] = arith.subf
  // CHECK: %[[ALL:.*]] = arith.addf %[[SUMS]], %[[RESTS]]
  // CHECK: arith.mulf %[[ALL]]
  gpu.func @rests() kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
    %q = tile.alloc at 0 : !b
    %qx = tile.alloc at 5000 : !b
    %ky = tile.alloc at 10000 : !b
    %r = tile.alloc at 15000 : !b
    %g = tile.alloc at 25000 : !g
    tile.decay_scale (%q), %g, %q, %g rest (%r, %r : !b, !b) into (%qx), %ky : (!b), !g, !b, !g, (!b), !b
    gpu.return
  }
}
