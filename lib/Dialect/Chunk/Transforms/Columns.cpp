//===- Columns.cpp - values with the columns of a state and without -------===//
// See Columns.h.
//===----------------------------------------------------------------------===//
#include "deltanet/Dialect/Chunk/Transforms/Columns.h"
#include "deltanet/Dialect/Chunk/IR/DimensionClasses.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace deltanet::chunk;

static int64_t rankOf(Value v) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  return type ? type.getRank() : 0;
}

/// Dimension number `dim` of those that `dropped` leaves.
static int64_t findKept(int64_t dim, ArrayRef<int64_t> dropped) {
  for (int64_t d = 0;; ++d)
    if (!llvm::is_contained(dropped, d) && dim-- == 0)
      return d;
}

/// The dimension of operand `i` that runs with dimension `dim` of the result;
/// none where the operation makes that dimension, or orders it.
static std::optional<int64_t> findOperandDim(Operation *op, unsigned i,
                                             int64_t dim) {
  using Dim = std::optional<int64_t>;
  if (OpTrait::hasElementwiseMappableTraits(op))
    return rankOf(op->getOperand(i)) == rankOf(op->getResult(0)) ? Dim(dim)
                                                                 : Dim();
  return TypeSwitch<Operation *, Dim>(op)
      .Case<DotOp>([&](DotOp o) -> Dim {
        if (dim != i)
          return {};
        return i == 0 ? o.getTransposeLhs() : !o.getTransposeRhs();
      })
      .Case<DecayApplyOp, UnitLowerSolveOp>([&](Operation *) {
        return i == 1 && dim == 1 ? Dim(1) : Dim(); // y, and the right side
      })
      .Case<BroadcastOp>([&](BroadcastOp o) -> Dim {
        if (llvm::is_contained(o.getDimensions(), dim))
          return {};
        return dim - llvm::count_if(o.getDimensions(),
                                    [&](int64_t d) { return d < dim; });
      })
      .Case<ReduceOp>(
          [&](ReduceOp o) -> Dim { return findKept(dim, o.getDimensions()); })
      .Case<RowOp>([&](Operation *) -> Dim { return dim + 1; })
      .Case<CumsumOp, MaskTokensOp, RepeatOp>(
          [&](Operation *) { return i == 0 && dim > 0 ? Dim(dim) : Dim(); })
      .Case<TransposeOp>([&](Operation *) -> Dim { return 1 - dim; })
      .Default([](Operation *) { return Dim(); });
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

namespace {
/// A dimension, or none.
using Column = std::optional<int64_t>;

class Separation {
public:
  explicit Separation(ScanOp scan) : scan(scan) {}
  void run();

private:
  bool findColumns(int64_t dim);
  bool passOn(Operation *op, bool &changed);
  void separate();
  Value obtain(Value v, Column column);

  ScanOp scan;
  /// Of what waits for the state: its columns.
  llvm::DenseMap<Value, Column> waiting;
  /// Of what does not: one value for each way in which it is needed.
  llvm::DenseMap<Value, SmallVector<std::pair<Column, Value>>> made;
  /// How the values among them are needed.
  llvm::DenseMap<Value, Column> needed;
};
} // namespace

/// From what `op` reads to its result; false where a column would be
/// contracted, ordered, or along two dimensions.
bool Separation::passOn(Operation *op, bool &changed) {
  Value result = op->getResult(0);
  for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
    auto it = waiting.find(operand);
    if (it == waiting.end())
      continue;
    Column from = it->second, to;
    changed |= waiting.try_emplace(result).second;
    if (!from)
      continue;
    for (int64_t d = 0; d != rankOf(result); ++d)
      if (findOperandDim(op, i, d) == from)
        to = d;
    if (!to && !isa<ReduceOp>(op))
      return false;
    Column &column = waiting[result];
    if (column && to && *column != *to)
      return false;
    changed |= to && !column;
    column = to ? to : column;
  }
  return true;
}

