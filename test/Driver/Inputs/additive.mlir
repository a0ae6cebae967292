func.func @additive(%q: tensor<?x?x2x16xf32>, %k: tensor<?x?x2x16xf32>,
                    %v: tensor<?x?x2x8xbf16>)
    -> (tensor<?x?x2x8xf32>, tensor<?x2x16x8xf32>) {
  %wide = arith.extf %v : tensor<?x?x2x8xbf16> to tensor<?x?x2x8xf32>
  %o, %state = linrec.scan %q, %k, %wide
    : tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x8xf32>
   -> tensor<?x?x2x8xf32>, tensor<?x2x16x8xf32>
  return %o, %state : tensor<?x?x2x8xf32>, tensor<?x2x16x8xf32>
}
