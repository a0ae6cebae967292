// If this fails, chunks of a scan that carries nothing do not run side by side, or
// those of packed sequences are not found.
// RUN: deltanet-opt %s --convert-chunk-to-cpu=vector-bits=256 --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func private @free_scan0(
// One unit is one chunk of one head: no loop over chunks.
// CHECK:         %[[ENTRY:.*]] = arith.divui %{{.*}}, %[[HEADS:.*]] : index
// The sequence it belongs to, by halving.
// CHECK:         %[[RANGE:.*]]:2 = scf.while (%[[LO:.*]] = %c0, %[[HI:.*]] = %{{.*}})
// CHECK:           arith.cmpi ugt, %{{.*}}, %c1
// CHECK:           %[[MIDDLE:.*]] = arith.divui %{{.*}}, %c2
// CHECK:           %[[OFFSET:.*]] = memref.load %{{.*}}[%[[MIDDLE]]] : memref<?xi32>
// CHECK:           arith.cmpi ule, %{{.*}}, %[[ENTRY]]
// Offsets that decrease mean no tokens.
// CHECK:         arith.maxsi %{{.*}}, %c0
// An entry between two sequences may have none either.
// CHECK:         %[[SOME:.*]] = arith.cmpi ult
// CHECK:         scf.if %[[SOME]]
// CHECK-NOT:     scf.while
// CHECK-LABEL: func.func private @free_launch0(
// As many entries as there can be: tokens / 16 + sequences, none without sequences.
// CHECK:         %[[N:.*]] = arith.subi %{{.*}}, %c1
// CHECK:         %[[WHOLE:.*]] = arith.divui %{{.*}}, %c16
// CHECK:         %[[MOST:.*]] = arith.addi %[[WHOLE]], %[[N]]
// CHECK:         %[[NONE:.*]] = arith.cmpi eq, %[[N]], %c0
// CHECK:         arith.select %[[NONE]], %c0, %[[MOST]]
func.func @free(%x: tensor<?x?x?x32xf32>, %cu: tensor<?xi32>) -> tensor<?x?x?x32xf32> {
  %r = chunk.scan 16 sequences(%cu : tensor<?xi32>)
      in(%x [b, t, h, 1] : tensor<?x?x?x32xf32>) out([b, t, h, 1] : tensor<?x?x?x32xf32>) {
  ^bb0(%n: index, %a: tensor<16x32xf32>):
    %o = arith.addf %a, %a : tensor<16x32xf32>
    chunk.yield %o : tensor<16x32xf32>
  }
  return %r : tensor<?x?x?x32xf32>
}
