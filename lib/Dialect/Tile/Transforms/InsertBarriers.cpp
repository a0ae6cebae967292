//===- InsertBarriers.cpp - a kernel's barriers ---------------------------===//
// Where they are needed: Barriers.h.
//===----------------------------------------------------------------------===//
#include "Barriers.h"
#include "deltanet/Dialect/Tile/Transforms/Passes.h"

namespace deltanet::tile {
#define GEN_PASS_DEF_TILEINSERTBARRIERS
#include "deltanet/Dialect/Tile/Transforms/Passes.h.inc"
} // namespace deltanet::tile

using namespace mlir;
using namespace deltanet::tile;

namespace {

struct InsertBarriers
    : deltanet::tile::impl::TileInsertBarriersBase<InsertBarriers> {
  using TileInsertBarriersBase::TileInsertBarriersBase;

  void runOnOperation() override {
    for (auto kernel : getOperation().getOps<gpu::GPUFuncOp>()) {
      FailureOr<unsigned> inserted =
          insertBarriers(kernel, std::equal_to<Value>());
      if (failed(inserted))
        return signalPassFailure();
      numBarriers += *inserted;
    }
  }
};
} // namespace
