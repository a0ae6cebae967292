//===- SelectiveScan.td - the scan with a transition per channel -*- tablegen -*-===//
// Included by LinRec.td.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LINREC_SELECTIVE_SCAN
#define DELTANET_LINREC_SELECTIVE_SCAN

def LinRec_SequenceTensor : LinRec_TensorOf<[F32, BF16, F16], [3], "3-D tensor">;
def LinRec_MatrixTensor : LinRec_TensorOf<[F32, BF16, F16], [2], "2-D tensor">;
def LinRec_ChannelTensor : LinRec_TensorOf<[F32, BF16, F16], [1], "1-D tensor">;

def LinRec_SelectiveScanOp : Op<LinRec_Dialect, "selective_scan", [
    Pure, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "the recurrence of Mamba, with a decay of its own for every element of the state";
  let description = [{
    Every one of V channels has a state `h` of K numbers, which decay at rates of
    their own (Gu and Dao 2023, arXiv 2312.00752). For every sequence:

    ```
    h[t, v, :] = exp(delta[t, v] a[v, :]) h[t-1, v, :] + delta[t, v] x[t, v] b[t, :]   (29)
    y[t, v] = <c[t, :], h[t, v, :]> + skip[v] x[t, v]
    ```

    There are no heads: `b` and `c` are the same for all channels. The decay of two
    tokens is not a product of a factor by channel and one by state, so there is no
    chunkwise form on matrices: the chunk program is the token loop.

    | operand | shape | |
    |---|---|---|
    | `input` (x) | `B x T x V` | |
    | `delta` | `B x T x V` | step sizes, after softplus where there is one; not negative |
    | `a` | `V x K` | rates, not positive; often `-exp(A_log)` |
    | `b`, `c` | `B x T x K` | |
    | `skip` | `V` | |
    | `initial` | `N x V x K` | `P x V x K` with `indices` |
    | `sequences` | `N + 1` | as in `linrec.scan` |
    | `indices` | `N` | as in `linrec.scan` |
    | `output` (y) | `B x T x V` | |
    | `final_state` | as `initial` | |

    N is B without `sequences`. Softplus of `delta`, and a gate on the output, are
    elementwise work around it.

    Constraints:
    - C1: `delta` and `output` have the extents of `input`; V is static, at least 1.
    - C2: `a` is V x K, K static, at least 1.
    - C3: `b` and `c` have the batch and tokens of `input`, and K channels.
    - C4: `skip` has V entries.
    - C5: `sequences` stands only with a batch of one, and has two entries or more.
    - C6: `initial` and `final_state` have one V x K state a sequence.
    - C7: `indices` stands only with `initial` and has one entry a sequence;
      `initial` is then a pool of V x K states, and `final_state` has its type.

    Example:

    ```mlir
    %y, %h = linrec.selective_scan %x, %delta, %a, %b, %c skip(%d : tensor<4096xf32>)
        : tensor<?x?x4096xbf16>, tensor<?x?x4096xf32>, tensor<4096x16xf32>,
          tensor<?x?x16xbf16>, tensor<?x?x16xbf16> -> tensor<?x?x4096xbf16>, tensor<?x4096x16xf32>
    ```
  }];
  let arguments = (ins
    LinRec_SequenceTensor:$input, LinRec_SequenceTensor:$delta, LinRec_MatrixTensor:$a,
    LinRec_SequenceTensor:$b, LinRec_SequenceTensor:$c,
    Optional<LinRec_ChannelTensor>:$skip, Optional<LinRec_SequenceTensor>:$initial_state,
    Optional<LinRec_OffsetTensor>:$cu_seqlens, Optional<LinRec_IndexTensor>:$indices);
  let results = (outs LinRec_SequenceTensor:$output, Optional<LinRec_SequenceTensor>:$final_state);
  let assemblyFormat = [{
    $input `,` $delta `,` $a `,` $b `,` $c
    (`skip` `(` $skip^ `:` type($skip) `)`)?
    (`initial` `(` $initial_state^ `:` type($initial_state) `)`)?
    (`sequences` `(` $cu_seqlens^ `:` type($cu_seqlens) `)`)?
    (`indices` `(` $indices^ `:` type($indices) `)`)?
    attr-dict `:` type($input) `,` type($delta) `,` type($a) `,` type($b) `,` type($c)
    `->` type($output) (`,` type($final_state)^)?
  }];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    int64_t getBatch() { return getInput().getType().getDimSize(0); }
    int64_t getTokens() { return getInput().getType().getDimSize(1); }
    /// Channels, V.
    int64_t getChannels() { return getInput().getType().getDimSize(2); }
    /// Numbers in the state of a channel, K.
    int64_t getStateWidth() { return getA().getType().getDimSize(1); }
    /// Sequences, N; kDynamic where not known.
    int64_t getNumSequences();
  }];
}

#endif // DELTANET_LINREC_SELECTIVE_SCAN
