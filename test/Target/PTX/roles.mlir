// If this fails, a kernel with roles and channels is not PTX that ptxas takes for
// some generation, or its registers do not suffice. Needs ptxas.
// REQUIRES: ptxas
// RUN: deltanet-opt %s --kernel-set-target=target=sm_80 --tile-to-ptx > %t.80.ptx
// RUN: ptxas -arch=sm_80 -v %t.80.ptx -o %t.80.cubin 2>&1 | FileCheck %s
// RUN: ptxas -arch=sm_90 -v %t.80.ptx -o %t.80.cubin 2>&1 | FileCheck %s
// RUN: deltanet-opt %s --kernel-set-target=target=sm_90 --tile-to-ptx > %t.90.ptx
// RUN: ptxas -arch=sm_90 -v %t.90.ptx -o %t.90.cubin 2>&1 | FileCheck %s
// RUN: deltanet-opt %s --kernel-set-target=target=sm_90a --tile-to-ptx > %t.90a.ptx
// RUN: ptxas -arch=sm_90a -v %t.90a.ptx -o %t.90a.cubin 2>&1 | FileCheck %s
// RUN: deltanet-opt %s --kernel-set-target=target=sm_120 --tile-to-ptx > %t.120.ptx
// RUN: ptxas -arch=sm_120 -v %t.120.ptx -o %t.120.cubin 2>&1 | FileCheck %s
// CHECK-NOT: warning
// CHECK: 0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
// CHECK: Used {{[0-9]+}} registers

#acc = #tile.acc<warps = [4, 1]>
!ks = !tile.channel<2, <64x64xbf16, pad = 8>>
!sums = !tile.channel<1, <64x64xbf16, pad = 8>>
gpu.module @kernels {
  // out = sum over the chunks k of (k k^T) k.
  gpu.func @chain(%k: !tile.global<bf16>, %out: !tile.global<bf16>, %T: i64) kernel
      attributes {known_block_size = array<i32: 384, 1, 1>, tile.shared_bytes = 27904 : i64,
                  tile.launch = {grid = ["1", "1", "1"], block = 384, arguments = []}} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    %tokens = arith.index_cast %T : i64 to index
    %chunks = arith.ceildivui %tokens, %c64 : index
    %zero = arith.constant dense<0.0> : tensor<64x64xf32, #acc>
    %ks = tile.channel at 0 : !ks
    %sums = tile.channel at 18560 : !sums
    tile.roles square(warps = 4, registers = 128) {
      scf.for %c = %c0 to %chunks step %c1 {
        %x = tile.wait_slot %ks[%c] : !ks
        %m = tile.acquire %sums[%c] : !sums
        %xx = tile.mma %x, %x, %zero transpose_rhs : !tile.buffer<64x64xbf16, pad = 8>, !tile.buffer<64x64xbf16, pad = 8> -> tensor<64x64xf32, #acc>
        %xxb = arith.truncf %xx : tensor<64x64xf32, #acc> to tensor<64x64xbf16, #acc>
        tile.store_matrix %xxb, %m : tensor<64x64xbf16, #acc>, !tile.buffer<64x64xbf16, pad = 8>
        tile.commit_slot %sums[%c] : !sums
        tile.release %ks[%c] : !ks
      }
    }, apply(warps = 4, registers = 168) {
      %sum = scf.for %c = %c0 to %chunks step %c1 iter_args(%s = %zero) -> tensor<64x64xf32, #acc> {
        %x = tile.wait_slot %ks[%c] : !ks
        %m = tile.wait_slot %sums[%c] : !sums
        %next = tile.mma %m, %x, %s : !tile.buffer<64x64xbf16, pad = 8>, !tile.buffer<64x64xbf16, pad = 8> -> tensor<64x64xf32, #acc>
        tile.release %sums[%c] : !sums
        tile.release %ks[%c] : !ks
        scf.yield %next : tensor<64x64xf32, #acc>
      }
      %b = arith.truncf %sum : tensor<64x64xf32, #acc> to tensor<64x64xbf16, #acc>
      tile.store %b, %out[%c0] strides [%c64, %c1] : tensor<64x64xbf16, #acc>, !tile.global<bf16>
    }, load(warps = 4, registers = 40) {
      scf.for %c = %c0 to %chunks step %c1 {
        %x = tile.acquire %ks[%c] : !ks
        %row = arith.muli %c, %c64 : index
        %at = arith.muli %row, %c64 : index
        %rows = arith.subi %tokens, %row : index
        tile.copy_async %k[%at] stride %c64 rows %rows to %x : !tile.global<bf16>, !tile.buffer<64x64xbf16, pad = 8>
        tile.commit_slot %ks[%c] : !ks
      }
    }
    gpu.return
  }
}
