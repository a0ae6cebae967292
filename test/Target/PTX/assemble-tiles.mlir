// If this fails, ptxas refuses the code of an operation on tiles for some
// generation, or has to spill registers at sizes as kernels have them. Needs ptxas.
// REQUIRES: ptxas
// RUN: deltanet-opt %s --kernel-set-target=target=sm_80 --tile-insert-barriers --tile-plan-shared-memory --tile-to-ptx > %t.ptx
// RUN: ptxas -arch=sm_80 -v %t.ptx -o %t.sm_80.cubin 2>&1 | FileCheck %s
// RUN: ptxas -arch=sm_90 -v %t.ptx -o %t.sm_90.cubin 2>&1 | FileCheck %s
// RUN: ptxas -arch=sm_120 -v %t.ptx -o %t.sm_120.cubin 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=PTX --input-file=%t.ptx
// CHECK-NOT: warning
// CHECK: 0 bytes spill stores
// CHECK-NOT: {{[1-9][0-9]*}} bytes spill
// PTX-NOT: __nv_

#acc = #tile.acc<warps = [8, 1]>
#grid = #tile.acc<warps = [4, 2]>
!b = !tile.buffer<64x128xbf16, pad = 8>
!g = !tile.buffer<64x128xf32, pad = 8>
gpu.module @kernels {
  // S += V^T K and a read-out of 64 tokens, K = V = 128, f32.
  gpu.func @products_f32(%p: !tile.global<f32>, %out: !tile.global<f32>) kernel
      attributes {known_block_size = array<i32: 256, 1, 1>, tile.launch = {}} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    %c128 = arith.constant 128 : index
    %k = tile.alloc : !tile.buffer<64x128xf32, pad = 8>
    %zero = arith.constant dense<0.0> : tensor<128x128xf32, #acc>
    %narrow = arith.constant dense<0.0> : tensor<128x64xf32, #acc>
    tile.copy_async %p[%c0] stride %c128 rows %c64 to %k : !tile.global<f32>, !tile.buffer<64x128xf32, pad = 8>
    tile.commit
    tile.wait pending 0
    %vT = tile.load_matrix %k transpose : !tile.buffer<64x128xf32, pad = 8> -> tensor<128x64xf32, #acc>
    %s = tile.mma %vT, %k, %zero precision tf32x3 : tensor<128x64xf32, #acc>, !tile.buffer<64x128xf32, pad = 8> -> tensor<128x128xf32, #acc>
    %o = tile.mma %s, %k, %narrow transpose_rhs precision tf32x3 : tensor<128x128xf32, #acc>, !tile.buffer<64x128xf32, pad = 8> -> tensor<128x64xf32, #acc>
    tile.store %s, %out[%c0] strides [%c128, %c1] : tensor<128x128xf32, #acc>, !tile.global<f32>
    tile.store %o, %out[%c0] strides [%c1, %c128] : tensor<128x64xf32, #acc>, !tile.global<f32>
    gpu.return
  }

  // K K^T and Q K^T of 64 tokens with gates per channel, K = 128.
  gpu.func @decays(%p: !tile.global<bf16>, %gates: !tile.global<f32>, %out: !tile.global<f32>) kernel
      attributes {known_block_size = array<i32: 256, 1, 1>, tile.launch = {}} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    %c128 = arith.constant 128 : index
    %k = tile.alloc : !b
    %q = tile.alloc : !b
    %kx = tile.alloc : !b
    %qx = tile.alloc : !b
    %ky = tile.alloc : !b
    %g = tile.alloc : !g
    tile.copy_async %p[%c0] stride %c128 rows %c64 to %k : !tile.global<bf16>, !b
    tile.copy_async %p[%c0] stride %c128 rows %c64 to %q : !tile.global<bf16>, !b
    tile.copy_async %gates[%c0] stride %c128 rows %c64 to %g : !tile.global<f32>, !g
    tile.commit
    tile.wait pending 0
    tile.decay_scale (%k, %q), %g, %k, %g into (%kx, %qx), %ky : (!b, !b), !g, !b, !g, (!b, !b), !b
    %kk, %qk = tile.decay_dot (%k, %q), %g, %k, %g scaled (%kx, %qx), %ky strict [true, false] : (!b, !b), !g, !b, !g, (!b, !b), !b -> tensor<64x64xf32, #grid>, tensor<64x64xf32, #grid>
    tile.store %kk, %out[%c0] strides [%c64, %c1] : tensor<64x64xf32, #grid>, !tile.global<f32>
    tile.store %qk, %out[%c128] strides [%c64, %c1] : tensor<64x64xf32, #grid>, !tile.global<f32>
    gpu.return
  }

  // The inverse of 64 rows in bf16, of 128 in f32.
  gpu.func @inverses(%p: !tile.global<f32>, %out: !tile.global<f32>) kernel
      attributes {known_block_size = array<i32: 256, 1, 1>, tile.launch = {}} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    %c128 = arith.constant 128 : index
    %l = tile.alloc : !tile.buffer<64x64xf32, pad = 8>
    %x = tile.alloc : !tile.buffer<64x64xbf16, pad = 8>
    %wide = tile.alloc : !tile.buffer<128x128xf32, pad = 8>
    %y = tile.alloc : !tile.buffer<128x128xf32, pad = 8>
    tile.copy_async %p[%c0] stride %c64 rows %c64 to %l : !tile.global<f32>, !tile.buffer<64x64xf32, pad = 8>
    tile.copy_async %p[%c0] stride %c128 rows %c128 to %wide : !tile.global<f32>, !tile.buffer<128x128xf32, pad = 8>
    tile.commit
    tile.wait pending 0
    tile.unit_lower_inverse %l, %x : !tile.buffer<64x64xf32, pad = 8>, !tile.buffer<64x64xbf16, pad = 8>
    tile.unit_lower_inverse %wide, %y : !tile.buffer<128x128xf32, pad = 8>, !tile.buffer<128x128xf32, pad = 8>
    %a = tile.load_matrix %x : !tile.buffer<64x64xbf16, pad = 8> -> tensor<64x64xbf16, #grid>
    %b = arith.extf %a : tensor<64x64xbf16, #grid> to tensor<64x64xf32, #grid>
    %c = tile.load_matrix %y : !tile.buffer<128x128xf32, pad = 8> -> tensor<128x128xf32, #acc>
    tile.store %b, %out[%c0] strides [%c64, %c1] : tensor<64x64xf32, #grid>, !tile.global<f32>
    tile.store %c, %out[%c64] strides [%c128, %c1] : tensor<128x128xf32, #acc>, !tile.global<f32>
    gpu.return
  }
}
