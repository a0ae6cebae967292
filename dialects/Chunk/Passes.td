//===- Passes.td - rewrites of chunk programs ----------------*- tablegen -*-===//
#ifndef DELTANET_CHUNK_PASSES
#define DELTANET_CHUNK_PASSES

include "mlir/Pass/PassBase.td"

def ChunkFuseElementwise : Pass<"chunk-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "pull elementwise producers and consumers into the chunk body";
  let description = [{
    `linalg.generic` operations (elementwise `arith` and `math` on tensors are
    turned into them first) that compute an input of a `chunk.scan`, or use one
    of its token results, become part of its body, when every one of their loops
    is one of the scan's, or a dimension of the tile. Masks stay after what is
    fused, so that the rows past a sequence's end stay zero.
  }];
  let dependentDialects = ["::deltanet::chunk::ChunkDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"];
  let statistics = [
    Statistic<"numProducers", "producers", "producers fused">,
    Statistic<"numConsumers", "consumers", "consumers fused">];
}

def ChunkHoistInvariant : Pass<"chunk-hoist-invariant", "::mlir::func::FuncOp"> {
  let summary = "move what does not depend on the state into a scan that carries nothing";
  let description = [{
    Splits a `chunk.scan` in two: a carry-free scan computes every product and
    inverse that does not wait for the carried values, all chunks side by side,
    and the scan that is left reads them by chunk.
  }];
  let dependentDialects = ["::deltanet::chunk::ChunkDialect", "::mlir::arith::ArithDialect"];
  let options = [
    Option<"onlyScheduled", "only-scheduled", "bool", "false",
           "only in functions whose schedule says so (prepare)">];
  let statistics = [Statistic<"numHoisted", "hoisted", "operations hoisted">];
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

#endif // DELTANET_CHUNK_PASSES
