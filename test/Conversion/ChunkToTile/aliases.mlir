// If this fails, one tensor that is two operands of an operator (key and value, query and key, all three),
// or what a prologue makes of it, becomes no kernel, or one whose columns are taken for rows.
// RUN: deltanet-opt %s --split-input-file --linrec-to-ptx='target=sm_80 schedule={chunk = 32, split_value = 2} stop-after=tile' --mlir-print-local-scope | FileCheck %s
// RUN: deltanet-opt %s --split-input-file --linrec-to-ptx='target=sm_80 schedule={chunk = 32, prepare = true}' | FileCheck %s --check-prefix=PTX
// RUN: deltanet-opt %s --split-input-file --linrec-to-ptx='target=sm_80 token-loop' | FileCheck %s --check-prefix=PTX
// PTX-COUNT-3: {{^}}.visible .entry

// As a key it comes whole, as a value the block's columns of it.
// CHECK-LABEL: gpu.func @key_and_value
// CHECK: tile.channel {{.*}} <{{[0-9]}}, <32x64xbf16, pad = 8>, <32x64xbf16, pad = 8>>
// CHECK: tile.channel {{.*}} <{{[0-9]}}, <32x32xbf16, pad = 8>>
func.func @key_and_value(%q: tensor<?x?x4x64xbf16>, %x: tensor<?x?x4x64xbf16>, %b: tensor<?x?x4xf32>) -> tensor<?x?x4x64xbf16> {
  %o = linrec.scan %q, %x, %x beta(%b : tensor<?x?x4xf32>)
    : tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16> -> tensor<?x?x4x64xbf16>
  return %o : tensor<?x?x4x64xbf16>
}

// -----

// Query and key are one, whole; the value is a part.
// CHECK-LABEL: gpu.func @all_three
// CHECK: tile.channel {{.*}} <{{[0-9]}}, <32x64xbf16, pad = 8>>
// CHECK: tile.channel {{.*}} <{{[0-9]}}, <32x32xbf16, pad = 8>>
func.func @all_three(%x: tensor<?x?x4x64xbf16>) -> tensor<?x?x4x64xbf16> {
  %o = linrec.scan %x, %x, %x
    : tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16> -> tensor<?x?x4x64xbf16>
  return %o : tensor<?x?x4x64xbf16>
}

// -----

// The state part computes the columns of the value, the ahead part the whole key.
// CHECK-LABEL: gpu.func @behind_a_prologue
// CHECK: tile.roles state
// CHECK: math.tanh {{.*}} : tensor<32x32xf32, #tile.acc<warps = [{{[0-9]}}, 1]>>
// CHECK: }, ahead
// CHECK: math.tanh {{.*}} : tensor<32x64xf32, #tile.acc<warps = [1, {{[0-9]}}]>>
func.func @behind_a_prologue(%q: tensor<?x?x4x64xbf16>, %x: tensor<?x?x4x64xbf16>) -> tensor<?x?x4x64xbf16> {
  %y = math.tanh %x : tensor<?x?x4x64xbf16>
  %o = linrec.scan %q, %y, %y
    : tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16> -> tensor<?x?x4x64xbf16>
  return %o : tensor<?x?x4x64xbf16>
}
