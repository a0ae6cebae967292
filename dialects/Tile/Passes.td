//===- Passes.td - rewrites at the tile level ----------------*- tablegen -*-===//
#ifndef DELTANET_TILE_PASSES
#define DELTANET_TILE_PASSES

include "mlir/Pass/PassBase.td"

def TileInsertBarriers : Pass<"tile-insert-barriers", "::mlir::gpu::GPUModuleOp"> {
  let summary = "put barriers between threads that write shared memory and threads that use it";
  let description = [{
    An operation that reads a buffer needs a barrier after the last write to it,
    one that writes it also after the last read. Copies count as written when they
    have been waited for. A loop's end meets its beginning.

    ```mlir
    tile.store_matrix %M, %m : ...
    %o = tile.mma %u, %m, %z : ...
    ```
    becomes
    ```mlir
    tile.store_matrix %M, %m : ...
    tile.barrier
    %o = tile.mma %u, %m, %z : ...
    ```
  }];
  let dependentDialects = ["::deltanet::tile::TileDialect"];
  let statistics = [Statistic<"numBarriers", "barriers", "barriers inserted">];
}

def TilePlanSharedMemory : Pass<"tile-plan-shared-memory", "::mlir::gpu::GPUModuleOp"> {
  let summary = "give every allocation its place in shared memory";
  let description = [{
    Allocations lie at multiples of 128 bytes, one after the other, or in one place
    where they are never occupied at one time: an allocation is occupied from an
    operation that writes all of it to the last that reads it, and on to the next
    barrier of those who use it. So the pass stands after `tile-insert-barriers`, and
    costs no barrier, unless that is more than there is: then whatever is not needed any
    more gives its place, with a barrier more where that takes one (a remark counts them).
    Channels, what several roles use, and what bulk copies or
    products of warp groups use, have places of their own. A remark says what was saved.

    ```mlir
    %k = tile.alloc : !tile.ring<2, 64x128xbf16, pad = 8>
    %T = tile.alloc : !tile.buffer<64x64xbf16, pad = 8>
    ```
    becomes
    ```mlir
    %k = tile.alloc at 0 : !tile.ring<2, 64x128xbf16, pad = 8>
    %T = tile.alloc at 34816 : !tile.buffer<64x64xbf16, pad = 8>
    ```
    The kernel's attribute `tile.shared_bytes` is where the last of them ends. More than `limit`
    bytes is an error that says by how much.
  }];
  let dependentDialects = ["::deltanet::tile::TileDialect"];
  let options = [Option<"limitBytes", "limit-bytes", "int64_t", "0",
                        "bytes of shared memory a block may have; 0: what kernel.target states">];
  let statistics = [
    Statistic<"sharedBytes", "bytes", "bytes of shared memory">,
    Statistic<"savedBytes", "saved-bytes", "bytes that places for each would need beyond that">];
}

#endif // DELTANET_TILE_PASSES
