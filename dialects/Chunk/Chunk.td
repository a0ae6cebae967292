//===- Chunk.td - how it splits: a program over one chunk ---*- tablegen -*-===//
// The chunk dialect: a region operation that carries values over the chunks of
// a sequence, and the few operations its body needs beside arith and math.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_CHUNK
#define DELTANET_CHUNK

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Chunk_Dialect : Dialect {
  let name = "chunk";
  let cppNamespace = "::deltanet::chunk";
  let summary = "Programs over one chunk of a sequence";
  let description = [{
    A recurrence is a program over one chunk of C tokens: the body of
    `chunk.scan`, straight-line code on small static tensors. Elementwise work in
    it is `arith` and `math` on tensors. Every rewrite (fusion, hoisting, the
    gradient, the split over the sequence, the lowering) is a rewrite of it.
  }];
  let useDefaultAttributePrinterParser = 1;
}

// A tile's extents are known, and none of them is zero: a rule that divides by
// the number of rows, or reads the last one, holds for every tile.
def Chunk_HasExtents : CPred<[{
  ::llvm::all_of(::llvm::cast<::mlir::ShapedType>($_self).getShape(),
                 [](int64_t extent) { return extent >= 1; })}]>;
class Chunk_TileOf<list<Type> types, string what, list<Pred> preds = []>
  : RankedTensorOf<types, !listconcat([Chunk_HasExtents], preds), what>;
class Chunk_MatrixOf<list<Type> types>
  : Chunk_TileOf<types, "matrix (2-D, extents of 1 or more)", [HasAnyRankOfPred<[2]>]>;
def Chunk_Tile : Chunk_TileOf<[F64, F32, BF16, F16, I1, I8, I32, I64, Index],
  "tile (extents of 1 or more)">;
def Chunk_FloatTile : Chunk_TileOf<[F64, F32, BF16, F16], "tile (extents of 1 or more)">;
def Chunk_Matrix : Chunk_MatrixOf<[F32, BF16, F16]>;
def Chunk_MatrixF32 : Chunk_MatrixOf<[F32]>;
def Chunk_Gate : Chunk_TileOf<[F64, F32], "gate (1-D or 2-D, extents of 1 or more)",
  [HasAnyRankOfPred<[1, 2]>]>;

def Chunk_AccessAttr : AttrDef<Chunk_Dialect, "Access"> {
  let mnemonic = "access";
  let summary = "how the dimensions of a whole tensor are walked by a scan";
  let description = [{
    One entry for every dimension of a whole tensor. A letter says which loop of
    the scan walks that dimension, a number which dimension of the tile it is:

    | entry | the dimension is |
    |---|---|
    | `b` | the batch |
    | `t` | the tokens; a tile's dimension 0 is a chunk's rows of it |
    | `n` | the sequences: the batch, or the packed sequences |
    | `p` | a pool of states: sequence n uses entry `indices[n]` |
    | `h` | the heads |
    | `g` | groups of heads: head h uses entry h / (heads / groups) |
    | `c` | the chunks: of sequence n, chunk i is entry i of batch n, or, packed, entry `sequences[n] / C + n + i` |
    | `s` | the segments of a sequence; of an output, runs of its chunks |
    | 0, 1, … | dimension 0, 1, … of the tile |

    A tensor without `b`, `t`, `n`, `p`, `h`, `g`, `c`, `s` is the same for all.
    Example: `#chunk.access<[b, t, g, 1]>` for a key of layout bthd,
    `#chunk.access<[n, h, 1, 0]>` for a state that is stored V x K and used as
    K x V. In a scan the brackets stand alone.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$entries);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Entries below zero are loops; others are dimensions of the tile.
    enum Loop : int64_t {
      Batch = -1, Token = -2, Sequence = -3, Head = -4, Group = -5, Chunk = -6,
      Pool = -7, Segment = -8
    };
    int64_t getRank() const { return getEntries().size(); }
    /// The tensor dimension walked by `loop`, or -1.
    int64_t findLoop(Loop loop) const;
    bool has(Loop loop) const { return findLoop(loop) >= 0; }
    /// The tensor dimension that is dimension `tileDim` of the tile; where the
    /// tensor has tokens, tile dimension 0 is the token dimension. -1 if none.
    int64_t findTileDim(int64_t tileDim) const;
    /// The rank of the tile.
    int64_t getTileRank() const;
    /// The letter of a loop.
    static char getLetter(int64_t loop);
    /// The entries as a scan writes them, without the attribute around them:
    /// `[b, t, h, 1]`.
    static ::mlir::Attribute parseEntries(::mlir::AsmParser &parser);
    std::string getText() const;
  }];
}
def Chunk_AccessArray : TypedArrayAttrBase<Chunk_AccessAttr, "array of accesses">;

