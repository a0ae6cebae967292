// If this fails, an input that breaks a constraint of dialects/Chunk/README.md is
// let through, or is refused with another message than the rule, the fact and
// where. Functions are named after the constraint they break.
// RUN: deltanet-opt %s --verify-diagnostics --split-input-file

// dot: one element type, extents.
func.func @dot_c1(%a: tensor<8x4xf32>, %b: tensor<4x4xbf16>) {
  // expected-error@+1 {{'chunk.dot' op expects operands of one element type, got 'f32' and 'bf16'}}
  %r = chunk.dot %a, %b : tensor<8x4xf32>, tensor<4x4xbf16> -> tensor<8x4xf32>
  return
}

// -----

func.func @dot_c2_contracted(%a: tensor<8x4xf32>, %b: tensor<5x4xf32>) {
  // expected-error@+1 {{'chunk.dot' op expects contracted extents to agree, got 4 of lhs and 5 of rhs}}
  %r = chunk.dot %a, %b : tensor<8x4xf32>, tensor<5x4xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @dot_c2_transposed(%a: tensor<8x4xf32>) {
  // expected-error@+1 {{'chunk.dot' op expects contracted extents to agree, got 8 of lhs and 4 of rhs}}
  %r = chunk.dot %a, %a {transpose_lhs, transpose_rhs} : tensor<8x4xf32>, tensor<8x4xf32> -> tensor<4x4xf32>
  return
}

// -----

func.func @dot_c2_result(%a: tensor<8x4xf32>, %b: tensor<4x6xf32>) {
  // expected-error@+1 {{'chunk.dot' op expects a result of 8x6, got 8x4}}
  %r = chunk.dot %a, %b : tensor<8x4xf32>, tensor<4x6xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @dot_result_type(%a: tensor<8x4xf32>, %b: tensor<4x4xf32>) {
  // expected-error@+1 {{'chunk.dot' op result #0 must be matrix (2-D, extents of 1 or more) of 32-bit float values, but got 'tensor<8x4xbf16>'}}
  %r = chunk.dot %a, %b : tensor<8x4xf32>, tensor<4x4xf32> -> tensor<8x4xbf16>
  return
}

// -----

func.func @dot_rank(%a: tensor<2x8x4xf32>, %b: tensor<4x4xf32>) {
  // expected-error@+1 {{'chunk.dot' op operand #0 must be matrix (2-D, extents of 1 or more) of 32-bit float or bfloat16 type or 16-bit float values, but got 'tensor<2x8x4xf32>'}}
  %r = chunk.dot %a, %b : tensor<2x8x4xf32>, tensor<4x4xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @dot_dynamic(%a: tensor<?x4xf32>, %b: tensor<4x4xf32>) {
  // expected-error@+1 {{'chunk.dot' op operand #0 must be matrix (2-D, extents of 1 or more) of 32-bit float or bfloat16 type or 16-bit float values, but got 'tensor<?x4xf32>'}}
  %r = chunk.dot %a, %b : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<8x4xf32>
  return
}

// -----

// decay_dot.
func.func @decay_dot_c1_element(%x: tensor<8x4xf32>, %y: tensor<8x4xf16>, %gx: tensor<8xf64>, %gy: tensor<8xf64>) {
  // expected-error@+1 {{'chunk.decay_dot' op expects x and y of one element type and width, got 'tensor<8x4xf32>' and 'tensor<8x4xf16>'}}
  %r = chunk.decay_dot %x, %y, %gx, %gy : tensor<8x4xf32>, tensor<8x4xf16>, tensor<8xf64>, tensor<8xf64> -> tensor<8x8xf32>
  return
}

// -----

func.func @decay_dot_c1_width(%x: tensor<8x4xf32>, %y: tensor<8x5xf32>, %gx: tensor<8xf64>, %gy: tensor<8xf64>) {
  // expected-error@+1 {{'chunk.decay_dot' op expects x and y of one element type and width, got 'tensor<8x4xf32>' and 'tensor<8x5xf32>'}}
  %r = chunk.decay_dot %x, %y, %gx, %gy : tensor<8x4xf32>, tensor<8x5xf32>, tensor<8xf64>, tensor<8xf64> -> tensor<8x8xf32>
  return
}

// -----

func.func @decay_dot_c1_rows(%x: tensor<8x4xf32>, %y: tensor<12x4xf32>, %gx: tensor<8xf64>, %gy: tensor<12xf64>) {
  // expected-error@+1 {{'chunk.decay_dot' op expects rows of y to be a multiple of rows of x, got 12 and 8}}
  %r = chunk.decay_dot %x, %y, %gx, %gy : tensor<8x4xf32>, tensor<12x4xf32>, tensor<8xf64>, tensor<12xf64> -> tensor<8x12xf32>
  return
}

// -----

func.func @decay_dot_c2_ranks(%x: tensor<8x4xf32>, %y: tensor<8x4xf32>, %gx: tensor<8x4xf64>, %gy: tensor<8xf64>) {
  // expected-error@+1 {{'chunk.decay_dot' op expects both gates per row or both per channel, of one element type, got 'tensor<8x4xf64>' and 'tensor<8xf64>'}}
  %r = chunk.decay_dot %x, %y, %gx, %gy : tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf64>, tensor<8xf64> -> tensor<8x8xf32>
  return
}

// -----

func.func @decay_dot_c2_elements(%x: tensor<8x4xf32>, %y: tensor<8x4xf32>, %gx: tensor<8xf32>, %gy: tensor<8xf64>) {
  // expected-error@+1 {{'chunk.decay_dot' op expects both gates per row or both per channel, of one element type, got 'tensor<8xf32>' and 'tensor<8xf64>'}}
  %r = chunk.decay_dot %x, %y, %gx, %gy : tensor<8x4xf32>, tensor<8x4xf32>, tensor<8xf32>, tensor<8xf64> -> tensor<8x8xf32>
  return
}

// -----

func.func @decay_dot_c2_gx_rows(%x: tensor<8x4xf32>, %y: tensor<8x4xf32>, %gx: tensor<7xf64>, %gy: tensor<8xf64>) {
  // expected-error@+1 {{'chunk.decay_dot' op expects gx with 8 rows, got 7}}
  %r = chunk.decay_dot %x, %y, %gx, %gy : tensor<8x4xf32>, tensor<8x4xf32>, tensor<7xf64>, tensor<8xf64> -> tensor<8x8xf32>
  return
}

// -----

func.func @decay_dot_c2_gy_rows(%x: tensor<8x4xf32>, %y: tensor<16x4xf32>, %gx: tensor<8xf64>, %gy: tensor<8xf64>) {
  // expected-error@+1 {{'chunk.decay_dot' op expects gy with 16 rows, got 8}}
  %r = chunk.decay_dot %x, %y, %gx, %gy : tensor<8x4xf32>, tensor<16x4xf32>, tensor<8xf64>, tensor<8xf64> -> tensor<8x16xf32>
  return
}

// -----

func.func @decay_dot_c2_channels(%x: tensor<8x4xf32>, %y: tensor<8x4xf32>, %gx: tensor<8x3xf64>, %gy: tensor<8x4xf64>) {
  // expected-error@+1 {{'chunk.decay_dot' op expects gx with 4 channels, got 3}}
  %r = chunk.decay_dot %x, %y, %gx, %gy : tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x3xf64>, tensor<8x4xf64> -> tensor<8x8xf32>
  return
}

// -----

func.func @decay_dot_c3(%x: tensor<8x4xf32>, %y: tensor<8x4xf32>, %gx: tensor<8xf64>, %gy: tensor<8xf64>) {
  // expected-error@+1 {{'chunk.decay_dot' op expects a result of 8x8, got 8x4}}
  %r = chunk.decay_dot %x, %y, %gx, %gy : tensor<8x4xf32>, tensor<8x4xf32>, tensor<8xf64>, tensor<8xf64> -> tensor<8x4xf32>
  return
}

// -----

func.func @decay_dot_gate_type(%x: tensor<8x4xf32>, %y: tensor<8x4xf32>, %gx: tensor<8xbf16>, %gy: tensor<8xf64>) {
  // expected-error@+1 {{'chunk.decay_dot' op operand #2 must be gate (1-D or 2-D, extents of 1 or more) of 64-bit float or 32-bit float values, but got 'tensor<8xbf16>'}}
  %r = chunk.decay_dot %x, %y, %gx, %gy : tensor<8x4xf32>, tensor<8x4xf32>, tensor<8xbf16>, tensor<8xf64> -> tensor<8x8xf32>
  return
}

// -----

// A tile without rows.
func.func @decay_dot_no_rows(%x: tensor<0x4xf32>, %y: tensor<8x4xf32>, %gx: tensor<0xf64>, %gy: tensor<8xf64>) {
  // expected-error@+1 {{'chunk.decay_dot' op operand #0 must be matrix (2-D, extents of 1 or more) of 32-bit float or bfloat16 type or 16-bit float values, but got 'tensor<0x4xf32>'}}
  %r = chunk.decay_dot %x, %y, %gx, %gy : tensor<0x4xf32>, tensor<8x4xf32>, tensor<0xf64>, tensor<8xf64> -> tensor<0x8xf32>
  return
}

// -----

// decay_apply.
func.func @decay_apply_c1_element(%m: tensor<8x8xf32>, %y: tensor<8x4xbf16>, %gx: tensor<8xf64>, %gy: tensor<8xf64>) {
  // expected-error@+1 {{'chunk.decay_apply' op expects m and y of one element type, got 'f32' and 'bf16'}}
  %r = chunk.decay_apply %m, %y, %gx, %gy : tensor<8x8xf32>, tensor<8x4xbf16>, tensor<8xf64>, tensor<8xf64> -> tensor<8x4xf32>
  return
}

// -----

func.func @decay_apply_c1_rows(%m: tensor<8x8xf32>, %y: tensor<7x4xf32>, %gx: tensor<8xf64>, %gy: tensor<8xf64>) {
  // expected-error@+1 {{'chunk.decay_apply' op expects y with 8 rows, got 7}}
  %r = chunk.decay_apply %m, %y, %gx, %gy : tensor<8x8xf32>, tensor<7x4xf32>, tensor<8xf64>, tensor<8xf64> -> tensor<8x4xf32>
  return
}

// -----

func.func @decay_apply_c1_columns(%m: tensor<8x12xf32>, %y: tensor<12x4xf32>, %gx: tensor<8xf64>, %gy: tensor<8xf64>) {
  // expected-error@+1 {{'chunk.decay_apply' op expects columns of m to be a multiple of its rows, got 8x12}}
  %r = chunk.decay_apply %m, %y, %gx, %gy : tensor<8x12xf32>, tensor<12x4xf32>, tensor<8xf64>, tensor<8xf64> -> tensor<8x4xf32>
  return
}

// -----

func.func @decay_apply_c1_result(%m: tensor<8x8xf32>, %y: tensor<8x4xf32>, %gx: tensor<8xf64>, %gy: tensor<8xf64>) {
  // expected-error@+1 {{'chunk.decay_apply' op expects a result of 8x4, got 8x5}}
  %r = chunk.decay_apply %m, %y, %gx, %gy : tensor<8x8xf32>, tensor<8x4xf32>, tensor<8xf64>, tensor<8xf64> -> tensor<8x5xf32>
  return
}

// -----

func.func @decay_apply_c1_transposed(%m: tensor<8x16xf32>, %y: tensor<8x4xf32>, %gx: tensor<8xf64>, %gy: tensor<16xf64>) {
  // expected-error@+1 {{'chunk.decay_apply' op expects a result of 16x4, got 8x4}}
  %r = chunk.decay_apply %m, %y, %gx, %gy transpose : tensor<8x16xf32>, tensor<8x4xf32>, tensor<8xf64>, tensor<16xf64> -> tensor<8x4xf32>
  return
}

// -----

func.func @decay_apply_c2_gx(%m: tensor<8x8xf32>, %y: tensor<8x4xf32>, %gx: tensor<9xf64>, %gy: tensor<8xf64>) {
  // expected-error@+1 {{'chunk.decay_apply' op expects gx with 8 rows, got 9}}
  %r = chunk.decay_apply %m, %y, %gx, %gy : tensor<8x8xf32>, tensor<8x4xf32>, tensor<9xf64>, tensor<8xf64> -> tensor<8x4xf32>
  return
}

// -----

func.func @decay_apply_c2_gy(%m: tensor<8x8xf32>, %y: tensor<8x4xf32>, %gx: tensor<8xf64>, %gy: tensor<9xf64>) {
  // expected-error@+1 {{'chunk.decay_apply' op expects gy with 8 rows, got 9}}
  %r = chunk.decay_apply %m, %y, %gx, %gy : tensor<8x8xf32>, tensor<8x4xf32>, tensor<8xf64>, tensor<9xf64> -> tensor<8x4xf32>
  return
}

// -----

func.func @decay_apply_c2_ranks(%m: tensor<8x8xf32>, %y: tensor<8x4xf32>, %gx: tensor<8xf64>, %gy: tensor<8x4xf64>) {
  // expected-error@+1 {{'chunk.decay_apply' op expects both gates per row or both per channel, of one element type, got 'tensor<8xf64>' and 'tensor<8x4xf64>'}}
  %r = chunk.decay_apply %m, %y, %gx, %gy : tensor<8x8xf32>, tensor<8x4xf32>, tensor<8xf64>, tensor<8x4xf64> -> tensor<8x4xf32>
  return
}

// -----

func.func @decay_apply_c2_channels(%m: tensor<8x8xf32>, %y: tensor<8x4xf32>, %gx: tensor<8x5xf64>, %gy: tensor<8x5xf64>) {
  // expected-error@+1 {{'chunk.decay_apply' op expects gx with 4 channels, got 5}}
  %r = chunk.decay_apply %m, %y, %gx, %gy : tensor<8x8xf32>, tensor<8x4xf32>, tensor<8x5xf64>, tensor<8x5xf64> -> tensor<8x4xf32>
  return
}

// -----

func.func @decay_apply_no_rows(%m: tensor<0x8xf32>, %y: tensor<8x4xf32>, %gx: tensor<0xf64>, %gy: tensor<8xf64>) {
  // expected-error@+1 {{'chunk.decay_apply' op operand #0 must be matrix (2-D, extents of 1 or more) of 32-bit float or bfloat16 type or 16-bit float values, but got 'tensor<0x8xf32>'}}
  %r = chunk.decay_apply %m, %y, %gx, %gy : tensor<0x8xf32>, tensor<8x4xf32>, tensor<0xf64>, tensor<8xf64> -> tensor<0x4xf32>
  return
}

// -----

// Solve and inverse.
func.func @unit_lower_solve_c1_square(%l: tensor<8x9xf32>, %b: tensor<8x4xf32>) {
  // expected-error@+1 {{'chunk.unit_lower_solve' op expects a square matrix of the right-hand side's rows, got 8x9 and 8x4}}
  %r = chunk.unit_lower_solve %l, %b : tensor<8x9xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @unit_lower_solve_c1_rows(%l: tensor<8x8xf32>, %b: tensor<9x4xf32>) {
  // expected-error@+1 {{'chunk.unit_lower_solve' op expects a square matrix of the right-hand side's rows, got 8x8 and 9x4}}
  %r = chunk.unit_lower_solve %l, %b : tensor<8x8xf32>, tensor<9x4xf32>
  return
}

// -----

func.func @unit_lower_inverse_c1(%l: tensor<8x9xf32>) {
  // expected-error@+1 {{'chunk.unit_lower_inverse' op expects a square matrix, got 8x9}}
  %r = chunk.unit_lower_inverse %l : tensor<8x9xf32>
  return
}

// -----

// Running sums, triangles, rows.
func.func @cumsum_c1_shape(%x: tensor<8xf32>) {
  // expected-error@+1 {{'chunk.cumsum' op expects rows, and a result of the input's shape, got 8 and 9}}
  %r = chunk.cumsum %x : tensor<8xf32> -> tensor<9xf32>
  return
}

// -----

func.func @cumsum_c1_narrower(%x: tensor<8xf64>) {
  // expected-error@+1 {{'chunk.cumsum' op expects a result no narrower than the input, got 'f32' from 'f64'}}
  %r = chunk.cumsum %x : tensor<8xf64> -> tensor<8xf32>
  return
}

// -----

func.func @cumsum_c1_scalar(%x: tensor<f32>) {
  // expected-error@+1 {{'chunk.cumsum' op expects rows, and a result of the input's shape, got a scalar and a scalar}}
  %r = chunk.cumsum %x : tensor<f32> -> tensor<f32>
  return
}

// -----

func.func @tril_c1(%x: tensor<8x12xf32>) {
  // expected-error@+1 {{'chunk.tril' op expects a matrix whose columns are a multiple of its rows, got 8x12}}
  %r = chunk.tril %x : tensor<8x12xf32>
  return
}

// -----

func.func @tril_c1_rank(%x: tensor<8xf32>) {
  // expected-error@+1 {{'chunk.tril' op expects a matrix whose columns are a multiple of its rows, got 8}}
  %r = chunk.tril %x strict : tensor<8xf32>
  return
}

// -----

func.func @tril_c1_no_rows(%x: tensor<0x8xf32>) {
  // expected-error@+1 {{'chunk.tril' op operand #0 must be tile (extents of 1 or more) of 64-bit float or 32-bit float or bfloat16 type or 16-bit float values, but got 'tensor<0x8xf32>'}}
  %r = chunk.tril %x : tensor<0x8xf32>
  return
}

// -----

func.func @row_c1_index(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{'chunk.row' op expects one of the rows of 8x4, got row 8}}
  %r = chunk.row %x [8] : tensor<8x4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @row_c1_negative(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{'chunk.row' op expects one of the rows of 8x4, got row -1}}
  %r = chunk.row %x [-1] : tensor<8x4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @row_c1_scalar(%x: tensor<f32>) {
  // expected-error@+1 {{'chunk.row' op expects one of the rows of a scalar, got row 0}}
  %r = chunk.row %x [0] : tensor<f32> -> tensor<f32>
  return
}

// -----

func.func @row_c1_result(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{'chunk.row' op expects the input without its first dimension, got 'tensor<8xf32>' from 'tensor<8x4xf32>'}}
  %r = chunk.row %x [0] : tensor<8x4xf32> -> tensor<8xf32>
  return
}

// -----

func.func @row_c1_element(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{'chunk.row' op expects the input without its first dimension, got 'tensor<4xf64>' from 'tensor<8x4xf32>'}}
  %r = chunk.row %x [0] : tensor<8x4xf32> -> tensor<4xf64>
  return
}

// -----

// repeat, broadcast, reduce.
func.func @repeat_c1_rows(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{'chunk.repeat' op expects a multiple of the input's rows and the rest alike, got 'tensor<12x4xf32>' from 'tensor<8x4xf32>'}}
  %r = chunk.repeat %x : tensor<8x4xf32> -> tensor<12x4xf32>
  return
}

// -----

func.func @repeat_c1_rest(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{'chunk.repeat' op expects a multiple of the input's rows and the rest alike, got 'tensor<16x5xf32>' from 'tensor<8x4xf32>'}}
  %r = chunk.repeat %x : tensor<8x4xf32> -> tensor<16x5xf32>
  return
}

// -----

func.func @repeat_c1_rank(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{'chunk.repeat' op expects a multiple of the input's rows and the rest alike, got 'tensor<16xf32>' from 'tensor<8x4xf32>'}}
  %r = chunk.repeat %x : tensor<8x4xf32> -> tensor<16xf32>
  return
}

// -----

func.func @repeat_c1_no_rows(%x: tensor<0x4xf32>) {
  // expected-error@+1 {{'chunk.repeat' op operand #0 must be tile (extents of 1 or more) of 64-bit float or 32-bit float or bfloat16 type or 16-bit float or 1-bit signless integer or 8-bit signless integer or 32-bit signless integer or 64-bit signless integer or index values, but got 'tensor<0x4xf32>'}}
  %r = chunk.repeat %x : tensor<0x4xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @place_row_c1_index(%x: tensor<4xf32>) {
  // expected-error@+1 {{'chunk.place_row' op expects one of the rows of 8x4, got row 8}}
  %r = chunk.place_row %x [8] : tensor<4xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @place_row_c1_shape(%x: tensor<5xf32>) {
  // expected-error@+1 {{'chunk.place_row' op expects the result without its first dimension, got 'tensor<5xf32>' for 'tensor<8x4xf32>'}}
  %r = chunk.place_row %x [0] : tensor<5xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @place_row_c1_element(%x: tensor<4xbf16>) {
  // expected-error@+1 {{'chunk.place_row' op expects the result without its first dimension, got 'tensor<4xbf16>' for 'tensor<8x4xf32>'}}
  %r = chunk.place_row %x [0] : tensor<4xbf16> -> tensor<8x4xf32>
  return
}

// -----

func.func @sum_rows_c1_rows(%x: tensor<12x4xf32>) {
  // expected-error@+1 {{'chunk.sum_rows' op expects a multiple of the result's rows and the rest alike, got 'tensor<12x4xf32>' for 'tensor<8x4xf32>'}}
  %r = chunk.sum_rows %x : tensor<12x4xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @sum_rows_c1_rest(%x: tensor<16x4xf32>) {
  // expected-error@+1 {{'chunk.sum_rows' op expects a multiple of the result's rows and the rest alike, got 'tensor<16x4xf32>' for 'tensor<8x5xf32>'}}
  %r = chunk.sum_rows %x : tensor<16x4xf32> -> tensor<8x5xf32>
  return
}

// -----

func.func @broadcast_c1_dimension(%x: tensor<8xf32>) {
  // expected-error@+1 {{'chunk.broadcast' op expects distinct dimensions below 2, got 2}}
  %r = chunk.broadcast %x [2] : tensor<8xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @broadcast_c1_negative(%x: tensor<8xf32>) {
  // expected-error@+1 {{'chunk.broadcast' op expects distinct dimensions below 2, got -1}}
  %r = chunk.broadcast %x [-1] : tensor<8xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @broadcast_c1_twice(%x: tensor<8xf32>) {
  // expected-error@+1 {{'chunk.broadcast' op expects distinct dimensions below 3, got 1}}
  %r = chunk.broadcast %x [1, 1] : tensor<8xf32> -> tensor<8x4x4xf32>
  return
}

// -----

func.func @broadcast_c1_rest(%x: tensor<8xf32>) {
  // expected-error@+1 {{'chunk.broadcast' op expects the input's dimensions beside the new ones, got 'tensor<8x4xf32>' from 'tensor<8xf32>'}}
  %r = chunk.broadcast %x [0] : tensor<8xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @broadcast_c1_element(%x: tensor<8xf32>) {
  // expected-error@+1 {{'chunk.broadcast' op expects the input's dimensions beside the new ones, got 'tensor<8x4xbf16>' from 'tensor<8xf32>'}}
  %r = chunk.broadcast %x [1] : tensor<8xf32> -> tensor<8x4xbf16>
  return
}

// -----

func.func @reduce_c1_dimension(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{'chunk.reduce' op expects distinct dimensions below 2, got 2}}
  %r = chunk.reduce add %x [2] : tensor<8x4xf32> -> tensor<8xf32>
  return
}

// -----

func.func @reduce_c1_twice(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{'chunk.reduce' op expects distinct dimensions below 2, got 0}}
  %r = chunk.reduce max %x [0, 0] : tensor<8x4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @reduce_c1_rest(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{'chunk.reduce' op expects the input without the reduced dimensions, got 'tensor<4xf32>' from 'tensor<8x4xf32>'}}
  %r = chunk.reduce add %x [1] : tensor<8x4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @reduce_kind(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{custom op 'chunk.reduce' expected string or keyword containing one of the following enum values for attribute 'kind' [add, max, min, mul]}}
  %r = chunk.reduce mean %x [1] : tensor<8x4xf32> -> tensor<8xf32>
  return
}

// -----

// mask_tokens, transpose.
func.func @mask_tokens_c1_steps(%x: tensor<8x4xf32>, %n: index) {
  // expected-error@+1 {{'chunk.mask_tokens' op expects rows that are a multiple of the steps, got 8x4 and 3 steps}}
  %r = chunk.mask_tokens %x, %n steps 3 : tensor<8x4xf32>
  return
}

// -----

func.func @mask_tokens_c1_zero(%x: tensor<8x4xf32>, %n: index) {
  // expected-error@+1 {{'chunk.mask_tokens' op expects rows that are a multiple of the steps, got 8x4 and 0 steps}}
  %r = chunk.mask_tokens %x, %n steps 0 : tensor<8x4xf32>
  return
}

// -----

func.func @mask_tokens_c1_scalar(%x: tensor<f32>, %n: index) {
  // expected-error@+1 {{'chunk.mask_tokens' op expects rows that are a multiple of the steps, got a scalar and 1 steps}}
  %r = chunk.mask_tokens %x, %n : tensor<f32>
  return
}

// -----

func.func @transpose_c1_extents(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{'chunk.transpose' op expects a matrix and its extents exchanged, got 'tensor<8x4xf32>' and 'tensor<8x4xf32>'}}
  %r = chunk.transpose %x : tensor<8x4xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @transpose_c1_rank(%x: tensor<4xf32>) {
  // expected-error@+1 {{'chunk.transpose' op expects a matrix and its extents exchanged, got 'tensor<4xf32>' and 'tensor<4xf32>'}}
  %r = chunk.transpose %x : tensor<4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @transpose_c1_element(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{'chunk.transpose' op expects a matrix and its extents exchanged, got 'tensor<8x4xf32>' and 'tensor<4x8xf64>'}}
  %r = chunk.transpose %x : tensor<8x4xf32> -> tensor<4x8xf64>
  return
}

// -----

// The scan: accesses.
func.func @scan_c1_rank(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects an access of rank 4 for input 0, got 3}}
  %r = chunk.scan 16 in(%q [b, t, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c1_carry(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects an access of rank 4 for carry 0, got 3}}
  %r:2 = chunk.scan 16 carry(%s [n, h, 0] : tensor<2x4x8x8xf32>) in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) final([n, h, 0, 1] : tensor<2x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt carry(%S) : tensor<16x8xf32> carry tensor<8x8xf32>
  }
  return
}

// -----

func.func @scan_c1_output(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects an access of rank 4 for output 0, got 3}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c1_final(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects an access of rank 4 for final 0, got 3}}
  %r:2 = chunk.scan 16 carry(%s [n, h, 0, 1] : tensor<2x4x8x8xf32>) in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) final([n, h, 0] : tensor<2x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt carry(%S) : tensor<16x8xf32> carry tensor<8x8xf32>
  }
  return
}

// -----

func.func @scan_c2_loop(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{custom op 'chunk.scan' expects every loop and tile dimension at most once, got two of 'b'}}
  %r = chunk.scan 16 in(%q [b, b, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c2_dimension(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{custom op 'chunk.scan' expects every loop and tile dimension at most once, got two of 1}}
  %r:2 = chunk.scan 16 carry(%s [n, h, 1, 1] : tensor<2x4x8x8xf32>) in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) final([n, h, 0, 1] : tensor<2x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt carry(%S) : tensor<16x8xf32> carry tensor<8x8xf32>
  }
  return
}

// -----

func.func @scan_c2_rows(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{custom op 'chunk.scan' expects tile dimension 0 to be the tokens' where there is a 't', got both}}
  %r = chunk.scan 16 in(%q [b, t, h, 0] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c2_gap(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{custom op 'chunk.scan' expects the tile dimensions 0 to 1, got 2}}
  %r = chunk.scan 16 in(%q [b, t, h, 2] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c2_letter(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{custom op 'chunk.scan' expects b, t, n, h, g, c, p, s or a tile dimension, got 'd'}}
  %r = chunk.scan 16 in(%q [b, t, d, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c2_word(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{custom op 'chunk.scan' expects b, t, n, h, g, c, p, s or a tile dimension, got 'batch'}}
  %r = chunk.scan 16 in(%q [batch, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c2_negative(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{custom op 'chunk.scan' expects b, t, n, h, g, c, p, s or a tile dimension, got -7}}
  %r = chunk.scan 16 in(%q [b, t, h, -7] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c2_huge(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{custom op 'chunk.scan' expects the tile dimensions 0 to 1, got 9223372036854775807}}
  %r = chunk.scan 16 in(%q [b, t, h, 9223372036854775807] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

// The attribute by itself.
func.func @scan_c2_attribute(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      // expected-error@+1 {{expects tile dimension 0 to be the tokens' where there is a 't', got both}}
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) attributes {a = #chunk.access<[t, 0]>} {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

// Arguments of the body.
func.func @scan_c3_count(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects 2 body arguments (carries, the count, inputs), got 3}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>, %x: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c3_index(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects the count of tokens to be an index, got 'i64'}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: i64, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c3_tile(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects input 0 to be 'tensor<16x8xf32>' by its access, got 'tensor<16x9xf32>'}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x9xf32>):
    %c = arith.constant dense<0.0> : tensor<16x8xf32>
    chunk.yield %c : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c3_rows(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects input 0 to be 'tensor<16x8xf32>' by its access, got 'tensor<17x8xf32>'}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<17x8xf32>):
    chunk.yield %qt : tensor<17x8xf32>
  }
  return
}

// -----

func.func @scan_c3_not_a_tile(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects input 0 to be a tile, got 'f32'}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: f32):
    %c = arith.constant dense<0.0> : tensor<16x8xf32>
    chunk.yield %c : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c3_element(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects input 0 to be 'tensor<16x8xf32>' by its access, got 'tensor<16x8xf64>'}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf64>):
    chunk.yield %qt : tensor<16x8xf64>
  }
  return
}

// -----

func.func @scan_c3_dynamic(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>, %x: tensor<2x?x4x?xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects static extents of 1 or more in the tile of input 1, got 'tensor<2x?x4x?xf32>'}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>, %x [b, t, h, 1] : tensor<2x?x4x?xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>, %xt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c3_narrow_carry(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects carry 0 to be 'tensor<8x8xf32>' by its access, got 'tensor<8x8xbf16>'}}
  %r:2 = chunk.scan 16 carry(%s [n, h, 0, 1] : tensor<2x4x8x8xf32>) in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) final([n, h, 0, 1] : tensor<2x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xbf16>, %n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt carry(%S) : tensor<16x8xf32> carry tensor<8x8xbf16>
  }
  return
}

// -----

func.func @scan_c3_final(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects final 0 to be 'tensor<8x9xf32>' by its access, got 'tensor<8x8xf32>'}}
  %r:2 = chunk.scan 16 carry(%s [n, h, 0, 1] : tensor<2x4x8x8xf32>) in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) final([n, h, 0, 1] : tensor<2x4x8x9xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt carry(%S) : tensor<16x8xf32> carry tensor<8x8xf32>
  }
  return
}

// -----

// What the body yields.
func.func @scan_c4_outputs(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    // expected-error@+1 {{'chunk.yield' op expects 1 outputs and 0 carries, got 0 and 0}}
    chunk.yield
  }
  return
}

// -----

func.func @scan_c4_output(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects output 0 to be 'tensor<16x8xf32>' by its access, got 'tensor<16x9xf32>'}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    %c = arith.constant dense<0.0> : tensor<16x9xf32>
    chunk.yield %c : tensor<16x9xf32>
  }
  return
}

