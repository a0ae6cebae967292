// The gated delta rule at K = V = 128: the kernel of docs/Gpu.md.
func.func @gated_delta(
    %q: tensor<?x?x?x128xbf16> {deltanet.name = "q"},
    %k: tensor<?x?x?x128xbf16> {deltanet.name = "k"},
    %v: tensor<?x?x?x128xbf16> {deltanet.name = "v"},
    %beta: tensor<?x?x?xbf16> {deltanet.name = "beta"},
    %decay: tensor<?x?x?xf32> {deltanet.name = "decay"})
    -> (tensor<?x?x?x128xbf16> {deltanet.name = "o"},
        tensor<?x?x128x128xf32> {deltanet.name = "state"}) {
  %o, %state = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x?xbf16>)
      decay(%decay : tensor<?x?x?xf32>)
      : tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>
     -> tensor<?x?x?x128xbf16>, tensor<?x?x128x128xf32>
  return %o, %state : tensor<?x?x?x128xbf16>, tensor<?x?x128x128xf32>
}
