// If this fails, gradients that nobody asks for cost products, memory or carries.
// RUN: deltanet-opt %s \
// RUN:   --pass-pipeline="builtin.module(linrec-to-chunk{chunk=16},chunk-differentiate{of=0},canonicalize,cse)" \
// RUN:   | FileCheck %s
// RUN: deltanet-opt %s \
// RUN:   --pass-pipeline="builtin.module(linrec-to-chunk{chunk=16},chunk-differentiate{of=0 keep-states=1},canonicalize,cse)" \
// RUN:   | FileCheck %s --check-prefix=AGAIN

// The query's gradient waits for no gradient of the state: nothing is carried.
// CHECK-LABEL: func.func @additive_backward(
// CHECK: chunk.scan 16 reverse
// CHECK-NEXT: in(
// CHECK: chunk.dot
// CHECK: chunk.dot
// CHECK: chunk.dot
// CHECK-NOT: chunk.dot
// CHECK: chunk.yield
// CHECK-NOT: carry

// With one state the forward function keeps nothing, as that is an argument or a
// constant: the state is run again, without what only the output needs.
// AGAIN-LABEL: func.func @additive_forward(
// AGAIN-SAME: -> (tensor<2x?x2x64xf32>, tensor<2x2x32x64xf32>)
// AGAIN-LABEL: func.func @additive_backward(
// AGAIN: %[[S:.*]]:2 = chunk.scan 16
// AGAIN-NOT: reverse
// AGAIN: out([b, c, h, 0, 1] : tensor<2x?x2x32x64xf32>)
// AGAIN: chunk.dot
// AGAIN-NOT: chunk.dot
// AGAIN: chunk.yield
func.func @additive(%q: tensor<2x?x2x32xf32>, %k: tensor<2x?x2x32xf32>, %v: tensor<2x?x2x64xf32>)
    -> (tensor<2x?x2x64xf32>, tensor<2x2x32x64xf32>) {
  %o, %s = linrec.scan %q, %k, %v
      : tensor<2x?x2x32xf32>, tensor<2x?x2x32xf32>, tensor<2x?x2x64xf32>
     -> tensor<2x?x2x64xf32>, tensor<2x2x32x64xf32>
  return %o, %s : tensor<2x?x2x64xf32>, tensor<2x2x32x64xf32>
}