// -----

func.func @scan_c4_carry(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  %r:2 = chunk.scan 16 carry(%s [n, h, 0, 1] : tensor<2x4x8x8xf32>) in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) final([n, h, 0, 1] : tensor<2x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf64>, %n: index, %qt: tensor<16x8xf32>):
    %c = arith.constant dense<0.0> : tensor<8x8xf32>
    // expected-error@+1 {{'chunk.yield' op expects carry 0 of type 'tensor<8x8xf64>', got 'tensor<8x8xf32>'}}
    chunk.yield %qt carry(%c) : tensor<16x8xf32> carry tensor<8x8xf32>
  }
  return
}

// -----

func.func @scan_c4_terminator(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+2 {{'chunk.scan' op expects regions to end with 'chunk.yield', found 'llvm.unreachable'}}
  // expected-note@+1 {{in custom textual format, the absence of terminator implies 'chunk.yield'}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    llvm.unreachable
  }
  return
}

// -----

// Loops.
func.func @scan_c6_heads(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects outputs walked by b or n and one of t, c, s, got [b, t, h, 1]}}
  %r = chunk.scan 16 in(%q [b, t, g, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c5_tokens(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>, %x: tensor<2x4x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects an input that is walked by tokens (t)}}
  %r = chunk.scan 16 in(%x [b, h, 0] : tensor<2x4x8xf32>)
      out([b, c, h, 0] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %xt: tensor<8xf32>):
    chunk.yield %xt : tensor<8xf32>
  }
  return
}

