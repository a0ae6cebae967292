// If this fails, a constraint of products and copies under way is not checked, or its
// message no longer says rule and fact.
// RUN: deltanet-opt %s --split-input-file --verify-diagnostics | FileCheck %s --allow-empty
// CHECK-NOT: func.func

// expected-error @below {{expects a swizzle of 128 bytes, got 64}}
func.func private @swizzle(!tile.buffer<64x64xbf16, swizzle = 64>)

// -----
// expected-error @below {{expects a swizzled buffer without a pad, of 16-bit elements, a multiple of 8 rows and of 64 columns, got 64x96x'bf16' with a pad of 0}}
func.func private @swizzle_columns(!tile.buffer<64x96xbf16, swizzle = 128>)

// -----
// expected-error @below {{expects a swizzled buffer without a pad, of 16-bit elements, a multiple of 8 rows and of 64 columns, got 64x64x'f32' with a pad of 0}}
func.func private @swizzle_element(!tile.buffer<64x64xf32, swizzle = 128>)

// -----
// expected-error @below {{expects a map of 2 to 5 dimensions, got 1}}
func.func private @map_rank(!tile.map<1 x bf16>)

// -----
// expected-error @below {{expects elements of bf16 or f16, got 'f32'}}
func.func private @map_element(!tile.map<4 x f32>)

