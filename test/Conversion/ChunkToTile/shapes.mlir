// If this fails, kernels lose packed sequences, states in a pool, widths that fill no tile, or tensors of
// f32: tokens of a neighbour are read, what lies past the end counts, or products
// are off by what tf32 drops.
// RUN: deltanet-opt %s --split-input-file --linrec-to-ptx='target=sm_80 chunk=32 stop-after=tile' --mlir-print-local-scope | FileCheck %s

// Tokens come from the offsets; the state is that of the sequence.
// CHECK-LABEL: gpu.func @packed
// CHECK-SAME: {name = "arg3", role = "input", shape = ["N + 1"], type = "i32"}
// CHECK-SAME: {name = "N", role = "size", type = "i64"}
// CHECK-SAME: grid = ["1", "4", "N"]
// CHECK: %[[B32:.*]] = tile.load %arg3[%block_id_z] : <i32> -> i32
// CHECK: %[[BEGIN:.*]] = arith.index_cast %[[B32]]
// CHECK: %[[E32:.*]] = tile.load %arg3[
// CHECK: %[[END:.*]] = arith.index_cast %[[E32]]
// CHECK: %[[COUNT:.*]] = arith.subi %[[END]], %[[BEGIN]]
// CHECK: tile.roles state(warps = 2)
// CHECK: tile.load %arg4[%[[STATE:.*]]] strides
// CHECK: arith.ceildivui %[[COUNT]], %c32
// CHECK: tile.store %{{.*}}, %arg8[%[[STATE]]]
// CHECK: ahead(warps = 2)
// CHECK: tile.copy_async %arg0[%{{.*}}] stride %c256 rows %[[COUNT]] to
func.func @packed(%q: tensor<1x?x4x64xbf16>, %k: tensor<1x?x4x64xbf16>, %v: tensor<1x?x4x64xbf16>,
    %cu: tensor<?xi32>, %s: tensor<?x4x64x64xf32>) -> (tensor<1x?x4x64xbf16>, tensor<?x4x64x64xf32>) {
  %o, %last = linrec.scan %q, %k, %v initial(%s : tensor<?x4x64x64xf32>) sequences(%cu : tensor<?xi32>)
      : tensor<1x?x4x64xbf16>, tensor<1x?x4x64xbf16>, tensor<1x?x4x64xbf16> -> tensor<1x?x4x64xbf16>, tensor<?x4x64x64xf32>
  return %o, %last : tensor<1x?x4x64xbf16>, tensor<?x4x64x64xf32>
}

// -----

// A sequence's state is an entry of a pool, read and written in place: it alone.
// CHECK-LABEL: gpu.func @pool
// CHECK-SAME: {name = "arg4", role = "input", shape = ["P", "4", "64", "64"], type = "f32"}
// CHECK-SAME: {name = "arg5", role = "input", shape = ["N"], type = "i64"}
// CHECK-SAME: {name = "P", role = "size", type = "i64"}
// CHECK: %[[I64:.*]] = tile.load %arg5[%block_id_z] : <i64> -> i64
// CHECK: %[[ENTRY:.*]] = arith.index_cast %[[I64]]
// CHECK: %[[AT:.*]] = arith.muli %[[ENTRY]], %c16384
// CHECK: tile.load %arg4[%[[STATE:.*]]] strides
// CHECK: tile.store %{{.*}}, %arg10[%[[STATE]]] strides
func.func @pool(%q: tensor<1x?x4x64xbf16>, %k: tensor<1x?x4x64xbf16>, %v: tensor<1x?x4x64xbf16>,
    %cu: tensor<?xi32>, %s: tensor<?x4x64x64xf32>, %i: tensor<?xi64>) -> (tensor<1x?x4x64xbf16>, tensor<?x4x64x64xf32>) {
  %o, %last = linrec.scan %q, %k, %v initial(%s : tensor<?x4x64x64xf32>) sequences(%cu : tensor<?xi32>) indices(%i : tensor<?xi64>)
      : tensor<1x?x4x64xbf16>, tensor<1x?x4x64xbf16>, tensor<1x?x4x64xbf16> -> tensor<1x?x4x64xbf16>, tensor<?x4x64x64xf32>
  return %o, %last : tensor<1x?x4x64xbf16>, tensor<?x4x64x64xf32>
}

// -----

// K of 20 and V of 36 are 32 and 48 in a kernel, zero beyond: rows that are no
// multiple of 16 bytes are loaded by threads, bounded both ways.
// CHECK-LABEL: gpu.func @odd
// CHECK-SAME: {name = "arg2", role = "input", shape = ["B", "T", "4", "36"], type = "bf16"}
// CHECK: tile.channel at {{[0-9]+}} : <2, <32x32xbf16, pad = 8>, <32x32xbf16, pad = 8>, <32x48xbf16, pad = 8>, <32x32xbf16, pad = 8>>
// CHECK: tile.roles state(warps = 1)
// CHECK: -> (tensor<48x32xf32, #tile.acc<warps = [1, 1]>>)
// CHECK: tile.store %{{.*}}, %arg5[{{.*}}] strides[%c1, %c144] below %{{.*}}, %{{.*}} along [1, 0]
// CHECK: tile.store %{{.*}}, %arg6[{{.*}}] strides[%c1, %c36] below %c20, %{{.*}} along [1, 0]
// CHECK: ahead(warps = 2)
// CHECK-NOT: tile.copy_async
// CHECK: tile.load %arg0[{{.*}}] strides[%c80, %c1] below %{{.*}}, %c20 along [0, 1]
// CHECK: tile.load %arg2[{{.*}}] strides[%c144, %c1] below %{{.*}}, %{{.*}} along [0, 1]
// CHECK: gpu.return
func.func @odd(%q: tensor<?x?x4x20xbf16>, %k: tensor<?x?x4x20xbf16>, %v: tensor<?x?x4x36xbf16>) -> (tensor<?x?x4x36xbf16>, tensor<?x4x20x36xf32>) {
  %o, %last = linrec.scan %q, %k, %v : tensor<?x?x4x20xbf16>, tensor<?x?x4x20xbf16>, tensor<?x?x4x36xbf16> -> tensor<?x?x4x36xbf16>, tensor<?x4x20x36xf32>
  return %o, %last : tensor<?x?x4x36xbf16>, tensor<?x4x20x36xf32>
}

// -----

// Every product is split in three; the inverse, too, is stored in f32.
// CHECK-LABEL: gpu.func @f32
// CHECK: tile.roles
// CHECK-COUNT-5: tile.mma {{.*}} precision {{ *}}tf32x3
// CHECK: ahead
// CHECK: tile.mma {{.*}} precision {{ *}}tf32x3
// CHECK: tile.unit_lower_inverse %{{.*}}, %{{.*}} : <32x32xf32, pad = 8>, <32x32xf32, pad = 8>
// CHECK: tile.mma {{.*}} precision {{ *}}tf32x3
// CHECK-NOT: tile.mma
// CHECK: gpu.return
func.func @f32(%q: tensor<?x?x4x64xf32>, %k: tensor<?x?x4x64xf32>, %v: tensor<?x?x4x64xf32>, %b: tensor<?x?x4xf32>) -> tensor<?x?x4x64xf32> {
  %o = linrec.scan %q, %k, %v beta(%b : tensor<?x?x4xf32>) : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32> -> tensor<?x?x4x64xf32>
  return %o : tensor<?x?x4x64xf32>
}