// -----

func.func @scan_c5_batch(%q: tensor<?x4x8xf32>) -> tensor<2x?x4x8xf32> {
  // expected-error@+1 {{'chunk.scan' op expects sequences, or an input that is walked by the batch (b), or an input or a carry by sequences (n)}}
  %r = chunk.scan 16 in(%q [t, h, 1] : tensor<?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return %r : tensor<2x?x4x8xf32>
}

// -----

func.func @scan_c6_group(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects outputs walked by b or n, h and one of t, c, s, got [b, t, g, 1]}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, g, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c6_neither(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects outputs walked by b or n, h and one of t, c, s, got [b, h, 0, 1]}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, h, 0, 1] : tensor<2x4x16x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c6_batch(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects outputs walked by b or n, h and one of t, c, s, got [t, h, 1]}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([t, h, 1] : tensor<?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c6_final(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects finals walked by n and h alone, got [b, h, 0, 1]}}
  %r:2 = chunk.scan 16 carry(%s [n, h, 0, 1] : tensor<2x4x8x8xf32>) in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) final([b, h, 0, 1] : tensor<2x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt carry(%S) : tensor<16x8xf32> carry tensor<8x8xf32>
  }
  return
}

// -----

func.func @scan_c6_final_tokens(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects finals walked by n and h alone, got [n, h, t, 1]}}
  %r:2 = chunk.scan 16 carry(%s [n, h, 0, 1] : tensor<2x4x8x8xf32>) in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) final([n, h, t, 1] : tensor<2x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt carry(%S) : tensor<16x8xf32> carry tensor<8x8xf32>
  }
  return
}

