// RWKV-7 (Peng et al. 2025, arXiv 2503.14456): S[t] = (Diag(w) - kappa (kappa * eta)^T)
// S[t-1] + k v^T with a removal key kappa of length one and a rate eta a channel.
#all = affine_map<(b, t, h, d) -> (b, t, h, d)>
#token = affine_map<(b, t, h, d) -> (b, t, h)>
func.func @rwkv7(%r: tensor<?x?x?x64xf32>, %k: tensor<?x?x?x64xf32>, %v: tensor<?x?x?x64xf32>,
                 %kappa: tensor<?x?x?x64xf32>, %eta: tensor<?x?x?x64xf32>,
                 %w: tensor<?x?x?x64xf32>)
    -> (tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %eps = arith.constant 1.0e-12 : f32
  %rate = arith.constant 0.60653066 : f32 // exp(-0.5)
  // log-decay = -exp(-0.5) sigmoid(w).
  %decay = linalg.generic {indexing_maps = [#all, #all],
                           iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%w : tensor<?x?x?x64xf32>) outs(%w : tensor<?x?x?x64xf32>) {
  ^bb0(%x: f32, %out: f32):
    %neg = arith.negf %x : f32
    %e = math.exp %neg : f32
    %den = arith.addf %e, %one : f32
    %sigmoid = arith.divf %rate, %den : f32
    %log = arith.negf %sigmoid : f32
    linalg.yield %log : f32
  } -> tensor<?x?x?x64xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %B = tensor.dim %r, %c0 : tensor<?x?x?x64xf32>
  %T = tensor.dim %r, %c1 : tensor<?x?x?x64xf32>
  %H = tensor.dim %r, %c2 : tensor<?x?x?x64xf32>
  %shape = tensor.empty(%B, %T, %H) : tensor<?x?x?xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%shape : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %squares = arith.mulf %kappa, %kappa : tensor<?x?x?x64xf32>
  %length2 = linalg.reduce { arith.addf } ins(%squares : tensor<?x?x?x64xf32>)
      outs(%zeros : tensor<?x?x?xf32>) dimensions = [3]
  // a = -kappa / |kappa|, b = kappa / |kappa| * sigmoid(eta).
  %a, %b = linalg.generic {indexing_maps = [#all, #token, #all, #all, #all],
                           iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%kappa, %length2, %eta : tensor<?x?x?x64xf32>, tensor<?x?x?xf32>, tensor<?x?x?x64xf32>)
      outs(%kappa, %kappa : tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>) {
  ^bb0(%x: f32, %n: f32, %y: f32, %out0: f32, %out1: f32):
    %safe = arith.addf %n, %eps : f32
    %inverse = math.rsqrt %safe : f32
    %unit = arith.mulf %x, %inverse : f32
    %minus = arith.negf %unit : f32
    %neg = arith.negf %y : f32
    %e = math.exp %neg : f32
    %den = arith.addf %e, %one : f32
    %replaced = arith.divf %unit, %den : f32
    linalg.yield %minus, %replaced : f32, f32
  } -> (tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>)
  %o, %state = linrec.dplr_scan %r, %k, %v a(%a) b(%b) decay(%decay : tensor<?x?x?x64xf32>)
      {scale = 1.0}
      : tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>,
        tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>
     -> tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>
  return %o, %state : tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>
}
