// Breaks if the pipeline loses a phase, stops after another than the one asked
// for, or if what it decides does not reach the derivation.
// RUN: deltanet-opt %s --linrec-to-chunk=target=x86-64-v3 | FileCheck %s
// RUN: deltanet-opt %s --linrec-to-chunk='target=x86-64-v3 chunk=32 products=bf16' | FileCheck %s --check-prefix=BF16
// RUN: deltanet-opt %s --linrec-to-chunk='target=sm_80 token-loop' | FileCheck %s --check-prefix=LOOP
// RUN: deltanet-opt %s --linrec-to-chunk='target=sm_80 stop-after=schedule' | FileCheck %s --check-prefix=SCHEDULE
// RUN: not deltanet-opt %s --linrec-to-chunk=stop-after=llvm 2>&1 | FileCheck %s --check-prefix=PHASE

// CHECK: module attributes {kernel.target = #{{.*}}x86-64-v3}
// CHECK: @f({{.*}}kernel.schedule = #kernel.schedule<chunk = 16, products = f32, gates = f64, vector_bits = 256>
// CHECK-NOT: linrec.scan
// CHECK: chunk.scan 16
// BF16: #kernel.schedule<chunk = 32, products = bf16, gates = f32
// BF16: chunk.scan 32
// BF16: chunk.dot {{.*}}xbf16>
// LOOP: #kernel.schedule<token_loop = true, chunk = 1, products = f32, gates = f32>
// LOOP: chunk.scan 1
// SCHEDULE: #kernel.schedule<chunk = 32, products = f32
// SCHEDULE: linrec.scan
// PHASE: error: expects stop-after to name a phase of linrec-to-chunk (schedule, chunk, fuse, gradient), got 'llvm'
func.func @f(%q: tensor<1x?x4x64xf32>, %v: tensor<1x?x4x32xf32>) -> tensor<1x?x4x32xf32> {
  %o = linrec.scan %q, %q, %v
    : tensor<1x?x4x64xf32>, tensor<1x?x4x64xf32>, tensor<1x?x4x32xf32> -> tensor<1x?x4x32xf32>
  return %o : tensor<1x?x4x32xf32>
}
