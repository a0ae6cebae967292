//===- TileAsync.td - products and copies under way ----------*- tablegen -*-===//
// Products of warp groups that run on while the program goes on (wgmma), and
// copies of boxes by tensor map (TMA). Included by Tile.td.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TILE_ASYNC
#define DELTANET_TILE_ASYNC

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

def Tile_MapType : Tile_Type<"Map", "map"> {
  let summary = "a tensor in global memory as the copy engine sees it: a kernel argument";
  let description = [{
    A tensor map of `rank` dimensions, the innermost first. Whoever launches the
    kernel makes it from the entry `map` of the argument in `tile.launch`.
    Example: `!tile.map<4 x bf16>`.
  }];
  let parameters = (ins "int64_t":$rank, "::mlir::Type":$elementType);
  let assemblyFormat = "`<` $rank `x` $elementType `>`";
  let genVerifyDecl = 1;
}

def Tile_PendingType : Tile_Type<"Pending", "pending"> {
  let summary = "the result of a product under way, in registers nobody may look at";
  let description = [{
    Example: `!tile.pending<tensor<64x64xf32, #tile.acc<warps = [4, 1]>>>`.
  }];
  let parameters = (ins "::mlir::RankedTensorType":$tensor);
  let assemblyFormat = "`<` $tensor `>`";
  let genVerifyDecl = 1;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

def Tile_MmaAsyncOp : Tile_Op<"mma_async", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "start a product of one or more warp groups";
  let description = [{
    `result[m, n] = init[m, n] + sum_k lhs[m, k] rhs[k, n]`, with `negate` minus the
    sum, without init from zero. The right operand is a swizzled buffer, the left one
    another or 16-bit registers. `transpose_lhs` reads the left buffer as `lhs[k, m]`,
    `transpose_rhs` the right one as `rhs[n, k]`. A product that is under way may be
    the `init` of the next. Its registers, and those of the left operand, belong to
    the product until `mma_wait`. What threads stored into a buffer is there for it
    after `fence_async` and whatever lets this role see it.

    - C1: the operands have one element type, of 16 bits; the result is f32 with layout
      `#tile.acc<warps = [a, 1]>`, a multiple of 4, and M = 16 a.
    - C2: the extents agree; N is a multiple of 8 up to 256, K of 16.
    - C3: buffers are swizzled. A left operand in registers has the result's layout
      and is not transposed.
    - C4: the result is used once, in the same block, by `mma_wait` or as the init of
      another product of the same shape; an init under way is one of these.

    Example: `%x = tile.mma_async %S, %k transpose_rhs negate init(%v : tensor<64x64xf32, #acc>) : tensor<64x128xbf16, #acc>, !tile.buffer<64x128xbf16, swizzle = 128> -> !tile.pending<tensor<64x64xf32, #acc>>`
  }];
  let arguments = (ins Tile_Operand:$lhs, Tile_BufferType:$rhs,
                       Optional<AnyTypeOf<[Tile_F32Registers, Tile_PendingType]>>:$init,
                       UnitAttr:$transpose_lhs, UnitAttr:$transpose_rhs, UnitAttr:$negate);
  let results = (outs Tile_PendingType:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs (`transpose_lhs` $transpose_lhs^)? (`transpose_rhs` $transpose_rhs^)?
    (`negate` $negate^)? (`init` `(` $init^ `:` type($init) `)`)? attr-dict `:` type($lhs)
    `,` type($rhs) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_MmaWaitOp : Tile_Op<"mma_wait", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "wait for a product, and for all that were started before it";
  let description = [{
    Products started after it in the block may still be under way.

    - C1: the product was started in the same block, and no operation with a region
      that starts products stands between.

    Example: `%x = tile.mma_wait %p : !tile.pending<tensor<64x64xf32, #acc>> -> tensor<64x64xf32, #acc>`
  }];
  let arguments = (ins Tile_PendingType:$pending);
  let results = (outs Tile_F32Registers:$result);
  let assemblyFormat = "$pending attr-dict `:` type($pending) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_FenceAsyncOp : Tile_Op<"fence_async", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "let products and bulk copies see what this thread stored to shared memory";
  let description = [{
    They read shared memory another way than threads do. It stands between the
    stores and what tells others of them: `commit_slot`, or the barrier before
    `tma_store`.
  }];
  let assemblyFormat = "attr-dict";
}

//===----------------------------------------------------------------------===//
// Copies of boxes
//===----------------------------------------------------------------------===//

def Tile_PanelOp : Tile_Op<"panel", [Pure]> {
  let summary = "64 columns of a swizzled buffer, as a buffer";
  let description = [{
    Columns `64 index ..`; a swizzled buffer of more than 128 bytes a row is stored
    as such panels, one after the other.

    - C1: the buffer is swizzled; the result has its rows, element type and swizzle and
      128 bytes a row.

    Example: `%vw = tile.panel %v[%w] : !tile.buffer<64x128xbf16, swizzle = 128> -> !tile.buffer<64x64xbf16, swizzle = 128>`
  }];
  let arguments = (ins Tile_BufferType:$buffer, Index:$index);
  let results = (outs Tile_BufferType:$panel);
  let assemblyFormat = "$buffer `[` $index `]` attr-dict `:` type($buffer) `->` type($panel)";
  let hasVerifier = 1;
}

def Tile_TmaLoadOp : Tile_Op<"tma_load", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "start a bulk copy of a box of a tensor into a slot";
  let description = [{
    Row r of `buffer` becomes row `coordinates[1] + r` of the tensor, from element
    `coordinates[0]` on; what lies outside of the tensor is zero. The first thread of
    the role starts it; the slot is full when it has arrived (`commit_slot`).

    - C1: one coordinate for each dimension of the map, at least two; one element type.
    - C2: the buffer is swizzled, of at most 256 rows, and of a slot that `acquire`
      gave in the same block, in a role without copies.

    Example: `tile.tma_load %mk[%c0, %row, %h, %b] to %k : !tile.map<4 x bf16>, !tile.buffer<64x128xbf16, swizzle = 128>`
  }];
  let arguments = (ins Tile_MapType:$map, Variadic<Index>:$coordinates,
                       Tile_BufferType:$buffer);
  let assemblyFormat = [{
    $map `[` $coordinates `]` `to` $buffer attr-dict `:` type($map) `,` type($buffer)
  }];
  let hasVerifier = 1;
}

