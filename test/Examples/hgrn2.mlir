// HGRN-2 (Qin et al. 2024, arXiv 2404.07904): the forget gate f of a key channel is
// the decay, and 1 - f is the key.
#all = affine_map<(b, t, h, d) -> (b, t, h, d)>
func.func @hgrn2(%q: tensor<?x?x?x64xf32>, %forget: tensor<?x?x?x64xf32>,
                 %v: tensor<?x?x?x64xf32>)
    -> (tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>) {
  %one = arith.constant 1.0 : f32
  // f = sigmoid(forget): log f for the decay, 1 - f for the key.
  %decay, %k = linalg.generic {
        indexing_maps = [#all, #all, #all],
        iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%forget : tensor<?x?x?x64xf32>)
      outs(%forget, %forget : tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>) {
  ^bb0(%x: f32, %out0: f32, %out1: f32):
    %neg = arith.negf %x : f32
    %e = math.exp %neg : f32
    %den = arith.addf %e, %one : f32
    %logden = math.log1p %e : f32
    %log = arith.negf %logden : f32
    %key = arith.divf %e, %den : f32
    linalg.yield %log, %key : f32, f32
  } -> (tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>)
  %o, %state = linrec.scan %q, %k, %v decay(%decay : tensor<?x?x?x64xf32>)
      : tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>
     -> tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>
  return %o, %state : tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>
}
