//===- Lifetimes.cpp - which allocations may share a place ----------------===//
// Backwards for what is still needed, forwards for what no barrier has ended;
// sets only grow, so that loops come to an end.
//===----------------------------------------------------------------------===//
#include "Lifetimes.h"

using namespace mlir;
using namespace deltanet::tile;

Lifetimes::Lifetimes(gpu::GPUFuncOp kernel, Barriers barriers)
    : barriers(barriers) {
  findAllocations(kernel);
  met.assign(numbers.size(), Set(numbers.size()));
  Block &body = kernel.getBody().front();
  findLive(body, Set(numbers.size()));
  Pending pending;
  findPending(body, pending);
}

bool Lifetimes::meet(Value a, Value b) const {
  auto first = numbers.find(a), second = numbers.find(b);
  if (first == numbers.end() || second == numbers.end() ||
      roles.lookup(a) != roles.lookup(b))
    return true;
  return met[first->second].test(second->second) ||
         met[second->second].test(first->second);
}

void Lifetimes::findAllocations(gpu::GPUFuncOp kernel) {
  kernel.walk([&](AllocOp alloc) {
    if (isKnown(alloc))
      numbers.insert({alloc.getShared(), numbers.size()});
  });
}

/// The role that `op` belongs to, if any.
static Region *findRole(Operation *op) {
  for (Region *region = op->getParentRegion(); region;
       region = region->getParentRegion())
    if (isa<RolesOp>(region->getParentOp()))
      return region;
  return nullptr;
}

/// Whether everything that uses it says how, at once, and in one role.
bool Lifetimes::isKnown(AllocOp alloc) {
  bool isUsed = false;
  Region *role = nullptr;
  SmallVector<Value> parts = {alloc.getShared()};
  while (!parts.empty())
    for (Operation *user : parts.pop_back_val().getUsers()) {
      if (user->getNumResults() == 1 &&
          isa<BufferType>(user->getResult(0).getType()) &&
          getMemory(user->getResult(0)) == alloc.getShared()) {
        parts.push_back(user->getResult(0));
        continue;
      }
      Region *here = findRole(user);
      if (!isa<MemoryEffectOpInterface>(user) ||
          isa<MmaAsyncOp, TmaLoadOp, TmaStoreOp>(user) ||
          (isUsed && here != role))
        return false;
      isUsed = true;
      role = here;
    }
  if (role) {
    auto all = cast<RolesOp>(role->getParentOp());
    if (all.getCopies()[role->getRegionNumber()] != 1)
      return false;
  }
  roles[alloc.getShared()] = role;
  return isUsed;
}

void Lifetimes::occupy(Value used, const Set &occupied) {
  auto it = numbers.find(used);
  if (it != numbers.end())
    met[it->second] |= occupied;
}

//===----------------------------------------------------------------------===//
// What is still needed
//===----------------------------------------------------------------------===//

/// What is needed before `block`, where `live` is needed after it.
Lifetimes::Set Lifetimes::findLive(Block &block, Set live) {
  for (Operation &op : llvm::reverse(block))
    live = findLive(&op, std::move(live));
  return live;
}

Lifetimes::Set Lifetimes::findLive(Operation *op, Set live) {
  if (op->getNumRegions() > 0) {
    // The roles run beside each other, and any region may be passed by.
    bool loop = isa<LoopLikeOpInterface>(op);
    Set before = live;
    for (bool changed = true; changed;) {
      Set after = loop ? before : live, next = before;
      for (Region &region : op->getRegions())
        for (Block &block : region)
          next |= findLive(block, after);
      changed = loop && next != before;
      before = next;
    }
    return before;
  }
  Uses uses(op);
  Set before = live;
  auto number = [&](Value v) { return numbers.find(v); };
  for (Value v : uses.defines)
    if (auto it = number(v); it != numbers.end())
      before.reset(it->second);
  for (Value v : uses.reads)
    if (auto it = number(v);
        it != numbers.end() && !llvm::is_contained(uses.defines, v))
      before.set(it->second);
  // Together in one operation is at the same time.
  Set used(numbers.size());
  for (ArrayRef<Value> values :
       {ArrayRef<Value>(uses.reads), ArrayRef<Value>(uses.writes)})
    for (Value v : values)
      if (auto it = number(v); it != numbers.end())
        used.set(it->second);
  for (unsigned n : used.set_bits())
    (((met[n] |= live) |= before) |= used).reset(n);
  return before;
}

//===----------------------------------------------------------------------===//
// What no barrier has ended
//===----------------------------------------------------------------------===//

void Lifetimes::findPending(Block &block, Pending &pending) {
  for (Operation &op : block)
    findPending(&op, pending);
}

void Lifetimes::findPending(Operation *op, Pending &pending) {
  if (op->getNumRegions() > 0)
    return visitRegions(op, pending, [&](Block &block, Pending &end) {
      findPending(block, end);
    });
  if (isa<BarrierOp>(op))
    return pending.meet();
  if (auto wait = dyn_cast<WaitOp>(op)) {
    if (wait.getPending() == 0) // of some groups no one knows which
      pending.wait();
    return;
  }
  Uses uses(op);
  Set occupied(numbers.size());
  auto add = [&](const llvm::DenseSet<Value> &values) {
    for (Value v : values)
      if (auto it = numbers.find(v); it != numbers.end())
        occupied.set(it->second);
  };
  add(pending.copies);
  if (barriers == Barriers::Standing) {
    add(pending.reads);
    add(pending.writes);
  }
  for (Value v : uses.reads)
    occupy(v, occupied);
  for (Value v : uses.writes)
    occupy(v, occupied);
  pending.add(op, uses);
}
