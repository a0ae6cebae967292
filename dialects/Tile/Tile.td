//===- Tile.td - where: registers, shared memory, asynchrony -*- tablegen -*-===//
// The tile dialect: one block of threads as it works on tiles. README.md beside
// this file is the normative page.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TILE
#define DELTANET_TILE

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/TensorEncoding.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Tile_Dialect : Dialect {
  let name = "tile";
  let cppNamespace = "::deltanet::tile";
  let summary = "Where a tile is: registers, shared memory, and what moves between them";
  let description = [{
    The body of a `gpu.func` in which a value is a tile and an operation is
    carried out by all threads of the block together. A tensor with an encoding
    (`#tile.acc`, `#tile.slice`, `#tile.lanes`, `#tile.blocked`) lies in registers; shared memory
    is never a value but a handle, `!tile.buffer` or `!tile.ring`; global memory is
    a pointer, `!tile.global`. Elementwise work is `arith` and `math` on encoded
    tensors, control flow `scf`. Copies are asynchronous and waited for;
    `tile-insert-barriers` puts barriers where threads read what others wrote.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
}

//===----------------------------------------------------------------------===//
// Layouts of registers
//===----------------------------------------------------------------------===//

class Tile_Layout<string name, string what> : AttrDef<Tile_Dialect, name, [
    DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let mnemonic = what;
}

def Tile_AccAttr : Tile_Layout<"Acc", "acc"> {
  let summary = "a matrix in the registers of the block, as mma accumulates it";
  let description = [{
    `warps = [a, b]` splits an M x N matrix over a*b warps, row-major: each holds
    (M/a) x (N/b), in tiles of 16 x 8, row-major too. Where more warps work together,
    warp a*b holds what warp 0 holds, and so on; stores are then done by the first. Lane l has four elements of a
    tile: rows l/4 and l/4 + 8, columns 2(l%4) and 2(l%4) + 1. A 16-bit matrix in
    this layout with b = 1 is the left operand of a product as it stands.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$warps);
  let assemblyFormat = "`<` `warps` `=` `[` $warps `]` `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getNumWarps() const { return getWarps()[0] * getWarps()[1]; }
  }];
}

def Tile_SliceAttr : Tile_Layout<"Slice", "slice"> {
  let summary = "a vector as a matrix would hold it that repeats it along one dimension";
  let description = [{
    The vector that remains of a matrix in layout `parent` when dimension `dim` is
    dropped. Every thread holds the elements at its own places of the other
    dimension, so that `tile.broadcast` along `dim` moves nothing.
  }];
  let parameters = (ins "int64_t":$dim, "AccAttr":$parent);
  let assemblyFormat = "`<` $dim `of` $parent `>`";
  let genVerifyDecl = 1;
}

def Tile_LanesAttr : Tile_Layout<"Lanes", "lanes"> {
  let summary = "a vector spread over the lanes of a warp, the same in every warp";
  let description = [{
    A vector of n elements. Every lane holds p of them, p the smallest divisor of n
    with 32 p >= n: lane l those from p (l mod n/p) on, n/32 where n is a multiple of
    32. All warps hold the same, so work on such a vector needs no barrier.
  }];
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

class Tile_Type<string name, string what> : TypeDef<Tile_Dialect, name> {
  let mnemonic = what;
}

def Tile_GlobalType : Tile_Type<"Global", "global"> {
  let summary = "pointer to elements in global memory";
  let description = "Example: `!tile.global<bf16>`. Offsets from it are counted in elements.";
  let parameters = (ins "::mlir::Type":$elementType);
  let assemblyFormat = "`<` $elementType `>`";
  let genVerifyDecl = 1;
}

class Tile_SharedType<string name, string what> : Tile_Type<name, what> {
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  code common = [{
    int64_t getRows() const { return getShape()[0]; }
    int64_t getColumns() const { return getShape()[1]; }
    int64_t getElementBytes() const { return getElementType().getIntOrFloatBitWidth() / 8; }
    /// Bytes from one row to the next; in all, where rows are swizzled.
    int64_t getRowBytes() const { return (getColumns() + getPad()) * getElementBytes(); }
    bool isSwizzled() const { return getSwizzle() != 0; }
    /// Where it may start: at a multiple of so many bytes.
    int64_t getAlignment() const { return isSwizzled() ? 8 * getSwizzle() : 128; }
  }];
}

def Tile_BufferType : Tile_SharedType<"Buffer", "buffer"> {
  let summary = "a matrix in shared memory";
  let description = [{
    Rows lie one after the other with `pad` elements between them. Accesses meet
    every bank once where rows of 16-bit elements lie an odd multiple of 16 bytes
    apart, rows of f32 an odd multiple of 32: with a pad of 8 elements, rows of a
    multiple of 16. Example: `!tile.buffer<64x128xbf16, pad = 8>`.

    With `swizzle = 128` it lies as bulk copies and products of warp groups want it:
    in panels of 128 bytes a row, one panel after the other, rows without a pad. The
    16 bytes number c of row r are at place c xor (r mod 8) of the row, so that eight
    rows meet every bank once. Elements have 16 bits, rows come in multiples of 8.
    Example: `!tile.buffer<64x128xbf16, swizzle = 128>`, two panels.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "::mlir::Type":$elementType,
                        "int64_t":$pad, "int64_t":$swizzle);
  let builders = [TypeBuilder<(ins "::llvm::ArrayRef<int64_t>":$shape,
      "::mlir::Type":$elementType, "int64_t":$pad), [{
    return $_get($_ctxt, shape, elementType, pad, /*swizzle=*/0);
  }]>];
  let extraClassDeclaration = common # [{
    int64_t getBytes() const { return getRows() * getRowBytes(); }
  }];
}

def Tile_RingType : Tile_SharedType<"Ring", "ring"> {
  let summary = "several buffers of one type in shared memory, used in turn";
  let description = [{
    Example: `!tile.ring<2, 64x128xbf16, pad = 8>`, whose slots are
    `!tile.buffer<64x128xbf16, pad = 8>`. Copies into one slot run while another
    is read.
  }];
  let parameters = (ins "int64_t":$slots, ArrayRefParameter<"int64_t">:$shape,
                        "::mlir::Type":$elementType, "int64_t":$pad,
                        "int64_t":$swizzle);
  let builders = [TypeBuilder<(ins "int64_t":$slots, "::llvm::ArrayRef<int64_t>":$shape,
      "::mlir::Type":$elementType, "int64_t":$pad), [{
    return $_get($_ctxt, slots, shape, elementType, pad, /*swizzle=*/0);
  }]>];
  let extraClassDeclaration = common # [{
    BufferType getSlotType() const {
      return BufferType::get(getContext(), getShape(), getElementType(), getPad(),
                             getSwizzle());
    }
    int64_t getBytes() const { return getSlots() * getSlotType().getBytes(); }
  }];
}

