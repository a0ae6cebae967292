// States stored as bf16.
func.func @gated_delta_state_bf16(
    %q: tensor<?x?x?x128xbf16> {deltanet.name = "q"},
    %k: tensor<?x?x?x128xbf16> {deltanet.name = "k"},
    %v: tensor<?x?x?x128xbf16> {deltanet.name = "v"},
    %beta: tensor<?x?x?xbf16> {deltanet.name = "beta"},
    %decay: tensor<?x?x?xf32> {deltanet.name = "decay"},
    %initial: tensor<?x?x128x128xbf16> {deltanet.name = "initial"})
    -> (tensor<?x?x?x128xbf16> {deltanet.name = "o"},
        tensor<?x?x128x128xbf16> {deltanet.name = "state"}) {
  %o, %state = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x?xbf16>)
      decay(%decay : tensor<?x?x?xf32>)
      initial(%initial : tensor<?x?x128x128xbf16>)
      : tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>
     -> tensor<?x?x?x128xbf16>, tensor<?x?x128x128xbf16>
  return %o, %state : tensor<?x?x?x128xbf16>, tensor<?x?x128x128xbf16>
}
