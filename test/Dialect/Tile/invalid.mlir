// If this fails, a constraint of the tile dialect is not checked, or its message
// no longer says rule and fact.
// RUN: deltanet-opt %s --split-input-file --verify-diagnostics --allow-unregistered-dialect | FileCheck %s --allow-empty
// CHECK-NOT: func.func

// acc: extents
// expected-error @below {{expects rows that are a multiple of 128, 16 for each of 8 warps, got 64}}
func.func private @acc_rows(tensor<64x64xf32, #tile.acc<warps = [8, 1]>>)

// -----
// expected-error @below {{expects columns that are a multiple of 16, 8 for each of 2 warps, got 24}}
func.func private @acc_columns(tensor<64x24xf32, #tile.acc<warps = [4, 2]>>)

// -----
// expected-error @below {{expects a matrix in layout #tile.acc, got rank 1}}
func.func private @acc_rank(tensor<64xf32, #tile.acc<warps = [1, 1]>>)

// -----
// expected-error @below {{expects warps along rows and columns, got 1 numbers}}
func.func private @acc_warps(tensor<64x64xf32, #tile.acc<warps = [8]>>)

// -----
// expected-error @below {{expects dimension 0 or 1 of a matrix, got 2}}
func.func private @slice_dim(tensor<64xf32, #tile.slice<2 of <warps = [8, 1]>>>)

// -----
// expected-error @below {{expects a multiple of 128 elements in this slice, got 64}}
func.func private @slice_extent(tensor<64xf32, #tile.slice<1 of <warps = [8, 1]>>>)

// -----
// expected-error @below {{expects a vector in layout #tile.lanes, got rank 2}}
func.func private @lanes(tensor<4x8xf32, #tile.lanes>)

// -----
// expected-error @below {{expects elements of f32, bf16, f16, i32 or i64, got 'i8'}}
func.func private @global(!tile.global<i8>)

// -----
// expected-error @below {{expects a matrix in shared memory, got rank 1}}
func.func private @buffer_rank(!tile.buffer<64xf32>)

// -----
// expected-error @below {{expects a pad of no less than 0 elements, got -8}}
func.func private @buffer_pad(!tile.buffer<64x64xf32, pad = -8>)

// -----
// expected-error @below {{expects at least 1 slot, got 0}}
func.func private @ring(!tile.ring<0, 64x64xf32>)

// -----
func.func @slot_c1(%ring: !tile.ring<2, 64x128xbf16, pad = 8>, %i: index) {
  // expected-error @below {{expects a slot of '!tile.ring<2, 64x128xbf16, pad = 8>' to be '!tile.buffer<64x128xbf16, pad = 8>', got '!tile.buffer<64x128xbf16>'}}
  %k = tile.slot %ring[%i] : !tile.ring<2, 64x128xbf16, pad = 8> -> !tile.buffer<64x128xbf16>
  return
}

// -----
func.func @copy_c1(%p: !tile.global<f16>, %i: index, %b: !tile.buffer<64x128xbf16, pad = 8>) {
  // expected-error @below {{expects source and buffer of one element type, got 'f16' and 'bf16'}}
  tile.copy_async %p[%i] stride %i rows %i to %b : !tile.global<f16>, !tile.buffer<64x128xbf16, pad = 8>
  return
}

// -----
func.func @copy_c2(%p: !tile.global<bf16>, %i: index, %b: !tile.buffer<64x60xbf16>) {
  // expected-error @below {{expects rows of a multiple of 16 bytes, got 120 bytes, 120 with the pad}}
  tile.copy_async %p[%i] stride %i rows %i to %b : !tile.global<bf16>, !tile.buffer<64x60xbf16>
  return
}

// -----
func.func @load_c1(%p: !tile.global<bf16>, %i: index) {
  // expected-error @below {{expects global memory and registers of one element type, got 'bf16' and 'f32'}}
  %v = tile.load %p[%i] strides [%i] : !tile.global<bf16> -> tensor<64xf32, #tile.lanes>
  return
}

// -----
func.func @load_c2(%p: !tile.global<f32>, %i: index) {
  // expected-error @below {{expects one stride for each of 1 dimensions, got 2}}
  %v = tile.load %p[%i] strides [%i, %i] : !tile.global<f32> -> tensor<64xf32, #tile.lanes>
  return
}

// -----
func.func @load_limit(%p: !tile.global<f32>, %i: index) {
  // expected-error @below {{expects limited dimensions to be below 1, got 1}}
  %v = tile.load %p[%i] strides [%i] below %i along [1] : !tile.global<f32> -> tensor<64xf32, #tile.lanes>
  return
}

// -----
func.func @load_limit_twice(%p: !tile.global<f32>, %i: index) {
  // expected-error @below {{expects a dimension to be limited once, got 0 twice}}
  %v = tile.load %p[%i] strides [%i] below %i, %i along [0, 0] : !tile.global<f32> -> tensor<64xf32, #tile.lanes>
  return
}

// -----
func.func @load_limit_missing(%p: !tile.global<f32>, %i: index) {
  // expected-error @below {{expects a limit for each limited dimension, got 1 for 0}}
  %v = "tile.load"(%p, %i, %i, %i) <{operandSegmentSizes = array<i32: 1, 1, 1, 1>}> : (!tile.global<f32>, index, index, index) -> tensor<64xf32, #tile.lanes>
  return
}

// -----
func.func @copy_columns(%p: !tile.global<bf16>, %i: index, %b: !tile.buffer<32x64xbf16, pad = 8>) {
  // expected-error @below {{expects columns of a multiple of 16 bytes, at most 64, got 20}}
  tile.copy_async %p[%i] stride %i rows %i columns 20 to %b : !tile.global<bf16>, !tile.buffer<32x64xbf16, pad = 8>
  return
}

// -----
func.func @row_c1(%b: !tile.buffer<32x64xf32, pad = 8>) {
  // expected-error @below {{expects one of 32 rows, got 32}}
  %r = tile.row %b[32] : !tile.buffer<32x64xf32, pad = 8> -> !tile.buffer<1x64xf32>
  return
}

// -----
func.func @row_c1_type(%b: !tile.buffer<32x64xf32, pad = 8>) {
  // expected-error @below {{expects one row of '!tile.buffer<32x64xf32, pad = 8>', got '!tile.buffer<1x32xf32>'}}
  %r = tile.row %b[31] : !tile.buffer<32x64xf32, pad = 8> -> !tile.buffer<1x32xf32>
  return
}

// -----
func.func @load_element_c1(%b: !tile.buffer<32x64xf32>) {
  // expected-error @below {{expects a buffer of one row of f32, got '!tile.buffer<32x64xf32>'}}
  %r = tile.load_element %b[0] : !tile.buffer<32x64xf32>
  return
}

// -----
func.func @load_element_index(%b: !tile.buffer<1x64xf32>) {
  // expected-error @below {{expects one of 64 elements, got 64}}
  %r = tile.load_element %b[64] : !tile.buffer<1x64xf32>
  return
}

// -----
func.func @load_matrix_c1(%b: !tile.buffer<64x64xbf16>) {
  // expected-error @below {{expects one element type, got 'bf16' and 'f32'}}
  %v = tile.load_matrix %b : !tile.buffer<64x64xbf16> -> tensor<64x64xf32, #tile.acc<warps = [4, 2]>>
  return
}

// -----
func.func @load_matrix_c2(%b: !tile.buffer<64x128xbf16>) {
  // expected-error @below {{expects the buffer's shape, exchanged, got}}
  %v = tile.load_matrix %b transpose : !tile.buffer<64x128xbf16> -> tensor<64x128xbf16, #tile.acc<warps = [4, 2]>>
  return
}

// -----
func.func @load_matrix_c3(%b: !tile.buffer<64x64xf32, pad = 1>) {
  // expected-error @below {{expects rows of f32 at multiples of 8 bytes, got 260 bytes a row}}
  %v = tile.load_matrix %b : !tile.buffer<64x64xf32, pad = 1> -> tensor<64x64xf32, #tile.acc<warps = [4, 2]>>
  return
}

// -----
func.func @store_matrix_c3(%b: !tile.buffer<64x64xf32, pad = 1>, %v: tensor<64x64xf32, #tile.acc<warps = [4, 2]>>) {
  // expected-error @below {{expects rows of f32 at multiples of 8 bytes, got 260 bytes a row}}
  tile.store_matrix %v, %b : tensor<64x64xf32, #tile.acc<warps = [4, 2]>>, !tile.buffer<64x64xf32, pad = 1>
  return
}

// -----
func.func @store_matrix_c2(%b: !tile.buffer<64x128xbf16>, %v: tensor<64x64xbf16, #tile.acc<warps = [4, 2]>>) {
  // expected-error @below {{expects the buffer's shape, got}}
  tile.store_matrix %v, %b : tensor<64x64xbf16, #tile.acc<warps = [4, 2]>>, !tile.buffer<64x128xbf16>
  return
}

// -----
func.func @load_vector_c2(%b: !tile.buffer<2x64xf32>) {
  // expected-error @below {{expects a buffer of one row of 64, got '!tile.buffer<2x64xf32>'}}
  %v = tile.load_vector %b : !tile.buffer<2x64xf32> -> tensor<64xf32, #tile.slice<0 of <warps = [8, 1]>>>
  return
}

// -----
func.func @store_vector_c1(%b: !tile.buffer<1x64xbf16>, %v: tensor<64xf32, #tile.lanes>) {
  // expected-error @below {{expects an f32 vector in layout #tile.lanes or #tile.slice, got}}
  tile.store_vector %v, %b : tensor<64xf32, #tile.lanes>, !tile.buffer<1x64xbf16>
  return
}

// -----
#acc = #tile.acc<warps = [8, 1]>
func.func @mma_c1(%a: tensor<128x64xf16, #acc>, %b: !tile.buffer<64x64xbf16>, %c: tensor<128x64xf32, #acc>) {
  // expected-error @below {{expects operands of one element type, got 'f16' and 'bf16'}}
  %d = tile.mma %a, %b, %c : tensor<128x64xf16, #acc>, !tile.buffer<64x64xbf16> -> tensor<128x64xf32, #acc>
  return
}

// -----
#acc = #tile.acc<warps = [8, 1]>
func.func @mma_no_precision(%a: tensor<128x64xf32, #acc>, %b: !tile.buffer<64x64xf32>, %c: tensor<128x64xf32, #acc>) {
  // expected-error @below {{expects a precision of products of f32 and of no others, got products of 'f32' without}}
  %d = tile.mma %a, %b, %c : tensor<128x64xf32, #acc>, !tile.buffer<64x64xf32> -> tensor<128x64xf32, #acc>
  return
}

// -----
#acc = #tile.acc<warps = [8, 1]>
func.func @mma_precision(%a: tensor<128x64xbf16, #acc>, %b: !tile.buffer<64x64xbf16>, %c: tensor<128x64xf32, #acc>) {
  // expected-error @below {{expects a precision of products of f32 and of no others, got products of 'bf16' with one}}
  %d = tile.mma %a, %b, %c precision tf32 : tensor<128x64xbf16, #acc>, !tile.buffer<64x64xbf16> -> tensor<128x64xf32, #acc>
  return
}

// -----
#acc = #tile.acc<warps = [8, 1]>
func.func @mma_c4(%a: tensor<128x64xf32, #acc>, %b: !tile.buffer<64x64xf32, pad = 1>, %c: tensor<128x64xf32, #acc>) {
  // expected-error @below {{expects rows of f32 at multiples of 8 bytes, got 260 bytes a row}}
  %d = tile.mma %a, %b, %c precision tf32 : tensor<128x64xf32, #acc>, !tile.buffer<64x64xf32, pad = 1> -> tensor<128x64xf32, #acc>
  return
}

// -----
#acc = #tile.acc<warps = [8, 1]>
func.func @mma_c2(%a: tensor<128x64xbf16, #acc>, %b: !tile.buffer<32x64xbf16>, %c: tensor<128x64xf32, #acc>) {
  // expected-error @below {{expects contracted extents to agree, got 64 of lhs and 32 of rhs}}
  %d = tile.mma %a, %b, %c : tensor<128x64xbf16, #acc>, !tile.buffer<32x64xbf16> -> tensor<128x64xf32, #acc>
  return
}

// -----
#acc = #tile.acc<warps = [8, 1]>
func.func @mma_depth(%a: !tile.buffer<128x8xbf16>, %b: !tile.buffer<8x64xbf16>, %c: tensor<128x64xf32, #acc>) {
  // expected-error @below {{expects a contracted extent that is a multiple of 16, got 8}}
  %d = tile.mma %a, %b, %c : !tile.buffer<128x8xbf16>, !tile.buffer<8x64xbf16> -> tensor<128x64xf32, #acc>
  return
}

// -----
#acc = #tile.acc<warps = [8, 1]>
func.func @mma_depth_f32(%a: !tile.buffer<128x12xf32>, %b: !tile.buffer<12x64xf32>, %c: tensor<128x64xf32, #acc>) {
  // expected-error @below {{expects a contracted extent that is a multiple of 8, got 12}}
  %d = tile.mma %a, %b, %c precision tf32 : !tile.buffer<128x12xf32>, !tile.buffer<12x64xf32> -> tensor<128x64xf32, #acc>
  return
}

// -----
#grid = #tile.acc<warps = [4, 2]>
func.func @mma_c3(%a: tensor<64x64xbf16, #grid>, %b: !tile.buffer<64x64xbf16>, %c: tensor<64x64xf32, #grid>) {
  // expected-error @below {{expects a left operand in registers to split rows alone, as the result, got}}
  %d = tile.mma %a, %b, %c : tensor<64x64xbf16, #grid>, !tile.buffer<64x64xbf16> -> tensor<64x64xf32, #grid>
  return
}

// -----
func.func @inverse_c1(%l: !tile.buffer<24x24xf32>, %r: !tile.buffer<24x24xbf16>) {
  // expected-error @below {{expects square matrices of a multiple of 16 rows, got}}
  tile.unit_lower_inverse %l, %r : !tile.buffer<24x24xf32>, !tile.buffer<24x24xbf16>
  return
}

// -----
func.func @inverse_c1_element(%l: !tile.buffer<32x32xbf16>, %r: !tile.buffer<32x32xbf16>) {
  // expected-error @below {{expects an f32 matrix, got '!tile.buffer<32x32xbf16>'}}
  tile.unit_lower_inverse %l, %r : !tile.buffer<32x32xbf16>, !tile.buffer<32x32xbf16>
  return
}

// -----
func.func @inverse_c2_result(%l: !tile.buffer<32x32xf32>, %r: !tile.buffer<32x32xbf16, pad = 2>) {
  // expected-error @below {{expects rows at multiples of 16 bytes, got 68 bytes a row}}
  tile.unit_lower_inverse %l, %r : !tile.buffer<32x32xf32>, !tile.buffer<32x32xbf16, pad = 2>
  return
}

// -----
func.func @inverse_c2(%l: !tile.buffer<32x32xf32, pad = 1>, %r: !tile.buffer<32x32xbf16>) {
  // expected-error @below {{expects rows at multiples of 16 bytes, got 132 bytes a row}}
  tile.unit_lower_inverse %l, %r : !tile.buffer<32x32xf32, pad = 1>, !tile.buffer<32x32xbf16>
  return
}

// -----
func.func @broadcast_c1(%v: tensor<64xf32, #tile.lanes>) {
  // expected-error @below {{expects a slice of the result's layout and extent, got}}
  %w = tile.broadcast %v : tensor<64xf32, #tile.lanes> -> tensor<128x64xf32, #tile.acc<warps = [8, 1]>>
  return
}

// -----
func.func @convert_c1(%v: tensor<64xf32, #tile.lanes>) {
  // expected-error @below {{expects a vector in #tile.lanes or a #tile.slice, got}}
  %w = tile.convert %v : tensor<64xf32, #tile.lanes> -> tensor<32xf32, #tile.lanes>
  return
}

// -----
func.func @convert_c2(%v: tensor<64xf32, #tile.slice<1 of <warps = [4, 2]>>>) {
  // expected-error @below {{expects a slice that every warp holds as a whole, got one over 4 warps:}}
  %w = tile.convert %v : tensor<64xf32, #tile.slice<1 of <warps = [4, 2]>>> -> tensor<64xf32, #tile.lanes>
  return
}

// -----
func.func @sum_rows_c1(%v: !tile.buffer<64x64xbf16, pad = 8>) {
  // expected-error @below {{expects a buffer of f32, got '!tile.buffer<64x64xbf16, pad = 8>'}}
  tile.sum_rows %v : !tile.buffer<64x64xbf16, pad = 8>
  return
}

// -----
func.func @sum_rows_c2(%v: !tile.buffer<24x64xf32, pad = 8>) {
  // expected-error @below {{expects multiples of 16 rows and columns, and rows of a multiple of 16 bytes, got '!tile.buffer<24x64xf32, pad = 8>'}}
  tile.sum_rows %v : !tile.buffer<24x64xf32, pad = 8>
  return
}

// -----
func.func @settle_c1(%v: tensor<64x64xf32, #tile.acc<warps = [4, 1]>>) {
  // expected-error @below {{expects a vector in layout #tile.lanes, got}}
  %w = tile.settle %v : tensor<64x64xf32, #tile.acc<warps = [4, 1]>>
  return
}

// -----
func.func @cumsum_c1(%v: tensor<64x64xf32, #tile.acc<warps = [4, 1]>>) {
  // expected-error @below {{expects a vector in layout #tile.lanes or a matrix in #tile.acc<warps = [1, b]>, got}}
  %w = tile.cumsum %v : tensor<64x64xf32, #tile.acc<warps = [4, 1]>>
  return
}

// -----
func.func @cumsum_c2(%v: tensor<64xf32, #tile.lanes>) {
  // expected-error @below {{expects what is left of sums to have their type, got 'tensor<32xf32, #tile.lanes>' and 'tensor<64xf32, #tile.lanes>'}}
  %w, %r = tile.cumsum %v : tensor<64xf32, #tile.lanes>, tensor<32xf32, #tile.lanes>
  return
}

// -----
func.func @extract_c1(%v: tensor<64xf32, #tile.lanes>) {
  // expected-error @below {{expects one of 64 elements, got 64}}
  %w = tile.extract %v[64] : tensor<64xf32, #tile.lanes>
  return
}

// -----
func.func @coordinate_c1() {
  // expected-error @below {{expects a dimension below 1, got 1}}
  %w = tile.coordinate 1 : tensor<64xi32, #tile.lanes>
  return
}

// -----
func.func @decay_c1_width(%x: !tile.buffer<32x24xbf16>, %s: !tile.buffer<32x24xbf16>, %y: !tile.buffer<32x24xbf16>, %g: !tile.buffer<32x24xf32>, %gy: !tile.buffer<32x24xf32>) {
  // expected-error @below {{expects a width that is a multiple of 16, got 24}}
  tile.decay_scale (%x), %g, %y, %gy into (%s), %y : (!tile.buffer<32x24xbf16>), !tile.buffer<32x24xf32>, !tile.buffer<32x24xbf16>, !tile.buffer<32x24xf32>, (!tile.buffer<32x24xbf16>), !tile.buffer<32x24xbf16>
  return
}

// -----
func.func @decay_c1_element(%x: !tile.buffer<32x64xf16>, %s: !tile.buffer<32x64xbf16, pad = 8>, %y: !tile.buffer<32x64xbf16, pad = 8>, %g: !tile.buffer<32x64xf32, pad = 8>, %gy: !tile.buffer<32x64xf32, pad = 8>) {
  // expected-error @below {{expects operands of one element type and width, got '!tile.buffer<32x64xf16>' and}}
  tile.decay_scale (%x), %g, %y, %gy into (%s), %y : (!tile.buffer<32x64xf16>), !tile.buffer<32x64xf32, pad = 8>, !tile.buffer<32x64xbf16, pad = 8>, !tile.buffer<32x64xf32, pad = 8>, (!tile.buffer<32x64xbf16, pad = 8>), !tile.buffer<32x64xbf16, pad = 8>
  return
}

// -----
func.func @decay_c1_scaled(%x: !tile.buffer<32x64xbf16, pad = 8>, %s: !tile.buffer<32x64xf32>, %y: !tile.buffer<32x64xbf16, pad = 8>, %g: !tile.buffer<32x64xf32, pad = 8>, %gy: !tile.buffer<32x64xf32, pad = 8>) {
  // expected-error @below {{scaled to have its shape and element type, got '!tile.buffer<32x64xf32>'}}
  tile.decay_scale (%x), %g, %y, %gy into (%s), %y : (!tile.buffer<32x64xbf16, pad = 8>), !tile.buffer<32x64xf32, pad = 8>, !tile.buffer<32x64xbf16, pad = 8>, !tile.buffer<32x64xf32, pad = 8>, (!tile.buffer<32x64xf32>), !tile.buffer<32x64xbf16, pad = 8>
  return
}

// -----
func.func @decay_c2_rows(%x: !tile.buffer<24x64xbf16, pad = 8>, %s: !tile.buffer<24x64xbf16, pad = 8>, %y: !tile.buffer<24x64xbf16, pad = 8>, %g: !tile.buffer<24x64xf32, pad = 8>, %gy: !tile.buffer<24x64xf32, pad = 8>) {
  // expected-error @below {{expects rows of x in blocks of 16, and some rows of y for each of them, got 24 and 24}}
  tile.decay_scale (%x), %g, %y, %gy into (%s), %y : (!tile.buffer<24x64xbf16, pad = 8>), !tile.buffer<24x64xf32, pad = 8>, !tile.buffer<24x64xbf16, pad = 8>, !tile.buffer<24x64xf32, pad = 8>, (!tile.buffer<24x64xbf16, pad = 8>), !tile.buffer<24x64xbf16, pad = 8>
  return
}

// -----
func.func @decay_c2_gates(%x: !tile.buffer<32x64xbf16, pad = 8>, %s: !tile.buffer<32x64xbf16, pad = 8>, %y: !tile.buffer<32x64xbf16, pad = 8>, %g: !tile.buffer<32x64xbf16, pad = 8>, %gy: !tile.buffer<32x64xbf16, pad = 8>) {
  // expected-error @below {{expects f32 gates for every element of}}
  tile.decay_scale (%x), %g, %y, %gy into (%s), %y : (!tile.buffer<32x64xbf16, pad = 8>), !tile.buffer<32x64xbf16, pad = 8>, !tile.buffer<32x64xbf16, pad = 8>, !tile.buffer<32x64xbf16, pad = 8>, (!tile.buffer<32x64xbf16, pad = 8>), !tile.buffer<32x64xbf16, pad = 8>
  return
}

// -----
func.func @decay_c3(%x: !tile.buffer<32x64xbf16, pad = 4>, %s: !tile.buffer<32x64xbf16, pad = 8>, %y: !tile.buffer<32x64xbf16, pad = 8>, %g: !tile.buffer<32x64xf32, pad = 8>, %gy: !tile.buffer<32x64xf32, pad = 8>) {
  // expected-error @below {{expects rows at multiples of 16 bytes, got 136}}
  tile.decay_scale (%x), %g, %y, %gy into (%s), %y : (!tile.buffer<32x64xbf16, pad = 4>), !tile.buffer<32x64xf32, pad = 8>, !tile.buffer<32x64xbf16, pad = 8>, !tile.buffer<32x64xf32, pad = 8>, (!tile.buffer<32x64xbf16, pad = 8>), !tile.buffer<32x64xbf16, pad = 8>
  return
}

// -----
func.func @decay_c1_count(%x: !tile.buffer<32x64xbf16>, %g: !tile.buffer<32x64xf32>) {
  // expected-error @below {{expects a scaled operand for each x, at least one, got 1 for 2}}
  tile.decay_scale (%x, %x), %g, %x, %g into (%x), %x : (!tile.buffer<32x64xbf16>, !tile.buffer<32x64xbf16>), !tile.buffer<32x64xf32>, !tile.buffer<32x64xbf16>, !tile.buffer<32x64xf32>, (!tile.buffer<32x64xbf16>), !tile.buffer<32x64xbf16>
  return
}

// -----
func.func @decay_dot_c4(%x: !tile.buffer<32x64xbf16>, %g: !tile.buffer<32x64xf32>) {
  // expected-error @below {{expects results of 32x32 in one layout #tile.acc, got}}
  %r = tile.decay_dot (%x), %g, %x, %g scaled (%x), %x strict [true] : (!tile.buffer<32x64xbf16>), !tile.buffer<32x64xf32>, !tile.buffer<32x64xbf16>, !tile.buffer<32x64xf32>, (!tile.buffer<32x64xbf16>), !tile.buffer<32x64xbf16> -> tensor<32x64xf32, #tile.acc<warps = [2, 4]>>
  return
}

// -----
func.func @decay_dot_c4_strict(%x: !tile.buffer<32x64xbf16>, %g: !tile.buffer<32x64xf32>) {
  // expected-error @below {{expects a result for each x, strict or not, got 1 results and 2 words for 1}}
  %r = tile.decay_dot (%x), %g, %x, %g scaled (%x), %x strict [true, false] : (!tile.buffer<32x64xbf16>), !tile.buffer<32x64xf32>, !tile.buffer<32x64xbf16>, !tile.buffer<32x64xf32>, (!tile.buffer<32x64xbf16>), !tile.buffer<32x64xbf16> -> tensor<32x32xf32, #tile.acc<warps = [2, 4]>>
  return
}

// -----
func.func @decay_dot_c5(%x: !tile.buffer<32x64xf32>, %g: !tile.buffer<32x64xf32>) {
  // expected-error @below {{expects a precision of products of f32 and of no others, got products of 'f32' without}}
  %r = tile.decay_dot (%x), %g, %x, %g scaled (%x), %x strict [true] : (!tile.buffer<32x64xf32>), !tile.buffer<32x64xf32>, !tile.buffer<32x64xf32>, !tile.buffer<32x64xf32>, (!tile.buffer<32x64xf32>), !tile.buffer<32x64xf32> -> tensor<32x32xf32, #tile.acc<warps = [2, 4]>>
  return
}

// -----
#acc = #tile.acc<warps = [1, 4]>
func.func @decay_apply_c1(%m: !tile.buffer<32x32xbf16>, %y: !tile.buffer<64x64xbf16>, %gx: !tile.buffer<32x64xf32>, %gy: !tile.buffer<32x64xf32>) -> tensor<32x64xf32, #acc> {
  // expected-error @below {{expects y of a width that is a multiple of 16, with a row for each of the gates that it goes with, got '!tile.buffer<64x64xbf16>' for '!tile.buffer<32x64xf32>'}}
  %r = tile.decay_apply %m, %y, %gx, %gy : !tile.buffer<32x32xbf16>, !tile.buffer<64x64xbf16>, !tile.buffer<32x64xf32>, !tile.buffer<32x64xf32> -> tensor<32x64xf32, #acc>
  return %r : tensor<32x64xf32, #acc>
}

// -----
#acc = #tile.acc<warps = [1, 4]>
func.func @decay_apply_c2(%m: !tile.buffer<32x32xbf16>, %y: !tile.buffer<32x64xbf16>, %gx: !tile.buffer<32x32xf32>, %gy: !tile.buffer<32x64xf32>) -> tensor<32x64xf32, #acc> {
  // expected-error @below {{expects f32 gates as wide as y, got '!tile.buffer<32x32xf32>'}}
  %r = tile.decay_apply %m, %y, %gx, %gy : !tile.buffer<32x32xbf16>, !tile.buffer<32x64xbf16>, !tile.buffer<32x32xf32>, !tile.buffer<32x64xf32> -> tensor<32x64xf32, #acc>
  return %r : tensor<32x64xf32, #acc>
}

// -----
#acc = #tile.acc<warps = [1, 4]>
func.func @decay_apply_c2_rows(%m: !tile.buffer<32x32xbf16>, %y: !tile.buffer<48x64xbf16>, %gx: !tile.buffer<32x64xf32>, %gy: !tile.buffer<48x64xf32>) -> tensor<32x64xf32, #acc> {
  // expected-error @below {{expects rows of gx in blocks of 16, and some rows of gy for each of them, got 32 and 48}}
  %r = tile.decay_apply %m, %y, %gx, %gy : !tile.buffer<32x32xbf16>, !tile.buffer<48x64xbf16>, !tile.buffer<32x64xf32>, !tile.buffer<48x64xf32> -> tensor<32x64xf32, #acc>
  return %r : tensor<32x64xf32, #acc>
}

// -----
#acc = #tile.acc<warps = [1, 4]>
func.func @decay_apply_c3(%m: !tile.buffer<32x32xf32>, %y: !tile.buffer<32x64xbf16>, %g: !tile.buffer<32x64xf32>) -> tensor<32x64xf32, #acc> {
  // expected-error @below {{expects a matrix of 32x32, bf16 as y is, got '!tile.buffer<32x32xf32>'}}
  %r = tile.decay_apply %m, %y, %g, %g : !tile.buffer<32x32xf32>, !tile.buffer<32x64xbf16>, !tile.buffer<32x64xf32>, !tile.buffer<32x64xf32> -> tensor<32x64xf32, #acc>
  return %r : tensor<32x64xf32, #acc>
}

// -----
#acc = #tile.acc<warps = [1, 4]>
func.func @decay_apply_c3_f16(%m: !tile.buffer<32x32xbf16>, %y: !tile.buffer<32x64xf16>, %g: !tile.buffer<32x64xf32>) -> tensor<32x64xf32, #acc> {
  // expected-error @below {{expects a matrix of 32x32, f32, got '!tile.buffer<32x32xbf16>'}}
  %r = tile.decay_apply %m, %y, %g, %g : !tile.buffer<32x32xbf16>, !tile.buffer<32x64xf16>, !tile.buffer<32x64xf32>, !tile.buffer<32x64xf32> -> tensor<32x64xf32, #acc>
  return %r : tensor<32x64xf32, #acc>
}

// -----
#acc = #tile.acc<warps = [1, 4]>
func.func @decay_apply_c3_remainder(%m: !tile.buffer<32x32xbf16>, %mr: !tile.buffer<32x32xf32>, %y: !tile.buffer<32x64xbf16>, %g: !tile.buffer<32x64xf32>) -> tensor<32x64xf32, #acc> {
  // expected-error @below {{expects the remainder of a bf16 matrix, of its type '!tile.buffer<32x32xbf16>', got '!tile.buffer<32x32xf32>'}}
  %r = tile.decay_apply %m remainder (%mr : !tile.buffer<32x32xf32>), %y, %g, %g : !tile.buffer<32x32xbf16>, !tile.buffer<32x64xbf16>, !tile.buffer<32x64xf32>, !tile.buffer<32x64xf32> -> tensor<32x64xf32, #acc>
  return %r : tensor<32x64xf32, #acc>
}

// -----
#acc = #tile.acc<warps = [1, 4]>
func.func @decay_apply_c7(%m: !tile.buffer<32x32xf32>, %y: !tile.buffer<32x64xf32>, %g: !tile.buffer<32x64xf32>) -> tensor<32x64xf32, #acc> {
  // expected-error @below {{expects scaled rows of bf16 and their remainder, got 1 buffers for '!tile.buffer<32x64xf32>'}}
  %r = tile.decay_apply %m, %y, %g, %g scaled (%y : !tile.buffer<32x64xf32>) : !tile.buffer<32x32xf32>, !tile.buffer<32x64xf32>, !tile.buffer<32x64xf32>, !tile.buffer<32x64xf32> -> tensor<32x64xf32, #acc>
  return %r : tensor<32x64xf32, #acc>
}

