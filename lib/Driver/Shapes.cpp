//===- Shapes.cpp - dimensions that must be equal -------------------------===//
// Collects equalities from the operations of a function, then binds unknowns.
//===----------------------------------------------------------------------===//
#include "Shapes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;

std::string deltanet::driver::formatShape(ArrayRef<int64_t> shape) {
  if (shape.empty())
    return "scalar";
  return llvm::join(llvm::map_range(shape,
                                    [](int64_t extent) {
                                      return ShapedType::isDynamic(extent)
                                                 ? std::string("?")
                                                 : std::to_string(extent);
                                    }),
                    "x");
}

//===----------------------------------------------------------------------===//
// Unknowns
//===----------------------------------------------------------------------===//

unsigned ShapeBinder::find(unsigned id) const {
  while (unknowns[id].parent != id)
    id = unknowns[id].parent;
  return id;
}

std::optional<unsigned> ShapeBinder::lookup(Value value, unsigned dim) const {
  auto it = ids.find({value, dim});
  if (it == ids.end())
    return std::nullopt;
  return find(it->second);
}

unsigned ShapeBinder::get(Value value, unsigned dim) {
  auto [it, inserted] = ids.try_emplace({value, dim}, unknowns.size());
  if (inserted) {
    Unknown unknown;
    unknown.parent = unknowns.size();
    unknown.extent = cast<RankedTensorType>(value.getType()).getDimSize(dim);
    if (!ShapedType::isDynamic(unknown.extent)) {
      auto argument = dyn_cast<BlockArgument>(value);
      unknown.source =
          argument
              ? "the type of '" +
                    getArgumentName(function, argument.getArgNumber()).str() +
                    "'"
              : "the program";
    }
    unknowns.push_back(unknown);
  }
  return find(it->second);
}

void ShapeBinder::tie(unsigned a, unsigned b) {
  a = find(a);
  b = find(b);
  if (a == b)
    return;
  if (b < a)
    std::swap(a, b);
  unknowns[b].parent = a;
  // A verified function has no two static extents that differ here, but for
  // casts, which the program checks where it runs.
  if (ShapedType::isDynamic(unknowns[a].extent)) {
    unknowns[a].extent = unknowns[b].extent;
    unknowns[a].source = unknowns[b].source;
  }
  if (unknowns[a].name.empty())
    unknowns[a].name = unknowns[b].name;
}

void ShapeBinder::tie(Value a, unsigned dimA, Value b, unsigned dimB) {
  tie(get(a, dimA), get(b, dimB));
}

void ShapeBinder::name(unsigned id, StringRef symbol) {
  Unknown &unknown = unknowns[find(id)];
  if (!unknown.name.empty())
    return;
  auto isTaken = [&](StringRef candidate) {
    return llvm::any_of(
        llvm::seq<unsigned>(0, unknowns.size()), [&](unsigned i) {
          return unknowns[i].parent == i && unknowns[i].name == candidate;
        });
  };
  std::string candidate = symbol.str();
  for (int suffix = 2; isTaken(candidate); ++suffix)
    candidate = (symbol + Twine(suffix)).str();
  unknown.name = candidate;
}

//===----------------------------------------------------------------------===//
// Equalities
//===----------------------------------------------------------------------===//

ShapeBinder::ShapeBinder(func::FuncOp function) : function(function) {
  for (BlockArgument argument : function.getArguments())
    if (auto type = dyn_cast<RankedTensorType>(argument.getType()))
      for (int64_t dim = 0; dim < type.getRank(); ++dim)
        get(argument, dim);
  function.walk([&](Operation *op) { visit(op); });
  auto nameStates = [&](Value indices, Value initial, Value final) {
    if (indices)
      name(get(indices, 0), "N");
    for (Value state : {initial, final})
      if (state)
        name(get(state, 0), indices ? "P" : "N");
  };
  // Names last: what is equal is known by then.
  function.walk([&](linrec::RecurrenceOpInterface op) {
    linrec::TokenDims d = linrec::getTokenDims(op.getLayout());
    name(get(op.getQuery(), d.batch), "B");
    name(get(op.getQuery(), d.token), "T");
    name(get(op.getValue(), d.head), "H");
    name(get(op.getQuery(), d.head), "G");
    name(get(op.getQuery(), 3), "K");
    name(get(op.getValue(), 3), "V");
    name(get(op.getKey(), d.token), "nT");
    nameStates(op.getIndices(), op.getInitialState(), op.getFinalState());
  });
  function.walk([&](linrec::SelectiveScanOp op) {
    name(get(op.getInput(), 0), "B");
    name(get(op.getInput(), 1), "T");
    nameStates(op.getIndices(), op.getInitialState(), op.getFinalState());
  });
  for (unsigned count : sequenceCounts)
    name(count, "N");
}

