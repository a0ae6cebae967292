// The additive rule with a gate per token.
func.func @simple_gla(
    %q: tensor<?x?x?x128xbf16> {deltanet.name = "q"},
    %k: tensor<?x?x?x128xbf16> {deltanet.name = "k"},
    %v: tensor<?x?x?x128xbf16> {deltanet.name = "v"},
    %decay: tensor<?x?x?xf32> {deltanet.name = "decay"})
    -> (tensor<?x?x?x128xbf16> {deltanet.name = "o"},
        tensor<?x?x128x128xf32> {deltanet.name = "state"}) {
  %o, %state = linrec.scan %q, %k, %v
      decay(%decay : tensor<?x?x?xf32>)
      : tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>
     -> tensor<?x?x?x128xbf16>, tensor<?x?x128x128xf32>
  return %o, %state : tensor<?x?x?x128xbf16>, tensor<?x?x128x128xf32>
}