// -----
#acc = #tile.acc<warps = [1, 4]>
func.func @decay_apply_c7_type(%m: !tile.buffer<32x32xbf16>, %y: !tile.buffer<32x64xbf16>, %g: !tile.buffer<32x64xf32>) -> tensor<32x64xf32, #acc> {
  // expected-error @below {{expects scaled rows of the type of y, '!tile.buffer<32x64xbf16>', got '!tile.buffer<32x64xf32>'}}
  %r = tile.decay_apply %m, %y, %g, %g scaled (%g : !tile.buffer<32x64xf32>) : !tile.buffer<32x32xbf16>, !tile.buffer<32x64xbf16>, !tile.buffer<32x64xf32>, !tile.buffer<32x64xf32> -> tensor<32x64xf32, #acc>
  return %r : tensor<32x64xf32, #acc>
}

// -----
#acc = #tile.acc<warps = [1, 4]>
func.func @decay_apply_c4(%m: !tile.buffer<32x32xbf16>, %y: !tile.buffer<32x64xbf16>, %gx: !tile.buffer<32x64xf32>, %gy: !tile.buffer<32x64xf32>) -> tensor<64x64xf32, #acc> {
  // expected-error @below {{expects a result of 32x64 in a layout #tile.acc, got 'tensor<64x64xf32, #tile.acc<warps = [1, 4]>>'}}
  %r = tile.decay_apply %m, %y, %gx, %gy : !tile.buffer<32x32xbf16>, !tile.buffer<32x64xbf16>, !tile.buffer<32x64xf32>, !tile.buffer<32x64xf32> -> tensor<64x64xf32, #acc>
  return %r : tensor<64x64xf32, #acc>
}

