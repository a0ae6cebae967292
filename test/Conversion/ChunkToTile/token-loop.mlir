// If this fails, the token loop has become another kernel: the state no longer read
// once by whole accesses and written once, a product in other places than the state's
// own, or a dimension shared by blocks along which something meets.
// RUN: deltanet-opt %s --linrec-to-ptx='target=sm_80 stop-after=tile' --split-input-file --mlir-print-local-scope | FileCheck %s

// One token: straight-line code. A thread holds 4 of K by 2 of V of a part of 16
// columns; the state comes first, its columns 128 elements apart.
// CHECK-LABEL: gpu.func @decode
// CHECK-SAME: block = 64 : i64, grid = ["8", "16", "B"]
// CHECK: %[[S:.*]] = tile.load %{{.*}}[%{{.*}}] strides[%c1, %c128] : <f32> -> tensor<128x16xf32, #tile.blocked<4 lanes 8 by 1, 1 lanes 4 by 8 warps 2 by 1>>
// CHECK: %[[Q:.*]] = tile.load {{.*}} -> tensor<1x128xbf16, #tile.blocked<1, 4 lanes 8 by 1>>
// CHECK: %[[K:.*]] = tile.load {{.*}} -> tensor<1x128xbf16, #tile.blocked<1, 4 lanes 8 by 1>>
// CHECK: %[[V:.*]] = tile.load {{.*}} -> tensor<1x16xbf16, #tile.blocked<1, 1 lanes 4 by 8 warps 2 by 1>>
// CHECK-NOT: scf
// (1): what the state holds under the key, as a product that is summed up over K.
// CHECK: %[[KS:.*]] = tile.combine add %{{.*}} [1] : tensor<1x128x16xf32, {{.*}}> -> tensor<1x16xf32, #tile.blocked<1, 1 lanes 4 by 8 warps 2 by 1>>
// CHECK: arith.subf %{{.*}}, %[[KS]] fastmath<contract>
// k u^T: nothing is summed up but one term, nothing moves.
// CHECK: %[[KU:.*]] = tile.combine add %{{.*}} [1] : tensor<128x1x16xf32, {{.*}}> -> tensor<128x16xf32,
// CHECK: %[[S1:.*]] = arith.addf %{{.*}}, %[[KU]] fastmath<contract>
// CHECK: tile.store %{{.*}}, %{{.*}} : tensor<1x16xbf16, {{.*}}>, <bf16>
// CHECK: tile.store %[[S1]], %{{.*}}[%{{.*}}] strides[%c1, %c128] : tensor<128x16xf32, {{.*}}>, <f32>
// CHECK-NOT: tile.store
// CHECK: gpu.return
func.func @decode(%q: tensor<?x1x16x128xbf16>, %k: tensor<?x1x16x128xbf16>, %v: tensor<?x1x16x128xbf16>,
    %beta: tensor<?x1x16xbf16>, %decay: tensor<?x1x16xf32>, %initial: tensor<?x16x128x128xf32>)
    -> (tensor<?x1x16x128xbf16>, tensor<?x16x128x128xf32>) {
  %o, %state = linrec.scan %q, %k, %v beta(%beta : tensor<?x1x16xbf16>) decay(%decay : tensor<?x1x16xf32>)
      initial(%initial : tensor<?x16x128x128xf32>) state_layout(vk)
      : tensor<?x1x16x128xbf16>, tensor<?x1x16x128xbf16>, tensor<?x1x16x128xbf16>
     -> tensor<?x1x16x128xbf16>, tensor<?x16x128x128xf32>
  return %o, %state : tensor<?x1x16x128xbf16>, tensor<?x16x128x128xf32>
}

// -----

