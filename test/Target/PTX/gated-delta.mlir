// If this fails, linrec-to-ptx alone no longer writes PTX that stands for itself:
// a launch description, the instructions of sm_80, no call of a library.
// RUN: deltanet-opt %s --linrec-to-ptx='target=sm_80' -o %t.rest > %t.ptx
// RUN: FileCheck %s --input-file=%t.ptx
// RUN: count 0 < %t.rest
// RUN: deltanet-opt %s --linrec-to-ptx='target=sm_80' | cmp - %t.ptx

// CHECK: // deltanet.launch {"arguments":[{"name":"q","role":"input","shape":["B","T","G","128"],"type":"bf16"},
// CHECK-SAME: {"name":"T","role":"size","type":"i64"}
// CHECK-SAME: {"name":"o","role":"output","shape":["B","T","H","128"],"type":"bf16"}
// CHECK-SAME: "block":192,"grid":["1","H","B"],"kernel":"gated_delta","shared":{{[0-9]+}},"target":"sm_80"}
// CHECK: .version 7.8
// CHECK: .target sm_80
// CHECK: .extern .shared .align 128 .b8 tile_shared[];
// CHECK: .visible .entry gated_delta(
// CHECK: .maxntid 192
// CHECK-NOT: call
// CHECK: cp.async.cg.shared.global
// CHECK: ldmatrix.sync.aligned.m8n8.x4.shared.b16
// CHECK: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
// CHECK: mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32
func.func @gated_delta(
    %q: tensor<?x?x?x128xbf16> {deltanet.name = "q"}, %k: tensor<?x?x?x128xbf16> {deltanet.name = "k"},
    %v: tensor<?x?x?x128xbf16> {deltanet.name = "v"}, %beta: tensor<?x?x?xbf16> {deltanet.name = "beta"},
    %decay: tensor<?x?x?xf32> {deltanet.name = "decay"})
    -> (tensor<?x?x?x128xbf16> {deltanet.name = "o"}, tensor<?x?x128x128xf32> {deltanet.name = "state"}) {
  %o, %state = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x?xbf16>) decay(%decay : tensor<?x?x?xf32>)
      : tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>
     -> tensor<?x?x?x128xbf16>, tensor<?x?x128x128xf32>
  return %o, %state : tensor<?x?x?x128xbf16>, tensor<?x?x128x128xf32>
}
