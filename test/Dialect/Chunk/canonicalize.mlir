// If this fails, a scan keeps reading what its body does not use, or writing
// what nobody reads, or a rewrite drops what says how many tokens there are.
// RUN: deltanet-opt %s --canonicalize | FileCheck %s

// The unread input and the unused output go, with its part of the yield.
// CHECK-LABEL: func.func @unused
// CHECK: %[[R:.*]]:2 = chunk.scan 16
// CHECK-NEXT: carry(%{{.*}} [n, h, 0, 1] : tensor<2x4x8x8xf32>)
// CHECK-NEXT: in(%arg0 [b, t, h, 1] : tensor<2x?x4x8xf32>)
// CHECK-NEXT: out([b, t, h, 1] : tensor<2x?x4x8xf32>)
// CHECK-NEXT: final([n, h, 0, 1] : tensor<2x4x8x8xf32>) {
// CHECK-NEXT: ^bb0(%[[S:.*]]: tensor<8x8xf32>, %{{.*}}: index, %[[Q:.*]]: tensor<16x8xf32>):
// CHECK-NEXT: chunk.yield %[[Q]] carry(%[[S]]) : tensor<16x8xf32> carry tensor<8x8xf32>
// CHECK: return %[[R]]#0, %[[R]]#1
func.func @unused(%q: tensor<2x?x4x8xf32>, %k: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>)
    -> (tensor<2x?x4x8xf32>, tensor<2x4x8x8xf32>) {
  %o, %p, %sn = chunk.scan 16 carry(%s [n, h, 0, 1] : tensor<2x4x8x8xf32>)
      in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>, %k [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>, [b, t, h, 1] : tensor<2x?x4x8xf32>)
      final([n, h, 0, 1] : tensor<2x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %qt: tensor<16x8xf32>, %kt: tensor<16x8xf32>):
    %e = math.exp %qt : tensor<16x8xf32>
    chunk.yield %qt, %e carry(%S) : tensor<16x8xf32>, tensor<16x8xf32> carry tensor<8x8xf32>
  }
  return %o, %sn : tensor<2x?x4x8xf32>, tensor<2x4x8x8xf32>
}

// The last input walked by tokens stays although nothing reads it: it says how
// many tokens there are.
// CHECK-LABEL: func.func @last
// CHECK: in(%arg{{[01]}} [b, t, h, 1] : tensor<2x?x4x8xf32>)
// CHECK-NOT: in(
func.func @last(%q: tensor<2x?x4x8xf32>, %k: tensor<2x?x4x8xf32>) -> tensor<2x?x4x8xf32> {
  %o = chunk.scan 16
      in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>, %k [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>, %kt: tensor<16x8xf32>):
    %c = arith.constant dense<1.0> : tensor<16x8xf32>
    chunk.yield %c : tensor<16x8xf32>
  }
  return %o : tensor<2x?x4x8xf32>
}

// One tensor by heads and by groups: there are as many, so all groups are heads. By one
// of the two alone, groups stay.
// CHECK-LABEL: func.func @ungroup
// CHECK: in(%arg0 [b, t, h, 1] : tensor<?x?x?x8xf32>
// CHECK-NEXT: %arg1 [b, t, h, 1] : tensor<?x?x?x8xf32>
// CHECK-NOT: g, 1
func.func @ungroup(%q: tensor<?x?x?x8xf32>, %f: tensor<?x?x?x8xf32>) -> tensor<?x?x?x8xf32> {
  %o = chunk.scan 16
      in(%q [b, t, g, 1] : tensor<?x?x?x8xf32>, %f [b, t, g, 1] : tensor<?x?x?x8xf32>,
         %f [b, t, h, 1] : tensor<?x?x?x8xf32>)
      out([b, t, h, 1] : tensor<?x?x?x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>, %kt: tensor<16x8xf32>, %ft: tensor<16x8xf32>):
    %a = arith.mulf %qt, %kt : tensor<16x8xf32>
    %b = arith.addf %a, %ft : tensor<16x8xf32>
    chunk.yield %b : tensor<16x8xf32>
  }
  return %o : tensor<?x?x?x8xf32>
}

// CHECK-LABEL: func.func @groups
// CHECK: in(%arg0 [b, t, g, 1] : tensor<?x?x?x8xf32>
func.func @groups(%q: tensor<?x?x?x8xf32>, %v: tensor<?x?x?x8xf32>) -> tensor<?x?x?x8xf32> {
  %o = chunk.scan 16
      in(%q [b, t, g, 1] : tensor<?x?x?x8xf32>, %v [b, t, h, 1] : tensor<?x?x?x8xf32>)
      out([b, t, h, 1] : tensor<?x?x?x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>, %vt: tensor<16x8xf32>):
    %a = arith.mulf %qt, %vt : tensor<16x8xf32>
    chunk.yield %a : tensor<16x8xf32>
  }
  return %o : tensor<?x?x?x8xf32>
}

