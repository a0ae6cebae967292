//===- Targets.mlir - the chips known, and what each can do ----------------===//
// Read by the tools at start; `--targets FILE` puts another file of this form in
// its place. What a chip does not state, it does not have. The machine at hand is
// not listed: `host` asks the processor itself.
//
// Sources of the figures, named in brackets below:
// [ABI]   x86-64 psABI, version 1.0, section 3.1.1, table of micro-architecture
//         levels; the width of a register and how many can be named follow from
//         the instruction set: SSE 128 bits and 16 registers, AVX 256 and 16,
//         AVX-512 512 and 32. AArch64: Arm ARM (DDI 0487) B1.2, V0-V31 of 128 bits.
// [CC]    CUDA C++ Programming Guide 13.0, appendix Compute Capabilities, table
//         Technical Specifications per Compute Capability: threads and registers
//         per multiprocessor, registers per thread, shared memory.
// [PTX]   PTX ISA 9.0, chapter Release Notes (the version that adds a target), and
//         the section Target ISA Notes of each instruction: ldmatrix sm_75, cp.async
//         sm_80, mma.sync with bf16 and tf32 sm_80, stmatrix, mbarrier.expect_tx,
//         clusters and cp.async.bulk.tensor sm_90, wgmma and setmaxnreg sm_90a.
// The number of multiprocessors is stated for none: products of one chip differ
// (an H100 has 114 or 132); the driver says it where a kernel is launched.
//===----------------------------------------------------------------------===//

// [ABI] baseline: SSE2
#x86_64 = #kernel.target<"x86-64", cpu, triple = "x86_64-unknown-linux-gnu", chip = "x86-64",
  vector_bits = 128, vector_registers = 16>
// [ABI] v2: SSE4.2
#x86_64_v2 = #kernel.target<"x86-64-v2", cpu, triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v2",
  vector_bits = 128, vector_registers = 16>
// [ABI] v3: AVX2, FMA, F16C
#x86_64_v3 = #kernel.target<"x86-64-v3", cpu, triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3",
  vector_bits = 256, vector_registers = 16, fma = true>
// [ABI] v4: AVX-512 F, BW, CD, DQ, VL
#x86_64_v4 = #kernel.target<"x86-64-v4", cpu, triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v4",
  vector_bits = 512, vector_registers = 32, fma = true>
// [ABI] Armv8-A with Advanced SIMD
#aarch64 = #kernel.target<"aarch64", cpu, triple = "aarch64-unknown-linux-gnu", chip = "generic",
  vector_bits = 128, vector_registers = 32, fma = true>

// Ampere: A100, A30. [CC] column 8.0; [PTX] 7.0 adds sm_80.
// Shared memory: 163 KB a block, 164 KB a multiprocessor.
#sm_80 = #kernel.target<"sm_80", gpu, triple = "nvptx64-nvidia-cuda", chip = "sm_80",
  compute_capability = 80, ptx_version = 70,
  shared_memory_bytes_per_block = 166912, shared_memory_bytes_per_sm = 167936,
  registers_per_sm = 65536, registers_per_thread = 255,
  threads_per_sm = 2048, threads_per_block = 1024,
  ldmatrix = true, cp_async = true, mma_f16 = true, mma_bf16 = true, mma_tf32 = true>
// Ampere: A40, A10, RTX 30. [CC] column 8.6; [PTX] 7.1 adds sm_86.
// Shared memory: 99 KB a block, 100 KB a multiprocessor.
#sm_86 = #kernel.target<"sm_86", gpu, triple = "nvptx64-nvidia-cuda", chip = "sm_86",
  compute_capability = 86, ptx_version = 71,
  shared_memory_bytes_per_block = 101376, shared_memory_bytes_per_sm = 102400,
  registers_per_sm = 65536, registers_per_thread = 255,
  threads_per_sm = 1536, threads_per_block = 1024,
  ldmatrix = true, cp_async = true, mma_f16 = true, mma_bf16 = true, mma_tf32 = true>
// Ampere: Jetson Orin. [CC] column 8.7; [PTX] 7.4 adds sm_87.
// Shared memory: 163 KB a block, 164 KB a multiprocessor.
#sm_87 = #kernel.target<"sm_87", gpu, triple = "nvptx64-nvidia-cuda", chip = "sm_87",
  compute_capability = 87, ptx_version = 74,
  shared_memory_bytes_per_block = 166912, shared_memory_bytes_per_sm = 167936,
  registers_per_sm = 65536, registers_per_thread = 255,
  threads_per_sm = 1536, threads_per_block = 1024,
  ldmatrix = true, cp_async = true, mma_f16 = true, mma_bf16 = true, mma_tf32 = true>
// Ada: L40, L4, RTX 40. [CC] column 8.9; [PTX] 7.8 adds sm_89.
// Shared memory: 99 KB a block, 100 KB a multiprocessor.
#sm_89 = #kernel.target<"sm_89", gpu, triple = "nvptx64-nvidia-cuda", chip = "sm_89",
  compute_capability = 89, ptx_version = 78,
  shared_memory_bytes_per_block = 101376, shared_memory_bytes_per_sm = 102400,
  registers_per_sm = 65536, registers_per_thread = 255,
  threads_per_sm = 1536, threads_per_block = 1024,
  ldmatrix = true, cp_async = true, mma_f16 = true, mma_bf16 = true, mma_tf32 = true>
