// If this fails, work in registers costs more instructions than it must, or
// calls a library of device functions.
// RUN: deltanet-opt %s --convert-tile-to-nvvm --canonicalize --cse | FileCheck %s

#acc = #tile.acc<warps = [4, 1]>
#columns = #tile.slice<0 of <warps = [4, 1]>>
gpu.module @kernels {
  // Two elements are rounded at a time.
  // CHECK-LABEL: gpu.func @round
  // CHECK-SAME: (%[[A:.*]]: f32, %[[B:.*]]: f32, %{{.*}}: f32, %{{.*}}: f32) -> (i32, i32)
  // CHECK: llvm.call_intrinsic "llvm.nvvm.ff2bf16x2.rn"(%[[B]], %[[A]])
  // CHECK: llvm.call_intrinsic "llvm.nvvm.ff2bf16x2.rn"
  // CHECK-NOT: llvm.call_intrinsic
  gpu.func @round(%x: tensor<64x8xf32, #acc>) -> tensor<64x8xbf16, #acc> {
    %y = arith.truncf %x : tensor<64x8xf32, #acc> to tensor<64x8xbf16, #acc>
    gpu.return %y : tensor<64x8xbf16, #acc>
  }

  // CHECK-LABEL: gpu.func @exp
  // CHECK: llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz"
  // CHECK-NOT: __nv_
  gpu.func @exp(%x: tensor<32xf32, #tile.lanes>) -> tensor<32xf32, #tile.lanes> {
    %y = math.exp %x : tensor<32xf32, #tile.lanes>
    gpu.return %y : tensor<32xf32, #tile.lanes>
  }

  // Repeating a slice moves nothing: rows l/4 and l/4 + 8 of two columns.
  // CHECK-LABEL: gpu.func @broadcast
  // CHECK-SAME: (%[[A:.*]]: f32, %[[B:.*]]: f32)
  // CHECK-NEXT: gpu.return %[[A]], %[[B]], %[[A]], %[[B]] : f32, f32, f32, f32
  gpu.func @broadcast(%v: tensor<8xf32, #columns>) -> tensor<64x8xf32, #acc> {
    %w = tile.broadcast %v : tensor<8xf32, #columns> -> tensor<64x8xf32, #acc>
    gpu.return %w : tensor<64x8xf32, #acc>
  }

  // Five doublings over 32 lanes.
  // CHECK-LABEL: gpu.func @cumsum
  // CHECK-COUNT-6: nvvm.shfl.sync up
  // CHECK-NOT: nvvm.shfl.sync
  gpu.func @cumsum(%v: tensor<64xf32, #tile.lanes>) -> tensor<64xf32, #tile.lanes> {
    %w = tile.cumsum %v : tensor<64xf32, #tile.lanes>
    gpu.return %w : tensor<64xf32, #tile.lanes>
  }

  // 16 elements: every one in two lanes, four doublings of indexed shuffles.
  // CHECK-LABEL: gpu.func @cumsum_short
  // CHECK-COUNT-5: nvvm.shfl.sync idx
  // CHECK-NOT: nvvm.shfl.sync
  gpu.func @cumsum_short(%v: tensor<16xf32, #tile.lanes>) -> tensor<16xf32, #tile.lanes> {
    %w = tile.cumsum %v : tensor<16xf32, #tile.lanes>
    gpu.return %w : tensor<16xf32, #tile.lanes>
  }

  // Down the rows of a matrix: three doublings over the 8 rows of a block, whose sum
  // the next block of the same column starts from.
  // CHECK-LABEL: gpu.func @cumsum_columns
  // CHECK-COUNT-3: nvvm.shfl.sync up
  // CHECK: %[[SUM:.*]] = nvvm.shfl.sync idx
  // CHECK-COUNT-3: nvvm.shfl.sync up
  // CHECK: arith.addf %{{.*}}, %[[SUM]]
  // CHECK-COUNT-3: nvvm.shfl.sync up
  gpu.func @cumsum_columns(%v: tensor<16x8xf32, #tile.acc<warps = [1, 1]>>) -> tensor<16x8xf32, #tile.acc<warps = [1, 1]>> {
    %w = tile.cumsum %v : tensor<16x8xf32, #tile.acc<warps = [1, 1]>>
    gpu.return %w : tensor<16x8xf32, #tile.acc<warps = [1, 1]>>
  }

  // With what rounding takes: of each addition exactly, (x - (s - (s - x))) + (y - (s - x)).
  // CHECK-LABEL: gpu.func @cumsum_rest
  // CHECK-SAME: (%[[X:.*]]: f32, %[[Y:.*]]: f32)
  // CHECK: %[[S:.*]] = arith.addf %[[X]], %[[Y]]
  // CHECK-NEXT: %[[FROM:.*]] = arith.subf %[[S]], %[[X]]
  // CHECK-NEXT: %[[BACK:.*]] = arith.subf %[[S]], %[[FROM]]
  // CHECK-NEXT: %[[LX:.*]] = arith.subf %[[X]], %[[BACK]]
  // CHECK-NEXT: %[[LY:.*]] = arith.subf %[[Y]], %[[FROM]]
  // CHECK-NEXT: %[[LOST:.*]] = arith.addf %[[LX]], %[[LY]]
  // CHECK: nvvm.shfl.sync up %{{.*}}, %[[S]]
  // CHECK: nvvm.shfl.sync up
  // CHECK: gpu.return %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : f32, f32, f32, f32
  gpu.func @cumsum_rest(%v: tensor<64xf32, #tile.lanes>) -> (tensor<64xf32, #tile.lanes>, tensor<64xf32, #tile.lanes>) {
    %w, %r = tile.cumsum %v : tensor<64xf32, #tile.lanes>, tensor<64xf32, #tile.lanes>
    gpu.return %w, %r : tensor<64xf32, #tile.lanes>, tensor<64xf32, #tile.lanes>
  }

  // bf16 of a buffer becomes f32: two of a lane in one access, or one of them.
  // CHECK-LABEL: gpu.func @load_narrow
  // CHECK: %[[PAIR:.*]] = llvm.load %{{.*}} : !llvm.ptr<3> -> i32
  // CHECK: arith.shli %[[PAIR]]
  // CHECK: arith.andi %[[PAIR]]
  // CHECK: %[[HALF:.*]] = llvm.load %{{.*}} : !llvm.ptr<3> -> i16
  // CHECK: %[[WORD:.*]] = arith.extui %[[HALF]]
  // CHECK: arith.shli %[[WORD]]
  gpu.func @load_narrow() -> (tensor<64xf32, #tile.lanes>, tensor<32xf32, #tile.lanes>) {
    %a = tile.alloc at 0 : !tile.buffer<1x64xbf16>
    %b = tile.alloc at 128 : !tile.buffer<1x32xbf16>
    %x = tile.load_vector %a : !tile.buffer<1x64xbf16> -> tensor<64xf32, #tile.lanes>
    %y = tile.load_vector %b : !tile.buffer<1x32xbf16> -> tensor<32xf32, #tile.lanes>
    gpu.return %x, %y : tensor<64xf32, #tile.lanes>, tensor<32xf32, #tile.lanes>
  }

  // Along a row: two elements of a thread, four lanes, nothing else.
  // CHECK-LABEL: gpu.func @reduce
  // CHECK-COUNT-4: nvvm.shfl.sync bfly
  // CHECK-NOT: nvvm.shfl.sync
  // CHECK-NOT: gpu.barrier
  gpu.func @reduce(%v: tensor<64x8xf32, #acc>) -> tensor<64xf32, #tile.slice<1 of <warps = [4, 1]>>> {
    %w = tile.reduce add %v along 1 : tensor<64x8xf32, #acc> -> tensor<64xf32, #tile.slice<1 of <warps = [4, 1]>>>
    gpu.return %w : tensor<64xf32, #tile.slice<1 of <warps = [4, 1]>>>
  }

  // Over warps: one lane of four stores its row's part, all read the four parts.
  // CHECK-LABEL: gpu.func @reduce_warps
  // CHECK-COUNT-6: nvvm.shfl.sync bfly
  // CHECK: scf.if
  // CHECK-COUNT-2: llvm.store
  // CHECK: gpu.barrier
  // CHECK-COUNT-8: llvm.load
  // CHECK-NOT: llvm.load
  gpu.func @reduce_warps(%v: tensor<64x8xf32, #acc>) -> tensor<8xf32, #columns> {
    %s = tile.alloc at 0 : !tile.buffer<4x8xf32>
    %w = tile.reduce max %v along 0 through %s : tensor<64x8xf32, #acc>, !tile.buffer<4x8xf32> -> tensor<8xf32, #columns>
    gpu.return %w : tensor<8xf32, #columns>
  }
}
