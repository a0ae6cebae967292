// Breaks if an option of the derivation that cannot be honoured is taken silently.
// RUN: not deltanet-opt %s --convert-linrec-to-chunk=chunk=-4 2>&1 | FileCheck %s --check-prefix=CHUNK
// RUN: not deltanet-opt %s --convert-linrec-to-chunk=products=int4 2>&1 | FileCheck %s --check-prefix=PRODUCTS
// RUN: not deltanet-opt %s --convert-linrec-to-chunk=gates=bf16 2>&1 | FileCheck %s --check-prefix=GATES
// CHUNK: error: expects chunks of at least 1 token, got -4
// PRODUCTS: error: expects products of f32, bf16 or f16, got 'int4'
// GATES: error: expects gates of f32 or f64, got 'bf16'
func.func @f(%q: tensor<1x4x2x8xf32>) -> tensor<1x4x2x8xf32> {
  %o = linrec.scan %q, %q, %q : tensor<1x4x2x8xf32>, tensor<1x4x2x8xf32>, tensor<1x4x2x8xf32> -> tensor<1x4x2x8xf32>
  return %o : tensor<1x4x2x8xf32>
}
