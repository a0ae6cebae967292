// If this fails, what does not wait for the state cannot run for all chunks side by
// side: a kernel without a state, one block for each chunk, and the kernel after it
// that reads what the first left in a workspace.
// RUN: deltanet-opt %s --split-input-file --linrec-to-ptx='target=sm_80 chunk=32 stop-after=tile' --mlir-print-local-scope | FileCheck %s

// CHECK-LABEL: gpu.func @two_0
// CHECK-SAME: {name = "[[A:workspace[0-9_]+]]", role = "workspace", shape = ["B", "ceildiv(T, 32)", "4", "32", "32"], type = "bf16"}
// CHECK-SAME: {name = "[[M:workspace[0-9_]+]]", role = "workspace"
// CHECK-SAME: grid = ["ceildiv(T, 32)", "4", "B"]
// CHECK-NOT: scf.for
// CHECK: tile.unit_lower_inverse
// CHECK: tile.store %{{.*}}, %arg5
// CHECK: tile.store %{{.*}}, %arg6
// CHECK: gpu.return

// What the launch gives both of them is one memory: the names agree.
// CHECK-LABEL: gpu.func @two_1
// CHECK-SAME: {name = "[[A]]", role = "workspace", shape = ["B", "ceildiv(T, 32)", "4", "32", "32"], type = "bf16"}
// CHECK-SAME: {name = "[[M]]", role = "workspace"
// CHECK-SAME: grid = ["1", "4", "B"]
// CHECK-NOT: tile.unit_lower_inverse
// CHECK: tile.copy_async %arg4
// CHECK: tile.copy_async %arg5
// CHECK: gpu.return
func.func @two(%q: tensor<?x?x4x64xbf16>, %k: tensor<?x?x4x64xbf16>, %v: tensor<?x?x4x64xbf16>, %b: tensor<?x?x4xf32>) -> tensor<?x?x4x64xbf16>
  attributes {kernel.schedule = #kernel.schedule<chunk = 32, prepare = true>} {
  %o = linrec.scan %q, %k, %v beta(%b : tensor<?x?x4xf32>) : tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16> -> tensor<?x?x4x64xbf16>
  return %o : tensor<?x?x4x64xbf16>
}
