// Linear attention (Katharopoulos et al. 2020, arXiv 2006.16236), unnormalised:
// S[t] = S[t-1] + k[t] v[t]^T, o[t] = S[t]^T q[t].
func.func @linear_attention(%q: tensor<?x?x?x64xf32>, %k: tensor<?x?x?x64xf32>,
                            %v: tensor<?x?x?x64xf32>)
    -> (tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>) {
  %o, %state = linrec.scan %q, %k, %v {scale = 1.0}
      : tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>
     -> tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>
  return %o, %state : tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>
}
