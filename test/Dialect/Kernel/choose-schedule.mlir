// Breaks if a decision that the user or the function states is overruled, or the
// rule for the token loop or the types of gates changes unnoticed.
// RUN: deltanet-opt %s --kernel-choose-schedule | FileCheck %s
// RUN: deltanet-opt %s --kernel-choose-schedule='chunk=48 products=bf16' | FileCheck %s --check-prefix=SAID
// RUN: deltanet-opt %s --kernel-choose-schedule='token-loop gates=f32' | FileCheck %s --check-prefix=LOOP
// RUN: not deltanet-opt %s --kernel-choose-schedule=products=i8 2>&1 | FileCheck %s --check-prefix=PRODUCTS
// RUN: not deltanet-opt %s --kernel-choose-schedule=gates=bf16 2>&1 | FileCheck %s --check-prefix=GATES
// RUN: not deltanet-opt %s --kernel-choose-schedule=chunk=-1 2>&1 | FileCheck %s --check-prefix=CHUNK
// RUN: not deltanet-opt %s --kernel-choose-schedule='token-loop chunk=32' 2>&1 | FileCheck %s --check-prefix=BOTH

// PRODUCTS: choose-schedule.mlir:{{[0-9]+}}:1: error: expects products of f32, bf16 or f16, got 'i8'
// GATES: error: expects gates of f32 or f64, got 'bf16'
// CHUNK: error: expects chunks of at least 1 token, got -1
// BOTH: error: expects token-loop or chunk, not both, got chunk = 32

module attributes {kernel.target = #kernel.target<"x", cpu, vector_bits = 256>} {
// CHECK-LABEL: @long({{.*}}kernel.schedule = #kernel.schedule<chunk = 16, products = f32, gates = f64, vector_bits = 256>
// SAID-LABEL: @long({{.*}}kernel.schedule = #kernel.schedule<chunk = 48, products = bf16, gates = f32, vector_bits = 256>
// LOOP-LABEL: @long({{.*}}kernel.schedule = #kernel.schedule<token_loop = true, chunk = 1, products = f32, gates = f32, vector_bits = 256>
func.func @long(%q: tensor<1x?x4x64xf32>, %v: tensor<1x?x4x32xf32>) -> tensor<1x?x4x32xf32> {
  %o = linrec.scan %q, %q, %v
    : tensor<1x?x4x64xf32>, tensor<1x?x4x64xf32>, tensor<1x?x4x32xf32> -> tensor<1x?x4x32xf32>
  return %o : tensor<1x?x4x32xf32>
}
// CHECK-LABEL: @two({{.*}}#kernel.schedule<token_loop = true, chunk = 1, products = f32
// SAID-LABEL: @two({{.*}}#kernel.schedule<chunk = 48, products = bf16
func.func @two(%q: tensor<?x2x4x64xf32>, %v: tensor<?x2x4x32xf32>) -> tensor<?x2x4x32xf32> {
  %o = linrec.scan %q, %q, %v
    : tensor<?x2x4x64xf32>, tensor<?x2x4x64xf32>, tensor<?x2x4x32xf32> -> tensor<?x2x4x32xf32>
  return %o : tensor<?x2x4x32xf32>
}
// CHECK-LABEL: @three({{.*}}#kernel.schedule<chunk = 16
func.func @three(%q: tensor<?x3x4x64xf32>, %v: tensor<?x3x4x32xf32>) -> tensor<?x3x4x32xf32> {
  %o = linrec.scan %q, %q, %v
    : tensor<?x3x4x64xf32>, tensor<?x3x4x64xf32>, tensor<?x3x4x32xf32> -> tensor<?x3x4x32xf32>
  return %o : tensor<?x3x4x32xf32>
}
// CHECK-LABEL: @stated({{.*}}#kernel.schedule<chunk = 128, products = f16, gates = f32, vector_bits = 128>
// SAID-LABEL: @stated({{.*}}#kernel.schedule<chunk = 48, products = bf16, gates = f32, vector_bits = 128>
func.func @stated(%q: tensor<?x2x4x64xf32>, %v: tensor<?x2x4x32xf32>) -> tensor<?x2x4x32xf32>
    attributes {kernel.schedule = #kernel.schedule<chunk = 128, products = f16, vector_bits = 128>} {
  %o = linrec.scan %q, %q, %v
    : tensor<?x2x4x64xf32>, tensor<?x2x4x64xf32>, tensor<?x2x4x32xf32> -> tensor<?x2x4x32xf32>
  return %o : tensor<?x2x4x32xf32>
}
// Channels with rates of their own have no other form than the token loop.
// CHECK-LABEL: @selective({{.*}}#kernel.schedule<token_loop = true, chunk = 1, products = f32
func.func @selective(%x: tensor<?x?x4xf32>, %a: tensor<4x8xf32>, %b: tensor<?x?x8xf32>) -> tensor<?x?x4xf32> {
  %y = linrec.selective_scan %x, %x, %a, %b, %b
    : tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<4x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32> -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}
// CHECK: func.func private @external()
// CHECK-NOT: kernel.schedule
func.func private @external()
}
