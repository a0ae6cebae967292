#include "deltanet/Dialect/Chunk/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
namespace deltanet::chunk {
#define GEN_PASS_DEF_CHUNKFUSEELEMENTWISE
#include "deltanet/Dialect/Chunk/Transforms/Passes.h.inc"
namespace { struct FuseElementwise : impl::ChunkFuseElementwiseBase<FuseElementwise> { using ChunkFuseElementwiseBase::ChunkFuseElementwiseBase; void runOnOperation() override {} }; }
} // namespace deltanet::chunk
