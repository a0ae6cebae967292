// If this fails, the gradient of the delta rule no longer reads like (12)-(20) of
// docs/Math.md, or costs more products.
// RUN: deltanet-opt %s --mlir-use-nameloc-as-prefix \
// RUN:   --pass-pipeline="builtin.module(linrec-to-chunk{chunk=16},chunk-differentiate{of=q,k,v,beta from=o},canonicalize,cse)" \
// RUN:   | FileCheck %s

// CHECK-LABEL: func.func @delta_forward(
// CHECK: out([b, t, h, 1] : tensor<?x?x2x64xf32>,
// CHECK-NEXT: [b, c, h, 0, 1] : tensor<?x?x2x32x64xf32>)
// CHECK: ^bb0(%[[S:.*]]: tensor<32x64xf32>,
// CHECK: chunk.yield %{{.*}}, %[[S]] carry

// CHECK-LABEL: func.func @delta_backward(
// CHECK-SAME: -> (tensor<?x?x2x32xf32> {deltanet.name = "dq"}, tensor<?x?x2x32xf32> {deltanet.name = "dk"}, tensor<?x?x2x64xf32> {deltanet.name = "dv"}, tensor<?x?x2xf32> {deltanet.name = "dbeta"})
// CHECK: chunk.scan 16 reverse
// CHECK: ^bb0(%dS: tensor<32x64xf32>, %n: index, %q: tensor<16x32xf32>, %k{{.*}}: tensor<16x32xf32>, %v{{.*}}: tensor<16x64xf32>, %beta{{.*}}: tensor<16xf32>, %S{{.*}}: tensor<32x64xf32>, %dO{{.*}}: tensor<16x64xf32>):
// The body of the forward scan, as far as the gradient reads it.
// CHECK: %[[KS:.*]] = chunk.dot %[[K:.*]], %[[S:S.*]] :
// CHECK: %[[X:X.*]] = arith.subf %{{.*}}, %[[KS]]
// CHECK: %[[L:L.*]] = arith.mulf %[[KK:kk.*]], %[[B:.*]] :
// CHECK: %[[U:U.*]] = chunk.unit_lower_solve %[[L]], %{{.*}} :
// CHECK: %[[M:M.*]] = chunk.tril %
// (9): what the state gives to U and to k.
// CHECK: chunk.dot %[[U]], %dS {transpose_rhs}
// CHECK: %[[KDS:.*]] = chunk.dot %[[K]], %dS :
// (16), (12), (18), (15).
// CHECK: %dM = chunk.dot %[[DO:.*]], %[[U]] {transpose_rhs}
// CHECK: %[[MDO:.*]] = chunk.dot %[[M]], %[[DO]] {transpose_lhs}
// CHECK: %[[SDO:.*]] = chunk.dot %[[DO]], %[[S]] {transpose_rhs}
// CHECK: %[[QDO:.*]] = chunk.dot %q, %[[DO]] {transpose_lhs}
// CHECK: %dU = arith.addf %[[KDS]], %[[MDO]]
// (13): the transposed solve; the gradient of the inverse is never built.
// CHECK: %[[DY:dY.*]] = chunk.unit_lower_solve %[[L]], %dU transpose
// CHECK: chunk.dot %[[DY]], %[[U]] {transpose_rhs}
// CHECK: %dL = arith.negf
// CHECK: %dX = arith.mulf %[[DY]]
// CHECK: %dbeta{{.*}} = arith.addf
// (19): the two halves of kk's gradient are one product, of their sum.
// CHECK: %[[H:.*]] = chunk.transpose %[[DKK:.*]] :
// CHECK: %[[SUM:.*]] = arith.addf %[[DKK]], %[[H]]
// CHECK: chunk.dot %[[SUM]], %[[K]] :
// CHECK: chunk.yield %dq{{.*}} carry(%dS{{.*}})
func.func @delta(%q: tensor<?x?x2x32xf32> {deltanet.name = "q"},
                 %k: tensor<?x?x2x32xf32> {deltanet.name = "k"},
                 %v: tensor<?x?x2x64xf32> {deltanet.name = "v"},
                 %beta: tensor<?x?x2xf32> {deltanet.name = "beta"})
    -> (tensor<?x?x2x64xf32> {deltanet.name = "o"}, tensor<?x2x32x64xf32> {deltanet.name = "s"}) {
  %o, %s = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x2xf32>) {scale = 1.0}
      : tensor<?x?x2x32xf32>, tensor<?x?x2x32xf32>, tensor<?x?x2x64xf32>
     -> tensor<?x?x2x64xf32>, tensor<?x2x32x64xf32>
  return %o, %s : tensor<?x?x2x64xf32>, tensor<?x2x32x64xf32>
}
