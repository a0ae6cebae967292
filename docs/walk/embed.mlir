// The delta rule from a state and to one: u[t] = beta[t] (v[t] - S[t-1]^T k[t]).
func.func @delta(%q: tensor<?x?x?x32xf32>, %k: tensor<?x?x?x32xf32>, %v: tensor<?x?x?x16xf32>,
                 %beta: tensor<?x?x?xf32>, %before: tensor<?x?x32x16xf32>)
    -> (tensor<?x?x?x16xf32> {deltanet.name = "o"}, tensor<?x?x32x16xf32> {deltanet.name = "after"}) {
  %o, %after = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x?xf32>)
      initial(%before : tensor<?x?x32x16xf32>)
    : tensor<?x?x?x32xf32>, tensor<?x?x?x32xf32>, tensor<?x?x?x16xf32>
   -> tensor<?x?x?x16xf32>, tensor<?x?x32x16xf32>
  return %o, %after : tensor<?x?x?x16xf32>, tensor<?x?x32x16xf32>
}
