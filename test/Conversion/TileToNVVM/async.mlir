// If this fails, a product of a warp group reads other elements than it says, does not
// own its registers until it has been waited for, or a bulk copy fills a slot that is
// said to be full before it has arrived, or one is given back to bulk copies while threads
// still read it.
// RUN: deltanet-opt %s --kernel-set-target=target=sm_90a --convert-tile-to-nvvm --canonicalize --cse | FileCheck %s
// RUN: deltanet-opt %s --convert-tile-to-nvvm --canonicalize --cse | FileCheck %s --check-prefix=PAIRS
// RUN: not deltanet-opt %s --kernel-set-target=target=sm_90 --convert-tile-to-nvvm 2>&1 | FileCheck %s --check-prefix=REFUSED
// REFUSED: error: 'tile.mma_async' op expects a target with products of warp groups (wgmma), got sm_90

#acc = #tile.acc<warps = [4, 1]>
!b = !tile.buffer<16x64xbf16, swizzle = 128>
!long = !tile.buffer<64x128xbf16, swizzle = 128>
gpu.module @kernels {
  // Contracted by rows: transposed, a panel of 16 rows is 2 KiB (128 units of 16 bytes) long.
  // The sum is negated and begins with the registers of %c, tied to the result.
  // CHECK-LABEL: gpu.func @by_rows
  // CHECK: arith.constant 4611686293313683456 : i64
  // CHECK-NOT: llvm.inline_asm
  // CHECK: llvm.inline_asm has_side_effects asm_dialect = att
  // CHECK-SAME: wgmma.fence.sync.aligned;
  // CHECK-SAME: setp.eq.b32 add, zero, 0;
  // CHECK-SAME: wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {$0, $1, {{.*}}$31}, {$64, $65, $66, $67}, b, add, -1, 1, 1;
  // CHECK-SAME: wgmma.commit_group.sync.aligned;
  // CHECK-SAME: "=f,=f,{{.*}}=f,0,1,{{.*}}31,r,r,r,r,l,~{memory}"
  // CHECK: wgmma.wait_group.sync.aligned 0;
  // CHECK-SAME: "=f,=f,{{.*}}=f,0,1,{{.*}}31,~{memory}"
  gpu.func @by_rows(%a: tensor<64x16xbf16, #acc>, %c: tensor<64x64xf32, #acc>) -> tensor<64x64xf32, #acc> {
    %b = tile.alloc at 0 : !b
    %p = tile.mma_async %a, %b negate init(%c : tensor<64x64xf32, #acc>) : tensor<64x16xbf16, #acc>, !b -> !tile.pending<tensor<64x64xf32, #acc>>
    %d = tile.mma_wait %p : !tile.pending<tensor<64x64xf32, #acc>> -> tensor<64x64xf32, #acc>
    gpu.return %d : tensor<64x64xf32, #acc>
  }

  // Contracted by columns, both from memory: steps of 32 bytes, then the next panel, 8 KiB on.
  // Begins from zero: the first step does not add. The other product is still under way.
  // CHECK-LABEL: gpu.func @by_columns
  // CHECK: setp.ne.b32 add, zero, 0;
  // CHECK-SAME: add.s64 a, $32, 0;
  // CHECK-SAME: add.s64 b, $33, 0;
  // CHECK-SAME: , a, b, add, 1, 1, 0, 0;
  // CHECK-SAME: setp.eq.b32 add, zero, 0;
  // CHECK-SAME: add.s64 a, $32, 2;
  // CHECK-SAME: add.s64 a, $32, 6;
  // CHECK-SAME: add.s64 a, $32, 512;
  // CHECK-SAME: add.s64 b, $33, 518;
  // CHECK: wgmma.commit_group
  // CHECK: wgmma.wait_group.sync.aligned 1;
  // CHECK: wgmma.wait_group.sync.aligned 0;
  gpu.func @by_columns() -> (tensor<64x64xf32, #acc>, tensor<64x64xf32, #acc>) {
    %k = tile.alloc at 0 : !long
    %q = tile.alloc at 16384 : !long
    %p = tile.mma_async %q, %k transpose_rhs : !long, !long -> !tile.pending<tensor<64x64xf32, #acc>>
    %r = tile.mma_async %k, %k transpose_rhs : !long, !long -> !tile.pending<tensor<64x64xf32, #acc>>
    %x = tile.mma_wait %p : !tile.pending<tensor<64x64xf32, #acc>> -> tensor<64x64xf32, #acc>
    %y = tile.mma_wait %r : !tile.pending<tensor<64x64xf32, #acc>> -> tensor<64x64xf32, #acc>
    gpu.return %x, %y : tensor<64x64xf32, #acc>, tensor<64x64xf32, #acc>
  }

  // The unit of 16 bytes is exchanged by the row; constants by one exclusive or.
  // CHECK-LABEL: gpu.func @swizzled
  // CHECK: arith.xori
  // CHECK-COUNT-4: nvvm.stmatrix {{.*}}layout = #nvvm.mma_layout<col>
  // CHECK-NOT: nvvm.stmatrix
  // CHECK: gpu.barrier
  // CHECK: nvvm.ldmatrix
  // CHECK: arith.xori %{{.*}}, %c32_i32
  // CHECK: nvvm.ldmatrix
  // CHECK: arith.xori %{{.*}}, %c64_i32
  // PAIRS-LABEL: gpu.func @swizzled
  // PAIRS-NOT: stmatrix
  // PAIRS-COUNT-16: movmatrix
  gpu.func @swizzled(%v: tensor<64x64xbf16, #acc>) -> tensor<64x64xbf16, #acc> {
    %b = tile.alloc at 0 : !tile.buffer<64x64xbf16, swizzle = 128>
    tile.store_matrix %v, %b transpose : tensor<64x64xbf16, #acc>, !tile.buffer<64x64xbf16, swizzle = 128>
    tile.barrier
    %w = tile.load_matrix %b : !tile.buffer<64x64xbf16, swizzle = 128> -> tensor<64x64xbf16, #acc>
    gpu.return %w : tensor<64x64xbf16, #acc>
  }

  // One arrival, of the thread that starts the copies, and 2 x 8 KiB.
  // CHECK-LABEL: gpu.func @bulk
  // CHECK-SAME: tile.maps = array<i64: 0>
  // CHECK: nvvm.mbarrier.init %{{.*}}, %c1_i32
  // CHECK: @$0 cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [$1], [$2, {$4, $5}], [$3];", "b,r,l,r,r,r,~{memory}"
  // CHECK: @$0 cp.async.bulk.tensor.2d.shared::cluster
  // CHECK-NOT: bar.warp.sync
  // CHECK: "@$2 mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;", "r,r,b,~{memory}" %{{.*}}, %c16384_i32,
  // CHECK: @$0 cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [$2, {$3, $4}], [$1];
  // CHECK: cp.async.bulk.commit_group;
  // CHECK: cp.async.bulk.wait_group.read 0;
  gpu.func @bulk(%map: !tile.map<2 x bf16>, %i: index) kernel attributes {known_block_size = array<i32: 160, 1, 1>} {
    %ks = tile.channel at 0 : !tile.channel<1, <64x128xbf16, swizzle = 128>>
    tile.roles load(warps = 1) {
      %k = tile.acquire %ks[%i] : !tile.channel<1, <64x128xbf16, swizzle = 128>>
      tile.tma_load %map[%i, %i] to %k : !tile.map<2 x bf16>, !long
      tile.commit_slot %ks[%i] : !tile.channel<1, <64x128xbf16, swizzle = 128>>
    }, store(warps = 4) {
      %k = tile.wait_slot %ks[%i] : !tile.channel<1, <64x128xbf16, swizzle = 128>>
      tile.tma_store %k, %map[%i, %i] : !long, !tile.map<2 x bf16>
      tile.tma_wait pending 0
      tile.release %ks[%i] : !tile.channel<1, <64x128xbf16, swizzle = 128>>
    }
    gpu.return
  }

  // Loads of threads are over for bulk copies before the slot is given back, also where
  // they read a part of it; products have been waited for and need no fence.
  // CHECK-LABEL: gpu.func @reread
  // CHECK-COUNT-4: nvvm.ldmatrix
  // CHECK-NOT: nvvm.bar.warp.sync
  // CHECK: "fence.proxy.async.shared::cta;", "~{memory}"
  // CHECK: mbarrier.arrive.shared::cta.b64 _, [$0];
  // CHECK: wgmma.wait_group.sync.aligned 0;
  // CHECK-NOT: fence.proxy.async
  // CHECK: gpu.return
  gpu.func @reread(%map: !tile.map<2 x bf16>, %i: index) kernel attributes {known_block_size = array<i32: 160, 1, 1>} {
    %vs = tile.channel at 0 : !tile.channel<1, <64x128xbf16, swizzle = 128>>
    %ks = tile.channel at 17408 : !tile.channel<1, <64x128xbf16, swizzle = 128>>
    tile.roles work(warps = 4) {
      %v = tile.wait_slot %vs[%i] : !tile.channel<1, <64x128xbf16, swizzle = 128>>
      %part = tile.panel %v[%i] : !long -> !tile.buffer<64x64xbf16, swizzle = 128>
      %x = tile.load_matrix %part : !tile.buffer<64x64xbf16, swizzle = 128> -> tensor<64x64xbf16, #acc>
      tile.release %vs[%i] : !tile.channel<1, <64x128xbf16, swizzle = 128>>
      %k = tile.wait_slot %ks[%i] : !tile.channel<1, <64x128xbf16, swizzle = 128>>
      %p = tile.mma_async %x, %k : tensor<64x64xbf16, #acc>, !long -> !tile.pending<tensor<64x128xf32, #acc>>
      %y = tile.mma_wait %p : !tile.pending<tensor<64x128xf32, #acc>> -> tensor<64x128xf32, #acc>
      tile.release %ks[%i] : !tile.channel<1, <64x128xbf16, swizzle = 128>>
    }, load(warps = 1) {
      %v = tile.acquire %vs[%i] : !tile.channel<1, <64x128xbf16, swizzle = 128>>
      tile.tma_load %map[%i, %i] to %v : !tile.map<2 x bf16>, !long
      tile.commit_slot %vs[%i] : !tile.channel<1, <64x128xbf16, swizzle = 128>>
      %k = tile.acquire %ks[%i] : !tile.channel<1, <64x128xbf16, swizzle = 128>>
      tile.tma_load %map[%i, %i] to %k : !tile.map<2 x bf16>, !long
      tile.commit_slot %ks[%i] : !tile.channel<1, <64x128xbf16, swizzle = 128>>
    }
    gpu.return
  }
}
