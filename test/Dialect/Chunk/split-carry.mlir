// If this fails, the gradient of a delta rule needs its carried dS whole in one block, or
// what is handed on for the rest is more than its rounding and dY, or is made twice.
// RUN: deltanet-opt %s --mlir-use-nameloc-as-prefix \
// RUN:   --pass-pipeline="builtin.module(linrec-to-chunk{chunk=16 products=bf16},chunk-differentiate{function=delta of=q,k,v,beta from=o},canonicalize,cse,func.func(chunk-split-carry),canonicalize,cse)" \
// RUN:   | FileCheck %s
// Forward scans stay one: what they yield leaves the columns of the state alone.
// CHECK-LABEL: func.func @delta(
// CHECK-COUNT-1: chunk.scan 16
// CHECK-LABEL: func.func @delta_forward(
// CHECK-COUNT-1: chunk.scan 16
// What chunks began with is kept as products read it.
// CHECK: return {{.*}} : tensor<?x?x4x32xbf16>, tensor<?x?x4x32x32xbf16>

// CHECK-LABEL: func.func @delta_backward(
// CHECK: %[[R:.*]]:4 = chunk.scan 16 reverse
// Neither values nor states are read for what is carried.
// CHECK-NOT: %arg2
// CHECK-NOT: %S
// dv comes out of the update; dS and dY are handed on.
// CHECK: out([b, t, h, 1] : tensor<?x?x4x32xbf16>,
// CHECK-NEXT: [b, c, h, 0, 1] : tensor<?x?x4x16x32xbf16>,
// CHECK-NEXT: [b, c, h, 0, 1] : tensor<?x?x4x32x32xbf16>)
// CHECK: unit_lower_solve {{.*}} transpose
// CHECK: chunk.yield {{.*}} carry
// The rest carries nothing, in no order.
// CHECK: %[[P:.*]]:3 = chunk.scan 16{{$}}
// CHECK-NOT: carry(
// CHECK: %[[R]]#1 [b, c, h, 0, 1]
// CHECK-NEXT: %[[R]]#2 [b, c, h, 0, 1]
// The transposed solve is not repeated.
// CHECK-NOT: unit_lower_solve {{.*}} transpose
// CHECK: return %[[P]]#0, %[[P]]#1, %[[R]]#0, %[[P]]#2
func.func @delta(%q: tensor<?x?x4x32xbf16> {deltanet.name = "q"}, %k: tensor<?x?x4x32xbf16> {deltanet.name = "k"}, %v: tensor<?x?x4x32xbf16> {deltanet.name = "v"}, %beta: tensor<?x?x4xbf16> {deltanet.name = "beta"}) -> (tensor<?x?x4x32xbf16> {deltanet.name = "o"}) {
  %o = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x4xbf16>) : tensor<?x?x4x32xbf16>, tensor<?x?x4x32xbf16>, tensor<?x?x4x32xbf16> -> tensor<?x?x4x32xbf16>
  return %o : tensor<?x?x4x32xbf16>
}

// What binds the columns in the update itself cannot be split off: the scan stays.
// CHECK-LABEL: func.func @squares(
// CHECK-COUNT-1: chunk.scan 16
// CHECK-NOT: chunk.scan
func.func @squares(%x: tensor<?x?x4x32xf32>, %s: tensor<?x4x32x32xf32>) -> tensor<?x4x32x32xf32> {
  %last = chunk.scan 16 carry(%s [n, h, 0, 1] : tensor<?x4x32x32xf32>)
      in(%x [b, t, h, 1] : tensor<?x?x4x32xf32>) final([n, h, 0, 1] : tensor<?x4x32x32xf32>) {
  ^bb0(%S: tensor<32x32xf32>, %n: index, %xt: tensor<16x32xf32>):
    %square = chunk.dot %S, %S : tensor<32x32xf32>, tensor<32x32xf32> -> tensor<32x32xf32>
    %xx = chunk.dot %xt, %xt {transpose_lhs} : tensor<16x32xf32>, tensor<16x32xf32> -> tensor<32x32xf32>
    %next = arith.addf %square, %xx : tensor<32x32xf32>
    chunk.yield carry(%next) carry tensor<32x32xf32>
  }
  return %last : tensor<?x4x32x32xf32>
}
