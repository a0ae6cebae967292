// If this fails, an input that breaks a constraint of dialects/LinRec/README.md is
// let through, or is refused with another message than the rule, the fact and
// where. Functions are named after the constraint they break.
// RUN: deltanet-opt %s --verify-diagnostics --split-input-file

// One element type.
func.func @scan_c1_key(%q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xbf16>, %v: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects query, key and value of one element type, got 'f32', 'bf16' and 'f32'}}
  %o = linrec.scan %q, %k, %v
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xbf16>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c1_value(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf16>) {
  // expected-error@+1 {{'linrec.scan' op expects query, key and value of one element type, got 'f32', 'f32' and 'f16'}}
  %o = linrec.scan %q, %k, %v
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf16> -> tensor<1x8x2x4xf32>
  return
}

// -----

// Batch sizes.
func.func @scan_c2_key(%q: tensor<1x8x2x4xf32>, %k: tensor<2x8x2x4xf32>, %v: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects key with 1 batch entries (as query), got 2}}
  %o = linrec.scan %q, %k, %v
    : tensor<1x8x2x4xf32>, tensor<2x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c2_value(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<3x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects value with 1 batch entries (as query), got 3}}
  %o = linrec.scan %q, %k, %v
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<3x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

// Tokens.
func.func @scan_c3_key(%q: tensor<1x8x2x4xf32>, %k: tensor<1x9x2x4xf32>, %v: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects key with 8 tokens (as query), got 9}}
  %o = linrec.scan %q, %k, %v
    : tensor<1x8x2x4xf32>, tensor<1x9x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c3_value(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x7x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects value with 8 tokens (as query), got 7}}
  %o = linrec.scan %q, %k, %v
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x7x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c3_steps(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects key with 16 tokens (steps times query's), got 8}}
  %o = linrec.scan %q, %k, %v steps(2)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

// A dynamic length leaves the multiple to be checked.
func.func @scan_c3_steps_dynamic(
    %q: tensor<1x?x2x4xf32>, %k: tensor<1x9x2x4xf32>, %v: tensor<1x?x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects key with a multiple of 2 tokens (steps), got 9}}
  %o = linrec.scan %q, %k, %v steps(2)
    : tensor<1x?x2x4xf32>, tensor<1x9x2x4xf32>, tensor<1x?x2x4xf32> -> tensor<1x?x2x4xf32>
  return
}

// -----

// Heads.
func.func @scan_c4_key(%q: tensor<1x8x2x4xf32>, %k: tensor<1x8x4x4xf32>, %v: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects key with 2 heads (as query), got 4}}
  %o = linrec.scan %q, %k, %v
    : tensor<1x8x2x4xf32>, tensor<1x8x4x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c4_groups(
    %q: tensor<1x8x3x4xf32>, %k: tensor<1x8x3x4xf32>, %v: tensor<1x8x4x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects heads of query to divide heads of value, got 3 and 4}}
  %o = linrec.scan %q, %k, %v
    : tensor<1x8x3x4xf32>, tensor<1x8x3x4xf32>, tensor<1x8x4x4xf32> -> tensor<1x8x4x4xf32>
  return
}

// -----

func.func @scan_c4_no_heads(
    %q: tensor<1x8x0x4xf32>, %k: tensor<1x8x0x4xf32>, %v: tensor<1x8x4x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects heads of query to divide heads of value, got 0 and 4}}
  %o = linrec.scan %q, %k, %v
    : tensor<1x8x0x4xf32>, tensor<1x8x0x4xf32>, tensor<1x8x4x4xf32> -> tensor<1x8x4x4xf32>
  return
}

// -----

