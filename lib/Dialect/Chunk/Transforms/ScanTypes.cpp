//===- ScanTypes.cpp - tensors of scans that passes make ------------------===//
// See ScanTypes.h.
//===----------------------------------------------------------------------===//
#include "ScanTypes.h"

using namespace mlir;
using namespace deltanet::chunk;

bool deltanet::chunk::hasHeads(ScanOp scan) {
  auto has = [](Attribute access) {
    return cast<AccessAttr>(access).has(AccessAttr::Head);
  };
  return llvm::any_of(scan.getInputAccesses(), has) ||
         llvm::any_of(scan.getInitAccesses(), has);
}

/// The extent of `loop` in the first tensor of several that it walks.
static int64_t readExtent(TypeRange types, ArrayAttr accesses,
                          AccessAttr::Loop loop) {
  for (auto [type, attr] : llvm::zip(types, accesses))
    if (int64_t dim = cast<AccessAttr>(attr).findLoop(loop); dim >= 0)
      return cast<RankedTensorType>(type).getDimSize(dim);
  return ShapedType::kDynamic;
}

int64_t deltanet::chunk::getExtent(ScanOp scan, AccessAttr::Loop loop) {
  if (loop == AccessAttr::Sequence && !scan.getSequences()) {
    int64_t batch = readExtent(scan.getInputs().getTypes(),
                               scan.getInputAccesses(), AccessAttr::Batch);
    if (!ShapedType::isDynamic(batch))
      return batch;
  }
  int64_t extent =
      readExtent(scan.getInputs().getTypes(), scan.getInputAccesses(), loop);
  if (ShapedType::isDynamic(extent))
    extent =
        readExtent(scan.getInits().getTypes(), scan.getInitAccesses(), loop);
  if (ShapedType::isDynamic(extent))
    extent =
        readExtent(scan.getFinals().getTypes(), scan.getFinalAccesses(), loop);
  return extent;
}

AccessAttr deltanet::chunk::getChunkAccess(ScanOp scan, int64_t tileRank) {
  bool batch = llvm::any_of(scan.getInputAccesses(), [](Attribute access) {
    return cast<AccessAttr>(access).has(AccessAttr::Batch);
  });
  SmallVector<int64_t> entries = {
      batch ? AccessAttr::Batch : AccessAttr::Sequence, AccessAttr::Chunk};
  if (hasHeads(scan))
    entries.push_back(AccessAttr::Head);
  llvm::append_range(entries, llvm::seq<int64_t>(0, tileRank));
  return AccessAttr::get(scan.getContext(), entries);
}

AccessAttr deltanet::chunk::getRunAccess(ScanOp scan, int64_t tileRank) {
  SmallVector<int64_t> entries(getChunkAccess(scan, tileRank).getEntries());
  entries[0] = AccessAttr::Sequence;
  entries[1] = AccessAttr::Segment;
  return AccessAttr::get(scan.getContext(), entries);
}

RankedTensorType deltanet::chunk::getStorageType(ScanOp scan, AccessAttr access,
                                                 RankedTensorType tile) {
  SmallVector<int64_t> shape;
  for (int64_t entry : access.getEntries())
    shape.push_back(
        entry >= 0 ? tile.getDimSize(entry)
                   : getExtent(scan, static_cast<AccessAttr::Loop>(entry)));
  return RankedTensorType::get(shape, tile.getElementType());
}

RankedTensorType deltanet::chunk::getRunType(ScanOp scan, RankedTensorType tile,
                                             int64_t runs) {
  auto type = getStorageType(scan, getRunAccess(scan, tile.getRank()), tile);
  SmallVector<int64_t> shape(type.getShape());
  shape[1] = runs;
  return type.clone(shape);
}

ScanOp deltanet::chunk::withOutputs(ScanOp scan, TypeRange types,
                                    ArrayRef<Attribute> accesses,
                                    ValueRange tiles, RewriterBase &rewriter) {
  auto yield = cast<YieldOp>(scan.getBodyBlock()->getTerminator());
  yield.getOutputsMutable().append(tiles);
  SmallVector<Type> results(scan.getOutputs().getTypes());
  llvm::append_range(results, types);
  llvm::append_range(results, scan.getFinals().getTypes());
  SmallVector<Attribute> outputAccesses(scan.getOutputAccesses().getValue());
  llvm::append_range(outputAccesses, accesses);
  rewriter.setInsertionPoint(scan);
  auto fresh = ScanOp::create(
      rewriter, scan.getLoc(), results, scan.getSequences(), scan.getInits(),
      scan.getInputs(), scan.getIndices(), scan.getChunkSizeAttr(),
      scan.getInitAccesses(), scan.getInputAccesses(),
      rewriter.getArrayAttr(outputAccesses), scan.getFinalAccesses(),
      scan.getReverseAttr(), scan.getSegmentsAttr());
  fresh->setDiscardableAttrs(scan->getDiscardableAttrDictionary());
  rewriter.inlineRegionBefore(scan.getBody(), fresh.getBody(),
                              fresh.getBody().end());
  unsigned outputs = scan.getNumOutputs();
  for (unsigned i = 0; i != outputs; ++i)
    rewriter.replaceAllUsesWith(scan.getResult(i), fresh.getResult(i));
  for (unsigned i = outputs; i != scan.getNumResults(); ++i)
    rewriter.replaceAllUsesWith(scan.getResult(i),
                                fresh.getResult(i + types.size()));
  rewriter.eraseOp(scan);
  return fresh;
}
