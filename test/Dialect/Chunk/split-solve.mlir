// Breaks if a solve no longer becomes an inverse and a product in the type asked for.
// RUN: deltanet-opt %s --chunk-split-solve=products=bf16 | FileCheck %s
// RUN: not deltanet-opt %s --chunk-split-solve=products=f8 2>&1 | FileCheck %s --check-prefix=BAD
// BAD: error: expects products of f32, bf16 or f16, got 'f8'

// CHECK-LABEL: func.func @solve
// CHECK-SAME: %[[L:.*]]: tensor<8x8xf32>, %[[Y:.*]]: tensor<8x4xf32>
// CHECK: %[[A:.*]] = chunk.unit_lower_inverse %[[L]]
// CHECK: %[[AB:.*]] = arith.truncf %[[A]]
// CHECK: %[[YB:.*]] = arith.truncf %[[Y]]
// CHECK: chunk.dot %[[AB]], %[[YB]] : tensor<8x8xbf16>, tensor<8x4xbf16> -> tensor<8x4xf32>
func.func @solve(%L: tensor<8x8xf32>, %Y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %U = chunk.unit_lower_solve %L, %Y : tensor<8x8xf32>, tensor<8x4xf32>
  return %U : tensor<8x4xf32>
}
// CHECK-LABEL: func.func @transposed
// CHECK: chunk.dot {{.*}} {transpose_lhs}
func.func @transposed(%L: tensor<8x8xf32>, %Y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %U = chunk.unit_lower_solve %L, %Y transpose : tensor<8x8xf32>, tensor<8x4xf32>
  return %U : tensor<8x4xf32>
}