// Widths.
func.func @scan_c5_width(
    %q: tensor<1x8x2x128xf32>, %k: tensor<1x8x2x64xf32>, %v: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects query and key of equal width, got 128 and 64}}
  %o = linrec.scan %q, %k, %v
    : tensor<1x8x2x128xf32>, tensor<1x8x2x64xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c5_dynamic(
    %q: tensor<1x8x2x?xf32>, %k: tensor<1x8x2x?xf32>, %v: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects a static width of at least 1, got ? of query}}
  %o = linrec.scan %q, %k, %v
    : tensor<1x8x2x?xf32>, tensor<1x8x2x?xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c5_zero(%q: tensor<1x8x2x0xf32>, %k: tensor<1x8x2x0xf32>, %v: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects a static width of at least 1, got 0 of query}}
  %o = linrec.scan %q, %k, %v
    : tensor<1x8x2x0xf32>, tensor<1x8x2x0xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c5_value(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x?xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects a static width of at least 1, got ? of value}}
  %o = linrec.scan %q, %k, %v
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x?xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

// beta.
func.func @scan_c6_batch(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %b: tensor<2x8x2xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects beta with 1 batch entries (as query), got 2}}
  %o = linrec.scan %q, %k, %v beta(%b : tensor<2x8x2xf32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c6_tokens(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %b: tensor<1x9x2xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects beta with 8 tokens (as query), got 9}}
  %o = linrec.scan %q, %k, %v beta(%b : tensor<1x9x2xf32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c6_steps(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x16x2x4xf32>, %v: tensor<1x16x2x4xf32>, %b: tensor<1x8x2xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects beta with 16 tokens (steps times query's), got 8}}
  %o = linrec.scan %q, %k, %v beta(%b : tensor<1x8x2xf32>) steps(2)
    : tensor<1x8x2x4xf32>, tensor<1x16x2x4xf32>, tensor<1x16x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c6_heads(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x4x4xf32>, %b: tensor<1x8x2xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects beta with 4 heads (as value), got 2}}
  %o = linrec.scan %q, %k, %v beta(%b : tensor<1x8x2xf32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x4x4xf32> -> tensor<1x8x4x4xf32>
  return
}

// -----

func.func @scan_c6_rank(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %b: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op operand #3 must be 3-D tensor of 32-bit float or bfloat16 type or 16-bit float values, but got 'tensor<1x8x2x4xf32>'}}
  %o = linrec.scan %q, %k, %v beta(%b : tensor<1x8x2x4xf32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

// With layout bhtd heads come before tokens.
func.func @scan_c6_layout(
    %q: tensor<1x2x8x4xf32>, %k: tensor<1x2x8x4xf32>, %v: tensor<1x2x8x4xf32>, %b: tensor<1x8x2xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects beta with 8 tokens (as query), got 2}}
  %o = linrec.scan %q, %k, %v beta(%b : tensor<1x8x2xf32>) layout(bhtd)
    : tensor<1x2x8x4xf32>, tensor<1x2x8x4xf32>, tensor<1x2x8x4xf32> -> tensor<1x2x8x4xf32>
  return
}

// -----

// decay.
func.func @scan_c7_batch(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %g: tensor<2x8x2xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects decay with 1 batch entries (as query), got 2}}
  %o = linrec.scan %q, %k, %v decay(%g : tensor<2x8x2xf32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c7_tokens(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %g: tensor<1x4x2xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects decay with 8 tokens (as query), got 4}}
  %o = linrec.scan %q, %k, %v decay(%g : tensor<1x4x2xf32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c7_heads(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x4x4xf32>, %g: tensor<1x8x2xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects decay with 4 heads (as value), got 2}}
  %o = linrec.scan %q, %k, %v decay(%g : tensor<1x8x2xf32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x4x4xf32> -> tensor<1x8x4x4xf32>
  return
}

// -----

func.func @scan_c7_channels(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %g: tensor<1x8x2x8xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects decay with 4 channels (the width of key), got 8}}
  %o = linrec.scan %q, %k, %v decay(%g : tensor<1x8x2x8xf32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c7_channels_dynamic(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %g: tensor<1x8x2x?xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects a static width of at least 1, got ? of decay}}
  %o = linrec.scan %q, %k, %v decay(%g : tensor<1x8x2x?xf32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

// The decay is the token's, not the step's.
func.func @scan_c7_steps(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x16x2x4xf32>, %v: tensor<1x16x2x4xf32>, %g: tensor<1x16x2xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects decay with 8 tokens (as query), got 16}}
  %o = linrec.scan %q, %k, %v decay(%g : tensor<1x16x2xf32>) steps(2)
    : tensor<1x8x2x4xf32>, tensor<1x16x2x4xf32>, tensor<1x16x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

