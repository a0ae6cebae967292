//===- Passes.td - passes from one level to the next ---------*- tablegen -*-===//
#ifndef DELTANET_CONVERSION_PASSES
#define DELTANET_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

def ConvertLinRecToChunk : Pass<"convert-linrec-to-chunk", "::mlir::func::FuncOp"> {
  let summary = "derive the program over one chunk from a recurrence";
  let description = [{
    Every recurrence becomes a `chunk.scan` whose body is the chunkwise algorithm,
    equations (2)-(9) and (21)-(28). Decay, rule, rank and read-out decide which
    of them appear. With `chunk=1` the body is the token loop (1), (21), the
    definition itself; a selective scan becomes its token loop (29) whatever the
    chunk. What no option says is read from the function's
    `kernel.schedule`; what that leaves open is decided by rule and written there.
  }];
  let dependentDialects = ["::deltanet::chunk::ChunkDialect", "::deltanet::kernel::KernelDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"];
  let options = [
    Option<"chunkSize", "chunk", "int64_t", "0",
           "tokens a chunk, 1 for the token loop; by default 64">,
    Option<"productType", "products", "std::string", "\"\"",
           "element type of the products' operands: f32 (the default), bf16 or f16">,
    Option<"gateType", "gates", "std::string", "\"\"",
           "element type of running sums of log-decays: f32 or f64; by default f64, "
           "and f32 where products are not f32">];
  let statistics = [Statistic<"numDerived", "derived", "recurrences derived">];
}

