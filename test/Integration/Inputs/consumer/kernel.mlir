func.func @delta(%q: tensor<1x?x1x16xf32>, %v: tensor<1x?x1x16xf32>) -> tensor<1x?x1x16xf32> {
  %o = linrec.scan %q, %q, %v : tensor<1x?x1x16xf32>, tensor<1x?x1x16xf32>, tensor<1x?x1x16xf32>
   -> tensor<1x?x1x16xf32>
  return %o : tensor<1x?x1x16xf32>
}
