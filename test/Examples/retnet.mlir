// RetNet (Sun et al. 2023, arXiv 2307.08621): one constant log-decay a head,
// repeated for every token; the repetition is fused and costs no memory.
func.func @retnet(%q: tensor<?x?x?x64xf32>, %k: tensor<?x?x?x64xf32>,
                  %v: tensor<?x?x?x128xf32>, %log_gamma: tensor<?xf32>)
    -> (tensor<?x?x?x128xf32>, tensor<?x?x64x128xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %B = tensor.dim %q, %c0 : tensor<?x?x?x64xf32>
  %T = tensor.dim %q, %c1 : tensor<?x?x?x64xf32>
  %H = tensor.dim %q, %c2 : tensor<?x?x?x64xf32>
  %shape = tensor.empty(%B, %T, %H) : tensor<?x?x?xf32>
  %decay = linalg.broadcast ins(%log_gamma : tensor<?xf32>) outs(%shape : tensor<?x?x?xf32>)
      dimensions = [0, 1]
  %o, %state = linrec.scan %q, %k, %v decay(%decay : tensor<?x?x?xf32>)
      : tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>, tensor<?x?x?x128xf32>
     -> tensor<?x?x?x128xf32>, tensor<?x?x64x128xf32>
  return %o, %state : tensor<?x?x?x128xf32>, tensor<?x?x64x128xf32>
}