void ShapeBinder::visitRecurrence(linrec::RecurrenceOpInterface op) {
  linrec::TokenDims d = linrec::getTokenDims(op.getLayout());
  Value q = op.getQuery(), k = op.getKey(), v = op.getValue();
  int64_t steps = op.getStepsPerToken();
  for (Value other : {k, v, Value(op.getOutput())}) {
    tie(q, d.batch, other, d.batch);
    if (other == Value(op.getOutput()) || steps == 1)
      tie(q, d.token, other, d.token);
  }
  tie(k, d.token, v, d.token);
  if (steps != 1)
    relations.push_back({get(k, d.token), get(q, d.token), steps, 0});
  tie(q, d.head, k, d.head);
  tie(q, 3, k, 3);
  tie(v, d.head, op.getOutput(), d.head);
  tie(v, 3, op.getOutput(), 3);
  groupsAndHeads.push_back({get(q, d.head), get(v, d.head)});
  if (Value decay = op.getDecay()) {
    tie(q, d.batch, decay, d.batch);
    tie(q, d.token, decay, d.token);
    tie(v, d.head, decay, d.head);
    if (cast<RankedTensorType>(decay.getType()).getRank() == 4)
      tie(q, 3, decay, 3);
  }
  if (auto scan = dyn_cast<linrec::ScanOp>(op.getOperation())) {
    if (Value beta = scan.getBeta())
      for (int64_t dim : {d.batch, d.token, d.head})
        tie(v, dim, beta, dim);
    if (Value bonus = scan.getBonus()) {
      tie(v, d.head, bonus, 0);
      tie(q, 3, bonus, 1);
    }
  }
  if (auto dplr = dyn_cast<linrec::DplrScanOp>(op.getOperation()))
    for (Value other :
         {Value(dplr.getTransitionIn()), Value(dplr.getTransitionOut())})
      for (int64_t dim = 0; dim < 4; ++dim)
        tie(k, dim, other, dim);
  visitStates(op);
  if (!batchAndTokens)
    batchAndTokens = {get(q, d.batch), get(q, d.token)};
}

void ShapeBinder::visitStates(linrec::RecurrenceOpInterface op) {
  linrec::TokenDims d = linrec::getTokenDims(op.getLayout());
  Value q = op.getQuery(), v = op.getValue();
  bool vk = op.getStateLayout() == linrec::StateLayout::VK;
  for (Value state : {Value(op.getInitialState()), Value(op.getFinalState())}) {
    if (!state)
      continue;
    tie(v, d.head, state, 1);
    tie(q, 3, state, vk ? 3 : 2);
    tie(v, 3, state, vk ? 2 : 3);
  }
  visitSequences(q, op.getCuSeqlens(), op.getIndices(), op.getInitialState(),
                 op.getFinalState(), d.batch);
}

void ShapeBinder::visitSequences(Value batched, Value sequences, Value indices,
                                 Value initial, Value final,
                                 unsigned batchDim) {
  auto perSequence = [&](Value list) {
    if (sequences)
      relations.push_back({get(sequences, 0), get(list, 0), 1, 1});
    else
      tie(batched, batchDim, list, 0);
  };
  for (Value state : {initial, final})
    if (state && indices)
      tie(initial, 0, state, 0);
    else if (state)
      perSequence(state);
  if (indices)
    perSequence(indices);
  if (initial && final)
    tie(initial, 0, final, 0);
  if (!sequences)
    return;
  if (!initial && !final) {
    Unknown count;
    count.parent = unknowns.size();
    sequenceCounts.push_back(count.parent);
    unknowns.push_back(count);
    relations.push_back({get(sequences, 0), sequenceCounts.back(), 1, 1});
  }
  Unknown &batch = unknowns[get(batched, batchDim)];
  if (ShapedType::isDynamic(batch.extent)) {
    batch.extent = 1;
    batch.source = "packed sequences";
  }
}

