// If this fails, segments of a sequence do not run side by side, or not from where they
// begin: (10) is not what the scans compute.
// RUN: deltanet-opt %s --split-input-file --verify-diagnostics --chunk-split-segments=segments=4 --canonicalize --cse --mlir-use-nameloc-as-prefix | FileCheck %s

// The delta rule without a decay: S + K^T (V - K S). P has as many columns as the state
// has rows, and neither V nor what is only added.
// CHECK-LABEL: func.func @delta
// CHECK: %[[N:.*]] = chunk.scan 16 segments(4)
// CHECK: in(%[[K:.*]] [b, t, h, 1] : tensor<2x?x4x8xf32>,
// CHECK: %[[V:.*]] [b, t, h, 1] : tensor<2x?x4x32xf32>)
// CHECK: final([n, s, h, 0, 1] : tensor<2x4x4x8x32xf32>)
// CHECK: %[[I:.*]] = chunk.identity : tensor<8x8xf32>
// CHECK: %[[P:.*]] = chunk.scan 16 segments(4)
// CHECK: carry(%[[I]] [0, 1] : tensor<8x8xf32>)
// CHECK-NEXT: in(%[[K]] [b, t, h, 1] : tensor<2x?x4x8xf32>)
// CHECK-NEXT: final([n, s, h, 0, 1] : tensor<2x4x4x8x8xf32>)
// CHECK: %[[KS:.*]] = chunk.dot %{{.*}}, %{{.*}} : tensor<16x8xf32>, tensor<8x8xf32> -> tensor<16x8xf32>
// CHECK: %[[X:.*]] = arith.negf %[[KS]]
// CHECK: chunk.dot %{{.*}}, %[[X]] {transpose_lhs} : tensor<16x8xf32>, tensor<16x8xf32> -> tensor<8x8xf32>
// CHECK: %[[STARTS:.*]]:2 = chunk.scan 1
// CHECK: carry(%[[S0:.*]] [n, h, 0, 1] : tensor<2x4x8x32xf32>)
// CHECK: in(%[[N]] [n, c, h, 0, 1] : tensor<2x4x4x8x32xf32>,
// CHECK: %[[P]] [n, c, h, 0, 1] : tensor<2x4x4x8x8xf32>)
// CHECK: out([n, c, h, 0, 1] : tensor<2x4x4x8x32xf32>)
// CHECK: final([n, h, 0, 1] : tensor<2x4x8x32xf32>)
// CHECK: %[[PS:.*]] = chunk.dot %{{.*}}, %[[S:.*]] : tensor<8x8xf32>, tensor<8x32xf32> -> tensor<8x32xf32>
// CHECK: %[[NEXT:.*]] = arith.addf %[[PS]], %{{.*}}
// CHECK: chunk.yield %[[S]] carry(%[[NEXT]])
// CHECK: %[[O:.*]]:2 = chunk.scan 16 segments(4)
// CHECK: carry(%[[STARTS]]#0 [n, s, h, 0, 1] : tensor<2x4x4x8x32xf32>)
// CHECK: return %[[O]]#0, %[[STARTS]]#1
func.func @delta(%q: tensor<2x?x4x8xf32>, %k: tensor<2x?x4x8xf32>, %v: tensor<2x?x4x32xf32>, %s: tensor<2x4x8x32xf32>) -> (tensor<2x?x4x32xf32>, tensor<2x4x8x32xf32>) {
  %o, %end = chunk.scan 16 carry(%s [n, h, 0, 1] : tensor<2x4x8x32xf32>)
      in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>, %k [b, t, h, 1] : tensor<2x?x4x8xf32>, %v [b, t, h, 1] : tensor<2x?x4x32xf32>)
      out([b, t, h, 1] : tensor<2x?x4x32xf32>) final([n, h, 0, 1] : tensor<2x4x8x32xf32>) {
  ^bb0(%S: tensor<8x32xf32>, %n: index, %qt: tensor<16x8xf32>, %kt: tensor<16x8xf32>, %vt: tensor<16x32xf32>):
    %kS = chunk.dot %kt, %S : tensor<16x8xf32>, tensor<8x32xf32> -> tensor<16x32xf32>
    %X = arith.subf %vt, %kS : tensor<16x32xf32>
    %kX = chunk.dot %kt, %X {transpose_lhs} : tensor<16x8xf32>, tensor<16x32xf32> -> tensor<8x32xf32>
    %S1 = arith.addf %S, %kX : tensor<8x32xf32>
    %O = chunk.dot %qt, %S : tensor<16x8xf32>, tensor<8x32xf32> -> tensor<16x32xf32>
    chunk.yield %O carry(%S1) : tensor<16x32xf32> carry tensor<8x32xf32>
  }
  return %o, %end : tensor<2x?x4x32xf32>, tensor<2x4x8x32xf32>
}

// -----