// -----

func.func @scan_c9_batch(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>, %cu: tensor<3xi32>) {
  // expected-error@+1 {{'chunk.scan' op expects a batch of 1 with sequences, got 2 of input 0}}
  %r = chunk.scan 16 sequences(%cu : tensor<3xi32>) in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

// The size of a chunk.
func.func @scan_c7_zero(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects chunks of at least 1 token, got 0}}
  %r = chunk.scan 0 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c7_negative(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects chunks of at least 1 token, got -64}}
  %r = chunk.scan -64 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c7_huge(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{custom op 'chunk.scan' integer value too large}}
  %r = chunk.scan 99999999999999999999 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c7_overflow(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects input 0 to be 'tensor<9223372036854775807x8xf32>' by its access, got 'tensor<16x8xf32>'}}
  %r = chunk.scan 9223372036854775807 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c9_type(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>, %cu: tensor<3xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects sequences to be a list of offsets, got 'tensor<3xf32>'}}
  %r = chunk.scan 16 sequences(%cu : tensor<3xf32>) in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c9_rank(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>, %cu: tensor<3x1xi32>) {
  // expected-error@+1 {{'chunk.scan' op expects sequences to be a list of offsets, got 'tensor<3x1xi32>'}}
  %r = chunk.scan 16 sequences(%cu : tensor<3x1xi32>) in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c9_few(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>, %cu: tensor<1xi32>) {
  // expected-error@+1 {{'chunk.scan' op expects at least 2 offsets of sequences, got 1}}
  %r = chunk.scan 16 sequences(%cu : tensor<1xi32>) in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

// Extents of one loop.
func.func @scan_c8_heads(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>, %x: tensor<2x?x3x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects one extent of the loop 'h', got 4 of input 0 and 3 of input 1}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>, %x [b, t, h, 1] : tensor<2x?x3x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>, %xt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c8_batch(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects one extent of the loop 'b', got 2 of input 0 and 3 of output 0}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<3x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

// Without packing there is one sequence a batch entry.
func.func @scan_c8_sequences(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>, %x: tensor<3x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects one extent of the loop 'b', got 2 of input 0 and 3 of carry 0}}
  %r:2 = chunk.scan 16 carry(%x [n, h, 0, 1] : tensor<3x4x8x8xf32>) in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) final([n, h, 0, 1] : tensor<2x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt carry(%S) : tensor<16x8xf32> carry tensor<8x8xf32>
  }
  return
}

