//===- KernelParallel.cpp - a kernel that carries nothing -----------------===//
// A block a chunk: nothing else is worked on in it while its inputs come, so
// what is made first is what the first of them allow.
//===----------------------------------------------------------------------===//
#include "KernelBuilder.h"
#include "TileTypes.h"
#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;
using namespace deltanet;
using chunk::AccessAttr;

InputPhases::InputPhases(chunk::ScanOp scan) {
  int64_t most = 0; // elements of an input of tokens
  auto elements = [](Value v) -> int64_t {
    auto type = dyn_cast<RankedTensorType>(v.getType());
    return type ? type.getNumElements() : 0;
  };
  auto inputs =
      llvm::zip_equal(scan.getInputArguments(),
                      scan.getInputAccesses().getAsRange<AccessAttr>());
  for (auto [argument, access] : inputs)
    if (access.has(AccessAttr::Token))
      most = std::max(most, elements(argument));
  SmallVector<Value> large; // in the order of their first use
  for (Operation &op : scan.getBodyBlock()->without_terminator())
    for (Value v : op.getOperands())
      for (auto [argument, access] : inputs)
        if (v == argument && !access.has(AccessAttr::Token) &&
            elements(v) > most && !llvm::is_contained(large, v))
          large.push_back(v);
  order(scan, large);
  for (Value v : large) {
    phases[v] = ++last;
    bytes.push_back(elements(v) * elementOf(v).getIntOrFloatBitWidth() / 8);
  }
  for (Operation &op : scan.getBodyBlock()->without_terminator()) {
    unsigned phase = 0;
    for (Value operand : op.getOperands())
      phase = std::max(phase, of(operand));
    for (Value result : op.getResults())
      phases[result] = phase;
  }
}

/// First those whose products wait for no other: an input that is multiplied by
/// what another one leads to has to lie in its place until that is there.
void InputPhases::order(chunk::ScanOp scan, SmallVectorImpl<Value> &large) {
  llvm::DenseMap<Value, llvm::SmallBitVector> needs; // which of the large ones
  llvm::SmallBitVector none(large.size());
  llvm::DenseMap<Value, int64_t> waiting; // products that do
  for (auto [i, v] : llvm::enumerate(large)) {
    needs[v] = none;
    needs[v].set(i);
  }
  for (Operation &op : scan.getBodyBlock()->without_terminator()) {
    llvm::SmallBitVector all = none;
    for (Value operand : op.getOperands())
      if (auto it = needs.find(operand); it != needs.end())
        all |= it->second;
    if (isa<chunk::DotOp>(op))
      for (Value operand : op.getOperands())
        waiting[operand] += all.count() > 1;
    for (Value result : op.getResults())
      needs[result] = all;
  }
  llvm::stable_sort(large, [&](Value x, Value y) {
    return waiting.lookup(x) < waiting.lookup(y);
  });
}

bool InputPhases::canTakeTurns(chunk::ScanOp scan) const {
  return llvm::all_of(scan.getInputArguments(), [&](Value v) {
    unsigned phase = of(v);
    return phase == 0 || llvm::all_of(v.getUsers(), [&](Operation *user) {
             return !isa<chunk::DotOp>(user) || of(user->getResult(0)) == phase;
           });
  });
}

static bool isSum(Operation *op) { return isa_and_nonnull<arith::AddFOp>(op); }

/// What is there first is added first, so that a sum over several phases is one
/// value between them.
void deltanet::sortSums(chunk::ScanOp scan) {
  InputPhases phases(scan);
  for (Operation &root : llvm::make_early_inc_range(*scan.getBodyBlock())) {
    bool isInner = root.hasOneUse() && isSum(*root.user_begin());
    if (!isSum(&root) || isInner)
      continue;
    SmallVector<Value> terms, work{root.getOperand(1), root.getOperand(0)};
    while (!work.empty()) {
      Value v = work.pop_back_val();
      Operation *op = v.getDefiningOp();
      if (isSum(op) && op->hasOneUse())
        work.append({op->getOperand(1), op->getOperand(0)});
      else
        terms.push_back(v);
    }
    llvm::stable_sort(
        terms, [&](Value x, Value y) { return phases.of(x) < phases.of(y); });
    OpBuilder b(&root);
    Value sum = terms.front();
    for (Value term : ArrayRef<Value>(terms).drop_front())
      sum = arith::AddFOp::create(b, root.getLoc(), sum, term);
    root.getResult(0).replaceAllUsesWith(sum);
  }
  for (Operation &op :
       llvm::make_early_inc_range(llvm::reverse(*scan.getBodyBlock())))
    if (isOpTriviallyDead(&op))
      op.erase();
}

/// Starts the copies of a phase, in the order in which they are used; each is
/// waited for then.
void KernelBuilder::startArrivals(RoleEmitter &part, ArrayRef<Input *> inputs,
                                  Value chunk) {
  for (Input *m : inputs) {
    Location at = m->argument.getLoc();
    copy(*m, m->ring, chunk);
    tile::CommitOp::create(b, loc);
    part.setArrival(m->argument, [this, at, number = ++numStarted] {
      if (number <= numArrived)
        return;
      numArrived = number;
      tile::WaitOp::create(b, at, numStarted - number);
    });
  }
}

