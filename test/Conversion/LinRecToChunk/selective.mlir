// Breaks if the token loop of the selective scan is no longer (29), if a decay per
// element of the state is taken for one per channel, or if a pool or packed sequences
// do not reach the scan.
// RUN: deltanet-opt %s --convert-linrec-to-chunk=chunk=64 --canonicalize --cse --mlir-use-nameloc-as-prefix | FileCheck %s

// CHECK-LABEL: func.func @mamba
// CHECK: chunk.scan 1 sequences(%{{.*}}) indices(%{{.*}})
// CHECK-NEXT: carry(%{{.*}} [p, 1, 0] : tensor<?x4x8xf32>)
// CHECK-NEXT: in(%{{.*}} [b, t, 1] : tensor<1x?x4xbf16>,
// CHECK-NEXT: %{{.*}} [b, t, 1] : tensor<1x?x4xf32>,
// CHECK-NEXT: %{{.*}} [1, 0] : tensor<4x8xf32>,
// CHECK: out([b, t, 1] : tensor<1x?x4xbf16>)
// CHECK-NEXT: final([p, 1, 0] : tensor<?x4x8xf32>)
// CHECK: ^bb0(%h: tensor<8x4xf32>, %n: index, %x: tensor<1x4xbf16>, %delta: tensor<1x4xf32>, %a: tensor<8x4xf32>, %b: tensor<1x8xf32>, %c: tensor<1x8xf32>, %skip: tensor<4xf32>):
// CHECK: %[[ROW:.*]] = chunk.row %delta[0]
// CHECK-NEXT: %[[D:.*]] = chunk.broadcast %[[ROW]] [0] : tensor<4xf32> -> tensor<8x4xf32>
// CHECK-NEXT: %[[RATE:.*]] = arith.mulf %a, %[[D]]
// CHECK: %[[DX:.*]] = arith.mulf %delta, %{{.*}} : tensor<1x4xf32>
// CHECK: %[[NEW:.*]] = chunk.dot %b, %[[DX]] {transpose_lhs}
// CHECK: %[[ALPHA:.*]] = math.exp %[[RATE]]
// CHECK: %[[KEPT:.*]] = arith.mulf %h, %[[ALPHA]]
// CHECK: %[[H:.*]] = arith.addf %[[KEPT]], %[[NEW]]
// CHECK: %[[Y:.*]] = chunk.dot %c, %[[H]]
// CHECK: arith.addf %[[Y]], %{{.*}}
// CHECK: chunk.yield %{{.*}} carry(%[[H]])
func.func @mamba(%x: tensor<1x?x4xbf16>, %delta: tensor<1x?x4xf32>, %a: tensor<4x8xf32>, %b: tensor<1x?x8xf32>,
                 %c: tensor<1x?x8xf32>, %skip: tensor<4xf32>, %s: tensor<?x4x8xf32>, %cu: tensor<?xi32>, %i: tensor<?xi32>)
    -> (tensor<1x?x4xbf16>, tensor<?x4x8xf32>) {
  %y, %f = linrec.selective_scan %x, %delta, %a, %b, %c skip(%skip : tensor<4xf32>) initial(%s : tensor<?x4x8xf32>)
      sequences(%cu : tensor<?xi32>) indices(%i : tensor<?xi32>)
    : tensor<1x?x4xbf16>, tensor<1x?x4xf32>, tensor<4x8xf32>, tensor<1x?x8xf32>, tensor<1x?x8xf32>
   -> tensor<1x?x4xbf16>, tensor<?x4x8xf32>
  return %y, %f : tensor<1x?x4xbf16>, tensor<?x4x8xf32>
}
