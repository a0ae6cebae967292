// If this fails, a barrier of a channel waits for arrivals that never come, or lets
// a role at a slot too early.
// RUN: deltanet-opt %s --kernel-set-target=target=sm_80 --convert-tile-to-nvvm --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,TEST
// RUN: deltanet-opt %s --kernel-set-target=target=sm_90 --convert-tile-to-nvvm --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,TRY

#acc = #tile.acc<warps = [4, 1]>
!ks = !tile.channel<3, <64x64xbf16, pad = 8>>
!gs = !tile.channel<2, <64x64xbf16, pad = 8>, <1x32xf32>>
gpu.module @kernels {
  // Every thread arrives. Copies: 32 arrivals; two roles of 4 and 2 warps read them: 192.
  // Copies and stores: 32 and 32.
  // CHECK-LABEL: gpu.func @counts
  // CHECK: %[[SHARED:.*]] = llvm.mlir.addressof @tile_shared
  // CHECK: scf.if
  // CHECK: %[[FULL:.*]] = llvm.getelementptr %[[SHARED]][27648]
  // CHECK-NEXT: nvvm.mbarrier.init %[[FULL]], %c32_i32
  // CHECK-NEXT: %[[EMPTY:.*]] = llvm.getelementptr %[[SHARED]][27672]
  // CHECK-NEXT: nvvm.mbarrier.init %[[EMPTY]], %c192_i32
  // CHECK-COUNT-4: nvvm.mbarrier.init
  // CHECK: nvvm.mbarrier.init %{{.*}}, %c64_i32
  // CHECK-NEXT: llvm.getelementptr
  // CHECK-NEXT: nvvm.mbarrier.init %{{.*}}, %c128_i32
  // CHECK-COUNT-2: nvvm.mbarrier.init
  // TEST-NOT: nvvm.fence
  // TRY-NEXT: nvvm.fence.mbarrier.init
  // CHECK: }
  // CHECK-NEXT: gpu.barrier
  // CHECK-NOT: gpu.barrier
  gpu.func @counts(%p: !tile.global<bf16>, %at: index, %n: index) kernel
      attributes {known_block_size = array<i32: 224, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %ks = tile.channel at 0 : !ks
    %gs = tile.channel at 27776 : !gs
    tile.roles load(warps = 1) {
      // Slot i mod 3; empty is first awaited with parity 1, as if a turn was over.
      // CHECK: scf.for %[[I:.*]] = %c0 to %{{.*}} step %c1
      // CHECK: %[[N:.*]] = arith.index_cast %[[I]] : index to i32
      // CHECK: %[[SLOT:.*]] = arith.remui %[[N]], %c3_i32
      // CHECK: %[[TURN:.*]] = arith.divui %[[N]], %c3_i32
      // CHECK: %[[PARITY:.*]] = arith.remui %[[TURN]], %c2_i32
      // CHECK: %[[OTHER:.*]] = arith.xori %[[PARITY]], %c1_i32
      // TEST: llvm.inline_asm has_side_effects {{.*}}"{{.*}}mbarrier.test_wait.parity.shared::cta.b64 {{.*}}", "r,r,~{memory}" %{{.*}}, %[[OTHER]]
      // TRY: llvm.inline_asm has_side_effects {{.*}}"{{.*}}mbarrier.try_wait.parity.shared::cta.b64 {{.*}}", "r,r,~{memory}" %{{.*}}, %[[OTHER]]
      scf.for %i = %c0 to %n step %c1 {
        %k = tile.acquire %ks[%i] : !ks
        // CHECK: nvvm.cp.async.shared.global
        tile.copy_async %p[%at] stride %at rows %n to %k : !tile.global<bf16>, !tile.buffer<64x64xbf16, pad = 8>
        // CHECK: nvvm.cp.async.mbarrier.arrive %{{.*}} {noinc = true}
        // CHECK-NOT: mbarrier.arrive.shared
        tile.commit_slot %ks[%i] : !ks
        // CHECK: llvm.inline_asm {{.*}}_wait.parity
        %m, %g = tile.acquire %gs[%i] : !gs
        tile.copy_async %p[%at] stride %at rows %n to %m : !tile.global<bf16>, !tile.buffer<64x64xbf16, pad = 8>
        %x = arith.constant dense<1.0> : tensor<32xf32, #tile.lanes>
        tile.store_vector %x, %g : tensor<32xf32, #tile.lanes>, !tile.buffer<1x32xf32>
        // CHECK: nvvm.cp.async.mbarrier.arrive %{{.*}} {noinc = true}
        // CHECK: llvm.inline_asm has_side_effects {{.*}}"mbarrier.arrive.shared::cta.b64 _, [$0];", "r,~{memory}" %{{.*}}
        tile.commit_slot %gs[%i] : !gs
      }
    }, both(warps = 4) {
      // CHECK: scf.for
      scf.for %i = %c0 to %n step %c1 {
        // CHECK: llvm.inline_asm {{.*}}_wait.parity
        // CHECK: nvvm.ldmatrix
        %k = tile.wait_slot %ks[%i] : !ks
        %x = tile.load_matrix %k : !tile.buffer<64x64xbf16, pad = 8> -> tensor<64x64xbf16, #acc>
        // CHECK: mbarrier.arrive.shared::cta.b64
        tile.release %ks[%i] : !ks
        // CHECK: llvm.inline_asm {{.*}}_wait.parity
        %m, %g = tile.wait_slot %gs[%i] : !gs
        // CHECK: mbarrier.arrive.shared::cta.b64
        tile.release %gs[%i] : !gs
      }
    }, look(warps = 2) {
      scf.for %i = %c0 to %n step %c1 {
        %k = tile.wait_slot %ks[%i] : !ks
        tile.release %ks[%i] : !ks
      }
    }
    gpu.return
  }
}
