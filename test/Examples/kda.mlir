// Kimi Delta Attention (Kimi team 2025, arXiv 2510.26692): the delta rule with one
// decay a key channel, -exp(A_log) softplus(gate + dt_bias); packed sequences.
#all = affine_map<(b, t, h, d) -> (b, t, h, d)>
#head = affine_map<(b, t, h, d) -> (h)>
#bias = affine_map<(b, t, h, d) -> (h, d)>
func.func @kda(%q: tensor<?x?x?x64xf32>, %k: tensor<?x?x?x64xf32>, %v: tensor<?x?x?x64xf32>,
               %beta: tensor<?x?x?xf32>, %gate: tensor<?x?x?x64xf32>, %A_log: tensor<?xf32>,
               %dt_bias: tensor<?x64xf32>, %cu_seqlens: tensor<?xi32>,
               %initial: tensor<?x?x64x64xf32>)
    -> (tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>) {
  %decay = linalg.generic {indexing_maps = [#all, #head, #bias, #all],
                           iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%gate, %A_log, %dt_bias : tensor<?x?x?x64xf32>, tensor<?xf32>, tensor<?x64xf32>)
      outs(%gate : tensor<?x?x?x64xf32>) {
  ^bb0(%x: f32, %a: f32, %bias: f32, %out: f32):
    %raw = arith.addf %x, %bias : f32
    %e = math.exp %raw : f32
    %softplus = math.log1p %e : f32
    %A = math.exp %a : f32
    %product = arith.mulf %A, %softplus : f32
    %log = arith.negf %product : f32
    linalg.yield %log : f32
  } -> tensor<?x?x?x64xf32>
  %o, %state = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x?xf32>)
      decay(%decay : tensor<?x?x?x64xf32>) initial(%initial : tensor<?x?x64x64xf32>)
      sequences(%cu_seqlens : tensor<?xi32>)
      : tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>
     -> tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>
  return %o, %state : tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>
}
