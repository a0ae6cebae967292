// Linear attention.
func.func @linear_attention(
    %q: tensor<?x?x?x128xbf16> {deltanet.name = "q"},
    %k: tensor<?x?x?x128xbf16> {deltanet.name = "k"},
    %v: tensor<?x?x?x128xbf16> {deltanet.name = "v"})
    -> (tensor<?x?x?x128xbf16> {deltanet.name = "o"},
        tensor<?x?x128x128xf32> {deltanet.name = "state"}) {
  %o, %state = linrec.scan %q, %k, %v
      : tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>
     -> tensor<?x?x?x128xbf16>, tensor<?x?x128x128xf32>
  return %o, %state : tensor<?x?x?x128xbf16>, tensor<?x?x128x128xf32>
}
