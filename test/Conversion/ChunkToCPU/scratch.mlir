// If this fails, tiles that are never alive together do not share memory: of a chain of
// three 16 KiB products and one that stays, the third takes the place of the first.
// RUN: deltanet-opt %s --convert-chunk-to-cpu=vector-bits=512 --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func private @chain_scan0(
// CHECK:         memref.view %[[SCRATCH:.*]][%c0][] : memref<?xi8> to memref<64x64xf32>
// CHECK-DAG:     memref.view %[[SCRATCH]][%c16384][] : memref<?xi8> to memref<64x64xf32>
// CHECK-NOT:     memref.view %[[SCRATCH]][%c49152]
// CHECK-LABEL: func.func private @chain_launch0(
// CHECK:         %[[BYTES:.*]] = arith.constant 49152 : i64
// CHECK:         call @deltanet_parallel_for(%{{.*}}, %[[BYTES]],
func.func @chain(%x: tensor<?x?x?x64xf32>) -> tensor<?x?x?x64xf32> {
  %r = chunk.scan 64 in(%x [b, t, h, 1] : tensor<?x?x?x64xf32>)
      out([b, t, h, 1] : tensor<?x?x?x64xf32>) {
  ^bb0(%n: index, %a: tensor<64x64xf32>):
    %p = chunk.dot %a, %a {transpose_lhs} : tensor<64x64xf32>, tensor<64x64xf32> -> tensor<64x64xf32>
    %q = chunk.dot %p, %p : tensor<64x64xf32>, tensor<64x64xf32> -> tensor<64x64xf32>
    %s = chunk.dot %q, %q : tensor<64x64xf32>, tensor<64x64xf32> -> tensor<64x64xf32>
    %o = chunk.dot %s, %s : tensor<64x64xf32>, tensor<64x64xf32> -> tensor<64x64xf32>
    chunk.yield %o : tensor<64x64xf32>
  }
  return %r : tensor<?x?x?x64xf32>
}