// What only adds to the state multiplies it by one: no P. States in a pool are read and
// written where segments are joined, and packed sequences are counted there.
// CHECK-LABEL: func.func @additive
// CHECK: %[[N:.*]] = chunk.scan 16 sequences(%{{.*}} : tensor<?xi32>) segments(4)
// CHECK: final([n, s, h, 0, 1] : tensor<?x4x4x8x32xf32>)
// CHECK-NOT: chunk.identity
// CHECK: chunk.scan 1 indices(%{{.*}} : tensor<?xi32>)
// CHECK: carry(%{{.*}} [p, h, 0, 1] : tensor<?x4x8x32xf32>)
// CHECK-NEXT: in(%[[N]] [n, c, h, 0, 1] : tensor<?x4x4x8x32xf32>)
// CHECK: final([p, h, 0, 1] : tensor<?x4x8x32xf32>)
// CHECK: chunk.scan 16 sequences(%{{.*}} : tensor<?xi32>) segments(4)
func.func @additive(%k: tensor<1x?x4x8xf32>, %v: tensor<1x?x4x32xf32>, %pool: tensor<?x4x8x32xf32>, %at: tensor<?xi32>, %list: tensor<?xi32>) -> (tensor<1x?x4x32xf32>, tensor<?x4x8x32xf32>) {
  %o, %end = chunk.scan 16 sequences(%list : tensor<?xi32>) indices(%at : tensor<?xi32>) carry(%pool [p, h, 0, 1] : tensor<?x4x8x32xf32>)
      in(%k [b, t, h, 1] : tensor<1x?x4x8xf32>, %v [b, t, h, 1] : tensor<1x?x4x32xf32>)
      out([b, t, h, 1] : tensor<1x?x4x32xf32>) final([p, h, 0, 1] : tensor<?x4x8x32xf32>) {
  ^bb0(%S: tensor<8x32xf32>, %n: index, %kt: tensor<16x8xf32>, %vt: tensor<16x32xf32>):
    %kv = chunk.dot %kt, %vt {transpose_lhs} : tensor<16x8xf32>, tensor<16x32xf32> -> tensor<8x32xf32>
    %S1 = arith.addf %S, %kv : tensor<8x32xf32>
    %O = chunk.dot %kt, %S : tensor<16x8xf32>, tensor<8x32xf32> -> tensor<16x32xf32>
    chunk.yield %O carry(%S1) : tensor<16x32xf32> carry tensor<8x32xf32>
  }
  return %o, %end : tensor<1x?x4x32xf32>, tensor<?x4x8x32xf32>
}

// -----

// A body that multiplies the state element by element has a diagonal P: it begins with
// ones, has the columns of the state, and segments are joined without a product.
// CHECK-LABEL: func.func @diagonal
// CHECK-NOT: chunk.identity
// CHECK: %[[ONE:.*]] = arith.constant dense<1.000000e+00> : tensor<8x32xf32>
// CHECK: %[[N:.*]] = chunk.scan 16 segments(4)
// CHECK: %[[P:.*]] = chunk.scan 16 segments(4)
// CHECK: carry(%[[ONE]] [0, 1] : tensor<8x32xf32>)
// CHECK-NEXT: in(%{{.*}} [b, t, h, 1] : tensor<2x?x4x8xf32>)
// CHECK-NEXT: final([n, s, h, 0, 1] : tensor<2x4x4x8x32xf32>)
// CHECK: chunk.scan 1
// CHECK: in(%[[N]] [n, c, h, 0, 1] : tensor<2x4x4x8x32xf32>,
// CHECK: %[[P]] [n, c, h, 0, 1] : tensor<2x4x4x8x32xf32>)
// CHECK-NOT: chunk.dot
// CHECK: %[[PS:.*]] = arith.mulf %[[PT:.*]], %[[S:.*]] : tensor<8x32xf32>
// CHECK: arith.addf %[[PS]], %{{.*}}
func.func @diagonal(%k: tensor<2x?x4x8xf32>, %v: tensor<2x?x4x32xf32>, %g: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x32xf32>) -> tensor<2x4x8x32xf32> {
  %end = chunk.scan 16 carry(%s [n, h, 0, 1] : tensor<2x4x8x32xf32>)
      in(%k [b, t, h, 1] : tensor<2x?x4x8xf32>, %v [b, t, h, 1] : tensor<2x?x4x32xf32>, %g [b, t, h, 1] : tensor<2x?x4x8xf32>)
      final([n, h, 0, 1] : tensor<2x4x8x32xf32>) {
  ^bb0(%S: tensor<8x32xf32>, %n: index, %kt: tensor<16x8xf32>, %vt: tensor<16x32xf32>, %gt: tensor<16x8xf32>):
    %sum = chunk.reduce add %gt [0] : tensor<16x8xf32> -> tensor<8xf32>
    %factor = math.exp %sum : tensor<8xf32>
    %all = chunk.broadcast %factor [1] : tensor<8xf32> -> tensor<8x32xf32>
    %decayed = arith.mulf %S, %all : tensor<8x32xf32>
    %kv = chunk.dot %kt, %vt {transpose_lhs} : tensor<16x8xf32>, tensor<16x32xf32> -> tensor<8x32xf32>
    %S1 = arith.addf %decayed, %kv : tensor<8x32xf32>
    chunk.yield carry(%S1) carry tensor<8x32xf32>
  }
  return %end : tensor<2x4x8x32xf32>
}