// bonus.
func.func @scan_c8_read_out(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %u: tensor<2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects a bonus only with read_out = before}}
  %o = linrec.scan %q, %k, %v bonus(%u : tensor<2x4xf32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c8_heads(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %u: tensor<3x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects bonus with 2 heads (as value), got 3}}
  %o = linrec.scan %q, %k, %v bonus(%u : tensor<3x4xf32>) read_out(before)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c8_channels(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %u: tensor<2x5xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects bonus with 4 channels (the width of key), got 5}}
  %o = linrec.scan %q, %k, %v bonus(%u : tensor<2x5xf32>) read_out(before)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c8_dynamic(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %u: tensor<2x?xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects a static width of at least 1, got ? of bonus}}
  %o = linrec.scan %q, %k, %v bonus(%u : tensor<2x?xf32>) read_out(before)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c8_steps(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x16x2x4xf32>, %v: tensor<1x16x2x4xf32>, %u: tensor<2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects a bonus only with one step a token, got 2}}
  %o = linrec.scan %q, %k, %v bonus(%u : tensor<2x4xf32>) read_out(before) steps(2)
    : tensor<1x8x2x4xf32>, tensor<1x16x2x4xf32>, tensor<1x16x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

// initial.
func.func @scan_c9_states(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %s0: tensor<2x2x4x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects initial with 1 states (one a sequence), got 2}}
  %o = linrec.scan %q, %k, %v initial(%s0 : tensor<2x2x4x4xf32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c9_heads(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %s0: tensor<1x3x4x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects initial with 2 heads (as value), got 3}}
  %o = linrec.scan %q, %k, %v initial(%s0 : tensor<1x3x4x4xf32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c9_extents(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x6xf32>, %s0: tensor<1x2x6x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects initial of 4x6 (K x V, state_layout = kv), got 6x4}}
  %o = linrec.scan %q, %k, %v initial(%s0 : tensor<1x2x6x4xf32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x6xf32> -> tensor<1x8x2x6xf32>
  return
}

// -----

func.func @scan_c9_transposed(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x6xf32>, %s0: tensor<1x2x4x6xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects initial of 6x4 (V x K, state_layout = vk), got 4x6}}
  %o = linrec.scan %q, %k, %v initial(%s0 : tensor<1x2x4x6xf32>) state_layout(vk)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x6xf32> -> tensor<1x8x2x6xf32>
  return
}

// -----

