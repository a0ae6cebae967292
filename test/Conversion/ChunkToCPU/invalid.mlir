// If this fails, what cannot be lowered ends in a crash or in wrong code instead of a
// message that says why.
// RUN: deltanet-opt %s --convert-chunk-to-cpu=vector-bits=256 --split-input-file --verify-diagnostics

func.func @captured(%x: tensor<?x?x?x4xf32>, %w: tensor<4xf32>) -> tensor<?x?x?x4xf32> {
  // expected-error @below {{'chunk.scan' op expects a body that uses nothing from around the scan but scalars and constants, got a value of type 'tensor<4xf32>'}}
  %r = chunk.scan 8 in(%x [b, t, h, 1] : tensor<?x?x?x4xf32>)
      out([b, t, h, 1] : tensor<?x?x?x4xf32>) {
  ^bb0(%n: index, %a: tensor<8x4xf32>):
    %b = chunk.broadcast %w [0] : tensor<4xf32> -> tensor<8x4xf32>
    %o = arith.addf %a, %b : tensor<8x4xf32>
    chunk.yield %o : tensor<8x4xf32>
  }
  return %r : tensor<?x?x?x4xf32>
}

// -----

func.func @foreign(%x: tensor<?x?x?x4xf32>) -> tensor<?x?x?x4xf32> {
  %r = chunk.scan 8 in(%x [b, t, h, 1] : tensor<?x?x?x4xf32>)
      out([b, t, h, 1] : tensor<?x?x?x4xf32>) {
  ^bb0(%n: index, %a: tensor<8x4xf32>):
    %s = arith.constant dense<[8, 4]> : tensor<2xindex>
    // expected-error @below {{'tensor.reshape' op expects an operation of a chunk body (chunk, or elementwise arith and math)}}
    %o = tensor.reshape %a(%s) : (tensor<8x4xf32>, tensor<2xindex>) -> tensor<8x4xf32>
    chunk.yield %o : tensor<8x4xf32>
  }
  return %r : tensor<?x?x?x4xf32>
}

// -----

// expected-error @below {{'func.func' op expects tensors of known rank, got '(tensor<*xf32>) -> ()'}}
func.func @unranked(%x: tensor<*xf32>) {
  return
}

// -----

// expected-error @below {{'func.func' op expects a function of one block}}
func.func @blocks(%x: tensor<4xf32>) -> tensor<4xf32> {
  cf.br ^next
^next:
  return %x : tensor<4xf32>
}
