// Breaks if a pipeline derives no gradient, derives it of something else than is
// asked for, does not lower it, or leaves out a gradient that it cannot derive
// without a word.
// RUN: deltanet-opt %s --linrec-to-chunk='target=x86-64-v3 grad=q,1 grad-from=o' | FileCheck %s
// RUN: deltanet-opt %s --linrec-to-host='target=x86-64-v3 grad=q stop-after=fuse' | FileCheck %s --check-prefix=BEFORE
// RUN: deltanet-opt %s --linrec-to-host='target=x86-64-v3 grad=q,v' | FileCheck %s --check-prefix=HOST
// RUN: deltanet-opt %s --linrec-to-host='target=x86-64-v3 grad=q,v stop-after=gradient' | deltanet-opt --linrec-to-host='start-after=gradient' | FileCheck %s --check-prefix=HOST
// RUN: not deltanet-opt %s --linrec-to-host='target=x86-64-v3 start-after=tiles' 2>&1 | FileCheck %s --check-prefix=START
// RUN: not deltanet-opt %s --linrec-to-host='target=x86-64-v3 grad=z' 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not deltanet-opt %s --linrec-to-host='target=x86-64-v3 grad-from=o' 2>&1 | FileCheck %s --check-prefix=FROM
// RUN: deltanet-opt %s --linrec-to-chunk='target=x86-64-v3 grad=q keep-states=4' | FileCheck %s --check-prefix=KEEP
// RUN: deltanet-opt %s --linrec-to-chunk='target=x86-64-v3 grad=q schedule={keep_states = 4}' | FileCheck %s --check-prefix=KEEP
// RUN: not deltanet-opt %s --linrec-to-chunk='target=x86-64-v3 keep-states=4' 2>&1 | FileCheck %s --check-prefix=ALONE
// RUN: not deltanet-opt %s --tile-to-ptx='target=sm_80 grad=q' 2>&1 | FileCheck %s --check-prefix=TILE

// CHECK: func.func @f(
// CHECK: func.func @f_forward(
// CHECK: func.func @f_backward(
// CHECK-SAME: {deltanet.name = "do"}
// CHECK-SAME: {deltanet.name = "dq"}
// CHECK-SAME: {deltanet.name = "dv"}
// CHECK: chunk.scan 16 reverse
// BEFORE-NOT: @f_backward
// HOST-DAG: llvm.func @_mlir_ciface_f(
// HOST-DAG: llvm.func @_mlir_ciface_f_forward(
// HOST-DAG: llvm.func @_mlir_ciface_f_backward(
// NAME: error: chunk-differentiate: expects 'of' to list names or numbers below 2, got 'z'
// START: error: expects start-after to name a phase of linrec-to-host (schedule, chunk, fuse, gradient, split, loops, llvm), got 'tiles'
// FROM: error: expects grad where there is grad-from, got grad-from=o
// KEEP: func.func @f(
// KEEP-SAME: keep_states = 4
// KEEP: func.func @f_forward(
// KEEP-SAME: tensor<1x4x4x64x32xf32> {deltanet.name = "kept0"}
// KEEP: chunk.scan 16 segments(4)
// ALONE: error: expects grad where there is keep-states, got keep-states=4
// TILE: error: expects grad with a pipeline that has the phase gradient, got tile-to-ptx (
func.func @f(%q: tensor<1x?x4x64xf32> {deltanet.name = "q"},
             %v: tensor<1x?x4x32xf32> {deltanet.name = "v"})
    -> (tensor<1x?x4x32xf32> {deltanet.name = "o"}) {
  %o = linrec.scan %q, %q, %v
    : tensor<1x?x4x64xf32>, tensor<1x?x4x64xf32>, tensor<1x?x4x32xf32> -> tensor<1x?x4x32xf32>
  return %o : tensor<1x?x4x32xf32>
}
