// If this fails, what has no gradient is not refused by name, or options that name
// nothing are taken.
// RUN: deltanet-opt %s -split-input-file -verify-diagnostics --chunk-differentiate="of=0 from=0"

func.func @product(%x: tensor<2x?x4xf32>) -> tensor<2x?xf32> {
  %r = chunk.scan 16 in(%x [b, t, 1] : tensor<2x?x4xf32>) out([b, t] : tensor<2x?xf32>) {
  ^bb0(%n: index, %t: tensor<16x4xf32>):
    // expected-error@+1 {{'chunk.reduce' op expects a sum, a largest or a smallest where gradients are taken, got a product}}
    %p = chunk.reduce mul %t [1] : tensor<16x4xf32> -> tensor<16xf32>
    chunk.yield %p : tensor<16xf32>
  }
  return %r : tensor<2x?xf32>
}

// -----

func.func @remainder(%x: tensor<2x?x4xf32>) -> tensor<2x?x4xf32> {
  %r = chunk.scan 16 in(%x [b, t, 1] : tensor<2x?x4xf32>) out([b, t, 1] : tensor<2x?x4xf32>) {
  ^bb0(%n: index, %t: tensor<16x4xf32>):
    // expected-error@+1 {{expects operations that have a derivative (docs/Gradient.md lists them) where gradients are taken, got 'arith.remf'}}
    %p = arith.remf %t, %t : tensor<16x4xf32>
    chunk.yield %p : tensor<16x4xf32>
  }
  return %r : tensor<2x?x4xf32>
}

// -----

func.func @beside(%x: tensor<2x?x4xf32>) -> tensor<2x?x4xf32> {
  // expected-error@+1 {{expects what gradients go through to be part of a recurrence's body (chunk-fuse-elementwise says why it is not), got 'math.exp' beside it}}
  %r = math.exp %x : tensor<2x?x4xf32>
  return %r : tensor<2x?x4xf32>
}

// -----

func.func @pool(%x: tensor<2x?x4xf32>, %s: tensor<9x4xf32>, %list: tensor<2xi32>)
    -> (tensor<2x?x4xf32>, tensor<9x4xf32>) {
  // expected-error@+1 {{'chunk.scan' op expects no pool of states where gradients are taken: it changes in place}}
  %r, %f = chunk.scan 16 indices(%list : tensor<2xi32>) carry(%s [p, 0] : tensor<9x4xf32>)
      in(%x [b, t, 1] : tensor<2x?x4xf32>) out([b, t, 1] : tensor<2x?x4xf32>)
      final([p, 0] : tensor<9x4xf32>) {
  ^bb0(%S: tensor<4xf32>, %n: index, %t: tensor<16x4xf32>):
    chunk.yield %t carry(%S) : tensor<16x4xf32> carry tensor<4xf32>
  }
  return %r, %f : tensor<2x?x4xf32>, tensor<9x4xf32>
}

// -----

// expected-error@+1 {{chunk-differentiate: expects 'of' to list tensors of floats, got '0' of type 'tensor<2xi32>'}}
func.func @integers(%x: tensor<2xi32>, %y: tensor<2xf32>) -> tensor<2xf32> {
  return %y : tensor<2xf32>
}

// -----

// expected-error@+1 {{chunk-differentiate: expects 'of' to list names or numbers below 0, got '0'}}
func.func @nothing() -> tensor<2xf32> {
  %c = arith.constant dense<0.0> : tensor<2xf32>
  return %c : tensor<2xf32>
}
