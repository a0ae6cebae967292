// If this fails, an operation of a chunk body has lost an operand, an attribute
// or its text or bytecode form.
// RUN: deltanet-opt %s --verify-roundtrip | FileCheck %s
// RUN: deltanet-opt %s --emit-bytecode | deltanet-opt | FileCheck %s
// RUN: deltanet-opt %s --mlir-print-op-generic | deltanet-opt | FileCheck %s

// The gated delta rule of one chunk, (2)-(9), as it is derived.
// CHECK-LABEL: func.func @gated_delta
// CHECK: chunk.scan 64 sequences(%{{.*}} : tensor<?xi32>)
// CHECK-NEXT: carry(%{{.*}} [n, h, 1, 0] : tensor<?x4x32x16xf32>)
// CHECK-NEXT: in(%{{.*}} [b, t, g, 1] : tensor<1x?x2x16xbf16>,
// CHECK-NEXT: %{{.*}} [b, t, h, 1] : tensor<1x?x4x32xbf16>,
// CHECK-NEXT: %{{.*}} [b, t, h] : tensor<1x?x4xf32>)
// CHECK-NEXT: out([b, t, h, 1] : tensor<1x?x4x32xf32>)
// CHECK-NEXT: final([n, h, 1, 0] : tensor<?x4x32x16xf32>) {
func.func @gated_delta(%k: tensor<1x?x2x16xbf16>, %v: tensor<1x?x4x32xbf16>, %la: tensor<1x?x4xf32>,
                       %s0: tensor<?x4x32x16xf32>, %cu: tensor<?xi32>)
    -> (tensor<1x?x4x32xf32>, tensor<?x4x32x16xf32>) {
  %o, %sn = chunk.scan 64 sequences(%cu : tensor<?xi32>)
      carry(%s0 [n, h, 1, 0] : tensor<?x4x32x16xf32>)
      in(%k [b, t, g, 1] : tensor<1x?x2x16xbf16>, %v [b, t, h, 1] : tensor<1x?x4x32xbf16>,
         %la [b, t, h] : tensor<1x?x4xf32>)
      out([b, t, h, 1] : tensor<1x?x4x32xf32>) final([n, h, 1, 0] : tensor<?x4x32x16xf32>) {
  ^bb0(%S: tensor<16x32xf32>, %n: index, %kt: tensor<64x16xbf16>, %vt: tensor<64x32xbf16>,
       %at: tensor<64xf32>):
    // CHECK: chunk.mask_tokens %{{.*}}, %{{.*}} : tensor<64xf32>
    %a = chunk.mask_tokens %at, %n : tensor<64xf32>
    // CHECK: chunk.cumsum %{{.*}} : tensor<64xf32> -> tensor<64xf64>
    %g = chunk.cumsum %a : tensor<64xf32> -> tensor<64xf64>
    // CHECK: chunk.decay_dot %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} strict : tensor<64x16xbf16>, tensor<64x16xbf16>, tensor<64xf64>, tensor<64xf64> -> tensor<64x64xf32>
    %kk = chunk.decay_dot %kt, %kt, %g, %g strict
      : tensor<64x16xbf16>, tensor<64x16xbf16>, tensor<64xf64>, tensor<64xf64> -> tensor<64x64xf32>
    %y = arith.extf %vt : tensor<64x32xbf16> to tensor<64x32xf32>
    // CHECK: chunk.unit_lower_solve %{{.*}}, %{{.*}} : tensor<64x64xf32>, tensor<64x32xf32>
    %u = chunk.unit_lower_solve %kk, %y : tensor<64x64xf32>, tensor<64x32xf32>
    %k32 = arith.extf %kt : tensor<64x16xbf16> to tensor<64x16xf32>
    // CHECK: chunk.dot %{{.*}}, %{{.*}} {transpose_lhs} : tensor<64x16xf32>, tensor<64x32xf32> -> tensor<16x32xf32>
    %ku = chunk.dot %k32, %u {transpose_lhs} : tensor<64x16xf32>, tensor<64x32xf32> -> tensor<16x32xf32>
    %s1 = arith.addf %S, %ku : tensor<16x32xf32>
    // CHECK: chunk.yield %{{.*}} carry(%{{.*}}) : tensor<64x32xf32> carry tensor<16x32xf32>
    chunk.yield %u carry(%s1) : tensor<64x32xf32> carry tensor<16x32xf32>
  }
  return %o, %sn : tensor<1x?x4x32xf32>, tensor<?x4x32x16xf32>
}

