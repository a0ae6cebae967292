// If this fails, copies are not 16 bytes wide and asynchronous, rows past the end
// are read, or the read-out is stored two bytes at a time.
// RUN: deltanet-opt %s --convert-tile-to-nvvm --canonicalize --cse | FileCheck %s

#acc = #tile.acc<warps = [4, 1]>
gpu.module @kernels {
  // 64 rows of 256 bytes by 128 threads: 8 copies each, the size zero past the end.
  // CHECK-LABEL: gpu.func @copy
  // CHECK: %[[SIZE:.*]] = arith.select %{{.*}}, %c16_i32, %c0_i32
  // CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg, %[[SIZE]]
  // CHECK-COUNT-7: nvvm.cp.async.shared.global
  // CHECK-NOT: nvvm.cp.async.shared.global
  // CHECK: nvvm.cp.async.commit.group
  // CHECK: nvvm.cp.async.wait.group 0
  // CHECK: gpu.barrier
  gpu.func @copy(%p: !tile.global<bf16>, %at: index, %ld: index, %n: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %b = tile.alloc at 0 : !tile.buffer<64x128xbf16, pad = 8>
    tile.copy_async %p[%at] stride %ld rows %n to %b : !tile.global<bf16>, !tile.buffer<64x128xbf16, pad = 8>
    tile.commit
    tile.wait pending 0
    tile.barrier
    gpu.return
  }

  // Columns of the tile lie together in memory: blocks are turned in registers and
  // stored 4 bytes at a time, one guard for each.
  // CHECK-LABEL: gpu.func @store_transposed
  // CHECK-COUNT-2: movmatrix.sync.aligned.m8n8.trans.b16
  // CHECK: %[[INSIDE:.*]] = arith.cmpi slt
  // CHECK: scf.if %[[INSIDE]]
  // CHECK-COUNT-2: llvm.store %{{.*}} : i32, !llvm.ptr<1>
  // CHECK-NOT: llvm.store
  gpu.func @store_transposed(%x: tensor<64x8xbf16, #acc>, %p: !tile.global<bf16>, %at: index, %ld: index, %n: index) kernel {
    %c1 = arith.constant 1 : index
    tile.store %x, %p[%at] strides [%c1, %ld] below %n along [1] : tensor<64x8xbf16, #acc>, !tile.global<bf16>
    gpu.return
  }

  // What is not below the limit is not read.
  // CHECK-LABEL: gpu.func @load
  // CHECK: scf.if %{{.*}} -> (f32) {
  // CHECK-NEXT: llvm.load
  gpu.func @load(%p: !tile.global<f32>, %at: index, %ld: index, %n: index) -> tensor<32xf32, #tile.lanes> {
    %x = tile.load %p[%at] strides [%ld] below %n along [0] : !tile.global<f32> -> tensor<32xf32, #tile.lanes>
    gpu.return %x : tensor<32xf32, #tile.lanes>
  }
}
