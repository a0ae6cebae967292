// If this fails, the code is not what the target's facts ask for: a processor without
// fused multiply-add would call the C library for every element of a product.
// RUN: deltanet-opt %s --convert-chunk-to-cpu --split-input-file | FileCheck %s

// CHECK-LABEL: func.func private @old_scan0(
// CHECK-NOT:     vector.fma
// CHECK:         %[[P:.*]] = arith.mulf %{{.*}} : vector<4xf32>
// CHECK-NEXT:    arith.addf %[[P]], %{{.*}} : vector<4xf32>
module attributes {kernel.target = #kernel.target<"x86-64", cpu, triple = "x86_64-unknown-linux-gnu",
    chip = "x86-64", vector_bits = 128, vector_registers = 16>} {
  func.func @old(%q: tensor<?x?x?x32xf32>) -> tensor<?x?x?x32xf32> {
    %r = chunk.scan 32 in(%q [b, t, h, 1] : tensor<?x?x?x32xf32>)
        out([b, t, h, 1] : tensor<?x?x?x32xf32>) {
    ^bb0(%n: index, %a: tensor<32x32xf32>):
      %o = chunk.dot %a, %a : tensor<32x32xf32>, tensor<32x32xf32> -> tensor<32x32xf32>
      chunk.yield %o : tensor<32x32xf32>
    }
    return %r : tensor<?x?x?x32xf32>
  }
}

// -----

// 8 rows times 2 vectors: 32 registers, of however many bits, have room for them.
// CHECK-LABEL: func.func private @arm_scan0(
// CHECK:         scf.for %{{.*}} step %{{.*}} iter_args(
// CHECK-COUNT-16: vector.fma {{.*}} : vector<4xf32>
module attributes {kernel.target = #kernel.target<"arm", cpu, triple = "aarch64-unknown-linux-gnu",
    chip = "neoverse-n1", vector_bits = 128, vector_registers = 32, fma = true>} {
  func.func @arm(%q: tensor<?x?x?x32xf32>) -> tensor<?x?x?x32xf32> {
    %r = chunk.scan 32 in(%q [b, t, h, 1] : tensor<?x?x?x32xf32>)
        out([b, t, h, 1] : tensor<?x?x?x32xf32>) {
    ^bb0(%n: index, %a: tensor<32x32xf32>):
      %o = chunk.dot %a, %a : tensor<32x32xf32>, tensor<32x32xf32> -> tensor<32x32xf32>
      chunk.yield %o : tensor<32x32xf32>
    }
    return %r : tensor<?x?x?x32xf32>
  }
}