// K x V, widths without a common vector, packed sequences, entries of a pool: the
// part of the last block is guarded, tokens come from the offsets.
// CHECK-LABEL: gpu.func @odd
// CHECK-SAME: {name = "arg3", role = "input", shape = ["N + 1"], type = "i32"}
// CHECK-SAME: {name = "arg4", role = "input", shape = ["P", "2", "6", "131"], type = "bf16"}
// CHECK-SAME: {name = "arg5", role = "input", shape = ["N"], type = "i64"}
// CHECK-SAME: {name = "T", role = "size"
// CHECK-SAME: {name = "N", role = "size"
// CHECK-SAME: {name = "P", role = "size"
// CHECK-SAME: grid = ["{{[0-9]+}}", "2", "N"]
// CHECK: %[[ENTRY:.*]] = tile.load %arg5[%block_id_z] : <i64> -> i64
// CHECK: %[[BEGIN:.*]] = tile.load %arg3[%block_id_z] : <i32> -> i32
// CHECK: tile.load %arg4[%{{.*}}] strides[%c131, %c1] below %{{.*}} along [1] : <bf16>
// CHECK: scf.if
// CHECK: scf.for
// CHECK: tile.store %{{.*}}, %{{.*}}[%{{.*}}] strides[%c131, %c1] below %{{.*}} along [1]
func.func @odd(%q: tensor<1x?x2x6xf32>, %k: tensor<1x?x2x6xf32>, %v: tensor<1x?x2x131xf32>, %cu: tensor<?xi32>,
    %initial: tensor<?x2x6x131xbf16>, %idx: tensor<?xi64>) -> (tensor<1x?x2x131xf32>, tensor<?x2x6x131xbf16>)
    attributes {kernel.schedule = #kernel.schedule<token_loop = true, chunk = 1>} {
  %o, %state = linrec.scan %q, %k, %v initial(%initial : tensor<?x2x6x131xbf16>) sequences(%cu : tensor<?xi32>)
      indices(%idx : tensor<?xi64>) : tensor<1x?x2x6xf32>, tensor<1x?x2x6xf32>, tensor<1x?x2x131xf32>
     -> tensor<1x?x2x131xf32>, tensor<?x2x6x131xbf16>
  return %o, %state : tensor<1x?x2x131xf32>, tensor<?x2x6x131xbf16>
}

// -----

// A norm of the output over its channels: one block has all columns, its warps meet
// in the vector of squares, and in nothing else.
// CHECK-LABEL: gpu.func @normed
// CHECK-SAME: block = 256 : i64, grid = ["1", "4", "B"]
// CHECK: %[[SHARED:.*]] = tile.alloc at 0 : !tile.buffer<1x256xf32>
// CHECK-COUNT-1: through %[[SHARED]] : tensor<1x128xf32, {{.*}}>, !tile.buffer<1x256xf32> -> tensor<1xf32, #tile.blocked<1>>
// CHECK-NOT: through
func.func @normed(%q: tensor<?x1x4x128xbf16>, %k: tensor<?x1x4x128xbf16>, %v: tensor<?x1x4x128xbf16>,
    %initial: tensor<?x4x128x128xf32>) -> (tensor<?x1x4x128xf32>, tensor<?x4x128x128xf32>) {
  %o, %state = linrec.scan %q, %k, %v initial(%initial : tensor<?x4x128x128xf32>)
      : tensor<?x1x4x128xbf16>, tensor<?x1x4x128xbf16>, tensor<?x1x4x128xbf16>
     -> tensor<?x1x4x128xf32>, tensor<?x4x128x128xf32>
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %B = tensor.dim %q, %c0 : tensor<?x1x4x128xbf16>
  %empty = tensor.empty(%B) : tensor<?x1x4xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x1x4xf32>) -> tensor<?x1x4xf32>
  %squares = arith.mulf %o, %o : tensor<?x1x4x128xf32>
  %sum = linalg.reduce { arith.addf } ins(%squares : tensor<?x1x4x128xf32>) outs(%zeros : tensor<?x1x4xf32>) dimensions = [3]
  %y = linalg.generic {indexing_maps = [affine_map<(b, t, h, d) -> (b, t, h, d)>, affine_map<(b, t, h, d) -> (b, t, h)>,
        affine_map<(b, t, h, d) -> (b, t, h, d)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%o, %sum : tensor<?x1x4x128xf32>, tensor<?x1x4xf32>) outs(%o : tensor<?x1x4x128xf32>) {
  ^bb0(%x: f32, %s: f32, %out: f32):
    %r = math.rsqrt %s : f32
    %n = arith.mulf %x, %r : f32
    linalg.yield %n : f32
  } -> tensor<?x1x4x128xf32>
  return %y, %state : tensor<?x1x4x128xf32>, tensor<?x4x128x128xf32>
}

