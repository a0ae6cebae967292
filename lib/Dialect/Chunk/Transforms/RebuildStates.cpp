//===- RebuildStates.cpp - states that are made again ---------------------===//
// See RebuildStates.h.
//===----------------------------------------------------------------------===//
#include "RebuildStates.h"
#include "ScanTypes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace deltanet::chunk;

Value deltanet::chunk::roundTo(BlockArgument argument, Type type,
                               OpBuilder &b) {
  auto kept = cast<RankedTensorType>(argument.getType())
                  .clone(getElementTypeOrSelf(type));
  if (kept == argument.getType())
    return argument;
  return arith::TruncFOp::create(b, argument.getLoc(), kept, argument);
}

SmallVector<unsigned> deltanet::chunk::findSources(ScanOp scan,
                                                   BitVector wanted) {
  auto yield = cast<YieldOp>(scan.getBodyBlock()->getTerminator());
  llvm::SmallSetVector<Value, 16> values;
  for (unsigned i : wanted.set_bits())
    values.insert(yield.getCarries()[i]);
  for (size_t next = 0; next != values.size(); ++next) {
    Value v = values[next];
    if (Operation *op = v.getDefiningOp())
      values.insert(op->operand_begin(), op->operand_end());
    for (auto [i, argument] : llvm::enumerate(scan.getCarryArguments()))
      if (v == argument && !wanted.test(i)) {
        wanted.set(i);
        values.insert(yield.getCarries()[i]);
      }
  }
  return llvm::to_vector_of<unsigned>(wanted.set_bits());
}

namespace {
/// The scan that makes the states of `scan` again, from those with which runs
/// of its chunks begin.
class RunScan {
public:
  RunScan(ScanOp scan, ArrayRef<unsigned> carries, ValueRange starts)
      : scan(scan), carries(carries), starts(starts), b(scan.getContext()) {
    b.setInsertionPointAfter(scan);
  }

  /// Yields what every chunk begins with, of each of `wanted` a tensor of its
  /// type.
  ScanOp build(ArrayRef<unsigned> wanted, TypeRange types) {
    SmallVector<Attribute> accesses, outputAccesses;
    for (unsigned carry : carries)
      accesses.push_back(getRunAccess(scan, rankOf(carry)));
    for (unsigned carry : wanted)
      outputAccesses.push_back(getChunkAccess(scan, rankOf(carry)));
    SmallVector<Type> results(types);
    llvm::append_range(results, starts.getTypes());
    int64_t runs = cast<RankedTensorType>(starts[0].getType()).getDimSize(1);
    auto again =
        ScanOp::create(b, scan.getLoc(), results, scan.getSequences(), starts,
                       scan.getInputs(), Value(), scan.getChunkSizeAttr(),
                       b.getArrayAttr(accesses), scan.getInputAccesses(),
                       b.getArrayAttr(outputAccesses), b.getArrayAttr(accesses),
                       scan.getReverseAttr(), b.getI64IntegerAttr(runs));
    again->setDiscardableAttrs(scan->getDiscardableAttrDictionary());
    Block *block = b.createBlock(&again.getBody());
    for (unsigned carry : carries)
      add(scan.getCarryArguments()[carry], block);
    add(scan.getCountArgument(), block);
    for (BlockArgument argument : scan.getInputArguments())
      add(argument, block);
    buildBody(wanted, types);
    return again;
  }

private:
  int64_t rankOf(unsigned carry) {
    Type type = scan.getCarryArguments()[carry].getType();
    return cast<RankedTensorType>(type).getRank();
  }
  void add(BlockArgument argument, Block *block) {
    mapping.map(argument,
                block->addArgument(argument.getType(), argument.getLoc()));
  }

  /// Only what leads to the next values.
  void buildBody(ArrayRef<unsigned> wanted, TypeRange types) {
    Block *block = b.getInsertionBlock();
    for (Operation &op : scan.getBodyBlock()->without_terminator())
      if (llvm::all_of(op.getOperands(), [&](Value v) {
            return mapping.contains(v) ||
                   v.getParentBlock() != scan.getBodyBlock();
          }))
        b.clone(op, mapping);
    auto yield = cast<YieldOp>(scan.getBodyBlock()->getTerminator());
    SmallVector<Value> outputs, next;
    for (auto [carry, type] : llvm::zip_equal(wanted, types)) {
      Value state = mapping.lookup(scan.getCarryArguments()[carry]);
      outputs.push_back(roundTo(cast<BlockArgument>(state), type, b));
    }
    for (unsigned carry : carries)
      next.push_back(mapping.lookupOrDefault(yield.getCarries()[carry]));
    YieldOp::create(b, scan.getLoc(), outputs, next);
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*block)))
      if (isOpTriviallyDead(&op))
        op.erase();
  }

  ScanOp scan;
  ArrayRef<unsigned> carries;
  ValueRange starts;
  OpBuilder b;
  IRMapping mapping;
};
} // namespace

ScanOp deltanet::chunk::rebuildStates(ScanOp scan, ArrayRef<unsigned> carries,
                                      ValueRange starts,
                                      ArrayRef<unsigned> wanted,
                                      TypeRange types) {
  return RunScan(scan, carries, starts).build(wanted, types);
}