// -----
#acc = #tile.acc<warps = [1, 4]>
func.func @decay_apply_c6(%m: !tile.buffer<32x32xbf16>, %y: !tile.buffer<32x64xbf16>, %gx: !tile.buffer<32x64xf32>, %gy: !tile.buffer<32x64xf32>) -> tensor<32x64xf32, #acc> {
  // expected-error @below {{expects the rest of '!tile.buffer<32x64xf32>' to be '!tile.buffer<32x64xbf16>', got '!tile.buffer<32x64xf32>'}}
  %r = tile.decay_apply %m, %y, %gx, %gy rest (%gx, %gy : !tile.buffer<32x64xf32>, !tile.buffer<32x64xf32>) : !tile.buffer<32x32xbf16>, !tile.buffer<32x64xbf16>, !tile.buffer<32x64xf32>, !tile.buffer<32x64xf32> -> tensor<32x64xf32, #acc>
  return %r : tensor<32x64xf32, #acc>
}

// -----
func.func @decay_c6(%x: !tile.buffer<32x64xbf16>, %g: !tile.buffer<32x64xf32>) {
  // expected-error @below {{expects a rest of both gates or of none, got one}}
  "tile.decay_scale"(%x, %g, %x, %g, %g, %x, %x) <{operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0, 1, 1, 0>}> : (!tile.buffer<32x64xbf16>, !tile.buffer<32x64xf32>, !tile.buffer<32x64xbf16>, !tile.buffer<32x64xf32>, !tile.buffer<32x64xf32>, !tile.buffer<32x64xbf16>, !tile.buffer<32x64xbf16>) -> ()
  return
}

