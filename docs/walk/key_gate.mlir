// A decay a channel: log alpha = -softplus(x) k^2.
#token = affine_map<(b, t, h, c) -> (b, t, h)>
#all = affine_map<(b, t, h, c) -> (b, t, h, c)>
func.func @key_gate(%q: tensor<?x?x4x64xf32>, %k: tensor<?x?x4x64xf32>,
                    %v: tensor<?x?x4x64xf32>, %beta: tensor<?x?x4xf32>,
                    %x: tensor<?x?x4xf32>) -> tensor<?x?x4x64xf32> {
  %decay = linalg.generic {
        indexing_maps = [#token, #all, #all],
        iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %k : tensor<?x?x4xf32>, tensor<?x?x4x64xf32>) outs(%k : tensor<?x?x4x64xf32>) {
  ^bb0(%xi: f32, %ki: f32, %out: f32):
    %e = math.exp %xi : f32
    %softplus = math.log1p %e : f32
    %square = arith.mulf %ki, %ki : f32
    %product = arith.mulf %softplus, %square : f32
    %log = arith.negf %product : f32
    linalg.yield %log : f32
  } -> tensor<?x?x4x64xf32>
  %o = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x4xf32>) decay(%decay : tensor<?x?x4x64xf32>)
    : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32> -> tensor<?x?x4x64xf32>
  return %o : tensor<?x?x4x64xf32>
}
