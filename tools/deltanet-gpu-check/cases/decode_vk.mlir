// One token, states stored V x K: the token loop.
func.func @decode_vk(
    %q: tensor<?x1x16x128xbf16> {deltanet.name = "q"},
    %k: tensor<?x1x16x128xbf16> {deltanet.name = "k"},
    %v: tensor<?x1x16x128xbf16> {deltanet.name = "v"},
    %beta: tensor<?x1x16xbf16> {deltanet.name = "beta"},
    %decay: tensor<?x1x16xf32> {deltanet.name = "decay"},
    %initial: tensor<?x16x128x128xf32> {deltanet.name = "initial"})
    -> (tensor<?x1x16x128xbf16> {deltanet.name = "o"},
        tensor<?x16x128x128xf32> {deltanet.name = "state"}) {
  %o, %state = linrec.scan %q, %k, %v beta(%beta : tensor<?x1x16xbf16>)
      decay(%decay : tensor<?x1x16xf32>)
      initial(%initial : tensor<?x16x128x128xf32>) state_layout(vk)
      : tensor<?x1x16x128xbf16>, tensor<?x1x16x128xbf16>, tensor<?x1x16x128xbf16>
     -> tensor<?x1x16x128xbf16>, tensor<?x16x128x128xf32>
  return %o, %state : tensor<?x1x16x128xbf16>, tensor<?x16x128x128xf32>
}