func.func @scan_c9_dynamic(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %s0: tensor<1x2x4x?xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects initial of 4x4 (K x V, state_layout = kv), got 4x?}}
  %o = linrec.scan %q, %k, %v initial(%s0 : tensor<1x2x4x?xf32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

// Three offsets are two sequences.
func.func @scan_c9_packed(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %s0: tensor<3x2x4x4xf32>, %cu: tensor<3xi32>) {
  // expected-error@+1 {{'linrec.scan' op expects initial with 2 states (one a sequence), got 3}}
  %o = linrec.scan %q, %k, %v initial(%s0 : tensor<3x2x4x4xf32>) sequences(%cu : tensor<3xi32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

// Packed sequences.
func.func @scan_c10_batch(
    %q: tensor<2x8x2x4xf32>, %k: tensor<2x8x2x4xf32>, %v: tensor<2x8x2x4xf32>, %cu: tensor<3xi32>) {
  // expected-error@+1 {{'linrec.scan' op expects a batch of 1 with packed sequences, got 2}}
  %o = linrec.scan %q, %k, %v sequences(%cu : tensor<3xi32>)
    : tensor<2x8x2x4xf32>, tensor<2x8x2x4xf32>, tensor<2x8x2x4xf32> -> tensor<2x8x2x4xf32>
  return
}

// -----

func.func @scan_c10_offsets(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %cu: tensor<1xi64>) {
  // expected-error@+1 {{'linrec.scan' op expects at least 2 offsets of packed sequences, got 1}}
  %o = linrec.scan %q, %k, %v sequences(%cu : tensor<1xi64>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c10_none(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %cu: tensor<0xi64>) {
  // expected-error@+1 {{'linrec.scan' op expects at least 2 offsets of packed sequences, got 0}}
  %o = linrec.scan %q, %k, %v sequences(%cu : tensor<0xi64>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c10_type(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %cu: tensor<3xf32>) {
  // expected-error@+1 {{'linrec.scan' op operand #3 must be 1-D tensor of 32-bit signless integer or 64-bit signless integer values, but got 'tensor<3xf32>'}}
  %o = linrec.scan %q, %k, %v sequences(%cu : tensor<3xf32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

// output.
func.func @scan_c11_batch(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects output with 1 batch entries (as query), got 2}}
  %o = linrec.scan %q, %k, %v
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<2x8x2x4xf32>
  return
}

// -----

func.func @scan_c11_tokens(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x16x2x4xf32>, %v: tensor<1x16x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects output with 8 tokens (as query), got 16}}
  %o = linrec.scan %q, %k, %v steps(2)
    : tensor<1x8x2x4xf32>, tensor<1x16x2x4xf32>, tensor<1x16x2x4xf32> -> tensor<1x16x2x4xf32>
  return
}

// -----

func.func @scan_c11_heads(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x4x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects output with 4 heads (as value), got 2}}
  %o = linrec.scan %q, %k, %v
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x4x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c11_width(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x6xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects output of width 6 (the width of value), got 4}}
  %o = linrec.scan %q, %k, %v
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x6xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c11_dynamic(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x6xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects output of width 6 (the width of value), got ?}}
  %o = linrec.scan %q, %k, %v
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x6xf32> -> tensor<1x8x2x?xf32>
  return
}

// -----

// final_state.
func.func @scan_c12_states(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects final_state with 1 states (one a sequence), got 2}}
  %o, %s = linrec.scan %q, %k, %v
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>, tensor<2x2x4x4xf32>
  return
}

// -----

func.func @scan_c12_heads(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects final_state with 2 heads (as value), got 1}}
  %o, %s = linrec.scan %q, %k, %v
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>, tensor<1x1x4x4xf32>
  return
}

// -----

func.func @scan_c12_extents(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x6xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects final_state of 4x6 (K x V, state_layout = kv), got 4x4}}
  %o, %s = linrec.scan %q, %k, %v
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x6xf32> -> tensor<1x8x2x6xf32>, tensor<1x2x4x4xf32>
  return
}

// -----

func.func @scan_c12_packed(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %cu: tensor<3xi32>) {
  // expected-error@+1 {{'linrec.scan' op expects final_state with 2 states (one a sequence), got 1}}
  %o, %s = linrec.scan %q, %k, %v sequences(%cu : tensor<3xi32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>, tensor<1x2x4x4xf32>
  return
}

// -----

// scale.
func.func @scan_c13_zero(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects a finite scale that is not zero, got 0.000000e+00}}
  %o = linrec.scan %q, %k, %v {scale = 0.0 : f64}
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c13_infinite(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects a finite scale that is not zero, got INF}}
  %o = linrec.scan %q, %k, %v {scale = 0x7FF0000000000000 : f64}
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c13_nan(%q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects a finite scale that is not zero, got nan}}
  %o = linrec.scan %q, %k, %v {scale = 0x7FF8000000000000 : f64}
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c13_type(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{custom op 'linrec.scan' 'linrec.scan' op attribute 'scale' failed to satisfy constraint: 64-bit float attribute}}
  %o = linrec.scan %q, %k, %v {scale = 1.0 : f32}
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

