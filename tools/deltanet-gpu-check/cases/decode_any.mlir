// Any number of tokens, f32 tensors, widths that are no multiple of a vector: the token
// loop by the schedule.
func.func @decode_any(
    %q: tensor<?x?x?x100xf32> {deltanet.name = "q"},
    %k: tensor<?x?x?x100xf32> {deltanet.name = "k"},
    %v: tensor<?x?x?x37xf32> {deltanet.name = "v"},
    %beta: tensor<?x?x?xf32> {deltanet.name = "beta"},
    %decay: tensor<?x?x?xf32> {deltanet.name = "decay"},
    %initial: tensor<?x?x100x37xf32> {deltanet.name = "initial"})
    -> (tensor<?x?x?x37xf32> {deltanet.name = "o"},
        tensor<?x?x100x37xf32> {deltanet.name = "state"})
    attributes {kernel.schedule = #kernel.schedule<token_loop = true, chunk = 1>} {
  %o, %state = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x?xf32>)
      decay(%decay : tensor<?x?x?xf32>) initial(%initial : tensor<?x?x100x37xf32>)
      : tensor<?x?x?x100xf32>, tensor<?x?x?x100xf32>, tensor<?x?x?x37xf32>
     -> tensor<?x?x?x37xf32>, tensor<?x?x100x37xf32>
  return %o, %state : tensor<?x?x?x37xf32>, tensor<?x?x100x37xf32>
}