// -----

func.func @scan_c8_tokens(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>, %x: tensor<2x40x4x8xf32>, %y: tensor<2x60x4x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects one extent of the loop 't', got 40 of input 0 and 30 of input 1}}
  %r = chunk.scan 16 in(%x [b, t, h, 1] : tensor<2x40x4x8xf32>, %y [b, t, h, 1] : tensor<2x60x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %xt: tensor<16x8xf32>, %yt: tensor<32x8xf32>):
    chunk.yield %xt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c8_rows(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>, %x: tensor<2x41x4x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects rows of input 0 to be a multiple of its 2 rows a token, got 41}}
  %r = chunk.scan 16 in(%x [b, t, h, 1] : tensor<2x41x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %xt: tensor<32x8xf32>):
    %c = arith.constant dense<0.0> : tensor<16x8xf32>
    chunk.yield %c : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c8_groups(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>, %x: tensor<2x?x3x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects groups to divide heads, got 3 of input 1 and 4 of input 0}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>, %x [b, t, g, 1] : tensor<2x?x3x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>, %xt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c8_no_groups(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>, %x: tensor<2x?x0x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects groups to divide heads, got 0 of input 1 and 4 of input 0}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>, %x [b, t, g, 1] : tensor<2x?x0x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>, %xt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c9_states(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>, %x: tensor<1x?x4x8xf32>, %y: tensor<3x4x8x8xf32>, %cu: tensor<3xi32>) {
  // expected-error@+1 {{'chunk.scan' op expects 2 sequences (3 offsets), got 3 of carry 0}}
  %r:2 = chunk.scan 16 sequences(%cu : tensor<3xi32>) carry(%y [n, h, 0, 1] : tensor<3x4x8x8xf32>) in(%x [b, t, h, 1] : tensor<1x?x4x8xf32>)
      out([b, t, h, 1] : tensor<1x?x4x8xf32>) final([n, h, 0, 1] : tensor<2x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt carry(%S) : tensor<16x8xf32> carry tensor<8x8xf32>
  }
  return
}

