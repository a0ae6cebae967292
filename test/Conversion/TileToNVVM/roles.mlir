// If this fails, a role's warps do another role's work, wait for warps that never
// come, or ask for registers that the block does not have.
// RUN: split-file %s %t
// RUN: deltanet-opt %t/roles.mlir --kernel-set-target=target=sm_80 --convert-tile-to-nvvm --canonicalize --cse | FileCheck %t/roles.mlir
// RUN: deltanet-opt %t/registers.mlir --kernel-set-target=target=sm_90a --convert-tile-to-nvvm --canonicalize --cse | FileCheck %t/registers.mlir
// RUN: deltanet-opt %t/registers.mlir --kernel-set-target=target=sm_90 --convert-tile-to-nvvm --canonicalize --cse | FileCheck %t/registers.mlir --check-prefix=NONE
// RUN: not deltanet-opt %t/too-many.mlir --kernel-set-target=target=sm_90a --convert-tile-to-nvvm 2>&1 | FileCheck %t/too-many.mlir

//--- roles.mlir
#acc = #tile.acc<warps = [4, 1]>
gpu.module @kernels {
  // CHECK-LABEL: gpu.func @roles
  // CHECK: %[[THREAD:.*]] = arith.index_cast %{{.*}} : index to i32
  // CHECK: %[[WARP:.*]] = arith.divui %[[THREAD]], %c32_i32
  // CHECK: %[[SAME:.*]] = nvvm.shfl.sync idx %{{.*}}, %[[WARP]], %c0_i32
  // CHECK: %[[ONE:.*]] = arith.cmpi slt, %[[SAME]], %c1_i32
  // CHECK: scf.if %[[ONE]] {
  // A warp alone waits for its lanes.
  // CHECK: nvvm.bar.warp.sync
  // CHECK: } else {
  // CHECK: %[[FIVE:.*]] = arith.cmpi slt, %[[SAME]], %c5_i32
  // CHECK: scf.if %[[FIVE]] {
  // Threads count from the role's first, 32 of the block; 4 copies each.
  // CHECK: arith.addi %[[THREAD]], %c-32_i32
  // CHECK-COUNT-4: nvvm.cp.async.shared.global
  // CHECK-NOT: nvvm.cp.async.shared.global
  // CHECK: nvvm.barrier id = %c2_i32 number_of_threads = %c128_i32
  // CHECK: } else {
  // CHECK-NOT: scf.if
  // CHECK: nvvm.barrier id = %c3_i32 number_of_threads = %c96_i32
  // CHECK: }
  // CHECK-NOT: gpu.barrier
  gpu.func @roles(%p: !tile.global<bf16>, %at: index, %n: index) kernel
      attributes {known_block_size = array<i32: 256, 1, 1>} {
    %b = tile.alloc at 0 : !tile.buffer<64x64xbf16, pad = 8>
    tile.roles one(warps = 1) {
      tile.barrier
    }, four(warps = 4) {
      tile.copy_async %p[%at] stride %at rows %n to %b : !tile.global<bf16>, !tile.buffer<64x64xbf16, pad = 8>
      tile.commit
      tile.wait pending 0
      tile.barrier
      %x = tile.load_matrix %b : !tile.buffer<64x64xbf16, pad = 8> -> tensor<64x64xbf16, #acc>
    }, three(warps = 3) {
      tile.barrier
    }
    gpu.return
  }
}

//--- registers.mlir
gpu.module @kernels {
  // 384 threads begin with 168 registers each. Roles that share a warp group are one
  // branch until it has its registers.
  // CHECK-LABEL: gpu.func @registers
  // CHECK: %[[MATH:.*]] = arith.cmpi slt, %[[WARP:.*]], %c8_i32
  // CHECK: scf.if %[[MATH]] {
  // CHECK-NEXT: nvvm.setmaxregister increase 208
  // CHECK: } else {
  // CHECK-NEXT: nvvm.setmaxregister decrease 72
  // CHECK-NEXT: %[[LOAD:.*]] = arith.cmpi slt, %[[WARP]], %c9_i32
  // CHECK-NEXT: scf.if %[[LOAD]] {
  // CHECK-NEXT: nvvm.bar.warp.sync
  // CHECK-NEXT: } else {
  // CHECK-NEXT: nvvm.barrier id = %{{.*}} number_of_threads = %c96_i32
  // NONE-LABEL: gpu.func @registers
  // NONE-NOT: setmaxregister
  gpu.func @registers() kernel attributes {known_block_size = array<i32: 384, 1, 1>} {
    tile.roles math(warps = 8, registers = 208) {
      tile.barrier
    }, load(warps = 1, registers = 72) {
      tile.barrier
    }, invert(warps = 3, registers = 72) {
      tile.barrier
    }
    gpu.return
  }
}

//--- too-many.mlir
gpu.module @kernels {
  gpu.func @too_many() kernel attributes {known_block_size = array<i32: 384, 1, 1>} {
    // CHECK: too-many.mlir:[[#@LINE + 1]]:{{[0-9]+}}: error: 'tile.roles' op expects roles to share 64512 registers, 168 for each of 384 threads, got 67584 asked for
    tile.roles math(warps = 8, registers = 224) {
    }, load(warps = 4, registers = 80) {
    }
    gpu.return
  }
}
