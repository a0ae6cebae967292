//===- TileBlocked.td - tiles for the arithmetic units ------*- tablegen -*-===//
// A layout of registers for work without tensor cores, and the operations that
// it has beside load, store, arith and math. Included by Tile.td.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TILE_BLOCKED
#define DELTANET_TILE_BLOCKED

def Tile_BlockedAttr : Tile_Layout<"Blocked", "blocked"> {
  let summary = "a tile whose every dimension is spread over threads by itself";
  let description = [{
    One entry for every dimension, `v lanes l by s warps w by z`: neighbouring
    elements of a dimension lie, in this order,

    1. in the registers of one thread, v of them, which one access to memory moves
       where they are neighbours there, too;
    2. in l lanes of a warp, the lanes whose number differs by s;
    3. in w warps, whose number differs by z;
    4. and from there on again in the first, as often as the extent demands.

    So element `((r * w + warp / z % w) * l + lane / s % l) * v + e` of a dimension
    is number `r * v + e` of the thread. Without `lanes` and `warps` a thread holds
    the whole dimension. Threads that differ in nothing that the layout names hold
    the same elements. Places past the end of a dimension hold nothing: what
    is there has no meaning, and no operation lets it reach an element.

    A dimension that a tile lacks is an entry that its layout lacks: repeating and
    reducing a tile along a dimension changes no other entry, and nothing moves
    between threads but what is reduced.

    In a thread, the registers of all dimensions come in row-major order of r, and for
    each of these in row-major order of e.

    - C1: v, l, s, w, z are 1 or more, and powers of two.
    - C2: no bit of a lane's or a warp's number serves two dimensions, and a warp
      has 32 lanes.
    - C3: as many entries as the tile has dimensions.

    Example: `#tile.blocked<4 lanes 8 by 1, 1 lanes 4 by 8 warps 4 by 1>` for a
    128 x 32 part of a state that is stored V x K: a warp's load reads four times 128
    bytes.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$numbers);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// How one dimension is spread.
    struct Dim {
      int64_t vector = 1, lanes = 1, laneStride = 1, warps = 1, warpStride = 1;
      /// Elements from one repetition to the next.
      int64_t getSpan() const { return vector * lanes * warps; }
      /// Elements that a thread holds of `extent`.
      int64_t getElements(int64_t extent) const {
        return (extent + getSpan() - 1) / getSpan() * vector;
      }
    };
    static BlockedAttr get(::mlir::MLIRContext *context, ::llvm::ArrayRef<Dim> dims);
    int64_t getRank() const { return getNumbers().size() / 5; }
    Dim getDim(int64_t dim) const;
    /// This layout without the dimensions `dropped`.
    BlockedAttr drop(::llvm::ArrayRef<int64_t> dropped) const;
  }];
}

def Tile_Combine : I32EnumAttr<"Combine", "how a reduction combines", [
    I32EnumAttrCase<"Add", 0, "add">, I32EnumAttrCase<"Max", 1, "max">,
    I32EnumAttrCase<"Min", 2, "min">, I32EnumAttrCase<"Mul", 3, "mul">]> {
  let cppNamespace = "::deltanet::tile";
}

class Tile_BlockedOf<list<Type> types> : RankedTensorOf<types, [
    CPred<"::llvm::isa_and_nonnull<::deltanet::tile::BlockedAttr>("
          "::llvm::cast<::mlir::RankedTensorType>($_self).getEncoding())">],
    "tensor in layout #tile.blocked">;
def Tile_Blocked : Tile_BlockedOf<[F32, I32, I1]>;
def Tile_BlockedF32 : Tile_BlockedOf<[F32]>;

class Tile_BlockedOp<string mnemonic, list<Trait> traits = [Pure]>
    : Op<Tile_Dialect, mnemonic, traits> {
  let hasVerifier = 1;
}

def Tile_ExpandOp : Tile_BlockedOp<"expand"> {
  let summary = "repeat a tile along new dimensions";
  let description = [{
    The result has the dimensions of the input in order, and beside them those
    listed, along which it is constant. Nothing moves between threads.

    - C1: one element type; the result without the listed dimensions has the shape
      and the layout of the input.

    Example: `%k2 = tile.expand %k [1] : tensor<128xf32, #K> -> tensor<128x32xf32, #KV>`
  }];
  let arguments = (ins Tile_Blocked:$input, DenseI64ArrayAttr:$dimensions);
  let results = (outs Tile_Blocked:$result);
  let assemblyFormat = "$input $dimensions attr-dict `:` type($input) `->` type($result)";
}

def Tile_CombineOp : Tile_BlockedOp<"combine", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "sum, largest, smallest or product along dimensions";
  let description = [{
    Combines the elements along the listed dimensions: those of a thread first, then
    lanes by shuffles over doubling distances, then warps through `buffer`, in the
    order of their numbers. Every thread that differs in a reduced dimension alone
    has the same result, bit for bit. max and min keep NaN.

    - C1: the result has the element type of the input, f32, and its shape and layout
      without the listed dimensions.
    - C2: a buffer where, and only where, warps share a listed dimension: f32, a row
      for every element of the result that a thread holds, 32 columns for each
      warp of the block.

    Example: `%s = tile.combine add %p [0] : tensor<128x32xf32, #KV> -> tensor<32xf32, #V>`
  }];
  let arguments = (ins Tile_Combine:$kind, Tile_BlockedF32:$input,
                       DenseI64ArrayAttr:$dimensions, Optional<Tile_BufferType>:$buffer);
  let results = (outs Tile_BlockedF32:$result);
  let assemblyFormat = [{
    $kind $input $dimensions (`through` $buffer^ `:` type($buffer) `,`)? attr-dict
    `:` type($input) `->` type($result)
  }];
}

def Tile_TakeRowOp : Tile_BlockedOp<"take_row"> {
  let summary = "one row of a tile whose rows a thread holds whole";
  let description = [{
    `result[...] = input[index, ...]`.

    - C1: the index is one of the rows, and neither lanes nor warps share dimension 0.
    - C2: the result has the element type of the input, and its shape and layout
      without dimension 0.

    Example: `%k0 = tile.take_row %k [0] : tensor<2x128xf32, #nK> -> tensor<128xf32, #K>`
  }];
  let arguments = (ins Tile_Blocked:$input, I64Attr:$index);
  let results = (outs Tile_Blocked:$result);
  let assemblyFormat = "$input `[` $index `]` attr-dict `:` type($input) `->` type($result)";
}

def Tile_TransposeOp : Tile_BlockedOp<"transpose"> {
  let summary = "a tile with its two dimensions exchanged";
  let description = [{
    `result[i, j] = input[j, i]`. Nothing moves: the layout's entries change places,
    too.

    - C1: the result has the input's element type, and its extents and the entries of its
      layout exchanged.

    Example: `%t = tile.transpose %x : tensor<1x128xf32, #nK> -> tensor<128x1xf32, #Kn>`
  }];
  let arguments = (ins Tile_Blocked:$input);
  let results = (outs Tile_Blocked:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

#endif // DELTANET_TILE_BLOCKED
