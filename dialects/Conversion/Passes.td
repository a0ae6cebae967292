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

#endif // DELTANET_CONVERSION_PASSES
