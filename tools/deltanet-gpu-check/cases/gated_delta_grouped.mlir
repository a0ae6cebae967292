// Two heads of value for each of query and key.
func.func @gated_delta_grouped(
    %q: tensor<?x?x2x128xbf16> {deltanet.name = "q"},
    %k: tensor<?x?x2x128xbf16> {deltanet.name = "k"},
    %v: tensor<?x?x4x128xbf16> {deltanet.name = "v"},
    %beta: tensor<?x?x4xbf16> {deltanet.name = "beta"},
    %decay: tensor<?x?x4xf32> {deltanet.name = "decay"})
    -> (tensor<?x?x4x128xbf16> {deltanet.name = "o"},
        tensor<?x4x128x128xf32> {deltanet.name = "state"}) {
  %o, %state = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x4xbf16>)
      decay(%decay : tensor<?x?x4xf32>)
      : tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>, tensor<?x?x4x128xbf16>
     -> tensor<?x?x4x128xbf16>, tensor<?x4x128x128xf32>
  return %o, %state : tensor<?x?x4x128xbf16>, tensor<?x4x128x128xf32>
}