// -----

// Every carry has a final.
func.func @scan_no_final(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects one final for each carry, got 0 for 1}}
  %r = chunk.scan 16 carry(%s [n, h, 0, 1] : tensor<2x4x8x8xf32>) in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt carry(%S) : tensor<16x8xf32> carry tensor<8x8xf32>
  }
  return
}

// -----

func.func @scan_unranked(%q: tensor<*xf32>) {
  // expected-error@+1 {{'chunk.scan' op operand #0 must be variadic of ranked tensor of any type values, but got 'tensor<*xf32>'}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<*xf32>) out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_output_type(%q: tensor<2x?x4x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op result #0 must be variadic of ranked tensor of any type values, but got 'f32'}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) out([b, t, h, 1] : f32) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_no_arguments(%q: tensor<2x?x4x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects 2 body arguments (carries, the count, inputs), got 0}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
    chunk.yield
  }
  return
}

// -----

func.func @scan_no_inputs() {
  // expected-error@+1 {{'chunk.scan' op expects an input that is walked by tokens (t)}}
  chunk.scan 16 {
  ^bb0(%n: index):
    chunk.yield
  }
  return
}

// -----

func.func @scan_two_blocks(%q: tensor<2x?x4x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects region #0 to have 0 or 1 blocks}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    cf.br ^bb1
  ^bb1:
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

// A tile without channels.
func.func @scan_zero_extent(%q: tensor<2x?x4x0xf32>, %x: tensor<2x?x4x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects static extents of 1 or more in the tile of input 0, got 'tensor<2x?x4x0xf32>'}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x0xf32>, %x [b, t, h, 1] : tensor<2x?x4x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x1xf32>, %xt: tensor<16x8xf32>):
    chunk.yield %xt : tensor<16x8xf32>
  }
  return
}

// -----

// The generic form is checked too.
func.func @scan_generic(%q: tensor<2x?x4x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects one access for each input, got 0 for 1}}
  %r = "chunk.scan"(%q) <{chunk_size = 16 : i64, init_accesses = [], input_accesses = [], output_accesses = [#chunk.access<[b, t, h, 1]>], final_accesses = [], operandSegmentSizes = array<i32: 0, 0, 1, 0>}> ({
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }) : (tensor<2x?x4x8xf32>) -> tensor<2x?x4x8xf32>
  return
}

// -----

func.func @scan_generic_results(%q: tensor<2x?x4x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects one result for each output and final, got 1 for 0}}
  %r = "chunk.scan"(%q) <{chunk_size = 16 : i64, init_accesses = [], input_accesses = [#chunk.access<[b, t, h, 1]>], output_accesses = [], final_accesses = [], operandSegmentSizes = array<i32: 0, 0, 1, 0>}> ({
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield
  }) : (tensor<2x?x4x8xf32>) -> tensor<2x?x4x8xf32>
  return
}

// -----

func.func @scan_generic_empty(%q: tensor<2x?x4x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op region #0 ('body') failed to verify constraint: region with 1 blocks}}
  %r = "chunk.scan"(%q) <{chunk_size = 16 : i64, init_accesses = [], input_accesses = [#chunk.access<[b, t, h, 1]>], output_accesses = [#chunk.access<[b, t, h, 1]>], final_accesses = [], operandSegmentSizes = array<i32: 0, 0, 1, 0>}> ({
  }) : (tensor<2x?x4x8xf32>) -> tensor<2x?x4x8xf32>
  return
}

// -----

