// A gate that nobody published: a key channel is forgotten the faster, the more of
// the token's key lies in it and the larger the token's surprise; beta may pass one.
//   surprise = tanh(mean(v^2)), log-decay = -exp(w[h]) surprise softplus(x) k^2
//   beta = 2 sigmoid(b) surprise
// It shows that a prologue is fused whatever it computes.
#id = affine_map<(b, t, h) -> (b, t, h)>
#all = affine_map<(b, t, h, d) -> (b, t, h, d)>
#token = affine_map<(b, t, h, d) -> (b, t, h)>
#head = affine_map<(b, t, h, d) -> (h)>
func.func @invented_gate(%q: tensor<?x?x?x64xf32>, %k: tensor<?x?x?x64xf32>,
                         %v: tensor<?x?x?x96xf32>, %b: tensor<?x?x?xf32>, %x: tensor<?x?x?x64xf32>,
                         %w: tensor<?xf32>)
    -> (tensor<?x?x?x96xf32>, tensor<?x?x64x96xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %two = arith.constant 2.0 : f32
  %width = arith.constant 96.0 : f32
  %zeros = linalg.fill ins(%zero : f32) outs(%b : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %squares = arith.mulf %v, %v : tensor<?x?x?x96xf32>
  %energy = linalg.reduce { arith.addf } ins(%squares : tensor<?x?x?x96xf32>)
      outs(%zeros : tensor<?x?x?xf32>) dimensions = [3]
  %surprise, %beta = linalg.generic {
        indexing_maps = [#id, #id, #id, #id],
        iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%energy, %b : tensor<?x?x?xf32>, tensor<?x?x?xf32>)
      outs(%b, %b : tensor<?x?x?xf32>, tensor<?x?x?xf32>) {
  ^bb0(%sum: f32, %raw: f32, %out0: f32, %out1: f32):
    %mean = arith.divf %sum, %width : f32
    %s = math.tanh %mean : f32
    %neg = arith.negf %raw : f32
    %e = math.exp %neg : f32
    %den = arith.addf %e, %one : f32
    %sigmoid = arith.divf %two, %den : f32
    %rate = arith.mulf %sigmoid, %s : f32
    linalg.yield %s, %rate : f32, f32
  } -> (tensor<?x?x?xf32>, tensor<?x?x?xf32>)
  %decay = linalg.generic {indexing_maps = [#all, #all, #token, #head, #all],
                           iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %k, %surprise, %w : tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>,
          tensor<?x?x?xf32>, tensor<?xf32>) outs(%x : tensor<?x?x?x64xf32>) {
  ^bb0(%raw: f32, %key: f32, %s: f32, %log: f32, %out: f32):
    %e = math.exp %raw : f32
    %softplus = math.log1p %e : f32
    %k2 = arith.mulf %key, %key : f32
    %rate = math.exp %log : f32
    %p0 = arith.mulf %softplus, %k2 : f32
    %p1 = arith.mulf %p0, %s : f32
    %p2 = arith.mulf %p1, %rate : f32
    %g = arith.negf %p2 : f32
    linalg.yield %g : f32
  } -> tensor<?x?x?x64xf32>
  %o, %state = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x?xf32>)
      decay(%decay : tensor<?x?x?x64xf32>)
      : tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>, tensor<?x?x?x96xf32>
     -> tensor<?x?x?x96xf32>, tensor<?x?x64x96xf32>
  return %o, %state : tensor<?x?x?x96xf32>, tensor<?x?x64x96xf32>
}