def Tile_TmaStoreOp : Tile_Op<"tma_store", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "start a bulk copy of a buffer to a box of a tensor";
  let description = [{
    The reverse of `tma_load`; what lies outside of the tensor is not written. The
    first thread starts it. The buffer may be overwritten after `tma_wait`.

    - C1: as `tma_load`.
    - C2: the buffer is swizzled, of at most 256 rows.

    Example: `tile.tma_store %o, %mo[%c, %row, %h, %b] : !tile.buffer<64x64xbf16, swizzle = 128>, !tile.map<4 x bf16>`
  }];
  let arguments = (ins Tile_BufferType:$buffer, Tile_MapType:$map,
                       Variadic<Index>:$coordinates);
  let assemblyFormat = [{
    $buffer `,` $map `[` $coordinates `]` attr-dict `:` type($buffer) `,` type($map)
  }];
  let hasVerifier = 1;
}

def Tile_TmaWaitOp : Tile_Op<"tma_wait", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "wait until at most `pending` bulk stores still read their buffers";
  let description = [{
    The first thread waits; the others know after the next `tile.barrier`.

    Example: `tile.tma_wait pending 0`
  }];
  let arguments = (ins ConfinedAttr<I64Attr, [IntNonNegative]>:$pending);
  let assemblyFormat = "`pending` $pending attr-dict";
}

#endif // DELTANET_TILE_ASYNC
