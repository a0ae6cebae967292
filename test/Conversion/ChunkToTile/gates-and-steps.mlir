// If this fails, gates per channel overflow or cost an exponential for every product,
// or the gate of a token does not count for all of its steps, or if what precedes a reset
// takes digits from what follows it.
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

// -----

// f32 tensors: a running sum is f64 in the chunk program and two numbers of f32 here. With
// one gate a row the rests go where the sums go.
// CHECK-LABEL: gpu.func @exact
// CHECK: ahead(warps
// CHECK: %[[SUM:.*]], %[[REST:.*]] = tile.cumsum %{{.*}} : tensor<32xf32, #tile.lanes>, tensor<32xf32, #tile.lanes>
// CHECK: tile.extract %[[SUM]][31]
// CHECK: tile.extract %[[REST]][31]
// CHECK: tile.convert %[[SUM]]
// CHECK: tile.convert %[[REST]]
// CHECK: %[[D:.*]] = arith.subf %{{.*}} : tensor<32x32xf32
// CHECK: %[[DR:.*]] = arith.subf %{{.*}} : tensor<32x32xf32
// CHECK: %[[BOTH:.*]] = arith.addf %[[D]], %[[DR]]
// CHECK: math.exp %[[BOTH]]
func.func @exact(%q: tensor<?x?x4x64xf32>, %k: tensor<?x?x4x64xf32>, %v: tensor<?x?x4x64xf32>, %b: tensor<?x?x4xf32>, %g: tensor<?x?x4xf32>) -> tensor<?x?x4x64xf32> {
  %o = linrec.scan %q, %k, %v beta(%b : tensor<?x?x4xf32>) decay(%g : tensor<?x?x4xf32>) : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32> -> tensor<?x?x4x64xf32>
  return %o : tensor<?x?x4x64xf32>
}

// -----

// Gates per channel: 16 bits of the rest are enough.
// CHECK-LABEL: gpu.func @exact_channels
// CHECK: %[[SUM:.*]], %[[REST:.*]] = tile.cumsum %{{.*}} : tensor<32x64xf32
// CHECK: tile.store_matrix %[[SUM]], %[[SUMS:.*]] :
// CHECK: %[[NARROW:.*]] = arith.truncf %[[REST]]
// CHECK: tile.store_matrix %[[NARROW]], %[[RESTS:.*]] :
// CHECK: tile.decay_scale(%{{.*}}), %[[SUMS]], %{{.*}}, %[[SUMS]] rest(%[[RESTS]], %[[RESTS]] :
// CHECK: tile.decay_dot(%{{.*}}), %[[SUMS]], %{{.*}}, %[[SUMS]] rest(%[[RESTS]], %[[RESTS]] :
// CHECK-NOT: remainders
func.func @exact_channels(%q: tensor<?x?x4x64xf32>, %k: tensor<?x?x4x64xf32>, %v: tensor<?x?x4x64xf32>, %g: tensor<?x?x4x64xf32>) -> tensor<?x?x4x64xf32> {
  %o = linrec.scan %q, %k, %v decay(%g : tensor<?x?x4x64xf32>) : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32> -> tensor<?x?x4x64xf32>
  return %o : tensor<?x?x4x64xf32>
}

// -----

// bf16 and no triangle to solve: operands scaled by their decays in two parts.
// CHECK-LABEL: gpu.func @two_parts
// CHECK: tile.decay_scale({{.*}} remainders(%[[X:.*]], %[[Y:.*]] : !tile.buffer<32x64xbf16
// CHECK: tile.decay_dot({{.*}} remainders(%[[X]], %[[Y]] :
func.func @two_parts(%q: tensor<?x?x4x64xbf16>, %k: tensor<?x?x4x64xbf16>, %v: tensor<?x?x4x64xbf16>, %g: tensor<?x?x4x64xbf16>) -> tensor<?x?x4x64xbf16> {
  %o = linrec.scan %q, %k, %v decay(%g : tensor<?x?x4x64xbf16>) : tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16> -> tensor<?x?x4x64xbf16>
  return %o : tensor<?x?x4x64xbf16>
}

// -----

// Gradients of gates that steps share: sums over the steps of a token, of rows of
// matrices, of vectors, and of pairs of f32, exactly. What has several rows a token is
// written so.
// CHECK-LABEL: gpu.func @sums_of_steps
// CHECK-SAME: name = "result0", role = "output", shape = ["1", "2 * T", "2", "8"]
// CHECK: tile.copy_async %arg0[{{.*}}] stride %c16 rows %[[ROWS:.*]] columns 8 to
// CHECK: %[[M0:.*]] = tile.step %[[M:.*]][0] : tensor<32x16xf32, #tile.acc{{.*}}> -> tensor<16x16xf32
// CHECK: %[[M1:.*]] = tile.step %[[M]][1]
// CHECK: arith.addf %[[M0]], %[[M1]]
// CHECK: %[[SUM:.*]], %[[REST:.*]] = tile.cumsum
// CHECK-COUNT-2: tile.step %[[SUM]]
// CHECK: tile.store {{.*}} below %[[ROWS]], {{.*}} : tensor<32x16xf32
func.func @sums_of_steps(%x: tensor<1x?x2x8xf32>, %q: tensor<1x?x2x8xf32>, %b: tensor<1x?x2xf32>, %cu: tensor<?xi32>)
    -> (tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>, tensor<1x?x2xf32>) {
  %o, %m, %v = chunk.scan 16 sequences(%cu : tensor<?xi32>)
      in(%x [b, t, h, 1] : tensor<1x?x2x8xf32>, %q [b, t, h, 1] : tensor<1x?x2x8xf32>, %b [b, t, h] : tensor<1x?x2xf32>)
      out([b, t, h, 1] : tensor<1x?x2x8xf32>, [b, t, h, 1] : tensor<1x?x2x8xf32>, [b, t, h] : tensor<1x?x2xf32>) {
  ^bb0(%n: index, %xt: tensor<32x8xf32>, %qt: tensor<16x8xf32>, %bt: tensor<32xf32>):
    %twice = arith.addf %xt, %xt : tensor<32x8xf32>
    %sum = chunk.sum_rows %xt : tensor<32x8xf32> -> tensor<16x8xf32>
    %all = arith.addf %sum, %qt : tensor<16x8xf32>
    %g = chunk.cumsum %bt : tensor<32xf32> -> tensor<32xf64>
    %s = chunk.sum_rows %g : tensor<32xf64> -> tensor<16xf64>
    %r = arith.truncf %s : tensor<16xf64> to tensor<16xf32>
    chunk.yield %twice, %all, %r : tensor<32x8xf32>, tensor<16x8xf32>, tensor<16xf32>
  }
  return %o, %m, %v : tensor<1x?x2x8xf32>, tensor<1x?x2x8xf32>, tensor<1x?x2xf32>
}
