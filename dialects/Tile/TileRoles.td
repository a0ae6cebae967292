//===- TileRoles.td - warps with different work, channels ----*- tablegen -*-===//
// Roles of warps, and the rings of slots through which they hand tiles to each
// other. Included by Tile.td.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TILE_ROLES
#define DELTANET_TILE_ROLES

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

def Tile_ChannelType : Tile_Type<"Channel", "channel"> {
  let summary = "a ring of slots between a role that fills them and roles that use them";
  let description = [{
    Every slot has one buffer of each type listed, a *full* and an *empty* barrier
    that count arrivals (mbarrier), all in shared memory.

    Example: `!tile.channel<2, <64x128xbf16, pad = 8>, <1x64xf32>>`, two slots of a
    matrix and a vector each.
  }];
  let parameters = (ins "int64_t":$slots, ArrayRefParameter<"BufferType">:$buffers);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Byte at which buffer `number` of a slot starts.
    int64_t getBufferOffset(unsigned number) const;
    /// Where the channel may start: at a multiple of so many bytes.
    int64_t getAlignment() const;
    /// Bytes from one slot to the next.
    int64_t getSlotBytes() const;
    /// Bytes at which the full and empty barriers start; one follows the other,
    /// `kBarrierBytes` each.
    int64_t getFullOffset() const { return getSlots() * getSlotBytes(); }
    int64_t getEmptyOffset() const { return getFullOffset() + getSlots() * kBarrierBytes; }
    int64_t getBytes() const { return getEmptyOffset() + getSlots() * kBarrierBytes; }
    static constexpr int64_t kBarrierBytes = 8;
  }];
}

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

def Tile_RolesOp : Tile_Op<"roles", [SingleBlock, NoTerminator, RecursiveMemoryEffects]> {
  let summary = "give the warps of the block different work";
  let description = [{
    Warps are given to the roles in their order: the first role has warps 0 .., the
    next one those that follow. In a role's region *all threads* are the threads of
    the role: layouts, copies and barriers count its warps alone. Regions use values
    from above and yield nothing; what passes from role to role passes through a
    channel. A role with `copies` is carried out that often at the same time, by other
    warps each time: all threads are those of one copy, `tile.role_copy` says which.
    `registers` is what a thread of the role may have where the target can
    pass registers between warps (setmaxnreg), and is not looked at elsewhere.

    - C1: roles have distinct names, at least one warp and one copy each; at most 15
      copies in all.
    - C2: the operation stands in the body of a kernel that states its block size, and
      is the only one there.
    - C3: the warps of all copies of all roles are those of the block.
    - C4: layouts in a role are over at most the warps of the role.
    - C5: registers are a multiple of 8 from 24 to 248; roles that share four
      consecutive warps (a warp group) state the same.
    - C6: a buffer of `tile.alloc` that one role writes is used by no other role.
    - C7: a channel used has one producer role and at least one consumer role.
    - C8: of a channel, every `acquire` is followed by one `commit_slot` and every
      `wait_slot` by one `release`, of the same index and in the same block.

    Example:
    ```mlir
    tile.roles load(warps = 1) {
      scf.for %i = %c0 to %n step %c1 {
        %k = tile.acquire %ks[%i] : !tile.channel<2, <64x128xbf16, pad = 8>>
        tile.copy_async %p[%at] stride %ld rows %rows to %k : !tile.global<bf16>, !tile.buffer<64x128xbf16, pad = 8>
        tile.commit_slot %ks[%i] : !tile.channel<2, <64x128xbf16, pad = 8>>
      }
    }, work(warps = 8) {
      scf.for %i = %c0 to %n step %c1 {
        %k = tile.wait_slot %ks[%i] : !tile.channel<2, <64x128xbf16, pad = 8>>
        ...
        tile.release %ks[%i] : !tile.channel<2, <64x128xbf16, pad = 8>>
      }
    }
    ```
  }];
  let arguments = (ins StrArrayAttr:$names, DenseI64ArrayAttr:$warps,
                       DenseI64ArrayAttr:$copies, DenseI64ArrayAttr:$registers);
  let regions = (region VariadicRegion<SizedRegion<1>>:$bodies);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    unsigned getNumRoles() { return getBodies().size(); }
    ::llvm::StringRef getName(unsigned role) {
      return ::llvm::cast<::mlir::StringAttr>(getNames()[role]).getValue();
    }
    int64_t getFirstWarp(unsigned role);
    /// Copies of the roles before this one.
    int64_t getFirstCopy(unsigned role);
    /// Warps of all roles.
    int64_t getNumWarps() { return getFirstWarp(getNumRoles()); }
  }];
}

