// If this fails, the gated delta rule no longer becomes the kernel it is meant to
// be: state in registers, what does not depend on it through shared memory, three
// barriers a chunk.
// RUN: deltanet-opt %s --linrec-to-ptx='target=sm_80 stop-after=tile' | FileCheck %s

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
// CHECK-SAME: known_block_size = array<i32: 256, 1, 1>
// CHECK-SAME: {name = "q", role = "input", shape = ["B", "T", "16", "128"], type = "bf16"}
// CHECK-SAME: {name = "T", role = "size", type = "i64"}
// CHECK-SAME: block = 256 : i64, grid = ["1", "16", "B"]
// CHECK-SAME: tile.shared_bytes

// The first chunk, then a loop that carries the state, transposed.
// CHECK: tile.copy_async %[[Q]]
// CHECK: tile.copy_async %[[K]]
// CHECK: tile.copy_async %[[V]]
// CHECK: tile.commit
// CHECK: scf.for {{.*}} iter_args(%[[S:.*]] = %{{.*}}, %[[B0:.*]] = %{{.*}}, %[[A0:.*]] = %{{.*}}) -> (tensor<128x128xf32, #tile.acc<warps = [8, 1]>>

// The next chunk's copies run beside this chunk's work.
// CHECK: tile.wait pending 0
// CHECK: tile.barrier
// CHECK: tile.copy_async
// CHECK: tile.commit

// (2), by every warp for itself
// CHECK: %[[A:.*]] = arith.maximumf %[[A0]]
// CHECK: %[[G:.*]] = tile.cumsum %[[A]] : tensor<32xf32, #tile.lanes>
// (4), by all warps together
// CHECK: %[[KK:.*]] = tile.mma %[[KB:.*]], %[[KB]], %{{.*}} transpose_rhs : {{.*}} -> tensor<32x32xf32, #tile.acc<warps = [2, 4]>>
// CHECK: math.exp
// CHECK: arith.cmpi sgt
// CHECK: %[[L:.*]] = arith.mulf {{.*}} : tensor<32x32xf32, #tile.acc<warps = [2, 4]>>
// (7)
// CHECK: tile.mma %[[QB:.*]], %[[KB]], %{{.*}} transpose_rhs
// CHECK: arith.cmpi sge
// CHECK: tile.store_matrix %{{.*}}, %[[M:.*]] : tensor<32x32xbf16
// (5)
// CHECK: tile.store_matrix %[[L]], %[[LOWER:.*]] : tensor<32x32xf32
// CHECK: tile.barrier
// CHECK: tile.unit_lower_inverse %[[LOWER]], %[[INVERSE:.*]] : <32x32xf32, pad = 8>, <32x32xbf16

// (3): the state is the left operand, from registers
// CHECK: %[[SB:.*]] = arith.truncf %[[S]]
// CHECK: %[[KS:.*]] = tile.mma %[[SB]], %[[KB]], %{{.*}} transpose_rhs : tensor<128x128xbf16, #tile.acc<warps = [8, 1]>>, {{.*}} -> tensor<128x32xf32, #tile.acc<warps = [8, 1]>>
// CHECK: tile.load_matrix %{{.*}} transpose
// CHECK: arith.subf
// (8), what does not wait for the inverse
// CHECK: %[[QS:.*]] = tile.mma %[[SB]], %[[QB]], %{{.*}} transpose_rhs
// CHECK: %[[GQS:.*]] = arith.mulf %[[QS]]
// (6): pseudo-values, transposed
// CHECK: tile.barrier
// CHECK: %[[U:.*]] = tile.mma %{{.*}}, %[[INVERSE]], %{{.*}} transpose_rhs
// (8)
// CHECK: tile.mma %{{.*}}, %[[M]], %[[GQS]] transpose_rhs
// CHECK: tile.store %{{.*}}, %[[O]]
// CHECK-SAME: along {{\[}}1]
// (9)
// CHECK: %[[DECAYED:.*]] = arith.mulf %[[S]]
// CHECK: %[[NEXT:.*]] = tile.mma %{{.*}}, %[[KB]], %[[DECAYED]] :
// CHECK-NOT: tile.barrier
// CHECK: scf.yield %[[NEXT]]
// CHECK: tile.store %{{.*}}, %[[STATE]]
