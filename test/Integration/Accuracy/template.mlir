// Operators in every width and type: the tests of this folder put numbers in place
// of WK, WV (widths), HQ, HV (heads) and a type in place of TYPE.
func.func @delta(%q: tensor<?x?xHQxWKxTYPE>, %k: tensor<?x?xHQxWKxTYPE>, %v: tensor<?x?xHVxWVxTYPE>,
                 %beta: tensor<?x?xHVxTYPE>)
    -> (tensor<?x?xHVxWVxTYPE>, tensor<?xHVxWKxWVxf32>) {
  %o, %state = linrec.scan %q, %k, %v beta(%beta : tensor<?x?xHVxTYPE>)
      : tensor<?x?xHQxWKxTYPE>, tensor<?x?xHQxWKxTYPE>, tensor<?x?xHVxWVxTYPE>
     -> tensor<?x?xHVxWVxTYPE>, tensor<?xHVxWKxWVxf32>
  return %o, %state : tensor<?x?xHVxWVxTYPE>, tensor<?xHVxWKxWVxf32>
}
func.func @gated(%q: tensor<?x?xHQxWKxTYPE>, %k: tensor<?x?xHQxWKxTYPE>, %v: tensor<?x?xHVxWVxTYPE>,
                 %beta: tensor<?x?xHVxTYPE>, %decay: tensor<?x?xHVxf32>,
                 %initial: tensor<?xHVxWVxWKxf32>)
    -> (tensor<?x?xHVxWVxTYPE>, tensor<?xHVxWVxWKxf32>) {
  %o, %state = linrec.scan %q, %k, %v beta(%beta : tensor<?x?xHVxTYPE>)
      decay(%decay : tensor<?x?xHVxf32>) initial(%initial : tensor<?xHVxWVxWKxf32>) state_layout(vk)
      : tensor<?x?xHQxWKxTYPE>, tensor<?x?xHQxWKxTYPE>, tensor<?x?xHVxWVxTYPE>
     -> tensor<?x?xHVxWVxTYPE>, tensor<?xHVxWVxWKxf32>
  return %o, %state : tensor<?x?xHVxWVxTYPE>, tensor<?xHVxWVxWKxf32>
}
func.func @channel(%q: tensor<?x?xHQxWKxTYPE>, %k: tensor<?x?xHQxWKxTYPE>,
                   %v: tensor<?x?xHVxWVxTYPE>, %beta: tensor<?x?xHVxTYPE>,
                   %decay: tensor<?x?xHVxWKxf32>)
    -> (tensor<?x?xHVxWVxTYPE>, tensor<?xHVxWKxWVxf32>) {
  %o, %state = linrec.scan %q, %k, %v beta(%beta : tensor<?x?xHVxTYPE>)
      decay(%decay : tensor<?x?xHVxWKxf32>)
      : tensor<?x?xHQxWKxTYPE>, tensor<?x?xHQxWKxTYPE>, tensor<?x?xHVxWVxTYPE>
     -> tensor<?x?xHVxWVxTYPE>, tensor<?xHVxWKxWVxf32>
  return %o, %state : tensor<?x?xHVxWVxTYPE>, tensor<?xHVxWKxWVxf32>
}
func.func @packed(%q: tensor<1x?xHQxWKxTYPE>, %k: tensor<1x?xHQxWKxTYPE>,
                  %v: tensor<1x?xHVxWVxTYPE>, %beta: tensor<1x?xHVxTYPE>,
                  %decay: tensor<1x?xHVxf32>, %initial: tensor<?xHVxWKxWVxf32>,
                  %cu: tensor<?xi32>)
    -> (tensor<1x?xHVxWVxTYPE>, tensor<?xHVxWKxWVxf32>) {
  %o, %state = linrec.scan %q, %k, %v beta(%beta : tensor<1x?xHVxTYPE>)
      decay(%decay : tensor<1x?xHVxf32>) initial(%initial : tensor<?xHVxWKxWVxf32>)
      sequences(%cu : tensor<?xi32>)
      : tensor<1x?xHQxWKxTYPE>, tensor<1x?xHQxWKxTYPE>, tensor<1x?xHVxWVxTYPE>
     -> tensor<1x?xHVxWVxTYPE>, tensor<?xHVxWKxWVxf32>
  return %o, %state : tensor<1x?xHVxWVxTYPE>, tensor<?xHVxWKxWVxf32>
}
func.func @alone(%q: tensor<1x?xHQxWKxTYPE>, %k: tensor<1x?xHQxWKxTYPE>,
                 %v: tensor<1x?xHVxWVxTYPE>, %beta: tensor<1x?xHVxTYPE>,
                 %decay: tensor<1x?xHVxf32>, %initial: tensor<1xHVxWKxWVxf32>)
    -> (tensor<1x?xHVxWVxTYPE>, tensor<1xHVxWKxWVxf32>) {
  %o, %state = linrec.scan %q, %k, %v beta(%beta : tensor<1x?xHVxTYPE>)
      decay(%decay : tensor<1x?xHVxf32>) initial(%initial : tensor<1xHVxWKxWVxf32>)
      : tensor<1x?xHQxWKxTYPE>, tensor<1x?xHQxWKxTYPE>, tensor<1x?xHVxWVxTYPE>
     -> tensor<1x?xHVxWVxTYPE>, tensor<1xHVxWKxWVxf32>
  return %o, %state : tensor<1x?xHVxWVxTYPE>, tensor<1xHVxWKxWVxf32>
}
func.func @heads_first(%q: tensor<?xHQx?xWKxTYPE>, %k: tensor<?xHQx?xWKxTYPE>,
                       %v: tensor<?xHVx?xWVxTYPE>, %beta: tensor<?xHVx?xTYPE>,
                       %decay: tensor<?xHVx?xWKxf32>)
    -> (tensor<?xHVx?xWVxTYPE>, tensor<?xHVxWVxWKxbf16>) {
  %o, %state = linrec.scan %q, %k, %v beta(%beta : tensor<?xHVx?xTYPE>)
      decay(%decay : tensor<?xHVx?xWKxf32>) layout(bhtd) state_layout(vk)
      : tensor<?xHQx?xWKxTYPE>, tensor<?xHQx?xWKxTYPE>, tensor<?xHVx?xWVxTYPE>
     -> tensor<?xHVx?xWVxTYPE>, tensor<?xHVxWVxWKxbf16>
  return %o, %state : tensor<?xHVx?xWVxTYPE>, tensor<?xHVxWVxWKxbf16>
}
