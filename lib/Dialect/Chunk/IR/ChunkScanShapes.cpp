//===- ChunkScanShapes.cpp - extents of the results of chunk.scan ---------===//
// What the types leave open follows from the operands, loop by loop.
//===----------------------------------------------------------------------===//
#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace deltanet::chunk;

int64_t deltanet::chunk::getRowsPerToken(ScanOp scan, RankedTensorType tile,
                                         AccessAttr access) {
  if (!access.has(AccessAttr::Token) || tile.getRank() == 0)
    return 1;
  return tile.getDimSize(0) / static_cast<int64_t>(scan.getChunkSize());
}

/// The extent of one loop of `op`, read off the first tensor that it walks.
static OpFoldResult extentOf(OpBuilder &b, ScanOp op, AccessAttr::Loop loop) {
  auto find = [&](ValueRange values, ArrayAttr accesses) -> OpFoldResult {
    for (auto [value, attr] : llvm::zip(values, accesses))
      if (int64_t dim = cast<AccessAttr>(attr).findLoop(loop); dim >= 0)
        return tensor::getMixedSize(b, op.getLoc(), value, dim);
    return {};
  };
  if (OpFoldResult extent = find(op.getInputs(), op.getInputAccesses()))
    return extent;
  return find(op.getInits(), op.getInitAccesses());
}

LogicalResult ScanOp::reifyResultShapes(OpBuilder &b,
                                        ReifiedRankedShapedTypeDims &shapes) {
  Location loc = getLoc();
  auto value = [&](OpFoldResult r) {
    return getValueOrCreateConstantIndexOp(b, loc, r);
  };
  // Tokens: of an input whose tile has chunk_size rows.
  auto tokens = [&]() -> OpFoldResult {
    for (auto [i, arg] : llvm::enumerate(getInputArguments())) {
      int64_t dim = getInputAccess(i).findLoop(AccessAttr::Token);
      auto tile = cast<RankedTensorType>(arg.getType());
      if (dim < 0)
        continue;
      OpFoldResult extent = tensor::getMixedSize(b, loc, getInputs()[i], dim);
      int64_t steps = tile.getDimSize(0) / static_cast<int64_t>(getChunkSize());
      if (steps == 1)
        return extent;
      Value n = arith::ConstantIndexOp::create(b, loc, steps);
      return arith::DivUIOp::create(b, loc, value(extent), n).getResult();
    }
    return {};
  };
  auto sequences = [&]() -> OpFoldResult {
    if (Value offsets = getSequences()) {
      Value entries = value(tensor::getMixedSize(b, loc, offsets, 0));
      Value one = arith::ConstantIndexOp::create(b, loc, 1);
      return arith::SubIOp::create(b, loc, entries, one).getResult();
    }
    OpFoldResult batch = extentOf(b, *this, AccessAttr::Batch);
    return batch ? batch : extentOf(b, *this, AccessAttr::Sequence);
  };
  // Chunks of a batch entry: ceil(T / C); packed, at most floor(T / C) + N.
  auto chunks = [&]() -> OpFoldResult {
    Value size = arith::ConstantIndexOp::create(b, loc, getChunkSize());
    if (!hasTokens())
      return b.getIndexAttr(getNumChunks());
    if (!getSequences())
      return arith::CeilDivUIOp::create(b, loc, value(tokens()), size)
          .getResult();
    Value whole = arith::DivUIOp::create(b, loc, value(tokens()), size);
    return arith::AddIOp::create(b, loc, whole, value(sequences())).getResult();
  };
  auto rows = [&](Value tile) -> OpFoldResult {
    int64_t steps = cast<RankedTensorType>(tile.getType()).getDimSize(0) /
                    static_cast<int64_t>(getChunkSize());
    if (steps == 1)
      return tokens();
    Value n = arith::ConstantIndexOp::create(b, loc, steps);
    return arith::MulIOp::create(b, loc, value(tokens()), n).getResult();
  };
  auto reify = [&](AccessAttr access, RankedTensorType type, Value tile) {
    auto &shape = shapes.emplace_back();
    for (auto [entry, extent] :
         llvm::zip(access.getEntries(), type.getShape())) {
      if (!ShapedType::isDynamic(extent))
        shape.push_back(b.getIndexAttr(extent));
      else if (entry == AccessAttr::Token)
        shape.push_back(rows(tile));
      else if (entry == AccessAttr::Chunk)
        shape.push_back(chunks());
      else if (entry == AccessAttr::Sequence ||
               (entry == AccessAttr::Batch && !getSequences()))
        shape.push_back(sequences());
      else
        shape.push_back(
            extentOf(b, *this, static_cast<AccessAttr::Loop>(entry)));
    }
    return llvm::all_of(shape, [](OpFoldResult r) { return bool(r); });
  };
  auto yield = cast<YieldOp>(getBodyBlock()->getTerminator());
  for (auto [i, output] : llvm::enumerate(getOutputs()))
    if (!reify(getOutputAccess(i), cast<RankedTensorType>(output.getType()),
               yield.getOutputs()[i]))
      return failure();
  for (auto [i, final] : llvm::enumerate(getFinals()))
    if (!reify(getFinalAccess(i), cast<RankedTensorType>(final.getType()),
               yield.getCarries()[i]))
      return failure();
  return success();
}
