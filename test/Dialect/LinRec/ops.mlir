// If this fails, the dialect has lost an operand, an attribute or its text or
// bytecode form: every operator of the family must be writable and survive both.
// RUN: deltanet-opt %s --verify-roundtrip | FileCheck %s
// RUN: deltanet-opt %s --emit-bytecode | deltanet-opt | FileCheck %s
// RUN: deltanet-opt %s --mlir-print-op-generic | deltanet-opt | FileCheck %s

// CHECK-LABEL: func.func @linear_attention
// CHECK: linrec.scan %{{.*}}, %{{.*}}, %{{.*}} : tensor<2x256x4x64xf32>, tensor<2x256x4x64xf32>, tensor<2x256x4x32xf32> -> tensor<2x256x4x32xf32>
func.func @linear_attention(%q: tensor<2x256x4x64xf32>, %k: tensor<2x256x4x64xf32>,
                            %v: tensor<2x256x4x32xf32>) -> tensor<2x256x4x32xf32> {
  %o = linrec.scan %q, %k, %v
    : tensor<2x256x4x64xf32>, tensor<2x256x4x64xf32>, tensor<2x256x4x32xf32> -> tensor<2x256x4x32xf32>
  return %o : tensor<2x256x4x32xf32>
}

// Grouped heads, dynamic batch and length, a state in and out.
// CHECK-LABEL: func.func @gated_delta
// CHECK: linrec.scan %{{.*}} beta(%{{.*}} : tensor<?x?x16xbf16>) decay(%{{.*}} : tensor<?x?x16xf32>) initial(%{{.*}} : tensor<?x16x128x128xf32>)
// CHECK-SAME: {decay_min = -5.000000e+00 : f64, scale = 1.000000e+00 : f64}
// CHECK-SAME: -> tensor<?x?x16x128xbf16>, tensor<?x16x128x128xf32>
func.func @gated_delta(%q: tensor<?x?x8x128xbf16>, %k: tensor<?x?x8x128xbf16>,
                       %v: tensor<?x?x16x128xbf16>, %beta: tensor<?x?x16xbf16>,
                       %g: tensor<?x?x16xf32>, %s: tensor<?x16x128x128xf32>)
    -> (tensor<?x?x16x128xbf16>, tensor<?x16x128x128xf32>) {
  %o, %sn = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x16xbf16>) decay(%g : tensor<?x?x16xf32>)
      initial(%s : tensor<?x16x128x128xf32>) {scale = 1.0 : f64, decay_min = -5.0 : f64}
    : tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>, tensor<?x?x16x128xbf16>
   -> tensor<?x?x16x128xbf16>, tensor<?x16x128x128xf32>
  return %o, %sn : tensor<?x?x16x128xbf16>, tensor<?x16x128x128xf32>
}

// A decay per channel, read out before the update, with a bonus (28).
// CHECK-LABEL: func.func @rwkv6
// CHECK: decay(%{{.*}} : tensor<1x100x4x64xf16>) bonus(%{{.*}} : tensor<4x64xf32>)
// CHECK-SAME: read_out(before)
// CHECK-NOT: layout
func.func @rwkv6(%q: tensor<1x100x4x64xf16>, %k: tensor<1x100x4x64xf16>, %v: tensor<1x100x4x64xf16>,
                 %w: tensor<1x100x4x64xf16>, %u: tensor<4x64xf32>) -> tensor<1x100x4x64xf16> {
  %o = linrec.scan %q, %k, %v decay(%w : tensor<1x100x4x64xf16>) bonus(%u : tensor<4x64xf32>)
      read_out(before)
    : tensor<1x100x4x64xf16>, tensor<1x100x4x64xf16>, tensor<1x100x4x64xf16> -> tensor<1x100x4x64xf16>
  return %o : tensor<1x100x4x64xf16>
}

// Packed sequences, heads before tokens, the state transposed.
// CHECK-LABEL: func.func @packed
// CHECK: sequences(%{{.*}} : tensor<6xi32>) layout(bhtd) state_layout(vk)
// CHECK-SAME: tensor<5x4x32x64xf32>
func.func @packed(%q: tensor<1x4x?x64xf32>, %k: tensor<1x4x?x64xf32>, %v: tensor<1x4x?x32xf32>,
                  %beta: tensor<1x4x?xf32>, %cu: tensor<6xi32>)
    -> (tensor<1x4x?x32xf32>, tensor<5x4x32x64xf32>) {
  %o, %s = linrec.scan %q, %k, %v beta(%beta : tensor<1x4x?xf32>) sequences(%cu : tensor<6xi32>)
      layout(bhtd) state_layout(vk)
    : tensor<1x4x?x64xf32>, tensor<1x4x?x64xf32>, tensor<1x4x?x32xf32>
   -> tensor<1x4x?x32xf32>, tensor<5x4x32x64xf32>
  return %o, %s : tensor<1x4x?x32xf32>, tensor<5x4x32x64xf32>
}

