#include "deltanet/Dialect/Chunk/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
namespace deltanet::chunk {
#define GEN_PASS_DEF_CHUNKSPLITSOLVE
#include "deltanet/Dialect/Chunk/Transforms/Passes.h.inc"
namespace { struct SplitSolve : impl::ChunkSplitSolveBase<SplitSolve> { using ChunkSplitSolveBase::ChunkSplitSolveBase; void runOnOperation() override {} }; }
} // namespace deltanet::chunk