void ShapeBinder::visitSelectiveScan(linrec::SelectiveScanOp op) {
  Value x = op.getInput();
  for (Value other : {Value(op.getDelta()), Value(op.getB()), Value(op.getC()),
                      Value(op.getOutput())}) {
    tie(x, 0, other, 0);
    tie(x, 1, other, 1);
  }
  visitSequences(x, op.getCuSeqlens(), op.getIndices(), op.getInitialState(),
                 op.getFinalState(), 0);
  if (!batchAndTokens)
    batchAndTokens = {get(x, 0), get(x, 1)};
}

/// The dimension that an index operand measures, if it is a tensor.dim.
static std::optional<std::pair<Value, unsigned>>
findMeasured(OpFoldResult size) {
  auto value = dyn_cast_if_present<Value>(size);
  auto dim = value ? value.getDefiningOp<tensor::DimOp>() : tensor::DimOp();
  if (!dim || !dim.getConstantIndex() ||
      !isa<RankedTensorType>(dim.getSource().getType()))
    return std::nullopt;
  return std::make_pair(dim.getSource(), unsigned(*dim.getConstantIndex()));
}

void ShapeBinder::visitReassociation(Value expanded, Value collapsed,
                                     ArrayRef<ReassociationIndices> groups) {
  auto type = cast<RankedTensorType>(expanded.getType());
  for (auto [i, group] : llvm::enumerate(groups)) {
    int64_t factor = 1, dynamic = -1, numDynamic = 0;
    for (int64_t dim : group) {
      if (type.isDynamicDim(dim)) {
        dynamic = dim;
        ++numDynamic;
      } else {
        factor *= type.getDimSize(dim);
      }
    }
    if (numDynamic == 1)
      relations.push_back(
          {get(collapsed, i), get(expanded, dynamic), factor, 0});
  }
}

void ShapeBinder::visit(Operation *op) {
  if (auto recurrence = dyn_cast<linrec::RecurrenceOpInterface>(op))
    return visitRecurrence(recurrence);
  if (auto scan = dyn_cast<linrec::SelectiveScanOp>(op))
    return visitSelectiveScan(scan);
  if (auto structured = dyn_cast<linalg::LinalgOp>(op)) {
    // Two dimensions that one loop walks are equal.
    DenseMap<unsigned, std::pair<Value, unsigned>> loops;
    auto visitDim = [&](unsigned loop, Value value, unsigned dim) {
      auto [it, inserted] = loops.try_emplace(loop, value, dim);
      if (!inserted)
        tie(it->second.first, it->second.second, value, dim);
    };
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isa<RankedTensorType>(operand.get().getType()))
        continue;
      AffineMap map = structured.getMatchingIndexingMap(&operand);
      for (auto [dim, expr] : llvm::enumerate(map.getResults()))
        if (auto loop = dyn_cast<AffineDimExpr>(expr))
          visitDim(loop.getPosition(), operand.get(), dim);
    }
    for (auto [init, result] :
         llvm::zip(structured.getDpsInits(), op->getResults()))
      for (int64_t dim = 0,
                   rank = cast<RankedTensorType>(init.getType()).getRank();
           dim < rank; ++dim)
        tie(init, dim, result, dim);
    return;
  }
  if (auto empty = dyn_cast<tensor::EmptyOp>(op)) {
    for (auto [dim, size] : llvm::enumerate(empty.getMixedSizes()))
      if (auto measured = findMeasured(size))
        tie(empty, dim, measured->first, measured->second);
    return;
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return visitReassociation(expand.getResult(), expand.getSrc(),
                              expand.getReassociationIndices());
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return visitReassociation(collapse.getSrc(), collapse.getResult(),
                              collapse.getReassociationIndices());
  if (!OpTrait::hasElementwiseMappableTraits(op) && !isa<tensor::CastOp>(op))
    return;
  Value first;
  auto visitValue = [&](Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type)
      return;
    if (!first)
      first = value;
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      tie(first, dim, value, dim);
  };
  llvm::for_each(op->getOperands(), visitValue);
  llvm::for_each(op->getResults(), visitValue);
}

