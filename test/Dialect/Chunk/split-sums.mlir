// If this fails, the gradient of a parameter makes chunks wait for each other, is summed over
// the wrong loops, or what has to be carried is carried no more.
// RUN: deltanet-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(chunk-split-sums))" | FileCheck %s

// A number a head, a vector for all heads: outputs by chunks, and two sums of each, over
// chunks and over what else the parameter lacks.
// CHECK-LABEL: func.func @parameters
// CHECK: %[[R:.*]]:3 = chunk.scan 16{{$}}
// CHECK-NOT: carry(
// CHECK: out([b, t, h, 1] : tensor<?x?x4x8xf32>,
// CHECK-NEXT: [b, c, h] : tensor<?x?x4xf32>,
// CHECK-NEXT: [b, c, h, 0] : tensor<?x?x4x8xf32>) {
// CHECK: %[[SUM:.*]] = chunk.reduce add %{{.*}} [0, 1]
// CHECK: %[[ROW:.*]] = chunk.reduce add %{{.*}} [0]
// CHECK-NEXT: chunk.yield %{{.*}}, %[[SUM]], %[[ROW]]
// CHECK: %[[A:.*]] = chunk.sum in(%[[R]]#1 [b, c, h] : tensor<?x?x4xf32>) out([b, h] : tensor<?x4xf32>)
// CHECK: %[[DA:.*]] = chunk.sum in(%[[A]] [b, h] : tensor<?x4xf32>) out([h] : tensor<4xf32>)
// CHECK: %[[W:.*]] = chunk.sum in(%[[R]]#2 [b, c, h, 0] : tensor<?x?x4x8xf32>) out([b, h, 0] : tensor<?x4x8xf32>)
// CHECK: %[[DW:.*]] = chunk.sum in(%[[W]] [b, h, 0] : tensor<?x4x8xf32>) out([0] : tensor<8xbf16>)
// CHECK: return %[[R]]#0, %[[DA]], %[[DW]]
func.func @parameters(%x: tensor<?x?x4x8xf32>) -> (tensor<?x?x4x8xf32>, tensor<4xf32>, tensor<8xbf16>) {
  %zero = arith.constant dense<0.0> : tensor<f32>
  %zeros = arith.constant dense<0.0> : tensor<8xf32>
  %o, %a, %w = chunk.scan 16 reverse carry(%zero [] : tensor<f32>, %zeros [0] : tensor<8xf32>)
      in(%x [b, t, h, 1] : tensor<?x?x4x8xf32>) out([b, t, h, 1] : tensor<?x?x4x8xf32>)
      final([n, h] : tensor<?x4xf32>, [n, h, 0] : tensor<?x4x8xf32>) {
  ^bb0(%sa: tensor<f32>, %sw: tensor<8xf32>, %n: index, %xt: tensor<16x8xf32>):
    %all = chunk.reduce add %xt [0, 1] : tensor<16x8xf32> -> tensor<f32>
    %na = arith.addf %sa, %all : tensor<f32>
    %rows = chunk.reduce add %xt [0] : tensor<16x8xf32> -> tensor<8xf32>
    %nw = arith.addf %rows, %sw : tensor<8xf32>
    chunk.yield %xt carry(%na, %nw) : tensor<16x8xf32> carry tensor<f32>, tensor<8xf32>
  }
  %da = chunk.sum in(%a [n, h] : tensor<?x4xf32>) out([h] : tensor<4xf32>)
  %dw = chunk.sum in(%w [n, h, 0] : tensor<?x4x8xf32>) out([0] : tensor<8xbf16>)
  return %o, %da, %dw : tensor<?x?x4x8xf32>, tensor<4xf32>, tensor<8xbf16>
}