// -----
func.func @decay_c6_type(%x: !tile.buffer<32x64xbf16>, %g: !tile.buffer<32x64xf32>) {
  // expected-error @below {{expects the rest of '!tile.buffer<32x64xf32>' to be '!tile.buffer<32x64xbf16>', got '!tile.buffer<32x64xf32>'}}
  tile.decay_scale (%x), %g, %x, %g rest (%x, %g : !tile.buffer<32x64xbf16>, !tile.buffer<32x64xf32>) into (%x), %x : (!tile.buffer<32x64xbf16>), !tile.buffer<32x64xf32>, !tile.buffer<32x64xbf16>, !tile.buffer<32x64xf32>, (!tile.buffer<32x64xbf16>), !tile.buffer<32x64xbf16>
  return
}

// -----
func.func @decay_c7(%x: !tile.buffer<32x64xf16>, %g: !tile.buffer<32x64xf32>) {
  // expected-error @below {{expects remainders of bf16 operands, got those of 'f16'}}
  tile.decay_scale (%x), %g, %x, %g into (%x), %x remainders (%x, %x : !tile.buffer<32x64xf16>, !tile.buffer<32x64xf16>) : (!tile.buffer<32x64xf16>), !tile.buffer<32x64xf32>, !tile.buffer<32x64xf16>, !tile.buffer<32x64xf32>, (!tile.buffer<32x64xf16>), !tile.buffer<32x64xf16>
  return
}

