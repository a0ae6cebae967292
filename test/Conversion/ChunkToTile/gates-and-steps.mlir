// If this fails, gates per channel overflow or cost an exponential for every product,
// or the gate of a token does not count for all of its steps.
// RUN: deltanet-opt %s --split-input-file --linrec-to-ptx='target=sm_80 chunk=32 stop-after=tile' --mlir-print-local-scope | FileCheck %s

// (27): q and k are scaled once for both triangles; log-decays are summed down the columns.
// CHECK-LABEL: gpu.func @channels
// CHECK: ahead(warps = 2)
// CHECK: %[[LA:.*]] = arith.maximumf
// CHECK: tile.store_matrix %[[LA]], %[[SUMS:.*]] : tensor<32x64xf32
// CHECK: tile.barrier
// CHECK: tile.sum_rows %[[SUMS]] :
// CHECK: tile.barrier
// CHECK: tile.decay_scale(%[[K:.*]], %[[Q:.*]]), %[[SUMS]], %[[K]], %[[SUMS]] into(%[[KS:.*]], %[[QS:.*]]), %[[YS:.*]] :
// CHECK: tile.barrier
// CHECK: tile.decay_dot(%[[K]], %[[Q]]), %[[SUMS]], %[[K]], %[[SUMS]] scaled(%[[KS]], %[[QS]]), %[[YS]] strict [true, false]
// CHECK-NOT: tile.decay_dot
// CHECK: tile.unit_lower_inverse
// CHECK: gpu.return
func.func @channels(%q: tensor<?x?x4x64xbf16>, %k: tensor<?x?x4x64xbf16>, %v: tensor<?x?x4x64xbf16>, %b: tensor<?x?x4xf32>, %g: tensor<?x?x4x64xf32>) -> tensor<?x?x4x64xbf16> {
  %o = linrec.scan %q, %k, %v beta(%b : tensor<?x?x4xf32>) decay(%g : tensor<?x?x4x64xf32>) : tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16> -> tensor<?x?x4x64xbf16>
  return %o : tensor<?x?x4x64xbf16>
}

// -----

// Chunks of 32 tokens have 64 rows of keys; a sum of gates counts for both of a token.
// CHECK-LABEL: gpu.func @steps
// CHECK: tile.channel at {{[0-9]+}} : <3, <32x64xbf16, pad = 8>, <64x64xbf16, pad = 8>>
// CHECK: ahead(warps = 2)
// CHECK: tile.copy_async %arg0[{{.*}}] stride %c256 rows %c64 to
// CHECK: tile.copy_async %arg1[{{.*}}] stride %c256 rows %c128 to
// CHECK: %[[G:.*]] = tile.cumsum %{{.*}} : tensor<32xf32, #tile.lanes>
// CHECK: tile.repeat %[[G]] : tensor<32xf32, #tile.lanes> -> tensor<64xf32, #tile.lanes>
// (4) orders steps, (25) tokens: column / 2.
// CHECK: arith.cmpi sgt, %[[ROW:.*]], %[[COLUMN:.*]] : tensor<64x64xi32
// CHECK: tile.unit_lower_inverse
// CHECK: arith.divui %{{.*}} : tensor<32x64xi32
// CHECK: arith.cmpi sge
// CHECK: gpu.return
func.func @steps(%q: tensor<64x64x4x64xbf16>, %k: tensor<64x128x4x64xbf16>,
    %v: tensor<64x128x4x64xbf16>, %b: tensor<64x128x4xf32>, %g: tensor<64x64x4xf32>) -> tensor<64x64x4x64xbf16> {
  %o = linrec.scan %q, %k, %v beta(%b : tensor<64x128x4xf32>) decay(%g : tensor<64x64x4xf32>) steps(2) : tensor<64x64x4x64xbf16>, tensor<64x128x4x64xbf16>,
      tensor<64x128x4x64xbf16> -> tensor<64x64x4x64xbf16>
  return %o : tensor<64x64x4x64xbf16>
}