// A scan that carries nothing, runs backward, has a wider input of two rows a
// token and writes one tile a chunk.
// CHECK-LABEL: func.func @carry_free
// CHECK: chunk.scan 16 reverse
// CHECK-NEXT: in(%{{.*}} [b, h, t, 1] : tensor<2x4x?x8xf32>,
// CHECK-NEXT: %{{.*}} [b, h, t, 1] : tensor<2x4x?x8xf32>,
// CHECK-NEXT: %{{.*}} [h, 0] : tensor<4x8xf32>)
// CHECK-NEXT: out([b, c, h, 0, 1] : tensor<2x?x4x32x8xf32>) attributes {note = "kept"} {
func.func @carry_free(%x: tensor<2x4x?x8xf32>, %y: tensor<2x4x?x8xf32>, %w: tensor<4x8xf32>)
    -> tensor<2x?x4x32x8xf32> {
  %r = chunk.scan 16 reverse
      in(%x [b, h, t, 1] : tensor<2x4x?x8xf32>, %y [b, h, t, 1] : tensor<2x4x?x8xf32>,
         %w [h, 0] : tensor<4x8xf32>)
      out([b, c, h, 0, 1] : tensor<2x?x4x32x8xf32>) attributes {note = "kept"} {
  ^bb0(%n: index, %xt: tensor<16x8xf32>, %yt: tensor<32x8xf32>, %wt: tensor<8xf32>):
    chunk.yield %yt : tensor<32x8xf32>
  }
  return %r : tensor<2x?x4x32x8xf32>
}

// A state is kept with which each of 3 runs of a sequence begins; a scan runs
// from there, and keeps others.
// CHECK-LABEL: func.func @runs
// CHECK: chunk.scan 16 sequences(%{{.*}} : tensor<?xi32>)
// CHECK: out([n, s, h, 0, 1] : tensor<?x3x4x8x8xf32>)
// CHECK: chunk.scan 16 sequences(%{{.*}} : tensor<?xi32>) segments(3)
// CHECK: carry(%{{.*}} [n, s, h, 0, 1] : tensor<?x3x4x8x8xf32>)
// CHECK: out([b, c, h, 0, 1] : tensor<1x?x4x8x8xf32>,
// CHECK-NEXT: [n, s, h, 0, 1] : tensor<?x5x4x8x8xf32>)
func.func @runs(%x: tensor<1x?x4x8xf32>, %s0: tensor<?x4x8x8xf32>, %cu: tensor<?xi32>)
    -> (tensor<1x?x4x8x8xf32>, tensor<?x5x4x8x8xf32>) {
  %kept, %last = chunk.scan 16 sequences(%cu : tensor<?xi32>) carry(%s0 [n, h, 0, 1] : tensor<?x4x8x8xf32>)
      in(%x [b, t, h, 1] : tensor<1x?x4x8xf32>) out([n, s, h, 0, 1] : tensor<?x3x4x8x8xf32>)
      final([n, h, 0, 1] : tensor<?x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %xt: tensor<16x8xf32>):
    %xx = chunk.dot %xt, %xt {transpose_lhs} : tensor<16x8xf32>, tensor<16x8xf32> -> tensor<8x8xf32>
    %S1 = arith.addf %S, %xx : tensor<8x8xf32>
    chunk.yield %S carry(%S1) : tensor<8x8xf32> carry tensor<8x8xf32>
  }
  %all, %some, %ends = chunk.scan 16 sequences(%cu : tensor<?xi32>) segments(3)
      carry(%kept [n, s, h, 0, 1] : tensor<?x3x4x8x8xf32>) in(%x [b, t, h, 1] : tensor<1x?x4x8xf32>)
      out([b, c, h, 0, 1] : tensor<1x?x4x8x8xf32>, [n, s, h, 0, 1] : tensor<?x5x4x8x8xf32>)
      final([n, s, h, 0, 1] : tensor<?x3x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %xt: tensor<16x8xf32>):
    %xx = chunk.dot %xt, %xt {transpose_lhs} : tensor<16x8xf32>, tensor<16x8xf32> -> tensor<8x8xf32>
    %S1 = arith.addf %S, %xx : tensor<8x8xf32>
    chunk.yield %S, %S carry(%S1) : tensor<8x8xf32>, tensor<8x8xf32> carry tensor<8x8xf32>
  }
  return %all, %some : tensor<1x?x4x8x8xf32>, tensor<?x5x4x8x8xf32>
}