//===----------------------------------------------------------------------===//
// Interface
//===----------------------------------------------------------------------===//

def Chunk_DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::deltanet::chunk";
  let description = [{
    An operation of a body that knows its own rule of reverse mode: from the gradient of
    its result it adds to the gradients of those operands for which `wants` is true. The
    operands are those of the operation, still there; nothing else of the forward body is
    kept. Elementwise operations of `arith` and `math` have a table instead.
  }];
  let methods = [
    InterfaceMethod<"adds to the gradients of the operands",
      "::llvm::LogicalResult", "pullBack",
      (ins "::deltanet::chunk::GradientBuilder &":$g, "::mlir::Value":$gradient)>,
  ];
}
def Chunk_Differentiable : DeclareOpInterfaceMethods<Chunk_DifferentiableOpInterface>;

class Chunk_Op<string mnemonic, list<Trait> traits = []>
    : Op<Chunk_Dialect, mnemonic, traits>;

def Chunk_ScanOp : Chunk_Op<"scan", [
    AttrSizedOperandSegments, RecursiveMemoryEffects,
    SingleBlockImplicitTerminator<"YieldOp">,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "carry values over the chunks of every sequence and head";
  let description = [{
    For every sequence n and head h, the body runs once per chunk of
    `chunk_size` tokens, in order (from the last chunk to the first with
    `reverse`). Its arguments are: the carried values; the number of tokens of
    the sequence in this chunk (`index`, 1 .. chunk_size); then one tile per
    input. Its `chunk.yield` gives one tile per output, then the carried values
    for the next chunk.

    An access says which part of a whole tensor is the tile (see
    `#chunk.access`). A token dimension may hold n tokens' rows for one of the
    shortest (several steps a token): its tile has n * chunk_size rows. Rows of a
    token tile past the sequence's end read as zero and are not written.

    `carry` gives the values before the first chunk, `finals` those after the
    last; a carried tile may be of a wider float type than the tensor that holds
    it. A final without uses is not computed into memory. A scan that carries
    nothing may run all its chunks side by side. A sequence without tokens has
    its initial values as final values.

    With `indices`, carries may come from a pool (`p`): sequence n begins with entry
    `indices[n]`. The final is the pool afterwards: entry `indices[n]` holds the last
    values of sequence n, every other entry what it held. Indices are from 0 to the
    pool's last entry, and no two are equal.

    With `segments(S)` every sequence is cut into S runs of chunks (10), and each run
    begins anew: of a sequence of m chunks, segment s has the chunks from
    `s ceil(m / S)` on, `ceil(m / S)` of them as long as there are any. A carry walked
    by `s` gives each segment a tile of its own, any other gives all of them the same;
    the finals hold what each segment ends with. A segment without chunks ends with
    what it began with.

    An output walked by `s` has the tile of the chunk that comes first in each of as many
    runs as `s` has entries, cut as segments are (in reverse a run begins with its last
    chunk). A run without chunks has no tile; what stands in its place is not said. The
    scan need not be run in segments, nor in as many.

    Where no input has `t`, an input with `c` says how many chunks of one token there
    are: that is how a scan runs over segments.

    An output whose access lacks a loop is not allowed: nothing says yet in which
    order it would be reduced.

    Constraints:
    - C1: as many accesses as inputs, carries and outputs; each of its tensor's rank.
    - C2: an access names every tile dimension once, and no loop twice.
    - C3: body arguments: carries, an index, one static tile per input, of the
      shape the access gives; element types equal (carries may widen).
    - C4: the yielded tiles have the outputs' element types and tile shapes.
    - C5: some input has `t`, or chunks are one token, there are no `sequences`, and some
      input has `c` with an extent that is known. Without `sequences`, some input has
      `b`, or some input or carry has `n`. Where no input and no carry has `h`, there is
      one head.
    - C6: outputs have one of `t`, `c` and `s`, and `b`, with `s` `n`; without `sequences`
      either will do. Finals have `n` or `p`; both have `h` where some input or carry has
      it.
    - C7: `chunk_size` is at least 1.
    - C8: tensors walked by one loop have one extent there (tokens: after division
      by the rows a token), where it is known; groups divide heads. Without
      `sequences`, `n` has the extent of `b`.
    - C9: `sequences` is a list of integers with at least two entries; the batch is
      one, and `n` has one entry fewer than the list.
    - C10: `indices` is a list of integers, one for each sequence. With it, and only
      then, carries may have `p`; such a carry and its final have one type, and both
      have `p`. Inputs and outputs have none.
    - C11: `segments` is at least 2; then, and only then, carries may have `s`, and
      every final has it, of that extent. Outputs may have `s` of an extent that is
      known, at least 1, whatever `segments` is; inputs have none.

    Example, linear attention:

    ```mlir
    %o, %s = chunk.scan 64 carry(%zero [0, 1] : tensor<128x128xf32>)
        in(%q [b, t, h, 1] : tensor<?x?x16x128xf32>, ...)
        out([b, t, h, 1] : tensor<?x?x16x128xf32>)
        final([n, h, 0, 1] : tensor<?x16x128x128xf32>) {
    ^bb0(%S: tensor<128x128xf32>, %n: index, %qt: tensor<64x128xf32>, ...):
      ...
      chunk.yield %O carry(%S1) : tensor<64x128xf32> carry tensor<128x128xf32>
    }
    ```
  }];
  let arguments = (ins
    Optional<AnyRankedTensor>:$sequences,
    Variadic<AnyRankedTensor>:$inits, Variadic<AnyRankedTensor>:$inputs,
    Optional<AnyRankedTensor>:$indices,
    I64Attr:$chunk_size,
    Chunk_AccessArray:$init_accesses, Chunk_AccessArray:$input_accesses,
    Chunk_AccessArray:$output_accesses, Chunk_AccessArray:$final_accesses,
    UnitAttr:$reverse, OptionalAttr<I64Attr>:$segments);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  // Without a pool and segments.
  let builders = [OpBuilder<(ins "::mlir::TypeRange":$results, "::mlir::Value":$sequences,
      "::mlir::ValueRange":$inits, "::mlir::ValueRange":$inputs, "::mlir::IntegerAttr":$chunkSize,
      "::mlir::ArrayAttr":$initAccesses, "::mlir::ArrayAttr":$inputAccesses,
      "::mlir::ArrayAttr":$outputAccesses, "::mlir::ArrayAttr":$finalAccesses,
      "::mlir::UnitAttr":$reverse), [{
    build($_builder, $_state, results, sequences, inits, inputs, ::mlir::Value(), chunkSize,
          initAccesses, inputAccesses, outputAccesses, finalAccesses, reverse,
          ::mlir::IntegerAttr());
  }]>];
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    int64_t getNumCarries() { return getInits().size(); }
    int64_t getNumOutputs() { return getOutputAccesses().size(); }
    ::mlir::Block *getBodyBlock() { return &getBody().front(); }
    ::mlir::Block::BlockArgListType getCarryArguments() {
      return getBodyBlock()->getArguments().take_front(getNumCarries());
    }
    ::mlir::BlockArgument getCountArgument() {
      return getBodyBlock()->getArgument(getNumCarries());
    }
    ::mlir::Block::BlockArgListType getInputArguments() {
      return getBodyBlock()->getArguments().drop_front(getNumCarries() + 1);
    }
    ::mlir::ResultRange getOutputs() { return getResults().take_front(getNumOutputs()); }
    ::mlir::ResultRange getFinals() { return getResults().drop_front(getNumOutputs()); }
    AccessAttr getInitAccess(int64_t i) { return ::llvm::cast<AccessAttr>(getInitAccesses()[i]); }
    AccessAttr getInputAccess(int64_t i) { return ::llvm::cast<AccessAttr>(getInputAccesses()[i]); }
    AccessAttr getOutputAccess(int64_t i) { return ::llvm::cast<AccessAttr>(getOutputAccesses()[i]); }
    AccessAttr getFinalAccess(int64_t i) { return ::llvm::cast<AccessAttr>(getFinalAccesses()[i]); }
    /// Runs of chunks that each sequence is cut into; 1 without segments.
    int64_t getNumSegments() { return getSegments().value_or(1); }
    /// Whether an input is walked by tokens; else one is walked by chunks.
    bool hasTokens();
    /// The chunks of every sequence of a scan without tokens.
    int64_t getNumChunks();
  }];
}