LogicalResult KernelBuilder::storeOutputs(RoleEmitter &part,
                                          const InputPhases &phases,
                                          unsigned phase, Value chunk) {
  auto yield = cast<chunk::YieldOp>(scan.getBodyBlock()->getTerminator());
  for (auto [i, value] : llvm::enumerate(yield.getOutputs()))
    if (Value pointer = signature.getOutput(i);
        pointer && phases.of(value) == phase)
      if (failed(storeTile(part, value, scan.getOutputs()[i], pointer,
                           scan.getOutputAccess(i), chunk)))
        return failure();
  return success();
}

LogicalResult KernelBuilder::buildParallel(RoleEmitter &part) {
  Value chunk = parallelChunk;
  InputPhases phases(scan);
  if (failed(loadConstants(part, /*ahead=*/true)))
    return failure();
  llvm::DenseMap<Value, int64_t> firstUse;
  for (auto [i, op] : llvm::enumerate(plan.getAhead()))
    for (Value operand : op->getOperands())
      firstUse.try_emplace(BodyPlan::source(operand), i);
  SmallVector<SmallVector<Input *>> coming(phases.getLast() + 1);
  for (Input &m : matrices) {
    // A whole buffer, so that it has no place before it is filled.
    m.ring = allocate(m.buffer, m.argument.getLoc());
    part.bind(m.argument, {Value(), m.ring});
    if (m.isCopied)
      coming[phases.of(m.argument)].push_back(&m);
  }
  for (auto &inputs : coming)
    llvm::stable_sort(inputs, [&](Input *x, Input *y) {
      return firstUse.lookup(x->argument) < firstUse.lookup(y->argument);
    });
  // The first large one takes the place of what phase 0 needs for scaled rows,
  // and where it scales none, that of nothing.
  bool scales = llvm::any_of(plan.getAhead(), [](Operation *op) {
    auto dot = dyn_cast<chunk::DecayDotOp>(op);
    return dot && cast<RankedTensorType>(dot.getGx().getType()).getRank() == 2;
  });
  unsigned atOnce = !shape.inTurn ? coming.size() : scales ? 1 : 2;
  for (auto [phase, inputs] : llvm::enumerate(coming))
    if (phase < atOnce)
      startArrivals(part, inputs, chunk);
  FailureOr<SmallVector<Value>> loaded = loadVectors(part, chunk);
  if (failed(loaded))
    return failure();
  for (auto [input, value] : llvm::zip(vectors, *loaded))
    part.bind(input.argument, {value, Value()});
  for (Input &m : matrices)
    if (!m.isCopied)
      loadOther(part, m, m.ring, chunk);
  part.setCount(
      arith::MinSIOp::create(b, loc, tokensLeft(chunk, 1), chunkSize));
  for (unsigned phase = 0; phase <= phases.getLast(); ++phase) {
    if (phase >= atOnce) {
      tile::BarrierOp::create(b, loc); // its place may have been read
      startArrivals(part, coming[phase], chunk);
    }
    SmallVector<Operation *> operations;
    for (Operation *op : plan.getAhead())
      if (phases.of(op->getResult(0)) == phase)
        operations.push_back(op);
    auto isNeeded = [&](Operation *op) {
      return llvm::any_of(op->getUsers(), [&](Operation *user) {
        return isProduct(user) && phases.of(user->getResult(0)) == phase;
      });
    };
    if (failed(part.emitWork(operations, isNeeded)) ||
        failed(storeOutputs(part, phases, phase, chunk)) ||
        (shape.inTurn && failed(finishProducts(part, phases, phase))) ||
        failed(finishPhase(part, phases, phase)))
      return failure();
  }
  return success();
}

/// Makes the products with the large input of a phase, those too that are left
/// to a later sum: the next one takes its place.
LogicalResult KernelBuilder::finishProducts(RoleEmitter &part,
                                            const InputPhases &phases,
                                            unsigned phase) {
  for (Input &m : matrices)
    if (phase > 0 && phases.of(m.argument) == phase)
      for (Operation *user : m.argument.getUsers())
        if (isa<chunk::DotOp>(user) && phases.of(user->getResult(0)) == phase &&
            !part.inRegisters(user->getResult(0)))
          return failure();
  return success();
}

/// Between phases registers hold what is expensive and used later, as late
/// values of it as there are, and last what else is read of a large input that
/// leaves its place.
LogicalResult KernelBuilder::finishPhase(RoleEmitter &part,
                                         const InputPhases &phases,
                                         unsigned phase) {
  if (phase == phases.getLast())
    return success();
  auto isUsedLater = [&](Operation *op) {
    return llvm::any_of(op->getUsers(), [&](Operation *user) {
      return !user->hasTrait<OpTrait::IsTerminator>() &&
             phases.of(user->getResult(0)) > phase;
    });
  };
  for (Operation *op : plan.getAhead())
    if (phases.of(op->getResult(0)) <= phase && isUsedLater(op) &&
        OpTrait::hasElementwiseMappableTraits(op) &&
        !elementOf(op->getResult(0)).isF64() &&
        !part.isCheap(op->getResult(0)) && !part.inRegisters(op->getResult(0)))
      return failure();
  for (Input &m : matrices) {
    if (!shape.inTurn || phase == 0 || phases.of(m.argument) != phase)
      continue;
    bool onlyProducts = llvm::all_of(m.argument.getUsers(), [](Operation *op) {
      return isa<chunk::DotOp>(op);
    });
    if (!onlyProducts && !part.inRegisters(m.argument))
      return failure();
    part.leaveBuffer(m.argument);
  }
  part.forgetCheap();
  return success();
}
