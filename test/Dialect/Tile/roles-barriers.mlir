// If this fails, threads of a role race on shared memory, wait for the block's
// other warps, which never come, or wait where a channel orders them already.
// RUN: deltanet-opt %s --tile-insert-barriers --tile-plan-shared-memory | FileCheck %s

#acc = #tile.acc<warps = [2, 2]>
!ch = !tile.channel<2, <64x64xbf16, pad = 8>, <1x32xf32>>
gpu.module @kernels {
  // What stood before the roles is behind one barrier of the block.
  // CHECK-LABEL: gpu.func @roles
  // 2 slots of 9216 + 128 bytes, 4 barriers; the buffer lies behind them.
  // CHECK-SAME: tile.shared_bytes = 28160 : i64
  // CHECK: tile.channel at 0
    // CHECK: tile.alloc at 18816
  gpu.func @roles(%v: tensor<64x64xbf16, #acc>, %g: tensor<32xf32, #tile.lanes>, %n: index) kernel
      attributes {known_block_size = array<i32: 256, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %ch = tile.channel : !ch
    %own = tile.alloc : !tile.buffer<64x64xbf16, pad = 8>
    // CHECK: tile.store_vector
    // CHECK-NEXT: tile.barrier
    // CHECK-NEXT: tile.roles
    %before = tile.alloc : !tile.buffer<1x32xf32>
    tile.store_vector %g, %before : tensor<32xf32, #tile.lanes>, !tile.buffer<1x32xf32>
    tile.roles make(warps = 4) {
      // CHECK: scf.for
      scf.for %i = %c0 to %n step %c1 {
        // A new slot meets nothing of the last one; what the role reads again of its
        // own, it waits for.
        // CHECK-NEXT: tile.acquire
        // CHECK-NEXT: tile.store_matrix
        // CHECK-NEXT: tile.store_vector
        // CHECK-NEXT: tile.barrier
        // CHECK-NEXT: tile.load_matrix
        // CHECK-NEXT: tile.commit_slot
        %m, %s = tile.acquire %ch[%i] : !ch
        tile.store_matrix %v, %m : tensor<64x64xbf16, #acc>, !tile.buffer<64x64xbf16, pad = 8>
        tile.store_vector %g, %s : tensor<32xf32, #tile.lanes>, !tile.buffer<1x32xf32>
        %again = tile.load_matrix %m transpose : !tile.buffer<64x64xbf16, pad = 8> -> tensor<64x64xbf16, #acc>
        tile.commit_slot %ch[%i] : !ch
      }
    // CHECK: use(warps = 4)
    }, use(warps = 4) {
      // CHECK: scf.for
      scf.for %i = %c0 to %n step %c1 {
        // The channel orders reads after the producer's writes; the role's own
        // buffer has a barrier on each side.
        // CHECK-NEXT: tile.wait_slot
        // CHECK-NEXT: tile.load_matrix
        // CHECK-NEXT: tile.barrier
        // CHECK-NEXT: tile.store_matrix
        // CHECK-NEXT: tile.barrier
        // CHECK-NEXT: tile.load_matrix
        // CHECK-NEXT: tile.release
        // CHECK-NEXT: }
        %m, %s = tile.wait_slot %ch[%i] : !ch
        %x = tile.load_matrix %m : !tile.buffer<64x64xbf16, pad = 8> -> tensor<64x64xbf16, #acc>
        tile.store_matrix %x, %own : tensor<64x64xbf16, #acc>, !tile.buffer<64x64xbf16, pad = 8>
        %y = tile.load_matrix %own transpose : !tile.buffer<64x64xbf16, pad = 8> -> tensor<64x64xbf16, #acc>
        tile.release %ch[%i] : !ch
      }
    }
    // After the roles all threads are the block's again.
    // CHECK: tile.barrier
    // CHECK-NEXT: tile.load_matrix
    %z = tile.load_matrix %own : !tile.buffer<64x64xbf16, pad = 8> -> tensor<64x64xbf16, #tile.acc<warps = [4, 2]>>
    gpu.return
  }
}