// -----
// Chunks of packed sequences are one list: a sum over it is one over sequences.
// CHECK-LABEL: func.func @packed
// CHECK: out([b, c, h] : tensor<1x?x4xf32>) {
// CHECK: %[[DA:.*]] = chunk.sum in(%{{.*}} [b, c, h] : tensor<1x?x4xf32>) out([h] : tensor<4xf32>)
// CHECK-NEXT: return %[[DA]]
func.func @packed(%x: tensor<1x?x4x8xf32>, %cu: tensor<?xi32>) -> tensor<4xf32> {
  %zero = arith.constant dense<0.0> : tensor<f32>
  %a = chunk.scan 16 sequences(%cu : tensor<?xi32>) carry(%zero [] : tensor<f32>)
      in(%x [b, t, h, 1] : tensor<1x?x4x8xf32>) final([n, h] : tensor<?x4xf32>) {
  ^bb0(%sa: tensor<f32>, %n: index, %xt: tensor<16x8xf32>):
    %all = chunk.reduce add %xt [0, 1] : tensor<16x8xf32> -> tensor<f32>
    %na = arith.addf %sa, %all : tensor<f32>
    chunk.yield carry(%na) carry tensor<f32>
  }
  %da = chunk.sum in(%a [n, h] : tensor<?x4xf32>) out([h] : tensor<4xf32>)
  return %da : tensor<4xf32>
}

// -----
// What is read before the end is carried, and so is what ends as it is, a matrix, and what
// begins with something.
// CHECK-LABEL: func.func @carried
// CHECK: carry(
// CHECK-SAME: tensor<8xf32>,
// CHECK-NEXT: tensor<8xf32>,
// CHECK-NEXT: tensor<8x8xf32>,
// CHECK-NEXT: tensor<8xf32>)
// CHECK: out([b, t, h, 1] : tensor<2x?x4x8xf32>)
func.func @carried(%x: tensor<2x?x4x8xf32>) -> (tensor<2x?x4x8xf32>, tensor<8xf32>, tensor<2x4x8xf32>, tensor<8x8xf32>, tensor<8xf32>) {
  %zeros = arith.constant dense<0.0> : tensor<8xf32>
  %ones = arith.constant dense<1.0> : tensor<8xf32>
  %none = arith.constant dense<0.0> : tensor<8x8xf32>
  %o, %a, %f, %m, %i = chunk.scan 16 carry(%zeros [0] : tensor<8xf32>, %zeros [0] : tensor<8xf32>, %none [0, 1] : tensor<8x8xf32>, %ones [0] : tensor<8xf32>)
      in(%x [b, t, h, 1] : tensor<2x?x4x8xf32>) out([b, t, h, 1] : tensor<2x?x4x8xf32>)
      final([n, h, 0] : tensor<2x4x8xf32>, [n, h, 0] : tensor<2x4x8xf32>, [n, h, 0, 1] : tensor<2x4x8x8xf32>, [n, h, 0] : tensor<2x4x8xf32>) {
  ^bb0(%read: tensor<8xf32>, %final: tensor<8xf32>, %matrix: tensor<8x8xf32>, %begun: tensor<8xf32>, %n: index, %xt: tensor<16x8xf32>):
    %rows = chunk.reduce add %xt [0] : tensor<16x8xf32> -> tensor<8xf32>
    %p = chunk.dot %xt, %xt {transpose_lhs} : tensor<16x8xf32>, tensor<16x8xf32> -> tensor<8x8xf32>
    %b = chunk.broadcast %read [0] : tensor<8xf32> -> tensor<16x8xf32>
    %y = arith.addf %xt, %b : tensor<16x8xf32>
    %n0 = arith.addf %read, %rows : tensor<8xf32>
    %n1 = arith.addf %final, %rows : tensor<8xf32>
    %n2 = arith.addf %matrix, %p : tensor<8x8xf32>
    %n3 = arith.addf %begun, %rows : tensor<8xf32>
    chunk.yield %y carry(%n0, %n1, %n2, %n3) : tensor<16x8xf32> carry tensor<8xf32>, tensor<8xf32>, tensor<8x8xf32>, tensor<8xf32>
  }
  %s0 = chunk.sum in(%a [n, h, 0] : tensor<2x4x8xf32>) out([0] : tensor<8xf32>)
  %s2 = chunk.sum in(%m [n, h, 0, 1] : tensor<2x4x8x8xf32>) out([0, 1] : tensor<8x8xf32>)
  %s3 = chunk.sum in(%i [n, h, 0] : tensor<2x4x8xf32>) out([0] : tensor<8xf32>)
  return %o, %s0, %f, %s2, %s3 : tensor<2x?x4x8xf32>, tensor<8xf32>, tensor<2x4x8xf32>, tensor<8x8xf32>, tensor<8xf32>
}
