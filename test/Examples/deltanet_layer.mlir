// DeltaNet as its layer uses it: queries and keys through silu and an L2 norm,
// beta through a sigmoid. The work around the operator is fused into its kernel.
#id = affine_map<(b, t, h) -> (b, t, h)>
#all = affine_map<(b, t, h, d) -> (b, t, h, d)>
#token = affine_map<(b, t, h, d) -> (b, t, h)>
func.func @deltanet_layer(%q: tensor<?x?x?x128xf32>, %k: tensor<?x?x?x128xf32>,
                          %v: tensor<?x?x?x128xf32>, %b: tensor<?x?x?xf32>)
    -> (tensor<?x?x?x128xf32>, tensor<?x?x128x128xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %eps = arith.constant 1.0e-6 : f32
  %zeros = linalg.fill ins(%zero : f32) outs(%b : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %beta = linalg.generic {indexing_maps = [#id, #id],
                          iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%b : tensor<?x?x?xf32>) outs(%b : tensor<?x?x?xf32>) {
  ^bb0(%x: f32, %out: f32):
    %neg = arith.negf %x : f32
    %e = math.exp %neg : f32
    %den = arith.addf %e, %one : f32
    %sigmoid = arith.divf %one, %den : f32
    linalg.yield %sigmoid : f32
  } -> tensor<?x?x?xf32>
  // silu(q) and silu(k), then the sums of their squares, then the norms.
  %q1, %k1 = linalg.generic {
        indexing_maps = [#all, #all, #all, #all],
        iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%q, %k : tensor<?x?x?x128xf32>, tensor<?x?x?x128xf32>)
      outs(%q, %k : tensor<?x?x?x128xf32>, tensor<?x?x?x128xf32>) {
  ^bb0(%x: f32, %y: f32, %out0: f32, %out1: f32):
    %negx = arith.negf %x : f32
    %ex = math.exp %negx : f32
    %denx = arith.addf %ex, %one : f32
    %silux = arith.divf %x, %denx : f32
    %negy = arith.negf %y : f32
    %ey = math.exp %negy : f32
    %deny = arith.addf %ey, %one : f32
    %siluy = arith.divf %y, %deny : f32
    linalg.yield %silux, %siluy : f32, f32
  } -> (tensor<?x?x?x128xf32>, tensor<?x?x?x128xf32>)
  %q2 = arith.mulf %q1, %q1 : tensor<?x?x?x128xf32>
  %k2 = arith.mulf %k1, %k1 : tensor<?x?x?x128xf32>
  %qs = linalg.reduce { arith.addf } ins(%q2 : tensor<?x?x?x128xf32>)
      outs(%zeros : tensor<?x?x?xf32>) dimensions = [3]
  %ks = linalg.reduce { arith.addf } ins(%k2 : tensor<?x?x?x128xf32>)
      outs(%zeros : tensor<?x?x?xf32>) dimensions = [3]
  %q3, %k3 = linalg.generic {
        indexing_maps = [#all, #token, #all, #token, #all, #all],
        iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%q1, %qs, %k1, %ks : tensor<?x?x?x128xf32>, tensor<?x?x?xf32>,
          tensor<?x?x?x128xf32>, tensor<?x?x?xf32>)
      outs(%q, %k : tensor<?x?x?x128xf32>, tensor<?x?x?x128xf32>) {
  ^bb0(%x: f32, %xx: f32, %y: f32, %yy: f32, %out0: f32, %out1: f32):
    %sx = arith.addf %xx, %eps : f32
    %rx = math.rsqrt %sx : f32
    %nx = arith.mulf %x, %rx : f32
    %sy = arith.addf %yy, %eps : f32
    %ry = math.rsqrt %sy : f32
    %ny = arith.mulf %y, %ry : f32
    linalg.yield %nx, %ny : f32, f32
  } -> (tensor<?x?x?x128xf32>, tensor<?x?x?x128xf32>)
  %o, %state = linrec.scan %q3, %k3, %v beta(%beta : tensor<?x?x?xf32>)
      : tensor<?x?x?x128xf32>, tensor<?x?x?x128xf32>, tensor<?x?x?x128xf32>
     -> tensor<?x?x?x128xf32>, tensor<?x?x128x128xf32>
  return %o, %state : tensor<?x?x?x128xf32>, tensor<?x?x128x128xf32>
}
