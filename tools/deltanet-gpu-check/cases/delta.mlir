// The delta rule without a gate.
func.func @delta(
    %q: tensor<?x?x?x128xbf16> {deltanet.name = "q"},
    %k: tensor<?x?x?x128xbf16> {deltanet.name = "k"},
    %v: tensor<?x?x?x128xbf16> {deltanet.name = "v"},
    %beta: tensor<?x?x?xbf16> {deltanet.name = "beta"})
    -> (tensor<?x?x?x128xbf16> {deltanet.name = "o"}) {
  %o = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x?xbf16>)
      : tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>
     -> tensor<?x?x?x128xbf16>
  return %o : tensor<?x?x?x128xbf16>
}
