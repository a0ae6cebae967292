// If this fails, factors between two tokens overflow or lose digits: differences are
// taken in the gates' type, masked before the exponential, and with gates per channel
// referred to the end of the sub-chunk before the rows (27).
// RUN: deltanet-opt %s --convert-chunk-to-cpu='vector-bits=256 sub-chunk=16' --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func private @rows_scan0(
// CHECK:         vector.fma
// CHECK:         scf.for %[[R:.*]] = %c0 to %c64 step %c1
// CHECK:           %[[D:.*]] = arith.subf %{{.*}} : vector<8xf64>
// CHECK:           %[[S:.*]] = arith.truncf %[[D]] : vector<8xf64> to vector<8xf32>
// CHECK:           %[[M:.*]] = arith.select %[[KEEP:.*]], %[[S]], %{{.*}}
// CHECK:           %[[E:.*]] = math.exp %[[M]]
// CHECK:           %[[P:.*]] = arith.mulf %{{.*}}, %[[E]]
// CHECK:           arith.select %[[KEEP]], %[[P]], %{{.*}}
func.func @rows(%q: tensor<?x?x?x32xf32>, %g: tensor<?x?x?xf32>) -> tensor<?x?x?x64xf32> {
  %r = chunk.scan 64 in(%q [b, t, h, 1] : tensor<?x?x?x32xf32>,
                        %g [b, t, h] : tensor<?x?x?xf32>)
      out([b, t, h, 1] : tensor<?x?x?x64xf32>) {
  ^bb0(%n: index, %a: tensor<64x32xf32>, %l: tensor<64xf32>):
    %s = chunk.cumsum %l : tensor<64xf32> -> tensor<64xf64>
    %o = chunk.decay_dot %a, %a, %s, %s : tensor<64x32xf32>, tensor<64x32xf32>, tensor<64xf64>, tensor<64xf64> -> tensor<64x64xf32>
    chunk.yield %o : tensor<64x64xf32>
  }
  return %r : tensor<?x?x?x64xf32>
}

// CHECK-LABEL: func.func private @channels_scan0(
// Sub-chunks of rows from the second on, and their reference.
// CHECK:         scf.for %[[ROW:.*]] = %c16 to %c64 step %c16
// CHECK:           %[[REF:.*]] = arith.subi %[[ROW]], %c1
// CHECK:           vector.load %[[GATE:.*]][%[[REF]],
// CHECK:           arith.subf
// CHECK:           math.exp
// CHECK:           vector.load %[[GATE]][%[[REF]],
// CHECK:           math.exp
// CHECK:           vector.fma
// Within one: the products themselves.
// CHECK:         scf.for %[[R:.*]] = %c0 to %c64 step %c1
// CHECK:           %[[BLOCK:.*]] = arith.divui %[[R]], %c16
// CHECK:           %[[FIRST:.*]] = arith.muli %[[BLOCK]], %c16
// CHECK:           scf.for %{{.*}} = %[[FIRST]] to %[[R]] step %c1
// CHECK:             math.exp
func.func @channels(%q: tensor<?x?x?x32xf32>, %g: tensor<?x?x?x32xf32>) -> tensor<?x?x?x64xf32> {
  %r = chunk.scan 64 in(%q [b, t, h, 1] : tensor<?x?x?x32xf32>,
                        %g [b, t, h, 1] : tensor<?x?x?x32xf32>)
      out([b, t, h, 1] : tensor<?x?x?x64xf32>) {
  ^bb0(%n: index, %a: tensor<64x32xf32>, %l: tensor<64x32xf32>):
    %s = chunk.cumsum %l : tensor<64x32xf32> -> tensor<64x32xf64>
    %o = chunk.decay_dot %a, %a, %s, %s strict : tensor<64x32xf32>, tensor<64x32xf32>, tensor<64x32xf64>, tensor<64x32xf64> -> tensor<64x64xf32>
    chunk.yield %o : tensor<64x64xf32>
  }
  return %r : tensor<?x?x?x64xf32>
}