func.func @scan_generic_access(%q: tensor<2x?x4x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op attribute 'input_accesses' failed to satisfy constraint: array of accesses}}
  %r = "chunk.scan"(%q) <{chunk_size = 16 : i64, init_accesses = [], input_accesses = [3], output_accesses = [], final_accesses = [], operandSegmentSizes = array<i32: 0, 0, 1, 0>}> ({
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield
  }) : (tensor<2x?x4x8xf32>) -> tensor<2x?x4x8xf32>
  return
}

// -----

// expected-error@+1 {{expected '['}}
func.func @access_no_brackets() attributes {a = #chunk.access<b, t>} {
  return
}

// -----

// A yield outside a scan.
func.func @yield_parent() {
  // expected-error@+1 {{'chunk.yield' op expects parent op 'chunk.scan'}}
  chunk.yield
}

// -----

// A pool of states.
func.func @scan_c10_list(%q: tensor<2x?x4x8xf32>, %s: tensor<6x4x8x8xf32>, %i: tensor<2x1xi32>) {
  // expected-error@+1 {{'chunk.scan' op expects indices to be a list of integers, got 'tensor<2x1xi32>'}}
  %r = chunk.scan 16 indices(%i : tensor<2x1xi32>) carry(%s [p, h, 0, 1] : tensor<6x4x8x8xf32>)
      in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) final([p, h, 0, 1] : tensor<6x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %qt: tensor<16x8xf32>):
    chunk.yield carry(%S) carry tensor<8x8xf32>
  }
  return
}

// -----

func.func @scan_c10_count(%q: tensor<2x?x4x8xf32>, %s: tensor<6x4x8x8xf32>, %i: tensor<3xi32>) {
  // expected-error@+1 {{'chunk.scan' op expects one extent of the loop 'b', got 2 of input 0 and 3 of indices}}
  %r = chunk.scan 16 indices(%i : tensor<3xi32>) carry(%s [p, h, 0, 1] : tensor<6x4x8x8xf32>)
      in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) final([p, h, 0, 1] : tensor<6x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %qt: tensor<16x8xf32>):
    chunk.yield carry(%S) carry tensor<8x8xf32>
  }
  return
}

// -----

func.func @scan_c10_without(%q: tensor<2x?x4x8xf32>, %s: tensor<6x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects a pool (p) only with indices, got [p, h, 0, 1]}}
  %r = chunk.scan 16 carry(%s [p, h, 0, 1] : tensor<6x4x8x8xf32>)
      in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) final([p, h, 0, 1] : tensor<6x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %qt: tensor<16x8xf32>):
    chunk.yield carry(%S) carry tensor<8x8xf32>
  }
  return
}

// -----

func.func @scan_c10_one(%q: tensor<2x?x4x8xf32>, %s: tensor<6x4x8x8xf32>, %i: tensor<2xi32>) {
  // expected-error@+1 {{'chunk.scan' op expects a pool (p) for both a carry and its final, got [p, h, 0, 1]}}
  %r = chunk.scan 16 indices(%i : tensor<2xi32>) carry(%s [p, h, 0, 1] : tensor<6x4x8x8xf32>)
      in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) final([n, h, 0, 1] : tensor<2x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %qt: tensor<16x8xf32>):
    chunk.yield carry(%S) carry tensor<8x8xf32>
  }
  return
}

// -----

func.func @scan_c10_type(%q: tensor<2x?x4x8xf32>, %s: tensor<6x4x8x8xf32>, %i: tensor<2xi32>) {
  // expected-error@+1 {{'chunk.scan' op expects a pool of one type before and after, got 'tensor<6x4x8x8xf32>' and 'tensor<6x4x8x8xbf16>'}}
  %r = chunk.scan 16 indices(%i : tensor<2xi32>) carry(%s [p, h, 0, 1] : tensor<6x4x8x8xf32>)
      in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) final([p, h, 0, 1] : tensor<6x4x8x8xbf16>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %qt: tensor<16x8xf32>):
    chunk.yield carry(%S) carry tensor<8x8xf32>
  }
  return
}

// -----

func.func @scan_c10_input(%q: tensor<2x?x4x8xf32>, %s: tensor<6x4x8x8xf32>, %i: tensor<2xi32>) {
  // expected-error@+1 {{'chunk.scan' op expects a pool (p) of carries alone, got [p, h, 0, 1]}}
  %r = chunk.scan 16 indices(%i : tensor<2xi32>)
      in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>, %s [p, h, 0, 1] : tensor<6x4x8x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>, %st: tensor<8x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c5_chunks(%n: tensor<2x?x4x8x8xf32>, %s: tensor<2x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects an input that is walked by tokens (t), or with chunks of one token and without sequences one that is walked by chunks (c) of a known number}}
  %r = chunk.scan 1 carry(%s [n, h, 0, 1] : tensor<2x4x8x8xf32>)
      in(%n [n, c, h, 0, 1] : tensor<2x?x4x8x8xf32>) final([n, h, 0, 1] : tensor<2x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %c: index, %N: tensor<8x8xf32>):
    chunk.yield carry(%N) carry tensor<8x8xf32>
  }
  return
}

// -----

func.func @scan_c11_number(%q: tensor<2x?x4x8xf32>, %s: tensor<8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects at least 2 segments, got 1}}
  %r = chunk.scan 16 segments(1) carry(%s [0, 1] : tensor<8x8xf32>)
      in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) final([n, s, h, 0, 1] : tensor<2x1x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %qt: tensor<16x8xf32>):
    chunk.yield carry(%S) carry tensor<8x8xf32>
  }
  return
}

// -----

func.func @scan_c11_extent(%q: tensor<2x?x4x8xf32>, %s: tensor<8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects 3 segments, got 4 of final 0}}
  %r = chunk.scan 16 segments(3) carry(%s [0, 1] : tensor<8x8xf32>)
      in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) final([n, s, h, 0, 1] : tensor<2x4x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %qt: tensor<16x8xf32>):
    chunk.yield carry(%S) carry tensor<8x8xf32>
  }
  return
}

// -----

func.func @scan_c11_final(%q: tensor<2x?x4x8xf32>, %s: tensor<8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects finals walked by segments (s), got [n, h, 0, 1]}}
  %r = chunk.scan 16 segments(3) carry(%s [0, 1] : tensor<8x8xf32>)
      in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) final([n, h, 0, 1] : tensor<2x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %qt: tensor<16x8xf32>):
    chunk.yield carry(%S) carry tensor<8x8xf32>
  }
  return
}

// -----

func.func @scan_c11_none(%q: tensor<2x?x4x8xf32>, %s: tensor<2x3x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects carries walked by segments (s) only where there are any, got [n, s, h, 0, 1]}}
  %r = chunk.scan 16 carry(%s [n, s, h, 0, 1] : tensor<2x3x4x8x8xf32>)
      in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) final([n, h, 0, 1] : tensor<2x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %qt: tensor<16x8xf32>):
    chunk.yield carry(%S) carry tensor<8x8xf32>
  }
  return
}

// -----

