// Gated linear attention (Yang et al. 2023, arXiv 2312.06635): one decay a key
// channel, logsigmoid(gate) / 16; the read-out normalised by its root mean square
// and gated by silu.
#all = affine_map<(b, t, h, d) -> (b, t, h, d)>
#token = affine_map<(b, t, h, d) -> (b, t, h)>
#channel = affine_map<(b, t, h, d) -> (d)>
func.func @gla(%q: tensor<?x?x?x64xf32>, %k: tensor<?x?x?x64xf32>, %v: tensor<?x?x?x128xf32>,
               %gate: tensor<?x?x?x64xf32>, %output_gate: tensor<?x?x?x128xf32>,
               %norm_weight: tensor<128xf32>)
    -> (tensor<?x?x?x128xf32>, tensor<?x?x64x128xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %sixteenth = arith.constant 0.0625 : f32
  %width = arith.constant 128.0 : f32
  %eps = arith.constant 1.0e-5 : f32
  // logsigmoid(x) = min(x, 0) - log1p(exp(-|x|)).
  %decay = linalg.generic {indexing_maps = [#all, #all],
                           iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%gate : tensor<?x?x?x64xf32>) outs(%gate : tensor<?x?x?x64xf32>) {
  ^bb0(%x: f32, %out: f32):
    %low = arith.minimumf %x, %zero : f32
    %abs = math.absf %x : f32
    %neg = arith.negf %abs : f32
    %e = math.exp %neg : f32
    %l = math.log1p %e : f32
    %sigmoid = arith.subf %low, %l : f32
    %log = arith.mulf %sigmoid, %sixteenth : f32
    linalg.yield %log : f32
  } -> tensor<?x?x?x64xf32>
  %o, %state = linrec.scan %q, %k, %v decay(%decay : tensor<?x?x?x64xf32>)
      : tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>, tensor<?x?x?x128xf32>
     -> tensor<?x?x?x128xf32>, tensor<?x?x64x128xf32>
  // The mean of the squares of a token and head.
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %B = tensor.dim %q, %c0 : tensor<?x?x?x64xf32>
  %T = tensor.dim %q, %c1 : tensor<?x?x?x64xf32>
  %H = tensor.dim %q, %c2 : tensor<?x?x?x64xf32>
  %shape = tensor.empty(%B, %T, %H) : tensor<?x?x?xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%shape : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %squares = arith.mulf %o, %o : tensor<?x?x?x128xf32>
  %sum = linalg.reduce { arith.addf } ins(%squares : tensor<?x?x?x128xf32>)
      outs(%zeros : tensor<?x?x?xf32>) dimensions = [3]
  %y = linalg.generic {indexing_maps = [#all, #token, #channel, #all, #all],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%o, %sum, %norm_weight, %output_gate : tensor<?x?x?x128xf32>, tensor<?x?x?xf32>,
          tensor<128xf32>, tensor<?x?x?x128xf32>) outs(%output_gate : tensor<?x?x?x128xf32>) {
  ^bb0(%x: f32, %total: f32, %w: f32, %g: f32, %out: f32):
    %mean = arith.divf %total, %width : f32
    %safe = arith.addf %mean, %eps : f32
    %r = math.rsqrt %safe : f32
    %normal = arith.mulf %x, %r : f32
    %weighted = arith.mulf %normal, %w : f32
    %neg = arith.negf %g : f32
    %e = math.exp %neg : f32
    %den = arith.addf %e, %one : f32
    %silu = arith.divf %g, %den : f32
    %gated = arith.mulf %weighted, %silu : f32
    linalg.yield %gated : f32
  } -> tensor<?x?x?x128xf32>
  return %y, %state : tensor<?x?x?x128xf32>, tensor<?x?x64x128xf32>
}
