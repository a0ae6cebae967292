// If this fails, a sum of whole tensors adds up the wrong dimensions where loops are made
// by MLIR, forgets a rounding, or does not divide heads into their groups.
// RUN: deltanet-opt %s --chunk-expand-sums --split-input-file | FileCheck %s

// A parameter without heads: one reduction, rounded at the end.
// CHECK-LABEL: func.func @weight
// CHECK: %[[Z:.*]] = linalg.fill
// CHECK: %[[S:.*]] = linalg.reduce ins(%arg0 : tensor<?x4x8xf32>) outs(%[[Z]] : tensor<8xf32>) dimensions = [0, 1]
// CHECK: %[[R:.*]] = arith.truncf %[[S]] : tensor<8xf32> to tensor<8xbf16>
// CHECK: return %[[R]]
func.func @weight(%p: tensor<?x4x8xf32>) -> tensor<8xbf16> {
  %s = chunk.sum in(%p [n, h, 0] : tensor<?x4x8xf32>) out([0] : tensor<8xbf16>)
  return %s : tensor<8xbf16>
}

// -----
// Groups of heads: a dimension of the heads of each, however many there are.
// CHECK-LABEL: func.func @groups
// CHECK: %[[G:.*]] = tensor.dim %arg1
// CHECK: arith.divui %{{.*}}, %[[G]]
// CHECK: %[[V:.*]] = tensor.reshape %arg0({{.*}}) : (tensor<2x?x?x8xf32>, tensor<5xindex>) -> tensor<2x?x?x?x8xf32>
// CHECK: linalg.reduce ins(%[[V]] : tensor<2x?x?x?x8xf32>) {{.*}} dimensions = [3]
func.func @groups(%p: tensor<2x?x?x8xf32>, %k: tensor<2x?x?x8xf32>) -> tensor<2x?x?x8xf32> {
  %s = chunk.sum in(%p [b, t, h, 1] : tensor<2x?x?x8xf32>) out([b, t, g, 1] : tensor<2x?x?x8xf32>) like(%k : tensor<2x?x?x8xf32>)
  return %s : tensor<2x?x?x8xf32>
}

// -----
// Parts of 16 bits are added in f32.
// CHECK-LABEL: func.func @parts
// CHECK: %[[X:.*]] = arith.extf %arg0
// CHECK: %[[Y:.*]] = arith.extf %arg1
// CHECK: %[[S:.*]] = arith.addf %[[X]], %[[Y]] : tensor<2x?x4xf32>
// CHECK: arith.truncf %[[S]]
func.func @parts(%x: tensor<2x?x4xbf16>, %y: tensor<2x?x4xbf16>) -> tensor<2x?x4xbf16> {
  %s = chunk.sum in(%x [b, t, h] : tensor<2x?x4xbf16>, %y [b, t, h] : tensor<2x?x4xbf16>) out([b, t, h] : tensor<2x?x4xbf16>)
  return %s : tensor<2x?x4xbf16>
}
