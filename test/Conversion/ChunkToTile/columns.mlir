// If this fails, a norm of the output over its channels is taken over a part of them:
// one block has all columns of the state, and its warps meet in one vector.
// RUN: deltanet-opt %s --split-input-file --linrec-to-ptx='target=sm_80 chunk=32 stop-after=tile' --mlir-print-local-scope | FileCheck %s

// CHECK-LABEL: gpu.func @norm
// CHECK-SAME: grid = ["1", "4", "B"]
// CHECK: %[[SHARED:.*]] = tile.alloc at {{[0-9]+}} : !tile.buffer<16x32xf32>
// CHECK: tile.roles state(warps = 16)
// CHECK: %[[SUM:.*]] = tile.reduce {{ *}}add %{{.*}} along 0 through %[[SHARED]] : tensor<256x32xf32, #tile.acc<warps = [16, 1]>>
// CHECK: math.rsqrt %[[SUM]]
// CHECK: tile.store %{{.*}}, %arg5
// CHECK: gpu.return
#all = affine_map<(b,t,h,d)->(b,t,h,d)>
#row = affine_map<(b,t,h,d)->(b,t,h)>
func.func @norm(%q: tensor<?x?x4x64xbf16>, %k: tensor<?x?x4x64xbf16>, %v: tensor<?x?x4x256xbf16>) -> tensor<?x?x4x256xbf16> {
  %o = linrec.scan %q, %k, %v : tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16>, tensor<?x?x4x256xbf16> -> tensor<?x?x4x256xbf16>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %B = tensor.dim %v, %c0 : tensor<?x?x4x256xbf16>
  %T = tensor.dim %v, %c1 : tensor<?x?x4x256xbf16>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%B, %T) : tensor<?x?x4xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %sq = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel","parallel","parallel","reduction"]} ins(%o : tensor<?x?x4x256xbf16>) outs(%z : tensor<?x?x4xf32>) {
  ^bb0(%x: bf16, %a: f32):
    %w = arith.extf %x : bf16 to f32
    %s = arith.mulf %w, %w : f32
    %n = arith.addf %a, %s : f32
    linalg.yield %n : f32
  } -> tensor<?x?x4xf32>
  %r = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel","parallel","parallel","parallel"]} ins(%o, %sq : tensor<?x?x4x256xbf16>, tensor<?x?x4xf32>) outs(%o : tensor<?x?x4x256xbf16>) {
  ^bb0(%x: bf16, %n: f32, %out: bf16):
    %w = arith.extf %x : bf16 to f32
    %i = math.rsqrt %n : f32
    %y = arith.mulf %w, %i : f32
    %t = arith.truncf %y : f32 to bf16
    linalg.yield %t : bf16
  } -> tensor<?x?x4x256xbf16>
  return %r : tensor<?x?x4x256xbf16>
}
