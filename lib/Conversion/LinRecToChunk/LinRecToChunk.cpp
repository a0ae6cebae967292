#include "deltanet/Conversion/Passes.h"
#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
namespace deltanet {
#define GEN_PASS_DEF_CONVERTLINRECTOCHUNK
#include "deltanet/Conversion/Passes.h.inc"
namespace { struct P : impl::ConvertLinRecToChunkBase<P> { using ConvertLinRecToChunkBase::ConvertLinRecToChunkBase; void runOnOperation() override {} }; }
} // namespace deltanet
