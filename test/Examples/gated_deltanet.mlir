// Gated DeltaNet (Yang, Kautz and Hatamizadeh 2024, arXiv 2412.06464) with the work
// around it as in Qwen3-Next: fewer query and key heads than value heads, keys
// normalised, beta = sigmoid(b), log-decay = -exp(A_log) softplus(a + dt_bias),
// read-out normalised and gated by silu(z). bf16 tensors, f32 gates.
#id = affine_map<(b, t, h) -> (b, t, h)>
#head = affine_map<(b, t, h) -> (h)>
#all = affine_map<(b, t, h, d) -> (b, t, h, d)>
#token = affine_map<(b, t, h, d) -> (b, t, h)>
#channel = affine_map<(b, t, h, d) -> (d)>
func.func @gated_deltanet(
    %q: tensor<?x?x4x128xbf16>, %k: tensor<?x?x4x128xbf16>, %v: tensor<?x?x8x128xbf16>,
    %b: tensor<?x?x8xbf16>, %a: tensor<?x?x8xf32>, %A_log: tensor<8xf32>,
    %dt_bias: tensor<8xf32>, %z: tensor<?x?x8x128xbf16>, %norm_weight: tensor<128xf32>,
    %initial: tensor<?x8x128x128xf32>)
    -> (tensor<?x?x8x128xbf16>, tensor<?x8x128x128xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %eps = arith.constant 1.0e-6 : f32
  %width = arith.constant 128.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %B = tensor.dim %q, %c0 : tensor<?x?x4x128xbf16>
  %T = tensor.dim %q, %c1 : tensor<?x?x4x128xbf16>
  %group_shape = tensor.empty(%B, %T) : tensor<?x?x4xf32>
  %head_zeros = linalg.fill ins(%zero : f32) outs(%a : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %group_zeros = linalg.fill ins(%zero : f32) outs(%group_shape : tensor<?x?x4xf32>)
      -> tensor<?x?x4xf32>
  %beta = linalg.generic {indexing_maps = [#id, #id],
                          iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%b : tensor<?x?x8xbf16>) outs(%a : tensor<?x?x8xf32>) {
  ^bb0(%x: bf16, %out: f32):
    %wide = arith.extf %x : bf16 to f32
    %neg = arith.negf %wide : f32
    %e = math.exp %neg : f32
    %den = arith.addf %e, %one : f32
    %sigmoid = arith.divf %one, %den : f32
    linalg.yield %sigmoid : f32
  } -> tensor<?x?x8xf32>
  %decay = linalg.generic {indexing_maps = [#id, #head, #head, #id],
                           iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%a, %A_log, %dt_bias : tensor<?x?x8xf32>, tensor<8xf32>, tensor<8xf32>)
      outs(%a : tensor<?x?x8xf32>) {
  ^bb0(%x: f32, %log: f32, %bias: f32, %out: f32):
    %raw = arith.addf %x, %bias : f32
    %e = math.exp %raw : f32
    %softplus = math.log1p %e : f32
    %A = math.exp %log : f32
    %product = arith.mulf %A, %softplus : f32
    %g = arith.negf %product : f32
    linalg.yield %g : f32
  } -> tensor<?x?x8xf32>
  // Keys of length one.
  %wide = arith.extf %k : tensor<?x?x4x128xbf16> to tensor<?x?x4x128xf32>
  %squares = arith.mulf %wide, %wide : tensor<?x?x4x128xf32>
  %length2 = linalg.reduce { arith.addf } ins(%squares : tensor<?x?x4x128xf32>)
      outs(%group_zeros : tensor<?x?x4xf32>) dimensions = [3]
  %key = linalg.generic {indexing_maps = [#all, #token, #all],
                         iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%wide, %length2 : tensor<?x?x4x128xf32>, tensor<?x?x4xf32>)
      outs(%k : tensor<?x?x4x128xbf16>) {
  ^bb0(%x: f32, %n: f32, %out: bf16):
    %safe = arith.addf %n, %eps : f32
    %r = math.rsqrt %safe : f32
    %unit = arith.mulf %x, %r : f32
    %narrow = arith.truncf %unit : f32 to bf16
    linalg.yield %narrow : bf16
  } -> tensor<?x?x4x128xbf16>
  %o, %state = linrec.scan %q, %key, %v beta(%beta : tensor<?x?x8xf32>)
      decay(%decay : tensor<?x?x8xf32>) initial(%initial : tensor<?x8x128x128xf32>)
      : tensor<?x?x4x128xbf16>, tensor<?x?x4x128xbf16>, tensor<?x?x8x128xbf16>
     -> tensor<?x?x8x128xf32>, tensor<?x8x128x128xf32>
  // The read-out over its root mean square, times a weight and silu(z).
  %o2 = arith.mulf %o, %o : tensor<?x?x8x128xf32>
  %sum = linalg.reduce { arith.addf } ins(%o2 : tensor<?x?x8x128xf32>)
      outs(%head_zeros : tensor<?x?x8xf32>) dimensions = [3]
  %y = linalg.generic {indexing_maps = [#all, #token, #channel, #all, #all],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%o, %sum, %norm_weight, %z : tensor<?x?x8x128xf32>, tensor<?x?x8xf32>,
          tensor<128xf32>, tensor<?x?x8x128xbf16>) outs(%z : tensor<?x?x8x128xbf16>) {
  ^bb0(%x: f32, %total: f32, %w: f32, %gate: bf16, %out: bf16):
    %mean = arith.divf %total, %width : f32
    %safe = arith.addf %mean, %eps : f32
    %r = math.rsqrt %safe : f32
    %normal = arith.mulf %x, %r : f32
    %weighted = arith.mulf %normal, %w : f32
    %g = arith.extf %gate : bf16 to f32
    %neg = arith.negf %g : f32
    %e = math.exp %neg : f32
    %den = arith.addf %e, %one : f32
    %silu = arith.divf %g, %den : f32
    %gated = arith.mulf %weighted, %silu : f32
    %narrow = arith.truncf %gated : f32 to bf16
    linalg.yield %narrow : bf16
  } -> tensor<?x?x8x128xbf16>
  return %y, %state : tensor<?x?x8x128xbf16>, tensor<?x8x128x128xf32>
}