// Hopper: H100, H200; runs on what comes later, too. [CC] column 9.0; [PTX] 7.8 adds sm_90.
// Shared memory: 227 KB a block, 228 KB a multiprocessor.
#sm_90 = #kernel.target<"sm_90", gpu, triple = "nvptx64-nvidia-cuda", chip = "sm_90",
  compute_capability = 90, ptx_version = 78,
  shared_memory_bytes_per_block = 232448, shared_memory_bytes_per_sm = 233472,
  registers_per_sm = 65536, registers_per_thread = 255,
  threads_per_sm = 2048, threads_per_block = 1024,
  ldmatrix = true, stmatrix = true, cp_async = true, mma_f16 = true, mma_bf16 = true, mma_tf32 = true,
  mbarrier_tx = true, clusters = true, tma = true>
// Hopper, with the instructions that only it has. [CC] column 9.0; [PTX] 8.0 adds sm_90a.
// Shared memory: 227 KB a block, 228 KB a multiprocessor.
#sm_90a = #kernel.target<"sm_90a", gpu, triple = "nvptx64-nvidia-cuda", chip = "sm_90a",
  compute_capability = 90, ptx_version = 80,
  shared_memory_bytes_per_block = 232448, shared_memory_bytes_per_sm = 233472,
  registers_per_sm = 65536, registers_per_thread = 255,
  threads_per_sm = 2048, threads_per_block = 1024,
  ldmatrix = true, stmatrix = true, cp_async = true, mma_f16 = true, mma_bf16 = true, mma_tf32 = true,
  mbarrier_tx = true, clusters = true, tma = true,
  wgmma = true, setmaxnreg = true>
// Blackwell: B200, GB200. [CC] column 10.0; [PTX] 8.6 adds sm_100.
// Shared memory: 227 KB a block, 228 KB a multiprocessor.
#sm_100 = #kernel.target<"sm_100", gpu, triple = "nvptx64-nvidia-cuda", chip = "sm_100",
  compute_capability = 100, ptx_version = 86,
  shared_memory_bytes_per_block = 232448, shared_memory_bytes_per_sm = 233472,
  registers_per_sm = 65536, registers_per_thread = 255,
  threads_per_sm = 2048, threads_per_block = 1024,
  ldmatrix = true, stmatrix = true, cp_async = true, mma_f16 = true, mma_bf16 = true, mma_tf32 = true,
  mbarrier_tx = true, clusters = true, tma = true>
// Blackwell: B300, GB300. [CC] column 10.3; [PTX] 8.8 adds sm_103.
// Shared memory: 227 KB a block, 228 KB a multiprocessor.
#sm_103 = #kernel.target<"sm_103", gpu, triple = "nvptx64-nvidia-cuda", chip = "sm_103",
  compute_capability = 103, ptx_version = 88,
  shared_memory_bytes_per_block = 232448, shared_memory_bytes_per_sm = 233472,
  registers_per_sm = 65536, registers_per_thread = 255,
  threads_per_sm = 2048, threads_per_block = 1024,
  ldmatrix = true, stmatrix = true, cp_async = true, mma_f16 = true, mma_bf16 = true, mma_tf32 = true,
  mbarrier_tx = true, clusters = true, tma = true>
// Blackwell: RTX 50, RTX PRO. [CC] column 12.0; [PTX] 8.7 adds sm_120.
// Shared memory: 99 KB a block, 100 KB a multiprocessor.
#sm_120 = #kernel.target<"sm_120", gpu, triple = "nvptx64-nvidia-cuda", chip = "sm_120",
  compute_capability = 120, ptx_version = 87,
  shared_memory_bytes_per_block = 101376, shared_memory_bytes_per_sm = 102400,
  registers_per_sm = 65536, registers_per_thread = 255,
  threads_per_sm = 1536, threads_per_block = 1024,
  ldmatrix = true, stmatrix = true, cp_async = true, mma_f16 = true, mma_bf16 = true, mma_tf32 = true,
  mbarrier_tx = true, clusters = true, tma = true>
// Blackwell: GB10. [CC] column 12.1; [PTX] 8.8 adds sm_121.
// Shared memory: 99 KB a block, 100 KB a multiprocessor.
#sm_121 = #kernel.target<"sm_121", gpu, triple = "nvptx64-nvidia-cuda", chip = "sm_121",
  compute_capability = 121, ptx_version = 88,
  shared_memory_bytes_per_block = 101376, shared_memory_bytes_per_sm = 102400,
  registers_per_sm = 65536, registers_per_thread = 255,
  threads_per_sm = 1536, threads_per_block = 1024,
  ldmatrix = true, stmatrix = true, cp_async = true, mma_f16 = true, mma_bf16 = true, mma_tf32 = true,
  mbarrier_tx = true, clusters = true, tma = true>

module attributes {kernel.targets = [
  #x86_64, #x86_64_v2, #x86_64_v3, #x86_64_v4, #aarch64, #sm_80, #sm_86,
  #sm_87, #sm_89, #sm_90, #sm_90a, #sm_100, #sm_103, #sm_120, #sm_121
]} {}