//===----------------------------------------------------------------------===//
// Binding
//===----------------------------------------------------------------------===//

std::vector<std::string> ShapeBinder::getSymbols() const {
  std::vector<std::string> symbols;
  for (auto [id, unknown] : llvm::enumerate(unknowns))
    if (unknown.parent == id && !unknown.name.empty())
      symbols.push_back(unknown.name);
  return symbols;
}

std::string ShapeBinder::describe(StringRef name, Value value,
                                  unsigned dim) const {
  auto id = lookup(value, dim);
  std::string symbol = id ? unknowns[*id].name : "";
  if (!symbol.empty())
    symbol = " (" + symbol + ")";
  return llvm::formatv("dimension {0}{1} of '{2}'", dim, symbol, name);
}

std::string ShapeBinder::describe(unsigned id) const {
  auto entry = function;
  for (BlockArgument argument : entry.getArguments())
    if (auto type = dyn_cast<RankedTensorType>(argument.getType()))
      for (int64_t dim = 0; dim < type.getRank(); ++dim)
        if (lookup(argument, dim) == find(id))
          return describe(getArgumentName(entry, argument.getArgNumber()),
                          argument, dim);
  const std::string &symbol = unknowns[find(id)].name;
  return symbol.empty() ? "an extent" : symbol;
}

LogicalResult ShapeBinder::bind(unsigned id, int64_t extent,
                                const Twine &source, Location loc,
                                const Twine &what) {
  Unknown &unknown = unknowns[find(id)];
  if (extent < 0)
    return emitError(loc) << what << " is " << extent << " by " << source
                          << ", but extents are at least 0";
  if (ShapedType::isDynamic(unknown.extent)) {
    unknown.extent = extent;
    unknown.source = source.str();
    return success();
  }
  if (unknown.extent == extent)
    return success();
  return emitError(loc) << what << " is " << extent << " by " << source
                        << ", but " << unknown.extent << " by "
                        << unknown.source;
}

LogicalResult ShapeBinder::bindSymbol(Session &session, StringRef symbol,
                                      int64_t extent, const Twine &source) {
  for (auto [id, unknown] : llvm::enumerate(unknowns))
    if (unknown.parent == id && unknown.name == symbol)
      return bind(id, extent, source, session.getLoc(), symbol);
  // NAME.INDEX: a dimension of an argument.
  auto [argumentName, index] = symbol.rsplit('.');
  unsigned dim;
  if (!index.getAsInteger(10, dim))
    for (BlockArgument argument : function.getArguments())
      if (getArgumentName(function, argument.getArgNumber()) == argumentName)
        if (auto id = lookup(argument, dim))
          return bind(*id, extent, source, session.getLoc(), symbol);
  std::string symbols = llvm::join(getSymbols(), ", ");
  session.fail(kUsage, "expects --shape to name a dimension (" + symbols +
                           (symbols.empty() ? "" : "; or ") +
                           "ARGUMENT.INDEX), got '" + symbol + "'");
  return failure();
}

LogicalResult ShapeBinder::bindArgument(unsigned index, ArrayRef<int64_t> shape,
                                        const Twine &source) {
  BlockArgument argument = function.getArgument(index);
  StringRef name = getArgumentName(function, index);
  auto type = cast<RankedTensorType>(argument.getType());
  if (static_cast<int64_t>(shape.size()) != type.getRank())
    return emitError(argument.getLoc())
           << "expects '" << name << "' of shape "
           << formatShape(type.getShape()) << ", got " << formatShape(shape)
           << " in " << source;
  for (auto [dim, extent] : llvm::enumerate(shape))
    if (failed(bind(get(argument, dim), extent, source, argument.getLoc(),
                    describe(name, argument, dim))))
      return failure();
  return success();
}