// -----

// Many tokens: while some are worked on, the inputs of the next are on their way; what
// is the same for all tokens is computed once, before them.
// CHECK-LABEL: gpu.func @selective
// CHECK-SAME: grid = ["{{[0-9]+}}", "1", "B"]
// CHECK: %[[A:.*]] = tile.load {{.*}} -> tensor<16x64xf32
// CHECK: %[[RATE:.*]] = math.exp %[[A]]
// CHECK: scf.if
// CHECK: scf.for %{{.*}} = %c0 to %{{.*}} step %c4 iter_args
// CHECK-NOT: math.exp %[[A]]
// CHECK: scf.if
// CHECK: scf.for %{{.*}} step %c1
func.func @selective(%x: tensor<?x?x256xbf16>, %delta: tensor<?x?x256xf32>, %log: tensor<256x16xf32>,
    %b: tensor<?x?x16xbf16>, %c: tensor<?x?x16xbf16>) -> (tensor<?x?x256xbf16>, tensor<?x256x16xf32>) {
  %a = math.exp %log : tensor<256x16xf32>
  %y, %h = linrec.selective_scan %x, %delta, %a, %b, %c : tensor<?x?x256xbf16>, tensor<?x?x256xf32>,
      tensor<256x16xf32>, tensor<?x?x16xbf16>, tensor<?x?x16xbf16> -> tensor<?x?x256xbf16>, tensor<?x256x16xf32>
  return %y, %h : tensor<?x?x256xbf16>, tensor<?x256x16xf32>
}

// -----

// The schedule counts before the rule: one warp a block, eight blocks a head.
// CHECK-LABEL: gpu.func @scheduled
// CHECK-SAME: block = 32 : i64, grid = ["8", "16", "B"]
// CHECK: tensor<128x16xf32, #tile.blocked<4 lanes 8 by 1, 1 lanes 4 by 8>>
func.func @scheduled(%q: tensor<?x1x16x128xbf16>, %v: tensor<?x1x16x128xbf16>, %initial: tensor<?x16x128x128xf32>)
    -> (tensor<?x1x16x128xbf16>, tensor<?x16x128x128xf32>)
    attributes {kernel.schedule = #kernel.schedule<token_loop = true, chunk = 1, warps = 1, split_value = 8>} {
  %o, %state = linrec.scan %q, %q, %v initial(%initial : tensor<?x16x128x128xf32>) state_layout(vk)
      : tensor<?x1x16x128xbf16>, tensor<?x1x16x128xbf16>, tensor<?x1x16x128xbf16>
     -> tensor<?x1x16x128xbf16>, tensor<?x16x128x128xf32>
  return %o, %state : tensor<?x1x16x128xbf16>, tensor<?x16x128x128xf32>
}

// -----

// Three steps a token: keys and values have three rows for each, and a thread takes
// them one after the other. Heads are grouped.
// CHECK-LABEL: gpu.func @steps
// CHECK-SAME: {name = "arg0", role = "input", shape = ["B", "G", "T", "64"], type = "f32"}
// CHECK-SAME: {name = "arg1", role = "input", shape = ["B", "G", "3 * T", "64"], type = "f32"}
// CHECK: arith.divui
// CHECK: tile.load %arg1[{{.*}}] strides[%c64, %c1] : <f32> -> tensor<3x64xf32, #tile.blocked<1, 4 lanes 8 by 1>>
// CHECK: tile.take_row %{{.*}}[0] : tensor<3x64xf32
// CHECK: tile.take_row %{{.*}}[1] : tensor<3x64xf32
// CHECK: tile.take_row %{{.*}}[2] : tensor<3x64xf32
func.func @steps(%q: tensor<?x?x?x64xf32>, %k: tensor<?x?x?x64xf32>, %v: tensor<?x?x?x32xf32>, %beta: tensor<?x?x?xf32>)
    -> tensor<?x?x?x32xf32> attributes {kernel.schedule = #kernel.schedule<token_loop = true, chunk = 1>} {
  %o = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x?xf32>) layout(bhtd) steps(3)
      : tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>, tensor<?x?x?x32xf32> -> tensor<?x?x?x32xf32>
  return %o : tensor<?x?x?x32xf32>
}
