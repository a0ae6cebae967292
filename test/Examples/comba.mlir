// Comba (Hu et al. 2025, arXiv 2506.02475): a scalar-plus-rank-one transition with a
// feedback rate of its own, S[t] = (alpha - rate k k^T) S[t-1] + beta k v^T, and a
// query corrected by the key, q - d k.
#all = affine_map<(b, t, h, d) -> (b, t, h, d)>
#token = affine_map<(b, t, h, d) -> (b, t, h)>
#head = affine_map<(b, t, h, d) -> (h)>
func.func @comba(%q: tensor<?x?x?x64xf32>, %k: tensor<?x?x?x64xf32>, %v: tensor<?x?x?x64xf32>,
                 %beta: tensor<?x?x?xf32>, %rate: tensor<?x?x?xf32>, %decay: tensor<?x?x?xf32>,
                 %d: tensor<?xf32>)
    -> (tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>) {
  %corrected = linalg.generic {indexing_maps = [#all, #all, #head, #all],
                               iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%q, %k, %d : tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>, tensor<?xf32>)
      outs(%q : tensor<?x?x?x64xf32>) {
  ^bb0(%x: f32, %y: f32, %s: f32, %out: f32):
    %part = arith.mulf %y, %s : f32
    %rest = arith.subf %x, %part : f32
    linalg.yield %rest : f32
  } -> tensor<?x?x?x64xf32>
  %b, %written = linalg.generic {
        indexing_maps = [#all, #token, #token, #all, #all],
        iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%k, %rate, %beta : tensor<?x?x?x64xf32>, tensor<?x?x?xf32>, tensor<?x?x?xf32>)
      outs(%k, %k : tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>) {
  ^bb0(%x: f32, %f: f32, %s: f32, %out0: f32, %out1: f32):
    %back = arith.mulf %x, %f : f32
    %minus = arith.negf %back : f32
    %key = arith.mulf %x, %s : f32
    linalg.yield %minus, %key : f32, f32
  } -> (tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>)
  %o, %state = linrec.dplr_scan %corrected, %written, %v a(%k) b(%b)
      decay(%decay : tensor<?x?x?xf32>)
      : tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>,
        tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>
     -> tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>
  return %o, %state : tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>
}