func.func @scan_c11_input(%q: tensor<2x?x4x8xf32>, %s: tensor<2x3x4x8x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects segments (s) of carries, finals and outputs alone, got [n, s, h, 0, 1]}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>, %s [n, s, h, 0, 1] : tensor<2x3x4x8x8xf32>)
      out([b, t, h, 1] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>, %st: tensor<8x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c6_runs_and_chunks(%q: tensor<2x?x4x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects outputs walked by b or n, h and one of t, c, s, got [n, c, s, h, 0, 1]}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) out([n, c, s, h, 0, 1] : tensor<2x?x3x4x16x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c6_runs_of_batch(%q: tensor<1x?x4x8xf32>, %cu: tensor<?xi32>) {
  // expected-error@+1 {{'chunk.scan' op expects outputs walked by n, h and one of t, c, s, got [b, s, h, 0, 1]}}
  %r = chunk.scan 16 sequences(%cu : tensor<?xi32>) in(%q [b, t, h, 1] : tensor<1x?x4x8xf32>)
      out([b, s, h, 0, 1] : tensor<1x3x4x16x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c11_runs(%q: tensor<2x?x4x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects a known number of runs (s), 1 or more, got ? of output 0}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) out([n, s, h, 0, 1] : tensor<2x?x4x16x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @scan_c11_no_runs(%q: tensor<2x?x4x8xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects a known number of runs (s), 1 or more, got 0 of output 0}}
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) out([n, s, h, 0, 1] : tensor<2x0x4x16x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    chunk.yield %qt : tensor<16x8xf32>
  }
  return
}

// -----

func.func @identity_c1() {
  // expected-error@+1 {{'chunk.identity' op expects a square matrix, got 'tensor<8x16xf32>'}}
  %r = chunk.identity : tensor<8x16xf32>
  return
}

// -----

func.func @identity_c2(%q: tensor<2x?x4x8xf32>) {
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) out([b, c, h, 0, 1] : tensor<2x?x4x8x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    // expected-error@+1 {{'chunk.identity' op expects to stand around scans, not in the body of one}}
    %i = chunk.identity : tensor<8x8xf32>
    chunk.yield %i : tensor<8x8xf32>
  }
  return
}

// -----
func.func @sum_c1_parts() {
  // expected-error@+1 {{'chunk.sum' op expects parts, and one access for each, got 0 and 0}}
  %s = chunk.sum out([h] : tensor<4xf32>)
  return
}

// -----
func.func @sum_c1_rank(%p: tensor<2x4x8xf32>) {
  // expected-error@+1 {{'chunk.sum' op expects an access of rank 3 for 'tensor<2x4x8xf32>', got [n, h]}}
  %s = chunk.sum in(%p [n, h] : tensor<2x4x8xf32>) out([h] : tensor<4xf32>)
  return
}

// -----
func.func @sum_c1_result_rank(%p: tensor<2x4xf32>) {
  // expected-error@+1 {{'chunk.sum' op expects an access of rank 1 for 'tensor<4xf32>', got [n, h]}}
  %s = chunk.sum in(%p [n, h] : tensor<2x4xf32>) out([n, h] : tensor<4xf32>)
  return
}

// -----
// Another order.
func.func @sum_c2_order(%p: tensor<2x3x4xf32>) {
  // expected-error@+1 {{'chunk.sum' op expects the dimensions of the result [h, c] in part 0, in their order, got [b, c, h]}}
  %s = chunk.sum in(%p [b, c, h] : tensor<2x3x4xf32>) out([h, c] : tensor<4x3xf32>)
  return
}

// -----
// A dimension that the part lacks.
func.func @sum_c2_missing(%p: tensor<2x4xf32>) {
  // expected-error@+1 {{'chunk.sum' op expects the dimensions of the result [h, 0] in part 0, in their order, got [n, h]}}
  %s = chunk.sum in(%p [n, h] : tensor<2x4xf32>) out([h, 0] : tensor<4x8xf32>)
  return
}

// -----
// A tile is not summed over.
func.func @sum_c2_tile(%p: tensor<2x4x8xf32>) {
  // expected-error@+1 {{'chunk.sum' op expects the dimensions of the result [h] in part 0, in their order, got [1, h, 0]}}
  %s = chunk.sum in(%p [1, h, 0] : tensor<2x4x8xf32>) out([h] : tensor<4xf32>)
  return
}

// -----
func.func @sum_c3(%p: tensor<2x4x8xf32>, %r: tensor<2x4x16xf32>) {
  // expected-error@+1 {{'chunk.sum' op expects extents that agree, got 8 of dimension 1 of the result and 16 of part 1}}
  %s = chunk.sum in(%p [n, h, 0] : tensor<2x4x8xf32>, %r [n, h, 0] : tensor<2x4x16xf32>) out([h, 0] : tensor<4x8xf32>)
  return
}

// -----
func.func @sum_c3_groups(%p: tensor<2x?x4xf32>) {
  // expected-error@+1 {{'chunk.sum' op expects groups to divide heads, got 3 of dimension 2 of the result and 4 of part 0}}
  %s = chunk.sum in(%p [b, t, h] : tensor<2x?x4xf32>) out([b, t, g] : tensor<2x?x3xf32>)
  return
}

// -----
func.func @sum_c4(%p: tensor<2x4xi32>) {
  // expected-error@+1 {{'chunk.sum' op expects sums of floats, got 'tensor<2x4xi32>' to 'tensor<4xf32>'}}
  %s = chunk.sum in(%p [n, h] : tensor<2x4xi32>) out([h] : tensor<4xf32>)
  return
}

// -----
func.func @sum_c5_missing(%p: tensor<2x?x?xf32>) {
  // expected-error@+1 {{'chunk.sum' op expects a tensor of the result's shape (like) where groups are open, got none for 'tensor<2x?x?xf32>'}}
  %s = chunk.sum in(%p [b, t, h] : tensor<2x?x?xf32>) out([b, t, g] : tensor<2x?x?xf32>)
  return
}

// -----
func.func @sum_c5_shape(%p: tensor<2x?x?xf32>, %k: tensor<2x?x4xf32>) {
  // expected-error@+1 {{'chunk.sum' op expects a tensor of the result's shape as like, got 'tensor<2x?x4xf32>' for 'tensor<2x?x?xf32>'}}
  %s = chunk.sum in(%p [b, t, h] : tensor<2x?x?xf32>) out([b, t, g] : tensor<2x?x?xf32>) like(%k : tensor<2x?x4xf32>)
  return
}

// -----
func.func @sum_c6(%q: tensor<2x?x4x8xf32>) {
  %r = chunk.scan 16 in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) out([b, c, h, 0] : tensor<2x?x4x8xf32>) {
  ^bb0(%n: index, %qt: tensor<16x8xf32>):
    // expected-error@+1 {{'chunk.sum' op expects to stand around scans, not in the body of one}}
    %s = chunk.sum in(%qt [h, 0] : tensor<16x8xf32>) out([0] : tensor<8xf32>)
    chunk.yield %s : tensor<8xf32>
  }
  return
}

// -----
func.func @sum_results(%p: tensor<2x4xf32>) {
  // expected-error@+1 {{expects one result, got 2}}
  %s = chunk.sum in(%p [n, h] : tensor<2x4xf32>) out([h] : tensor<4xf32>, [n] : tensor<2xf32>)
  return
}
