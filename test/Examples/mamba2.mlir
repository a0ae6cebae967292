// Mamba-2, the state-space dual form (Dao and Gu 2024, arXiv 2405.21060): the key
// is B, the query C, the value x times the step size, the log-decay the step size
// times A = -exp(A_log). B and C are shared by groups of heads.
#id = affine_map<(b, t, h) -> (b, t, h)>
#head = affine_map<(b, t, h) -> (h)>
#all = affine_map<(b, t, h, p) -> (b, t, h, p)>
#token = affine_map<(b, t, h, p) -> (b, t, h)>
#skip = affine_map<(b, t, h, p) -> (h)>
func.func @mamba2(%C: tensor<?x?x1x64xf32>, %B: tensor<?x?x1x64xf32>, %x: tensor<?x?x?x64xf32>,
                  %dt: tensor<?x?x?xf32>, %dt_bias: tensor<?xf32>, %A_log: tensor<?xf32>,
                  %D: tensor<?xf32>, %initial: tensor<?x?x64x64xf32>)
    -> (tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>) {
  // Step size: softplus(dt + bias).
  %step = linalg.generic {indexing_maps = [#id, #head, #id],
                          iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%dt, %dt_bias : tensor<?x?x?xf32>, tensor<?xf32>) outs(%dt : tensor<?x?x?xf32>) {
  ^bb0(%in: f32, %bias: f32, %out: f32):
    %raw = arith.addf %in, %bias : f32
    %e = math.exp %raw : f32
    %softplus = math.log1p %e : f32
    linalg.yield %softplus : f32
  } -> tensor<?x?x?xf32>
  %decay = linalg.generic {indexing_maps = [#id, #head, #id],
                           iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%step, %A_log : tensor<?x?x?xf32>, tensor<?xf32>) outs(%dt : tensor<?x?x?xf32>) {
  ^bb0(%s: f32, %a: f32, %out: f32):
    %A = math.exp %a : f32
    %product = arith.mulf %s, %A : f32
    %log = arith.negf %product : f32
    linalg.yield %log : f32
  } -> tensor<?x?x?xf32>
  %v = linalg.generic {indexing_maps = [#all, #token, #all],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %step : tensor<?x?x?x64xf32>, tensor<?x?x?xf32>) outs(%x : tensor<?x?x?x64xf32>) {
  ^bb0(%in: f32, %s: f32, %out: f32):
    %scaled = arith.mulf %in, %s : f32
    linalg.yield %scaled : f32
  } -> tensor<?x?x?x64xf32>
  %o, %state = linrec.scan %C, %B, %v decay(%decay : tensor<?x?x?xf32>)
      initial(%initial : tensor<?x?x64x64xf32>) {scale = 1.0}
      : tensor<?x?x1x64xf32>, tensor<?x?x1x64xf32>, tensor<?x?x?x64xf32>
     -> tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>
  // The skip connection: y = o + D x.
  %y = linalg.generic {indexing_maps = [#all, #all, #skip, #all],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%o, %x, %D : tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>, tensor<?xf32>)
      outs(%o : tensor<?x?x?x64xf32>) {
  ^bb0(%read: f32, %in: f32, %d: f32, %out: f32):
    %skip = arith.mulf %in, %d : f32
    %sum = arith.addf %read, %skip : f32
    linalg.yield %sum : f32
  } -> tensor<?x?x?x64xf32>
  return %y, %state : tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>
}