def Tile_Shared : AnyTypeOf<[Tile_BufferType, Tile_RingType]>;
class Tile_RegistersOf<list<Type> types> : RankedTensorOf<types, [
    CPred<"::llvm::isa<::deltanet::tile::AccAttr, ::deltanet::tile::SliceAttr, "
          "::deltanet::tile::LanesAttr, ::deltanet::tile::BlockedAttr>(::llvm::cast<::mlir::RankedTensorType>($_self)"
          ".getEncoding())">], "tensor in registers">;
def Tile_Float : AnyTypeOf<[F32, BF16, F16]>;
def Tile_Registers : Tile_RegistersOf<[F32, BF16, F16, I32, I1]>;
def Tile_FloatRegisters : Tile_RegistersOf<[F32, BF16, F16]>;
def Tile_F32Registers : Tile_RegistersOf<[F32]>;
def Tile_Operand : AnyTypeOf<[Tile_FloatRegisters, Tile_BufferType], "registers or a buffer">;

def Tile_Precision : I32EnumAttr<"Precision", "how products of f32 operands are formed", [
    I32EnumAttrCase<"TF32", 0, "tf32">,
    I32EnumAttrCase<"TF32X3", 1, "tf32x3">]> {
  let cppNamespace = "::deltanet::tile";
  let genSpecializedAttr = 0;
}
def Tile_PrecisionAttr : EnumAttr<Tile_Dialect, Tile_Precision, "precision"> {
  let assemblyFormat = "$value";
}

