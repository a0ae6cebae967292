// If this fails, ptxas refuses a decode kernel for some generation or spills its
// state, or the state no longer goes through whole accesses of 16 bytes, once in
// and once out: 16 K elements by 128 threads are 32 each, 8 accesses.
// RUN: deltanet-opt %s --linrec-to-ptx='target=sm_80' -o /dev/null > %t.ptx
// RUN: FileCheck %s --input-file=%t.ptx
// CHECK-LABEL: .entry decode_vk(
// CHECK-COUNT-8: ld.global.v4.b32
// CHECK-NOT: ld.global.v4
// CHECK-COUNT-8: st.global.v4.b32
// CHECK-NOT: st.global.v4
// CHECK: ret;

// Half the columns a block, twice the state a thread.
// CHECK-LABEL: .entry decode_kv(
// CHECK-COUNT-16: ld.global.v4.b32
// CHECK-NOT: ld.global.v4
// CHECK-COUNT-16: st.global.v4.b32
// CHECK-NOT: st.global.v4
// CHECK: ret;
// CHECK-LABEL: .entry mamba(
// CHECK-NOT: call
module {
func.func @decode_vk(%q: tensor<?x1x16x128xbf16>, %k: tensor<?x1x16x128xbf16>, %v: tensor<?x1x16x128xbf16>,
    %beta: tensor<?x1x16xbf16>, %decay: tensor<?x1x16xf32>, %initial: tensor<?x16x128x128xf32>)
    -> (tensor<?x1x16x128xbf16>, tensor<?x16x128x128xf32>) {
  %o, %state = linrec.scan %q, %k, %v beta(%beta : tensor<?x1x16xbf16>) decay(%decay : tensor<?x1x16xf32>)
      initial(%initial : tensor<?x16x128x128xf32>) state_layout(vk)
      : tensor<?x1x16x128xbf16>, tensor<?x1x16x128xbf16>, tensor<?x1x16x128xbf16>
     -> tensor<?x1x16x128xbf16>, tensor<?x16x128x128xf32>
  return %o, %state : tensor<?x1x16x128xbf16>, tensor<?x16x128x128xf32>
}
func.func @decode_kv(%q: tensor<?x1x16x128xbf16>, %k: tensor<?x1x16x128xbf16>, %v: tensor<?x1x16x128xbf16>,
    %beta: tensor<?x1x16xbf16>, %decay: tensor<?x1x16xf32>, %initial: tensor<?x16x128x128xf32>)
    -> (tensor<?x1x16x128xbf16>, tensor<?x16x128x128xf32>) {
  %o, %state = linrec.scan %q, %k, %v beta(%beta : tensor<?x1x16xbf16>) decay(%decay : tensor<?x1x16xf32>)
      initial(%initial : tensor<?x16x128x128xf32>)
      : tensor<?x1x16x128xbf16>, tensor<?x1x16x128xbf16>, tensor<?x1x16x128xbf16>
     -> tensor<?x1x16x128xbf16>, tensor<?x16x128x128xf32>
  return %o, %state : tensor<?x1x16x128xbf16>, tensor<?x16x128x128xf32>
}
func.func @mamba(%x: tensor<?x?x2048xbf16>, %delta: tensor<?x?x2048xf32>, %a: tensor<2048x16xf32>,
    %b: tensor<?x?x16xbf16>, %c: tensor<?x?x16xbf16>, %initial: tensor<?x2048x16xf32>)
    -> (tensor<?x?x2048xbf16>, tensor<?x2048x16xf32>) {
  %y, %h = linrec.selective_scan %x, %delta, %a, %b, %c initial(%initial : tensor<?x2048x16xf32>)
      : tensor<?x?x2048xbf16>, tensor<?x?x2048xf32>, tensor<2048x16xf32>, tensor<?x?x16xbf16>,
        tensor<?x?x16xbf16> -> tensor<?x?x2048xbf16>, tensor<?x2048x16xf32>
  return %y, %h : tensor<?x?x2048xbf16>, tensor<?x2048x16xf32>
}
}
