func.func @packed(%q: tensor<1x?x2x16xf32>, %v: tensor<1x?x2x8xf32>, %cu: tensor<?xi64>)
    -> tensor<1x?x2x8xf32> {
  %o = linrec.scan %q, %q, %v sequences(%cu : tensor<?xi64>)
    : tensor<1x?x2x16xf32>, tensor<1x?x2x16xf32>, tensor<1x?x2x8xf32> -> tensor<1x?x2x8xf32>
  return %o : tensor<1x?x2x8xf32>
}
