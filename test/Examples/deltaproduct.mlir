// Gated DeltaProduct (Siems et al. 2025, arXiv 2502.10297): two delta steps a token,
// so that a token's transition is a product of two Householder-like factors.
func.func @deltaproduct(%q: tensor<?x?x?x64xf32>, %k: tensor<?x?x?x64xf32>,
                        %v: tensor<?x?x?x64xf32>, %beta: tensor<?x?x?xf32>,
                        %decay: tensor<?x?x?xf32>)
    -> (tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>) {
  %o, %state = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x?xf32>)
      decay(%decay : tensor<?x?x?xf32>) steps(2)
      : tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>
     -> tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>
  return %o, %state : tensor<?x?x?x64xf32>, tensor<?x?x64x64xf32>
}
