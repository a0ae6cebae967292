//===- ChunkRows.td - rows, masks, shapes of tiles -----------*- tablegen -*-===//
// What a body does to rows and columns of a tile beside products: running sums,
// triangles, single rows, repetitions and reductions. Included by Chunk.td.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_CHUNK_ROWS
#define DELTANET_CHUNK_ROWS

include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Chunk_CumsumOp : Chunk_Op<"cumsum", [Pure, Chunk_Differentiable]> {
  let summary = "running sum over the rows";
  let description = [{
    `result[r, ...] = sum_{i <= r} input[i, ...]` (2); `exclusive` sums i < r, `reverse` sums
    from the last row. Summed in the result's element type, which may be wider.

    - C1: the result has the shape of the input and is not narrower.

    Example: `%g = chunk.cumsum %la : tensor<64xf32> -> tensor<64xf64>`
  }];
  let arguments = (ins Chunk_FloatTile:$input, UnitAttr:$exclusive, UnitAttr:$reverse);
  let results = (outs Chunk_FloatTile:$result);
  let assemblyFormat = [{
    $input (`exclusive` $exclusive^)? (`reverse` $reverse^)? attr-dict `:` type($input) `->` type($result)
  }];
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
}

def Chunk_TrilOp : Chunk_Op<"tril", [
    Pure, Chunk_Differentiable, SameOperandsAndResultType]> {
  let summary = "lower triangle of a matrix";
  let description = [{
    `result[r, i] = input[r, i]` where i / n <= r (i / n < r with `strict`), else 0; n is
    the number of columns over the number of rows.

    - C1: the input is a matrix whose columns are a multiple of its rows.

    Example: `%M1 = chunk.tril %M strict : tensor<64x64xf32>`
  }];
  let arguments = (ins Chunk_FloatTile:$input, UnitAttr:$strict);
  let results = (outs Chunk_FloatTile:$result);
  let assemblyFormat = "$input (`strict` $strict^)? attr-dict `:` type($input)";
  let hasVerifier = 1;
}

def Chunk_RowOp : Chunk_Op<"row", [Pure, Chunk_Differentiable]> {
  let summary = "one row of a tile";
  let description = [{
    `result[...] = input[index, ...]`.

    - C1: the index is one of the rows; the result lacks the first dimension.

    Example: `%gC = chunk.row %g [63] : tensor<64xf64> -> tensor<f64>`
  }];
  let arguments = (ins Chunk_Tile:$input, I64Attr:$index);
  let results = (outs Chunk_Tile:$result);
  let assemblyFormat = "$input `[` $index `]` attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 0;
}

