// If this fails, a buffer takes the place of another one while a copy to that is on its way.
// RUN: not deltanet-opt %s --tile-plan-shared-memory='limit-bytes=6000' 2>&1 | FileCheck %s

!m = !tile.buffer<32x32xf32, pad = 8>
!r = tensor<32x32xf32, #tile.acc<warps = [1, 4]>>
gpu.module @kernels {
  // A copy that is on its way keeps its place, whatever barriers there are: nothing can be done, and nothing is.
  // CHECK: error: expects at most 6000 bytes of shared memory a block, the kernel needs 10240 (4240 more)
  gpu.func @on_its_way(%g: !tile.global<f32>, %x: !r) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c32 = arith.constant 32 : index
    %a = tile.alloc : !m
    %b = tile.alloc : !m
    tile.copy_async %g[%c0] stride %c32 rows %c32 to %a : !tile.global<f32>, !m
    tile.commit
    tile.store_matrix %x, %b : !r, !m
    tile.barrier
    %y = tile.load_matrix %b : !m -> !r
    tile.wait pending 0
    tile.barrier
    %z = tile.load_matrix %a : !m -> !r
    gpu.return
  }
}
