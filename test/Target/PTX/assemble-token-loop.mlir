// If this fails, ptxas refuses a token loop for some generation, or has to spill
// registers: then the state does not stay where it should. Needs ptxas; lit lists
// this test as unsupported where there is none.
// REQUIRES: ptxas
// RUN: bash -c 'for name in decode_vk decode_kv decode_vk_t4 decode_channel decode_any mamba1; do \
// RUN:   deltanet-opt %S/../../../tools/deltanet-gpu-check/cases/$name.mlir --linrec-to-ptx=target=sm_80 > %t.ptx || exit 1; \
// RUN:   for arch in sm_80 sm_90 sm_120; do ptxas -arch=$arch -v %t.ptx -o %t.cubin 2>&1 || exit 1; done; done' | FileCheck %s
// CHECK-NOT: warning
// CHECK-COUNT-18: 0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads

// The examples: fused prologues and epilogues, norms among them.
// RUN: bash -c 'for name in kda rwkv7 gated_deltanet gla mamba2 deltaproduct comba; do \
// RUN:   deltanet-opt %S/../../Examples/$name.mlir --linrec-to-ptx="target=sm_80 token-loop" -o /dev/null > %t.ptx || exit 1; \
// RUN:   for arch in sm_80 sm_90 sm_120; do ptxas -arch=$arch -v %t.ptx -o %t.cubin 2>&1 || exit 1; done; done' | FileCheck %s --check-prefix=EXAMPLES
// EXAMPLES-NOT: warning
// EXAMPLES-COUNT-21: 0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
