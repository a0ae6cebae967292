// If this fails, training of few long sequences runs on the schedule for a full machine, or what a variant of the
// forward function keeps is of another chunk size than what the backward function reads.
// RUN: deltanet-opt %s --linrec-to-ptx='target=sm_90 grad=q,k,v,beta variants stop-after=gradient' --mlir-print-local-scope | FileCheck %s
// RUN: deltanet compile %s --grad q,k,v,beta --target sm_90 --emit manifest -o %t.d
// RUN: FileCheck %s --check-prefix=MANIFEST --input-file=%t.d/gradient-variants_backward.json

// CHECK: func.func private @f_long_forward
// CHECK-SAME: tensor<?x?x16x128x128xbf16> {deltanet.name = "kept0"}
// CHECK-SAME: chunk = [[CHUNK:[0-9]+]],{{.*}} segments = {{[0-9]+}}>, kernel.variant = #kernel.variant<"f_forward", when = "[[LONG:.*]]">
// CHECK: func.func private @f_long_backward
// CHECK-SAME: chunk = [[CHUNK]],{{.*}} segments = {{[0-9]+}}>, kernel.variant = #kernel.variant<"f_backward", when = "[[LONG]]">
// CHECK: func.func private @f_few_forward
// CHECK-SAME: chunk = [[CHUNK]],{{.*}} kernel.variant = #kernel.variant<"f_forward", when = "[[FEW:.*]]">
// CHECK: func.func private @f_few_backward
// CHECK-SAME: chunk = [[CHUNK]],{{.*}} kernel.variant = #kernel.variant<"f_backward", when = "[[FEW]]">
// CHECK: func.func @f_forward
// CHECK-SAME: chunk = [[CHUNK]],
// CHECK-NOT: kernel.variant
// CHECK: func.func @f_backward
// CHECK-SAME: chunk = [[CHUNK]],
// CHECK-NOT: kernel.variant

// MANIFEST: "name": "f_long_backward"
// MANIFEST: "name": "f_few_backward"
func.func @f(%q: tensor<?x?x16x128xbf16> {deltanet.name = "q"}, %k: tensor<?x?x16x128xbf16> {deltanet.name = "k"},
             %v: tensor<?x?x16x128xbf16> {deltanet.name = "v"}, %beta: tensor<?x?x16xbf16> {deltanet.name = "beta"})
    -> (tensor<?x?x16x128xbf16> {deltanet.name = "o"}) {
  %o = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x16xbf16>)
      : tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16> -> tensor<?x?x16x128xbf16>
  return %o : tensor<?x?x16x128xbf16>
}