def Chunk_IdentityOp : Chunk_Op<"identity", [Pure]> {
  let summary = "the identity matrix, where a carry begins";
  let description = [{
    `result[i, j]` is 1 where i = j, else 0. A carry that begins with it is, in the end,
    the matrix by which a run of chunks multiplies the state (10).

    - C1: the result is square.
    - C2: it stands around the scans, not in the body of one.

    Example: `%I = chunk.identity : tensor<128x128xf32>`
  }];
  let results = (outs Chunk_MatrixF32:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Chunk_SumOp : Chunk_Op<"sum", [Pure, AttrSizedOperandSegments]> {
  let summary = "sums of whole tensors over loops: what heads, sequences or chunks have each for themselves";
  let description = [{
    `result[x] = sum_p sum_y p[x, y]` over all `parts` p, summed in f32 and rounded once. The
    accesses say which dimension is which: loops of a part that the result lacks are
    summed over. Where the result has groups of heads (`g`) and a part heads (`h`), the
    heads of a group are summed. The order is that of the elements, so that the
    result is the same from run to run.

    It stands around scans: the gradient of a parameter is a sum over sequences and
    heads, that of a grouped key a sum over the heads of a group.

    - C1: as many accesses as parts, at least one; each of its tensor's rank, as is that of
      the result.
    - C2: the result's dimensions are dimensions of every part, in the same order (`g` may be
      the part's `h`); a tile's dimensions are dimensions of both.
    - C3: extents agree where they are known; groups divide heads.
    - C4: all are floats.
    - C5: `like` has the result's shape. It is there where the result has groups of an
      unknown number and the parts have heads.
    - C6: it stands around the scans, not in the body of one.

    Example: `%dk = chunk.sum in(%p [b, t, h, 1] : tensor<?x?x8x64xf32>) out([b, t, g, 1] : tensor<?x?x2x64xbf16>)`
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$parts, Optional<AnyRankedTensor>:$like,
                       Chunk_AccessArray:$part_accesses, Chunk_AccessAttr:$access);
  let results = (outs AnyRankedTensor:$result);
  let builders = [OpBuilder<(ins "::mlir::Type":$type, "::mlir::Value":$part,
      "AccessAttr":$partAccess, "AccessAttr":$access, "::mlir::Value":$like), [{
    build($_builder, $_state, type, part, like, $_builder.getArrayAttr({partAccess}), access);
  }]>];
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    AccessAttr getPartAccess(int64_t i) { return ::llvm::cast<AccessAttr>(getPartAccesses()[i]); }
    /// The dimension of the result that dimension `dim` of part `i` is, or that has its
    /// groups; -1 where it is summed over.
    int64_t findResultDim(int64_t i, int64_t dim);
  }];
}

def Chunk_YieldOp : Chunk_Op<"yield", [
    Pure, Terminator, HasParent<"ScanOp">, AttrSizedOperandSegments]> {
  let summary = "the tiles one chunk gives";
  let description = [{
    One tile per output of the scan, then the carried values for the next chunk.

    Example: `chunk.yield %O carry(%S1) : tensor<64x128xf32> carry tensor<128x128xf32>`
  }];
  let arguments = (ins Variadic<Chunk_Tile>:$outputs, Variadic<Chunk_Tile>:$carries);
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange(), ::mlir::ValueRange()); }]>];
  let assemblyFormat = [{
    ($outputs^)? (`carry` `(` $carries^ `)`)? attr-dict
    (`:` type($outputs)^)? (`carry` type($carries)^)?
  }];
}

