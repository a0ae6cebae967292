// If this fails, operands scaled for triangles of gates per channel take shared memory of their own where a slot
// has room for them, or are overwritten while they are read.
// RUN: deltanet-opt %s --split-input-file --linrec-to-ptx='target=sm_90 schedule={chunk = 32, warps = 4, ahead_warps = 4, stages = 2} stop-after=tile' --mlir-print-local-scope | FileCheck %s

// What is handed over and not made yet lends its place; the barrier before the inverse stands between anyway.
// CHECK-LABEL: gpu.func @lends
// CHECK: ahead
// CHECK: scf.for
// CHECK: %[[SLOT:.*]]:7 = tile.acquire
// CHECK: tile.decay_scale({{.*}} into(%[[SLOT]]#[[A:[0-9]]], %[[SLOT]]#[[B:[0-9]]])
// CHECK: tile.decay_dot({{.*}} scaled(%[[SLOT]]#[[A]], %[[SLOT]]#[[B]])
// CHECK: tile.barrier
// CHECK: tile.unit_lower_inverse
// CHECK-DAG: tile.store_matrix %{{.*}}, %[[SLOT]]#[[A]] :
// CHECK-DAG: tile.store_matrix %{{.*}}, %[[SLOT]]#[[B]] :
// CHECK: tile.commit_slot
func.func @lends(%q: tensor<?x?x4x128xbf16>, %k: tensor<?x?x4x128xbf16>, %v: tensor<?x?x4x128xbf16>, %b: tensor<?x?x4xbf16>, %g: tensor<?x?x4x128xf32>) -> tensor<?x?x4x128xbf16> {
  %o = linrec.scan %q, %k, %v beta(%b : tensor<?x?x4xbf16>) decay(%g : tensor<?x?x4x128xf32>)
    : tensor<?x?x4x128xbf16>, tensor<?x?x4x128xbf16>, tensor<?x?x4x128xbf16> -> tensor<?x?x4x128xbf16>
  return %o : tensor<?x?x4x128xbf16>
}

// -----

// Without an inverse there is no such barrier, and none is put.
// CHECK-LABEL: gpu.func @keeps
// CHECK: ahead
// CHECK: scf.for
// CHECK: %[[SLOT:.*]]:4 = tile.acquire
// CHECK: tile.decay_scale(
// CHECK: tile.decay_dot({{.*}} scaled(%{{[0-9]+}}), %{{[0-9]+}} remainders
// CHECK-NOT: tile.barrier
// CHECK: tile.commit_slot
func.func @keeps(%q: tensor<?x?x4x128xbf16>, %k: tensor<?x?x4x128xbf16>, %v: tensor<?x?x4x128xbf16>, %g: tensor<?x?x4x128xf32>) -> tensor<?x?x4x128xbf16> {
  %o = linrec.scan %q, %k, %v decay(%g : tensor<?x?x4x128xf32>)
    : tensor<?x?x4x128xbf16>, tensor<?x?x4x128xbf16>, tensor<?x?x4x128xbf16> -> tensor<?x?x4x128xbf16>
  return %o : tensor<?x?x4x128xbf16>
}