// Every other operation, every mode.
// CHECK-LABEL: func.func @modes
func.func @modes(%x: tensor<8x4xf32>, %m: tensor<8x16xf32>, %g: tensor<8x4xf32>, %g2: tensor<16x4xf32>,
                 %y: tensor<16x4xf32>, %l: tensor<8x8xf32>, %n: index) {
  // CHECK: chunk.dot %{{.*}}, %{{.*}} {transpose_rhs} : tensor<8x4xf32>, tensor<16x4xf32> -> tensor<8x16xf32>
  %0 = chunk.dot %x, %y {transpose_rhs} : tensor<8x4xf32>, tensor<16x4xf32> -> tensor<8x16xf32>
  // CHECK: chunk.decay_dot %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : tensor<8x4xf32>, tensor<16x4xf32>, tensor<8x4xf32>, tensor<16x4xf32> -> tensor<8x16xf32>
  %1 = chunk.decay_dot %x, %y, %g, %g2
    : tensor<8x4xf32>, tensor<16x4xf32>, tensor<8x4xf32>, tensor<16x4xf32> -> tensor<8x16xf32>
  // CHECK: chunk.decay_apply %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} strict transpose : tensor<8x16xf32>, tensor<8x4xf32>
  %2 = chunk.decay_apply %m, %x, %g, %g2 strict transpose
    : tensor<8x16xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<16x4xf32> -> tensor<16x4xf32>
  // CHECK: chunk.unit_lower_solve %{{.*}}, %{{.*}} transpose : tensor<8x8xf32>, tensor<8x4xf32>
  %3 = chunk.unit_lower_solve %l, %x transpose : tensor<8x8xf32>, tensor<8x4xf32>
  // CHECK: chunk.unit_lower_inverse %{{.*}} : tensor<8x8xf32>
  %4 = chunk.unit_lower_inverse %l : tensor<8x8xf32>
  // CHECK: chunk.cumsum %{{.*}} exclusive reverse : tensor<8x4xf32> -> tensor<8x4xf32>
  %5 = chunk.cumsum %x exclusive reverse : tensor<8x4xf32> -> tensor<8x4xf32>
  // CHECK: chunk.tril %{{.*}} strict : tensor<8x16xf32>
  %6 = chunk.tril %m strict : tensor<8x16xf32>
  // CHECK: chunk.row %{{.*}}[7] : tensor<8x4xf32> -> tensor<4xf32>
  %7 = chunk.row %x [7] : tensor<8x4xf32> -> tensor<4xf32>
  // CHECK: chunk.repeat %{{.*}} : tensor<8x4xf32> -> tensor<16x4xf32>
  %8 = chunk.repeat %x : tensor<8x4xf32> -> tensor<16x4xf32>
  // CHECK: chunk.place_row %{{.*}}[3] : tensor<4xf32> -> tensor<8x4xf32>
  %placed = chunk.place_row %7 [3] : tensor<4xf32> -> tensor<8x4xf32>
  // CHECK: chunk.sum_rows %{{.*}} : tensor<16x4xf32> -> tensor<8x4xf32>
  %summed = chunk.sum_rows %8 : tensor<16x4xf32> -> tensor<8x4xf32>
  // CHECK: chunk.broadcast %{{.*}} [0, 2] : tensor<4xf32> -> tensor<8x4x2xf32>
  %9 = chunk.broadcast %7 [0, 2] : tensor<4xf32> -> tensor<8x4x2xf32>
  // CHECK: chunk.reduce add %{{.*}} [1] : tensor<8x4xf32> -> tensor<8xf32>
  %10 = chunk.reduce add %x [1] : tensor<8x4xf32> -> tensor<8xf32>
  // CHECK: chunk.reduce max %{{.*}} [0, 1] : tensor<8x4xf32> -> tensor<f32>
  %11 = chunk.reduce max %x [0, 1] : tensor<8x4xf32> -> tensor<f32>
  // CHECK: chunk.reduce min
  %12 = chunk.reduce min %x [0] : tensor<8x4xf32> -> tensor<4xf32>
  // CHECK: chunk.reduce mul
  %13 = chunk.reduce mul %x [0] : tensor<8x4xf32> -> tensor<4xf32>
  // CHECK: chunk.mask_tokens %{{.*}}, %{{.*}} steps 2 : tensor<16x4xf32>
  %14 = chunk.mask_tokens %y, %n steps 2 : tensor<16x4xf32>
  // CHECK: chunk.transpose %{{.*}} : tensor<8x4xf32> -> tensor<4x8xf32>
  %15 = chunk.transpose %x : tensor<8x4xf32> -> tensor<4x8xf32>
  return
}