def Chunk_DotOp : Chunk_Op<"dot", [Pure, Chunk_Differentiable]> {
  let summary = "matrix product with f32 accumulation";
  let description = [{
    `result[m, n] = sum_k lhs[m, k] rhs[k, n]`, where `transpose_lhs` reads lhs
    as `lhs[k, m]` and `transpose_rhs` rhs as `rhs[n, k]`. Products and sums are
    f32, whatever the operands' element type.

    - C1: the operands have one element type.
    - C2: the contracted extents agree; the result is M x N.

    Example: `%kS = chunk.dot %k, %S : tensor<64x128xf32>, tensor<128x128xf32> -> tensor<64x128xf32>`
  }];
  let arguments = (ins Chunk_Matrix:$lhs, Chunk_Matrix:$rhs,
                       UnitAttr:$transpose_lhs, UnitAttr:$transpose_rhs);
  let results = (outs Chunk_MatrixF32:$result);
  let hasCanonicalizer = 1;
  let assemblyFormat = [{
    $lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Chunk_DecayDotOp : Chunk_Op<"decay_dot", [Pure, Chunk_Differentiable]> {
  let summary = "lower-triangular product with the decay between two tokens";
  let description = [{
    `result[r, i] = sum_c x[r, c] y[i, c] exp(gx[r, c] - gy[i, c])` for i <= r
    (i < r with `strict`), else 0: (4), (7), (22), (28) of the equations.

    `gx` and `gy` are running sums of log-decays, one per row, or per row and
    channel. y may have n rows for each of x's (several steps a token); i is then
    compared as i / n. No factor above the largest `exp(gx[r] - gy[i])`, i <= r,
    is formed, so nothing overflows that the definition keeps finite. (Where
    `decay_min` bounds the decays, a schedule may form larger ones.)

    - C1: `x` and `y` have one element type and one width; rows of y are a
      multiple of rows of x.
    - C2: `gx` has the rows of x, `gy` those of y; both or neither have channels.
    - C3: the result is rows(x) x rows(y).

    Example: `%kk = chunk.decay_dot %k, %k, %g, %g strict : tensor<64x128xf32>, tensor<64x128xf32>, tensor<64xf64>, tensor<64xf64> -> tensor<64x64xf32>`
  }];
  let arguments = (ins Chunk_Matrix:$x, Chunk_Matrix:$y, Chunk_Gate:$gx, Chunk_Gate:$gy,
                       UnitAttr:$strict);
  let results = (outs Chunk_MatrixF32:$result);
  let assemblyFormat = [{
    $x `,` $y `,` $gx `,` $gy (`strict` $strict^)? attr-dict `:` type($x) `,` type($y) `,`
    type($gx) `,` type($gy) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Chunk_DecayApplyOp : Chunk_Op<"decay_apply", [Pure, Chunk_Differentiable]> {
  let summary = "product of a lower-triangular matrix and decayed rows, the adjoint of decay_dot";
  let description = [{
    `result[r, c] = sum_i m[r, i] y[i, c] exp(gx[r, c] - gy[i, c])` over i <= r
    (i < r with `strict`). With `transpose` the sum runs over the rows instead:
    `result[i, c] = sum_r m[r, i] y[r, c] exp(gx[r, c] - gy[i, c])` over r >= i
    (r > i with `strict`). Entries of m above the diagonal are not read.

    - C1: `y` and `m` have one element type; m is rows(gx) x rows(gy).
    - C2: gates have as many channels as y, or none.

    Example: `%dq = chunk.decay_apply %dM, %k, %g, %g : ...`
  }];
  let arguments = (ins Chunk_Matrix:$m, Chunk_Matrix:$y, Chunk_Gate:$gx, Chunk_Gate:$gy,
                       UnitAttr:$strict, UnitAttr:$transpose);
  let results = (outs Chunk_MatrixF32:$result);
  let assemblyFormat = [{
    $m `,` $y `,` $gx `,` $gy (`strict` $strict^)? (`transpose` $transpose^)? attr-dict `:`
    type($m) `,` type($y) `,` type($gx) `,` type($gy) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Chunk_UnitLowerSolveOp : Chunk_Op<"unit_lower_solve", [
    Pure, Chunk_Differentiable, AllTypesMatch<["rhs", "result"]>]> {
  let summary = "solve a system whose matrix is the identity plus a strictly lower triangle";
  let description = [{
    The X of `(I + strict_lower(lower)) X = rhs`; with `transpose` of
    `(I + strict_lower(lower))^T X = rhs`. The matrix is unit lower triangular,
    so that the solution always exists. (5), (6), (13).

    - C1: `lower` is C x C and the right-hand side has C rows.

    Example: `%U = chunk.unit_lower_solve %L, %Y : tensor<64x64xf32>, tensor<64x128xf32>`
  }];
  let arguments = (ins Chunk_MatrixF32:$lower,
                       Chunk_MatrixF32:$rhs,
                       UnitAttr:$transpose);
  let results = (outs Chunk_MatrixF32:$result);
  let assemblyFormat = [{
    $lower `,` $rhs (`transpose` $transpose^)? attr-dict `:` type($lower) `,` type($rhs)
  }];
  let hasVerifier = 1;
}

def Chunk_UnitLowerInverseOp : Chunk_Op<"unit_lower_inverse", [
    Pure, Chunk_Differentiable, SameOperandsAndResultType]> {
  let summary = "inverse of the identity plus a strictly lower triangle";
  let description = [{
    `(I + strict_lower(lower))^-1`, itself unit lower triangular (5). It does not
    wait for the state, where the solve it stands in for does.

    - C1: `lower` is square.

    Example: `%A = chunk.unit_lower_inverse %L : tensor<64x64xf32>`
  }];
  let arguments = (ins Chunk_MatrixF32:$lower);
  let results = (outs Chunk_MatrixF32:$result);
  let assemblyFormat = "$lower attr-dict `:` type($lower)";
  let hasVerifier = 1;
}

include "Chunk/ChunkRows.td"

#endif // DELTANET_CHUNK
