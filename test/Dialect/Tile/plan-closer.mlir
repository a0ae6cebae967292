// If this fails, a kernel that fits with a barrier more is refused, or two buffers share a place with no barrier
// between their uses.
// RUN: deltanet-opt %s --split-input-file --tile-plan-shared-memory='limit-bytes=6000' 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=SAYS --input-file=%t
// RUN: deltanet-opt %s --split-input-file --tile-plan-shared-memory='limit-bytes=12000' | FileCheck %s --check-prefix=ENOUGH

!m = !tile.buffer<32x32xf32, pad = 8>
!r = tensor<32x32xf32, #tile.acc<warps = [1, 4]>>
gpu.module @kernels {
  // %a is dead when %b is written, but other warps may still read it.
  // SAYS: remark: would need 10240 bytes of shared memory of 6000; 1 more barriers let more buffers share places
  // CHECK-LABEL: gpu.func @one_more
  // CHECK-SAME: tile.shared_bytes = 5120 : i64
  // CHECK: tile.alloc at 0 :
  // CHECK: tile.alloc at 0 :
  // CHECK: tile.load_matrix
  // CHECK-NEXT: tile.barrier
  // CHECK-NEXT: tile.store_matrix
  // ENOUGH-LABEL: gpu.func @one_more
  // ENOUGH-SAME: tile.shared_bytes = 10240 : i64
  // ENOUGH: tile.load_matrix
  // ENOUGH-NEXT: tile.store_matrix
  gpu.func @one_more(%x: !r) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %a = tile.alloc : !m
    %b = tile.alloc : !m
    tile.store_matrix %x, %a : !r, !m
    tile.barrier
    %y = tile.load_matrix %a : !m -> !r
    tile.store_matrix %y, %b : !r, !m
    tile.barrier
    %z = tile.load_matrix %b : !m -> !r
    gpu.return
  }
}

// -----

!m = !tile.buffer<32x32xf32, pad = 8>
!r = tensor<32x32xf32, #tile.acc<warps = [1, 4]>>
gpu.module @kernels {
  // Around a loop, too: what the next turn writes first waits for who reads last.
  // SAYS: 2 more barriers
  // CHECK-LABEL: gpu.func @around_a_loop
  // CHECK: scf.for
  // CHECK-NEXT: tile.barrier
  // CHECK-NEXT: tile.store_matrix
  // CHECK: tile.load_matrix
  // CHECK-NEXT: tile.barrier
  // CHECK-NEXT: tile.store_matrix
  gpu.func @around_a_loop(%x: !r, %n: index) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %a = tile.alloc : !m
    %b = tile.alloc : !m
    scf.for %i = %c0 to %n step %c1 {
      tile.store_matrix %x, %a : !r, !m
      tile.barrier
      %y = tile.load_matrix %a : !m -> !r
      tile.store_matrix %y, %b : !r, !m
      tile.barrier
      %z = tile.load_matrix %b : !m -> !r
    }
    gpu.return
  }
}
