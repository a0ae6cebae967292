//===- SharedUses.cpp - who uses shared memory ----------------------------===//
// See SharedUses.h.
//===----------------------------------------------------------------------===//
#include "SharedUses.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

using namespace mlir;
using namespace deltanet::tile;

Uses::Uses(Operation *op) {
  auto interface = dyn_cast<MemoryEffectOpInterface>(op);
  if (!interface)
    return;
  SmallVector<MemoryEffects::EffectInstance> effects;
  interface.getEffects(effects);
  for (const MemoryEffects::EffectInstance &effect : effects) {
    Value value = effect.getValue();
    if (!value || !isa<BufferType, RingType>(value.getType()))
      continue;
    Value memory = getMemory(value);
    if (!memory.getDefiningOp()) // an argument: its allocation is out of sight
      continue;
    if (isa<MemoryEffects::Read>(effect.getEffect())) {
      reads.push_back(memory);
    } else if (isa<MemoryEffects::Write>(effect.getEffect())) {
      // Effects stand in the order in which they happen; a part (a slot, a row)
      // is not the whole.
      if (value == memory && !llvm::is_contained(reads, memory))
        defines.push_back(memory);
      writes.push_back(memory);
    }
  }
}

void deltanet::tile::visitRegions(
    Operation *op, Pending &pending,
    llvm::function_ref<void(Block &, Pending &)> visitBlock) {
  bool loop = isa<LoopLikeOpInterface>(op);
  Pending before = pending, after = pending;
  for (bool changed = true; changed;) {
    changed = false;
    for (Region &region : op->getRegions())
      for (Block &block : region) {
        Pending end = before;
        visitBlock(block, end);
        after.merge(end);
      }
    Pending again = before;
    again.merge(after);
    if (loop && again != before) {
      before = again;
      changed = true;
    }
  }
  pending = after;
}
