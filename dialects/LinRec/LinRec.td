//===- LinRec.td - what: one recurrence on whole tensors ----*- tablegen -*-===//
// The linrec dialect: a linear recurrence over the tokens of a sequence as one
// operation on whole tensors. README.md beside this file is the normative page.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LINREC
#define DELTANET_LINREC

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def LinRec_Dialect : Dialect {
  let name = "linrec";
  let cppNamespace = "::deltanet::linrec";
  let summary = "Linear recurrences with a matrix-valued state, on whole tensors";
  let description = [{
    One operation of this dialect is one operator that replaces softmax
    attention: a state `S` of shape `K x V` is carried over the tokens of a
    sequence, changed by every token and read by every token. The dialect says
    what is computed; how it is split into chunks is the business of the
    `chunk` dialect.
  }];
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

def LinRec_ReadOut : I32EnumAttr<"ReadOut", "which state a token reads", [
    I32EnumAttrCase<"After", 0, "after">,
    I32EnumAttrCase<"Before", 1, "before">]> {
  let cppNamespace = "::deltanet::linrec";
}
def LinRec_Layout : I32EnumAttr<"Layout", "order of the dimensions of a token tensor", [
    I32EnumAttrCase<"BTHD", 0, "bthd">,
    I32EnumAttrCase<"BHTD", 1, "bhtd">]> {
  let cppNamespace = "::deltanet::linrec";
}
def LinRec_StateLayout : I32EnumAttr<"StateLayout", "order of the dimensions of a state", [
    I32EnumAttrCase<"KV", 0, "kv">,
    I32EnumAttrCase<"VK", 1, "vk">]> {
  let cppNamespace = "::deltanet::linrec";
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

class LinRec_TensorOf<list<Type> types, list<int> ranks, string what>
  : RankedTensorOf<types, [HasAnyRankOfPred<ranks>], what>;

def LinRec_TokenTensor : LinRec_TensorOf<[F32, BF16, F16], [4], "4-D tensor">;
def LinRec_GateTensor : LinRec_TensorOf<[F32, BF16, F16], [3, 4], "3-D or 4-D tensor">;
def LinRec_HeadTensor : LinRec_TensorOf<[F32, BF16, F16], [3], "3-D tensor">;
def LinRec_BonusTensor : LinRec_TensorOf<[F32, BF16, F16], [2], "2-D tensor">;
def LinRec_StateTensor : LinRec_TensorOf<[F32, BF16, F16], [4], "4-D tensor">;
def LinRec_OffsetTensor : LinRec_TensorOf<[I32, I64], [1], "1-D tensor">;
def LinRec_IndexTensor : LinRec_TensorOf<[I32, I64], [1], "1-D tensor">;

//===----------------------------------------------------------------------===//
// Interface
//===----------------------------------------------------------------------===//

def LinRec_RecurrenceOpInterface : OpInterface<"RecurrenceOpInterface"> {
  let cppNamespace = "::deltanet::linrec";
  let description = [{
    What every recurrence has: token tensors q, k and v, a decay, a state before
    and after, lengths of packed sequences, and the layouts of all of these.
  }];
  let methods = [
    InterfaceMethod<"the query", "::mlir::TypedValue<::mlir::RankedTensorType>", "getQuery">,
    InterfaceMethod<"the key", "::mlir::TypedValue<::mlir::RankedTensorType>", "getKey">,
    InterfaceMethod<"the value", "::mlir::TypedValue<::mlir::RankedTensorType>", "getValue">,
    InterfaceMethod<"log-decay, or null", "::mlir::TypedValue<::mlir::RankedTensorType>", "getDecay">,
    InterfaceMethod<"state before the first token, or null",
        "::mlir::TypedValue<::mlir::RankedTensorType>", "getInitialState">,
    InterfaceMethod<"offsets of packed sequences, or null",
        "::mlir::TypedValue<::mlir::RankedTensorType>", "getCuSeqlens">,
    InterfaceMethod<"entries of a pool of states that the sequences use, or null",
        "::mlir::TypedValue<::mlir::RankedTensorType>", "getIndices">,
    InterfaceMethod<"the read-out", "::mlir::TypedValue<::mlir::RankedTensorType>", "getOutput">,
    InterfaceMethod<"state after the last token, or null",
        "::mlir::TypedValue<::mlir::RankedTensorType>", "getFinalState">,
    InterfaceMethod<"layout of the token tensors", "::deltanet::linrec::Layout", "getLayout">,
    InterfaceMethod<"layout of the states", "::deltanet::linrec::StateLayout", "getStateLayout">,
    InterfaceMethod<"which state a token reads", "::deltanet::linrec::ReadOut", "getReadOut">,
    InterfaceMethod<"updates of the state per token", "int64_t", "getStepsPerToken">,
    InterfaceMethod<"factor of the read-out, 1/sqrt(K) where none is written",
        "double", "getScaleFactor">,
  ];
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

class LinRec_Op<string mnemonic> : Op<LinRec_Dialect, mnemonic, [
    Pure, AttrSizedOperandSegments,
    LinRec_RecurrenceOpInterface,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
  code interfaceMethods = [{
    /// Updates of the state per token, (25).
    int64_t getStepsPerToken();
    /// The factor of the read-out: `scale`, or 1/sqrt(K).
    double getScaleFactor();
  }];
  let extraClassDeclaration = interfaceMethods;
}

def LinRec_ScanOp : LinRec_Op<"scan"> {
  let summary = "the delta-rule and additive recurrences";
  let description = [{
    For every head of every sequence, with a state `S` of shape `K x V`
    (docs: dialects/LinRec/README.md, equation numbers in parentheses):

    ```
    S[t] = Diag(exp(decay[t])) S[t-1] + k[t] u[t]^T                          (1)
    u[t] = beta[t] (v[t] - (Diag(exp(decay[t])) S[t-1])^T k[t])   with beta
    u[t] = v[t]                                                without beta
    o[t] = scale * S[t]^T q[t]                             read_out = after
    o[t] = scale * (S[t-1]^T q[t] + <q[t] * bonus, k[t]> u[t])     = before (28)
    ```

    The operands present decide the operator: `beta` makes it a delta rule,
    without it the recurrence is additive; `decay` is absent, one number per
    token and head, or one per token, head and key channel, always in log space.

    Shapes, with layout `bthd` (`bhtd` exchanges T and H in every one):

    | operand | shape | |
    |---|---|---|
    | `query` | `B x T x G x K` | |
    | `key` | `B x nT x G x K` | n = `steps`, (25) |
    | `value` | `B x nT x H x V` | G divides H: value head h uses head h / (H / G) |
    | `beta` | `B x nT x H` | |
    | `decay` | `B x T x H` or `B x T x H x K` | of a token's first step |
    | `bonus` | `H x K` | only with read_out = before |
    | `initial` | `N x H x K x V` | `N x H x V x K` with state_layout = vk |
    | `sequences` | `N + 1` | offsets of packed sequences, in tokens |
    | `indices` | `N` | then `initial` is a pool of P states, `P x H x K x V` |
    | `output` | `B x T x H x V` | |
    | `final_state` | as `initial` | |

    N is B without `sequences`. With it B is 1, the offsets rise from 0 to T and
    sequence i holds tokens `sequences[i] .. sequences[i+1]`, which may be none.

    With `indices`, `initial` is a pool of states: sequence n begins with entry
    `indices[n]`. `final_state` is the pool afterwards, of the same type: entry
    `indices[n]` is the state after the last token of sequence n, every other entry is
    what it was. Indices are from 0 to P - 1, and no two are equal. A kernel may be
    given one memory for both pools; on a gpu it writes the entries named and no
    other, so that the memory of `final_state`, if it is another, should hold the pool
    already.

    A log-decay below -10000 is taken as -10000 (the product is zero either way).
    `decay_min` states a lower bound of the log-decay that the caller guarantees;
    a schedule may use cheaper products with it.

    Constraints:
    - C1: `query`, `key` and `value` have one element type.
    - C2: batch sizes agree.
    - C3: `key` and `value` have `steps` times as many tokens as `query`.
    - C4: `query` and `key` have as many heads; that number divides `value`'s.
    - C5: the widths of `query` and `key` agree; K and V are static, at least 1.
    - C6: `beta` has the batch, tokens and heads of `value`.
    - C7: `decay` has the batch and tokens of `query` and the heads of `value`,
      and K channels where it is 4-D.
    - C8: `bonus` is H x K and stands only with read_out = before.
    - C9: `initial` has one state a sequence and value head.
    - C10: `sequences` stands only with a batch of one, and has two entries or more.
    - C11: `output` has the batch and tokens of `query`, heads and width of `value`.
    - C12: `final_state` has one state a sequence and value head.
    - C13: `scale` is finite and not zero.
    - C14: `steps` is at least 1.
    - C15: `decay_min` is finite, not positive, and stands only with `decay`.
    - C17: `indices` stands only with `initial` and has one entry a sequence;
      `final_state` then has the type of `initial`.

    Example, the gated delta rule:

    ```mlir
    %o, %s = linrec.scan %q, %k, %v
        beta(%beta : tensor<?x?x16xbf16>) decay(%g : tensor<?x?x16xf32>)
        : tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>
       -> tensor<?x?x16x128xbf16>, tensor<?x16x128x128xf32>
    ```
  }];
  let arguments = (ins
    LinRec_TokenTensor:$query, LinRec_TokenTensor:$key, LinRec_TokenTensor:$value,
    Optional<LinRec_HeadTensor>:$beta, Optional<LinRec_GateTensor>:$decay,
    Optional<LinRec_BonusTensor>:$bonus,
    Optional<LinRec_StateTensor>:$initial_state,
    Optional<LinRec_OffsetTensor>:$cu_seqlens, Optional<LinRec_IndexTensor>:$indices,
    OptionalAttr<F64Attr>:$scale, OptionalAttr<F64Attr>:$decay_min,
    DefaultValuedAttr<I64Attr, "1">:$steps,
    DefaultValuedAttr<LinRec_ReadOut, "::deltanet::linrec::ReadOut::After">:$read_out,
    DefaultValuedAttr<LinRec_Layout, "::deltanet::linrec::Layout::BTHD">:$layout,
    DefaultValuedAttr<LinRec_StateLayout, "::deltanet::linrec::StateLayout::KV">:$state_layout);
  let results = (outs LinRec_TokenTensor:$output, Optional<LinRec_StateTensor>:$final_state);
  let assemblyFormat = [{
    $query `,` $key `,` $value
    (`beta` `(` $beta^ `:` type($beta) `)`)?
    (`decay` `(` $decay^ `:` type($decay) `)`)?
    (`bonus` `(` $bonus^ `:` type($bonus) `)`)?
    (`initial` `(` $initial_state^ `:` type($initial_state) `)`)?
    (`sequences` `(` $cu_seqlens^ `:` type($cu_seqlens) `)`)?
    (`indices` `(` $indices^ `:` type($indices) `)`)?
    (`read_out` `(` $read_out^ `)`)? (`layout` `(` $layout^ `)`)?
    (`state_layout` `(` $state_layout^ `)`)? (`steps` `(` $steps^ `)`)?
    attr-dict `:` type($query) `,` type($key) `,` type($value)
    `->` type($output) (`,` type($final_state)^)?
  }];
}

def LinRec_DplrScanOp : LinRec_Op<"dplr_scan"> {
  let summary = "the recurrence with a general diagonal-plus-rank-one transition";
  let description = [{
    For every head of every sequence, with a state `S` of shape `K x V`:

    ```
    S[t] = (Diag(exp(decay[t])) + b[t] a[t]^T) S[t-1] + k[t] v[t]^T           (21)
    o[t] = scale * S[t]^T q[t]                              read_out = after
    o[t] = scale * S[t-1]^T q[t]                                   = before
    ```

    RWKV-7 has `a = -kappa`, `b = kappa * eta`; Comba `a = k`, `b = -beta k`; IPLR
    has no decay. Shapes, a pool of states, constraints and attributes are as in
    `linrec.scan`, and:

    - C16: `transition_in` (a) and `transition_out` (b) have the shape of `key`
      and its element type.

    Example:

    ```mlir
    %o = linrec.dplr_scan %q, %k, %v a(%a) b(%b) decay(%w : tensor<?x?x32x64xf32>)
        : tensor<?x?x32x64xbf16>, tensor<?x?x32x64xbf16>, tensor<?x?x32x64xbf16>,
          tensor<?x?x32x64xbf16>, tensor<?x?x32x64xbf16> -> tensor<?x?x32x64xbf16>
    ```
  }];
  let arguments = (ins
    LinRec_TokenTensor:$query, LinRec_TokenTensor:$key, LinRec_TokenTensor:$value,
    LinRec_TokenTensor:$transition_in, LinRec_TokenTensor:$transition_out,
    Optional<LinRec_GateTensor>:$decay,
    Optional<LinRec_StateTensor>:$initial_state,
    Optional<LinRec_OffsetTensor>:$cu_seqlens, Optional<LinRec_IndexTensor>:$indices,
    OptionalAttr<F64Attr>:$scale, OptionalAttr<F64Attr>:$decay_min,
    DefaultValuedAttr<LinRec_ReadOut, "::deltanet::linrec::ReadOut::After">:$read_out,
    DefaultValuedAttr<LinRec_Layout, "::deltanet::linrec::Layout::BTHD">:$layout,
    DefaultValuedAttr<LinRec_StateLayout, "::deltanet::linrec::StateLayout::KV">:$state_layout);
  let results = (outs LinRec_TokenTensor:$output, Optional<LinRec_StateTensor>:$final_state);
  let assemblyFormat = [{
    $query `,` $key `,` $value `a` `(` $transition_in `)` `b` `(` $transition_out `)`
    (`decay` `(` $decay^ `:` type($decay) `)`)?
    (`initial` `(` $initial_state^ `:` type($initial_state) `)`)?
    (`sequences` `(` $cu_seqlens^ `:` type($cu_seqlens) `)`)?
    (`indices` `(` $indices^ `:` type($indices) `)`)?
    (`read_out` `(` $read_out^ `)`)? (`layout` `(` $layout^ `)`)?
    (`state_layout` `(` $state_layout^ `)`)?
    attr-dict `:` type($query) `,` type($key) `,` type($value) `,`
    type($transition_in) `,` type($transition_out)
    `->` type($output) (`,` type($final_state)^)?
  }];
}

include "LinRec/SelectiveScan.td"

#endif // DELTANET_LINREC
