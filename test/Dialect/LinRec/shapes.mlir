// If this fails, the extents of a recurrence's results are not those of its
// operands: buffers for the results would be allocated with wrong sizes.
// RUN: deltanet-opt %s --resolve-shaped-type-result-dims --canonicalize --cse | FileCheck %s

// Tokens come from the query, heads from the value, sequences from the batch.
// CHECK-LABEL: func.func @batch
// CHECK-SAME: %[[Q:[a-z0-9]+]]: tensor<?x?x?x64xf32>, %{{[a-z0-9]+}}: tensor<?x?x?x64xf32>, %[[V:[a-z0-9]+]]: tensor<?x?x?x32xf32>
// CHECK-DAG: %[[B:.*]] = tensor.dim %[[Q]], %c0
// CHECK-DAG: %[[T:.*]] = tensor.dim %[[Q]], %c1
// CHECK-DAG: %[[H:.*]] = tensor.dim %[[V]], %c2
// CHECK: return %[[B]], %[[T]], %[[H]], %[[B]], %[[H]]
func.func @batch(%q: tensor<?x?x?x64xf32>, %k: tensor<?x?x?x64xf32>, %v: tensor<?x?x?x32xf32>)
    -> (index, index, index, index, index) {
  %o, %s = linrec.scan %q, %k, %v
    : tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>, tensor<?x?x?x32xf32>
   -> tensor<?x?x?x32xf32>, tensor<?x?x64x32xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %b = tensor.dim %o, %c0 : tensor<?x?x?x32xf32>
  %t = tensor.dim %o, %c1 : tensor<?x?x?x32xf32>
  %h = tensor.dim %o, %c2 : tensor<?x?x?x32xf32>
  %n = tensor.dim %s, %c0 : tensor<?x?x64x32xf32>
  %sh = tensor.dim %s, %c1 : tensor<?x?x64x32xf32>
  return %b, %t, %h, %n, %sh : index, index, index, index, index
}

// With layout bhtd tokens and heads change places; several steps a token (25)
// leave the output as long as the query.
// CHECK-LABEL: func.func @layout
// CHECK-SAME: %[[Q:[a-z0-9]+]]: tensor<?x?x?x64xf32>, %{{[a-z0-9]+}}: tensor<?x?x?x64xf32>, %[[V:[a-z0-9]+]]: tensor<?x?x?x32xf32>
// CHECK-DAG: %[[T:.*]] = tensor.dim %[[Q]], %c2
// CHECK-DAG: %[[H:.*]] = tensor.dim %[[V]], %c1
// CHECK: return %[[H]], %[[T]]
func.func @layout(%q: tensor<?x?x?x64xf32>, %k: tensor<?x?x?x64xf32>, %v: tensor<?x?x?x32xf32>)
    -> (index, index) {
  %o = linrec.scan %q, %k, %v layout(bhtd) steps(2)
    : tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>, tensor<?x?x?x32xf32> -> tensor<?x?x?x32xf32>
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %h = tensor.dim %o, %c1 : tensor<?x?x?x32xf32>
  %t = tensor.dim %o, %c2 : tensor<?x?x?x32xf32>
  return %h, %t : index, index
}

// Packed: one state fewer than there are offsets.
// CHECK-LABEL: func.func @packed
// CHECK-SAME: %[[CU:[a-z0-9]+]]: tensor<?xi32>
// CHECK: %[[ENTRIES:.*]] = tensor.dim %[[CU]], %c0
// CHECK: %[[N:.*]] = arith.subi %[[ENTRIES]], %c1
// CHECK: return %[[N]]
func.func @packed(%cu: tensor<?xi32>, %q: tensor<1x?x2x64xf32>) -> index {
  %o, %s = linrec.scan %q, %q, %q sequences(%cu : tensor<?xi32>)
    : tensor<1x?x2x64xf32>, tensor<1x?x2x64xf32>, tensor<1x?x2x64xf32>
   -> tensor<1x?x2x64xf32>, tensor<?x2x64x64xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %s, %c0 : tensor<?x2x64x64xf32>
  return %n : index
}

// With an initial state, its extent.
// CHECK-LABEL: func.func @dplr
// CHECK-SAME: %[[S0:[a-z0-9]+]]: tensor<?x2x64x64xf32>
// CHECK: %[[N:.*]] = tensor.dim %[[S0]], %c0
// CHECK: return %[[N]]
func.func @dplr(%s0: tensor<?x2x64x64xf32>, %q: tensor<?x?x2x64xf32>) -> index {
  %o, %s = linrec.dplr_scan %q, %q, %q a(%q) b(%q) initial(%s0 : tensor<?x2x64x64xf32>)
    : tensor<?x?x2x64xf32>, tensor<?x?x2x64xf32>, tensor<?x?x2x64xf32>,
      tensor<?x?x2x64xf32>, tensor<?x?x2x64xf32> -> tensor<?x?x2x64xf32>, tensor<?x2x64x64xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %s, %c0 : tensor<?x2x64x64xf32>
  return %n : index
}
