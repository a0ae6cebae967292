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
    definition itself. What no option says is read from the function's
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
    "::mlir::tensor::TensorDialect", "::deltanet::kernel::KernelDialect"];
  let options = [
    Option<"vectorBits", "vector-bits", "int64_t", "0",
           "bits of a vector: 128, 256 or 512; 0: the schedule's, or the widest of this machine">,
    Option<"subChunk", "sub-chunk", "int64_t", "16",
           "rows of the sub-chunks of decays per channel (27)">];
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

#endif // DELTANET_CONVERSION_PASSES
