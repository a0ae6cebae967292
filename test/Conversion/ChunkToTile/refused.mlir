// If this fails, a program that tiles cannot say yet is miscompiled, or refused
// without the operation, the rule and the fact.
// RUN: deltanet-opt %s --split-input-file --verify-diagnostics --linrec-to-ptx='target=sm_80 stop-after=tile' | FileCheck %s --allow-empty
// CHECK-NOT: gpu.func

func.func @per_channel(%q: tensor<1x64x4x64xbf16>, %k: tensor<1x64x4x64xbf16>,
    %v: tensor<1x64x4x64xbf16>, %g: tensor<1x64x4x64xf32>) -> tensor<1x64x4x64xbf16> {
  // expected-error @below {{with one gate per channel is computed in sub-chunks (27), which tiles do not have yet; expects one gate per token, got 'tensor<32x64xf32>'}}
  %o = linrec.scan %q, %k, %v decay(%g : tensor<1x64x4x64xf32>) : tensor<1x64x4x64xbf16>,
      tensor<1x64x4x64xbf16>, tensor<1x64x4x64xbf16> -> tensor<1x64x4x64xbf16>
  return %o : tensor<1x64x4x64xbf16>
}

// -----
func.func @packed(%q: tensor<1x64x4x64xbf16>, %k: tensor<1x64x4x64xbf16>,
    %v: tensor<1x64x4x64xbf16>, %cu: tensor<3xi32>) -> tensor<1x64x4x64xbf16> {
  // expected-error @below {{expects chunks from first to last, of sequences of one length, in a kernel; its sequences are packed}}
  %o = linrec.scan %q, %k, %v sequences(%cu : tensor<3xi32>) : tensor<1x64x4x64xbf16>,
      tensor<1x64x4x64xbf16>, tensor<1x64x4x64xbf16> -> tensor<1x64x4x64xbf16>
  return %o : tensor<1x64x4x64xbf16>
}

// -----
func.func @f32_tensors(%q: tensor<1x64x4x64xf32>, %k: tensor<1x64x4x64xf32>,
    %v: tensor<1x64x4x64xf32>) -> tensor<1x64x4x64xf32> {
  // expected-error @below {{expects matrices of bf16 or f16 in a kernel, got 'tensor<32x64xf32>'}}
  %o = linrec.scan %q, %k, %v : tensor<1x64x4x64xf32>, tensor<1x64x4x64xf32>,
      tensor<1x64x4x64xf32> -> tensor<1x64x4x64xf32>
  return %o : tensor<1x64x4x64xf32>
}

// -----
func.func @odd_columns(%q: tensor<1x64x4x64xbf16>, %k: tensor<1x64x4x64xbf16>,
    %v: tensor<1x64x4x60xbf16>) -> tensor<1x64x4x60xbf16> {
  // expected-error @below {{expects independent columns in a multiple of 16 for each block, and 1 or 2 slots, got 60 columns and 2 slots}}
  %o = linrec.scan %q, %k, %v : tensor<1x64x4x64xbf16>, tensor<1x64x4x64xbf16>,
      tensor<1x64x4x60xbf16> -> tensor<1x64x4x60xbf16>
  return %o : tensor<1x64x4x60xbf16>
}

// -----
// Elementwise work that fusion could not move into the scan.
// expected-error @below {{expects one chunk.scan and nothing else in a function that becomes a kernel}}
func.func @beside(%q: tensor<1x64x4x64xbf16>, %v: tensor<1x64x4x64xbf16>, %i: index)
    -> (tensor<1x64x4x64xbf16>, index) {
  // expected-note @below {{'arith.addi' stands beside it}}
  %j = arith.addi %i, %i : index
  %o = linrec.scan %q, %q, %v : tensor<1x64x4x64xbf16>, tensor<1x64x4x64xbf16>,
      tensor<1x64x4x64xbf16> -> tensor<1x64x4x64xbf16>
  return %o, %j : tensor<1x64x4x64xbf16>, index
}

// -----
func.func @steps(%q: tensor<1x64x4x64xbf16>, %k: tensor<1x128x4x64xbf16>,
    %v: tensor<1x128x4x64xbf16>) -> tensor<1x64x4x64xbf16> {
  // expected-error @below {{expects one step a token in a kernel, got 64 rows for chunks of 32}}
  %o = linrec.scan %q, %k, %v steps(2) : tensor<1x64x4x64xbf16>, tensor<1x128x4x64xbf16>,
      tensor<1x128x4x64xbf16> -> tensor<1x64x4x64xbf16>
  return %o : tensor<1x64x4x64xbf16>
}

// -----
// A state whose both dimensions are contracted has no columns to share out.
func.func @no_columns(%x: tensor<1x64x4x16xbf16>, %s: tensor<4x16x16xf32>) -> tensor<1x64x4x16xbf16> {
  // expected-error @below {{expects a dimension of the carried value that nothing contracts, reduces or orders, so that it can be split over warps, got none}}
  %o, %last = chunk.scan 32 carry(%s [h, 0, 1] : tensor<4x16x16xf32>)
      in(%x [b, t, h, 1] : tensor<1x64x4x16xbf16>) out([b, t, h, 1] : tensor<1x64x4x16xbf16>)
      final([n, h, 0, 1] : tensor<1x4x16x16xf32>) {
  ^bb0(%S: tensor<16x16xf32>, %n: index, %xt: tensor<32x16xbf16>):
    %Sb = arith.truncf %S : tensor<16x16xf32> to tensor<16x16xbf16>
    // expected-note @below {{dimension 0 is bound by this 'chunk.dot'}}
    // expected-note @below {{dimension 1 is bound by this 'chunk.dot'}}
    %square = chunk.dot %Sb, %Sb : tensor<16x16xbf16>, tensor<16x16xbf16> -> tensor<16x16xf32>
    %sb = arith.truncf %square : tensor<16x16xf32> to tensor<16x16xbf16>
    %y = chunk.dot %xt, %sb : tensor<32x16xbf16>, tensor<16x16xbf16> -> tensor<32x16xf32>
    %yb = arith.truncf %y : tensor<32x16xf32> to tensor<32x16xbf16>
    chunk.yield %yb carry(%square) : tensor<32x16xbf16> carry tensor<16x16xf32>
  }
  return %o : tensor<1x64x4x16xbf16>
}