def ConvertChunkToCPU : Pass<"convert-chunk-to-cpu", "::mlir::ModuleOp"> {
  let summary = "lower scans over chunks to loops of vector code on memory";
  let description = [{
    Functions get destination-passing form: tensors become memrefs of identity
    layout, every result one more memref argument. Every `chunk.scan` of function
    `@f` becomes `@f_scanI(context, unit, scratch)`, which carries one sequence and
    head over its chunks (or, where nothing is carried, runs one chunk of one head),
    and `@f_launchI`, which hands the units to `deltanet_parallel_for`. Tiles live in
    the thread's scratch memory; elementwise operations that only one loop reads
    are computed in it, a vector at a time.

    ```mlir
    func.func @f(%q: tensor<?x?x4x64xf32>, ...) -> tensor<?x?x4x64xf32> {
      %o = chunk.scan 64 in(%q [b, t, h, 1] : ...) ...
    // becomes
    func.func @f(%q: memref<?x?x4x64xf32>, ..., %o: memref<?x?x4x64xf32>) {
      call @f_launch0(%q, ..., %o)
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect",
    "::deltanet::kernel::KernelDialect"];
  let options = [
    Option<"vectorBits", "vector-bits", "int64_t", "0",
           "bits of a vector: 128, 256 or 512; 0: the schedule's, or the widest of this machine">,
    Option<"subChunk", "sub-chunk", "int64_t", "8",
           "rows of the sub-chunks of decays per channel (27); 8 was fastest">];
  let statistics = [Statistic<"numScans", "scans", "scans lowered">];
}

def ConvertMathToPolynomial : Pass<"convert-math-to-polynomial", "::mlir::ModuleOp"> {
  let summary = "expand elementary functions of f32 into arithmetic";
  let description = [{
    exp, exp2, expm1, log, log2, log1p, tanh, erf and rsqrt of f32, scalars and
    vectors, become range reductions and polynomials, so that they need no library;
    exp and rsqrt of f64 too. They are within 2 ulp, NaN, infinities and
    subnormals included. Of f64, expm1, log1p, tanh and erf become calls of libm.

    ```mlir
    %y = math.exp %x : vector<16xf32>
    // becomes about 20 operations of arith
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::vector::VectorDialect", "::mlir::func::FuncDialect"];
}

def ConvertChunkToTile : Pass<"convert-chunk-to-tile", "::mlir::ModuleOp"> {
  let summary = "turn every function that is one chunk program into a kernel of tiles";
  let description = [{
    A function of `chunk.scan` and nothing else becomes a `gpu.module` with a kernel
    for each, in order; what one scan gives another is workspace. One block of threads
    carries the state of one sequence and head over all chunks; of a scan that carries
    nothing, a block works on one chunk.

    A dimension of the carried values that no product contracts is *independent*
    (the columns of the state, (10)): values that wait for the state have it and are
    held with that dimension first, split over the warps, in registers; the state never
    leaves them, and every product with it takes its left operand from registers. What
    does not wait for the state is computed ahead, by warps of its own that hand it over
    in channels (`ahead-warps`), or by the same warps.

    ```mlir
    %kS = chunk.dot %k, %Sb : tensor<64x128xbf16>, tensor<128x128xbf16> -> tensor<64x128xf32>
    ```
    becomes, transposed,
    ```mlir
    %kST = tile.mma %SbT, %k, %zero transpose_rhs : tensor<128x128xbf16, #acc>, !tile.buffer<64x128xbf16, pad = 8> -> tensor<128x64xf32, #acc>
    ```
  }];
  let dependentDialects = ["::deltanet::tile::TileDialect", "::mlir::gpu::GPUDialect",
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect"];
  let options = [
    Option<"columns", "columns", "int64_t", "128",
           "at most so many independent columns a block, 16 for each warp">,
    Option<"warps", "warps", "int64_t", "4",
           "warps of a block that carries no state">,
    Option<"aheadWarps", "ahead-warps", "int64_t", "0",
           "warps of their own for what does not wait for the state; 0: the same warps">,
    Option<"slots", "slots", "int64_t", "2",
           "buffers for each input: 2 loads a chunk while the one before is worked on">];
  let statistics = [Statistic<"numKernels", "kernels", "kernels made">];
}

def ConvertTokenLoopToTile : Pass<"convert-token-loop-to-tile", "::mlir::ModuleOp"> {
  let summary = "turn every function that is one token program into a kernel of tiles";
  let description = [{
    A function that consists of one `chunk.scan` of one token a chunk becomes a
    `gpu.module` with one kernel. The state is read once, stays in registers over all
    tokens, and is written once; a thread reads and writes the same elements, so
    initial and final state may be the same memory. The dimension of the state that
    no operation reduces is split over blocks and warps, the other over lanes (and,
    where it is long, warps) that meet in the reductions.

    ```mlir
    %kS = chunk.dot %k, %S : tensor<1x128xf32>, tensor<128x128xf32> -> tensor<1x128xf32>
    ```
    becomes
    ```mlir
    %k3 = tile.expand %k [2] : tensor<1x128xf32, #nK> -> tensor<1x128x32xf32, #nKV>
    %S3 = tile.expand %S [0] : tensor<128x32xf32, #KV> -> tensor<1x128x32xf32, #nKV>
    %p = arith.mulf %k3, %S3 : tensor<1x128x32xf32, #nKV>
    %kS = tile.combine add %p [1] : tensor<1x128x32xf32, #nKV> -> tensor<1x32xf32, #nV>
    ```
  }];
  let dependentDialects = ["::deltanet::tile::TileDialect", "::mlir::gpu::GPUDialect",
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect"];
  let options = [
    Option<"warps", "warps", "int64_t", "0",
           "warps a block; 0: what the schedule says, or 4, and more where a "
           "reduction needs all of them">];
  let statistics = [Statistic<"numKernels", "kernels", "kernels made">];
}

def ConvertMathToIntrinsics : Pass<"convert-math-to-intrinsics", "::mlir::gpu::GPUModuleOp"> {
  let summary = "call LLVM's intrinsics for math that instructions compute";
  let description = [{
    Square root, magnitude, sign and rounding of f32 numbers in kernels.
    Upstream lowering of these to NVIDIA's chips calls a library of device
    functions, which would have to be linked.

    ```mlir
    %y = math.sqrt %x : f32
    // becomes
    %y = llvm.call_intrinsic "llvm.sqrt.f32"(%x) : (f32) -> f32
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def ConvertTileToNVVM : Pass<"convert-tile-to-nvvm", "::mlir::gpu::GPUModuleOp"> {
  let summary = "turn tiles into the instructions of one thread";
  let description = [{
    A tensor in registers becomes the scalars that one thread holds (pairs, where its
    elements have 16 bits), a handle of shared memory a pointer. Products become
    `mma.sync` and `ldmatrix`, copies `cp.async`. Functions of f32 become instructions
    and polynomials (docs/Elementwise.md), so that no device library is needed.

    ```mlir
    %d = tile.mma %a, %k, %c transpose_rhs : ...
    ```
    becomes
    ```mlir
    %b = nvvm.ldmatrix %p {num = 4 : i32, layout = #nvvm.mma_layout<row>, ...}
    %d = nvvm.mma.sync A[%a0, %a1, %a2, %a3] B[%b0, %b1] C[%c0, %c1, %c2, %c3] ...
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect",
    "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::gpu::GPUDialect"];
}

#endif // DELTANET_CONVERSION_PASSES
