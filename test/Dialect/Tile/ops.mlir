// If this fails, an operation, type or layout of the tile dialect does not
// survive being printed and read again, as text or as bytecode.
// RUN: deltanet-opt %s --verify-roundtrip | FileCheck %s

#acc = #tile.acc<warps = [8, 1]>
#rows = #tile.slice<1 of <warps = [8, 1]>>
#columns = #tile.slice<0 of <warps = [8, 1]>>

gpu.module @kernels {
  // CHECK-LABEL: gpu.func @copies
  // CHECK-SAME: %[[P:.*]]: !tile.global<bf16>
  gpu.func @copies(%p: !tile.global<bf16>, %at: index, %ld: index, %n: index) kernel {
    // CHECK: tile.alloc : !tile.ring<2, 64x128xbf16, pad = 8>
    %ring = tile.alloc : !tile.ring<2, 64x128xbf16, pad = 8>
    // CHECK: tile.alloc at 128 : !tile.buffer<64x64xbf16>
    %buffer = tile.alloc at 128 : !tile.buffer<64x64xbf16>
    // CHECK: tile.slot %{{.*}}[%{{.*}}] : <2, 64x128xbf16, pad = 8> -> <64x128xbf16, pad = 8>
    %k = tile.slot %ring[%at] : !tile.ring<2, 64x128xbf16, pad = 8> -> !tile.buffer<64x128xbf16, pad = 8>
    // CHECK: tile.copy_async %[[P]][%{{.*}}] stride %{{.*}} rows %{{.*}} to %{{.*}} : <bf16>, <64x128xbf16, pad = 8>
    tile.copy_async %p[%at] stride %ld rows %n to %k : !tile.global<bf16>, !tile.buffer<64x128xbf16, pad = 8>
    // CHECK: tile.commit
    tile.commit
    // CHECK: tile.wait pending 1
    tile.wait pending 1
    // CHECK: tile.barrier
    tile.barrier
    gpu.return
  }

  // CHECK-LABEL: gpu.func @matrices
  gpu.func @matrices(%p: !tile.global<bf16>, %at: index, %ld: index, %n: index) kernel {
    %k = tile.alloc : !tile.buffer<64x128xbf16, pad = 8>
    %c1 = arith.constant 1 : index
    %zero = arith.constant dense<0.0> : tensor<128x64xf32, #acc>
    // CHECK: tile.load_matrix %{{.*}} transpose : <64x128xbf16, pad = 8> -> tensor<128x64xbf16, #tile.acc<warps = [8, 1]>>
    %kT = tile.load_matrix %k transpose : !tile.buffer<64x128xbf16, pad = 8> -> tensor<128x64xbf16, #acc>
    // CHECK: tile.mma %{{.*}}, %{{.*}}, %{{.*}} : tensor<128x64xbf16, #tile.acc<warps = [8, 1]>>, <64x128xbf16, pad = 8> -> tensor<128x128xf32
    %wide = arith.constant dense<0.0> : tensor<128x128xf32, #acc>
    %s = tile.mma %kT, %k, %wide : tensor<128x64xbf16, #acc>, !tile.buffer<64x128xbf16, pad = 8> -> tensor<128x128xf32, #acc>
    %sb = arith.truncf %s : tensor<128x128xf32, #acc> to tensor<128x128xbf16, #acc>
    // CHECK: tile.mma {{.*}} transpose_rhs : {{.*}} -> tensor<128x64xf32
    %x = tile.mma %sb, %k, %zero transpose_rhs : tensor<128x128xbf16, #acc>, !tile.buffer<64x128xbf16, pad = 8> -> tensor<128x64xf32, #acc>
    %xb = arith.truncf %x : tensor<128x64xf32, #acc> to tensor<128x64xbf16, #acc>
    // CHECK: tile.store %{{.*}}, %{{.*}}[%{{.*}}] strides[%{{.*}}, %{{.*}}] below %{{.*}} along [1]
    tile.store %xb, %p[%at] strides [%c1, %ld] below %n along [1] : tensor<128x64xbf16, #acc>, !tile.global<bf16>
    gpu.return
  }

  // CHECK-LABEL: gpu.func @f32
  gpu.func @f32(%x: tensor<128x64xf32, #acc>) kernel {
    %k = tile.alloc : !tile.buffer<64x128xf32, pad = 8>
    %wide = arith.constant dense<0.0> : tensor<128x128xf32, #acc>
    // CHECK: tile.load_matrix %{{.*}} transpose : <64x128xf32, pad = 8> -> tensor<128x64xf32
    %kT = tile.load_matrix %k transpose : !tile.buffer<64x128xf32, pad = 8> -> tensor<128x64xf32, #acc>
    // CHECK: tile.mma %{{.*}}, %{{.*}}, %{{.*}} precision tf32 : tensor<128x64xf32
    %s = tile.mma %kT, %k, %wide precision tf32 : tensor<128x64xf32, #acc>, !tile.buffer<64x128xf32, pad = 8> -> tensor<128x128xf32, #acc>
    // CHECK: tile.mma %{{.*}}, %{{.*}}, %{{.*}} transpose_lhs precision tf32x3 : !tile.buffer<64x128xf32, pad = 8>
    %t = tile.mma %k, %k, %s transpose_lhs precision tf32x3 : !tile.buffer<64x128xf32, pad = 8>, !tile.buffer<64x128xf32, pad = 8> -> tensor<128x128xf32, #acc>
    gpu.return
  }

  // CHECK-LABEL: gpu.func @decay
  gpu.func @decay() kernel {
    %k = tile.alloc : !tile.buffer<32x128xbf16, pad = 8>
    %q = tile.alloc : !tile.buffer<32x128xbf16, pad = 8>
    %kx = tile.alloc : !tile.buffer<32x128xbf16, pad = 8>
    %qx = tile.alloc : !tile.buffer<32x128xbf16, pad = 8>
    %ky = tile.alloc : !tile.buffer<32x128xbf16, pad = 8>
    %g = tile.alloc : !tile.buffer<32x128xf32, pad = 8>
    // CHECK: tile.decay_scale(%{{.*}}, %{{.*}}), %{{.*}}, %{{.*}}, %{{.*}} into(%{{.*}}, %{{.*}}), %{{.*}} : (!tile.buffer<32x128xbf16, pad = 8>, !tile.buffer<32x128xbf16, pad = 8>), !tile.buffer<32x128xf32, pad = 8>
    tile.decay_scale (%k, %q), %g, %k, %g into (%kx, %qx), %ky : (!tile.buffer<32x128xbf16, pad = 8>, !tile.buffer<32x128xbf16, pad = 8>), !tile.buffer<32x128xf32, pad = 8>, !tile.buffer<32x128xbf16, pad = 8>, !tile.buffer<32x128xf32, pad = 8>, (!tile.buffer<32x128xbf16, pad = 8>, !tile.buffer<32x128xbf16, pad = 8>), !tile.buffer<32x128xbf16, pad = 8>
    // CHECK: tile.decay_dot(%{{.*}}, %{{.*}}), %{{.*}}, %{{.*}}, %{{.*}} scaled(%{{.*}}, %{{.*}}), %{{.*}} strict [true, false] bounded
    %kk, %qk = tile.decay_dot (%k, %q), %g, %k, %g scaled (%kx, %qx), %ky strict [true, false] bounded : (!tile.buffer<32x128xbf16, pad = 8>, !tile.buffer<32x128xbf16, pad = 8>), !tile.buffer<32x128xf32, pad = 8>, !tile.buffer<32x128xbf16, pad = 8>, !tile.buffer<32x128xf32, pad = 8>, (!tile.buffer<32x128xbf16, pad = 8>, !tile.buffer<32x128xbf16, pad = 8>), !tile.buffer<32x128xbf16, pad = 8> -> tensor<32x32xf32, #tile.acc<warps = [2, 4]>>, tensor<32x32xf32, #tile.acc<warps = [2, 4]>>
    %gr = tile.alloc : !tile.buffer<32x128xbf16, pad = 8>
    %kr = tile.alloc : !tile.buffer<32x128xbf16, pad = 8>
    %yr = tile.alloc : !tile.buffer<32x128xbf16, pad = 8>
    // CHECK: tile.decay_scale(%{{.*}}), %{{.*}}, %{{.*}}, %{{.*}} rest(%{{.*}}, %{{.*}} : !tile.buffer<32x128xbf16, pad = 8>, !tile.buffer<32x128xbf16, pad = 8>) into(%{{.*}}), %{{.*}} remainders(%{{.*}}, %{{.*}} : !tile.buffer<32x128xbf16, pad = 8>, !tile.buffer<32x128xbf16, pad = 8>) :
    tile.decay_scale (%k), %g, %k, %g rest (%gr, %gr : !tile.buffer<32x128xbf16, pad = 8>, !tile.buffer<32x128xbf16, pad = 8>) into (%kx), %ky remainders (%kr, %yr : !tile.buffer<32x128xbf16, pad = 8>, !tile.buffer<32x128xbf16, pad = 8>) : (!tile.buffer<32x128xbf16, pad = 8>), !tile.buffer<32x128xf32, pad = 8>, !tile.buffer<32x128xbf16, pad = 8>, !tile.buffer<32x128xf32, pad = 8>, (!tile.buffer<32x128xbf16, pad = 8>), !tile.buffer<32x128xbf16, pad = 8>
    // CHECK: tile.decay_dot(%{{.*}}), %{{.*}}, %{{.*}}, %{{.*}} rest(%{{.*}}, %{{.*}} : {{.*}}) scaled(%{{.*}}), %{{.*}} remainders(%{{.*}}, %{{.*}} : {{.*}}) strict [true] :
    %more = tile.decay_dot (%k), %g, %k, %g rest (%gr, %gr : !tile.buffer<32x128xbf16, pad = 8>, !tile.buffer<32x128xbf16, pad = 8>) scaled (%kx), %ky remainders (%kr, %yr : !tile.buffer<32x128xbf16, pad = 8>, !tile.buffer<32x128xbf16, pad = 8>) strict [true] : (!tile.buffer<32x128xbf16, pad = 8>), !tile.buffer<32x128xf32, pad = 8>, !tile.buffer<32x128xbf16, pad = 8>, !tile.buffer<32x128xf32, pad = 8>, (!tile.buffer<32x128xbf16, pad = 8>), !tile.buffer<32x128xbf16, pad = 8> -> tensor<32x32xf32, #tile.acc<warps = [2, 4]>>
    %m = tile.alloc : !tile.buffer<32x32xbf16, pad = 8>
    // CHECK: tile.decay_apply %{{.*}} remainder(%{{.*}} : {{.*}}), %{{.*}}, %{{.*}}, %{{.*}} scaled(%{{.*}}, %{{.*}} : {{.*}}) transpose : !tile.buffer<32x32xbf16, pad = 8>
    %apply = tile.decay_apply %m remainder (%m : !tile.buffer<32x32xbf16, pad = 8>), %k, %g, %g scaled (%kx, %kr : !tile.buffer<32x128xbf16, pad = 8>, !tile.buffer<32x128xbf16, pad = 8>) transpose : !tile.buffer<32x32xbf16, pad = 8>, !tile.buffer<32x128xbf16, pad = 8>, !tile.buffer<32x128xf32, pad = 8>, !tile.buffer<32x128xf32, pad = 8> -> tensor<32x128xf32, #tile.acc<warps = [2, 4]>>
    // CHECK: tile.decay_apply %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} rest(%{{.*}}, %{{.*}} : {{.*}}) :
    %exact = tile.decay_apply %m, %k, %g, %g rest (%gr, %gr : !tile.buffer<32x128xbf16, pad = 8>, !tile.buffer<32x128xbf16, pad = 8>) : !tile.buffer<32x32xbf16, pad = 8>, !tile.buffer<32x128xbf16, pad = 8>, !tile.buffer<32x128xf32, pad = 8>, !tile.buffer<32x128xf32, pad = 8> -> tensor<32x128xf32, #tile.acc<warps = [2, 4]>>
    // CHECK: tile.row_dots %{{.*}}, %{{.*}} : tensor<32x128xbf16, #tile.acc<warps = [1, 4]>> -> tensor<32x32xf32, #tile.acc<warps = [1, 4]>>
    %rows = tile.load_matrix %k : !tile.buffer<32x128xbf16, pad = 8> -> tensor<32x128xbf16, #tile.acc<warps = [1, 4]>>
    %dots = tile.row_dots %rows, %rows : tensor<32x128xbf16, #tile.acc<warps = [1, 4]>> -> tensor<32x32xf32, #tile.acc<warps = [1, 4]>>
    gpu.return
  }

  // CHECK-LABEL: gpu.func @vectors
  gpu.func @vectors(%p: !tile.global<f32>, %at: index, %ld: index, %n: index) kernel {
    // CHECK: tile.load %{{.*}}[%{{.*}}] strides[%{{.*}}] below %{{.*}} along [0] : <f32> -> tensor<64xf32, #tile.lanes>
    %la = tile.load %p[%at] strides [%ld] below %n along [0] : !tile.global<f32> -> tensor<64xf32, #tile.lanes>
    // CHECK: tile.load %{{.*}}[%{{.*}}] strides[%{{.*}}, %{{.*}}] below %{{.*}}, %{{.*}} along [0, 1] : <f32>
    %m = tile.load %p[%at] strides [%ld, %at] below %n, %at along [0, 1] : !tile.global<f32> -> tensor<128x64xf32, #acc>
    %rows = tile.alloc : !tile.buffer<32x64xf32, pad = 8>
    // CHECK: tile.copy_async %{{.*}}[%{{.*}}] stride %{{.*}} rows %{{.*}} columns 40 to %{{.*}} : <f32>, <32x64xf32, pad = 8>
    tile.copy_async %p[%at] stride %ld rows %n columns 40 to %rows : !tile.global<f32>, !tile.buffer<32x64xf32, pad = 8>
    // CHECK: tile.row %{{.*}}[31] : <32x64xf32, pad = 8> -> <1x64xf32>
    %row = tile.row %rows[31] : !tile.buffer<32x64xf32, pad = 8> -> !tile.buffer<1x64xf32>
    // CHECK: tile.load_element %{{.*}}[3] : <1x64xf32>
    %element = tile.load_element %row[3] : !tile.buffer<1x64xf32>
    // CHECK: tile.load %{{.*}}[%{{.*}}] : <f32> -> f32
    %one = tile.load %p[%at] : !tile.global<f32> -> f32
    // CHECK: tile.step %{{.*}}[1] : tensor<64xf32, #tile.lanes> -> tensor<32xf32, #tile.lanes>
    %second = tile.step %la[1] : tensor<64xf32, #tile.lanes> -> tensor<32xf32, #tile.lanes>
    // CHECK: tile.cumsum %{{.*}} : tensor<64xf32, #tile.lanes>
    %g = tile.cumsum %la : tensor<64xf32, #tile.lanes>
    // CHECK: tile.cumsum %{{.*}} exclusive
    %before = tile.cumsum %la exclusive : tensor<64xf32, #tile.lanes>
    // CHECK: tile.cumsum %{{.*}} : tensor<64xf32, #tile.lanes>, tensor<64xf32, #tile.lanes>
    %sum, %rest = tile.cumsum %la : tensor<64xf32, #tile.lanes>, tensor<64xf32, #tile.lanes>
    // CHECK: tile.extract %{{.*}}[63] : tensor<64xf32, #tile.lanes>
    %last = tile.extract %g[63] : tensor<64xf32, #tile.lanes>
    // CHECK: tile.convert %{{.*}} : tensor<64xf32, #tile.lanes> -> tensor<64xf32, #tile.slice<0 of <warps = [8, 1]>>>
    %gc = tile.convert %g : tensor<64xf32, #tile.lanes> -> tensor<64xf32, #columns>
    // CHECK: tile.broadcast %{{.*}} : tensor<64xf32, #tile.slice<0 of <warps = [8, 1]>>> -> tensor<128x64xf32, #tile.acc<warps = [8, 1]>>
    %wide = tile.broadcast %gc : tensor<64xf32, #columns> -> tensor<128x64xf32, #acc>
    // CHECK: tile.broadcast %{{.*}} : f32 -> tensor<128x64xf32, #tile.acc<warps = [8, 1]>>
    %same = tile.broadcast %last : f32 -> tensor<128x64xf32, #acc>
    // CHECK: tile.coordinate 1 : tensor<128x64xi32, #tile.acc<warps = [8, 1]>>
    %column = tile.coordinate 1 : tensor<128x64xi32, #acc>
    %shared = tile.alloc : !tile.buffer<1x64xf32>
    // CHECK: tile.store_vector %{{.*}}, %{{.*}} : tensor<64xf32, #tile.lanes>, <1x64xf32>
    tile.store_vector %g, %shared : tensor<64xf32, #tile.lanes>, !tile.buffer<1x64xf32>
    // CHECK: tile.load_vector %{{.*}} : <1x64xf32> -> tensor<64xf32, #tile.slice<0 of <warps = [8, 1]>>>
    %again = tile.load_vector %shared : !tile.buffer<1x64xf32> -> tensor<64xf32, #columns>
    gpu.return
  }

  // CHECK-LABEL: gpu.func @sums
  gpu.func @sums(%x: tensor<64x128xf32, #tile.acc<warps = [1, 8]>>, %v: tensor<16xf32, #tile.lanes>) kernel {
    %scratch = tile.alloc : !tile.buffer<8x64xf32>
    %row = tile.alloc : !tile.buffer<1x64xf32>
    // CHECK: tile.cumsum %{{.*}} exclusive reverse : tensor<64x128xf32, #tile.acc<warps = [1, 8]>>
    %g = tile.cumsum %x exclusive reverse : tensor<64x128xf32, #tile.acc<warps = [1, 8]>>
    %gates = tile.alloc : !tile.buffer<64x128xf32, pad = 8>
    // CHECK: tile.sum_rows %{{.*}} : !tile.buffer<64x128xf32, pad = 8>
    tile.sum_rows %gates : !tile.buffer<64x128xf32, pad = 8>
    // CHECK: tile.sum_rows %{{.*}} exclusive reverse : !tile.buffer<64x128xf32, pad = 8>
    tile.sum_rows %gates exclusive reverse : !tile.buffer<64x128xf32, pad = 8>
    // CHECK: tile.settle %{{.*}} : tensor<16xf32, #tile.lanes>
    %there = tile.settle %v : tensor<16xf32, #tile.lanes>
    // CHECK: tile.reduce max %{{.*}} along 0 : tensor<64x128xf32, #tile.acc<warps = [1, 8]>> -> tensor<128xf32, #tile.slice<0 of <warps = [1, 8]>>>
    %m = tile.reduce max %g along 0 : tensor<64x128xf32, #tile.acc<warps = [1, 8]>> -> tensor<128xf32, #tile.slice<0 of <warps = [1, 8]>>>
    // CHECK: tile.reduce add %{{.*}} along 1 through %{{.*}} : tensor<64x128xf32, #tile.acc<warps = [1, 8]>>, !tile.buffer<8x64xf32> -> tensor<64xf32
    %s = tile.reduce add %g along 1 through %scratch : tensor<64x128xf32, #tile.acc<warps = [1, 8]>>, !tile.buffer<8x64xf32> -> tensor<64xf32, #tile.slice<1 of <warps = [1, 8]>>>
    // CHECK: tile.store_vector %{{.*}} : tensor<64xf32, #tile.slice<1 of <warps = [1, 8]>>>, <1x64xf32>
    tile.store_vector %s, %row : tensor<64xf32, #tile.slice<1 of <warps = [1, 8]>>>, !tile.buffer<1x64xf32>
    %narrow = tile.alloc : !tile.buffer<1x64xbf16>
    // CHECK: tile.load_vector %{{.*}} : <1x64xbf16> -> tensor<64xf32, #tile.lanes>
    %n = tile.load_vector %narrow : !tile.buffer<1x64xbf16> -> tensor<64xf32, #tile.lanes>
    // CHECK: tile.load_vector %{{.*}} : <1x64xf32> -> tensor<64xf32, #tile.lanes>
    %l = tile.load_vector %row : !tile.buffer<1x64xf32> -> tensor<64xf32, #tile.lanes>
    // CHECK: tile.convert %{{.*}} : tensor<64xf32, #tile.slice<1 of <warps = [1, 8]>>> -> tensor<64xf32, #tile.lanes>
    %t = tile.convert %s : tensor<64xf32, #tile.slice<1 of <warps = [1, 8]>>> -> tensor<64xf32, #tile.lanes>
    gpu.return
  }

  // CHECK-LABEL: gpu.func @inverse
  gpu.func @inverse(%l: tensor<64x64xf32, #tile.acc<warps = [4, 2]>>) {
    %lower = tile.alloc : !tile.buffer<64x64xf32, pad = 8>
    %result = tile.alloc : !tile.buffer<64x64xbf16, pad = 8>
    // CHECK: tile.store_matrix %{{.*}}, %{{.*}} : tensor<64x64xf32, #tile.acc<warps = [4, 2]>>, <64x64xf32, pad = 8>
    tile.store_matrix %l, %lower : tensor<64x64xf32, #tile.acc<warps = [4, 2]>>, !tile.buffer<64x64xf32, pad = 8>
    // CHECK: tile.unit_lower_inverse %{{.*}}, %{{.*}} : <64x64xf32, pad = 8>, <64x64xbf16, pad = 8>
    tile.unit_lower_inverse %lower, %result : !tile.buffer<64x64xf32, pad = 8>, !tile.buffer<64x64xbf16, pad = 8>
    gpu.return
  }
}
