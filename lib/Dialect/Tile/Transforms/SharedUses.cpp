//===- SharedUses.cpp - who uses shared memory ----------------------------===//
// See SharedUses.h.
//===----------------------------------------------------------------------===//
#include "SharedUses.h"

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
