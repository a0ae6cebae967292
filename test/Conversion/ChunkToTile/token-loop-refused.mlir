// If this fails, the token loop makes a kernel of what no thread can hold or compute,
// or fails without naming rule and fact.
// RUN: deltanet-opt %s --convert-token-loop-to-tile --split-input-file --verify-diagnostics

func.func @reverse(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32> {
  // expected-error @below {{expects tokens from first to last in a kernel; this scan runs in reverse}}
  %r = chunk.scan 1 reverse carry(%s [n, h, 0, 1] : tensor<2x4x8x8xf32>)
      in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) final([n, h, 0, 1] : tensor<2x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %x: tensor<1x8xf32>):
    chunk.yield carry(%S) carry tensor<8x8xf32>
  }
  return %r : tensor<2x4x8x8xf32>
}

// -----

func.func @vector(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  // expected-error @below {{expects a carried matrix in a token loop that becomes a kernel, got none}}
  %r = chunk.scan 1 carry(%s [n, h, 0] : tensor<2x4x8xf32>)
      in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) final([n, h, 0] : tensor<2x4x8xf32>) {
  ^bb0(%S: tensor<8xf32>, %n: index, %x: tensor<1x8xf32>):
    chunk.yield carry(%S) carry tensor<8xf32>
  }
  return %r : tensor<2x4x8xf32>
}

// -----

func.func @one_dimension(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32> {
  // expected-error @below {{expects rows and columns of the state to be different dimensions in a kernel; the body makes them one}}
  %r = chunk.scan 1 carry(%s [n, h, 0, 1] : tensor<2x4x8x8xf32>)
      in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) final([n, h, 0, 1] : tensor<2x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %x: tensor<1x8xf32>):
    %t = chunk.transpose %S : tensor<8x8xf32> -> tensor<8x8xf32>
    %u = arith.addf %S, %t : tensor<8x8xf32>
    chunk.yield carry(%u) carry tensor<8x8xf32>
  }
  return %r : tensor<2x4x8x8xf32>
}

// -----

func.func @large(%q: tensor<2x?x4x65536xf32>, %s: tensor<2x4x65536x65536xf32>) -> tensor<2x?x4x65536xf32> {
  // expected-error @below {{expects a state of which a thread of 16 warps holds at most 160 elements in a token loop that becomes a kernel, got 65536x65536, which makes}}
  %r, %f = chunk.scan 1 carry(%s [n, h, 0, 1] : tensor<2x4x65536x65536xf32>)
      in(%q [b, t, h, 1] : tensor<2x?x4x65536xf32>) out([b, t, h, 1] : tensor<2x?x4x65536xf32>)
      final([n, h, 0, 1] : tensor<2x4x65536x65536xf32>) {
  ^bb0(%S: tensor<65536x65536xf32>, %n: index, %x: tensor<1x65536xf32>):
    %o = chunk.dot %x, %S : tensor<1x65536xf32>, tensor<65536x65536xf32> -> tensor<1x65536xf32>
    chunk.yield %o carry(%S) : tensor<1x65536xf32> carry tensor<65536x65536xf32>
  }
  return %r : tensor<2x?x4x65536xf32>
}

// -----

func.func @power(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) -> tensor<2x?x4x8xf32> {
  %r, %f = chunk.scan 1 carry(%s [n, h, 0, 1] : tensor<2x4x8x8xf32>)
      in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) out([b, t, h, 1] : tensor<2x?x4x8xf32>)
      final([n, h, 0, 1] : tensor<2x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %x: tensor<1x8xf32>):
    // expected-error @below {{'math.powf' op has no form for one thread}}
    %p = math.powf %x, %x : tensor<1x8xf32>
    %o = chunk.dot %p, %S : tensor<1x8xf32>, tensor<8x8xf32> -> tensor<1x8xf32>
    chunk.yield %o carry(%S) : tensor<1x8xf32> carry tensor<8x8xf32>
  }
  return %r : tensor<2x?x4x8xf32>
}

// -----

func.func @wide(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) -> tensor<2x?x4x8xf32> {
  %r, %f = chunk.scan 1 carry(%s [n, h, 0, 1] : tensor<2x4x8x8xf32>)
      in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) out([b, t, h, 1] : tensor<2x?x4x8xf32>)
      final([n, h, 0, 1] : tensor<2x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %x: tensor<1x8xf32>):
    // expected-error @below {{expects tiles of f32, bf16, f16, i32 or i1 in a token loop that becomes a kernel, got 'tensor<1x8xf64>'}}
    %w = arith.extf %x : tensor<1x8xf32> to tensor<1x8xf64>
    %y = arith.truncf %w : tensor<1x8xf64> to tensor<1x8xf32>
    %o = chunk.dot %y, %S : tensor<1x8xf32>, tensor<8x8xf32> -> tensor<1x8xf32>
    chunk.yield %o carry(%S) : tensor<1x8xf32> carry tensor<8x8xf32>
  }
  return %r : tensor<2x?x4x8xf32>
}

// -----

func.func @solve(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32> {
  %r = chunk.scan 1 carry(%s [n, h, 0, 1] : tensor<2x4x8x8xf32>)
      in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) final([n, h, 0, 1] : tensor<2x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %x: tensor<1x8xf32>):
    %l = arith.constant dense<0.0> : tensor<8x8xf32>
    // expected-error @below {{'chunk.unit_lower_solve' op has no place in a token loop that becomes a kernel; expects products, reductions, rows and elementwise work}}
    %u = chunk.unit_lower_solve %l, %S : tensor<8x8xf32>, tensor<8x8xf32>
    chunk.yield carry(%u) carry tensor<8x8xf32>
  }
  return %r : tensor<2x4x8x8xf32>
}

// -----

func.func @blocks(%q: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x8xf32>) -> tensor<2x?x4x8xf32>
    attributes {kernel.schedule = #kernel.schedule<token_loop = true, chunk = 1, split_value = 3>} {
  // expected-error @below {{expects a state that 3 blocks can share (split_value), got one of 8x8 that makes 1}}
  %r, %f = chunk.scan 1 carry(%s [n, h, 0, 1] : tensor<2x4x8x8xf32>)
      in(%q [b, t, h, 1] : tensor<2x?x4x8xf32>) out([b, t, h, 1] : tensor<2x?x4x8xf32>)
      final([n, h, 0, 1] : tensor<2x4x8x8xf32>) {
  ^bb0(%S: tensor<8x8xf32>, %n: index, %x: tensor<1x8xf32>):
    %o = chunk.dot %x, %S : tensor<1x8xf32>, tensor<8x8xf32> -> tensor<1x8xf32>
    chunk.yield %o carry(%S) : tensor<1x8xf32> carry tensor<8x8xf32>
  }
  return %r : tensor<2x?x4x8xf32>
}
