// If this fails, threads read shared memory that others have not written yet, or
// overwrite what others still read.
// RUN: deltanet-opt %s --tile-insert-barriers | FileCheck %s

#acc = #tile.acc<warps = [4, 2]>
gpu.module @kernels {
  // CHECK-LABEL: gpu.func @write_read
  gpu.func @write_read(%v: tensor<64x64xbf16, #acc>) {
    %b = tile.alloc : !tile.buffer<64x64xbf16, pad = 8>
    // CHECK: tile.store_matrix
    // CHECK-NEXT: tile.barrier
    // CHECK-NEXT: tile.load_matrix
    tile.store_matrix %v, %b : tensor<64x64xbf16, #acc>, !tile.buffer<64x64xbf16, pad = 8>
    %r = tile.load_matrix %b : !tile.buffer<64x64xbf16, pad = 8> -> tensor<64x64xbf16, #acc>
    // Two reads need none.
    // CHECK-NEXT: tile.load_matrix
    %s = tile.load_matrix %b transpose : !tile.buffer<64x64xbf16, pad = 8> -> tensor<64x64xbf16, #acc>
    // CHECK-NEXT: tile.barrier
    // CHECK-NEXT: tile.store_matrix
    tile.store_matrix %r, %b : tensor<64x64xbf16, #acc>, !tile.buffer<64x64xbf16, pad = 8>
    gpu.return
  }

  // One barrier serves two buffers.
  // CHECK-LABEL: gpu.func @two_buffers
  gpu.func @two_buffers(%v: tensor<64x64xbf16, #acc>, %z: tensor<64x64xf32, #acc>) {
    %a = tile.alloc : !tile.buffer<64x64xbf16, pad = 8>
    %b = tile.alloc : !tile.buffer<64x64xbf16, pad = 8>
    // CHECK: tile.store_matrix
    // CHECK-NEXT: tile.store_matrix
    // CHECK-NEXT: tile.barrier
    // CHECK-NEXT: tile.mma
    // CHECK-NEXT: tile.mma
    // CHECK-NEXT: gpu.return
    tile.store_matrix %v, %a : tensor<64x64xbf16, #acc>, !tile.buffer<64x64xbf16, pad = 8>
    tile.store_matrix %v, %b : tensor<64x64xbf16, #acc>, !tile.buffer<64x64xbf16, pad = 8>
    %x = tile.mma %a, %b, %z : !tile.buffer<64x64xbf16, pad = 8>, !tile.buffer<64x64xbf16, pad = 8> -> tensor<64x64xf32, #acc>
    %y = tile.mma %b, %a, %z : !tile.buffer<64x64xbf16, pad = 8>, !tile.buffer<64x64xbf16, pad = 8> -> tensor<64x64xf32, #acc>
    gpu.return
  }

  // What is read at the end of an iteration is written at the start of the next.
  // CHECK-LABEL: gpu.func @loop
  gpu.func @loop(%v: tensor<64x64xbf16, #acc>, %n: index) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %b = tile.alloc : !tile.buffer<64x64xbf16, pad = 8>
    // CHECK: scf.for
    // CHECK-NEXT: tile.barrier
    // CHECK-NEXT: tile.store_matrix
    // CHECK-NEXT: tile.barrier
    // CHECK-NEXT: tile.load_matrix
    // CHECK-NEXT: }
    scf.for %i = %c0 to %n step %c1 {
      tile.store_matrix %v, %b : tensor<64x64xbf16, #acc>, !tile.buffer<64x64xbf16, pad = 8>
      %r = tile.load_matrix %b : !tile.buffer<64x64xbf16, pad = 8> -> tensor<64x64xbf16, #acc>
    }
    gpu.return
  }

  // Copies count when they have been waited for; then a copy into the other slot
  // runs beside the reads.
  // CHECK-LABEL: gpu.func @copies
  gpu.func @copies(%p: !tile.global<bf16>, %i: index, %n: index) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %ring = tile.alloc : !tile.ring<2, 64x128xbf16, pad = 8>
    %first = tile.slot %ring[%c0] : !tile.ring<2, 64x128xbf16, pad = 8> -> !tile.buffer<64x128xbf16, pad = 8>
    // CHECK: tile.copy_async
    tile.copy_async %p[%i] stride %i rows %i to %first : !tile.global<bf16>, !tile.buffer<64x128xbf16, pad = 8>
    tile.commit
    // CHECK: scf.for
    scf.for %c = %c0 to %n step %c1 {
      // CHECK-NEXT: tile.wait
      // CHECK-NOT: tile.load_matrix
      // CHECK: tile.barrier
      // CHECK-NEXT: tile.copy_async
      // CHECK-NOT: tile.barrier
      // CHECK: tile.load_matrix
      // CHECK-NEXT: }
      tile.wait pending 0
      %next = arith.addi %c, %c1 : index
      %into = tile.slot %ring[%next] : !tile.ring<2, 64x128xbf16, pad = 8> -> !tile.buffer<64x128xbf16, pad = 8>
      tile.copy_async %p[%i] stride %i rows %i to %into : !tile.global<bf16>, !tile.buffer<64x128xbf16, pad = 8>
      tile.commit
      %k = tile.slot %ring[%c] : !tile.ring<2, 64x128xbf16, pad = 8> -> !tile.buffer<64x128xbf16, pad = 8>
      %r = tile.load_matrix %k : !tile.buffer<64x128xbf16, pad = 8> -> tensor<64x128xbf16, #acc>
    }
    gpu.return
  }
}
