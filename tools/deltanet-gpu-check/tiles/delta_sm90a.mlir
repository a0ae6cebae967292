// The delta rule without a gate, K = V = 128, bf16, chunks of 64 tokens, for warp
// groups: written by hand in tiles, as a schedule for Hopper is meant to come out.
//
// Persistent blocks work through heads of sequences, their chunks in one row, so
// that roles which do not wait for the state run ahead. (3)-(9) with the state
// transposed: math holds rows 64 w .. of S^T in registers, all left operands too.
//   math   X^T = V^T - S^T K^T, U^T = X^T T^T, O^T = S^T Q^T + U^T P^T, S^T += U^T K
//   aux    L = beta K K^T, P = tril(Q K^T)
//   load   bulk copies of K, Q and V; V trails, so that its one slot holds up nothing
//   invert T = (I + strict_lower(L))^-1 diag(beta)
#acc = #tile.acc<warps = [4, 1]>
#rows = #tile.slice<1 of <warps = [4, 1]>>
!tokens = !tile.buffer<64x128xbf16, swizzle = 128>
!square = !tile.buffer<64x64xbf16, swizzle = 128>
!kq = !tile.channel<4, <64x128xbf16, swizzle = 128>, <64x128xbf16, swizzle = 128>>
!v = !tile.channel<1, <64x128xbf16, swizzle = 128>>
!t = !tile.channel<2, <64x64xbf16, swizzle = 128>>
!lower = !tile.channel<1, <64x64xf32, pad = 8>, <1x64xf32>>
!map = !tile.map<4 x bf16>
gpu.module @kernels {
  gpu.func @delta(%mq: !map, %mk: !map, %mv: !map, %beta: !tile.global<bf16>, %B: i64, %T: i64,
                  %H: i64, %mo: !map) kernel
      attributes {known_block_size = array<i32: 512, 1, 1>,
        tile.launch = {
          grid = ["min(B * H * min(T, 1), M)", "1", "1"], block = 512 : i64,
          arguments = [
            {name = "q", role = "input", type = "bf16", shape = ["B", "T", "H", "128"],
             map = {extents = ["128", "T", "H", "B"], strides = ["H * 128", "128", "T * H * 128"],
                    box = ["64", "64", "1", "1"], swizzle = 128 : i64}},
            {name = "k", role = "input", type = "bf16", shape = ["B", "T", "H", "128"],
             map = {extents = ["128", "T", "H", "B"], strides = ["H * 128", "128", "T * H * 128"],
                    box = ["64", "64", "1", "1"], swizzle = 128 : i64}},
            {name = "v", role = "input", type = "bf16", shape = ["B", "T", "H", "128"],
             map = {extents = ["128", "T", "H", "B"], strides = ["H * 128", "128", "T * H * 128"],
                    box = ["64", "64", "1", "1"], swizzle = 128 : i64}},
            {name = "beta", role = "input", type = "bf16", shape = ["B", "T", "H"]},
            {name = "B", role = "size"}, {name = "T", role = "size"}, {name = "H", role = "size"},
            {name = "o", role = "output", type = "bf16", shape = ["B", "T", "H", "128"],
             map = {extents = ["128", "T", "H", "B"], strides = ["H * 128", "128", "T * H * 128"],
                    box = ["64", "64", "1", "1"], swizzle = 128 : i64}}]}} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c64 = arith.constant 64 : index
    %tokens = arith.index_cast %T : i64 to index
    %heads = arith.index_cast %H : i64 to index
    %heads32 = arith.trunci %H : i64 to i32
    %all = arith.muli %B, %H : i64
    %units = arith.index_cast %all : i64 to index
    %chunks = arith.ceildivui %tokens, %c64 : index
    %chunks32 = arith.index_cast %chunks : index to i32
    %block = gpu.block_id x
    %blocks = gpu.grid_dim x
    %behind = arith.subi %units, %block : index
    %mine = arith.ceildivui %behind, %blocks : index
    %total = arith.muli %mine, %chunks : index
    %kqs = tile.channel : !kq
    %vs = tile.channel : !v
    %ts = tile.channel : !t
    %ps = tile.channel : !t
    %os = tile.alloc : !tile.ring<2, 64x64xbf16, swizzle = 128>
    %lowers = tile.channel : !lower
    tile.roles math(warps = 4, copies = 2, registers = 184) {
      %w = tile.role_copy
      %column = arith.muli %w, %c64 : index
      %o = tile.slot %os[%w] : !tile.ring<2, 64x64xbf16, swizzle = 128> -> !square
      %zero = arith.constant dense<0.0> : tensor<64x128xf32, #acc>
      %scale = arith.constant dense<0.08838834764831845> : tensor<64x64xf32, #acc>
      %v0 = tile.wait_slot %vs[%c0] : !v
      %v0w = tile.panel %v0[%w] : !tokens -> !square
      %x0b = tile.load_matrix %v0w transpose : !square -> tensor<64x64xbf16, #acc>
      tile.release %vs[%c0] : !v
      %x0 = arith.extf %x0b : tensor<64x64xbf16, #acc> to tensor<64x64xf32, #acc>
      %end:2 = scf.for %u = %block to %units step %blocks iter_args(%i0 = %c0, %xu = %x0)
          -> (index, tensor<64x64xf32, #acc>) {
        %u32 = arith.index_cast %u : index to i32
        %h32 = arith.remui %u32, %heads32 : i32
        %b32 = arith.divui %u32, %heads32 : i32
        %h = arith.index_cast %h32 : i32 to index
        %b = arith.index_cast %b32 : i32 to index
        %last:2 = scf.for %c = %c0 to %chunks step %c1 iter_args(%S = %zero, %x = %xu)
            -> (tensor<64x128xf32, #acc>, tensor<64x64xf32, #acc>) {
          %i = arith.addi %i0, %c : index
          %Sb = arith.truncf %S : tensor<64x128xf32, #acc> to tensor<64x128xbf16, #acc>
          %k, %q = tile.wait_slot %kqs[%i] : !kq
          %x1 = tile.mma_async %Sb, %k transpose_rhs negate init(%x : tensor<64x64xf32, #acc>) : tensor<64x128xbf16, #acc>, !tokens -> !tile.pending<tensor<64x64xf32, #acc>>
          %X = tile.mma_wait %x1 : !tile.pending<tensor<64x64xf32, #acc>> -> tensor<64x64xf32, #acc>
          %Xb = arith.truncf %X : tensor<64x64xf32, #acc> to tensor<64x64xbf16, #acc>
          %t = tile.wait_slot %ts[%i] : !t
          %u1 = tile.mma_async %Xb, %t transpose_rhs : tensor<64x64xbf16, #acc>, !square -> !tile.pending<tensor<64x64xf32, #acc>>
          %U = tile.mma_wait %u1 : !tile.pending<tensor<64x64xf32, #acc>> -> tensor<64x64xf32, #acc>
          tile.release %ts[%i] : !t
          %Ub = arith.truncf %U : tensor<64x64xf32, #acc> to tensor<64x64xbf16, #acc>
          %p = tile.wait_slot %ps[%i] : !t
          %o0 = tile.mma_async %Sb, %q transpose_rhs : tensor<64x128xbf16, #acc>, !tokens -> !tile.pending<tensor<64x64xf32, #acc>>
          %o1 = tile.mma_async %Ub, %p transpose_rhs init(%o0 : !tile.pending<tensor<64x64xf32, #acc>>) : tensor<64x64xbf16, #acc>, !square -> !tile.pending<tensor<64x64xf32, #acc>>
          %s1 = tile.mma_async %Ub, %k init(%S : tensor<64x128xf32, #acc>) : tensor<64x64xbf16, #acc>, !tokens -> !tile.pending<tensor<64x128xf32, #acc>>
          %O = tile.mma_wait %o1 : !tile.pending<tensor<64x64xf32, #acc>> -> tensor<64x64xf32, #acc>
          tile.release %ps[%i] : !t
          tile.tma_wait pending 0
          %Os = arith.mulf %O, %scale : tensor<64x64xf32, #acc>
          %Ob = arith.truncf %Os : tensor<64x64xf32, #acc> to tensor<64x64xbf16, #acc>
          tile.store_matrix %Ob, %o transpose : tensor<64x64xbf16, #acc>, !square
          tile.fence_async
          %row = arith.muli %c, %c64 : index
          tile.tma_store %o, %mo[%column, %row, %h, %b] : !square, !map
          %next = arith.addi %i, %c1 : index
          %v = tile.wait_slot %vs[%next] : !v
          %vw = tile.panel %v[%w] : !tokens -> !square
          %xb = tile.load_matrix %vw transpose : !square -> tensor<64x64xbf16, #acc>
          tile.release %vs[%next] : !v
          %xn = arith.extf %xb : tensor<64x64xbf16, #acc> to tensor<64x64xf32, #acc>
          %S1 = tile.mma_wait %s1 : !tile.pending<tensor<64x128xf32, #acc>> -> tensor<64x128xf32, #acc>
          tile.release %kqs[%i] : !kq
          scf.yield %S1, %xn : tensor<64x128xf32, #acc>, tensor<64x64xf32, #acc>
        }
        %i1 = arith.addi %i0, %chunks : index
        scf.yield %i1, %last#1 : index, tensor<64x64xf32, #acc>
      }
      tile.tma_wait pending 0
    }, aux(warps = 4, registers = 64) {
      %zero = arith.constant dense<0.0> : tensor<64x64xf32, #acc>
      %end = scf.for %u = %block to %units step %blocks iter_args(%i0 = %c0) -> index {
        %u32 = arith.index_cast %u : index to i32
        %h32 = arith.remui %u32, %heads32 : i32
        %b32 = arith.divui %u32, %heads32 : i32
        %h = arith.index_cast %h32 : i32 to index
        %b = arith.index_cast %b32 : i32 to index
        %sequence = arith.muli %b, %tokens : index
        scf.for %c = %c0 to %chunks step %c1 {
          %i = arith.addi %i0, %c : index
          %row = arith.muli %c, %c64 : index
          %left = arith.subi %tokens, %row : index
          %token = arith.addi %sequence, %row : index
          %before = arith.muli %token, %heads : index
          %at = arith.addi %before, %h : index
          %betab = tile.load %beta[%at] strides [%heads] below %left along [0] : !tile.global<bf16> -> tensor<64xbf16, #tile.lanes>
          %k, %q = tile.wait_slot %kqs[%i] : !kq
          %kk1 = tile.mma_async %k, %k transpose_rhs : !tokens, !tokens -> !tile.pending<tensor<64x64xf32, #acc>>
          %betas = arith.extf %betab : tensor<64xbf16, #tile.lanes> to tensor<64xf32, #tile.lanes>
          %betar = tile.convert %betas : tensor<64xf32, #tile.lanes> -> tensor<64xf32, #rows>
          %betaw = tile.broadcast %betar : tensor<64xf32, #rows> -> tensor<64x64xf32, #acc>
          %kk = tile.mma_wait %kk1 : !tile.pending<tensor<64x64xf32, #acc>> -> tensor<64x64xf32, #acc>
          %L = arith.mulf %kk, %betaw : tensor<64x64xf32, #acc>
          %l, %scale = tile.acquire %lowers[%i] : !lower
          tile.store_matrix %L, %l : tensor<64x64xf32, #acc>, !tile.buffer<64x64xf32, pad = 8>
          tile.store_vector %betas, %scale : tensor<64xf32, #tile.lanes>, !tile.buffer<1x64xf32>
          tile.commit_slot %lowers[%i] : !lower
          %qk1 = tile.mma_async %q, %k transpose_rhs : !tokens, !tokens -> !tile.pending<tensor<64x64xf32, #acc>>
          %qk = tile.mma_wait %qk1 : !tile.pending<tensor<64x64xf32, #acc>> -> tensor<64x64xf32, #acc>
          tile.release %kqs[%i] : !kq
          %r = tile.coordinate 0 : tensor<64x64xi32, #acc>
          %m = tile.coordinate 1 : tensor<64x64xi32, #acc>
          %past = arith.cmpi sge, %r, %m : tensor<64x64xi32, #acc>
          %P = arith.select %past, %qk, %zero : tensor<64x64xi1, #acc>, tensor<64x64xf32, #acc>
          %Pb = arith.truncf %P : tensor<64x64xf32, #acc> to tensor<64x64xbf16, #acc>
          %p = tile.acquire %ps[%i] : !t
          tile.store_matrix %Pb, %p : tensor<64x64xbf16, #acc>, !square
          tile.fence_async
          tile.commit_slot %ps[%i] : !t
        }
        %i1 = arith.addi %i0, %chunks : index
        scf.yield %i1 : index
      }
    }, load(warps = 1, registers = 80) {
      // One slot of V more than there are chunks: math takes the next one early.
      %lag = arith.addi %c2, %c1 : index
      %turns = arith.addi %total, %lag : index
      scf.for %turn = %c0 to %turns step %c1 {
        %hasChunk = arith.cmpi ult, %turn, %total : index
        scf.if %hasChunk {
          %turn32 = arith.index_cast %turn : index to i32
          %n32 = arith.divui %turn32, %chunks32 : i32
          %c32 = arith.remui %turn32, %chunks32 : i32
          %n = arith.index_cast %n32 : i32 to index
          %c = arith.index_cast %c32 : i32 to index
          %past = arith.muli %n, %blocks : index
          %u = arith.addi %block, %past : index
          %u32 = arith.index_cast %u : index to i32
          %h32 = arith.remui %u32, %heads32 : i32
          %b32 = arith.divui %u32, %heads32 : i32
          %h = arith.index_cast %h32 : i32 to index
          %b = arith.index_cast %b32 : i32 to index
          %row = arith.muli %c, %c64 : index
          %k, %q = tile.acquire %kqs[%turn] : !kq
          tile.tma_load %mk[%c0, %row, %h, %b] to %k : !map, !tokens
          tile.tma_load %mq[%c0, %row, %h, %b] to %q : !map, !tokens
          tile.commit_slot %kqs[%turn] : !kq
        }
        %hasValue = arith.cmpi uge, %turn, %c2 : index
        scf.if %hasValue {
          %i = arith.subi %turn, %c2 : index
          %i32 = arith.index_cast %i : index to i32
          %one32 = arith.constant 1 : i32
          %some32 = arith.maxui %chunks32, %one32 : i32
          %n32 = arith.divui %i32, %some32 : i32
          %c32 = arith.remui %i32, %some32 : i32
          %n = arith.index_cast %n32 : i32 to index
          %c = arith.index_cast %c32 : i32 to index
          %past = arith.muli %n, %blocks : index
          %u = arith.addi %block, %past : index
          %u32 = arith.index_cast %u : index to i32
          %h32 = arith.remui %u32, %heads32 : i32
          %b32 = arith.divui %u32, %heads32 : i32
          %h = arith.index_cast %h32 : i32 to index
          %b = arith.index_cast %b32 : i32 to index
          %row = arith.muli %c, %c64 : index
          %v = tile.acquire %vs[%i] : !v
          tile.tma_load %mv[%c0, %row, %h, %b] to %v : !map, !tokens
          tile.commit_slot %vs[%i] : !v
        }
      }
    }, invert(warps = 3, registers = 80) {
      scf.for %i = %c0 to %total step %c1 {
        %l, %scale = tile.wait_slot %lowers[%i] : !lower
        %t = tile.acquire %ts[%i] : !t
        tile.unit_lower_inverse %l, %t scale %scale : !tile.buffer<64x64xf32, pad = 8>, !square, !tile.buffer<1x64xf32>
        tile.fence_async
        tile.release %lowers[%i] : !lower
        tile.commit_slot %ts[%i] : !t
      }
    }
    gpu.return
  }
}
