// If this fails, triangular systems are solved out of order or row by row: blocks of
// 8 rows, what is solved before them by a product, what is within them in registers.
// RUN: deltanet-opt %s --convert-chunk-to-cpu=vector-bits=512 --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func private @forward_scan0(
// CHECK:         scf.for %[[ROW:.*]] = %c0 to %c64 step %c8
// CHECK:           scf.for %[[K:.*]] = %c0 to %[[ROW]] step %c1 iter_args(
// CHECK:             arith.negf
// CHECK-COUNT-16:    vector.fma
// CHECK:             scf.yield
// Then 28 pairs of rows with 2 vectors each.
// CHECK-COUNT-56:    vector.fma
// CHECK-NOT:         vector.fma

// CHECK-LABEL: func.func private @backward_scan0(
// CHECK:         scf.for %[[TURN:.*]] = %c0 to %c64 step %c8
// CHECK:           %[[ROW:.*]] = arith.subi %c56, %[[TURN]]
// CHECK:           %[[AFTER:.*]] = arith.subi %c64, %[[TURN]]
// CHECK:           scf.for %[[K:.*]] = %[[AFTER]] to %c64 step %c1 iter_args(
// CHECK:             memref.load %{{.*}}[%[[K]], %[[ROW]]]

// The inverse begins at the column's own block: above it is zero.
// CHECK-LABEL: func.func private @inverse_scan0(
// CHECK:         scf.for %[[ROW:.*]] = %c0 to %c64 step %c8
// CHECK:           scf.for %[[COL:.*]] = %c0 to %c64 step %c32
// CHECK:             scf.for %{{.*}} = %[[COL]] to %[[ROW]] step %c1 iter_args(

func.func @forward(%x: tensor<?x?x?x64xf32>, %y: tensor<?x?x?x32xf32>) -> tensor<?x?x?x32xf32> {
  %r = chunk.scan 64 in(%x [b, t, h, 1] : tensor<?x?x?x64xf32>,
                        %y [b, t, h, 1] : tensor<?x?x?x32xf32>)
      out([b, t, h, 1] : tensor<?x?x?x32xf32>) {
  ^bb0(%n: index, %a: tensor<64x64xf32>, %c: tensor<64x32xf32>):
    %o = chunk.unit_lower_solve %a, %c : tensor<64x64xf32>, tensor<64x32xf32>
    chunk.yield %o : tensor<64x32xf32>
  }
  return %r : tensor<?x?x?x32xf32>
}

func.func @backward(%x: tensor<?x?x?x64xf32>, %y: tensor<?x?x?x32xf32>) -> tensor<?x?x?x32xf32> {
  %r = chunk.scan 64 in(%x [b, t, h, 1] : tensor<?x?x?x64xf32>,
                        %y [b, t, h, 1] : tensor<?x?x?x32xf32>)
      out([b, t, h, 1] : tensor<?x?x?x32xf32>) {
  ^bb0(%n: index, %a: tensor<64x64xf32>, %c: tensor<64x32xf32>):
    %o = chunk.unit_lower_solve %a, %c transpose : tensor<64x64xf32>, tensor<64x32xf32>
    chunk.yield %o : tensor<64x32xf32>
  }
  return %r : tensor<?x?x?x32xf32>
}

func.func @inverse(%x: tensor<?x?x?x64xf32>) -> tensor<?x?x?x64xf32> {
  %r = chunk.scan 64 in(%x [b, t, h, 1] : tensor<?x?x?x64xf32>)
      out([b, t, h, 1] : tensor<?x?x?x64xf32>) {
  ^bb0(%n: index, %a: tensor<64x64xf32>):
    %o = chunk.unit_lower_inverse %a : tensor<64x64xf32>
    chunk.yield %o : tensor<64x64xf32>
  }
  return %r : tensor<?x?x?x64xf32>
}
