// If this fails, registers are written to global memory in pieces smaller than they could be, or at addresses that
// are no multiples of their size, or lanes exchange registers where not all of them are.
// RUN: deltanet-opt %s --split-input-file --convert-tile-to-nvvm | FileCheck %s

// Four tiles side by side: two exchanges, then 16 bytes a lane of a row of its own.
// CHECK-LABEL: gpu.func @rows
// CHECK-COUNT-4: nvvm.shfl.sync bfly
// CHECK: llvm.store {{.*}} : vector<4xi32>
// CHECK-COUNT-4: nvvm.shfl.sync bfly
// CHECK: llvm.store {{.*}} : vector<4xi32>
// CHECK-NOT: llvm.store
// CHECK: gpu.return
!w = tensor<16x32xbf16, #tile.acc<warps = [1, 1]>>
gpu.module @kernels {
  gpu.func @rows(%x: !w, %to: !tile.global<bf16>, %n: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c1 = arith.constant 1 : index
    %c40 = arith.constant 40 : index
    %at = arith.muli %n, %c40 : index
    tile.store %x, %to[%at] strides [%c40, %c1] : !w, !tile.global<bf16>
    gpu.return
  }
}

// -----

// Two tiles: one exchange, 8 bytes. A limit along the other dimension guards the stores, not the exchange.
// CHECK-LABEL: gpu.func @two
// CHECK: nvvm.shfl.sync bfly
// CHECK: scf.if
// CHECK-NOT: shfl
// CHECK: llvm.store {{.*}} : vector<2xi32>
// CHECK: nvvm.shfl.sync bfly
!w = tensor<16x16xbf16, #tile.acc<warps = [1, 1]>>
gpu.module @kernels {
  gpu.func @two(%x: !w, %to: !tile.global<bf16>, %n: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    tile.store %x, %to[%c0] strides [%c16, %c1] below %n along [0] : !w, !tile.global<bf16>
    gpu.return
  }
}

// -----

// Rows of 20 elements: 8 bytes are the most that is sure. No exchange, pairs.
// CHECK-LABEL: gpu.func @unaligned
// CHECK-NOT: shfl
// CHECK-COUNT-4: llvm.store {{.*}} : i32
// CHECK-NOT: llvm.store
// CHECK: gpu.return
!w = tensor<16x16xbf16, #tile.acc<warps = [1, 1]>>
gpu.module @kernels {
  gpu.func @unaligned(%x: !w, %to: !tile.global<bf16>, %n: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c1 = arith.constant 1 : index
    %c20 = arith.constant 20 : index
    %at = arith.muli %n, %c20 : index
    tile.store %x, %to[%at] strides [%c20, %c1] : !w, !tile.global<bf16>
    gpu.return
  }
}

// -----

// So is an offset of which nothing is known.
// CHECK-LABEL: gpu.func @anywhere
// CHECK-NOT: shfl
// CHECK-COUNT-4: llvm.store {{.*}} : i32
!w = tensor<16x16xbf16, #tile.acc<warps = [1, 1]>>
gpu.module @kernels {
  gpu.func @anywhere(%x: !w, %to: !tile.global<bf16>, %n: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    tile.store %x, %to[%n] strides [%c16, %c1] : !w, !tile.global<bf16>
    gpu.return
  }
}

// -----

// Contiguous columns: blocks are transposed first. 32 rows: four below each other.
// CHECK-LABEL: gpu.func @columns
// CHECK-COUNT-4: movmatrix
// CHECK-COUNT-4: nvvm.shfl.sync bfly
// CHECK: llvm.store {{.*}} : vector<4xi32>
// CHECK: gpu.return
!w = tensor<32x8xbf16, #tile.acc<warps = [1, 1]>>
gpu.module @kernels {
  gpu.func @columns(%x: !w, %to: !tile.global<bf16>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c32 = arith.constant 32 : index
    tile.store %x, %to[%c0] strides [%c1, %c32] : !w, !tile.global<bf16>
    gpu.return
  }
}

// -----

// 16 rows: two beside two, and what is left over of them by two.
// CHECK-LABEL: gpu.func @narrow
// CHECK-COUNT-4: movmatrix
// CHECK-COUNT-4: nvvm.shfl.sync bfly
// CHECK: llvm.store {{.*}} : vector<4xi32>
// CHECK-COUNT-2: movmatrix
// CHECK: nvvm.shfl.sync bfly
// CHECK: llvm.store {{.*}} : vector<2xi32>
// CHECK: gpu.return
!w = tensor<16x24xbf16, #tile.acc<warps = [1, 1]>>
gpu.module @kernels {
  gpu.func @narrow(%x: !w, %to: !tile.global<bf16>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    tile.store %x, %to[%c0] strides [%c1, %c16] : !w, !tile.global<bf16>
    gpu.return
  }
}

// -----

// f32: the two neighbours that a lane has.
// CHECK-LABEL: gpu.func @wide
// CHECK-NOT: shfl
// CHECK-COUNT-2: llvm.store {{.*}} : vector<2xf32>
// CHECK-NOT: llvm.store
// CHECK: gpu.return
!w = tensor<16x8xf32, #tile.acc<warps = [1, 1]>>
gpu.module @kernels {
  gpu.func @wide(%x: !w, %to: !tile.global<f32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    tile.store %x, %to[%c0] strides [%c8, %c1] : !w, !tile.global<f32>
    gpu.return
  }
}
