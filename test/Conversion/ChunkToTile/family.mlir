// If this fails, the lowering to tiles knows one operator instead of the family:
// rules without beta, widths other than 128, a state stored V x K, blocks that
// share the columns.
// RUN: deltanet-opt %s --linrec-to-ptx='target=sm_80 chunk=32 stop-after=tile' --mlir-print-local-scope | FileCheck %s

// No solve, no inverse, no barrier for one: U is V.
// CHECK-LABEL: gpu.func @linear_attention
// CHECK-NOT: unit_lower_inverse
// CHECK: %[[VT:.*]] = tile.load_matrix %{{.*}} transpose
// CHECK: tile.mma %[[VT]]
// CHECK: ahead(warps = 4)
// CHECK: tile.mma {{.*}} -> tensor<32x32xf32
// CHECK-NOT: unit_lower_inverse
// CHECK: gpu.return
func.func @linear_attention(%q: tensor<?x?x4x128xbf16>, %k: tensor<?x?x4x128xbf16>,
    %v: tensor<?x?x4x128xbf16>) -> tensor<?x?x4x128xbf16> {
  %o = linrec.scan %q, %k, %v : tensor<?x?x4x128xbf16>, tensor<?x?x4x128xbf16>,
      tensor<?x?x4x128xbf16> -> tensor<?x?x4x128xbf16>
  return %o : tensor<?x?x4x128xbf16>
}

// Two warps for the state, keys of 96 channels, groups of heads.
// CHECK-LABEL: gpu.func @grouped
// CHECK-SAME: known_block_size = array<i32: 128, 1, 1>
// CHECK-SAME: grid = ["1", "8", "B"]
// CHECK: arith.divui %block_id_y
// CHECK: iter_args({{.*}}) -> (tensor<64x96xf32, #tile.acc<warps = [2, 1]>>
func.func @grouped(%q: tensor<?x?x2x96xbf16>, %k: tensor<?x?x2x96xbf16>,
    %v: tensor<?x?x8x64xbf16>, %beta: tensor<?x?x8xf32>) -> tensor<?x?x8x64xbf16> {
  %o = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x8xf32>) : tensor<?x?x2x96xbf16>,
      tensor<?x?x2x96xbf16>, tensor<?x?x8x64xbf16> -> tensor<?x?x8x64xbf16>
  return %o : tensor<?x?x8x64xbf16>
}

// Two blocks a head; the state is loaded and stored as it lies.
// CHECK-LABEL: gpu.func @wide
// CHECK-SAME: grid = ["2", "4", "B"]
// CHECK: %[[AT:.*]] = arith.muli %block_id_x, %c128
// CHECK: tile.load %{{.*}} strides[%c128{{.*}}, %c1{{.*}}] : <f32> -> tensor<128x128xf32, #tile.acc<warps = [4, 1]>>
// CHECK: tile.store {{.*}} strides[%c128{{.*}}, %c1{{.*}}]
func.func @wide(%q: tensor<?x?x4x128xbf16>, %k: tensor<?x?x4x128xbf16>, %v: tensor<?x?x4x256xbf16>,
    %s: tensor<?x4x256x128xf32>) -> (tensor<?x?x4x256xbf16>, tensor<?x4x256x128xf32>) {
  %o, %last = linrec.scan %q, %k, %v initial(%s : tensor<?x4x256x128xf32>) state_layout(vk)
      : tensor<?x?x4x128xbf16>, tensor<?x?x4x128xbf16>, tensor<?x?x4x256xbf16>
     -> tensor<?x?x4x256xbf16>, tensor<?x4x256x128xf32>
  return %o, %last : tensor<?x?x4x256xbf16>, tensor<?x4x256x128xf32>
}