def Tile_RoleCopyOp : Tile_Op<"role_copy", [Pure]> {
  let summary = "which copy of its role this is, from 0";
  let description = [{
    - C1: in a role.

    Example: `%w = tile.role_copy`
  }];
  let results = (outs Index:$copy);
  let assemblyFormat = "attr-dict";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Channels
//===----------------------------------------------------------------------===//

def Tile_ChannelOp : Tile_Op<"channel"> {
  let summary = "a channel between roles, for as long as the kernel runs";
  let description = [{
    `offset` is its place in shared memory in bytes, set by
    `tile-plan-shared-memory`. Its barriers are made ready before the roles begin.

    - C1: it stands before `tile.roles`, not in a role.

    Example: `%ks = tile.channel : !tile.channel<2, <64x128xbf16, pad = 8>>`
  }];
  let arguments = (ins OptionalAttr<I64Attr>:$offset);
  let results = (outs Tile_ChannelType:$channel);
  let assemblyFormat = "(`at` $offset^)? attr-dict `:` type($channel)";
  let hasVerifier = 1;
}

class Tile_SlotUse<string mnemonic, list<Trait> traits = []>
    : Tile_Op<mnemonic, traits # [MemoryEffects<[MemRead, MemWrite]>]> {
  let arguments = (ins Tile_ChannelType:$channel, Index:$index);
  let assemblyFormat = "$channel `[` $index `]` attr-dict `:` type($channel)";
  let hasVerifier = 1;
}

def Tile_AcquireOp : Tile_SlotUse<"acquire", [
    DeclareOpInterfaceMethods<InferTypeOpInterface>]> {
  let summary = "producer: wait until a slot is empty, and give its buffers";
  let description = [{
    Slot `index` modulo the number of slots. The index is the running number of the
    slot's use: every role counts 0, 1, 2, .. and which turn of the ring it is (the
    barrier's parity) follows from it.

    - C1: in a role, on a channel made by `tile.channel`.

    Example: `%k, %g = tile.acquire %ch[%i] : !tile.channel<2, <64x128xbf16, pad = 8>, <1x64xf32>>`
  }];
  let results = (outs Variadic<Tile_BufferType>:$buffers);
}

def Tile_CommitSlotOp : Tile_SlotUse<"commit_slot"> {
  let summary = "producer: say that a slot is full";
  let description = [{
    Nobody waits here. What the role's threads wrote before is there for whoever
    comes out of `wait_slot`; so are the copies they started (`copy_async`), when
    they have arrived: the slot is full after the last of them. Which of the two a
    channel's slots hold is seen from the uses of the acquired buffers.

    - C1: as `acquire`.

    Example: `tile.commit_slot %ch[%i] : !tile.channel<2, <64x128xbf16, pad = 8>>`
  }];
}

def Tile_WaitSlotOp : Tile_SlotUse<"wait_slot", [
    DeclareOpInterfaceMethods<InferTypeOpInterface>]> {
  let summary = "consumer: wait until a slot is full, and give its buffers";
  let description = [{
    - C1: as `acquire`.

    Example: `%k, %g = tile.wait_slot %ch[%i] : !tile.channel<2, <64x128xbf16, pad = 8>, <1x64xf32>>`
  }];
  let results = (outs Variadic<Tile_BufferType>:$buffers);
}

def Tile_ReleaseOp : Tile_SlotUse<"release"> {
  let summary = "consumer: say that a slot is not read any more";
  let description = [{
    The slot is empty when every warp of every consumer role has said so.

    - C1: as `acquire`.

    Example: `tile.release %ch[%i] : !tile.channel<2, <64x128xbf16, pad = 8>>`
  }];
}

#endif // DELTANET_TILE_ROLES
