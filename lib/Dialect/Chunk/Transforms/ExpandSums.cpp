//===- ExpandSums.cpp - sums of whole tensors as linalg -------------------===//
// For targets whose loops MLIR makes.
//===----------------------------------------------------------------------===//
#include "TensorSums.h"
#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "deltanet/Dialect/Chunk/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace deltanet::chunk {
#define GEN_PASS_DEF_CHUNKEXPANDSUMS
#include "deltanet/Dialect/Chunk/Transforms/Passes.h.inc"
} // namespace deltanet::chunk

using namespace mlir;
using namespace deltanet::chunk;

/// What `op` adds up of part `i`.
static Value sumPart(OpBuilder &b, SumOp op, int64_t i) {
  Location loc = op.getLoc();
  Value part = op.getParts()[i];
  AccessAttr access = op.getPartAccess(i);
  SmallVector<int64_t> dropped;
  for (int64_t d = 0; d != access.getRank(); ++d)
    if (op.findResultDim(i, d) < 0)
      dropped.push_back(d);
  if (int64_t groups = op.getAccess().findLoop(AccessAttr::Group);
      groups >= 0 && access.has(AccessAttr::Head)) {
    part = sumOver(b, loc, part, dropped);
    OpFoldResult count = b.getIndexAttr(
        cast<RankedTensorType>(op.getResult().getType()).getDimSize(groups));
    if (Value like = op.getLike())
      count = tensor::getMixedSize(b, loc, like, groups);
    return sumNeighbours(b, loc, part, groups, count);
  }
  return sumOver(b, loc, part, dropped);
}

namespace {
struct ExpandSums : deltanet::chunk::impl::ChunkExpandSumsBase<ExpandSums> {
  using ChunkExpandSumsBase::ChunkExpandSumsBase;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](SumOp op) {
      rewriter.setInsertionPoint(op);
      auto type = cast<RankedTensorType>(op.getResult().getType());
      Value sum;
      for (int64_t i = 0, e = op.getParts().size(); i != e; ++i) {
        Value part = sumPart(rewriter, op, i);
        if (e > 1) // several are added in f32
          part = convertElements(rewriter, op.getLoc(), part,
                                 type.getElementTypeBitWidth() > 32
                                     ? type.getElementType()
                                     : rewriter.getF32Type());
        sum = sum ? arith::AddFOp::create(rewriter, op.getLoc(), sum, part)
                        .getResult()
                  : part;
      }
      sum = convertElements(rewriter, op.getLoc(), sum, type.getElementType());
      if (sum.getType() != type)
        sum = tensor::CastOp::create(rewriter, op.getLoc(), type, sum);
      rewriter.replaceOp(op, sum);
      ++numSums;
    });
  }
};
} // namespace
