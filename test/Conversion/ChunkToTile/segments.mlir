// If this fails, segments of sequences (10) become kernels that begin at other tokens,
// disagree about a workspace, or are launched for too few blocks.
// RUN: deltanet-opt %s --split-input-file --linrec-to-ptx='target=sm_80 schedule={chunk = 32, segments = 4, split_value = 2, ahead_warps = 2} stop-after=tile' --mlir-print-local-scope | FileCheck %s

// N has the columns of the value, in two blocks for each of four segments.
// CHECK-LABEL: gpu.func @packed_0
// CHECK-SAME: {name = "[[N:workspace[0-9_]+]]", role = "workspace", shape = ["N", "4", "4", "64", "128"], type = "f32"}
// CHECK-SAME: grid = ["8", "4", "N"]
// CHECK: %[[EACH:.*]] = arith.ceildivui %{{.*}}, %c4
// CHECK: gpu.return

// P has the columns of the key, 64 a block like those of the value; it begins as one.
// CHECK-LABEL: gpu.func @packed_1
// CHECK-SAME: {name = "[[P:workspace[0-9_]+]]", role = "workspace", shape = ["N", "4", "4", "64", "64"], type = "bf16"}
// CHECK-SAME: grid = ["4", "4", "N"]
// CHECK: tile.coordinate
// CHECK: arith.cmpi eq
// CHECK: arith.select
// CHECK: gpu.return

// Segments are joined by as many blocks as there are columns; states are in a pool.
// CHECK-LABEL: gpu.func @packed_2
// CHECK-SAME: {name = "[[N]]", role = "workspace"
// CHECK-SAME: {name = "[[P]]", role = "workspace"
// CHECK-SAME: {name = "[[STARTS:workspace[0-9_]+]]", role = "workspace", shape = ["N", "4", "4", "64", "128"], type = "f32"}
// CHECK-SAME: grid = ["8", "4", "N"]
// CHECK: gpu.return

// CHECK-LABEL: gpu.func @packed_3
// CHECK-SAME: {name = "[[STARTS]]", role = "workspace"
// CHECK-SAME: grid = ["8", "4", "N"]
// CHECK: gpu.return
func.func @packed(%q: tensor<1x?x4x64xbf16>, %k: tensor<1x?x4x64xbf16>, %v: tensor<1x?x4x128xbf16>, %b: tensor<1x?x4xbf16>,
    %cu: tensor<?xi32>, %at: tensor<?xi32>, %s: tensor<?x4x64x128xf32>) -> (tensor<1x?x4x128xbf16>, tensor<?x4x64x128xf32>) {
  %o, %last = linrec.scan %q, %k, %v beta(%b : tensor<1x?x4xbf16>) initial(%s : tensor<?x4x64x128xf32>)
      sequences(%cu : tensor<?xi32>) indices(%at : tensor<?xi32>)
      : tensor<1x?x4x64xbf16>, tensor<1x?x4x64xbf16>, tensor<1x?x4x128xbf16> -> tensor<1x?x4x128xbf16>, tensor<?x4x64x128xf32>
  return %o, %last : tensor<1x?x4x128xbf16>, tensor<?x4x64x128xf32>
}

// -----

// What only adds to the state needs no P: two passes and what joins them.
// CHECK-LABEL: gpu.func @linear_0
// CHECK-LABEL: gpu.func @linear_1
// CHECK-NOT: tile.mma
// CHECK-LABEL: gpu.func @linear_2
// CHECK-NOT: gpu.func
func.func @linear(%q: tensor<?x?x4x64xbf16>, %k: tensor<?x?x4x64xbf16>, %v: tensor<?x?x4x64xbf16>) -> tensor<?x?x4x64xbf16> {
  %o = linrec.scan %q, %k, %v : tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16> -> tensor<?x?x4x64xbf16>
  return %o : tensor<?x?x4x64xbf16>
}
