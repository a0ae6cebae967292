// DeltaNet (Yang et al. 2024, arXiv 2406.06484) at the shape of the paper's 1.3B
// model: 16 heads of 128 channels, bf16 tensors.
func.func @deltanet(%q: tensor<?x?x16x128xbf16>, %k: tensor<?x?x16x128xbf16>,
                    %v: tensor<?x?x16x128xbf16>, %beta: tensor<?x?x16xbf16>)
    -> (tensor<?x?x16x128xbf16>, tensor<?x16x128x128xf32>) {
  %o, %state = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x16xbf16>)
      : tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>
     -> tensor<?x?x16x128xbf16>, tensor<?x16x128x128xf32>
  return %o, %state : tensor<?x?x16x128xbf16>, tensor<?x16x128x128xf32>
}