// -----
func.func @decay_c7_count(%x: !tile.buffer<32x64xbf16>, %g: !tile.buffer<32x64xf32>) {
  // expected-error @below {{expects a remainder of each scaled operand, 2 in all, got 1}}
  tile.decay_scale (%x), %g, %x, %g into (%x), %x remainders (%x : !tile.buffer<32x64xbf16>) : (!tile.buffer<32x64xbf16>), !tile.buffer<32x64xf32>, !tile.buffer<32x64xbf16>, !tile.buffer<32x64xf32>, (!tile.buffer<32x64xbf16>), !tile.buffer<32x64xbf16>
  return
}

// -----
func.func @decay_c7_type(%x: !tile.buffer<32x64xbf16>, %y: !tile.buffer<32x64xbf16, pad = 8>, %g: !tile.buffer<32x64xf32>) {
  // expected-error @below {{expects the remainder of '!tile.buffer<32x64xbf16>' to have its type, got '!tile.buffer<32x64xbf16, pad = 8>'}}
  %r = tile.decay_dot (%x), %g, %x, %g scaled (%x), %x remainders (%x, %y : !tile.buffer<32x64xbf16>, !tile.buffer<32x64xbf16, pad = 8>) strict [true] : (!tile.buffer<32x64xbf16>), !tile.buffer<32x64xf32>, !tile.buffer<32x64xbf16>, !tile.buffer<32x64xf32>, (!tile.buffer<32x64xbf16>), !tile.buffer<32x64xbf16> -> tensor<32x32xf32, #tile.acc<warps = [2, 4]>>
  return
}

// -----
func.func @reduce_c1(%v: tensor<64xf32, #tile.lanes>) {
  // expected-error @below {{expects a matrix in layout #tile.acc, got #tile.lanes}}
  %w = tile.reduce add %v along 0 : tensor<64xf32, #tile.lanes> -> tensor<64xf32, #tile.lanes>
  return
}

// -----
func.func @reduce_c1_dim(%v: tensor<64x64xf32, #tile.acc<warps = [4, 1]>>) {
  // expected-error @below {{expects dimension 0 or 1, got 2}}
  %w = tile.reduce add %v along 2 : tensor<64x64xf32, #tile.acc<warps = [4, 1]>> -> tensor<64xf32, #tile.slice<1 of <warps = [4, 1]>>>
  return
}

// -----
func.func @reduce_c1_slice(%v: tensor<64x64xf32, #tile.acc<warps = [4, 1]>>) {
  // expected-error @below {{expects the input's slice along dimension 1, got}}
  %w = tile.reduce add %v along 1 : tensor<64x64xf32, #tile.acc<warps = [4, 1]>> -> tensor<64xf32, #tile.slice<0 of <warps = [4, 1]>>>
  return
}

// -----
func.func @reduce_c2(%v: tensor<64x64xf32, #tile.acc<warps = [4, 1]>>) {
  // expected-error @below {{expects scratch where several warps share the dimension, got none for 4}}
  %w = tile.reduce add %v along 0 : tensor<64x64xf32, #tile.acc<warps = [4, 1]>> -> tensor<64xf32, #tile.slice<0 of <warps = [4, 1]>>>
  return
}

// -----
func.func @reduce_c2_shape(%v: tensor<64x64xf32, #tile.acc<warps = [4, 1]>>, %s: !tile.buffer<2x64xf32>) {
  // expected-error @below {{expects f32 scratch of 4x64, got '!tile.buffer<2x64xf32>'}}
  %w = tile.reduce add %v along 0 through %s : tensor<64x64xf32, #tile.acc<warps = [4, 1]>>, !tile.buffer<2x64xf32> -> tensor<64xf32, #tile.slice<0 of <warps = [4, 1]>>>
  return
}

// -----
func.func @step_c1(%x: tensor<64xf32, #tile.lanes>) {
  // expected-error@+1 {{'tile.step' op expects one layout in which warps share no rows, and a multiple of the result's rows, got 'tensor<64xf32, #tile.lanes>' and 'tensor<48xf32, #tile.lanes>'}}
  %y = tile.step %x[0] : tensor<64xf32, #tile.lanes> -> tensor<48xf32, #tile.lanes>
  return
}

// -----
func.func @step_c1_layout(%x: tensor<64x32xf32, #tile.acc<warps = [2, 1]>>) {
  // expected-error@+1 {{'tile.step' op expects one layout in which warps share no rows, and a multiple of the result's rows, got}}
  %y = tile.step %x[0] : tensor<64x32xf32, #tile.acc<warps = [2, 1]>> -> tensor<32x32xf32, #tile.acc<warps = [2, 1]>>
  return
}

