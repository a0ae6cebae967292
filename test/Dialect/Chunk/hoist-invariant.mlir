// Breaks if work that waits for no state stays in the serial scan, or if cheap
// copies of inputs go through memory.
// RUN: deltanet-opt %s --convert-linrec-to-chunk=chunk=32 --chunk-split-solve --canonicalize --cse \
// RUN:   --chunk-hoist-invariant --canonicalize --mlir-use-nameloc-as-prefix | FileCheck %s

// Ahead: gates, L, its inverse and M, by chunks; no carry.
// CHECK-LABEL: func.func @gated_delta
// CHECK: %[[AHEAD:.*]]:4 = chunk.scan 32
// CHECK-NOT: carry
// CHECK: out([b, c, h, 0] : tensor<?x?x2x32xf32>,
// CHECK: [b, c, h, 0, 1] : tensor<?x?x2x32x32xf32>
// CHECK: %kk = chunk.decay_dot
// CHECK: %A = chunk.unit_lower_inverse
// CHECK: %M = chunk.decay_dot
// CHECK-NOT: chunk.dot
// Behind: the products with the state alone.
// CHECK: chunk.scan 32
// CHECK: carry(
// CHECK: %[[AHEAD]]#0 [b, c, h, 0]
// CHECK-NOT: decay_dot
// CHECK-NOT: cumsum
// CHECK: %kS =
// CHECK: %[[U:.*]] = chunk.dot %A, %Y
// CHECK: %MU = chunk.dot %M, %[[U]]
func.func @gated_delta(%q: tensor<?x?x2x16xf32>, %k: tensor<?x?x2x16xf32>, %v: tensor<?x?x2x16xf32>, %b: tensor<?x?x2xf32>, %a: tensor<?x?x2xf32>) -> tensor<?x?x2x16xf32> {
  %o = linrec.scan %q, %k, %v beta(%b : tensor<?x?x2xf32>) decay(%a : tensor<?x?x2xf32>) : tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32> -> tensor<?x?x2x16xf32>
  return %o : tensor<?x?x2x16xf32>
}

// Without heads nothing runs ahead: its outputs would have none to be walked by.
// CHECK-LABEL: func.func @no_heads
// CHECK: chunk.scan 1
// CHECK-NOT: chunk.scan
func.func @no_heads(%x: tensor<?x?x4xf32>, %a: tensor<4x8xf32>, %b: tensor<?x?x8xf32>) -> tensor<?x?x4xf32> {
  %y = linrec.selective_scan %x, %x, %a, %b, %b
    : tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<4x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32> -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// Products that are only added to what waits stay with the columns of the state: M goes through
// memory, M V and K^T V, which are larger, do not.
// CHECK-LABEL: func.func @additive
// CHECK: chunk.scan 32
// CHECK-NOT: carry
// CHECK: out([b, c, h, 0, 1] : tensor<?x?x2x32x32xf32>) {
// CHECK: %M = chunk.tril
// CHECK-NOT: chunk.dot
// CHECK: chunk.scan 32
// CHECK: carry(
// CHECK: %MU = chunk.dot %M, %v
// CHECK: %kU = chunk.dot %k{{.*}}transpose_lhs
func.func @additive(%q: tensor<?x?x2x16xf32>, %k: tensor<?x?x2x16xf32>, %v: tensor<?x?x2x64xf32>) -> tensor<?x?x2x64xf32> {
  %o = linrec.scan %q, %k, %v : tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x64xf32> -> tensor<?x?x2x64xf32>
  return %o : tensor<?x?x2x64xf32>
}
