// Breaks if a family's chunk program loses or gains an equation: these bodies are
// the mathematics, read them beside docs/Math.md.
// RUN: deltanet-opt %s --convert-linrec-to-chunk=chunk=32 --canonicalize --cse --split-input-file \
// RUN:   --mlir-use-nameloc-as-prefix | FileCheck %s

// Additive, no decay (26): two products with the state, two within the chunk.
// CHECK-LABEL: func.func @additive
// CHECK: chunk.scan 32
// CHECK-NEXT: carry(%{{.*}} [0, 1] : tensor<8x16xf32>)
// CHECK-NEXT: in(%{{.*}} [b, t, h, 1] : tensor<?x?x4x8xf32>,
// CHECK: ^bb0(%S: tensor<8x16xf32>, %n: index, %q: tensor<32x8xf32>, %k: tensor<32x8xf32>, %v: tensor<32x16xf32>):
// CHECK-NEXT: %[[K:.*]] = chunk.mask_tokens %k, %n
// CHECK-NEXT: %[[V:.*]] = chunk.mask_tokens %v, %n
// CHECK-NEXT: %[[QK:.*]] = chunk.dot %q, %[[K]] {transpose_rhs}
// CHECK-NEXT: %M = chunk.tril %[[QK]] : tensor<32x32xf32>
// CHECK-NEXT: %qS = chunk.dot %q, %S
// CHECK-NEXT: %MU = chunk.dot %M, %[[V]]
// CHECK-NEXT: %[[SUM:.*]] = arith.addf %qS, %MU
// CHECK-NEXT: %O = arith.mulf %[[SUM]], %{{.*}}
// CHECK-NEXT: %kU = chunk.dot %[[K]], %[[V]] {transpose_lhs}
// CHECK-NEXT: %S_next = arith.addf %S, %kU
// CHECK-NEXT: chunk.yield %O carry(%S_next)
func.func @additive(%q: tensor<?x?x4x8xf32>, %k: tensor<?x?x4x8xf32>, %v: tensor<?x?x4x16xf32>) -> tensor<?x?x4x16xf32> {
  %o = linrec.scan %q, %k, %v : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>, tensor<?x?x4x16xf32> -> tensor<?x?x4x16xf32>
  return %o : tensor<?x?x4x16xf32>
}

// -----

// The gated delta rule, scalar gate: gates scale the rows of products, so that the
// operands of the products stay what was read. Rounding before products is explicit.
// RUN: deltanet-opt %s --convert-linrec-to-chunk='chunk=32 products=bf16' --canonicalize --cse --split-input-file \
// RUN:   --mlir-use-nameloc-as-prefix | FileCheck %s --check-prefix=BF16
// BF16-LABEL: func.func @gated_delta
// BF16: [b, t, g, 1] : tensor<?x?x2x16xbf16>
// BF16: %[[SUM:.*]] = arith.maximumf
// BF16: %g = chunk.cumsum %[[SUM]] : tensor<32xf32> -> tensor<32xf32>
// BF16: %g_last = chunk.row %g[31]
// BF16: %[[S:.*]] = arith.truncf %S : tensor<16x16xf32> to tensor<16x16xbf16>
// BF16: %[[DOT:.*]] = chunk.dot %[[K:.*]], %[[S]]
// BF16: %kS = arith.mulf %[[DOT]], %{{.*}}
// BF16: %X = arith.subf %{{.*}}, %kS
// BF16: %kk = chunk.decay_dot %[[K]], %[[K]], %g, %g strict
// BF16: %L = arith.mulf %kk
// BF16: %Y = arith.mulf %X
// BF16: %U = chunk.unit_lower_solve %L, %Y
// BF16: %M = chunk.decay_dot %q, %[[K]], %g, %g
// BF16-NOT: strict
// Keys are few, so that what rounding takes from U counts, too.
// BF16: %[[UB:.*]] = arith.truncf %U
// BF16: %[[MUB:.*]] = chunk.dot %[[M:.*]], %[[UB]]
// BF16: %[[WIDE:.*]] = arith.extf %[[UB]]
// BF16: %[[LOST:.*]] = arith.subf %U, %[[WIDE]]
// BF16: %[[LB:.*]] = arith.truncf %[[LOST]]
// BF16: %MU = chunk.dot %[[M]], %[[LB]]
// BF16: %[[SUM:.*]] = arith.addf %qS, %[[MUB]]
// BF16: arith.addf %[[SUM]], %MU
// BF16: %[[KUB:.*]] = chunk.dot %[[K]], %{{.*}} {transpose_lhs}
// BF16: %kU = chunk.dot %[[K]], %{{.*}} {transpose_lhs}
// BF16: %[[FIRST:.*]] = arith.addf %{{.*}}, %[[KUB]]
// BF16: %S_next = arith.addf %[[FIRST]], %kU
// BF16: chunk.yield %{{.*}} carry(%S_next) : tensor<32x16xbf16> carry tensor<16x16xf32>
// With f32 products the running sums of log-decays are f64.
// CHECK-LABEL: func.func @gated_delta
// CHECK: %g = chunk.cumsum %{{.*}} : tensor<32xf32> -> tensor<32xf64>
func.func @gated_delta(%q: tensor<?x?x2x16xbf16>, %k: tensor<?x?x2x16xbf16>, %v: tensor<?x?x4x16xbf16>, %b: tensor<?x?x4xbf16>, %a: tensor<?x?x4xf32>) -> tensor<?x?x4x16xbf16> {
  %o = linrec.scan %q, %k, %v beta(%b : tensor<?x?x4xbf16>) decay(%a : tensor<?x?x4xf32>) : tensor<?x?x2x16xbf16>, tensor<?x?x2x16xbf16>, tensor<?x?x4x16xbf16> -> tensor<?x?x4x16xbf16>
  return %o : tensor<?x?x4x16xbf16>
}

