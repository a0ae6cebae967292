// If this fails, the kernel of a sum reads other elements than those of its result's
// place, adds up in an order that depends on the run, or is launched for too few of them.
// RUN: deltanet-opt %s --convert-chunk-to-tile --canonicalize --cse --mlir-print-local-scope | FileCheck %s

// The gradients of a grouped key, of a parameter of every head, and of one for all: the
// kernel of the scan, one for the key, two for each parameter.
// CHECK-LABEL: gpu.module @gradient
// CHECK: gpu.func @gradient_0(

// The terms of parameters, a number and a row: the number is the first of its lanes.
// CHECK: %[[LANES:.*]] = tile.broadcast %{{.*}} : f32 -> tensor<32xf32, #tile.lanes>
// CHECK: tile.store %[[LANES]], {{.*}} below %{{.*}} along [0] : tensor<32xf32, #tile.lanes>, <f32>

// Groups: a thread adds up the heads of one, for 32 tokens and 32 channels a block.
// CHECK: gpu.func @gradient_1(
// CHECK-SAME: tile.launch = {arguments = [{name = "workspace0_0", role = "workspace", shape = ["B", "T", "H", "64"], type = "f32"}, {name = "B", role = "size", type = "i64"}, {name = "T", role = "size", type = "i64"}, {name = "H", role = "size", type = "i64"}, {name = "G", role = "size", type = "i64"}, {name = "result0", role = "output", shape = ["B", "T", "G", "64"], type = "bf16"}], block = 256 : i64, grid = ["B * ceildiv(T, 32) * G * 2", "1", "1"]}
// CHECK: %[[EACH:.*]] = arith.divui %arg3, %arg4
// CHECK: scf.for {{.*}} to %[[EACH]] {{.*}} iter_args
// CHECK: tile.load {{.*}} along [0, 1] : <f32> -> tensor<32x32xf32, #tile.blocked<1 warps 8 by 1, 1 lanes 32 by 1>>
// CHECK-NOT: tile.combine
// CHECK: arith.truncf
// CHECK: tile.store {{.*}}, <bf16>

// Chunks: 32 terms at a time, those of a thread in order, then the warps in theirs.
// CHECK: gpu.func @gradient_2(
// CHECK-SAME: shape = ["B", "ceildiv(T, 16)", "H"]
// CHECK-SAME: grid = ["B * ceildiv(H, 32) * 1", "1", "1"]
// CHECK: %[[CHUNKS:.*]] = arith.ceildivui %arg2, %{{.*}}
// CHECK: scf.for {{.*}} to %[[CHUNKS]] step %c32
// CHECK: tile.combine add {{.*}} [0] through
// CHECK: tile.store

// Then sequences.
// CHECK: gpu.func @gradient_3(
// CHECK-SAME: name = "workspace2_0"
// CHECK-SAME: grid = ["ceildiv(H, 32) * 1", "1", "1"]

// A result without any dimension: chunks first, then a loop over sequences around it.
// CHECK: gpu.func @gradient_4(
// CHECK-SAME: grid = ["1", "1", "1"]
// CHECK: scf.for
// CHECK: scf.for
// CHECK: tile.combine add
func.func @gradient(%x: tensor<?x?x?x64xf32>, %k: tensor<?x?x?x64xbf16>)
    -> (tensor<?x?x?x64xbf16>, tensor<?xf32>, tensor<f32>) {
  %p, %a, %c = chunk.scan 16
      in(%x [b, t, h, 1] : tensor<?x?x?x64xf32>)
      out([b, t, h, 1] : tensor<?x?x?x64xf32>, [b, c, h] : tensor<?x?x?xf32>, [b, c, h] : tensor<?x?x?xf32>) {
  ^bb0(%n: index, %xt: tensor<16x64xf32>):
    %all = chunk.reduce add %xt [0, 1] : tensor<16x64xf32> -> tensor<f32>
    %twice = arith.addf %all, %all : tensor<f32>
    chunk.yield %xt, %all, %twice : tensor<16x64xf32>, tensor<f32>, tensor<f32>
  }
  %dk = chunk.sum in(%p [b, t, h, 1] : tensor<?x?x?x64xf32>) out([b, t, g, 1] : tensor<?x?x?x64xbf16>) like(%k : tensor<?x?x?x64xbf16>)
  %sa = chunk.sum in(%a [b, c, h] : tensor<?x?x?xf32>) out([b, h] : tensor<?x?xf32>)
  %da = chunk.sum in(%sa [b, h] : tensor<?x?xf32>) out([h] : tensor<?xf32>)
  %dc = chunk.sum in(%c [b, c, h] : tensor<?x?x?xf32>) out([] : tensor<f32>)
  return %dk, %da, %dc : tensor<?x?x?x64xbf16>, tensor<?xf32>, tensor<f32>
}

// Packed sequences: entries of their chunks.
// CHECK-LABEL: gpu.module @packed
// CHECK: gpu.func @packed_1(
// CHECK-SAME: shape = ["1", "T / 16 + N", "H"]
func.func @packed(%x: tensor<1x?x?x64xf32>, %cu: tensor<?xi32>) -> tensor<?xf32> {
  %a = chunk.scan 16 sequences(%cu : tensor<?xi32>)
      in(%x [b, t, h, 1] : tensor<1x?x?x64xf32>) out([b, c, h] : tensor<1x?x?xf32>) {
  ^bb0(%n: index, %xt: tensor<16x64xf32>):
    %all = chunk.reduce add %xt [0, 1] : tensor<16x64xf32> -> tensor<f32>
    chunk.yield %all : tensor<f32>
  }
  %da = chunk.sum in(%a [b, c, h] : tensor<1x?x?xf32>) out([h] : tensor<?xf32>)
  return %da : tensor<?xf32>
}

// Two gradients of one tensor.
// CHECK-LABEL: gpu.module @twice
// CHECK: gpu.func @twice_1(
// CHECK: %[[X:.*]] = tile.load
// CHECK: arith.extf
// CHECK: %[[Y:.*]] = tile.load
// CHECK: tile.store
func.func @twice(%x: tensor<?x?x4x64xbf16>) -> tensor<?x?x4x64xbf16> {
  %a, %c = chunk.scan 16
      in(%x [b, t, h, 1] : tensor<?x?x4x64xbf16>)
      out([b, t, h, 1] : tensor<?x?x4x64xbf16>, [b, t, h, 1] : tensor<?x?x4x64xbf16>) {
  ^bb0(%n: index, %xt: tensor<16x64xbf16>):
    chunk.yield %xt, %xt : tensor<16x64xbf16>, tensor<16x64xbf16>
  }
  %s = chunk.sum in(%a [b, t, h, 1] : tensor<?x?x4x64xbf16>, %c [b, t, h, 1] : tensor<?x?x4x64xbf16>) out([b, t, h, 1] : tensor<?x?x4x64xbf16>)
  return %s : tensor<?x?x4x64xbf16>
}
