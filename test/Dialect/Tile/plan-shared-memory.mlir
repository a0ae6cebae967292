// If this fails, two buffers share memory, or a kernel that does not fit is built.
// RUN: deltanet-opt %s --tile-plan-shared-memory | FileCheck %s
// RUN: not deltanet-opt %s --tile-plan-shared-memory='limit-bytes=40000' 2>&1 | FileCheck %s --check-prefix=LIMIT

gpu.module @kernels {
  // CHECK-LABEL: gpu.func @places
  // CHECK-SAME: tile.shared_bytes = 44544 : i64
  // LIMIT: error: expects at most 40000 bytes of shared memory a block, the kernel needs 44544 (4544 more); smaller chunks or fewer slots need less
  gpu.func @places() kernel {
    // CHECK: tile.alloc at 0 : !tile.ring<2, 64x128xbf16, pad = 8>
    %k = tile.alloc : !tile.ring<2, 64x128xbf16, pad = 8>
    // 2 * 64 * 136 * 2
    // CHECK: tile.alloc at 34816 : !tile.buffer<1x64xf32>
    %g = tile.alloc : !tile.buffer<1x64xf32>
    // CHECK: tile.alloc at 35072 : !tile.buffer<64x64xbf16, pad = 8>
    %T = tile.alloc : !tile.buffer<64x64xbf16, pad = 8>
    // CHECK: tile.alloc at 44288 : !tile.buffer<1x33xf32>
    %odd = tile.alloc : !tile.buffer<1x33xf32>
    gpu.return
  }
}
