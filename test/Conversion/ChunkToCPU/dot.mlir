// If this fails, products are not computed in registers: the accumulators of a block
// of rows and vectors are carried by the loop over the contracted dimension, and what
// follows a product is done to them before they are stored.
// RUN: deltanet-opt %s --convert-chunk-to-cpu=vector-bits=512 --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func private @product_scan0(
// The second operand is transposed once, in squares of vectors.
// CHECK:         %[[TURNED:.*]] = memref.view %{{.*}} to memref<128x64xf32>
// CHECK:         scf.for %{{.*}} = %c0 to %c64 step %c16
// CHECK:           scf.for %{{.*}} = %c0 to %c128 step %c16
// CHECK-COUNT-64:    vector.shuffle
// CHECK-COUNT-16:    vector.store %{{.*}}, %[[TURNED]]
// 8 rows times 2 vectors.
// CHECK:         scf.for %[[ROW:.*]] = %c0 to %c64 step %c8
// CHECK:           scf.for %[[COL:.*]] = %c0 to %c64 step %c32
// CHECK:             %[[SUMS:.*]]:16 = scf.for %[[K:.*]] = %c0 to %c128 step %c1 iter_args(
// CHECK-COUNT-2:       vector.load %[[TURNED]][%[[K]],
// CHECK:               %[[X:.*]] = memref.load %{{.*}}[%[[ROW]], %[[K]]]
// CHECK:               %[[XS:.*]] = vector.broadcast %[[X]]
// CHECK-COUNT-16:      vector.fma
// CHECK-NOT:           vector.store
// CHECK:               scf.yield
// CHECK:             arith.mulf %[[SUMS]]#0
// CHECK:             vector.store
func.func @product(%q: tensor<?x?x?x128xf32>, %k: tensor<?x?x?x128xf32>)
    -> tensor<?x?x?x64xf32> {
  %r = chunk.scan 64 in(%q [b, t, h, 1] : tensor<?x?x?x128xf32>,
                        %k [b, t, h, 1] : tensor<?x?x?x128xf32>)
      out([b, t, h, 1] : tensor<?x?x?x64xf32>) {
  ^bb0(%n: index, %a: tensor<64x128xf32>, %c: tensor<64x128xf32>):
    %two = arith.constant dense<2.0> : tensor<64x64xf32>
    %s = chunk.dot %a, %c {transpose_rhs}
        : tensor<64x128xf32>, tensor<64x128xf32> -> tensor<64x64xf32>
    %o = arith.mulf %s, %two : tensor<64x64xf32>
    chunk.yield %o : tensor<64x64xf32>
  }
  return %r : tensor<?x?x?x64xf32>
}

// Narrow operands are converted once, not at every use.
// CHECK-LABEL: func.func private @narrow_scan0(
// CHECK:         arith.extf %{{.*}} : vector<16xbf16> to vector<16xf32>
// CHECK:         scf.for %{{.*}} iter_args(
// CHECK-NOT:       arith.extf
// CHECK:           vector.fma
// CHECK-NOT:       arith.extf
// CHECK:           scf.yield
func.func @narrow(%q: tensor<?x?x?x32xbf16>) -> tensor<?x?x?x32xf32> {
  %r = chunk.scan 8 in(%q [b, t, h, 1] : tensor<?x?x?x32xbf16>)
      out([b, t, h, 1] : tensor<?x?x?x32xf32>) {
  ^bb0(%n: index, %a: tensor<8x32xbf16>):
    %s = chunk.dot %a, %a {transpose_lhs}
        : tensor<8x32xbf16>, tensor<8x32xbf16> -> tensor<32x32xf32>
    %w = arith.extf %a : tensor<8x32xbf16> to tensor<8x32xf32>
    %o = chunk.dot %w, %s : tensor<8x32xf32>, tensor<32x32xf32> -> tensor<8x32xf32>
    chunk.yield %o : tensor<8x32xf32>
  }
  return %r : tensor<?x?x?x32xf32>
}
