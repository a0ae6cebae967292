// Breaks if the verifier of linrec.selective_scan lets a constraint of
// dialects/LinRec/SelectiveScan.td go by. One function for each, of its name.
// RUN: deltanet-opt %s --split-input-file --verify-diagnostics

func.func @selective_c1_channels(%x: tensor<2x?x?xf32>, %delta: tensor<2x?x4xf32>, %a: tensor<4x8xf32>, %b: tensor<2x?x8xf32>, %c: tensor<2x?x8xf32>) {
  // expected-error @below {{expects a static number of channels of at least 1, got ?}}
  %y = linrec.selective_scan %x, %delta, %a, %b, %c
    : tensor<2x?x?xf32>, tensor<2x?x4xf32>, tensor<4x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<2x?x?xf32>
  return
}

// -----

func.func @selective_c1_delta(%x: tensor<2x?x4xf32>, %delta: tensor<2x?x5xf32>, %a: tensor<4x8xf32>, %b: tensor<2x?x8xf32>, %c: tensor<2x?x8xf32>) {
  // expected-error @below {{expects delta of extents 2x?x4, got 2x?x5}}
  %y = linrec.selective_scan %x, %delta, %a, %b, %c
    : tensor<2x?x4xf32>, tensor<2x?x5xf32>, tensor<4x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<2x?x4xf32>
  return
}

// -----

func.func @selective_c1_output(%x: tensor<2x?x4xf32>, %delta: tensor<2x?x4xf32>, %a: tensor<4x8xf32>, %b: tensor<2x?x8xf32>, %c: tensor<2x?x8xf32>) {
  // expected-error @below {{expects output of extents 2x?x4, got 3x?x4}}
  %y = linrec.selective_scan %x, %delta, %a, %b, %c
    : tensor<2x?x4xf32>, tensor<2x?x4xf32>, tensor<4x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<3x?x4xf32>
  return
}

// -----

func.func @selective_c2_width(%x: tensor<2x?x4xf32>, %delta: tensor<2x?x4xf32>, %a: tensor<4x?xf32>, %b: tensor<2x?x8xf32>, %c: tensor<2x?x8xf32>) {
  // expected-error @below {{expects a static state width of at least 1, got ?}}
  %y = linrec.selective_scan %x, %delta, %a, %b, %c
    : tensor<2x?x4xf32>, tensor<2x?x4xf32>, tensor<4x?xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<2x?x4xf32>
  return
}

// -----

func.func @selective_c2_a(%x: tensor<2x?x4xf32>, %delta: tensor<2x?x4xf32>, %a: tensor<5x8xf32>, %b: tensor<2x?x8xf32>, %c: tensor<2x?x8xf32>) {
  // expected-error @below {{expects a of extents 4x8, got 5x8}}
  %y = linrec.selective_scan %x, %delta, %a, %b, %c
    : tensor<2x?x4xf32>, tensor<2x?x4xf32>, tensor<5x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<2x?x4xf32>
  return
}

// -----

func.func @selective_c3_b(%x: tensor<2x?x4xf32>, %delta: tensor<2x?x4xf32>, %a: tensor<4x8xf32>, %b: tensor<2x?x9xf32>, %c: tensor<2x?x9xf32>) {
  // expected-error @below {{expects b of extents 2x?x8, got 2x?x9}}
  %y = linrec.selective_scan %x, %delta, %a, %b, %c
    : tensor<2x?x4xf32>, tensor<2x?x4xf32>, tensor<4x8xf32>, tensor<2x?x9xf32>, tensor<2x?x9xf32> -> tensor<2x?x4xf32>
  return
}

// -----

func.func @selective_c3_c(%x: tensor<2x7x4xf32>, %delta: tensor<2x7x4xf32>, %a: tensor<4x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x6x8xf32>) {
  // expected-error @below {{expects c of extents 2x7x8, got 2x6x8}}
  %y = linrec.selective_scan %x, %delta, %a, %b, %c
    : tensor<2x7x4xf32>, tensor<2x7x4xf32>, tensor<4x8xf32>, tensor<2x7x8xf32>, tensor<2x6x8xf32> -> tensor<2x7x4xf32>
  return
}

// -----

func.func @selective_c4(%x: tensor<2x?x4xf32>, %delta: tensor<2x?x4xf32>, %a: tensor<4x8xf32>, %b: tensor<2x?x8xf32>, %c: tensor<2x?x8xf32>, %d: tensor<5xf32>) {
  // expected-error @below {{expects skip of extents 4, got 5}}
  %y = linrec.selective_scan %x, %delta, %a, %b, %c skip(%d : tensor<5xf32>)
    : tensor<2x?x4xf32>, tensor<2x?x4xf32>, tensor<4x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<2x?x4xf32>
  return
}

