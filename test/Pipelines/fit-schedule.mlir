// If this fails, a function whose extents are open is compiled for one machine load
// alone, or a stated schedule, known extents or the option are not respected.
// RUN: deltanet-opt %s --linrec-to-ptx='target=sm_90 stop-after=schedule variants=true' --mlir-print-local-scope | FileCheck %s
// RUN: deltanet-opt %s --linrec-to-ptx='target=sm_90 stop-after=schedule' | FileCheck %s --check-prefix=ONE
// RUN: deltanet-opt %s --linrec-to-ptx='target=sm_90 stop-after=schedule variants=true schedule={chunk = 32}' | FileCheck %s --check-prefix=ONE
// ONE-NOT: kernel.variant

// Twice is once: the second run finds everything decided.
// RUN: deltanet-opt %s --linrec-to-ptx='target=sm_90 stop-after=schedule variants=true' -o %t.mlir
// RUN: deltanet-opt %t.mlir --linrec-to-ptx='target=sm_90 stop-after=schedule variants=true' --mlir-print-local-scope | FileCheck %s

// Variants stand before the functions they are of; the first whose condition holds is
// taken: long sequences of few heads in segments, few heads with shared columns.
// Sequences, not the batch, are what is counted where they are packed.
// CHECK: func.func private @packed_long(
// CHECK-SAME: kernel.schedule = #kernel.schedule<chunk = 32, {{.*}}split_value = 1, {{.*}}prepare = true, segments = 8>
// CHECK-SAME: when = "max(N * 16 * 33 - M * 4, 6336 - T / max(N, 1)) <= 0"
// CHECK: func.func private @packed_few(
// CHECK-SAME: when = "max(N * 16 * 2 - M, 128 - T / max(N, 1)) <= 0"
// Numbers stand for themselves.
// CHECK: func.func private @heads_long(
// CHECK: func.func private @heads_few(
// CHECK-SAME: when = "max(B * 16 * 2 - M, 128 - T) <= 0"
// CHECK: func.func private @open_long(
// CHECK-SAME: kernel.variant = #kernel.variant<"open", when = "max(B * H * 33 - M * 4, 6336 - T) <= 0">
// CHECK: func.func private @open_few(
// CHECK-SAME: kernel.schedule = #kernel.schedule<chunk = 32, {{.*}}split_value = 8, {{.*}}prepare = true>
// CHECK-SAME: kernel.variant = #kernel.variant<"open", when = "max(B * H * 2 - M, 128 - T) <= 0">
// CHECK: func.func @open(
// CHECK-SAME: split_value = 1, ahead_warps = 2>
// CHECK-NOT: kernel.variant
func.func @open(%q: tensor<?x?x?x128xbf16>, %k: tensor<?x?x?x128xbf16>, %v: tensor<?x?x?x128xbf16>, %b: tensor<?x?x?xbf16>) -> tensor<?x?x?x128xbf16> {
  %o = linrec.scan %q, %k, %v beta(%b : tensor<?x?x?xbf16>) : tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16> -> tensor<?x?x?x128xbf16>
  return %o : tensor<?x?x?x128xbf16>
}

// CHECK: func.func @heads(
func.func @heads(%q: tensor<?x?x16x128xbf16>, %k: tensor<?x?x16x128xbf16>, %v: tensor<?x?x16x128xbf16>, %b: tensor<?x?x16xbf16>) -> tensor<?x?x16x128xbf16> {
  %o = linrec.scan %q, %k, %v beta(%b : tensor<?x?x16xbf16>) : tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16> -> tensor<?x?x16x128xbf16>
  return %o : tensor<?x?x16x128xbf16>
}

// CHECK: func.func @packed(
func.func @packed(%q: tensor<1x?x16x128xbf16>, %k: tensor<1x?x16x128xbf16>, %v: tensor<1x?x16x128xbf16>, %b: tensor<1x?x16xbf16>, %cu: tensor<?xi32>) -> tensor<1x?x16x128xbf16> {
  %o = linrec.scan %q, %k, %v beta(%b : tensor<1x?x16xbf16>) sequences(%cu : tensor<?xi32>) : tensor<1x?x16x128xbf16>, tensor<1x?x16x128xbf16>, tensor<1x?x16x128xbf16> -> tensor<1x?x16x128xbf16>
  return %o : tensor<1x?x16x128xbf16>
}

// What the types say needs no second schedule.
// CHECK-NOT: @known_few
// CHECK: func.func @known(
// CHECK-SAME: prepare = true>
func.func @known(%q: tensor<1x?x16x128xbf16>, %k: tensor<1x?x16x128xbf16>, %v: tensor<1x?x16x128xbf16>, %b: tensor<1x?x16xbf16>) -> tensor<1x?x16x128xbf16> {
  %o = linrec.scan %q, %k, %v beta(%b : tensor<1x?x16xbf16>) : tensor<1x?x16x128xbf16>, tensor<1x?x16x128xbf16>, tensor<1x?x16x128xbf16> -> tensor<1x?x16x128xbf16>
  return %o : tensor<1x?x16x128xbf16>
}

// Long sequences of few heads, known from the types.
// CHECK: func.func @long(
// CHECK-SAME: prepare = true, segments = 8>
func.func @long(%q: tensor<1x32768x16x128xbf16>, %k: tensor<1x32768x16x128xbf16>, %v: tensor<1x32768x16x128xbf16>, %b: tensor<1x32768x16xbf16>) -> tensor<1x32768x16x128xbf16> {
  %o = linrec.scan %q, %k, %v beta(%b : tensor<1x32768x16xbf16>) : tensor<1x32768x16x128xbf16>, tensor<1x32768x16x128xbf16>, tensor<1x32768x16x128xbf16> -> tensor<1x32768x16x128xbf16>
  return %o : tensor<1x32768x16x128xbf16>
}
