//===- TileProducts.td - products with decays, reductions ----*- tablegen -*-===//
// Products whose factors decay per channel, and sums over a dimension of a tile.
// Included by Tile.td.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TILE_PRODUCTS
#define DELTANET_TILE_PRODUCTS

include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

//===----------------------------------------------------------------------===//
// Decays per channel
//===----------------------------------------------------------------------===//

def Tile_DecayScaleOp : Tile_Op<"decay_scale", [
    AttrSizedOperandSegments, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "operands of decay_dot, multiplied by what they decay within their block";
  let description = [{
    Rows of every `x` come in blocks of 16, those of `y` in blocks of 16 n, where y has
    n rows for each of x. With block I's reference `ref_I = gy[16 n I - 1]`, the end of
    the block before it (`ref_0 = gx[0]`), this stores (27)

    ```
    scaled_x[r, c] = x[r, c] exp(gx[r, c] - ref_I[c]),      r in block I
    scaled_y[i, c] = y[i, c] exp(ref_{J+1}[c] - gy[i, c]),  i in block J
    ```
    rounded once. Where gates come with what rounding took from their sums (the second
    result of `cumsum`), a difference of gates is that of the sums and that of the rests.
    `remainders` are what rounding took from `scaled_x` and `scaled_y`, rounded itself.
    Gates are running sums of log-decays, which do not increase from row to row, so that no factor is above one. The last block of `scaled_y` is not written, nobody reads it.

    - C1: `x`, `y` and what is stored for them have one element type and one width K, a
      multiple of 16; there is as much stored as there are `x`, each of the shape of
      its operand.
    - C2: gates are f32, `gx` of the shape of `x`, `gy` of that of `y`; all `x` have one
      number of rows, a multiple of 16, `y` a multiple of that.
    - C3: rows of gates start at multiples of 16 bytes, all other rows too.
    - C6: both gates have a `rest`, bf16 of their shape and pad, or none has.
    - C7: remainders are for operands of bf16, one of the type of each `scaled_x` and one
      of the type of `scaled_y`, in this order, or there are none.

    Example: `tile.decay_scale (%k, %q), %g, %k, %g into (%kx, %qx), %ky : (!b, !b), !g, !b, !g, (!b, !b), !b`
  }];
  let arguments = (ins Variadic<Tile_BufferType>:$x, Tile_BufferType:$gx, Tile_BufferType:$y,
                       Tile_BufferType:$gy, Optional<Tile_BufferType>:$gx_rest,
                       Optional<Tile_BufferType>:$gy_rest, Variadic<Tile_BufferType>:$scaled_x,
                       Tile_BufferType:$scaled_y, Variadic<Tile_BufferType>:$remainders);
  let assemblyFormat = [{
    `(` $x `)` `,` $gx `,` $y `,` $gy
    (`rest` `(` $gx_rest^ `,` $gy_rest `:` qualified(type($gx_rest)) `,`
     qualified(type($gy_rest)) `)`)? `into` `(` $scaled_x `)` `,` $scaled_y
    (`remainders` `(` $remainders^ `:` qualified(type($remainders)) `)`)? attr-dict `:`
    `(` qualified(type($x)) `)` `,` qualified(type($gx)) `,` qualified(type($y)) `,`
    qualified(type($gy)) `,` `(` qualified(type($scaled_x)) `)` `,`
    qualified(type($scaled_y))
  }];
  let hasVerifier = 1;
}

