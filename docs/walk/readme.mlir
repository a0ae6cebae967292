// The gated delta rule: S[t] = exp(g[t]) S[t-1] + k[t] u[t]^T,  o[t] = S[t]^T q[t] / sqrt(K),
// where u[t] = beta[t] (v[t] - exp(g[t]) S[t-1]^T k[t]).
func.func @gated_delta(%q: tensor<?x?x16x128xbf16>, %k: tensor<?x?x16x128xbf16>,
                       %v: tensor<?x?x16x128xbf16>, %beta: tensor<?x?x16xbf16>,
                       %g: tensor<?x?x16xf32>) -> tensor<?x?x16x128xbf16> {
  %o = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x16xbf16>) decay(%g : tensor<?x?x16xf32>)
    : tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>
   -> tensor<?x?x16x128xbf16>
  return %o : tensor<?x?x16x128xbf16>
}