// -----

// Read-out before the update, with a bonus and one decay a channel (28): the gates
// before a row multiply the query, M is strict, the token's own key counts by the bonus.
// CHECK-LABEL: func.func @before
// CHECK: %g = chunk.cumsum
// CHECK: %g_before = chunk.cumsum %{{.*}} exclusive
// CHECK: %M = chunk.decay_dot %q, %{{.*}}, %g_before, %g strict
// CHECK: %qS = chunk.dot
// CHECK: chunk.reduce add
// CHECK: %O = arith.mulf
func.func @before(%q: tensor<?x?x2x8xf32>, %k: tensor<?x?x2x8xf32>, %v: tensor<?x?x2x8xf32>, %a: tensor<?x?x2x8xf32>, %u: tensor<2x8xf32>) -> tensor<?x?x2x8xf32> {
  %o = linrec.scan %q, %k, %v decay(%a : tensor<?x?x2x8xf32>) bonus(%u : tensor<2x8xf32>) read_out(before) : tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32> -> tensor<?x?x2x8xf32>
  return %o : tensor<?x?x2x8xf32>
}

// -----

// The general transition (22)-(24): four lower products, one solve.
// CHECK-LABEL: func.func @dplr
// CHECK: %A_ab = chunk.decay_dot %{{.*}}, %{{.*}}, %g_before, %g strict
// CHECK: %A_ak = chunk.decay_dot %{{.*}}, %{{.*}}, %g_before, %g strict
// CHECK: %U = chunk.unit_lower_solve
// CHECK: %A_qb = chunk.decay_dot %q, %{{.*}}, %g, %g :
// CHECK: %A_qk = chunk.decay_dot %q, %{{.*}}, %g, %g :
// CHECK: %S_next = arith.addf
func.func @dplr(%q: tensor<?x?x2x8xf32>, %k: tensor<?x?x2x8xf32>, %v: tensor<?x?x2x8xf32>, %a: tensor<?x?x2x8xf32>, %b: tensor<?x?x2x8xf32>, %w: tensor<?x?x2x8xf32>) -> tensor<?x?x2x8xf32> {
  %o = linrec.dplr_scan %q, %k, %v a(%a) b(%b) decay(%w : tensor<?x?x2x8xf32>) : tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32> -> tensor<?x?x2x8xf32>
  return %o : tensor<?x?x2x8xf32>
}

// -----

