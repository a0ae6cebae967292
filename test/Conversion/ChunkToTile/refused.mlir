// If this fails, a program that tiles cannot say is miscompiled, or refused
// without the operation, the rule and the fact.
// RUN: deltanet-opt %s --split-input-file --verify-diagnostics --linrec-to-ptx='target=sm_80 stop-after=tile' | FileCheck %s --allow-empty
// CHECK-NOT: gpu.func

// Elementwise work that fusion could not move into the scan.
// expected-error @below {{expects scans, sums of what they yield, and nothing else in a function that becomes kernels}}
func.func @beside(%q: tensor<1x64x4x64xbf16>, %v: tensor<1x64x4x64xbf16>, %i: index)
    -> (tensor<1x64x4x64xbf16>, index) {
  // expected-note @below {{'arith.addi' stands beside it}}
  %j = arith.addi %i, %i : index
  %o = linrec.scan %q, %q, %v : tensor<1x64x4x64xbf16>, tensor<1x64x4x64xbf16>,
      tensor<1x64x4x64xbf16> -> tensor<1x64x4x64xbf16>
  return %o, %j : tensor<1x64x4x64xbf16>, index
}

// -----
// A state whose both dimensions are contracted has no columns to share out.
func.func @no_columns(%x: tensor<1x64x4x16xbf16>, %s: tensor<4x16x16xf32>) -> tensor<1x64x4x16xbf16> {
  // expected-error @below {{expects a dimension of the carried value that nothing contracts or orders, so that it can be split over warps, got none}}
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

// -----
// Columns that are reduced belong in one block, whatever the schedule would like.
func.func @norm_in_two(%q: tensor<1x64x4x64xbf16>, %v: tensor<1x64x4x128xbf16>) -> tensor<1x64x4x128xbf16>
    attributes {kernel.schedule = #kernel.schedule<chunk = 32, warps = 4, split_value = 2>} {
  %zero = arith.constant dense<0.0> : tensor<64x128xf32>
  // expected-error @below {{expects all columns of the state in one block where something is reduced over them, got 128 columns and 64 a block}}
  %o, %last = chunk.scan 32 carry(%zero [0, 1] : tensor<64x128xf32>)
      in(%q [b, t, h, 1] : tensor<1x64x4x64xbf16>, %v [b, t, h, 1] : tensor<1x64x4x128xbf16>)
      out([b, t, h, 1] : tensor<1x64x4x128xbf16>) final([n, h, 0, 1] : tensor<1x4x64x128xf32>) {
  ^bb0(%S: tensor<64x128xf32>, %n: index, %x: tensor<32x64xbf16>, %y: tensor<32x128xbf16>):
    %Sb = arith.truncf %S : tensor<64x128xf32> to tensor<64x128xbf16>
    %p = chunk.dot %x, %Sb : tensor<32x64xbf16>, tensor<64x128xbf16> -> tensor<32x128xf32>
    %r = chunk.reduce max %p [1] : tensor<32x128xf32> -> tensor<32xf32>
    %w = chunk.broadcast %r [1] : tensor<32xf32> -> tensor<32x128xf32>
    %z = arith.subf %p, %w : tensor<32x128xf32>
    %zb = arith.truncf %z : tensor<32x128xf32> to tensor<32x128xbf16>
    %kv = chunk.dot %x, %y {transpose_lhs} : tensor<32x64xbf16>, tensor<32x128xbf16> -> tensor<64x128xf32>
    %next = arith.addf %S, %kv : tensor<64x128xf32>
    chunk.yield %zb carry(%next) : tensor<32x128xbf16> carry tensor<64x128xf32>
  }
  return %o : tensor<1x64x4x128xbf16>
}

// -----
func.func @rows(%x: tensor<1x64x4x16xbf16>) -> tensor<1x64x4x16xf64> {
  %o = chunk.scan 32
      in(%x [b, t, h, 1] : tensor<1x64x4x16xbf16>) out([b, t, h, 1] : tensor<1x64x4x16xf64>) {
  ^bb0(%n: index, %xt: tensor<32x16xbf16>):
    %wide = arith.extf %xt : tensor<32x16xbf16> to tensor<32x16xf64>
    %row = chunk.row %wide[0] : tensor<32x16xf64> -> tensor<16xf64>
    // expected-error @below {{expects values of f64 to be rounded where they are used in a kernel, got 'tensor<32x16xf64>'}}
    %placed = chunk.place_row %row[3] : tensor<16xf64> -> tensor<32x16xf64>
    chunk.yield %placed : tensor<32x16xf64>
  }
  return %o : tensor<1x64x4x16xf64>
}

// -----
func.func @threads(%q: tensor<1x64x4x64xbf16>, %v: tensor<1x64x4x64xbf16>) -> tensor<1x64x4x64xbf16>
    attributes {kernel.schedule = #kernel.schedule<chunk = 32, warps = 40>} {
  // expected-error @below {{expects at most 1024 threads a block, the schedule asks for 1280 (40 warps and 0 ahead)}}
  %o = linrec.scan %q, %q, %v : tensor<1x64x4x64xbf16>, tensor<1x64x4x64xbf16>,
      tensor<1x64x4x64xbf16> -> tensor<1x64x4x64xbf16>
  return %o : tensor<1x64x4x64xbf16>
}

// -----
// Sums of what no scan yields.
func.func @sum_of_argument(%x: tensor<1x64x4x64xf32>, %p: tensor<2x4xf32>) -> (tensor<1x64x4x64xf32>, tensor<4xf32>) {
  %o = linrec.scan %x, %x, %x : tensor<1x64x4x64xf32>, tensor<1x64x4x64xf32>, tensor<1x64x4x64xf32> -> tensor<1x64x4x64xf32>
  // expected-error @below {{'chunk.sum' op expects sums of results of scans in a function that becomes kernels, got}}
  %s = chunk.sum in(%p [n, h] : tensor<2x4xf32>) out([h] : tensor<4xf32>)
  return %o, %s : tensor<1x64x4x64xf32>, tensor<4xf32>
}

// -----
// Sums to f64.
func.func @sum_f64(%x: tensor<1x64x4x64xf32>) -> tensor<1x64x64xf64> {
  %o = linrec.scan %x, %x, %x : tensor<1x64x4x64xf32>, tensor<1x64x4x64xf32>, tensor<1x64x4x64xf32> -> tensor<1x64x4x64xf32>
  // expected-error @below {{'chunk.sum' op expects sums of f32, bf16 or f16 in a kernel, got 'tensor<1x64x64xf64>'}}
  %s = chunk.sum in(%o [b, t, h, 1] : tensor<1x64x4x64xf32>) out([b, t, 1] : tensor<1x64x64xf64>)
  return %s : tensor<1x64x64xf64>
}
