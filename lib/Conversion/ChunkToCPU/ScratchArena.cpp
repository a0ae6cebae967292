//===- ScratchArena.cpp - tiles in a thread's scratch memory --------------===//
// Slots are views whose offsets are filled in last: only then is it known
// from where to where each is alive.
//===----------------------------------------------------------------------===//
#include "ScratchArena.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace deltanet::cpu;

/// Slots start at a cache line, so that whole vectors do not straddle two.
static constexpr int64_t alignment = 64;

Tile ScratchArena::allocate(ArrayRef<int64_t> shape, Type element,
                            int64_t position) {
  Tile tile;
  tile.shape.assign(shape.begin(), shape.end());
  tile.element = element;
  tile.slot = slots.size();
  // A bit in memory would not be addressable; predicates are bytes there.
  Type stored = element.isInteger(1) ? builder.getI8Type() : element;
  SmallVector<int64_t> physical(shape);
  if (physical.empty())
    physical.push_back(1);
  physical.back() = llvm::alignTo(physical.back(), lanes);
  auto type = MemRefType::get(physical, stored);

  int64_t bits = isa<IndexType>(stored) ? 64 : stored.getIntOrFloatBitWidth();
  int64_t bytes = llvm::alignTo(type.getNumElements() * bits / 8, alignment);
  auto offset = arith::ConstantIndexOp::create(builder, loc, 0);
  tile.buffer =
      memref::ViewOp::create(builder, loc, type, base, offset, ValueRange());
  slots.push_back({offset, bytes, position, position});
  return tile;
}

void ScratchArena::touch(const Tile &tile, int64_t position) {
  if (tile.slot < 0)
    return;
  Slot &slot = slots[tile.slot];
  slot.first = std::min(slot.first, position);
  slot.last = std::max(slot.last, position);
}

void ScratchArena::pin(const Tile &tile) {
  touch(tile, std::numeric_limits<int64_t>::min());
  touch(tile, std::numeric_limits<int64_t>::max());
}

int64_t ScratchArena::place() {
  // Largest first, each at the lowest offset free for as long as it lives.
  SmallVector<Slot *> order;
  for (Slot &slot : slots)
    order.push_back(&slot);
  llvm::sort(order, [](Slot *a, Slot *b) {
    return a->bytes != b->bytes ? a->bytes > b->bytes : a < b;
  });
  SmallVector<Slot *> placed;
  int64_t total = 0;
  for (Slot *slot : order) {
    SmallVector<std::pair<int64_t, int64_t>> taken;
    for (Slot *other : placed)
      if (other->first <= slot->last && slot->first <= other->last)
        taken.push_back({other->offset, other->offset + other->bytes});
    llvm::sort(taken);
    int64_t offset = 0;
    for (auto [begin, end] : taken) {
      if (offset + slot->bytes <= begin)
        break;
      offset = std::max(offset, end);
    }
    slot->offset = offset;
    slot->address.setValueAttr(builder.getIndexAttr(offset));
    total = std::max(total, offset + slot->bytes);
    placed.push_back(slot);
  }
  return total;
}
