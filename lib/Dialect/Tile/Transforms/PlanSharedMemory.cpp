//===- PlanSharedMemory.cpp - places in shared memory ---------------------===//
// What is never needed at one time may lie in one place (Lifetimes.h).
//===----------------------------------------------------------------------===//
#include "Barriers.h"
#include "Lifetimes.h"
#include "deltanet/Dialect/Kernel/IR/Kernel.h"
#include "deltanet/Dialect/Tile/Transforms/Passes.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/MathExtras.h"

namespace deltanet::tile {
#define GEN_PASS_DEF_TILEPLANSHAREDMEMORY
#include "deltanet/Dialect/Tile/Transforms/Passes.h.inc"
} // namespace deltanet::tile

using namespace mlir;
using namespace deltanet;
using namespace deltanet::tile;

namespace {

/// Every place is a multiple of so many bytes.
constexpr int64_t kAlignment = 128;

/// An allocation or a channel.
struct Piece {
  Operation *op;
  Value value;
  int64_t bytes, alignment;
};

/// A place for each piece, and where the last one ends.
struct Places {
  SmallVector<int64_t> offsets;
  int64_t total = 0;
};

/// Gives pieces, in the order of `order`, the first place in which they meet
/// nothing that has one.
Places place(ArrayRef<Piece> pieces, ArrayRef<unsigned> order,
             llvm::function_ref<bool(const Piece &, const Piece &)> meet) {
  Places places;
  places.offsets.resize(pieces.size());
  SmallVector<unsigned> placed;
  for (unsigned i : order) {
    const Piece &piece = pieces[i];
    SmallVector<std::pair<int64_t, int64_t>> taken; // from, to
    for (unsigned j : placed)
      if (meet(piece, pieces[j]))
        taken.push_back(
            {places.offsets[j], places.offsets[j] + pieces[j].bytes});
    llvm::sort(taken);
    int64_t at = 0;
    for (auto [from, to] : taken)
      if (at + piece.bytes > from)
        at = std::max(at,
                      static_cast<int64_t>(llvm::alignTo(to, piece.alignment)));
    places.offsets[i] = at;
    places.total = std::max(places.total, at + piece.bytes);
    placed.push_back(i);
  }
  return places;
}

struct PlanSharedMemory
    : deltanet::tile::impl::TilePlanSharedMemoryBase<PlanSharedMemory> {
  using TilePlanSharedMemoryBase::TilePlanSharedMemoryBase;

  void runOnOperation() override {
    for (auto kernel : getOperation().getOps<gpu::GPUFuncOp>())
      if (failed(plan(kernel)))
        return signalPassFailure();
  }

private:
  /// The option, or the fact that the target states; 0 for any number.
  int64_t getLimit() {
    if (limitBytes > 0)
      return limitBytes;
    auto module = getOperation()->getParentOfType<ModuleOp>();
    auto target =
        module ? module->getAttrOfType<kernel::TargetAttr>(kernel::kTargetName)
               : nullptr;
    return target ? target.getSharedMemoryBytesPerBlock() : 0;
  }

  /// In the order of the program.
  static SmallVector<Piece> listPieces(gpu::GPUFuncOp kernel) {
    SmallVector<Piece> pieces;
    auto add = [&](auto op, Value value, auto type) {
      pieces.push_back(
          {op, value,
           static_cast<int64_t>(llvm::alignTo(type.getBytes(), kAlignment)),
           std::max<int64_t>(type.getAlignment(), kAlignment)});
    };
    kernel.walk([&](Operation *op) {
      if (auto alloc = dyn_cast<AllocOp>(op)) {
        Value shared = alloc.getShared();
        if (auto ring = dyn_cast<RingType>(shared.getType()))
          add(alloc, shared, ring);
        else
          add(alloc, shared, cast<BufferType>(shared.getType()));
      } else if (auto channel = dyn_cast<ChannelOp>(op)) {
        add(channel, channel.getChannel(), channel.getChannel().getType());
      }
    });
    return pieces;
  }

  /// Where in the kernel each is used first.
  static llvm::DenseMap<Value, unsigned> findFirstUses(gpu::GPUFuncOp kernel) {
    llvm::DenseMap<Value, unsigned> first;
    kernel.walk<WalkOrder::PreOrder>([&, n = 0u](Operation *op) mutable {
      Uses uses(op);
      for (Value v : llvm::concat<Value>(uses.reads, uses.writes))
        first.try_emplace(v, n);
      ++n;
    });
    return first;
  }

  /// The best of three orders: that of the program, and the largest first, of
  /// one size as they are allocated or as they are used.
  static Places choosePlaces(gpu::GPUFuncOp kernel, ArrayRef<Piece> pieces,
                             Barriers barriers) {
    Lifetimes lifetimes(kernel, barriers);
    auto meet = [&](const Piece &a, const Piece &b) {
      return lifetimes.meet(a.value, b.value);
    };
    auto order = llvm::to_vector(llvm::seq<unsigned>(0, pieces.size()));
    Places best = place(pieces, order, meet);
    auto tryLargestFirst = [&](auto rank) {
      llvm::sort(order, [&](unsigned a, unsigned b) {
        return std::tuple(-pieces[a].bytes, rank(a), a) <
               std::tuple(-pieces[b].bytes, rank(b), b);
      });
      if (Places places = place(pieces, order, meet); places.total < best.total)
        best = std::move(places);
    };
    tryLargestFirst([](unsigned) { return 0u; });
    llvm::DenseMap<Value, unsigned> first = findFirstUses(kernel);
    tryLargestFirst([&](unsigned i) { return first.lookup(pieces[i].value); });
    return best;
  }

  /// Puts a barrier between uses of one place by several allocations.
  static FailureOr<unsigned> separate(gpu::GPUFuncOp kernel,
                                      ArrayRef<Piece> pieces,
                                      ArrayRef<int64_t> offsets) {
    llvm::DenseMap<Value, std::pair<int64_t, int64_t>> from; // and to
    for (auto [piece, offset] : llvm::zip(pieces, offsets))
      from[piece.value] = {offset, offset + piece.bytes};
    return insertBarriers(kernel, [&](Value a, Value b) {
      auto first = from.find(a), second = from.find(b);
      if (first == from.end() || second == from.end())
        return a == b;
      return first->second.first < second->second.second &&
             second->second.first < first->second.second;
    });
  }

  LogicalResult plan(gpu::GPUFuncOp kernel) {
    if (!kernel.getBody().hasOneBlock())
      return kernel.emitError("expects structured control flow (scf), got ")
             << kernel.getBody().getBlocks().size() << " blocks";
    SmallVector<Piece> pieces = listPieces(kernel);
    auto order = llvm::to_vector(llvm::seq<unsigned>(0, pieces.size()));
    int64_t apart =
        place(pieces, order, [](auto &, auto &) { return true; }).total;
    int64_t limit = getLimit();
    Places places = choosePlaces(kernel, pieces, Barriers::Standing);
    if (limit > 0 && places.total > limit) {
      Places closer = choosePlaces(kernel, pieces, Barriers::Wherever);
      if (closer.total <= limit) {
        FailureOr<unsigned> added = separate(kernel, pieces, closer.offsets);
        if (failed(added))
          return failure();
        kernel.emitRemark("would need ")
            << places.total << " bytes of shared memory of " << limit << "; "
            << *added << " more barriers let more buffers share places";
        places = closer;
      }
    }
    for (auto [piece, offset] : llvm::zip(pieces, places.offsets)) {
      if (auto alloc = dyn_cast<AllocOp>(piece.op))
        alloc.setOffset(offset);
      else
        cast<ChannelOp>(piece.op).setOffset(offset);
    }
    int64_t total = places.total;
    if (limit > 0 && total > limit)
      return kernel.emitError("expects at most ")
             << limit << " bytes of shared memory a block, the kernel needs "
             << total << " (" << total - limit
             << " more); smaller chunks or fewer slots need less";
    if (total < apart)
      kernel.emitRemark("needs ")
          << total << " bytes of shared memory, in place of " << apart
          << ": buffers that are never needed at one time share places";
    kernel->setAttr(kSharedBytesAttr, Builder(kernel).getI64IntegerAttr(total));
    sharedBytes += total;
    savedBytes += apart - total;
    return success();
  }
};
} // namespace
