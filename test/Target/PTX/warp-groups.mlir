// If this fails, the delta rule for warp groups is no PTX that ptxas takes, spills, or
// ptxas runs its products one after the other (C7510 to C7514), which doubles the time.
// The kernel is checked and timed on a GPU by tools/deltanet-gpu-check/tiles.
// REQUIRES: ptxas
// RUN: deltanet-opt %src/tools/deltanet-gpu-check/tiles/delta_sm90a.mlir --kernel-set-target=target=sm_90a \
// RUN:   --tile-insert-barriers --canonicalize --cse --tile-plan-shared-memory > %t.mlir
// RUN: FileCheck %s --check-prefix=PLAN < %t.mlir
// RUN: deltanet-opt %t.mlir --tile-to-ptx > %t.ptx
// RUN: FileCheck %s --check-prefix=PTX < %t.ptx
// RUN: ptxas -arch=sm_90a -v %t.ptx -o %t.cubin 2>&1 | FileCheck %s
// CHECK-NOT: C75
// CHECK-NOT: warning
// CHECK: 0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
// CHECK-NOT: C75
// CHECK-NOT: warning
// CHECK: Used 128 registers
// CHECK-NOT: C75

// Barriers: around the staging of the output, and none else.
// PLAN-COUNT-2: tile.barrier
// PLAN-NOT: tile.barrier

// Maps lie in the parameters; each role asks for its registers; products and bulk copies.
// PTX: .param .align 64 .b8 delta_param_0[128]
// PTX: setmaxnreg.inc.sync.aligned.u32
// PTX: wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16
// PTX: cp.async.bulk.tensor.4d.global.shared::cta.bulk_group
// PTX: setmaxnreg.dec.sync.aligned.u32
// PTX: cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes
