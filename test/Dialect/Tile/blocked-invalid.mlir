// If this fails, a layout or an operation is accepted for which no code can be made:
// threads would hold two elements in one place, or meet where they cannot.
// RUN: deltanet-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{expects powers of two, got 3 for dimension 0}}
func.func private @blocked_c1(tensor<12xf32, #tile.blocked<3 lanes 4 by 1>>)

// -----
// expected-error @below {{expects lanes below 32, got lane 56 for dimension 0}}
func.func private @blocked_c2_lanes(tensor<12xf32, #tile.blocked<1 lanes 8 by 8>>)

// -----
// expected-error @below {{expects lanes and warps of their own for every dimension, got some of dimension 1 that an earlier one has}}
func.func private @blocked_c2_twice(tensor<12x4xf32, #tile.blocked<1 lanes 8 by 1, 1 lanes 4 by 4>>)

// -----
// expected-error @below {{expects lanes and warps of their own for every dimension, got some of dimension 1 that an earlier one has}}
func.func private @blocked_c2_warps(tensor<12x4xf32, #tile.blocked<1 warps 4 by 1, 1 warps 2 by 2>>)

// -----
// expected-error @below {{expects a layout of 2 dimensions, as the tile, got 1}}
func.func private @blocked_c3(tensor<12x4xf32, #tile.blocked<1>>)

// -----
// expected-error @below {{expects static extents of at least 1 in layout #tile.blocked, got 0}}
func.func private @blocked_empty(tensor<0xf32, #tile.blocked<1>>)

// -----
func.func @repeat_c1(%x: tensor<8xf32, #tile.blocked<1 lanes 8 by 1>>) {
  // expected-error @below {{expects an input of type 'tensor<8xf32, #tile.blocked<1 lanes 8 by 4>>', the result without the listed dimensions, got 'tensor<8xf32, #tile.blocked<1 lanes 8 by 1>>'}}
  %0 = tile.expand %x [0] : tensor<8xf32, #tile.blocked<1 lanes 8 by 1>> -> tensor<2x8xf32, #tile.blocked<1, 1 lanes 8 by 4>>
  return
}

// -----
func.func @repeat_c1_dimensions(%x: tensor<8xf32, #tile.blocked<1 lanes 8 by 1>>) {
  // expected-error @below {{expects dimensions of the result, each once, got}}
  %0 = tile.expand %x [2] : tensor<8xf32, #tile.blocked<1 lanes 8 by 1>> -> tensor<2x8xf32, #tile.blocked<1, 1 lanes 8 by 1>>
  return
}

// -----
func.func @reduce_c1(%x: tensor<2x8xf32, #tile.blocked<1, 1 lanes 8 by 1>>) {
  // expected-error @below {{expects a result of type 'tensor<2xf32, #tile.blocked<1>>', the input without the listed dimensions, got 'tensor<3xf32, #tile.blocked<1>>'}}
  %0 = tile.combine add %x [1] : tensor<2x8xf32, #tile.blocked<1, 1 lanes 8 by 1>> -> tensor<3xf32, #tile.blocked<1>>
  return
}

// -----
func.func @reduce_c2(%x: tensor<8xf32, #tile.blocked<1 warps 4 by 1>>) {
  // expected-error @below {{expects a buffer where warps share a reduced dimension and nowhere else, got none for 4 warps}}
  %0 = tile.combine add %x [0] : tensor<8xf32, #tile.blocked<1 warps 4 by 1>> -> tensor<f32, #tile.blocked<>>
  return
}

// -----
func.func @reduce_c2_buffer(%x: tensor<8xf32, #tile.blocked<1 warps 4 by 1>>, %b: !tile.buffer<1x64xf32>) {
  // expected-error @below {{expects an f32 buffer of 1 rows and 32 columns for each warp of the block, got '!tile.buffer<1x64xf32>'}}
  %0 = tile.combine add %x [0] through %b : tensor<8xf32, #tile.blocked<1 warps 4 by 1>>, !tile.buffer<1x64xf32> -> tensor<f32, #tile.blocked<>>
  return
}

// -----
func.func @row_c1(%x: tensor<2x8xf32, #tile.blocked<1, 1 lanes 8 by 1>>) {
  // expected-error @below {{expects the index of a row, got 2 of 'tensor<2x8xf32, #tile.blocked<1, 1 lanes 8 by 1>>'}}
  %0 = tile.take_row %x [2] : tensor<2x8xf32, #tile.blocked<1, 1 lanes 8 by 1>> -> tensor<8xf32, #tile.blocked<1 lanes 8 by 1>>
  return
}

// -----
func.func @row_c1_shared(%x: tensor<8x2xf32, #tile.blocked<1 lanes 8 by 1, 1>>) {
  // expected-error @below {{expects rows that neither lanes nor warps share, got #tile.blocked<1 lanes 8 by 1, 1>}}
  %0 = tile.take_row %x [1] : tensor<8x2xf32, #tile.blocked<1 lanes 8 by 1, 1>> -> tensor<2xf32, #tile.blocked<1>>
  return
}

// -----
func.func @row_c2(%x: tensor<2x8xf32, #tile.blocked<1, 1 lanes 8 by 1>>) {
  // expected-error @below {{expects a result of type 'tensor<8xf32, #tile.blocked<1 lanes 8 by 1>>', the input without its rows, got 'tensor<8xf32, #tile.blocked<1>>'}}
  %0 = tile.take_row %x [1] : tensor<2x8xf32, #tile.blocked<1, 1 lanes 8 by 1>> -> tensor<8xf32, #tile.blocked<1>>
  return
}

// -----
func.func @transpose_c1(%x: tensor<2x8xf32, #tile.blocked<1, 1 lanes 8 by 1>>) {
  // expected-error @below {{expects a result of type 'tensor<8x2xf32, #tile.blocked<1 lanes 8 by 1, 1>>', the input exchanged, got 'tensor<8x2xf32, #tile.blocked<1, 1>>'}}
  %0 = tile.transpose %x : tensor<2x8xf32, #tile.blocked<1, 1 lanes 8 by 1>> -> tensor<8x2xf32, #tile.blocked<1, 1>>
  return
}

// -----
func.func @transpose_c1_rank(%x: tensor<8xf32, #tile.blocked<1 lanes 8 by 1>>) {
  // expected-error @below {{expects a matrix, got 'tensor<8xf32, #tile.blocked<1 lanes 8 by 1>>'}}
  %0 = tile.transpose %x : tensor<8xf32, #tile.blocked<1 lanes 8 by 1>> -> tensor<8xf32, #tile.blocked<1>>
  return
}
