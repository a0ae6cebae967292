// RWKV-6 (Peng et al. 2024, arXiv 2404.05892): a token reads the state before its
// own update, and its own key through a bonus; the log-decay is -exp(w).
#all = affine_map<(b, t, h, d) -> (b, t, h, d)>
func.func @rwkv6(%r: tensor<?x?x?x64xf32>, %k: tensor<?x?x?x64xf32>, %v: tensor<?x?x?x64xf32>,
                 %w: tensor<?x?x?x64xf32>, %u: tensor<?x64xf32>,
                 %initial: tensor<?x?x64x64xf32>)
    -> (tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>) {
  %decay = linalg.generic {indexing_maps = [#all, #all],
                           iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%w : tensor<?x?x?x64xf32>) outs(%w : tensor<?x?x?x64xf32>) {
  ^bb0(%x: f32, %out: f32):
    %e = math.exp %x : f32
    %log = arith.negf %e : f32
    linalg.yield %log : f32
  } -> tensor<?x?x?x64xf32>
  %o, %state = linrec.scan %r, %k, %v decay(%decay : tensor<?x?x?x64xf32>)
      bonus(%u : tensor<?x64xf32>) initial(%initial : tensor<?x?x64x64xf32>)
      read_out(before) {scale = 1.0}
      : tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>
     -> tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>
  return %o, %state : tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>
}