// -----
// expected-error @below {{expects f32 in layout #tile.acc, got 'tensor<64xf32, #tile.lanes>'}}
func.func private @pending(!tile.pending<tensor<64xf32, #tile.lanes>>)

// -----
#acc = #tile.acc<warps = [4, 1]>
func.func @mma_async_c1_element(%a: tensor<64x64xf16, #acc>, %b: !tile.buffer<64x64xbf16, swizzle = 128>) {
  // expected-error @below {{expects operands of one element type of 16 bits, got 'f16' and 'bf16'}}
  %p = tile.mma_async %a, %b : tensor<64x64xf16, #acc>, !tile.buffer<64x64xbf16, swizzle = 128> -> !tile.pending<tensor<64x64xf32, #acc>>
  return
}

// -----
#acc = #tile.acc<warps = [4, 1]>
func.func @mma_async_c1_rows(%a: tensor<128x64xbf16, #acc>, %b: !tile.buffer<64x64xbf16, swizzle = 128>) {
  // expected-error @below {{expects a result of 16 rows for each of a multiple of 4 warps, got}}
  %p = tile.mma_async %a, %b : tensor<128x64xbf16, #acc>, !tile.buffer<64x64xbf16, swizzle = 128> -> !tile.pending<tensor<128x64xf32, #acc>>
  return
}

// -----
#acc = #tile.acc<warps = [4, 1]>
func.func @mma_async_c2(%a: tensor<64x64xbf16, #acc>, %b: !tile.buffer<128x64xbf16, swizzle = 128>) {
  // expected-error @below {{expects extents that agree, got 64x64 times 128x64 for}}
  %p = tile.mma_async %a, %b : tensor<64x64xbf16, #acc>, !tile.buffer<128x64xbf16, swizzle = 128> -> !tile.pending<tensor<64x64xf32, #acc>>
  return
}

// -----
#acc = #tile.acc<warps = [4, 1]>
func.func @mma_async_c2_depth(%a: tensor<64x8xbf16, #acc>, %b: !tile.buffer<8x64xbf16, swizzle = 128>) {
  // expected-error @below {{expects a multiple of 8 columns up to 256 and a depth of a multiple of 16, got 64 and 8}}
  %p = tile.mma_async %a, %b : tensor<64x8xbf16, #acc>, !tile.buffer<8x64xbf16, swizzle = 128> -> !tile.pending<tensor<64x64xf32, #acc>>
  return
}

// -----
#acc = #tile.acc<warps = [4, 1]>
func.func @mma_async_c3_swizzle(%a: tensor<64x64xbf16, #acc>, %b: !tile.buffer<64x64xbf16, pad = 8>) {
  // expected-error @below {{expects swizzled buffers, got '!tile.buffer<64x64xbf16, pad = 8>'}}
  %p = tile.mma_async %a, %b : tensor<64x64xbf16, #acc>, !tile.buffer<64x64xbf16, pad = 8> -> !tile.pending<tensor<64x64xf32, #acc>>
  return
}

// -----
#acc = #tile.acc<warps = [4, 1]>
func.func @mma_async_c3_transpose(%a: tensor<64x64xbf16, #acc>, %b: !tile.buffer<64x64xbf16, swizzle = 128>) {
  // expected-error @below {{expects a left operand in registers to have the result's layout and no transpose, got}}
  %p = tile.mma_async %a, %b transpose_lhs : tensor<64x64xbf16, #acc>, !tile.buffer<64x64xbf16, swizzle = 128> -> !tile.pending<tensor<64x64xf32, #acc>>
  return
}

// -----
#acc = #tile.acc<warps = [4, 1]>
func.func @mma_async_c4_unused(%a: tensor<64x64xbf16, #acc>, %b: !tile.buffer<64x64xbf16, swizzle = 128>) {
  // expected-error @below {{expects one use of the product under way, got 0}}
  %p = tile.mma_async %a, %b : tensor<64x64xbf16, #acc>, !tile.buffer<64x64xbf16, swizzle = 128> -> !tile.pending<tensor<64x64xf32, #acc>>
  return
}

// -----
#acc = #tile.acc<warps = [4, 1]>
func.func @mma_async_c4_block(%a: tensor<64x64xbf16, #acc>, %b: !tile.buffer<64x64xbf16, swizzle = 128>, %c: i1) {
  // expected-error @below {{expects the product under way to be used in its block by tile.mma_wait or another product}}
  %p = tile.mma_async %a, %b : tensor<64x64xbf16, #acc>, !tile.buffer<64x64xbf16, swizzle = 128> -> !tile.pending<tensor<64x64xf32, #acc>>
  scf.if %c {
    // expected-note @below {{used here}}
    %x = tile.mma_wait %p : !tile.pending<tensor<64x64xf32, #acc>> -> tensor<64x64xf32, #acc>
  }
  return
}

// -----
#acc = #tile.acc<warps = [4, 1]>
func.func @mma_async_c4_init(%a: tensor<64x64xbf16, #acc>, %b: !tile.buffer<64x64xbf16, swizzle = 128>, %i: tensor<64x128xf32, #acc>) {
  // expected-error @below {{expects an init of the result's type, got}}
  %p = tile.mma_async %a, %b init(%i : tensor<64x128xf32, #acc>) : tensor<64x64xbf16, #acc>, !tile.buffer<64x64xbf16, swizzle = 128> -> !tile.pending<tensor<64x64xf32, #acc>>
  %x = tile.mma_wait %p : !tile.pending<tensor<64x64xf32, #acc>> -> tensor<64x64xf32, #acc>
  return
}

// -----
#acc = #tile.acc<warps = [4, 1]>
func.func @mma_wait_c1(%p: !tile.pending<tensor<64x64xf32, #acc>>) {
  // expected-error @below {{expects a product started in the same block, with no products inside of other operations between}}
  %x = tile.mma_wait %p : !tile.pending<tensor<64x64xf32, #acc>> -> tensor<64x64xf32, #acc>
  return
}

// -----
func.func @panel_c1(%b: !tile.buffer<64x128xbf16, pad = 8>, %i: index) {
  // expected-error @below {{expects a swizzled buffer and its rows of 128 bytes, got}}
  %p = tile.panel %b[%i] : !tile.buffer<64x128xbf16, pad = 8> -> !tile.buffer<64x64xbf16, pad = 8>
  return
}

// -----
func.func @tma_store_c1(%b: !tile.buffer<64x64xbf16, swizzle = 128>, %m: !tile.map<4 x bf16>, %i: index) {
  // expected-error @below {{expects 4 coordinates, got 2}}
  tile.tma_store %b, %m[%i, %i] : !tile.buffer<64x64xbf16, swizzle = 128>, !tile.map<4 x bf16>
  return
}

// -----
func.func @tma_store_c1_element(%b: !tile.buffer<64x64xbf16, swizzle = 128>, %m: !tile.map<2 x f16>, %i: index) {
  // expected-error @below {{expects one element type, got 'f16' and 'bf16'}}
  tile.tma_store %b, %m[%i, %i] : !tile.buffer<64x64xbf16, swizzle = 128>, !tile.map<2 x f16>
  return
}

// -----
func.func @tma_store_c2(%b: !tile.buffer<64x64xbf16>, %m: !tile.map<2 x bf16>, %i: index) {
  // expected-error @below {{expects a swizzled buffer of at most 256 rows, got '!tile.buffer<64x64xbf16>'}}
  tile.tma_store %b, %m[%i, %i] : !tile.buffer<64x64xbf16>, !tile.map<2 x bf16>
  return
}

// -----
func.func @tma_load_c2(%b: !tile.buffer<64x64xbf16, swizzle = 128>, %m: !tile.map<2 x bf16>, %i: index) {
  // expected-error @below {{expects a buffer that tile.acquire gave in the same block}}
  tile.tma_load %m[%i, %i] to %b : !tile.map<2 x bf16>, !tile.buffer<64x64xbf16, swizzle = 128>
  return
}

// -----
gpu.module @m { gpu.func @tma_load_c2_copies(%m: !tile.map<2 x bf16>, %i: index) kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
  %ch = tile.channel : !tile.channel<2, <64x64xbf16, swizzle = 128>>
  tile.roles a(warps = 1, copies = 2) {
    %b = tile.acquire %ch[%i] : !tile.channel<2, <64x64xbf16, swizzle = 128>>
    // expected-error @below {{expects a role without copies, got 2 of 'a'}}
    tile.tma_load %m[%i, %i] to %b : !tile.map<2 x bf16>, !tile.buffer<64x64xbf16, swizzle = 128>
    tile.commit_slot %ch[%i] : !tile.channel<2, <64x64xbf16, swizzle = 128>>
  }
  gpu.return
} }

// -----
func.func @inverse_c3(%l: !tile.buffer<64x64xf32, pad = 8>, %t: !tile.buffer<64x64xbf16, pad = 8>, %s: !tile.buffer<1x32xf32>) {
  // expected-error @below {{expects a scale of 1x64xf32, got '!tile.buffer<1x32xf32>'}}
  tile.unit_lower_inverse %l, %t scale %s : !tile.buffer<64x64xf32, pad = 8>, !tile.buffer<64x64xbf16, pad = 8>, !tile.buffer<1x32xf32>
  return
}

// -----
func.func @store_matrix_c1_transpose(%v: tensor<64x64xf32, #tile.acc<warps = [4, 1]>>, %b: !tile.buffer<64x64xf32, pad = 8>) {
  // expected-error @below {{expects 16-bit elements to transpose, got 'f32'}}
  tile.store_matrix %v, %b transpose : tensor<64x64xf32, #tile.acc<warps = [4, 1]>>, !tile.buffer<64x64xf32, pad = 8>
  return
}

// -----
func.func @row_c1_swizzle(%b: !tile.buffer<64x64xbf16, swizzle = 128>) {
  // expected-error @below {{expects a buffer without swizzle, got '!tile.buffer<64x64xbf16, swizzle = 128>'}}
  %r = tile.row %b[3] : !tile.buffer<64x64xbf16, swizzle = 128> -> !tile.buffer<1x64xbf16>
  return
}
