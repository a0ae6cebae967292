// If this fails, layout #tile.blocked or an operation on it is printed in a form
// that does not parse back.
// RUN: deltanet-opt %s --verify-roundtrip | FileCheck %s

#V = #tile.blocked<1 lanes 4 by 8 warps 4 by 1>
#KV = #tile.blocked<4 lanes 8 by 1, 1 lanes 4 by 8 warps 4 by 1>
#nK = #tile.blocked<1, 4 lanes 8 by 1>
#Kn = #tile.blocked<4 lanes 8 by 1, 1>
#K = #tile.blocked<4 lanes 8 by 1>
gpu.module @kernels {
  // CHECK-LABEL: gpu.func @blocked
  gpu.func @blocked(%p: !tile.global<f32>, %list: !tile.global<i32>, %at: index, %n: index) {
    %one = arith.constant 1 : index
    // CHECK: tile.load %{{.*}}[%{{.*}}] strides[%{{.*}}, %{{.*}}] below %{{.*}} along [1] : <f32> -> tensor<128x32xf32, #tile.blocked<4 lanes 8 by 1, 1 lanes 4 by 8 warps 4 by 1>>
    %S = tile.load %p[%at] strides [%one, %n] below %n along [1] : !tile.global<f32> -> tensor<128x32xf32, #KV>
    // CHECK: tile.load %{{.*}}[%{{.*}}] : <i32> -> i32
    %entry = tile.load %list[%at] : !tile.global<i32> -> i32
    // CHECK: tile.load %{{.*}}[%{{.*}}] : <f32> -> tensor<f32, #tile.blocked<>>
    %x = tile.load %p[%at] : !tile.global<f32> -> tensor<f32, #tile.blocked<>>
    // CHECK: tile.expand %{{.*}} [0] : tensor<f32, #tile.blocked<>> -> tensor<128xf32, #tile.blocked<4 lanes 8 by 1>>
    %k = tile.expand %x [0] : tensor<f32, #tile.blocked<>> -> tensor<128xf32, #K>
    %k1 = tile.expand %k [0] : tensor<128xf32, #K> -> tensor<1x128xf32, #nK>
    // CHECK: tile.take_row %{{.*}}[0] : tensor<1x128xf32, #tile.blocked<1, 4 lanes 8 by 1>> -> tensor<128xf32, #tile.blocked<4 lanes 8 by 1>>
    %row = tile.take_row %k1 [0] : tensor<1x128xf32, #nK> -> tensor<128xf32, #K>
    // CHECK: tile.transpose %{{.*}} : tensor<1x128xf32, #tile.blocked<1, 4 lanes 8 by 1>> -> tensor<128x1xf32, #tile.blocked<4 lanes 8 by 1, 1>>
    %kT = tile.transpose %k1 : tensor<1x128xf32, #nK> -> tensor<128x1xf32, #Kn>
    // CHECK: tile.combine add %{{.*}} [0] : tensor<128x32xf32, #tile.blocked<4 lanes 8 by 1, 1 lanes 4 by 8 warps 4 by 1>> -> tensor<32xf32, #tile.blocked<1 lanes 4 by 8 warps 4 by 1>>
    %v = tile.combine add %S [0] : tensor<128x32xf32, #KV> -> tensor<32xf32, #V>
    %shared = tile.alloc : !tile.buffer<1x128xf32>
    // CHECK: tile.combine max %{{.*}} [0] through %{{.*}} : tensor<32xf32, #tile.blocked<1 lanes 4 by 8 warps 4 by 1>>, !tile.buffer<1x128xf32> -> tensor<f32, #tile.blocked<>>
    %m = tile.combine max %v [0] through %shared : tensor<32xf32, #V>, !tile.buffer<1x128xf32> -> tensor<f32, #tile.blocked<>>
    // CHECK: tile.store %{{.*}}, %{{.*}}[%{{.*}}] strides[%{{.*}}] : tensor<32xf32, #tile.blocked<1 lanes 4 by 8 warps 4 by 1>>, <f32>
    tile.store %v, %p[%at] strides [%one] : tensor<32xf32, #V>, !tile.global<f32>
    gpu.return
  }
}
