// Breaks if a GPU takes the token loop for more tokens, or for fewer, than the state's
// way from memory and back pays for, or if its chunks lose the tensor cores.
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
