// If this fails, products and copies under way, tensor maps or swizzled buffers do
// not survive being printed and read again, as text or as bytecode.
// RUN: deltanet-opt %s --verify-roundtrip | FileCheck %s

#acc = #tile.acc<warps = [4, 1]>
!tokens = !tile.buffer<64x128xbf16, swizzle = 128>
!square = !tile.buffer<64x64xbf16, swizzle = 128>
!ks = !tile.channel<2, <64x128xbf16, swizzle = 128>>
gpu.module @kernels {
  // CHECK-LABEL: gpu.func @products
  // CHECK-SAME: %[[MAP:.*]]: !tile.map<4 x bf16>,
  gpu.func @products(%map: !tile.map<4 x bf16>, %i: index, %S: tensor<64x128xf32, #acc>) kernel
      attributes {known_block_size = array<i32: 288, 1, 1>} {
    %ks = tile.channel : !ks
    // CHECK: tile.alloc : !tile.ring<2, 64x64xbf16, swizzle = 128>
    %os = tile.alloc : !tile.ring<2, 64x64xbf16, swizzle = 128>
    // CHECK: tile.roles math(warps = 4, copies = 2, registers = 168) {
    tile.roles math(warps = 4, copies = 2, registers = 168) {
      // CHECK: %[[W:.*]] = tile.role_copy
      %w = tile.role_copy
      %k = tile.wait_slot %ks[%i] : !ks
      %Sb = arith.truncf %S : tensor<64x128xf32, #acc> to tensor<64x128xbf16, #acc>
      // CHECK: %[[X:.*]] = tile.mma_async %{{.*}}, %{{.*}} transpose_rhs negate : tensor<64x128xbf16, {{.*}}>, <64x128xbf16, swizzle = 128> -> <tensor<64x64xf32, #tile.acc<warps = [4, 1]>>>
      %x0 = tile.mma_async %Sb, %k transpose_rhs negate : tensor<64x128xbf16, #acc>, !tokens -> !tile.pending<tensor<64x64xf32, #acc>>
      // CHECK: %[[Y:.*]] = tile.mma_async {{.*}} transpose_rhs init(%[[X]] : !tile.pending<tensor<64x64xf32, #tile.acc<warps = [4, 1]>>>)
      %x1 = tile.mma_async %k, %k transpose_rhs init(%x0 : !tile.pending<tensor<64x64xf32, #acc>>) : !tokens, !tokens -> !tile.pending<tensor<64x64xf32, #acc>>
      // CHECK: tile.mma_wait %[[Y]] : <tensor<64x64xf32, #tile.acc<warps = [4, 1]>>> -> tensor<64x64xf32
      %x = tile.mma_wait %x1 : !tile.pending<tensor<64x64xf32, #acc>> -> tensor<64x64xf32, #acc>
      // CHECK: tile.panel %{{.*}}[%[[W]]] : <64x128xbf16, swizzle = 128> -> <64x64xbf16, swizzle = 128>
      %half = tile.panel %k[%w] : !tokens -> !square
      // CHECK: tile.mma_async {{.*}} transpose_lhs : !tile.buffer<64x64xbf16, swizzle = 128>, <64x128xbf16, swizzle = 128> -> <tensor<64x128xf32
      %s0 = tile.mma_async %half, %k transpose_lhs : !square, !tokens -> !tile.pending<tensor<64x128xf32, #acc>>
      %s = tile.mma_wait %s0 : !tile.pending<tensor<64x128xf32, #acc>> -> tensor<64x128xf32, #acc>
      tile.release %ks[%i] : !ks
      // CHECK: tile.tma_wait pending 0
      tile.tma_wait pending 0
      %o = tile.slot %os[%w] : !tile.ring<2, 64x64xbf16, swizzle = 128> -> !square
      %xb = arith.truncf %x : tensor<64x64xf32, #acc> to tensor<64x64xbf16, #acc>
      // CHECK: tile.store_matrix %{{.*}}, %{{.*}} transpose : tensor<64x64xbf16, {{.*}}>, <64x64xbf16, swizzle = 128>
      tile.store_matrix %xb, %o transpose : tensor<64x64xbf16, #acc>, !square
      // CHECK: tile.fence_async
      tile.fence_async
      // CHECK: tile.tma_store %{{.*}}, %[[MAP]][%[[W]], %{{.*}}, %{{.*}}, %{{.*}}] : <64x64xbf16, swizzle = 128>, <4 x bf16>
      tile.tma_store %o, %map[%w, %i, %i, %i] : !square, !tile.map<4 x bf16>
    }, load(warps = 1) {
      %k = tile.acquire %ks[%i] : !ks
      // CHECK: tile.tma_load %[[MAP]][%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}] to %{{.*}} : <4 x bf16>, <64x128xbf16, swizzle = 128>
      tile.tma_load %map[%i, %i, %i, %i] to %k : !tile.map<4 x bf16>, !tokens
      tile.commit_slot %ks[%i] : !ks
    }
    gpu.return
  }

  // CHECK-LABEL: gpu.func @inverse
  gpu.func @inverse(%l: !tile.buffer<64x64xf32, pad = 8>, %t: !square, %s: !tile.buffer<1x64xf32>) {
    // CHECK: tile.unit_lower_inverse %{{.*}}, %{{.*}} scale %{{.*}} : <64x64xf32, pad = 8>, <64x64xbf16, swizzle = 128>, !tile.buffer<1x64xf32>
    tile.unit_lower_inverse %l, %t scale %s : !tile.buffer<64x64xf32, pad = 8>, !square, !tile.buffer<1x64xf32>
    gpu.return
  }
}