// -----
func.func @step_c2(%x: tensor<64xf32, #tile.lanes>) {
  // expected-error@+1 {{'tile.step' op expects one of 2 steps, got 2}}
  %y = tile.step %x[2] : tensor<64xf32, #tile.lanes> -> tensor<32xf32, #tile.lanes>
  return
}

// -----
func.func @row_dots_c1(%x: tensor<32x64xf32, #tile.acc<warps = [1, 4]>>) {
  // expected-error @below {{expects matrices of 16 bits in a layout #tile.acc, a warp's rows and columns in multiples of 16, got 'tensor<32x64xf32, #tile.acc<warps = [1, 4]>>'}}
  %r = tile.row_dots %x, %x : tensor<32x64xf32, #tile.acc<warps = [1, 4]>> -> tensor<32x32xf32, #tile.acc<warps = [1, 4]>>
  return
}

// -----
func.func @row_dots_c2(%x: tensor<32x64xbf16, #tile.acc<warps = [1, 4]>>) {
  // expected-error @below {{expects a result of 32x32 in the layout of the input, got 'tensor<32x64xf32, #tile.acc<warps = [1, 4]>>'}}
  %r = tile.row_dots %x, %x : tensor<32x64xbf16, #tile.acc<warps = [1, 4]>> -> tensor<32x64xf32, #tile.acc<warps = [1, 4]>>
  return
}