def Tile_DecayDotOp : Tile_Op<"decay_dot", [
    AttrSizedOperandSegments, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "lower-triangular products with decays per channel";
  let description = [{
    `result[r, i] = sum_c x[r, c] y[i, c] exp(gx[r, c] - gy[i, c])` for i / n <= r (i / n < r
    where `strict` says so), else 0, for every `x`; n rows of y for each of x. The
    operands scaled by `decay_scale` stand behind `scaled`. (4), (7), (22), (28).

    A block of 16 rows and 16 n columns below the diagonal is a product on the tensor
    cores, all of whose factors are at most one (27):
    `scaled_x[r] (exp(ref_I - ref_{J+1}) scaled_y[i])`. A block on the diagonal is one,
    too, where no channel decays by more than exp(-64) within it:
    `scaled_x[r] (y[i] exp(ref_I - gy[i]))`, with operands in bf16 or tf32, whose
    exponents reach that far (f16 becomes tf32). Otherwise every warp that has a part
    of it forms `exp(gx - gy)` for each pair and channel. `bounded` says that the first
    way is always open and leaves out the second. Nothing becomes infinite, however
    steep the gates, and nothing below the diagonal is lost to a factor that underflows
    before it is multiplied. With `remainders` scaled operands count in two parts,
    `(a + a') (b + b') ~ a'b + ab' + ab`, and are off by no more than f32 are.

    - C1: as `decay_scale`.
    - C2: as `decay_scale`.
    - C3: as `decay_scale`.
    - C4: results are f32 in one layout `#tile.acc`, rows(x) x rows(y), one for each x,
      and `strict` says something about each.
    - C5: a precision is stated for operands of f32 and for no others.
    - C6: as `decay_scale`.
    - C7: as `decay_scale`.

    Example: `%kk, %qk = tile.decay_dot (%k, %q), %g, %k, %g scaled (%kx, %qx), %ky strict [true, false] : (!b, !b), !g, !b, !g, (!b, !b), !b -> tensor<32x32xf32, #acc>, tensor<32x32xf32, #acc>`
  }];
  let arguments = (ins Variadic<Tile_BufferType>:$x, Tile_BufferType:$gx, Tile_BufferType:$y,
                       Tile_BufferType:$gy, Optional<Tile_BufferType>:$gx_rest,
                       Optional<Tile_BufferType>:$gy_rest, Variadic<Tile_BufferType>:$scaled_x,
                       Tile_BufferType:$scaled_y, Variadic<Tile_BufferType>:$remainders,
                       DenseBoolArrayAttr:$strict,
                       UnitAttr:$bounded, OptionalAttr<Tile_PrecisionAttr>:$precision);
  let results = (outs Variadic<Tile_F32Registers>:$results);
  let assemblyFormat = [{
    `(` $x `)` `,` $gx `,` $y `,` $gy
    (`rest` `(` $gx_rest^ `,` $gy_rest `:` qualified(type($gx_rest)) `,`
     qualified(type($gy_rest)) `)`)? `scaled` `(` $scaled_x `)` `,` $scaled_y
    (`remainders` `(` $remainders^ `:` qualified(type($remainders)) `)`)? `strict` $strict
    (`bounded` $bounded^)? (`precision` $precision^)? attr-dict `:`
    `(` qualified(type($x)) `)` `,` qualified(type($gx)) `,` qualified(type($y)) `,`
    qualified(type($gy)) `,` `(` qualified(type($scaled_x)) `)` `,`
    qualified(type($scaled_y)) `->` type($results)
  }];
  let hasVerifier = 1;
}

