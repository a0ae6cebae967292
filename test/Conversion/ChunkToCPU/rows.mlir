// If this fails, sums along rows or columns are not vectors, or their order depends on
// anything: vectors of partial sums, then halves of a vector, always alike.
// RUN: deltanet-opt %s --convert-chunk-to-cpu=vector-bits=256 --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func private @sums_scan0(
// Down the rows, in the wider type, a vector of columns at a time.
// CHECK:         scf.for %[[COL:.*]] = %c0 to %c20 step %c8
// CHECK:           scf.for %[[ROW:.*]] = %c0 to %c16 step %c1 iter_args(%[[SUM:.*]] = %{{.*}}) -> (vector<8xf64>)
// CHECK:             %[[X:.*]] = arith.extf %{{.*}} : vector<8xf32> to vector<8xf64>
// CHECK:             %[[NEXT:.*]] = arith.addf %[[SUM]], %[[X]]
// CHECK:             vector.store %[[NEXT]]
// Along a row: the lanes past its end do not count.
// CHECK:         scf.for %{{.*}} = %c0 to %c16 step %c1
// CHECK:           scf.for %{{.*}} = %c0 to %c3 step %c1 iter_args(%{{.*}}) -> (vector<8xf64>)
// CHECK:             arith.cmpi {{slt|sgt}}, %{{.*}} : vector<8xi32>
// CHECK:             arith.select
// CHECK:             arith.addf
// CHECK:           vector.shuffle %{{.*}} [0, 1, 2, 3]
// CHECK:           vector.shuffle %{{.*}} [4, 5, 6, 7]
// CHECK:           arith.addf %{{.*}} : vector<4xf64>
// CHECK:           arith.addf %{{.*}} : vector<2xf64>
// CHECK:           arith.addf %{{.*}} : vector<1xf64>
// CHECK:           vector.extract
func.func @sums(%x: tensor<?x?x?x20xf32>) -> tensor<?x?x?xf64> {
  %r = chunk.scan 16 in(%x [b, t, h, 1] : tensor<?x?x?x20xf32>) out([b, t, h] : tensor<?x?x?xf64>) {
  ^bb0(%n: index, %a: tensor<16x20xf32>):
    %s = chunk.cumsum %a : tensor<16x20xf32> -> tensor<16x20xf64>
    %o = chunk.reduce add %s [1] : tensor<16x20xf64> -> tensor<16xf64>
    chunk.yield %o : tensor<16xf64>
  }
  return %r : tensor<?x?x?xf64>
}