// -----

func.func @selective_c5_batch(%x: tensor<2x?x4xf32>, %delta: tensor<2x?x4xf32>, %a: tensor<4x8xf32>, %b: tensor<2x?x8xf32>, %c: tensor<2x?x8xf32>, %n: tensor<3xi32>) {
  // expected-error @below {{expects a batch of 1 with packed sequences, got 2}}
  %y = linrec.selective_scan %x, %delta, %a, %b, %c sequences(%n : tensor<3xi32>)
    : tensor<2x?x4xf32>, tensor<2x?x4xf32>, tensor<4x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<2x?x4xf32>
  return
}

// -----

func.func @selective_c5_offsets(%x: tensor<1x?x4xf32>, %delta: tensor<1x?x4xf32>, %a: tensor<4x8xf32>, %b: tensor<1x?x8xf32>, %c: tensor<1x?x8xf32>, %n: tensor<1xi32>) {
  // expected-error @below {{expects at least 2 offsets of packed sequences, got 1}}
  %y = linrec.selective_scan %x, %delta, %a, %b, %c sequences(%n : tensor<1xi32>)
    : tensor<1x?x4xf32>, tensor<1x?x4xf32>, tensor<4x8xf32>, tensor<1x?x8xf32>, tensor<1x?x8xf32> -> tensor<1x?x4xf32>
  return
}

// -----

func.func @selective_c6_initial(%x: tensor<2x?x4xf32>, %delta: tensor<2x?x4xf32>, %a: tensor<4x8xf32>, %b: tensor<2x?x8xf32>, %c: tensor<2x?x8xf32>, %s: tensor<2x8x4xf32>) {
  // expected-error @below {{expects initial of extents 2x4x8, got 2x8x4}}
  %y = linrec.selective_scan %x, %delta, %a, %b, %c initial(%s : tensor<2x8x4xf32>)
    : tensor<2x?x4xf32>, tensor<2x?x4xf32>, tensor<4x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<2x?x4xf32>
  return
}

// -----

func.func @selective_c6_final(%x: tensor<2x?x4xf32>, %delta: tensor<2x?x4xf32>, %a: tensor<4x8xf32>, %b: tensor<2x?x8xf32>, %c: tensor<2x?x8xf32>) {
  // expected-error @below {{expects final_state of extents 2x4x8, got 3x4x8}}
  %y:2 = linrec.selective_scan %x, %delta, %a, %b, %c
    : tensor<2x?x4xf32>, tensor<2x?x4xf32>, tensor<4x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<2x?x4xf32>, tensor<3x4x8xf32>
  return
}

// -----

func.func @selective_c7_initial(%x: tensor<2x?x4xf32>, %delta: tensor<2x?x4xf32>, %a: tensor<4x8xf32>, %b: tensor<2x?x8xf32>, %c: tensor<2x?x8xf32>, %i: tensor<2xi32>) {
  // expected-error @below {{expects indices only with an initial state, the pool that they are of}}
  %y = linrec.selective_scan %x, %delta, %a, %b, %c indices(%i : tensor<2xi32>)
    : tensor<2x?x4xf32>, tensor<2x?x4xf32>, tensor<4x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<2x?x4xf32>
  return
}

// -----

func.func @selective_c7_count(%x: tensor<2x?x4xf32>, %delta: tensor<2x?x4xf32>, %a: tensor<4x8xf32>, %b: tensor<2x?x8xf32>, %c: tensor<2x?x8xf32>, %s: tensor<6x4x8xf32>, %i: tensor<3xi32>) {
  // expected-error @below {{expects indices with 2 entries (one a sequence), got 3}}
  %y = linrec.selective_scan %x, %delta, %a, %b, %c initial(%s : tensor<6x4x8xf32>) indices(%i : tensor<3xi32>)
    : tensor<2x?x4xf32>, tensor<2x?x4xf32>, tensor<4x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<2x?x4xf32>
  return
}

// -----

func.func @selective_c7_type(%x: tensor<2x?x4xf32>, %delta: tensor<2x?x4xf32>, %a: tensor<4x8xf32>, %b: tensor<2x?x8xf32>, %c: tensor<2x?x8xf32>, %s: tensor<6x4x8xf32>, %i: tensor<2xi32>) {
  // expected-error @below {{expects a final_state of the type of initial, the pool, got 'tensor<2x4x8xf32>' and 'tensor<6x4x8xf32>'}}
  %y:2 = linrec.selective_scan %x, %delta, %a, %b, %c initial(%s : tensor<6x4x8xf32>) indices(%i : tensor<2xi32>)
    : tensor<2x?x4xf32>, tensor<2x?x4xf32>, tensor<4x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<2x?x4xf32>, tensor<2x4x8xf32>
  return
}
