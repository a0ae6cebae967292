// If this fails, a function that is compiled for several schedules does not become one
// module, or a launch does not say which extents its kernel serves.
// RUN: deltanet-opt %s --split-input-file --linrec-to-ptx='target=sm_80 stop-after=tile' --mlir-print-local-scope | FileCheck %s
// RUN: deltanet-opt %s --split-input-file --linrec-to-ptx='target=sm_80' | FileCheck %s --check-prefix=PTX

// CHECK: gpu.module @f {
// CHECK: gpu.func @f_few_0
// CHECK-SAME: grid = ["ceildiv(T, 32)", "H", "B"]
// CHECK-SAME: variant = "f_few", when = "B * H * 4 <= M"
// CHECK: gpu.func @f_few_1
// CHECK-SAME: grid = ["4", "H", "B"]
// CHECK-SAME: variant = "f_few", when = "B * H * 4 <= M"
// CHECK: gpu.func @f(
// CHECK-NOT: variant
// CHECK-NOT: gpu.module

// PTX: // deltanet.launch {{.*}}"kernel":"f_few_0"{{.*}}"variant":"f_few","when":"B * H * 4 <= M"}
// PTX: // deltanet.launch {{.*}}"kernel":"f_few_1"{{.*}}"variant":"f_few","when":"B * H * 4 <= M"}
// PTX: // deltanet.launch {{.*}}"kernel":"f"
// PTX-NOT: "when"
// PTX: .entry f_few_0(
// PTX: .entry f_few_1(
// PTX: .entry f(
func.func @f_few(%q: tensor<?x?x?x64xbf16>, %k: tensor<?x?x?x64xbf16>, %v: tensor<?x?x?x64xbf16>, %b: tensor<?x?x?xf32>) -> tensor<?x?x?x64xbf16>
    attributes {kernel.variant = #kernel.variant<"f", when = "B * H * 4 <= M">,
                kernel.schedule = #kernel.schedule<chunk = 32, warps = 1, stages = 2, split_value = 4, ahead_warps = 2, prepare = true>} {
  %o = linrec.scan %q, %k, %v beta(%b : tensor<?x?x?xf32>) : tensor<?x?x?x64xbf16>, tensor<?x?x?x64xbf16>, tensor<?x?x?x64xbf16> -> tensor<?x?x?x64xbf16>
  return %o : tensor<?x?x?x64xbf16>
}
func.func @f(%q: tensor<?x?x?x64xbf16>, %k: tensor<?x?x?x64xbf16>, %v: tensor<?x?x?x64xbf16>, %b: tensor<?x?x?xf32>) -> tensor<?x?x?x64xbf16>
    attributes {kernel.schedule = #kernel.schedule<chunk = 32, warps = 2, stages = 2, split_value = 1, ahead_warps = 2>} {
  %o = linrec.scan %q, %k, %v beta(%b : tensor<?x?x?xf32>) : tensor<?x?x?x64xbf16>, tensor<?x?x?x64xbf16>, tensor<?x?x?x64xbf16> -> tensor<?x?x?x64xbf16>
  return %o : tensor<?x?x?x64xbf16>
}