// Several steps a token (25): keys and values have three rows a token, the gate of a
// token is repeated, queries see all steps of their token.
// CHECK-LABEL: func.func @steps
// CHECK: %q: tensor<32x8xf32>, %k: tensor<96x8xf32>, %v: tensor<96x8xf32>, %beta: tensor<96xf32>, %la: tensor<32xf32>):
// CHECK: chunk.mask_tokens %k, %n steps 3
// CHECK: %[[GK:.*]] = chunk.repeat %g : tensor<32xf64> -> tensor<96xf64>
// CHECK: %kk = chunk.decay_dot %{{.*}}, %[[GK]], %[[GK]] strict {{.*}} -> tensor<96x96xf32>
// CHECK: %M = chunk.decay_dot %q, %{{.*}}, %g, %[[GK]] {{.*}} -> tensor<32x96xf32>
func.func @steps(%q: tensor<?x?x2x8xf32>, %k: tensor<?x?x2x8xf32>, %v: tensor<?x?x2x8xf32>, %b: tensor<?x?x2xf32>, %a: tensor<?x?x2xf32>) -> tensor<?x?x2x8xf32> {
  %o = linrec.scan %q, %k, %v beta(%b : tensor<?x?x2xf32>) decay(%a : tensor<?x?x2xf32>) steps(3) : tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32> -> tensor<?x?x2x8xf32>
  return %o : tensor<?x?x2x8xf32>
}

// -----

// Layouts are accesses: heads before tokens, states stored V x K, packed sequences.
// CHECK-LABEL: func.func @layouts
// CHECK: chunk.scan 32 sequences(%{{.*}} : tensor<?xi64>)
// CHECK-NEXT: carry(%{{.*}} [n, h, 1, 0] : tensor<?x2x16x8xbf16>)
// CHECK-NEXT: in(%{{.*}} [b, h, t, 1] : tensor<1x2x?x8xf32>,
// CHECK: out([b, h, t, 1] : tensor<1x2x?x16xf32>)
// CHECK: final([n, h, 1, 0] : tensor<?x2x16x8xbf16>)
// CHECK: ^bb0(%S: tensor<8x16xf32>
func.func @layouts(%q: tensor<1x2x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x16xf32>, %s: tensor<?x2x16x8xbf16>, %cu: tensor<?xi64>) -> (tensor<1x2x?x16xf32>, tensor<?x2x16x8xbf16>) {
  %o, %f = linrec.scan %q, %k, %v initial(%s : tensor<?x2x16x8xbf16>) sequences(%cu : tensor<?xi64>) layout(bhtd) state_layout(vk)
    : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x16xf32> -> tensor<1x2x?x16xf32>, tensor<?x2x16x8xbf16>
  return %o, %f : tensor<1x2x?x16xf32>, tensor<?x2x16x8xbf16>
}

// -----

// 128 keys: what rounding takes from U is small among what it takes from the rest.
// BF16-LABEL: func.func @many_keys
// BF16: %MU = chunk.dot
// BF16-NEXT: %[[SUM:.*]] = arith.addf %qS, %MU
// BF16-NEXT: %O = arith.mulf %[[SUM]]
func.func @many_keys(%q: tensor<?x?x2x128xbf16>, %v: tensor<?x?x2x16xbf16>, %b: tensor<?x?x2xbf16>) -> tensor<?x?x2x16xbf16> {
  %o = linrec.scan %q, %q, %v beta(%b : tensor<?x?x2xbf16>) : tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>, tensor<?x?x2x16xbf16> -> tensor<?x?x2x16xbf16>
  return %o : tensor<?x?x2x16xbf16>
}

// Several steps a token: into the state in two parts, into the output in one.
// BF16-LABEL: func.func @many_keys_steps
// BF16: %MU = chunk.dot
// BF16-NEXT: %[[SUM:.*]] = arith.addf %qS, %MU
// BF16-NEXT: %O = arith.mulf %[[SUM]]
// BF16: %[[KU:.*]] = chunk.dot %{{.*}} {transpose_lhs}
// BF16: %kU = chunk.dot %{{.*}} {transpose_lhs}
// BF16: %[[FIRST:.*]] = arith.addf %S, %[[KU]]
// BF16: %S_next = arith.addf %[[FIRST]], %kU
func.func @many_keys_steps(%q: tensor<1x32x2x128xbf16>, %k: tensor<1x64x2x128xbf16>, %v: tensor<1x64x2x16xbf16>, %b: tensor<1x64x2xbf16>) -> tensor<1x32x2x16xbf16> {
  %o = linrec.scan %q, %k, %v beta(%b : tensor<1x64x2xbf16>) steps(2) : tensor<1x32x2x128xbf16>, tensor<1x64x2x128xbf16>, tensor<1x64x2x16xbf16> -> tensor<1x32x2x16xbf16>
  return %o : tensor<1x32x2x16xbf16>
}
