func.func @pool(%q: tensor<?x?x2x16xf32>, %slots: tensor<?xi32>, %states: tensor<?x2x16x16xf32>)
    -> (tensor<?x?x2x16xf32>, tensor<?x2x16x16xf32>) {
  %o, %after = linrec.scan %q, %q, %q initial(%states : tensor<?x2x16x16xf32>)
      indices(%slots : tensor<?xi32>)
    : tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>
   -> tensor<?x?x2x16xf32>, tensor<?x2x16x16xf32>
  return %o, %after : tensor<?x?x2x16xf32>, tensor<?x2x16x16xf32>
}
