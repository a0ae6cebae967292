// If this fails, a schedule with warps of their own for what does not wait for the
// state gives the work to others, or one without them no longer has the same warps
// do both.
// RUN: deltanet-opt %s --linrec-to-ptx='target=sm_80 schedule={chunk = 32, ahead_warps = 8, stages = 1} stop-after=tile' --mlir-print-local-scope | FileCheck %s
// RUN: deltanet-opt %s --kernel-set-target=target=sm_80 --kernel-choose-schedule --convert-linrec-to-chunk --chunk-fuse-elementwise --chunk-split-solve --canonicalize --cse --convert-chunk-to-tile --canonicalize --cse --tile-insert-barriers --mlir-print-local-scope | FileCheck %s --check-prefix=ONE
func.func @f(
    %q: tensor<?x?x16x128xbf16> {deltanet.name = "q"}, %k: tensor<?x?x16x128xbf16> {deltanet.name = "k"},
    %v: tensor<?x?x16x128xbf16> {deltanet.name = "v"}, %beta: tensor<?x?x16xbf16> {deltanet.name = "beta"},
    %decay: tensor<?x?x16xf32> {deltanet.name = "decay"})
    -> (tensor<?x?x16x128xbf16> {deltanet.name = "o"}, tensor<?x16x128x128xf32> {deltanet.name = "state"}) {
  %o, %state = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x16xbf16>) decay(%decay : tensor<?x?x16xf32>)
      : tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>
     -> tensor<?x?x16x128xbf16>, tensor<?x16x128x128xf32>
  return %o, %state : tensor<?x?x16x128xbf16>, tensor<?x16x128x128xf32>
}

// CHECK: block = 384 : i64
// One chunk in flight is one slot less; what both read is there for two chunks.
// CHECK-DAG: %[[QK:.*]] = tile.channel at {{[0-9]+}} : <2, <32x128xbf16, pad = 8>, <32x128xbf16, pad = 8>>
// CHECK-DAG: %[[V:.*]] = tile.channel at {{[0-9]+}} : <1, <32x128xbf16, pad = 8>>
// CHECK: tile.roles state(warps = 4) {
// CHECK-NOT: tile.copy_async
// CHECK-NOT: tile.unit_lower_inverse
// CHECK: scf.yield
// CHECK: }, ahead(warps = 8) {
// A chunk past the last is not fetched: nobody would empty its slot.
// CHECK: scf.for
// CHECK: %[[MORE:.*]] = arith.cmpi slt
// CHECK: scf.if %[[MORE]] {
// CHECK: tile.acquire %[[QK]]
// CHECK: tile.commit_slot %[[QK]]
// CHECK: tile.unit_lower_inverse
// CHECK-NOT: tile.mma %arg
// CHECK: gpu.return

// ONE: known_block_size = array<i32: 256, 1, 1>
// ONE-NOT: tile.roles
// ONE-NOT: tile.channel
// ONE: scf.for {{.*}} -> (tensor<128x128xf32, #tile.acc<warps = [8, 1]>>
// ONE: tile.wait pending 0
// ONE: tile.barrier
// ONE: tile.copy_async
// ONE: tile.unit_lower_inverse
// ONE: tile.barrier
// ONE: tile.mma {{.*}} -> tensor<128x32xf32, #tile.acc<warps = [8, 1]>>
// ONE: scf.yield
