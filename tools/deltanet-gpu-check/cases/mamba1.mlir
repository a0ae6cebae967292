// The selective scan of Mamba, 4096 channels with 16 numbers each.
func.func @mamba1(
    %x: tensor<?x?x4096xbf16> {deltanet.name = "x"},
    %delta: tensor<?x?x4096xf32> {deltanet.name = "delta"},
    %a: tensor<4096x16xf32> {deltanet.name = "a"},
    %b: tensor<?x?x16xbf16> {deltanet.name = "b"},
    %c: tensor<?x?x16xbf16> {deltanet.name = "c"},
    %skip: tensor<4096xf32> {deltanet.name = "skip"},
    %initial: tensor<?x4096x16xf32> {deltanet.name = "initial"})
    -> (tensor<?x?x4096xbf16> {deltanet.name = "y"},
        tensor<?x4096x16xf32> {deltanet.name = "state"}) {
  %y, %state = linrec.selective_scan %x, %delta, %a, %b, %c skip(%skip : tensor<4096xf32>)
      initial(%initial : tensor<?x4096x16xf32>)
      : tensor<?x?x4096xbf16>, tensor<?x?x4096xf32>, tensor<4096x16xf32>,
        tensor<?x?x16xbf16>, tensor<?x?x16xbf16>
     -> tensor<?x?x4096xbf16>, tensor<?x4096x16xf32>
  return %y, %state : tensor<?x?x4096xbf16>, tensor<?x4096x16xf32>
}
