//===- Passes.td - rewrites of chunk programs ----------------*- tablegen -*-===//
#ifndef DELTANET_CHUNK_PASSES
#define DELTANET_CHUNK_PASSES

include "mlir/Pass/PassBase.td"

def ChunkDifferentiate : Pass<"chunk-differentiate", "::mlir::ModuleOp"> {
  let summary = "derive the gradient of functions whose recurrences are chunk programs";
  let description = [{
    Beside a function `@f` come two more, see docs/Gradient.md:

    ```mlir
    func.func @f(%q, %k, %v) -> (%o)
    func.func @f_forward(%q, %k, %v) -> (%o, %states)
    func.func @f_backward(%q, %k, %v, %states, %do) -> (%dq, %dk, %dv)
    ```

    `@f_forward` is `@f` that also keeps what every chunk began with; `@f_backward` has a scan
    in the opposite direction, which carries the gradient of the state. Its body is the body
    of the scan and after it, in reverse, the rule of every operation (the interface
    `DifferentiableOpInterface`, and a table for `arith` and `math`). Operands that nobody
    asks for are not differentiated.

    With `keep-states=4` a sequence keeps the states with which 4 runs of its chunks begin, and
    `@f_backward` has a scan more before the reverse one, `segments(4)`, which begins with them
    and yields the state of every chunk; with 1 nothing is kept, as the sequence begins with an
    argument or a constant.
  }];
  let dependentDialects = ["::deltanet::chunk::ChunkDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
  let options = [
    Option<"function", "function", "std::string", "\"\"",
           "name of the function; empty: every public one">,
    ListOption<"of", "of", "std::string",
           "arguments to take the gradient of: names (deltanet.name) or numbers">,
    ListOption<"from", "from", "std::string",
           "results whose gradient is given: names or numbers; empty: every result of floats">,
    Option<"keepStates", "keep-states", "int64_t", "0",
           "states of a sequence that are kept, the others are made again; 0: as the schedule "
           "says, those of all chunks without a word">];
  let statistics = [Statistic<"numScans", "scans", "scans differentiated">];
}

def ChunkExpandSums : Pass<"chunk-expand-sums", "::mlir::func::FuncOp"> {
  let summary = "write sums of whole tensors as reductions of linalg";
  let description = [{
    `chunk.sum`, which kernels for GPUs have a form of their own for, becomes
    `linalg.reduce`, in the order of the elements, and one rounding:

    ```mlir
    %w = chunk.sum in(%p [n, h, 0] : tensor<2x4x64xf32>) out([0] : tensor<64xbf16>)
    // becomes
    %s = linalg.reduce { arith.addf } ins(%p) outs(%zeros) dimensions = [0, 1]
    %w = arith.truncf %s : tensor<64xf32> to tensor<64xbf16>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numSums", "sums", "sums written as reductions">];
}

def ChunkFuseElementwise : Pass<"chunk-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "pull elementwise producers and consumers into the chunk body";
  let description = [{
    `linalg.generic` operations (elementwise `arith` and `math` on tensors are
    turned into them first) that compute an input of a `chunk.scan`, or use one
    of its token results, become part of its body, when every one of their loops
    is one of the scan's, or a dimension of the tile. Masks stay after what is
    fused, so that the rows past a sequence's end stay zero. Extents that are asked of
    a result, of a scan or of what is around it, come from the operands, so that
    nothing waits for a result only to know how large it is.
  }];
  let dependentDialects = ["::deltanet::chunk::ChunkDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::tensor::TensorDialect"];
  let statistics = [
    Statistic<"numProducers", "producers", "producers fused">,
    Statistic<"numConsumers", "consumers", "consumers fused">];
}

def ChunkHoistInvariant : Pass<"chunk-hoist-invariant", "::mlir::func::FuncOp"> {
  let summary = "move what does not depend on the state into a scan that carries nothing";
  let description = [{
    Splits a `chunk.scan` in two: a carry-free scan computes products and inverses
    that do not wait for the carried values, all chunks side by side, and the scan
    that is left reads them by chunk. A product with the columns of the state (the
    dimension of a carried value that nothing contracts or orders) stays behind with
    them: it is added to what waits, and larger than what it is made of.
  }];
  let dependentDialects = ["::deltanet::chunk::ChunkDialect", "::mlir::arith::ArithDialect"];
  let options = [
    Option<"onlyScheduled", "only-scheduled", "bool", "false",
           "only in functions whose schedule says so (prepare)">];
  let statistics = [Statistic<"numHoisted", "hoisted", "operations hoisted">];
}

def ChunkSplitSegments : Pass<"chunk-split-segments", "::mlir::func::FuncOp"> {
  let summary = "cut sequences into segments that run side by side";
  let description = [{
    Over any run of chunks the state is an affine map of the state before, `P S + N` (10).
    A `chunk.scan` with one carry becomes four: two with `segments` for N, the body run
    from zero, and P, what multiplies the state in the body, run from the identity; one
    over the segments that gives each its true beginning; and the scan itself, with
    `segments`, from there. P is not made where the body only adds to the state. Where it
    multiplies the state element by element (gates without a delta rule) P is diagonal: it
    is run from ones, with the columns of the state, and joins segments without a product.

    A carry that the body does not use affinely, or whose columns it does not treat alike,
    is refused.
  }];
  let dependentDialects = ["::deltanet::chunk::ChunkDialect", "::mlir::arith::ArithDialect"];
  let options = [
    Option<"segments", "segments", "int64_t", "0",
           "segments a sequence; 0: as many as the schedule says">];
  let statistics = [Statistic<"numSplit", "split", "scans split">];
}

def ChunkSplitCarry : Pass<"chunk-split-carry", "::mlir::func::FuncOp"> {
  let summary = "split a scan that needs its carried value whole from what it yields of it";
  let description = [{
    The gradient of a key contracts the columns of the carried dS that its update leaves
    alone, (12) to (20), so that they cannot be shared. Such a `chunk.scan` becomes two:
    the first carries what it did and yields, beside the outputs that come out of its
    update, what others need of it, rounded where it is only read so; the second carries
    nothing, so that its chunks wait for no other, and yields the rest. What does not
    depend on the carried value is made in both.

    A scan with a dimension that nothing contracts stays as it is.
  }];
  let dependentDialects = ["::deltanet::chunk::ChunkDialect", "::mlir::arith::ArithDialect"];
  let statistics = [Statistic<"numSplit", "split", "scans split">];
}

def ChunkSplitSolve : Pass<"chunk-split-solve", "::mlir::func::FuncOp"> {
  let summary = "split a solve into an inverse, which does not wait for the state, and a product";
  let description = [{
    `unit_lower_solve(L, Y)` becomes `dot(unit_lower_inverse(L), Y)` (5), (6). Where Y is
    rounded for the product, what rounding took is added to the result: the diagonal of
    the inverse is one.
  }];
  let dependentDialects = ["::deltanet::chunk::ChunkDialect", "::mlir::arith::ArithDialect"];
  let options = [
    Option<"products", "products", "std::string", "\"\"",
           "element type of the product's operands: f32, bf16 or f16">];
  let statistics = [Statistic<"numSplit", "split", "solves split">];
}

def ChunkSplitSums : Pass<"chunk-split-sums", "::mlir::func::FuncOp"> {
  let summary = "make a carried sum an output of every chunk, summed up afterwards";
  let description = [{
    The gradient of a parameter begins with zero, every chunk adds to it, and nothing else
    reads it before the last one has. Such a carry becomes an output, so that chunks need not
    wait for each other for its sake, and `chunk.sum` adds what they give, in their order:

    ```mlir
    %dw = chunk.scan 16 reverse carry(%zero [0] : tensor<64xf32>) ... final([n, h, 0] : tensor<2x4x64xf32>)
    // becomes
    %terms = chunk.scan 16 ... out([b, c, h, 0] : tensor<2x?x4x64xf32>)
    %dw = chunk.sum in(%terms [b, c, h, 0] : tensor<2x?x4x64xf32>) out([b, h, 0] : tensor<2x4x64xf32>)
    ```

    Matrices stay carried: those of all chunks would take much room.
  }];
  let dependentDialects = ["::deltanet::chunk::ChunkDialect"];
  let statistics = [Statistic<"numSplit", "split", "carries made outputs">];
}

#endif // DELTANET_CHUNK_PASSES
