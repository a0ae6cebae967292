// If this fails, the gated delta rule no longer becomes the kernel it is meant to
// be: warps that carry the state in registers, warps beside them that make what does
// not wait for it, channels between.
// RUN: deltanet-opt %s --linrec-to-ptx='target=sm_80 chunk=32 stop-after=tile' --mlir-print-local-scope | FileCheck %s

func.func @gated_delta(
    %q: tensor<?x?x16x128xbf16> {deltanet.name = "q"}, %k: tensor<?x?x16x128xbf16> {deltanet.name = "k"},
    %v: tensor<?x?x16x128xbf16> {deltanet.name = "v"}, %beta: tensor<?x?x16xbf16> {deltanet.name = "beta"},
    %decay: tensor<?x?x16xf32> {deltanet.name = "decay"})
    -> (tensor<?x?x16x128xbf16> {deltanet.name = "o"}, tensor<?x16x128x128xf32> {deltanet.name = "state"}) {
  %o, %state = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x16xbf16>) decay(%decay : tensor<?x?x16xf32>)
      : tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>
     -> tensor<?x?x16x128xbf16>, tensor<?x16x128x128xf32>
  return %o, %state : tensor<?x?x16x128xbf16>, tensor<?x16x128x128xf32>
}

// Tensors, sizes that the types leave open, results.
// CHECK: gpu.func @gated_delta(%[[Q:.*]]: !tile.global<bf16>, %[[K:.*]]: !tile.global<bf16>, %[[V:.*]]: !tile.global<bf16>, %[[BETA:.*]]: !tile.global<bf16>, %[[DECAY:.*]]: !tile.global<f32>, %{{.*}}: index, %[[T:.*]]: index, %[[O:.*]]: !tile.global<bf16>, %[[STATE:.*]]: !tile.global<f32>) kernel
// CHECK-SAME: known_block_size = array<i32: 192, 1, 1>
// CHECK-SAME: {name = "q", role = "input", shape = ["B", "T", "16", "128"], type = "bf16"}
// CHECK-SAME: {name = "T", role = "size", type = "i64"}
// CHECK-SAME: block = 192 : i64, grid = ["1", "16", "B"]
// CHECK-SAME: tile.shared_bytes

// q and k for both roles, v for the one with the state; what it is handed: vectors,
// the inverse and M, as operands of products.
// CHECK-DAG: %[[QK:.*]] = tile.channel at {{[0-9]+}} : <3, <32x128xbf16, pad = 8>, <32x128xbf16, pad = 8>>
// CHECK-DAG: %[[VS:.*]] = tile.channel at {{[0-9]+}} : <2, <32x128xbf16, pad = 8>>
// CHECK-DAG: %[[MADE:.*]] = tile.channel at {{[0-9]+}} : <2, <1x32xf32>, <1x32xf32>, <1x32xf32>, <32x32xbf16, pad = 8>, <1x32xf32>, <32x32xbf16, pad = 8>>

