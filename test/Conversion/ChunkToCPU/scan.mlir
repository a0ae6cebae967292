// If this fails, functions and scans do not become functions on memory as their
// callers (and lib/Runtime) expect: destinations last, one unit a sequence and head,
// chunks in order, values carried in one tile, tails copied.
// RUN: deltanet-opt %s --convert-chunk-to-cpu=vector-bits=256 --canonicalize --cse | FileCheck %s

// Names of results stay with the arguments that they become.
// CHECK-LABEL: func.func @sum(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<?x?x?x32xf32> {deltanet.name = "x"},
// CHECK-SAME:    %[[S:[a-z0-9]+]]: memref<?x?x32xf32>,
// CHECK-SAME:    %[[O:[a-z0-9]+]]: memref<?x?x?x32xf32> {deltanet.name = "o"},
// CHECK-SAME:    %[[F:[a-z0-9]+]]: memref<?x?x32xf32>)
// CHECK-SAME:    attributes {llvm.emit_c_interface}
// CHECK-NOT:     memref.alloc
// CHECK:         call @sum_launch0(%[[S]], %[[X]], %[[O]], %[[F]])
// CHECK-NEXT:    return
func.func @sum(%x: tensor<?x?x?x32xf32> {deltanet.name = "x"}, %s: tensor<?x?x32xf32>)
    -> (tensor<?x?x?x32xf32> {deltanet.name = "o"}, tensor<?x?x32xf32>) {
  %r:2 = chunk.scan 16 reverse
      carry(%s [n, h, 0] : tensor<?x?x32xf32>)
      in(%x [b, t, h, 1] : tensor<?x?x?x32xf32>)
      out([b, t, h, 1] : tensor<?x?x?x32xf32>)
      final([n, h, 0] : tensor<?x?x32xf32>) {
  ^bb0(%S: tensor<32xf32>, %n: index, %a: tensor<16x32xf32>):
    %w = chunk.broadcast %S [0] : tensor<32xf32> -> tensor<16x32xf32>
    %o = arith.addf %a, %w : tensor<16x32xf32>
    %t = chunk.reduce add %a [0] : tensor<16x32xf32> -> tensor<32xf32>
    %S1 = arith.addf %S, %t : tensor<32xf32>
    chunk.yield %o carry(%S1) : tensor<16x32xf32> carry tensor<32xf32>
  }
  return %r#0, %r#1 : tensor<?x?x?x32xf32>, tensor<?x?x32xf32>
}

// CHECK-LABEL: func.func private @sum_scan0(
// CHECK-SAME:    %[[CONTEXT:[a-z0-9]+]]: !llvm.ptr, %[[UNIT:[a-z0-9]+]]: i64, %[[SCRATCH:[a-z0-9]+]]: !llvm.ptr)
// CHECK-SAME:    internal
// CHECK:         %[[CARRY:.*]] = memref.view %{{.*}} : memref<?xi8> to memref<32xf32>
// CHECK:         %[[U:.*]] = arith.index_cast %[[UNIT]]
// CHECK:         arith.divui %[[U]], %[[HEADS:.*]] :
// CHECK:         arith.remui %[[U]], %[[HEADS]]
// CHECK:         %[[CHUNKS:.*]] = arith.ceildivui
// CHECK:         scf.for %[[I:.*]] = %c0 to %[[CHUNKS]]
// CHECK:           %[[LAST:.*]] = arith.subi %[[CHUNKS]], %c1
// CHECK:           %[[C:.*]] = arith.subi %[[LAST]], %[[I]]
// CHECK:           %[[FIRST:.*]] = arith.muli %[[C]], %c16
// CHECK:           %[[LEFT:.*]] = arith.subi %{{.*}}, %[[FIRST]]
// CHECK:           %[[COUNT:.*]] = arith.minui %[[LEFT]], %c16
// CHECK:           %[[FULL:.*]] = arith.cmpi eq, %[[COUNT]], %c16
// A full chunk is read where it is, a part of one is copied, the rest zeroed.
// CHECK:           %[[TILE:.*]] = scf.if %[[FULL]] -> (memref<16x32xf32, strided<[?, 1], offset: ?>>)
// CHECK-NEXT:        scf.yield %{{.*}}
// CHECK:           else
// CHECK:             scf.for %{{.*}} = %c0 to %[[COUNT]]
// CHECK:             scf.for %{{.*}} = %[[COUNT]] to %c16
// CHECK:               vector.store %cst{{.*}}
// The new value overwrites the carried one.
// CHECK:           scf.for {{.*}} iter_args(
// CHECK:           %[[OLD:.*]] = vector.load %[[CARRY]]
// CHECK-NEXT:      %[[ADDED:.*]] = vector.load
// CHECK-NEXT:      %[[NEW:.*]] = arith.addf %[[OLD]], %[[ADDED]]
// CHECK-NEXT:      vector.store %[[NEW]], %[[CARRY]]
// Rows past the end are not written.
// CHECK:           %[[TAIL:.*]] = arith.cmpi ult, %[[COUNT]], %c16
// CHECK:           scf.if %[[TAIL]]
// CHECK:             scf.for %{{.*}} = %c0 to %[[COUNT]]

// CHECK-LABEL: func.func private @sum_launch0(
// CHECK:         %[[BODY:.*]] = constant @sum_scan0
// CHECK:         %[[UNITS:.*]] = arith.muli %{{.*}}, %{{.*}} : index
// CHECK:         %[[COUNT64:.*]] = arith.index_cast %[[UNITS]] : index to i64
// CHECK:         %[[FRAME:.*]] = llvm.alloca
// CHECK:         call @deltanet_parallel_for(%[[COUNT64]], %{{.*}}, %[[BODY]], %[[FRAME]])
// CHECK: func.func private @deltanet_parallel_for(i64, i64, (!llvm.ptr, i64, !llvm.ptr) -> (), !llvm.ptr)
