// If this fails, the extents of a scan's results are not those of its operands:
// buffers for the results would be allocated with wrong sizes.
// RUN: deltanet-opt %s --resolve-shaped-type-result-dims --canonicalize --cse | FileCheck %s

// Tokens, and chunks of them, of an input with two rows a token.
// CHECK-LABEL: func.func @rows
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x?x4x8xf32>
// CHECK-DAG: %[[B:.*]] = tensor.dim %[[X]], %c0
// CHECK-DAG: %[[ROWS:.*]] = tensor.dim %[[X]], %c1
// CHECK-DAG: %[[T:.*]] = arith.divui %[[ROWS]], %c2
// CHECK-DAG: %[[C:.*]] = arith.ceildivui %[[T]], %c16
// CHECK: return %[[B]], %[[T]], %[[C]]
func.func @rows(%x: tensor<?x?x4x8xf32>) -> (index, index, index) {
  %o, %p = chunk.scan 16 in(%x [b, t, h, 1] : tensor<?x?x4x8xf32>)
      out([b, t, h, 1] : tensor<?x?x4x8xf32>, [b, c, h, 0, 1] : tensor<?x?x4x32x8xf32>) {
  ^bb0(%n: index, %xt: tensor<32x8xf32>):
    %y = arith.constant dense<0.0> : tensor<16x8xf32>
    chunk.yield %y, %xt : tensor<16x8xf32>, tensor<32x8xf32>
  }
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %o, %c0 : tensor<?x?x4x8xf32>
  %t = tensor.dim %o, %c1 : tensor<?x?x4x8xf32>
  %c = tensor.dim %p, %c1 : tensor<?x?x4x32x8xf32>
  return %b, %t, %c : index, index, index
}

// Packed: sequences from the offsets, room for T / C + N chunks.
// CHECK-LABEL: func.func @packed
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<1x?x4x8xf32>, %[[CU:[a-z0-9]+]]: tensor<?xi64>
// CHECK-DAG: %[[T:.*]] = tensor.dim %[[X]], %c1
// CHECK-DAG: %[[WHOLE:.*]] = arith.divui %[[T]], %c16
// CHECK-DAG: %[[ENTRIES:.*]] = tensor.dim %[[CU]], %c0
// CHECK-DAG: %[[N:.*]] = arith.subi %[[ENTRIES]], %c1
// CHECK-DAG: %[[C:.*]] = arith.addi %[[WHOLE]], %[[N]]
// CHECK: return %[[C]], %[[N]]
func.func @packed(%x: tensor<1x?x4x8xf32>, %cu: tensor<?xi64>, %s: tensor<?x4x8x8xf32>) -> (index, index) {
  %p, %sn = chunk.scan 16 sequences(%cu : tensor<?xi64>) carry(%s [n, h, 0, 1] : tensor<?x4x8x8xf32>)
      in(%x [b, t, h, 1] : tensor<1x?x4x8xf32>) out([b, c, h, 0, 1] : tensor<1x?x4x16x8xf32>)
      final([n, h, 0, 1] : tensor<?x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %xt: tensor<16x8xf32>):
    chunk.yield %xt carry(%S) : tensor<16x8xf32> carry tensor<8x8xf32>
  }
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = tensor.dim %p, %c1 : tensor<1x?x4x16x8xf32>
  %n = tensor.dim %sn, %c0 : tensor<?x4x8x8xf32>
  return %c, %n : index, index
}
