// Breaks if elementwise work around a recurrence goes through memory, if a mask comes
// before what a prologue computes, or if what cannot be fused is not said.
// RUN: deltanet-opt %S/../../Examples/gated_deltanet.mlir --convert-linrec-to-chunk --chunk-fuse-elementwise \
// RUN:   --canonicalize --cse --mlir-use-nameloc-as-prefix | FileCheck %s
// RUN: bash -c 'for f in %S/../../Examples/*.mlir; do deltanet-opt $f --convert-linrec-to-chunk \
// RUN:   --chunk-fuse-elementwise --canonicalize --cse; done' | FileCheck %s --check-prefix=ALL
// RUN: deltanet-opt %s --convert-linrec-to-chunk=chunk=32 --chunk-fuse-elementwise --canonicalize --cse \
// RUN:   --split-input-file --verify-diagnostics | FileCheck %s --check-prefix=HERE

// CHECK-LABEL: func.func @gated_deltanet
// One kernel reads what the caller gave: a weight for all, a number per head, groups of heads.
// CHECK: chunk.scan 64
// CHECK: [b, t, g, 1] : tensor<?x?x4x128xbf16>
// CHECK: [0] : tensor<128xf32>
// CHECK: [h] : tensor<8xf32>
// CHECK: out([b, t, h, 1] : tensor<?x?x8x128xbf16>)
// The norm of the keys is one number a row, and the mask stands after it.
// CHECK: chunk.reduce add %{{.*}} [1] : tensor<64x128xf32> -> tensor<64xf32>
// CHECK: math.rsqrt %{{.*}} : tensor<64xf32>
// CHECK: %[[K:.*]] = arith.truncf %{{.*}} : tensor<64x128xf32> to tensor<64x128xbf16>
// CHECK: chunk.mask_tokens %[[K]], %n : tensor<64x128xbf16>
// CHECK: %O = arith.mulf
// CHECK: chunk.reduce add
// CHECK: chunk.yield
// CHECK-NOT: linalg

// Every operator of the family is one kernel, with all that stands around it.
// ALL-COUNT-14: chunk.scan
// ALL-NOT: linalg.
// ALL-NOT: tensor.empty

// What another consumer needs is still computed; a consumer that mixes heads stays outside.
// HERE-LABEL: func.func @mixes_heads
// HERE: chunk.scan
// HERE: linalg.generic
#in = affine_map<(b, t, d, h) -> (b, t, h, d)>
#out = affine_map<(b, t, d, h) -> (b, t, d)>
func.func @mixes_heads(%q: tensor<?x?x2x8xf32>, %sum: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %o = linrec.scan %q, %q, %q : tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32> -> tensor<?x?x2x8xf32>
  // expected-remark @below {{stays outside of the recurrence's kernel, as its consumer: it reduces over tokens, heads or the batch}}
  %r = linalg.generic {indexing_maps = [#in, #out], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%o : tensor<?x?x2x8xf32>) outs(%sum : tensor<?x?x8xf32>) {
  ^bb0(%x: f32, %acc: f32):
    %s = arith.addf %acc, %x : f32
    linalg.yield %s : f32
  } -> tensor<?x?x8xf32>
  return %r : tensor<?x?x8xf32>
}

// -----

// A producer in another order of the channels would have to be transposed.
// HERE-LABEL: func.func @index
// HERE: linalg.generic
// HERE: chunk.scan
#id = affine_map<(b, t, h, d) -> (b, t, h, d)>
func.func @index(%q: tensor<?x?x2x8xf32>) -> tensor<?x?x2x8xf32> {
  // expected-remark @below {{stays outside of the recurrence's kernel, as its producer: its body has 'linalg.index', which is not elementwise}}
  %p = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%q : tensor<?x?x2x8xf32>) outs(%q : tensor<?x?x2x8xf32>) {
  ^bb0(%x: f32, %o: f32):
    %i = linalg.index 1 : index
    %c = arith.index_cast %i : index to i32
    %f = arith.sitofp %c : i32 to f32
    %s = arith.addf %f, %x : f32
    linalg.yield %s : f32
  } -> tensor<?x?x2x8xf32>
  %o = linrec.scan %p, %q, %q : tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32> -> tensor<?x?x2x8xf32>
  return %o : tensor<?x?x2x8xf32>
}

// -----

// A producer in another order of dimensions is read in that order: its access says so.
// HERE-LABEL: func.func @transposed
// HERE: chunk.scan
// HERE: in(%[[Q:.*]] [b, t, h, 1] : tensor<?x?x2x8xf32>,
// HERE-NEXT: %[[Q]] [b, t, h, 1] : tensor<?x?x2x8xf32>,
// HERE-NEXT: %{{.*}} [h, 1, b, t] : tensor<2x8x?x?xf32>
// HERE-NOT: linalg
#t0 = affine_map<(b, t, h, d) -> (b, t, h, d)>
#t1 = affine_map<(b, t, h, d) -> (h, d, b, t)>
func.func @transposed(%q: tensor<?x?x2x8xf32>, %p: tensor<2x8x?x?xf32>) -> tensor<?x?x2x8xf32> {
  %k = linalg.generic {indexing_maps = [#t1, #t0], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<2x8x?x?xf32>) outs(%q : tensor<?x?x2x8xf32>) {
  ^bb0(%x: f32, %o: f32):
    %s = arith.addf %x, %x : f32
    linalg.yield %s : f32
  } -> tensor<?x?x2x8xf32>
  %o = linrec.scan %k, %q, %q : tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32> -> tensor<?x?x2x8xf32>
  return %o : tensor<?x?x2x8xf32>
}

// -----

// Extents of a result, of the scan or of what follows it, are those of the operands: an epilogue
// that asks for them waits for nothing, and is fused.
// HERE-LABEL: func.func @asks_its_operand
// HERE: chunk.scan
// HERE: math.exp
// HERE: chunk.yield
// HERE-NOT: linalg
// HERE-NOT: tensor.dim
// HERE: return
#e = affine_map<(b, t, h, d) -> (b, t, h, d)>
func.func @asks_its_operand(%q: tensor<?x?x2x8xf32>) -> tensor<?x?x2x8xf64> {
  %o = linrec.scan %q, %q, %q : tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32> -> tensor<?x?x2x8xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %o, %c0 : tensor<?x?x2x8xf32>
  %t = tensor.dim %o, %c1 : tensor<?x?x2x8xf32>
  %to = tensor.empty(%b, %t) : tensor<?x?x2x8xf64>
  %wide = linalg.generic {indexing_maps = [#e, #e], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%o : tensor<?x?x2x8xf32>) outs(%to : tensor<?x?x2x8xf64>) {
  ^bb0(%x: f32, %out: f64):
    %s = arith.extf %x : f32 to f64
    linalg.yield %s : f64
  } -> tensor<?x?x2x8xf64>
  %b2 = tensor.dim %wide, %c0 : tensor<?x?x2x8xf64>
  %t2 = tensor.dim %wide, %c1 : tensor<?x?x2x8xf64>
  %to2 = tensor.empty(%b2, %t2) : tensor<?x?x2x8xf64>
  %e = linalg.generic {indexing_maps = [#e, #e], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%wide : tensor<?x?x2x8xf64>) outs(%to2 : tensor<?x?x2x8xf64>) {
  ^bb0(%x: f64, %out: f64):
    %s = math.exp %x : f64
    linalg.yield %s : f64
  } -> tensor<?x?x2x8xf64>
  return %e : tensor<?x?x2x8xf64>
}
