// If this fails, elementwise operations cost memory: a chain of them is one loop
// without temporaries, and what is the same along a row is computed before its vectors.
// RUN: deltanet-opt %s --convert-chunk-to-cpu=vector-bits=256 --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func private @chain_scan0(
// The exponential of the gate, which a row needs many times: stored once.
// CHECK:         scf.for %{{.*}} = %c0 to %c16 step %c8
// CHECK:           math.exp %{{.*}} : vector<8xf32>
// CHECK:           vector.store
// CHECK:         scf.for %[[ROW:.*]] = %c0 to %c16 step %c1
// CHECK:           %[[E:.*]] = memref.load %{{.*}}[%[[ROW]]]
// CHECK:           scf.for %[[COL:.*]] = %c0 to %c32 step %c8
// CHECK-NOT:         vector.store
// CHECK:             arith.mulf
// CHECK:             arith.subf
// CHECK:             arith.truncf %{{.*}} : vector<8xf32> to vector<8xbf16>
// CHECK:             arith.cmpi slt, %[[ROW]], %{{.*}}
// CHECK:             arith.select
// CHECK:             vector.store %{{.*}} : {{.*}}, vector<8xbf16>
// CHECK-NOT:         vector.store
// CHECK:         }
func.func @chain(%x: tensor<?x?x?x32xf32>, %g: tensor<?x?x?xf32>) -> tensor<?x?x?x32xbf16> {
  %r = chunk.scan 16 in(%x [b, t, h, 1] : tensor<?x?x?x32xf32>,
                        %g [b, t, h] : tensor<?x?x?xf32>)
      out([b, t, h, 1] : tensor<?x?x?x32xbf16>) {
  ^bb0(%n: index, %a: tensor<16x32xf32>, %l: tensor<16xf32>):
    %e = math.exp %l : tensor<16xf32>
    %w = chunk.broadcast %e [1] : tensor<16xf32> -> tensor<16x32xf32>
    %p = arith.mulf %a, %w : tensor<16x32xf32>
    %d = arith.subf %a, %p : tensor<16x32xf32>
    %t = arith.truncf %d : tensor<16x32xf32> to tensor<16x32xbf16>
    %o = chunk.mask_tokens %t, %n : tensor<16x32xbf16>
    chunk.yield %o : tensor<16x32xbf16>
  }
  return %r : tensor<?x?x?x32xbf16>
}

// Two loops need the expensive value: it is computed once.
// CHECK-LABEL: func.func private @twice_scan0(
// CHECK-COUNT-1: math.tanh
// CHECK-NOT:     math.tanh
func.func @twice(%x: tensor<?x?x?x32xf32>) -> (tensor<?x?x?x32xf32>, tensor<?x?x?x32xf32>) {
  %r:2 = chunk.scan 16 in(%x [b, t, h, 1] : tensor<?x?x?x32xf32>)
      out([b, t, h, 1] : tensor<?x?x?x32xf32>, [b, t, h, 1] : tensor<?x?x?x32xf32>) {
  ^bb0(%n: index, %a: tensor<16x32xf32>):
    %t = math.tanh %a : tensor<16x32xf32>
    %o = arith.addf %t, %a : tensor<16x32xf32>
    %p = arith.subf %t, %a : tensor<16x32xf32>
    chunk.yield %o, %p : tensor<16x32xf32>, tensor<16x32xf32>
  }
  return %r#0, %r#1 : tensor<?x?x?x32xf32>, tensor<?x?x?x32xf32>
}