// steps.
func.func @scan_c14_zero(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects at least 1 step a token, got 0}}
  %o = linrec.scan %q, %k, %v steps(0)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c14_negative(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects at least 1 step a token, got -3}}
  %o = linrec.scan %q, %k, %v steps(-3)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

// decay_min.
func.func @scan_c15_no_decay(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects decay_min only with a decay}}
  %o = linrec.scan %q, %k, %v {decay_min = -5.0 : f64}
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c15_positive(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %g: tensor<1x8x2xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects a finite decay_min that is not positive, got 5.000000e-01}}
  %o = linrec.scan %q, %k, %v decay(%g : tensor<1x8x2xf32>) {decay_min = 0.5 : f64}
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_c15_infinite(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %g: tensor<1x8x2xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects a finite decay_min that is not positive, got -INF}}
  %o = linrec.scan %q, %k, %v decay(%g : tensor<1x8x2xf32>) {decay_min = 0xFFF0000000000000 : f64}
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

// Types that no constraint needs to name.
func.func @scan_rank(%q: tensor<8x2x4xf32>, %k: tensor<8x2x4xf32>, %v: tensor<8x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op operand #0 must be 4-D tensor of 32-bit float or bfloat16 type or 16-bit float values, but got 'tensor<8x2x4xf32>'}}
  %o = linrec.scan %q, %k, %v
    : tensor<8x2x4xf32>, tensor<8x2x4xf32>, tensor<8x2x4xf32> -> tensor<8x2x4xf32>
  return
}

// -----

func.func @scan_element(%q: tensor<1x8x2x4xf64>, %k: tensor<1x8x2x4xf64>, %v: tensor<1x8x2x4xf64>) {
  // expected-error@+1 {{'linrec.scan' op operand #0 must be 4-D tensor of 32-bit float or bfloat16 type or 16-bit float values, but got 'tensor<1x8x2x4xf64>'}}
  %o = linrec.scan %q, %k, %v
    : tensor<1x8x2x4xf64>, tensor<1x8x2x4xf64>, tensor<1x8x2x4xf64> -> tensor<1x8x2x4xf64>
  return
}

// -----

func.func @scan_integer(%q: tensor<1x8x2x4xi32>, %k: tensor<1x8x2x4xi32>, %v: tensor<1x8x2x4xi32>) {
  // expected-error@+1 {{'linrec.scan' op operand #0 must be 4-D tensor of 32-bit float or bfloat16 type or 16-bit float values, but got 'tensor<1x8x2x4xi32>'}}
  %o = linrec.scan %q, %k, %v
    : tensor<1x8x2x4xi32>, tensor<1x8x2x4xi32>, tensor<1x8x2x4xi32> -> tensor<1x8x2x4xi32>
  return
}

// -----

