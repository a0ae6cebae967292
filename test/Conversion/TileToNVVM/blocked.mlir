// If this fails, a thread reads, combines or writes other elements of a tile in layout
// #tile.blocked than the layout says.
// RUN: deltanet-opt %s --pass-pipeline='builtin.module(gpu.module(convert-tile-to-nvvm,canonicalize,cse))' | FileCheck %s

#KV = #tile.blocked<4 lanes 8 by 1, 1 lanes 4 by 8>
#V = #tile.blocked<1 lanes 4 by 8>
gpu.module @kernels {
  // 32 x 8 of a V x K tensor: lane l has K 4(l%8).. in one access, V l/8 and l/8 + 4.
  // Summed up over four registers, then over lanes 1, 2 and 4 away; the first of eight
  // equal lanes stores.
  // CHECK-LABEL: gpu.func @column_sums
  // CHECK: %[[LANE:.*]] = arith.remui %{{.*}}, %c32_i32
  // CHECK: %[[A:.*]] = llvm.load %{{.*}} : !llvm.ptr<1> -> vector<4xf32>
  // CHECK: %[[B:.*]] = llvm.load %{{.*}} : !llvm.ptr<1> -> vector<4xf32>
  // CHECK-NOT: llvm.load
  // CHECK-COUNT-6: arith.addf %{{.*}}, %{{.*}} fastmath<contract> : f32
  // CHECK-COUNT-2: nvvm.shfl.sync bfly %{{.*}}, %{{.*}}, %c1_i32, %c31_i32
  // CHECK-COUNT-2: nvvm.shfl.sync bfly %{{.*}}, %{{.*}}, %c2_i32, %c31_i32
  // CHECK-COUNT-2: nvvm.shfl.sync bfly %{{.*}}, %{{.*}}, %c4_i32, %c31_i32
  // CHECK-NOT: nvvm.shfl
  // CHECK: %[[BITS:.*]] = arith.andi %[[LANE]], %c7_i32
  // CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[BITS]], %c0_i32
  // CHECK: scf.if %[[FIRST]]
  // CHECK: llvm.store
  gpu.func @column_sums(%p: !tile.global<f32>, %o: !tile.global<f32>, %at: index) kernel
      attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c1 = arith.constant 1 : index
    %c32 = arith.constant 32 : index
    %S = tile.load %p[%at] strides [%c1, %c32] : !tile.global<f32> -> tensor<32x8xf32, #KV>
    %s = tile.combine add %S [0] : tensor<32x8xf32, #KV> -> tensor<8xf32, #V>
    tile.store %s, %o[%at] strides [%c1] : tensor<8xf32, #V>, !tile.global<f32>
    gpu.return
  }

  // 30 of 32 places have an element: the others are not read, count as minus infinity,
  // and are not written.
  // CHECK-LABEL: gpu.func @largest
  // CHECK: %[[INSIDE:.*]] = arith.cmpi slt, %{{.*}}, %c30_i32
  // CHECK: %[[LOADED:.*]] = scf.if %[[INSIDE]] -> (i16)
  // CHECK: arith.select %[[INSIDE]], %{{.*}}, %{{.*}} : f32
  // CHECK: nvvm.shfl.sync bfly
  // CHECK: arith.maximumf
  gpu.func @largest(%p: !tile.global<bf16>, %o: !tile.global<f32>, %at: index) kernel
      attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c1 = arith.constant 1 : index
    %x = tile.load %p[%at] strides [%c1] : !tile.global<bf16> -> tensor<30xbf16, #tile.blocked<1 lanes 32 by 1>>
    %f = arith.extf %x : tensor<30xbf16, #tile.blocked<1 lanes 32 by 1>> to tensor<30xf32, #tile.blocked<1 lanes 32 by 1>>
    %m = tile.combine max %f [0] : tensor<30xf32, #tile.blocked<1 lanes 32 by 1>> -> tensor<f32, #tile.blocked<>>
    tile.store %m, %o[%at] : tensor<f32, #tile.blocked<>>, !tile.global<f32>
    gpu.return
  }

  // Four warps meet in shared memory: one row, a place for every thread.
  // CHECK-LABEL: gpu.func @warps
  // CHECK: llvm.store %{{.*}} : f32, !llvm.ptr<3>
  // CHECK: gpu.barrier
  // CHECK-COUNT-4: llvm.load %{{.*}} : !llvm.ptr<3> -> f32
  gpu.func @warps(%p: !tile.global<f32>, %o: !tile.global<f32>, %at: index) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c1 = arith.constant 1 : index
    %shared = tile.alloc at 0 : !tile.buffer<1x128xf32>
    %x = tile.load %p[%at] strides [%c1] : !tile.global<f32> -> tensor<4xf32, #tile.blocked<1 warps 4 by 1>>
    %s = tile.combine add %x [0] through %shared : tensor<4xf32, #tile.blocked<1 warps 4 by 1>>, !tile.buffer<1x128xf32>
        -> tensor<f32, #tile.blocked<>>
    tile.store %s, %o[%at] : tensor<f32, #tile.blocked<>>, !tile.global<f32>
    gpu.return
  }
}