// Two updates a token (25).
// CHECK-LABEL: func.func @delta_product
// CHECK: steps(2)
func.func @delta_product(%q: tensor<1x10x2x8xf32>, %k: tensor<1x20x2x8xf32>, %v: tensor<1x20x2x8xf32>,
                         %beta: tensor<1x20x2xf32>, %g: tensor<1x10x2xf32>) -> tensor<1x10x2x8xf32> {
  %o = linrec.scan %q, %k, %v beta(%beta : tensor<1x20x2xf32>) decay(%g : tensor<1x10x2xf32>) steps(2)
    : tensor<1x10x2x8xf32>, tensor<1x20x2x8xf32>, tensor<1x20x2x8xf32> -> tensor<1x10x2x8xf32>
  return %o : tensor<1x10x2x8xf32>
}

// The general rank-one transition (21).
// CHECK-LABEL: func.func @rwkv7
// CHECK: linrec.dplr_scan %{{.*}} a(%{{.*}}) b(%{{.*}}) decay(%{{.*}} : tensor<?x?x32x64xf32>)
// CHECK-SAME: initial(%{{.*}} : tensor<?x32x64x64xbf16>) read_out(before) state_layout(vk)
func.func @rwkv7(%q: tensor<?x?x32x64xbf16>, %k: tensor<?x?x32x64xbf16>, %v: tensor<?x?x32x64xbf16>,
                 %a: tensor<?x?x32x64xbf16>, %b: tensor<?x?x32x64xbf16>, %w: tensor<?x?x32x64xf32>,
                 %s: tensor<?x32x64x64xbf16>)
    -> (tensor<?x?x32x64xbf16>, tensor<?x32x64x64xbf16>) {
  %o, %sn = linrec.dplr_scan %q, %k, %v a(%a) b(%b) decay(%w : tensor<?x?x32x64xf32>)
      initial(%s : tensor<?x32x64x64xbf16>) read_out(before) state_layout(vk)
    : tensor<?x?x32x64xbf16>, tensor<?x?x32x64xbf16>, tensor<?x?x32x64xbf16>,
      tensor<?x?x32x64xbf16>, tensor<?x?x32x64xbf16> -> tensor<?x?x32x64xbf16>, tensor<?x32x64x64xbf16>
  return %o, %sn : tensor<?x?x32x64xbf16>, tensor<?x32x64x64xbf16>
}

// States in a pool.
// CHECK-LABEL: func.func @pool
// CHECK: initial(%{{.*}} : tensor<?x4x64x32xf32>) indices(%{{.*}} : tensor<?xi32>)
func.func @pool(%q: tensor<?x1x4x64xf32>, %v: tensor<?x1x4x32xf32>, %s: tensor<?x4x64x32xf32>, %i: tensor<?xi32>)
    -> (tensor<?x1x4x32xf32>, tensor<?x4x64x32xf32>) {
  %o, %f = linrec.scan %q, %q, %v initial(%s : tensor<?x4x64x32xf32>) indices(%i : tensor<?xi32>)
    : tensor<?x1x4x64xf32>, tensor<?x1x4x64xf32>, tensor<?x1x4x32xf32> -> tensor<?x1x4x32xf32>, tensor<?x4x64x32xf32>
  return %o, %f : tensor<?x1x4x32xf32>, tensor<?x4x64x32xf32>
}

// Mamba (29).
// CHECK-LABEL: func.func @mamba
// CHECK: linrec.selective_scan %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} skip(%{{.*}} : tensor<32xf32>)
// CHECK-SAME: initial(%{{.*}} : tensor<?x32x16xf32>) sequences(%{{.*}} : tensor<?xi32>) indices(%{{.*}} : tensor<?xi32>)
func.func @mamba(%x: tensor<1x?x32xbf16>, %delta: tensor<1x?x32xf32>, %a: tensor<32x16xf32>, %b: tensor<1x?x16xbf16>,
                 %skip: tensor<32xf32>, %s: tensor<?x32x16xf32>, %cu: tensor<?xi32>, %i: tensor<?xi32>)
    -> (tensor<1x?x32xbf16>, tensor<?x32x16xf32>) {
  %y, %f = linrec.selective_scan %x, %delta, %a, %b, %b skip(%skip : tensor<32xf32>) initial(%s : tensor<?x32x16xf32>)
      sequences(%cu : tensor<?xi32>) indices(%i : tensor<?xi32>)
    : tensor<1x?x32xbf16>, tensor<1x?x32xf32>, tensor<32x16xf32>, tensor<1x?x16xbf16>, tensor<1x?x16xbf16>
   -> tensor<1x?x32xbf16>, tensor<?x32x16xf32>
  return %y, %f : tensor<1x?x32xbf16>, tensor<?x32x16xf32>
}