// An extent that no tensor has.
func.func @scan_steps_huge(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.scan' op expects key with 9223372036854775807 tokens (steps times query's), got 8}}
  %o = linrec.scan %q, %k, %v steps(4611686018427387904)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_read_out(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{custom op 'linrec.scan' expected string or keyword containing one of the following enum values for attribute 'read_out' [after, before]}}
  %o = linrec.scan %q, %k, %v read_out(during)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_layout(%q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{custom op 'linrec.scan' expected string or keyword containing one of the following enum values for attribute 'layout' [bthd, bhtd]}}
  %o = linrec.scan %q, %k, %v layout(tbhd)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @scan_unranked(%q: tensor<*xf32>) {
  // expected-error@+1 {{custom op 'linrec.scan' invalid kind of type specified: expected builtin.tensor, but found 'tensor<*xf32>'}}
  %o = linrec.scan %q, %q, %q : tensor<*xf32>, tensor<*xf32>, tensor<*xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

// A clause stands once, in its place.
func.func @scan_twice(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %b: tensor<1x8x2xf32>) {
  // expected-error@+1 {{expected ':'}}
  %o = linrec.scan %q, %k, %v beta(%b : tensor<1x8x2xf32>) beta(%b : tensor<1x8x2xf32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

// The general transition: a and b are like key.
func.func @dplr_c16_element(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %a: tensor<1x8x2x4xbf16>, %b: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.dplr_scan' op expects a of key's element type 'f32', got 'bf16'}}
  %o = linrec.dplr_scan %q, %k, %v a(%a) b(%b)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xbf16>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @dplr_c16_shape_a(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %a: tensor<1x8x2x8xf32>, %b: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.dplr_scan' op expects a of the shape of key, got 'tensor<1x8x2x8xf32>' and 'tensor<1x8x2x4xf32>'}}
  %o = linrec.dplr_scan %q, %k, %v a(%a) b(%b)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x8xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @dplr_c16_shape_b(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %a: tensor<1x8x2x4xf32>, %b: tensor<1x8x1x4xf32>) {
  // expected-error@+1 {{'linrec.dplr_scan' op expects b of the shape of key, got 'tensor<1x8x1x4xf32>' and 'tensor<1x8x2x4xf32>'}}
  %o = linrec.dplr_scan %q, %k, %v a(%a) b(%b)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x1x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @dplr_c16_dynamic(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %a: tensor<1x8x2x4xf32>, %b: tensor<1x8x2x?xf32>) {
  // expected-error@+1 {{'linrec.dplr_scan' op expects b of the shape of key, got 'tensor<1x8x2x?xf32>' and 'tensor<1x8x2x4xf32>'}}
  %o = linrec.dplr_scan %q, %k, %v a(%a) b(%b)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x?xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

// The other constraints are those of scan.
func.func @dplr_c1(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xbf16>, %a: tensor<1x8x2x4xf32>, %b: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.dplr_scan' op expects query, key and value of one element type, got 'f32', 'f32' and 'bf16'}}
  %o = linrec.dplr_scan %q, %k, %v a(%a) b(%b)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xbf16>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @dplr_c2(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<2x8x2x4xf32>, %a: tensor<1x8x2x4xf32>, %b: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.dplr_scan' op expects value with 1 batch entries (as query), got 2}}
  %o = linrec.dplr_scan %q, %k, %v a(%a) b(%b)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<2x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @dplr_c4(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x3x4xf32>, %a: tensor<1x8x2x4xf32>, %b: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.dplr_scan' op expects heads of query to divide heads of value, got 2 and 3}}
  %o = linrec.dplr_scan %q, %k, %v a(%a) b(%b)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x3x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x3x4xf32>
  return
}

// -----

func.func @dplr_c7(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %a: tensor<1x8x2x4xf32>, %b: tensor<1x8x2x4xf32>, %g: tensor<1x8x2x3xf32>) {
  // expected-error@+1 {{'linrec.dplr_scan' op expects decay with 4 channels (the width of key), got 3}}
  %o = linrec.dplr_scan %q, %k, %v a(%a) b(%b) decay(%g : tensor<1x8x2x3xf32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @dplr_c9(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %a: tensor<1x8x2x4xf32>, %b: tensor<1x8x2x4xf32>, %s0: tensor<1x2x4x5xf32>) {
  // expected-error@+1 {{'linrec.dplr_scan' op expects initial of 4x4 (K x V, state_layout = kv), got 4x5}}
  %o = linrec.dplr_scan %q, %k, %v a(%a) b(%b) initial(%s0 : tensor<1x2x4x5xf32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @dplr_c10(
    %q: tensor<2x8x2x4xf32>, %k: tensor<2x8x2x4xf32>, %v: tensor<2x8x2x4xf32>, %a: tensor<2x8x2x4xf32>, %b: tensor<2x8x2x4xf32>, %cu: tensor<3xi32>) {
  // expected-error@+1 {{'linrec.dplr_scan' op expects a batch of 1 with packed sequences, got 2}}
  %o = linrec.dplr_scan %q, %k, %v a(%a) b(%b) sequences(%cu : tensor<3xi32>)
    : tensor<2x8x2x4xf32>, tensor<2x8x2x4xf32>, tensor<2x8x2x4xf32>, tensor<2x8x2x4xf32>, tensor<2x8x2x4xf32> -> tensor<2x8x2x4xf32>
  return
}

// -----

func.func @dplr_c11(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %a: tensor<1x8x2x4xf32>, %b: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.dplr_scan' op expects output of width 4 (the width of value), got 5}}
  %o = linrec.dplr_scan %q, %k, %v a(%a) b(%b)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x5xf32>
  return
}

// -----

func.func @dplr_c13(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %a: tensor<1x8x2x4xf32>, %b: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.dplr_scan' op expects a finite scale that is not zero, got -0.000000e+00}}
  %o = linrec.dplr_scan %q, %k, %v a(%a) b(%b) {scale = -0.0 : f64}
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

func.func @dplr_c15(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %a: tensor<1x8x2x4xf32>, %b: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{'linrec.dplr_scan' op expects decay_min only with a decay}}
  %o = linrec.dplr_scan %q, %k, %v a(%a) b(%b) {decay_min = -1.0 : f64}
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

// One step a token: there is no such clause.
func.func @dplr_steps(
    %q: tensor<1x8x2x4xf32>, %k: tensor<1x8x2x4xf32>, %v: tensor<1x8x2x4xf32>, %a: tensor<1x8x2x4xf32>, %b: tensor<1x8x2x4xf32>) {
  // expected-error@+1 {{expected ':'}}
  %o = linrec.dplr_scan %q, %k, %v a(%a) b(%b) steps(2)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// -----

// A pool of states.
func.func @scan_c17_initial(%q: tensor<2x?x4x8xf32>, %i: tensor<2xi32>) {
  // expected-error@+1 {{'linrec.scan' op expects indices only with an initial state, the pool that they are of}}
  %o = linrec.scan %q, %q, %q indices(%i : tensor<2xi32>)
      : tensor<2x?x4x8xf32>, tensor<2x?x4x8xf32>, tensor<2x?x4x8xf32> -> tensor<2x?x4x8xf32>
  return
}

// -----

func.func @scan_c17_count(%q: tensor<2x?x4x8xf32>, %s: tensor<6x4x8x8xf32>, %i: tensor<3xi32>) {
  // expected-error@+1 {{'linrec.scan' op expects indices with 2 entries (one a sequence), got 3}}
  %o = linrec.scan %q, %q, %q initial(%s : tensor<6x4x8x8xf32>) indices(%i : tensor<3xi32>)
      : tensor<2x?x4x8xf32>, tensor<2x?x4x8xf32>, tensor<2x?x4x8xf32> -> tensor<2x?x4x8xf32>
  return
}

// -----

func.func @dplr_c17_type(%q: tensor<2x?x4x8xf32>, %s: tensor<6x4x8x8xf32>, %i: tensor<2xi32>) {
  // expected-error@+1 {{'linrec.dplr_scan' op expects a final_state of the type of initial, the pool, got 'tensor<2x4x8x8xf32>' and 'tensor<6x4x8x8xf32>'}}
  %o, %f = linrec.dplr_scan %q, %q, %q a(%q) b(%q) initial(%s : tensor<6x4x8x8xf32>) indices(%i : tensor<2xi32>)
      : tensor<2x?x4x8xf32>, tensor<2x?x4x8xf32>, tensor<2x?x4x8xf32>, tensor<2x?x4x8xf32>,
        tensor<2x?x4x8xf32> -> tensor<2x?x4x8xf32>, tensor<2x4x8x8xf32>
  return
}
