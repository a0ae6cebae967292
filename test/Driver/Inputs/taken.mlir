func.func @f(%q: tensor<1x?x2x16xf32>, %dq: tensor<1x?x2x16xf32>) -> tensor<1x?x2x16xf32> {
  %o = linrec.scan %q, %q, %dq
    : tensor<1x?x2x16xf32>, tensor<1x?x2x16xf32>, tensor<1x?x2x16xf32> -> tensor<1x?x2x16xf32>
  return %o : tensor<1x?x2x16xf32>
}
func.func @f_forward(%x: tensor<4xf32>) -> tensor<4xf32> { return %x : tensor<4xf32> }