// The attribute by itself.
// CHECK-LABEL: func.func private @access
// CHECK-SAME: a = #chunk.access<[b, t, n, h, g, c, p, 2, 1]>
func.func private @access() attributes {a = #chunk.access<[b, t, n, h, g, c, p, 2, 1]>}

// Entries of a pool, and no heads.
// CHECK-LABEL: func.func @pool
// CHECK: chunk.scan 1 sequences(%{{.*}} : tensor<?xi32>) indices(%{{.*}} : tensor<?xi64>)
// CHECK-NEXT: carry(%{{.*}} [p, 1, 0] : tensor<?x4x8xf32>)
// CHECK-NEXT: in(%{{.*}} [b, t, 1] : tensor<1x?x4xf32>)
// CHECK-NEXT: out([b, t, 1] : tensor<1x?x4xf32>)
// CHECK-NEXT: final([p, 1, 0] : tensor<?x4x8xf32>)
func.func @pool(%x: tensor<1x?x4xf32>, %s: tensor<?x4x8xf32>, %cu: tensor<?xi32>, %i: tensor<?xi64>) {
  %y, %f = chunk.scan 1 sequences(%cu : tensor<?xi32>) indices(%i : tensor<?xi64>)
      carry(%s [p, 1, 0] : tensor<?x4x8xf32>) in(%x [b, t, 1] : tensor<1x?x4xf32>)
      out([b, t, 1] : tensor<1x?x4xf32>) final([p, 1, 0] : tensor<?x4x8xf32>) {
  ^bb0(%S: tensor<8x4xf32>, %n: index, %xt: tensor<1x4xf32>):
    chunk.yield %xt carry(%S) : tensor<1x4xf32> carry tensor<8x4xf32>
  }
  return
}

// Sums around scans.
// CHECK-LABEL: func.func @sums
func.func @sums(%p: tensor<?x?x4x8xf32>, %k: tensor<?x?x?x8xbf16>, %s: tensor<2x3x4xf32>) {
  // CHECK: chunk.sum in(%{{.*}} [b, t, h, 1] : tensor<?x?x4x8xf32>) out([b, t, g, 1] : tensor<?x?x?x8xbf16>) like(%{{.*}} : tensor<?x?x?x8xbf16>)
  %a = chunk.sum in(%p [b, t, h, 1] : tensor<?x?x4x8xf32>) out([b, t, g, 1] : tensor<?x?x?x8xbf16>) like(%k : tensor<?x?x?x8xbf16>)
  // CHECK: chunk.sum in(%{{.*}} [b, t, g, 1] : tensor<?x?x?x8xbf16>, %{{.*}} [b, t, h, 1] : tensor<?x?x4x8xf32>) out([b, t, g, 1] : tensor<?x?x2x8xf32>)
  %b = chunk.sum in(%a [b, t, g, 1] : tensor<?x?x?x8xbf16>, %p [b, t, h, 1] : tensor<?x?x4x8xf32>) out([b, t, g, 1] : tensor<?x?x2x8xf32>)
  // CHECK: chunk.sum in(%{{.*}} [b, c, h] : tensor<2x3x4xf32>) out([] : tensor<f32>)
  %c = chunk.sum in(%s [b, c, h] : tensor<2x3x4xf32>) out([] : tensor<f32>)
  return
}