// A broadcast along nothing is its input, of a constant a constant.
// CHECK-LABEL: func.func @broadcast
// CHECK-SAME: %[[X:.*]]: tensor<8xf32>
// CHECK: %[[C:.*]] = arith.constant dense<2.000000e+00> : tensor<8x4xf32>
// CHECK-NOT: chunk.broadcast
// CHECK: return %[[X]], %[[C]]
func.func @broadcast(%x: tensor<8xf32>) -> (tensor<8xf32>, tensor<8x4xf32>) {
  %a = chunk.broadcast %x [] : tensor<8xf32> -> tensor<8xf32>
  %c = arith.constant dense<2.0> : tensor<8xf32>
  %b = chunk.broadcast %c [1] : tensor<8xf32> -> tensor<8x4xf32>
  return %a, %b : tensor<8xf32>, tensor<8x4xf32>
}

// -----

// One tensor as key and as value: what contracts its channels and what has the columns of
// the state stay two inputs, query and key become one.
// CHECK-LABEL: func.func @key_is_value
// CHECK: in(%[[X:.*]] [b, t, h, 1] : tensor<2x?x4x8xf32>,
// CHECK-NEXT: %[[X]] [b, t, h, 1] : tensor<2x?x4x8xf32>)
func.func @key_is_value(%x: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) -> tensor<2x?x4x8xf32> {
  %o, %end = chunk.scan 16 carry(%s [n, h, 0, 1] : tensor<2x4x8x8xf32>)
      in(%x [b, t, h, 1] : tensor<2x?x4x8xf32>, %x [b, t, h, 1] : tensor<2x?x4x8xf32>, %x [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) final([n, h, 0, 1] : tensor<2x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %q: tensor<16x8xf32>, %k: tensor<16x8xf32>, %v: tensor<16x8xf32>):
    %kv = chunk.dot %k, %v {transpose_lhs} : tensor<16x8xf32>, tensor<16x8xf32> -> tensor<8x8xf32>
    %S1 = arith.addf %S, %kv : tensor<8x8xf32>
    %O = chunk.dot %q, %S : tensor<16x8xf32>, tensor<8x8xf32> -> tensor<16x8xf32>
    chunk.yield %O carry(%S1) : tensor<16x8xf32> carry tensor<8x8xf32>
  }
  return %o : tensor<2x?x4x8xf32>
}

// A product reads what is transposed as it is.
// CHECK-LABEL: func.func @transposes
// CHECK-SAME: %[[X:.*]]: tensor<8x4xf32>, %[[Y:.*]]: tensor<8x6xf32>
// CHECK-NEXT: %[[R:.*]] = chunk.dot %[[X]], %[[Y]] {transpose_lhs}
// CHECK-NEXT: %[[S:.*]] = chunk.dot %[[Y]], %[[X]] {transpose_lhs}
// CHECK-NEXT: return %[[R]], %[[S]]
func.func @transposes(%x: tensor<8x4xf32>, %y: tensor<8x6xf32>)
    -> (tensor<4x6xf32>, tensor<6x4xf32>) {
  %xt = chunk.transpose %x : tensor<8x4xf32> -> tensor<4x8xf32>
  %r = chunk.dot %xt, %y : tensor<4x8xf32>, tensor<8x6xf32> -> tensor<4x6xf32>
  %yt = chunk.transpose %y : tensor<8x6xf32> -> tensor<6x8xf32>
  %s = chunk.dot %yt, %xt {transpose_rhs} : tensor<6x8xf32>, tensor<4x8xf32> -> tensor<6x4xf32>
  return %r, %s : tensor<4x6xf32>, tensor<6x4xf32>
}

// The gradient of a sum's last row is that row everywhere; another row stays.
// CHECK-LABEL: func.func @last_row
// CHECK-SAME: %[[X:.*]]: tensor<8x4xf64>, %[[ROW:.*]]: tensor<4xf64>
// CHECK: %[[ALL:.*]] = chunk.broadcast %[[ROW]] [0]
// CHECK: %[[SUM:.*]] = chunk.cumsum %[[X]] reverse
// CHECK: %[[R:.*]] = arith.addf %[[SUM]], %[[ALL]]
// CHECK: %[[PLACED:.*]] = chunk.place_row %[[ROW]][6]
// CHECK: %[[S:.*]] = chunk.cumsum %[[PLACED]] reverse
// CHECK: return %[[R]], %[[S]]
func.func @last_row(%x: tensor<8x4xf64>, %row: tensor<4xf64>)
    -> (tensor<8x4xf64>, tensor<8x4xf64>) {
  %last = chunk.place_row %row [7] : tensor<4xf64> -> tensor<8x4xf64>
  %sum = arith.addf %x, %last : tensor<8x4xf64>
  %r = chunk.cumsum %sum reverse : tensor<8x4xf64> -> tensor<8x4xf64>
  %other = chunk.place_row %row [6] : tensor<4xf64> -> tensor<8x4xf64>
  %s = chunk.cumsum %other reverse : tensor<8x4xf64> -> tensor<8x4xf64>
  return %r, %s : tensor<8x4xf64>, tensor<8x4xf64>
}
