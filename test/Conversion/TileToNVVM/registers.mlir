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
}