// -----

// The carry of products is rounded before them: so is P where it is kept.
// CHECK-LABEL: func.func @rounded
// CHECK: final([n, s, h, 0, 1] : tensor<2x4x4x8x8xbf16>)
// CHECK: arith.truncf %{{.*}} : tensor<8x32xf32> to tensor<8x32xbf16>
// CHECK-NEXT: chunk.dot %{{.*}} : tensor<8x8xbf16>, tensor<8x32xbf16> -> tensor<8x32xf32>
func.func @rounded(%k: tensor<2x?x4x8xbf16>, %s: tensor<2x4x8x32xf32>) -> tensor<2x4x8x32xf32> {
  %end = chunk.scan 16 carry(%s [n, h, 0, 1] : tensor<2x4x8x32xf32>)
      in(%k [b, t, h, 1] : tensor<2x?x4x8xbf16>) final([n, h, 0, 1] : tensor<2x4x8x32xf32>) {
  ^bb0(%S: tensor<8x32xf32>, %n: index, %kt: tensor<16x8xbf16>):
    %r = arith.truncf %S : tensor<8x32xf32> to tensor<8x32xbf16>
    %kS = chunk.dot %kt, %r : tensor<16x8xbf16>, tensor<8x32xbf16> -> tensor<16x32xf32>
    %X = arith.truncf %kS : tensor<16x32xf32> to tensor<16x32xbf16>
    %kX = chunk.dot %kt, %X {transpose_lhs} : tensor<16x8xbf16>, tensor<16x32xbf16> -> tensor<8x32xf32>
    %S1 = arith.subf %S, %kX : tensor<8x32xf32>
    chunk.yield carry(%S1) carry tensor<8x32xf32>
  }
  return %end : tensor<2x4x8x32xf32>
}

// -----

func.func @not_affine(%k: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x32xf32>) -> tensor<2x4x8x32xf32> {
  %end = chunk.scan 16 carry(%s [n, h, 0, 1] : tensor<2x4x8x32xf32>)
      in(%k [b, t, h, 1] : tensor<2x?x4x8xf32>) final([n, h, 0, 1] : tensor<2x4x8x32xf32>) {
  ^bb0(%S: tensor<8x32xf32>, %n: index, %kt: tensor<16x8xf32>):
    // expected-error@+1 {{expects the next state to be affine in the state, to cut sequences into segments, got 'math.tanh' of it}}
    %S1 = math.tanh %S : tensor<8x32xf32>
    chunk.yield carry(%S1) carry tensor<8x32xf32>
  }
  return %end : tensor<2x4x8x32xf32>
}

// -----

func.func @own_columns(%k: tensor<2x?x4x8xf32>, %g: tensor<2x4x32xf32>, %s: tensor<2x4x8x32xf32>) -> tensor<2x4x8x32xf32> {
  %end = chunk.scan 16 carry(%s [n, h, 0, 1] : tensor<2x4x8x32xf32>)
      in(%k [b, t, h, 1] : tensor<2x?x4x8xf32>, %g [n, h, 0] : tensor<2x4x32xf32>) final([n, h, 0, 1] : tensor<2x4x8x32xf32>) {
  ^bb0(%S: tensor<8x32xf32>, %n: index, %kt: tensor<16x8xf32>, %gt: tensor<32xf32>):
    // expected-note@+1 {{this factor has columns of its own}}
    %all = chunk.broadcast %gt [0] : tensor<32xf32> -> tensor<8x32xf32>
    // expected-error@+1 {{expects the state multiplied alike in every column, to cut sequences into segments}}
    %S1 = arith.mulf %S, %all : tensor<8x32xf32>
    chunk.yield carry(%S1) carry tensor<8x32xf32>
  }
  return %end : tensor<2x4x8x32xf32>
}

// -----

func.func @two_carries(%k: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x32xf32>) -> tensor<2x4x8x32xf32> {
  // expected-error@+1 {{expects one carried matrix to cut sequences into segments, got 2 carries of rank 2}}
  %end:2 = chunk.scan 16 carry(%s [n, h, 0, 1] : tensor<2x4x8x32xf32>, %s [n, h, 0, 1] : tensor<2x4x8x32xf32>)
      in(%k [b, t, h, 1] : tensor<2x?x4x8xf32>) final([n, h, 0, 1] : tensor<2x4x8x32xf32>, [n, h, 0, 1] : tensor<2x4x8x32xf32>) {
  ^bb0(%S: tensor<8x32xf32>, %R: tensor<8x32xf32>, %n: index, %kt: tensor<16x8xf32>):
    chunk.yield carry(%R, %S) carry tensor<8x32xf32>, tensor<8x32xf32>
  }
  return %end#0 : tensor<2x4x8x32xf32>
}
