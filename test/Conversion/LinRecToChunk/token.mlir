// Breaks if the token loop, the definition of the operators in code, is no longer
// the recurrence (1): decay the state, correct it by what it held, read it out.
// RUN: deltanet-opt %s --convert-linrec-to-chunk=chunk=1 --canonicalize --cse --mlir-use-nameloc-as-prefix | FileCheck %s

// CHECK-LABEL: func.func @delta
// CHECK: chunk.scan 1
// CHECK: ^bb0(%S: tensor<8x8xf32>, %n: index, %q: tensor<1x8xf32>, %k: tensor<1x8xf32>, %v: tensor<1x8xf32>, %beta: tensor<1xf32>, %la: tensor<1x8xf32>):
// CHECK: %[[ROW:.*]] = chunk.row %{{.*}}[0] : tensor<1x8xf32> -> tensor<8xf32>
// CHECK-NEXT: %[[A:.*]] = chunk.broadcast %[[ROW]] [1]
// CHECK-NEXT: %[[D:.*]] = arith.mulf %S, %[[A]]
// CHECK: %[[HELD:.*]] = chunk.dot %k, %[[D]]
// CHECK: arith.subf %v, %[[HELD]]
// CHECK: %[[U:.*]] = arith.mulf
// CHECK: %[[KU:.*]] = chunk.dot %k, %[[U]] {transpose_lhs}
// CHECK: %[[S1:.*]] = arith.addf %[[D]], %[[KU]]
// CHECK: chunk.dot %q, %[[S1]]
// CHECK: chunk.yield %{{.*}} carry(%[[S1]])
// CHECK-NOT: mask_tokens
func.func @delta(%q: tensor<?x?x2x8xf32>, %k: tensor<?x?x2x8xf32>, %v: tensor<?x?x2x8xf32>, %b: tensor<?x?x2xf32>, %a: tensor<?x?x2x8xf32>) -> tensor<?x?x2x8xf32> {
  %o = linrec.scan %q, %k, %v beta(%b : tensor<?x?x2xf32>) decay(%a : tensor<?x?x2x8xf32>) : tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32> -> tensor<?x?x2x8xf32>
  return %o : tensor<?x?x2x8xf32>
}
