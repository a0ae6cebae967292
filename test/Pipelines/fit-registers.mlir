// If this fails, a schedule is taken whose kernels spill registers: test/Exhaustive/gpus.test
// assembles them for every chip; here is what the rule decides so that they do not.
// RUN: deltanet-opt %s --linrec-to-ptx='target=sm_86 stop-after=schedule chunk=32' --mlir-print-local-scope | FileCheck %s
// RUN: deltanet-opt %s --linrec-to-ptx='target=sm_86 stop-after=schedule' --mlir-print-local-scope | FileCheck %s --check-prefix=RULE
// RUN: deltanet-opt %s --linrec-to-ptx='target=sm_86 stop-after=schedule schedule={chunk = 32, stages = 1, ahead_warps = 4}' --mlir-print-local-scope | FileCheck %s --check-prefix=STATED

// f32 tensors with a chunk longer than the rule's: the ahead part goes before.
// CHECK: func.func @wide(
// CHECK-SAME: chunk = 32, products = f32, {{.*}}prepare = true
// RULE: func.func @wide(
// RULE-SAME: chunk = 16, products = f32
// RULE-NOT: prepare
// What else is stated is kept.
// STATED: func.func @wide(
// STATED-SAME: chunk = 32, {{.*}}stages = 1, {{.*}}ahead_warps = 4>
func.func @wide(%q: tensor<?x?x16x80xf32>, %k: tensor<?x?x16x80xf32>, %v: tensor<?x?x16x32xf32>, %b: tensor<?x?x16xf32>) -> tensor<?x?x16x32xf32> {
  %o = linrec.scan %q, %k, %v beta(%b : tensor<?x?x16xf32>) : tensor<?x?x16x80xf32>, tensor<?x?x16x80xf32>, tensor<?x?x16x32xf32> -> tensor<?x?x16x32xf32>
  return %o : tensor<?x?x16x32xf32>
}

// No room for roles in shared memory: the same warps do both parts, each with 16 columns.
// CHECK: func.func @channels(
// CHECK-SAME: gates = f32, stages = 1, split_value = 1>
// CHECK-NOT: ahead_warps
func.func @channels(%q: tensor<?x1x16x128xbf16>, %k: tensor<?x1x16x128xbf16>, %v: tensor<?x1x16x128xbf16>, %b: tensor<?x1x16xbf16>, %g: tensor<?x1x16x128xf32>) -> tensor<?x1x16x128xbf16> {
  %o = linrec.scan %q, %k, %v beta(%b : tensor<?x1x16xbf16>) decay(%g : tensor<?x1x16x128xf32>) : tensor<?x1x16x128xbf16>, tensor<?x1x16x128xbf16>, tensor<?x1x16x128xbf16> -> tensor<?x1x16x128xbf16>
  return %o : tensor<?x1x16x128xbf16>
}
