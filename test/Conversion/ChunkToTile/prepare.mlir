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

// -----

// Of packed sequences no one knows the chunks before the offsets: there are at most
// T / 32 + N; blocks between the end of one sequence and the next work on no rows.
// CHECK-LABEL: gpu.func @prepared_packed_0
// CHECK-SAME: grid = ["T / 32 + N", "4", "1"]
// CHECK: gpu.return
// CHECK-LABEL: gpu.func @prepared_packed_1
// CHECK-SAME: role = "workspace", shape = ["1", "T / 32 + N", "4"
// CHECK-SAME: grid = ["1", "4", "N"]
func.func @prepared_packed(%q: tensor<1x?x4x64xbf16>, %k: tensor<1x?x4x64xbf16>, %v: tensor<1x?x4x64xbf16>,
    %cu: tensor<?xi32>, %s: tensor<?x4x64x64xf32>) -> (tensor<1x?x4x64xbf16>, tensor<?x4x64x64xf32>)
    attributes {kernel.schedule = #kernel.schedule<chunk = 32, prepare = true>} {
  %o, %last = linrec.scan %q, %k, %v initial(%s : tensor<?x4x64x64xf32>) sequences(%cu : tensor<?xi32>)
      : tensor<1x?x4x64xbf16>, tensor<1x?x4x64xbf16>, tensor<1x?x4x64xbf16> -> tensor<1x?x4x64xbf16>, tensor<?x4x64x64xf32>
  return %o, %last : tensor<1x?x4x64xbf16>, tensor<?x4x64x64xf32>
}