LogicalResult ShapeBinder::bindTokensOf(unsigned index, int64_t tokens,
                                        const Twine &source) {
  Value argument = function.getArgument(index);
  LogicalResult result = success();
  function.walk([&](linrec::RecurrenceOpInterface op) {
    if (Value(op.getCuSeqlens()) != argument)
      return;
    unsigned dim = linrec::getTokenDims(op.getLayout()).token;
    if (failed(bind(get(op.getQuery(), dim), tokens, source, argument.getLoc(),
                    "the number of tokens")))
      result = failure();
  });
  function.walk([&](linrec::SelectiveScanOp op) {
    if (Value(op.getCuSeqlens()) == argument &&
        failed(bind(get(op.getInput(), 1), tokens, source, argument.getLoc(),
                    "the number of tokens")))
      result = failure();
  });
  return result;
}

LogicalResult ShapeBinder::propagate() {
  bool changed = true;
  while (changed) {
    changed = false;
    for (const Relation &relation : relations) {
      Unknown &to = unknowns[find(relation.to)];
      Unknown &from = unknowns[find(relation.from)];
      if (!ShapedType::isDynamic(from.extent)) {
        int64_t extent = relation.factor * from.extent + relation.offset;
        changed |= ShapedType::isDynamic(to.extent);
        if (failed(bind(relation.to, extent, from.source, function.getLoc(),
                        describe(relation.to))))
          return failure();
        continue;
      }
      if (ShapedType::isDynamic(to.extent))
        continue;
      int64_t rest = to.extent - relation.offset;
      if (rest < 0 || rest % relation.factor)
        return emitError(function.getLoc())
               << "expects " << describe(relation.to) << " to be "
               << relation.factor << " * n + " << relation.offset << ", got "
               << to.extent << " by " << to.source;
      from.extent = rest / relation.factor;
      from.source = to.source;
      changed = true;
    }
  }
  return success();
}

LogicalResult ShapeBinder::checkKnown(StringRef name, Value value, Location loc,
                                      StringRef kind) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type)
    return emitError(loc) << "expects tensors as " << kind << "s, got '" << name
                          << "' of type " << value.getType();
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    Unknown &unknown = unknowns[get(value, dim)];
    if (!ShapedType::isDynamic(unknown.extent))
      continue;
    std::string symbol =
        unknown.name.empty() ? (name + "." + Twine(dim)).str() : unknown.name;
    // Heads of query and key follow those of value.
    for (auto [groups, heads] : groupsAndHeads)
      if (find(groups) == find(get(value, dim)))
        symbol = unknowns[find(heads)].name;
    auto error = emitError(loc)
                 << describe(name, value, dim) << " is not known";
    if (kind == "argument")
      error << "; say --shape " << symbol << "=... or give a .npy file";
    return error;
  }
  return success();
}

LogicalResult ShapeBinder::solve() {
  if (failed(propagate()))
    return failure();
  for (auto [groups, heads] : groupsAndHeads) {
    Unknown &to = unknowns[find(groups)], &from = unknowns[find(heads)];
    if (ShapedType::isDynamic(to.extent)) {
      to.extent = from.extent;
      to.source = from.source;
    }
  }
  if (failed(propagate()))
    return failure();
  for (BlockArgument argument : function.getArguments())
    if (failed(checkKnown(getArgumentName(function, argument.getArgNumber()),
                          argument, argument.getLoc(), "argument")))
      return failure();
  Operation *terminator = function.getBody().back().getTerminator();
  for (auto [i, value] : llvm::enumerate(terminator->getOperands()))
    if (failed(checkKnown(getResultName(function, i), value, value.getLoc(),
                          "result")))
      return failure();
  return success();
}

SmallVector<int64_t> ShapeBinder::getShape(Value value) const {
  SmallVector<int64_t> shape;
  auto type = cast<RankedTensorType>(value.getType());
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    auto id = lookup(value, dim);
    shape.push_back(id ? unknowns[*id].extent : type.getDimSize(dim));
  }
  return shape;
}

int64_t ShapeBinder::countTokens() const {
  if (!batchAndTokens)
    return 0;
  return unknowns[find(batchAndTokens->first)].extent *
         unknowns[find(batchAndTokens->second)].extent;
}