def Chunk_PlaceRowOp : Chunk_Op<"place_row", [Pure, Chunk_Differentiable]> {
  let summary = "a tile that is zero but for one row";
  let description = [{
    `result[index, ...] = input[...]`, every other row is 0: the adjoint of `row`.

    - C1: the index is one of the result's rows; the input lacks the first dimension.

    Example: `%dg = chunk.place_row %dgC [63] : tensor<f64> -> tensor<64xf64>`
  }];
  let arguments = (ins Chunk_FloatTile:$input, I64Attr:$index);
  let results = (outs Chunk_FloatTile:$result);
  let assemblyFormat = "$input `[` $index `]` attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Chunk_RepeatOp : Chunk_Op<"repeat", [Pure, Chunk_Differentiable]> {
  let summary = "repeat every row";
  let description = [{
    `result[r, ...] = input[r / n, ...]`, n the ratio of the rows (several steps a token, (25)).

    - C1: the rows of the result are a multiple of the input's; the rest agrees.

    Example: `%gk = chunk.repeat %g : tensor<32xf64> -> tensor<64xf64>`
  }];
  let arguments = (ins Chunk_Tile:$input);
  let results = (outs Chunk_Tile:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Chunk_SumRowsOp : Chunk_Op<"sum_rows", [Pure, Chunk_Differentiable]> {
  let summary = "sums of neighbouring rows";
  let description = [{
    `result[r, ...] = sum_{j < n} input[r n + j, ...]`, n the ratio of the rows: the adjoint
    of `repeat` (several steps a token, (25)).

    - C1: the rows of the input are a multiple of the result's; the rest agrees.

    Example: `%dg = chunk.sum_rows %dgk : tensor<64xf64> -> tensor<32xf64>`
  }];
  let arguments = (ins Chunk_FloatTile:$input);
  let results = (outs Chunk_FloatTile:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Chunk_BroadcastOp : Chunk_Op<"broadcast", [Pure, Chunk_Differentiable]> {
  let summary = "repeat a tile along new dimensions";
  let description = [{
    The result has the dimensions of the input in order, and beside them those
    listed, along which it is constant (as `linalg.broadcast`).

    - C1: rank(result) = rank(input) + number of listed dimensions, each listed
      once, and the other extents agree.

    Example: `%b2 = chunk.broadcast %b [1] : tensor<64xf32> -> tensor<64x128xf32>`
  }];
  let arguments = (ins Chunk_Tile:$input, DenseI64ArrayAttr:$dimensions);
  let results = (outs Chunk_Tile:$result);
  let assemblyFormat = "$input $dimensions attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def Chunk_Combine : I32EnumAttr<"Combine", "how a reduction combines", [
    I32EnumAttrCase<"Add", 0, "add">, I32EnumAttrCase<"Max", 1, "max">,
    I32EnumAttrCase<"Min", 2, "min">, I32EnumAttrCase<"Mul", 3, "mul">]> {
  let cppNamespace = "::deltanet::chunk";
}

def Chunk_ReduceOp : Chunk_Op<"reduce", [Pure, Chunk_Differentiable]> {
  let summary = "sum, largest, smallest or product along dimensions";
  let description = [{
    Combines the elements along the listed dimensions, which the result lacks. max and
    min keep NaN.

    - C1: each dimension listed once; the result has the others, and the input's
      element type.

    Example: `%s = chunk.reduce add %x [1] : tensor<64x128xf32> -> tensor<64xf32>`
  }];
  let arguments = (ins Chunk_Combine:$kind, Chunk_FloatTile:$input, DenseI64ArrayAttr:$dimensions);
  let results = (outs Chunk_FloatTile:$result);
  let assemblyFormat = "$kind $input $dimensions attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Chunk_MaskTokensOp : Chunk_Op<"mask_tokens", [
    Pure, Chunk_Differentiable, AllTypesMatch<["input", "result"]>]> {
  let summary = "zero the rows past the end of the sequence";
  let description = [{
    `result[r, ...] = input[r, ...]` for r < count * n, else 0, whatever the input
    holds there (NaN too), n = `steps` rows a token. A fused prologue does not keep zeros (sigmoid(0) is a
    half), so the mask stands after it.

    - C1: the input has a row dimension that is a multiple of `steps`.

    Example: `%k1 = chunk.mask_tokens %k, %n : tensor<64x128xf32>`
  }];
  let arguments = (ins Chunk_FloatTile:$input, Index:$count,
                       DefaultValuedAttr<I64Attr, "1">:$steps);
  let results = (outs Chunk_FloatTile:$result);
  let assemblyFormat = "$input `,` $count (`steps` $steps^)? attr-dict `:` type($input)";
  let hasVerifier = 1;
}

def Chunk_TransposeOp : Chunk_Op<"transpose", [Pure, Chunk_Differentiable]> {
  let summary = "transpose of a matrix";
  let description = [{
    `result[i, j] = input[j, i]`.

    - C1: the result's extents are the input's, exchanged.

    Example: `%t = chunk.transpose %x : tensor<64x128xf32> -> tensor<128x64xf32>`
  }];
  let arguments = (ins Chunk_FloatTile:$input);
  let results = (outs Chunk_FloatTile:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

#endif // DELTANET_CHUNK_ROWS
