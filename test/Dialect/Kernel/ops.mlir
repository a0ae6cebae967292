// Breaks if a fact of a chip or a decision of a schedule is lost in printing or
// parsing, or prints where it says nothing.
// RUN: deltanet-opt %s --verify-roundtrip | FileCheck %s

// CHECK-DAG: #[[GPU:.+]] = #kernel.target<"g", gpu, compute_capability = 80, ptx_version = 70, shared_memory_bytes_per_block = 1024, registers_per_sm = 64, registers_per_thread = 32, cp_async = true>
// CHECK-DAG: #[[CPU:.+]] = #kernel.target<"c", cpu, triple = "x86_64-unknown-linux-gnu", chip = "skylake", features = "+avx", vector_bits = 256, fma = true>
// CHECK: module attributes {kernel.targets = [#[[GPU]], #[[CPU]]]}
module attributes {kernel.targets = [
  #kernel.target<"g", gpu, compute_capability = 80, ptx_version = 70,
    shared_memory_bytes_per_block = 1024, registers_per_sm = 64,
    registers_per_thread = 32, cp_async = true, tma = false>,
  #kernel.target<"c", cpu, triple = "x86_64-unknown-linux-gnu", chip = "skylake",
    features = "+avx", vector_bits = 256, vector_registers = 0, fma = true>]} {
  // CHECK: @decided() attributes {kernel.schedule = #kernel.schedule<chunk = 64, products = bf16, gates = f32, vector_bits = 512>}
  func.func private @decided() attributes {kernel.schedule =
    #kernel.schedule<gates = f32, chunk = 64, vector_bits = 512, products = bf16>}
  // CHECK: @token_loop() attributes {kernel.schedule = #kernel.schedule<token_loop = true, chunk = 1>}
  func.func private @token_loop() attributes {kernel.schedule =
    #kernel.schedule<token_loop = true, chunk = 1>}
  // CHECK: @undecided() attributes {kernel.schedule = #kernel.schedule}
  func.func private @undecided() attributes {kernel.schedule = #kernel.schedule}
  // CHECK: @few() attributes {kernel.variant = #kernel.variant<"all", when = "B * H * 4 <= M">}
  func.func private @few() attributes {kernel.variant = #kernel.variant<"all", when = "B * H * 4 <= M">}
}
