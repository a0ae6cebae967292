// If this fails, a sequence works on another entry of a pool than its own, or the
// entries that nobody names are not there afterwards.
// RUN: deltanet-opt %s --convert-chunk-to-cpu=vector-bits=128 | FileCheck %s

// CHECK-LABEL: func.func @pool(
// CHECK-SAME: %{{.*}}: memref<6x4x8xf32>, %{{.*}}: memref<2xi32>, %[[FINAL:[a-z0-9]*]]: memref<6x4x8xf32>
// CHECK: memref.copy %{{.*}}, %[[FINAL]] : memref<6x4x8xf32> to memref<6x4x8xf32>
// CHECK-NEXT: call @pool_launch0(
// CHECK-LABEL: func.func private @pool_scan0(
// CHECK: memref.load %{{.*}}[%{{.*}}] : memref<2xi32>
func.func @pool(%x: tensor<2x?x4xf32>, %s: tensor<6x4x8xf32>, %i: tensor<2xi32>) -> tensor<6x4x8xf32> {
  %f = chunk.scan 1 indices(%i : tensor<2xi32>)
      carry(%s [p, 1, 0] : tensor<6x4x8xf32>) in(%x [b, t, 1] : tensor<2x?x4xf32>)
      final([p, 1, 0] : tensor<6x4x8xf32>) {
  ^bb0(%S: tensor<8x4xf32>, %n: index, %xt: tensor<1x4xf32>):
    %row = chunk.row %xt [0] : tensor<1x4xf32> -> tensor<4xf32>
    %all = chunk.broadcast %row [0] : tensor<4xf32> -> tensor<8x4xf32>
    %next = arith.addf %S, %all : tensor<8x4xf32>
    chunk.yield carry(%next) carry tensor<8x4xf32>
  }
  return %f : tensor<6x4x8xf32>
}
