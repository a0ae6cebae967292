// If this fails, two buffers share memory while both are needed, or do not where they could, or a kernel that does
// not fit is built.
// RUN: deltanet-opt %s --tile-plan-shared-memory | FileCheck %s
// RUN: not deltanet-opt %s --tile-plan-shared-memory='limit-bytes=40000' 2>&1 | FileCheck %s --check-prefix=LIMIT

gpu.module @kernels {
  // CHECK-LABEL: gpu.func @places
  // CHECK-SAME: tile.shared_bytes = 44544 : i64
  // LIMIT: error: expects at most 40000 bytes of shared memory a block, the kernel needs 44544 (4544 more); smaller chunks or fewer slots need less
  gpu.func @places() kernel {
    // CHECK: tile.alloc at 0 : !tile.ring<2, 64x128xbf16, pad = 8>
    %k = tile.alloc : !tile.ring<2, 64x128xbf16, pad = 8>
    // 2 * 64 * 136 * 2
    // CHECK: tile.alloc at 34816 : !tile.buffer<1x64xf32>
    %g = tile.alloc : !tile.buffer<1x64xf32>
    // CHECK: tile.alloc at 35072 : !tile.buffer<64x64xbf16, pad = 8>
    %T = tile.alloc : !tile.buffer<64x64xbf16, pad = 8>
    // CHECK: tile.alloc at 44288 : !tile.buffer<1x33xf32>
    %odd = tile.alloc : !tile.buffer<1x33xf32>
    gpu.return
  }
}

// Lifetimes. What is still read, or may still be read by other warps, or is on its way, keeps its place.
!m = !tile.buffer<32x32xf32, pad = 8>
!r = tensor<32x32xf32, #tile.acc<warps = [1, 4]>>
gpu.module @lifetimes {
  // %a is read for the last time before a barrier, %b is written after it: one place. %c is written
  // while %b is read: another.
  // CHECK-LABEL: gpu.func @after_a_barrier
  // CHECK-SAME: tile.shared_bytes = 10240 : i64
  gpu.func @after_a_barrier(%x: !r) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    // CHECK: tile.alloc at 0 :
    // CHECK: tile.alloc at 0 :
    // CHECK: tile.alloc at 5120 :
    %a = tile.alloc : !m
    %b = tile.alloc : !m
    %c = tile.alloc : !m
    tile.store_matrix %x, %a : !r, !m
    tile.barrier
    %y = tile.load_matrix %a : !m -> !r
    tile.barrier
    tile.store_matrix %y, %b : !r, !m
    tile.barrier
    tile.store_matrix %y, %c : !r, !m
    %z = tile.load_matrix %b : !m -> !r
    tile.barrier
    %w = tile.load_matrix %c : !m -> !r
    gpu.return
  }

  // Without the barrier another warp may still read %a.
  // CHECK-LABEL: gpu.func @before_a_barrier
  // CHECK-SAME: tile.shared_bytes = 10240 : i64
  gpu.func @before_a_barrier(%x: !r) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    // CHECK: tile.alloc at 0 :
    // CHECK: tile.alloc at 5120 :
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

  // The end of a turn meets the beginning of the next: %b is read there without a barrier to %a.
  // CHECK-LABEL: gpu.func @around_a_loop
  // CHECK-SAME: tile.shared_bytes = 10240 : i64
  gpu.func @around_a_loop(%x: !r, %n: index) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %a = tile.alloc : !m
    %b = tile.alloc : !m
    scf.for %i = %c0 to %n step %c1 {
      tile.store_matrix %x, %a : !r, !m
      tile.barrier
      %y = tile.load_matrix %a : !m -> !r
      tile.barrier
      tile.store_matrix %y, %b : !r, !m
      tile.barrier
      %z = tile.load_matrix %b : !m -> !r
    }
    gpu.return
  }

  // What one turn writes and the next one reads is needed in between, wherever that is.
  // CHECK-LABEL: gpu.func @carried
  // CHECK-SAME: tile.shared_bytes = 10240 : i64
  gpu.func @carried(%x: !r, %n: index) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %a = tile.alloc : !m
    %b = tile.alloc : !m
    tile.store_matrix %x, %a : !r, !m
    scf.for %i = %c0 to %n step %c1 {
      tile.barrier
      %y = tile.load_matrix %a : !m -> !r
      tile.barrier
      tile.store_matrix %y, %a : !r, !m
      tile.barrier
      tile.store_matrix %y, %b : !r, !m
      tile.barrier
      %z = tile.load_matrix %b : !m -> !r
      tile.barrier
    }
    gpu.return
  }

  // A copy arrives some time before the wait: its place is taken from its start to the barrier after the wait.
  // CHECK-LABEL: gpu.func @on_its_way
  // CHECK-SAME: tile.shared_bytes = 10240 : i64
  gpu.func @on_its_way(%g: !tile.global<f32>, %x: !r) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    // CHECK: tile.alloc at 0 :
    // CHECK: tile.alloc at 5120 :
    // CHECK: tile.alloc at 5120 :
    %c0 = arith.constant 0 : index
    %c32 = arith.constant 32 : index
    %a = tile.alloc : !m
    %b = tile.alloc : !m
    %c = tile.alloc : !m
    tile.copy_async %g[%c0] stride %c32 rows %c32 to %a : !tile.global<f32>, !m
    tile.commit
    tile.store_matrix %x, %b : !r, !m
    tile.barrier
    %y = tile.load_matrix %b : !m -> !r
    tile.wait pending 0
    tile.barrier
    tile.store_matrix %y, %c : !r, !m
    tile.barrier
    %z = tile.load_matrix %a : !m -> !r
    %w = tile.load_matrix %c : !m -> !r
    gpu.return
  }

  // Roles run beside each other, and a part of a buffer that is written leaves the rest needed.
  // CHECK-LABEL: gpu.func @roles
  // CHECK-SAME: tile.shared_bytes = 15360 : i64
  gpu.func @roles(%x: !r) kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
    %a = tile.alloc : !m
    %b = tile.alloc : !m
    %c = tile.alloc : !m
    tile.roles one(warps = 4) {
      tile.store_matrix %x, %a : !r, !m
      tile.barrier
      %y = tile.load_matrix %a : !m -> !r
      tile.barrier
      tile.store_matrix %y, %c : !r, !m
      tile.barrier
      %z = tile.load_matrix %c : !m -> !r
      tile.barrier
      %row = tile.row %a[3] : !m -> !tile.buffer<1x32xf32>
      %again = tile.load_vector %row : !tile.buffer<1x32xf32> -> tensor<32xf32, #tile.lanes>
    }, two(warps = 4) {
      tile.store_matrix %x, %b : !r, !m
      tile.barrier
      %y = tile.load_matrix %b : !m -> !r
    }
    gpu.return
  }
}