// CHECK: tile.roles state(warps = 4) {
// CHECK: scf.for %[[C:.*]] = %{{.*}} iter_args(%[[S:.*]] = %{{.*}}) -> (tensor<128x128xf32, #tile.acc<warps = [4, 1]>>)
// CHECK: %[[QKC:.*]]:2 = tile.wait_slot %[[QK]][%[[C]]]
// CHECK: %[[VC:.*]] = tile.wait_slot %[[VS]][%[[C]]]
// CHECK: %[[MC:.*]]:6 = tile.wait_slot %[[MADE]][%[[C]]]
// No barrier of this role in a chunk.
// CHECK-NOT: tile.barrier
// (3): the state is the left operand, from registers, rounded there
// CHECK: %[[KS:.*]] = tile.mma %[[S]], %[[QKC]]#1, %{{.*}} transpose_rhs : tensor<128x128xf32, #tile.acc<warps = [4, 1]>>, {{.*}} -> tensor<128x32xf32, #tile.acc<warps = [4, 1]>>
// (8), at once: the state is rounded a part at a time, for both
// CHECK-NEXT: %[[QS:.*]] = tile.mma %[[S]], %[[QKC]]#0, %{{.*}} transpose_rhs
// CHECK: tile.load_matrix %[[VC]] transpose
// CHECK: arith.subf
// (6): pseudo-values, transposed; what rounding takes from the right-hand side is
// added again.
// CHECK: %[[Y:.*]] = arith.truncf %[[Y32:.*]] : tensor<128x32xf32, {{.*}} to tensor<128x32xbf16
// CHECK: %[[BACK:.*]] = arith.extf %[[Y]]
// CHECK: %[[REST:.*]] = arith.subf %[[Y32]], %[[BACK]]
// CHECK: %[[U:.*]] = tile.mma %[[Y]], %[[MC]]#3, %[[REST]] transpose_rhs
// CHECK: arith.mulf %[[QS]]
// CHECK: tile.mma %{{.*}}, %[[MC]]#5, %{{.*}} transpose_rhs
// CHECK: tile.store %{{.*}}, %[[O]][{{.*}}] strides{{.*}} below %{{.*}} along [1]
// (9)
// CHECK: %[[DECAYED:.*]] = arith.mulf %[[S]]
// CHECK: %[[NEXT:.*]] = tile.mma %{{.*}}, %[[QKC]]#1, %[[DECAYED]] :
// CHECK-DAG: tile.release %[[MADE]][%[[C]]]
// CHECK-DAG: tile.release %[[QK]][%[[C]]]
// CHECK-DAG: tile.release %[[VS]][%[[C]]]
// CHECK: scf.yield %[[NEXT]]
// CHECK: tile.store %{{.*}}, %[[STATE]]

// CHECK: }, ahead(warps = 2) {
// The first chunk, before the loop.
// CHECK: tile.acquire %[[QK]][%c0
// CHECK: tile.copy_async %[[Q]]
// CHECK: tile.copy_async %[[K]]
// CHECK: tile.commit_slot %[[QK]][%c0
// CHECK: scf.for %[[C:.*]] = %{{.*}} iter_args(%[[B0:.*]] = %{{.*}}, %[[A0:.*]] = %{{.*}})
// The next chunk's copies run beside this chunk's work, and not past the last chunk.
// CHECK: scf.if
// CHECK: tile.acquire %[[QK]]
// CHECK: tile.copy_async %[[Q]]
// CHECK: tile.commit_slot %[[QK]]
// CHECK: tile.copy_async %[[V]]
// CHECK: %[[IN:.*]]:2 = tile.wait_slot %[[QK]][%[[C]]]
// CHECK: %[[OUT:.*]]:6 = tile.acquire %[[MADE]][%[[C]]]
// (2), by every warp for itself
// CHECK: %[[A:.*]] = arith.maximumf %[[A0]]
// CHECK: %[[G:.*]] = tile.cumsum %[[A]] : tensor<32xf32, #tile.lanes>
// (4), by all warps together
// CHECK: %[[KK:.*]] = tile.mma %[[IN]]#1, %[[IN]]#1, %{{.*}} transpose_rhs : {{.*}} -> tensor<32x32xf32, #tile.acc<warps = [1, 2]>>
// CHECK: math.exp
// CHECK: arith.cmpi sgt
// CHECK: %[[L:.*]] = arith.mulf {{.*}} : tensor<32x32xf32, #tile.acc<warps = [1, 2]>>
// (5)
// CHECK: tile.store_matrix %[[L]], %[[LOWER:.*]] : tensor<32x32xf32
// CHECK: tile.barrier
// CHECK: tile.unit_lower_inverse %[[LOWER]], %[[OUT]]#3 : <32x32xf32, pad = 8>, <32x32xbf16
// (7)
// CHECK: tile.mma %[[IN]]#0, %[[IN]]#1, %{{.*}} transpose_rhs
// CHECK: arith.cmpi sge
// CHECK: tile.store_matrix %{{.*}}, %[[OUT]]#5 : tensor<32x32xbf16
// CHECK: tile.commit_slot %[[MADE]][%[[C]]]
// CHECK: tile.release %[[QK]][%[[C]]]
