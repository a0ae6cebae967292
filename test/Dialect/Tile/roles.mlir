// If this fails, roles or channels do not survive being printed and read again,
// as text or as bytecode.
// RUN: deltanet-opt %s --verify-roundtrip | FileCheck %s

#acc = #tile.acc<warps = [8, 1]>
!ks = !tile.channel<2, <64x128xbf16, pad = 8>, <1x64xf32>>
gpu.module @kernels {
  // CHECK-LABEL: gpu.func @pass
  gpu.func @pass(%p: !tile.global<bf16>, %g: !tile.global<f32>, %n: index, %ld: index) kernel
      attributes {known_block_size = array<i32: 288, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    // CHECK: %[[CH:.*]] = tile.channel : <2, <64x128xbf16, pad = 8>, <1x64xf32>>
    %ks = tile.channel : !ks
    // CHECK: tile.channel at 512 : <1, <1x32xf32>>
    %unused = tile.channel at 512 : !tile.channel<1, <1x32xf32>>
    // CHECK: tile.roles load(warps = 1, registers = 72) {
    tile.roles load(warps = 1, registers = 72) {
      // CHECK: scf.for %[[I:.*]] =
      scf.for %i = %c0 to %n step %c1 {
        // CHECK: %[[B:.*]]:2 = tile.acquire %[[CH]][%[[I]]] : <2, <64x128xbf16, pad = 8>, <1x64xf32>>
        %k, %v = tile.acquire %ks[%i] : !ks
        // CHECK: tile.copy_async {{.*}} to %[[B]]#0
        tile.copy_async %p[%i] stride %ld rows %n to %k : !tile.global<bf16>, !tile.buffer<64x128xbf16, pad = 8>
        %x = tile.load %g[%i] strides [%c1] below %n along [0] : !tile.global<f32> -> tensor<64xf32, #tile.lanes>
        tile.store_vector %x, %v : tensor<64xf32, #tile.lanes>, !tile.buffer<1x64xf32>
        // CHECK: tile.commit_slot %[[CH]][%[[I]]] : <2, <64x128xbf16, pad = 8>, <1x64xf32>>
        tile.commit_slot %ks[%i] : !ks
      }
    // CHECK: }, "two words"(warps = 8, registers = 72) {
    }, "two words"(warps = 8, registers = 72) {
      scf.for %i = %c0 to %n step %c1 {
        // CHECK: %[[C:.*]]:2 = tile.wait_slot %[[CH]][%{{.*}}] : <2, <64x128xbf16, pad = 8>, <1x64xf32>>
        %k, %v = tile.wait_slot %ks[%i] : !ks
        // CHECK: tile.load_matrix %[[C]]#0 transpose
        %kT = tile.load_matrix %k transpose : !tile.buffer<64x128xbf16, pad = 8> -> tensor<128x64xbf16, #acc>
        // CHECK: tile.release %[[CH]][%{{.*}}] : <2, <64x128xbf16, pad = 8>, <1x64xf32>>
        tile.release %ks[%i] : !ks
      }
    // CHECK: } attributes {note = "kept"}
    } attributes {note = "kept"}
    gpu.return
  }
}
