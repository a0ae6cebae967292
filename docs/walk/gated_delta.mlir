// The gated delta rule, with beta = sigmoid(b) written around it.
#map = affine_map<(b, t, h) -> (b, t, h)>
func.func @gated_delta(%q: tensor<?x?x2x16xf32>, %k: tensor<?x?x2x16xf32>,
                       %v: tensor<?x?x2x32xf32>, %b: tensor<?x?x2xf32>,
                       %decay: tensor<?x?x2xf32>) -> tensor<?x?x2x32xf32> {
  %beta = linalg.generic {indexing_maps = [#map, #map],
                          iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%b : tensor<?x?x2xf32>) outs(%b : tensor<?x?x2xf32>) {
  ^bb0(%x: f32, %out: f32):
    %one = arith.constant 1.0 : f32
    %minus = arith.negf %x : f32
    %e = math.exp %minus : f32
    %below = arith.addf %e, %one : f32
    %sigmoid = arith.divf %one, %below : f32
    linalg.yield %sigmoid : f32
  } -> tensor<?x?x2xf32>
  %o = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x2xf32>) decay(%decay : tensor<?x?x2xf32>)
    : tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x32xf32> -> tensor<?x?x2x32xf32>
  return %o : tensor<?x?x2x32xf32>
}