//===----------------------------------------------------------------------===//
// Shared memory and global memory
//===----------------------------------------------------------------------===//

class Tile_Op<string mnemonic, list<Trait> traits = []> : Op<Tile_Dialect, mnemonic, traits>;

def Tile_AllocOp : Tile_Op<"alloc"> {
  let summary = "shared memory of the block, for as long as the kernel runs";
  let description = [{
    `offset` is its place in bytes, set by `tile-plan-shared-memory`.

    Example: `%T = tile.alloc : !tile.buffer<64x64xbf16, pad = 8>`
  }];
  let arguments = (ins OptionalAttr<I64Attr>:$offset);
  let results = (outs Tile_Shared:$shared);
  let assemblyFormat = "(`at` $offset^)? attr-dict `:` type($shared)";
}

def Tile_SlotOp : Tile_Op<"slot", [Pure]> {
  let summary = "one buffer of a ring";
  let description = [{
    Slot `index` modulo the number of slots.

    - C1: the buffer has the shape, element type and pad of the ring.

    Example: `%k = tile.slot %ks[%c] : !tile.ring<2, 64x128xbf16, pad = 8> -> !tile.buffer<64x128xbf16, pad = 8>`
  }];
  let arguments = (ins Tile_RingType:$ring, Index:$index);
  let results = (outs Tile_BufferType:$buffer);
  let assemblyFormat = "$ring `[` $index `]` attr-dict `:` type($ring) `->` type($buffer)";
  let hasVerifier = 1;
}

def Tile_RowOp : Tile_Op<"row", [Pure]> {
  let summary = "one row of a buffer, as a buffer of one row";
  let description = [{
    - C1: the index is one of the rows; the result has one row of the buffer's
      columns and element type, and no pad. The buffer is not swizzled.

    Example: `%last = tile.row %g[31] : !tile.buffer<32x128xf32, pad = 8> -> !tile.buffer<1x128xf32>`
  }];
  let arguments = (ins Tile_BufferType:$buffer, I64Attr:$index);
  let results = (outs Tile_BufferType:$row);
  let assemblyFormat = "$buffer `[` $index `]` attr-dict `:` type($buffer) `->` type($row)";
  let hasVerifier = 1;
}

def Tile_LoadElementOp : Tile_Op<"load_element", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "one number from shared memory, in every thread";
  let description = [{
    `result = buffer[0, index]`.

    - C1: f32; the buffer has one row, the index is one of its elements.

    Example: `%gC = tile.load_element %g[31] : !tile.buffer<1x32xf32>`
  }];
  let arguments = (ins Tile_BufferType:$buffer, I64Attr:$index);
  let results = (outs F32:$result);
  let assemblyFormat = "$buffer `[` $index `]` attr-dict `:` type($buffer)";
  let hasVerifier = 1;
}

def Tile_CopyAsyncOp : Tile_Op<"copy_async", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "start a copy of rows from global into shared memory";
  let description = [{
    Row r of `buffer` becomes the elements from `source + offset + r * stride` for
    r < `rows` and zeros otherwise; `rows` may be negative. With `columns` only so
    many elements of a row are read, the others are zeros. The copy has
    happened for the threads that started it after `tile.wait`, for all others after
    the next `tile.barrier`.

    - C1: source and buffer have one element type.
    - C2: a row is a multiple of 16 bytes, the padded row and `columns`, which are at
      most those of the buffer, too.

    Offset and stride must be multiples of 16 bytes, as the pointer must.

    Example: `tile.copy_async %k[%at] stride %ld rows %n to %buffer : !tile.global<bf16>, !tile.buffer<64x128xbf16, pad = 8>`
  }];
  let arguments = (ins Tile_GlobalType:$source, Index:$offset, Index:$stride, Index:$rows,
                       OptionalAttr<I64Attr>:$columns, Tile_BufferType:$buffer);
  let assemblyFormat = [{
    $source `[` $offset `]` `stride` $stride `rows` $rows (`columns` $columns^)? `to` $buffer attr-dict `:`
    type($source) `,` type($buffer)
  }];
  let hasVerifier = 1;
}

