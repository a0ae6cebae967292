func.func @packed(%q: tensor<1x?x2x16xf32>, %v: tensor<1x?x2x8xf32>, %cu: tensor<?xi32>)
    -> (tensor<1x?x2x8xf32>, tensor<?x2x16x8xf32>) {
  %o, %state = linrec.scan %q, %q, %v sequences(%cu : tensor<?xi32>)
    : tensor<1x?x2x16xf32>, tensor<1x?x2x16xf32>, tensor<1x?x2x8xf32>
   -> tensor<1x?x2x8xf32>, tensor<?x2x16x8xf32>
  return %o, %state : tensor<1x?x2x8xf32>, tensor<?x2x16x8xf32>
}