def Tile_DecayApplyOp : Tile_Op<"decay_apply", [
    AttrSizedOperandSegments, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "a lower-triangular matrix times decayed rows, the adjoint of decay_dot";
  let description = [{
    `result[r, c] = sum_i m[r, i] y[i, c] exp(gx[r, c] - gy[i, c])`, n rows of gy for each of
    gx; with `transpose` the sum runs over r, and rows of y and gx go together:
    `result[i, c] = sum_r m[r, i] y[r, c] exp(gx[r, c] - gy[i, c])`. Entries of m where
    i / n > r are zero.

    Blocks of 16 rows go the ways of `decay_dot`: a block below the diagonal is a product
    with rows that decay to the end of their block (with `transpose` from the end of the
    one before it), what is summed up decays from block to block and at last to its own
    row. A block on the diagonal is such a product where no channel decays by more than
    exp(-64) within it; else every pair of rows and every channel has an exponential of
    its own. `scaled` is what `decay_scale` stored for y, as y of the product, with
    `transpose` as x of it, and the remainder if it stored one; without it, rows are scaled
    where they are read, to twice their precision. Products are made in bf16, of f16 and f32 in tf32.

    - C1: `y` is f32, bf16 or f16, of a width that is a multiple of 16, and has the rows of
      `gy`, with `transpose` those of `gx`.
    - C2: gates are f32 and as wide; `gx` has a multiple of 16 rows and `gy` a multiple of that.
    - C3: `m` is rows(gx) x rows(gy), bf16 where y is, and may have what rounding took from it
      as `remainder`, of the same type; else f32.
    - C4: the result is f32 in a layout `#tile.acc`, rows(gx) x width, with `transpose`
      rows(gy) x width.
    - C6: as `decay_scale`.
    - C7: `scaled` is for y of bf16, one buffer or two of the type of y.

    Example: `%dq = tile.decay_apply %m, %k, %g, %g : !m, !b, !g, !g -> tensor<32x128xf32, #acc>`
  }];
  let arguments = (ins Tile_BufferType:$m, Optional<Tile_BufferType>:$m_rest,
                       Tile_BufferType:$y, Tile_BufferType:$gx, Tile_BufferType:$gy,
                       Optional<Tile_BufferType>:$gx_rest, Optional<Tile_BufferType>:$gy_rest,
                       Variadic<Tile_BufferType>:$scaled, UnitAttr:$transpose);
  let results = (outs Tile_F32Registers:$result);
  let assemblyFormat = [{
    $m (`remainder` `(` $m_rest^ `:` qualified(type($m_rest)) `)`)? `,` $y `,` $gx `,` $gy
    (`rest` `(` $gx_rest^ `,` $gy_rest `:` qualified(type($gx_rest)) `,`
     qualified(type($gy_rest)) `)`)? (`scaled` `(` $scaled^ `:` qualified(type($scaled)) `)`)?
    (`transpose` $transpose^)? attr-dict `:`
    qualified(type($m)) `,` qualified(type($y)) `,` qualified(type($gx)) `,` qualified(type($gy))
    `->` type($result)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Loads in flight
//===----------------------------------------------------------------------===//

def Tile_SettleOp : Tile_Op<"settle", [AllTypesMatch<["input", "result"]>,
                                       MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "a vector that was loaded, once it is there";
  let description = [{
    `result = input`; what stands after it need not wait for the load. A thread counts its
    loads and does not tell them apart: a first use behind later loads would wait for
    those, too. A loop that loads for its next turn ends with this.

    - C1: the layout is `#tile.lanes`.

    Example: `%b = tile.settle %loaded : tensor<64xbf16, #tile.lanes>`
  }];
  let arguments = (ins Tile_Registers:$input);
  let results = (outs Tile_Registers:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

def Tile_Combination : I32EnumAttr<"Combination", "how a reduction combines elements", [
    I32EnumAttrCase<"Add", 0, "add">, I32EnumAttrCase<"Mul", 1, "mul">,
    I32EnumAttrCase<"Max", 2, "max">, I32EnumAttrCase<"Min", 3, "min">]> {
  let cppNamespace = "::deltanet::tile";
  let genSpecializedAttr = 0;
}
def Tile_CombinationAttr : EnumAttr<Tile_Dialect, Tile_Combination, "combination"> {
  let assemblyFormat = "$value";
}

def Tile_ReduceOp : Tile_Op<"reduce", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "sum, product, maximum or minimum along one dimension of a matrix";
  let description = [{
    `result[i] = sum_j input[i, j]` along dimension 1, `result[j] = sum_i input[i, j]` along
    0; NaN stays NaN. Within a thread first, then over lanes by shuffles, in one fixed
    order; where several warps share the dimension, through the buffer `scratch`, a row for
    each of them, with a barrier of all threads between.

    - C1: f32; the input has layout `#tile.acc`, the result is its slice along the
      dimension.
    - C2: `scratch` is f32, has a row for every warp along the dimension and a column
      for every element of the result; it is there if these warps are several.

    Example: `%n = tile.reduce add %x along 1 through %s : tensor<64x128xf32, #acc>, !tile.buffer<2x64xf32> -> tensor<64xf32, #tile.slice<1 of #acc>>`
  }];
  let arguments = (ins Tile_CombinationAttr:$combination, Tile_F32Registers:$input,
                       I64Attr:$dimension, Optional<Tile_BufferType>:$scratch);
  let results = (outs Tile_F32Registers:$result);
  let assemblyFormat = [{
    $combination $input `along` $dimension (`through` $scratch^)? attr-dict `:` type($input)
    (`,` qualified(type($scratch))^)? `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_RowDotsOp : Tile_Op<"row_dots", [Pure, SameTypeOperands]> {
  let summary = "products of the rows of two matrices, in parts";
  let description = [{
    The sum of row i of the result is `sum_j lhs[i, j] rhs[i, j]`: `reduce add` along 1
    comes next. Products are exact and summed up in f32 on the tensor cores, of which the
    diagonal is kept: `result[i, 8 w + i mod 8]` is the part of the columns of warp w, and
    all else is zero.

    - C1: matrices of one type of 16 bits, in a layout `#tile.acc` in which a warp has rows and
      columns in multiples of 16.
    - C2: the result is f32, has this layout, as many rows, and 8 columns for each warp
      beside another.

    Example: `%d = tile.row_dots %s, %ds : tensor<128x128xbf16, #acc> -> tensor<128x32xf32, #acc>`
  }];
  let arguments = (ins Tile_Registers:$lhs, Tile_Registers:$rhs);
  let results = (outs Tile_F32Registers:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_CumsumOp : Tile_Op<"cumsum", [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "running sum of a vector, or of every column of a matrix";
  let description = [{
    `result[r] = sum_{i <= r} input[i]` (2), i < r with `exclusive`; with `reverse` the
    sum runs over i >= r, i > r. Of a matrix r counts rows.

    A second result is what rounding took from the first: `result + rest` is the sum
    as if with 48 bits. A difference of two sums is `(result[r] - result[i]) +
    (rest[r] - rest[i])`, which is as good as a number of f32 can be however large
    both are.

    - C1: the layout is `#tile.lanes`, or `#tile.acc<warps = [1, b]>`.
    - C2: `rest` has the type of the result.

    Example: `%g = tile.cumsum %la : tensor<64xf32, #tile.lanes>`,
    `%g = tile.cumsum %la exclusive reverse : tensor<64x128xf32, #tile.acc<warps = [1, 8]>>`,
    `%g, %rest = tile.cumsum %la : tensor<64xf32, #tile.lanes>, tensor<64xf32, #tile.lanes>`
  }];
  let arguments = (ins Tile_F32Registers:$input, UnitAttr:$exclusive, UnitAttr:$reverse);
  let results = (outs Tile_F32Registers:$result, Optional<Tile_F32Registers>:$rest);
  let builders = [OpBuilder<(ins "::mlir::Value":$input, "bool":$exclusive,
      CArg<"bool", "false">:$reverse, CArg<"bool", "false">:$withRest), [{
    ::mlir::Type type = input.getType();
    build($_builder, $_state, type, withRest ? type : ::mlir::Type(), input, exclusive,
          reverse);
  }]>];
  let assemblyFormat = [{
    $input (`exclusive` $exclusive^)? (`reverse` $reverse^)? attr-dict `:` type($input)
    (`,` type($rest)^)?
  }];
  let hasVerifier = 1;
}

def Tile_SumRowsOp : Tile_Op<"sum_rows"> {
  let summary = "running sums down the columns of a matrix in shared memory";
  let description = [{
    Puts `sum_{i <= r} buffer[i, c]` in place of `buffer[r, c]` (2), i < r with
    `exclusive`; with `reverse` the sum runs over i >= r, i > r. Lanes have some
    rows each of four columns and sum up at first what they have, so that few sums
    pass between lanes; in `tile.cumsum` all of them do. Sums of numbers that are
    not positive do not increase from row to row.

    - C1: the buffer is f32.
    - C2: it has multiples of 16 rows and columns, and rows of a multiple of 16 bytes.

    Example: `tile.sum_rows %g : !tile.buffer<64x128xf32, pad = 8>`
  }];
  let arguments = (ins Arg<Tile_BufferType, "", [MemRead, MemWrite]>:$buffer,
                       UnitAttr:$exclusive, UnitAttr:$reverse);
  let assemblyFormat = [{
    $buffer (`exclusive` $exclusive^)? (`reverse` $reverse^)? attr-dict `:`
    qualified(type($buffer))
  }];
  let hasVerifier = 1;
}

#endif // DELTANET_TILE_PRODUCTS
