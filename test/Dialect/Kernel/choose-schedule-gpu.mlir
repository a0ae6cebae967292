// Breaks if a GPU takes the token loop for more tokens, or for fewer, than the state's
// way from memory and back pays for, if its chunks lose the tensor cores, or if sums
// and products are less exact than tensors and widths ask for.
// RUN: deltanet-opt %s --kernel-set-target=target=sm_80 --kernel-choose-schedule | FileCheck %s
// CHECK-LABEL: @eight({{.*}}kernel.schedule = #kernel.schedule<token_loop = true, chunk = 1, products = f32, gates = f32>
func.func @eight(%q: tensor<?x8x4x64xbf16>) -> tensor<?x8x4x64xbf16> {
  %o = linrec.scan %q, %q, %q
    : tensor<?x8x4x64xbf16>, tensor<?x8x4x64xbf16>, tensor<?x8x4x64xbf16> -> tensor<?x8x4x64xbf16>
  return %o : tensor<?x8x4x64xbf16>
}
// CHECK-LABEL: @nine({{.*}}kernel.schedule = #kernel.schedule<chunk = 32, products = bf16, gates = f32>
func.func @nine(%q: tensor<?x9x4x64xbf16>) -> tensor<?x9x4x64xbf16> {
  %o = linrec.scan %q, %q, %q
    : tensor<?x9x4x64xbf16>, tensor<?x9x4x64xbf16>, tensor<?x9x4x64xbf16> -> tensor<?x9x4x64xbf16>
  return %o : tensor<?x9x4x64xbf16>
}
// Sums of f32 tensors' gates are pairs (docs/Gpu.md).
// CHECK-LABEL: @exact({{.*}}kernel.schedule = #kernel.schedule<chunk = 32, products = f32, gates = f64>
func.func @exact(%q: tensor<?x?x4x64xf32>) -> tensor<?x?x4x64xf32> {
  %o = linrec.scan %q, %q, %q
    : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32> -> tensor<?x?x4x64xf32>
  return %o : tensor<?x?x4x64xf32>
}
// Few keys, and a triangle to solve. Without one 16 bits are enough, and f16 has more of them.
// CHECK-LABEL: @few({{.*}}kernel.schedule = #kernel.schedule<chunk = 32, products = f32, gates = f64>
func.func @few(%q: tensor<?x?x4x48xbf16>, %b: tensor<?x?x4xbf16>) -> tensor<?x?x4x48xbf16> {
  %o = linrec.scan %q, %q, %q beta(%b : tensor<?x?x4xbf16>)
    : tensor<?x?x4x48xbf16>, tensor<?x?x4x48xbf16>, tensor<?x?x4x48xbf16> -> tensor<?x?x4x48xbf16>
  return %o : tensor<?x?x4x48xbf16>
}
// CHECK-LABEL: @few_additive({{.*}}kernel.schedule = #kernel.schedule<chunk = 32, products = bf16, gates = f32>
func.func @few_additive(%q: tensor<?x?x4x48xbf16>) -> tensor<?x?x4x48xbf16> {
  %o = linrec.scan %q, %q, %q
    : tensor<?x?x4x48xbf16>, tensor<?x?x4x48xbf16>, tensor<?x?x4x48xbf16> -> tensor<?x?x4x48xbf16>
  return %o : tensor<?x?x4x48xbf16>
}
// CHECK-LABEL: @few_half({{.*}}kernel.schedule = #kernel.schedule<chunk = 32, products = f16, gates = f32>
func.func @few_half(%q: tensor<?x?x4x48xf16>, %b: tensor<?x?x4xf16>) -> tensor<?x?x4x48xf16> {
  %o = linrec.scan %q, %q, %q beta(%b : tensor<?x?x4xf16>)
    : tensor<?x?x4x48xf16>, tensor<?x?x4x48xf16>, tensor<?x?x4x48xf16> -> tensor<?x?x4x48xf16>
  return %o : tensor<?x?x4x48xf16>
}
// Several keys a token.
// CHECK-LABEL: @steps({{.*}}kernel.schedule = #kernel.schedule<chunk = 32, products = f32, gates = f64>
func.func @steps(%q: tensor<2x64x4x64xbf16>, %k: tensor<2x192x4x64xbf16>, %b: tensor<2x192x4xbf16>) -> tensor<2x64x4x64xbf16> {
  %o = linrec.scan %q, %k, %k beta(%b : tensor<2x192x4xbf16>) steps(3)
    : tensor<2x64x4x64xbf16>, tensor<2x192x4x64xbf16>, tensor<2x192x4x64xbf16> -> tensor<2x64x4x64xbf16>
  return %o : tensor<2x64x4x64xbf16>
}
