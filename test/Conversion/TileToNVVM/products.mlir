// If this fails, products no longer become one mma.sync for 16 x 8 x 16 with right
// operands from one ldmatrix each, or the state goes through memory.
// RUN: deltanet-opt %s --convert-tile-to-nvvm --canonicalize --cse | FileCheck %s

#acc = #tile.acc<warps = [4, 1]>
gpu.module @kernels {
  // A left operand in registers: 4 x (1 ldmatrix, 2 mma.sync), nothing else.
  // CHECK-LABEL: gpu.func @registers
  // CHECK-COUNT-4: nvvm.ldmatrix {{.*}} {eltType = #nvvm.ld_st_matrix_elt_type<b16>, layout = #nvvm.mma_layout<row>, num = 4 : i32, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>}
  // CHECK-NOT: nvvm.ldmatrix
  // CHECK: gpu.return
  gpu.func @registers(%a: tensor<64x64xbf16, #acc>, %c: tensor<64x16xf32, #acc>) -> tensor<64x16xf32, #acc> {
    %b = tile.alloc at 0 : !tile.buffer<16x64xbf16, pad = 8>
    %d = tile.mma %a, %b, %c transpose_rhs : tensor<64x64xbf16, #acc>, !tile.buffer<16x64xbf16, pad = 8> -> tensor<64x16xf32, #acc>
    gpu.return %d : tensor<64x16xf32, #acc>
  }

  // CHECK-LABEL: gpu.func @shared
  // CHECK: nvvm.ldmatrix {{.*}} layout = #nvvm.mma_layout<row>, num = 4
  // CHECK: nvvm.ldmatrix {{.*}} layout = #nvvm.mma_layout<col>, num = 4
  // CHECK: nvvm.mma.sync A[{{.*}}] B[{{.*}}] C[{{.*}}] {{.*}} shape = #nvvm.shape<m = 16, n = 8, k = 16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
  // CHECK: nvvm.mma.sync
  // CHECK-NOT: nvvm.mma.sync
  gpu.func @shared(%c: tensor<64x16xf32, #acc>) -> tensor<64x16xf32, #acc> {
    %a = tile.alloc at 0 : !tile.buffer<64x16xbf16, pad = 8>
    %b = tile.alloc at 4096 : !tile.buffer<16x16xbf16, pad = 8>
    %d = tile.mma %a, %b, %c : !tile.buffer<64x16xbf16, pad = 8>, !tile.buffer<16x16xbf16, pad = 8> -> tensor<64x16xf32, #acc>
    gpu.return %d : tensor<64x16xf32, #acc>
  }

  // f32 from registers: columns 2t and 2t + 1 of the accumulator are a0 (a1) and
  // a2 (a3) of the instruction; three products, the small ones first. They are summed up
  // by themselves and added to what was there by an addition that rounds to nearest.
  // CHECK-LABEL: gpu.func @tf32x3
  // CHECK-SAME: (%[[A:.*]]: f32, %[[B:.*]]: f32, %[[C:.*]]: f32, %[[D:.*]]: f32, %{{.*}}: f32, %{{.*}}: f32, %{{.*}}: f32, %{{.*}}: f32)
  // CHECK: %[[A0:.*]] = llvm.call_intrinsic "llvm.nvvm.f2tf32.rna"(%[[A]])
  // CHECK: %[[BACK:.*]] = llvm.bitcast %[[A0]] : i32 to f32
  // CHECK: %[[REST:.*]] = arith.subf %[[A]], %[[BACK]]
  // CHECK: %[[L0:.*]] = llvm.call_intrinsic "llvm.nvvm.f2tf32.rna"(%[[REST]])
  // CHECK: %[[A1:.*]] = llvm.call_intrinsic "llvm.nvvm.f2tf32.rna"(%[[C]])
  // CHECK: %[[A2:.*]] = llvm.call_intrinsic "llvm.nvvm.f2tf32.rna"(%[[B]])
  // CHECK: %[[A3:.*]] = llvm.call_intrinsic "llvm.nvvm.f2tf32.rna"(%[[D]])
  // CHECK: llvm.load {{.*}} -> vector<2xf32>
  // CHECK: nvvm.mma.sync A[%[[L0]], {{.*}} shape = #nvvm.shape<m = 16, n = 8, k = 8>
  // CHECK: nvvm.mma.sync A[%[[A0]], %[[A1]], %[[A2]], %[[A3]]]
  // CHECK: nvvm.mma.sync A[%[[A0]], %[[A1]], %[[A2]], %[[A3]]]
  // CHECK-NOT: nvvm.mma.sync
  // CHECK-COUNT-4: arith.addf
  gpu.func @tf32x3(%a: tensor<64x8xf32, #acc>, %c: tensor<64x8xf32, #acc>) -> tensor<64x8xf32, #acc> {
    %b = tile.alloc at 0 : !tile.buffer<8x8xf32>
    %d = tile.mma %a, %b, %c transpose_rhs precision tf32x3 : tensor<64x8xf32, #acc>, !tile.buffer<8x8xf32> -> tensor<64x8xf32, #acc>
    gpu.return %d : tensor<64x8xf32, #acc>
  }

  // A product that starts from zero needs no addition.
  // CHECK-LABEL: gpu.func @tf32x3_zero
  // CHECK-COUNT-3: nvvm.mma.sync
  // CHECK-NOT: arith.addf
  // CHECK: gpu.return
  gpu.func @tf32x3_zero(%a: tensor<64x8xf32, #acc>) -> tensor<64x8xf32, #acc> {
    %c = arith.constant dense<0.0> : tensor<64x8xf32, #acc>
    %b = tile.alloc at 0 : !tile.buffer<8x8xf32>
    %d = tile.mma %a, %b, %c transpose_rhs precision tf32x3 : tensor<64x8xf32, #acc>, !tile.buffer<8x8xf32> -> tensor<64x8xf32, #acc>
    gpu.return %d : tensor<64x8xf32, #acc>
  }

  // Stored k x n, half of the lanes read the second of their two rows first, so that
  // no two lanes meet in a bank.
  // CHECK-LABEL: gpu.func @tf32_turned
  // CHECK: %[[SWAP:.*]] = arith.cmpi sgt, %{{.*}}, %c1_i32
  // CHECK: %[[X:.*]] = llvm.load %{{.*}} -> f32
  // CHECK: %[[Y:.*]] = llvm.load %{{.*}} -> f32
  // CHECK: arith.select %[[SWAP]], %[[Y]], %[[X]]
  // CHECK: arith.select %[[SWAP]], %[[X]], %[[Y]]
  // CHECK-COUNT-1: nvvm.mma.sync
  // CHECK-NOT: nvvm.mma.sync
  gpu.func @tf32_turned(%a: tensor<64x8xf32, #acc>, %c: tensor<64x8xf32, #acc>) -> tensor<64x8xf32, #acc> {
    %b = tile.alloc at 0 : !tile.buffer<8x8xf32>
    %d = tile.mma %a, %b, %c precision tf32 : tensor<64x8xf32, #acc>, !tile.buffer<8x8xf32> -> tensor<64x8xf32, #acc>
    gpu.return %d : tensor<64x8xf32, #acc>
  }

  // Two diagonal blocks by one warp; then one merge of two products in tf32 for the
  // block below them: 2 x 2 x 2 instructions.
  // CHECK-LABEL: gpu.func @inverse
  // CHECK: scf.if
  // CHECK-COUNT-120: llvm.intr.fma
  // CHECK-NOT: llvm.intr.fma
  // CHECK: nvvm.bar.warp.sync
  // CHECK: gpu.barrier
  // CHECK-COUNT-8: shape = #nvvm.shape<m = 16, n = 8, k = 8>
  // CHECK-NOT: nvvm.mma.sync
  // CHECK-COUNT-4: movmatrix
  gpu.func @inverse() kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %l = tile.alloc at 0 : !tile.buffer<32x32xf32, pad = 8>
    %x = tile.alloc at 8192 : !tile.buffer<32x32xbf16, pad = 8>
    tile.unit_lower_inverse %l, %x : !tile.buffer<32x32xf32, pad = 8>, !tile.buffer<32x32xbf16, pad = 8>
    gpu.return
  }

  // One warp is enough and needs no barrier of all; an f32 result is merged in
  // tf32x3.
  // CHECK-LABEL: gpu.func @inverse_f32
  // CHECK-NOT: gpu.barrier
  // CHECK-COUNT-24: shape = #nvvm.shape<m = 16, n = 8, k = 8>
  // CHECK-NOT: nvvm.mma.sync
  // CHECK-NOT: gpu.barrier
  // CHECK: gpu.return
  gpu.func @inverse_f32() kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %l = tile.alloc at 0 : !tile.buffer<32x32xf32, pad = 8>
    %x = tile.alloc at 8192 : !tile.buffer<32x32xf32, pad = 8>
    tile.unit_lower_inverse %l, %x : !tile.buffer<32x32xf32, pad = 8>, !tile.buffer<32x32xf32, pad = 8>
    gpu.return
  }
}
