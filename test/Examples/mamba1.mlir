// Mamba (Gu and Dao 2023, arXiv 2312.00752): a state of 16 numbers for each of 256
// channels, with steps softplus(dt + bias), rates A = -exp(A_log), the skip connection
// D and the gate silu(z) on the output.
#all = affine_map<(b, t, v) -> (b, t, v)>
#channel = affine_map<(b, t, v) -> (v)>
#rate = affine_map<(v, k) -> (v, k)>
func.func @mamba1(%x: tensor<?x?x256xf32>, %dt: tensor<?x?x256xf32>, %dt_bias: tensor<256xf32>,
                  %A_log: tensor<256x16xf32>, %B: tensor<?x?x16xf32>, %C: tensor<?x?x16xf32>,
                  %D: tensor<256xf32>, %z: tensor<?x?x256xf32>, %initial: tensor<?x256x16xf32>)
    -> (tensor<?x?x256xf32>, tensor<?x256x16xf32>) {
  %one = arith.constant 1.0 : f32
  %delta = linalg.generic {indexing_maps = [#all, #channel, #all],
                           iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%dt, %dt_bias : tensor<?x?x256xf32>, tensor<256xf32>) outs(%dt : tensor<?x?x256xf32>) {
  ^bb0(%in: f32, %bias: f32, %out: f32):
    %raw = arith.addf %in, %bias : f32
    %e = math.exp %raw : f32
    %softplus = math.log1p %e : f32
    linalg.yield %softplus : f32
  } -> tensor<?x?x256xf32>
  %A = linalg.generic {indexing_maps = [#rate, #rate], iterator_types = ["parallel", "parallel"]}
      ins(%A_log : tensor<256x16xf32>) outs(%A_log : tensor<256x16xf32>) {
  ^bb0(%log: f32, %out: f32):
    %e = math.exp %log : f32
    %rate = arith.negf %e : f32
    linalg.yield %rate : f32
  } -> tensor<256x16xf32>
  %o, %state = linrec.selective_scan %x, %delta, %A, %B, %C skip(%D : tensor<256xf32>)
      initial(%initial : tensor<?x256x16xf32>)
      : tensor<?x?x256xf32>, tensor<?x?x256xf32>, tensor<256x16xf32>, tensor<?x?x16xf32>,
        tensor<?x?x16xf32> -> tensor<?x?x256xf32>, tensor<?x256x16xf32>
  %y = linalg.generic {indexing_maps = [#all, #all, #all],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%o, %z : tensor<?x?x256xf32>, tensor<?x?x256xf32>) outs(%o : tensor<?x?x256xf32>) {
  ^bb0(%read: f32, %gate: f32, %out: f32):
    %neg = arith.negf %gate : f32
    %e = math.exp %neg : f32
    %den = arith.addf %e, %one : f32
    %silu = arith.divf %gate, %den : f32
    %gated = arith.mulf %read, %silu : f32
    linalg.yield %gated : f32
  } -> tensor<?x?x256xf32>
  return %y, %state : tensor<?x?x256xf32>, tensor<?x256x16xf32>
}