def Tile_CommitOp : Tile_Op<"commit", [MemoryEffects<[MemWrite]>]> {
  let summary = "make the copies started since the last commit one group";
  let assemblyFormat = "attr-dict";
}

def Tile_WaitOp : Tile_Op<"wait", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "wait until at most `pending` groups of copies are under way";
  let description = "Example: `tile.wait pending 0`";
  let arguments = (ins ConfinedAttr<I64Attr, [IntNonNegative]>:$pending);
  let assemblyFormat = "`pending` $pending attr-dict";
}

def Tile_BarrierOp : Tile_Op<"barrier", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "wait for all threads of the block, and see what they wrote";
  let assemblyFormat = "attr-dict";
}

def Tile_LoadOp : Tile_Op<"load", [MemoryEffects<[MemRead]>, AttrSizedOperandSegments]> {
  let summary = "load a tile from global memory into registers";
  let description = [{
    Element (i, j) is at `source + offset + i * strides[0] + j * strides[1]`. With
    `below n along [d]` elements whose coordinate d is n or more are not read and
    are zero. Without strides the result is one number.

    Of a tile in layout `#tile.blocked`, the elements that a thread holds side by side
    are one access where their stride is the constant 1; offset and the other strides
    are then multiples of their number, and the limit along them is, too.

    - C1: source and result have one element type; integers are numbers, not tiles.
    - C2: one stride for every dimension; a limit for each dimension that `along`
      lists, each a dimension, none twice.

    Example: `%b = tile.load %beta[%at] strides [%h] below %n along [0] : !tile.global<f32> -> tensor<64xf32, #tile.lanes>`
  }];
  let arguments = (ins Tile_GlobalType:$source, Index:$offset, Variadic<Index>:$strides,
                       Variadic<Index>:$limits, OptionalAttr<DenseI64ArrayAttr>:$along);
  let results = (outs AnyTypeOf<[Tile_FloatRegisters, Tile_Float, I32, I64]>:$result);
  let assemblyFormat = [{
    $source `[` $offset `]` (`strides` `[` $strides^ `]`)? (`below` $limits^ `along` $along)?
    attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_StoreOp : Tile_Op<"store", [MemoryEffects<[MemWrite]>, AttrSizedOperandSegments]> {
  let summary = "store registers to global memory";
  let description = [{
    The places are those of `tile.load`; elements that are not below the limits are
    not written. `target` points to a multiple of 16 bytes, as every tensor of a kernel
    does: rows that are contiguous, without a limit, and begin at such multiples are
    stored 16 bytes at a time.

    - C1, C2: as `tile.load`.

    Example: `tile.store %o, %out[%at] strides [%one, %ld] below %n along [1] : tensor<128x64xbf16, #tile.acc<warps = [8, 1]>>, !tile.global<bf16>`
  }];
  let arguments = (ins Tile_FloatRegisters:$value, Tile_GlobalType:$target, Index:$offset,
                       Variadic<Index>:$strides, Variadic<Index>:$limits,
                       OptionalAttr<DenseI64ArrayAttr>:$along);
  let assemblyFormat = [{
    $value `,` $target `[` $offset `]` (`strides` `[` $strides^ `]`)?
    (`below` $limits^ `along` $along)? attr-dict `:` type($value) `,` type($target)
  }];
  let hasVerifier = 1;
}

def Tile_LoadMatrixOp : Tile_Op<"load_matrix", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "load a matrix from shared memory into registers";
  let description = [{
    `result[i, j] = buffer[i, j]`, with `transpose` `buffer[j, i]`.

    - C1: one element type; the result has layout `#tile.acc`.
    - C2: the shapes agree.
    - C3: rows of an f32 buffer start at multiples of 8 bytes.

    Example: `%vT = tile.load_matrix %v transpose : !tile.buffer<64x128xbf16, pad = 8> -> tensor<128x64xbf16, #tile.acc<warps = [8, 1]>>`
  }];
  let arguments = (ins Tile_BufferType:$buffer, UnitAttr:$transpose);
  let results = (outs Tile_FloatRegisters:$result);
  let assemblyFormat = [{
    $buffer (`transpose` $transpose^)? attr-dict `:` type($buffer) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_StoreMatrixOp : Tile_Op<"store_matrix", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "store a matrix from registers to shared memory";
  let description = [{
    `buffer[i, j] = value[i, j]`, with `transpose` `buffer[j, i]`.

    - C1: one element type, with `transpose` of 16 bits; the value has layout
      `#tile.acc`.
    - C2: the shapes agree.
    - C3: as `load_matrix`.

    Example: `tile.store_matrix %M, %buffer : tensor<64x64xbf16, #tile.acc<warps = [4, 2]>>, !tile.buffer<64x64xbf16, pad = 8>`
  }];
  let arguments = (ins Tile_FloatRegisters:$value, Tile_BufferType:$buffer,
                       UnitAttr:$transpose);
  let assemblyFormat = [{
    $value `,` $buffer (`transpose` $transpose^)? attr-dict `:` type($value) `,` type($buffer)
  }];
  let hasVerifier = 1;
}

def Tile_LoadVectorOp : Tile_Op<"load_vector", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "load a vector from shared memory into registers";
  let description = [{
    `result[i] = buffer[0, i]`. Elements of bf16 become f32.

    - C1: the result is f32 and has layout `#tile.slice` or `#tile.lanes`; the buffer is
      f32 or bf16.
    - C2: the buffer has one row, as long as the result.

    Example: `%G = tile.load_vector %g : !tile.buffer<1x64xf32> -> tensor<64xf32, #tile.slice<0 of <warps = [8, 1]>>>`
  }];
  let arguments = (ins Tile_BufferType:$buffer);
  let results = (outs Tile_F32Registers:$result);
  let assemblyFormat = "$buffer attr-dict `:` type($buffer) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_StoreVectorOp : Tile_Op<"store_vector", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "store a vector from registers to shared memory";
  let description = [{
    Every element is stored by one of the threads that hold it.

    - C1: f32; the value has layout `#tile.lanes` or `#tile.slice`.
    - C2: the buffer has one row, as long as the value.

    Example: `tile.store_vector %G, %g : tensor<64xf32, #tile.lanes>, !tile.buffer<1x64xf32>`
  }];
  let arguments = (ins Tile_F32Registers:$value, Tile_BufferType:$buffer);
  let assemblyFormat = "$value `,` $buffer attr-dict `:` type($value) `,` type($buffer)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

def Tile_MmaOp : Tile_Op<"mma", [AllTypesMatch<["init", "result"]>,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "matrix product on the tensor cores, f32 accumulation";
  let description = [{
    `result[m, n] = init[m, n] + sum_k lhs[m, k] rhs[k, n]`. The right operand is a
    buffer, the left one a buffer, or registers whose layout splits only the rows.
    `transpose_lhs` reads the left buffer as `lhs[k, m]`, `transpose_rhs` the right
    one as `rhs[n, k]`.

    f32 operands are rounded to tf32, to nearest (`precision tf32`, 11 bits), or
    split into such a number and a rest that is rounded too, of which three products
    are taken (`precision tf32x3`, relative errors about 1e-6).

    A left operand of f32 in registers beside a right one of 16 bits is rounded to its
    type, a part at a time: it never is in registers a second time as a whole.

    - C1: the operands have one element type, but for a left one that is rounded; init
      and result are f32 with layout `#tile.acc`. A precision is stated for operands
      of f32 and for no others.
    - C2: the extents agree; M is a multiple of 16 and N of 8 for every warp, K of
      16, of f32 operands of 8.
    - C3: a left operand in registers has layout `warps = [a, 1]` where the result has
      `[a, 1]`, and is not transposed.
    - C4: rows of an f32 buffer start at multiples of 8 bytes.

    Example: `%x = tile.mma %S, %k, %zero transpose_rhs : tensor<128x128xbf16, #acc>, !tile.buffer<64x128xbf16, pad = 8> -> tensor<128x64xf32, #acc>`,
    `%x = tile.mma %S, %k, %zero precision tf32x3 : tensor<128x64xf32, #acc>, !tile.buffer<64x128xf32, pad = 8> -> tensor<128x128xf32, #acc>`
  }];
  let arguments = (ins Tile_Operand:$lhs, Tile_BufferType:$rhs, Tile_F32Registers:$init,
                       UnitAttr:$transpose_lhs, UnitAttr:$transpose_rhs,
                       OptionalAttr<Tile_PrecisionAttr>:$precision);
  let results = (outs Tile_F32Registers:$result);
  let builders = [OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$lhs,
      "::mlir::Value":$rhs, "::mlir::Value":$init, "bool":$transposeLhs,
      "bool":$transposeRhs), [{
    build($_builder, $_state, result, lhs, rhs, init, transposeLhs, transposeRhs,
          PrecisionAttr());
  }]>];
  let assemblyFormat = [{
    $lhs `,` $rhs `,` $init (`transpose_lhs` $transpose_lhs^)?
    (`transpose_rhs` $transpose_rhs^)? (`precision` $precision^)? attr-dict `:`
    type($lhs) `,` type($rhs) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_UnitLowerInverseOp : Tile_Op<"unit_lower_inverse", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "inverse of the identity plus a strictly lower triangle, in shared memory";
  let description = [{
    `result = (I + strict_lower(lower))^-1` (5), its columns multiplied with `scale`.
    Diagonal blocks of 16 x 16 are solved by substitution in f32, half a warp each; the block columns below them are
    `X[i] = -(P[i] X[i-1] + D[i] sum_{j<=m<i-1} L[i,m] X[m])` with `P[i] = D[i] L[i,i-1]`
    and D the inverses of the diagonal blocks, one warp each, with products in tf32
    (tf32x3 where the result is f32). There is no power series, so nothing is lost
    where keys repeat. `lower` holds intermediate values afterwards. Any number of
    warps will do; between the two steps all threads meet at a barrier.

    - C1: `lower` is f32, `result` a float type; both C x C, C a multiple of 16.
    - C2: rows of both start at multiples of 16 bytes; `lower` is not swizzled.
    - C3: `scale` is f32, one row of C.

    Example: `tile.unit_lower_inverse %L, %T : !tile.buffer<64x64xf32, pad = 8>, !tile.buffer<64x64xbf16, pad = 8>`
  }];
  let arguments = (ins Tile_BufferType:$lower, Tile_BufferType:$result,
                       Optional<Tile_BufferType>:$scale);
  let builders = [OpBuilder<(ins "::mlir::Value":$lower, "::mlir::Value":$result), [{
    build($_builder, $_state, lower, result, ::mlir::Value());
  }]>];
  let assemblyFormat = [{
    $lower `,` $result (`scale` $scale^)? attr-dict `:` type($lower) `,` type($result)
    (`,` type($scale)^)?
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Vectors, coordinates
//===----------------------------------------------------------------------===//

def Tile_BroadcastOp : Tile_Op<"broadcast", [Pure]> {
  let summary = "repeat a number or a vector over a tile";
  let description = [{
    A vector in layout `#tile.slice<d of L>` is repeated along dimension d of a
    matrix in layout L, a number everywhere. Nothing moves between threads.

    - C1: a vector's layout is a slice of the result's, its length the other extent;
      one element type.

    Example: `%G2 = tile.broadcast %G : tensor<64xf32, #tile.slice<0 of #acc>> -> tensor<128x64xf32, #acc>`
  }];
  let arguments = (ins AnyTypeOf<[Tile_Registers, F32, I32]>:$input);
  let results = (outs Tile_Registers:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_ConvertOp : Tile_Op<"convert", [Pure]> {
  let summary = "another layout of the same vector";
  let description = [{
    By shuffles within every warp. Where no warp holds all elements, a vector goes
    through shared memory instead (`store_vector`, `load_vector`).

    - C1: one shape and element type, f32; layouts `#tile.lanes` or `#tile.slice`.
    - C2: a slice that is converted is not split over warps.

    Example: `%g1 = tile.convert %g : tensor<64xf32, #tile.lanes> -> tensor<64xf32, #tile.slice<0 of #acc>>`
  }];
  let arguments = (ins Tile_F32Registers:$input);
  let results = (outs Tile_F32Registers:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_RepeatOp : Tile_Op<"repeat", [Pure]> {
  let summary = "repeat every element of a vector, or every row of a matrix";
  let description = [{
    `result[i] = input[i / n]`, n the ratio of the lengths (several steps a token, (25)); of
    matrices i counts rows. By shuffles within every warp.

    - C1: f32 in one layout, `#tile.lanes` or `#tile.acc<warps = [1, b]>`; the result has
      a multiple of the input's rows, and as many columns.

    Example: `%gk = tile.repeat %g : tensor<32xf32, #tile.lanes> -> tensor<64xf32, #tile.lanes>`
  }];
  let arguments = (ins Tile_F32Registers:$input);
  let results = (outs Tile_F32Registers:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_StepOp : Tile_Op<"step", [Pure]> {
  let summary = "one of several rows a token";
  let description = [{
    `result[i] = input[i n + step]`, n the ratio of the lengths: what a step of every token
    has, of several steps a token (25). By shuffles within every warp. The sum over steps, the
    adjoint of `tile.repeat`, is a sum of these.

    - C1: f32 in one layout, `#tile.lanes` or `#tile.acc<warps = [1, b]>`; the input has
      a multiple of the result's rows, and as many columns.
    - C2: the step is one of the n.

    Example: `%k1 = tile.step %k [1] : tensor<64xf32, #tile.lanes> -> tensor<32xf32, #tile.lanes>`
  }];
  let arguments = (ins Tile_F32Registers:$input, I64Attr:$step);
  let results = (outs Tile_F32Registers:$result);
  let assemblyFormat = "$input `[` $step `]` attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_ExtractOp : Tile_Op<"extract", [Pure]> {
  let summary = "one element of a vector, in every thread";
  let description = [{
    - C1: the layout is `#tile.lanes`, the index one of the elements.

    Example: `%gC = tile.extract %g[63] : tensor<64xf32, #tile.lanes>`
  }];
  let arguments = (ins Tile_F32Registers:$input, I64Attr:$index);
  let results = (outs F32:$result);
  let assemblyFormat = "$input `[` $index `]` attr-dict `:` type($input)";
  let hasVerifier = 1;
}

def Tile_CoordinateOp : Tile_Op<"coordinate", [Pure]> {
  let summary = "the coordinate of every element along one dimension";
  let description = [{
    Masks and triangles are comparisons of coordinates.

    - C1: the dimension is one of the result's.

    Example: `%row = tile.coordinate 0 : tensor<64x64xi32, #acc>`
  }];
  let arguments = (ins I64Attr:$dimension);
  let results = (outs Tile_RegistersOf<[I32]>:$result);
  let assemblyFormat = "$dimension attr-dict `:` type($result)";
  let hasVerifier = 1;
}

include "Tile/TileProducts.td"
include "Tile/TileRoles.td"
include "Tile/TileAsync.td"
include "Tile/TileBlocked.td"

#endif // DELTANET_TILE