/// Follows the columns from dimension `dim` of the first carry.
bool Separation::findColumns(int64_t dim) {
  waiting.clear();
  for (Value carry : scan.getCarryArguments())
    waiting[carry] = {};
  waiting[scan.getCarryArguments()[0]] = dim;
  auto yield = cast<YieldOp>(scan.getBodyBlock()->getTerminator());
  for (bool changed = true; changed;) {
    changed = false;
    for (Operation &op : scan.getBodyBlock()->without_terminator())
      if (!passOn(&op, changed))
        return false;
    for (auto [argument, value] :
         llvm::zip(scan.getCarryArguments(), yield.getCarries())) {
      auto it = waiting.find(value);
      if (it == waiting.end() || !it->second)
        continue;
      Column column = it->second, &before = waiting.find(argument)->second;
      if (before && before != column)
        return false;
      changed |= !before;
      before = column;
    }
  }
  return true;
}

/// `v` for a place that needs it with its columns along `column`.
Value Separation::obtain(Value v, Column column) {
  auto &copies = made[v];
  for (auto [other, copy] : copies)
    if (other == column)
      return copy;
  Value copy = v;
  if (!copies.empty()) {
    if (Operation *op = v.getDefiningOp()) {
      copy = OpBuilder(op).clone(*op)->getResult(0);
    } else {
      unsigned i = cast<BlockArgument>(v).getArgNumber() -
                   scan.getInputArguments()[0].getArgNumber();
      SmallVector<Attribute> accesses(scan.getInputAccesses().getValue());
      accesses.push_back(accesses[i]);
      scan.getInputsMutable().append(scan.getInputs()[i]);
      scan.setInputAccessesAttr(ArrayAttr::get(scan.getContext(), accesses));
      copy = scan.getBodyBlock()->addArgument(v.getType(), v.getLoc());
    }
  }
  made[v].emplace_back(column, copy);
  needed[copy] = column;
  return copy;
}

/// From the end to the beginning: whoever needs a value has been seen before
/// it, and copies stand before what they are copies of.
void Separation::separate() {
  auto yield = cast<YieldOp>(scan.getBodyBlock()->getTerminator());
  auto isApart = [&](Value v) { return !waiting.contains(v) && rankOf(v) > 0; };
  for (auto [i, carry] : llvm::enumerate(scan.getCarryArguments())) {
    OpOperand &operand = yield.getCarriesMutable()[i];
    if (isApart(operand.get()))
      operand.set(obtain(operand.get(), waiting[carry]));
  }
  for (OpOperand &operand : yield.getOutputsMutable())
    if (isApart(operand.get()))
      operand.set(obtain(operand.get(), {}));
  for (Operation *op = yield->getPrevNode(); op; op = op->getPrevNode()) {
    Value result = op->getResult(0);
    auto it = waiting.find(result);
    Column column = it != waiting.end() ? it->second : needed.lookup(result);
    for (OpOperand &operand : op->getOpOperands())
      if (isApart(operand.get()) &&
          operand.get().getParentBlock() == scan.getBodyBlock()) {
        Column from;
        if (column)
          from = findOperandDim(op, operand.getOperandNumber(), *column);
        operand.set(obtain(operand.get(), from));
      }
  }
}

void Separation::run() {
  for (int64_t d = rankOf(scan.getCarryArguments()[0]) - 1; d >= 0; --d)
    if (findColumns(d))
      return separate();
}

/// Whether the values of the body have columns, each along one dimension.
static bool hasColumns(ScanOp scan, const DimensionClasses &classes) {
  Value carry = scan.getCarryArguments()[0];
  int64_t dim = classes.findFree(carry);
  if (dim < 0)
    return false;
  auto isSingle = [&](Value v) {
    return llvm::count_if(llvm::seq<int64_t>(0, rankOf(v)), [&](int64_t d) {
             return classes.together(carry, dim, v, d);
           }) <= 1;
  };
  return llvm::all_of(scan.getBodyBlock()->getArguments(), isSingle) &&
         llvm::all_of(*scan.getBodyBlock(), [&](Operation &op) {
           return llvm::all_of(op.getResults(), isSingle);
         });
}

void deltanet::chunk::separateColumns(ScanOp scan) {
  if (scan.getNumCarries() == 0)
    return;
  DimensionClasses classes(scan);
  if (!classes.getUnknown() && !hasColumns(scan, classes))
    Separation(scan).run();
}
