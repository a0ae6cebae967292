// Breaks if the file of chips that is built in does not parse, or a chip of it
// loses the facts that tell the generations apart.
// RUN: deltanet-opt %src/dialects/Kernel/Targets.mlir --verify-roundtrip | FileCheck %s

// CHECK-DAG: "sm_80", gpu, {{.*}}compute_capability = 80, {{.*}}shared_memory_bytes_per_block = 166912
// CHECK-DAG: "sm_89", gpu, {{.*}}ptx_version = 78, {{.*}}shared_memory_bytes_per_block = 101376
// CHECK-DAG: "sm_90", gpu, {{.*}}shared_memory_bytes_per_block = 232448, {{.*}}tma = true>
// CHECK-DAG: "sm_90a", gpu, {{.*}}wgmma = true, setmaxnreg = true>
// CHECK-DAG: "sm_121", gpu, {{.*}}ptx_version = 88, {{.*}}shared_memory_bytes_per_block = 101376
// CHECK-DAG: "x86-64-v3", cpu, {{.*}}vector_bits = 256, vector_registers = 16, fma = true>
