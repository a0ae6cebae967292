//===- Differentiate.cpp - gradients of functions -------------------------===//
// Beside a function come one that keeps what the gradient needs and one that
// computes it; see docs/Gradient.md. Scans are differentiated by
// DifferentiateScan; everything else has to be in their bodies.
//===----------------------------------------------------------------------===//
#include "DifferentiateScan.h"
#include "RebuildStates.h"
#include "ScanTypes.h"
#include "TensorSums.h"
#include "deltanet/Dialect/Chunk/Transforms/Passes.h"
#include "deltanet/Dialect/Kernel/IR/Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/StringSet.h"

namespace deltanet::chunk {
#define GEN_PASS_DEF_CHUNKDIFFERENTIATE
#include "deltanet/Dialect/Chunk/Transforms/Passes.h.inc"
} // namespace deltanet::chunk

using namespace mlir;
using namespace deltanet::chunk;

static bool isFloatTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa<FloatType>(tensor.getElementType());
}

static func::ReturnOp getReturn(func::FuncOp function) {
  return cast<func::ReturnOp>(function.getBody().front().getTerminator());
}

namespace {
/// The gradient of one function.
class FunctionDifferentiator {
public:
  FunctionDifferentiator(func::FuncOp function, SymbolTable &symbols)
      : function(function), symbols(symbols) {}

  SmallVector<unsigned> of, from;
  /// How many states of a sequence are kept; 0: those of all chunks.
  int64_t keep = 0;
  int64_t numScans = 0;

  LogicalResult run();

private:
  /// A tensor that the forward function keeps: what the chunks of a scan began
  /// with, or those that come first in a run.
  struct Kept {
    unsigned scan, carry;
    RankedTensorType type;
  };

  void name(func::FuncOp derived, StringRef suffix);
  void createBackward();
  LogicalResult pullBackAll();
  LogicalResult pullBack(ScanOp scan, unsigned number);
  LogicalResult giveStarts(ScanOp scan, unsigned number,
                           ScanDifferentiator &gradient);
  void dropUnreadStarts(unsigned number);
  void narrowStarts(unsigned number, Type products);
  void rebuildStarts();
  void rebuildFromRuns();
  void finishBackward();
  void createForward();
  void findActive();
  void add(Value tensor, Value gradient, AccessAttr access = {});
  void setNames();

  func::FuncOp function, backward, forward;
  SymbolTable &symbols;
  llvm::DenseSet<Value> active;
  llvm::DenseMap<Value, Value> gradients;
  SmallVector<Kept> kept;
};
} // namespace

//===----------------------------------------------------------------------===//
// The backward function
//===----------------------------------------------------------------------===//

/// The gradient of a variant is a variant of the gradient.
void FunctionDifferentiator::name(func::FuncOp derived, StringRef suffix) {
  derived.setName((function.getName() + suffix).str());
  if (deltanet::kernel::VariantAttr variant =
          deltanet::kernel::getVariant(function))
    derived->setAttr(deltanet::kernel::kVariantName,
                     deltanet::kernel::VariantAttr::get(
                         derived.getContext(), (variant.getOf() + suffix).str(),
                         variant.getWhen()));
}

/// `@f` as `@f_backward`, with the gradients of results as further arguments.
void FunctionDifferentiator::createBackward() {
  backward = function.clone();
  name(backward, "_backward");
  symbols.insert(backward, std::next(function->getIterator()));
  for (unsigned i : from) {
    Value result = getReturn(backward).getOperand(i);
    unsigned at = backward.getNumArguments();
    (void)backward.insertArgument(at, result.getType(), {}, result.getLoc());
    add(result, backward.getArgument(at));
  }
}

/// `access`: how a scan walks the tensor; null where none does.
void FunctionDifferentiator::add(Value tensor, Value gradient,
                                 AccessAttr access) {
  Value &sum = gradients[tensor];
  if (!sum) {
    sum = gradient;
    return;
  }
  OpBuilder b(getReturn(backward));
  if (!access) {
    sum = arith::AddFOp::create(b, tensor.getLoc(), sum, gradient);
    return;
  }
  sum = SumOp::create(b, tensor.getLoc(), tensor.getType(),
                      ValueRange{sum, gradient}, Value(),
                      b.getArrayAttr({access, access}), access);
}

void FunctionDifferentiator::findActive() {
  for (unsigned i : of)
    active.insert(backward.getArgument(i));
  for (Operation &op : backward.getBody().front())
    if (llvm::any_of(op.getOperands(),
                     [&](Value v) { return active.contains(v); }))
      for (Value result : op.getResults())
        if (isFloatTensor(result.getType()))
          active.insert(result);
}

LogicalResult FunctionDifferentiator::pullBackAll() {
  findActive();
  SmallVector<Operation *> ops;
  for (Operation &op : backward.getBody().front().without_terminator())
    ops.push_back(&op);
  unsigned number = llvm::count_if(ops, llvm::IsaPred<ScanOp>);
  for (Operation *op : llvm::reverse(ops)) {
    if (auto scan = dyn_cast<ScanOp>(op)) {
      if (failed(pullBack(scan, --number)))
        return failure();
      continue;
    }
    bool reached = llvm::any_of(op->getResults(), [&](Value v) {
      return active.contains(v) && gradients.contains(v);
    });
    if (reached)
      return op->emitError("expects what gradients go through to be part of a "
                           "recurrence's body (chunk-fuse-elementwise says why "
                           "it is not), got '")
             << op->getName() << "' beside it";
  }
  return success();
}

/// What the chunks began with comes as arguments.
LogicalResult FunctionDifferentiator::giveStarts(ScanOp scan, unsigned number,
                                                 ScanDifferentiator &gradient) {
  for (auto [i, argument] : llvm::enumerate(scan.getCarryArguments())) {
    auto tile = cast<RankedTensorType>(argument.getType());
    RankedTensorType type =
        getStorageType(scan, getChunkAccess(scan, tile.getRank()), tile);
    unsigned at = function.getNumArguments() + kept.size();
    if (failed(backward.insertArgument(at, type, {}, argument.getLoc())))
      return failure();
    gradient.starts[i] = backward.getArgument(at);
    kept.push_back({number, static_cast<unsigned>(i), type});
  }
  return success();
}

/// Arguments that the body turned out not to need go.
void FunctionDifferentiator::dropUnreadStarts(unsigned number) {
  for (int64_t k = static_cast<int64_t>(kept.size()) - 1; k >= 0; --k) {
    if (kept[k].scan != number)
      continue;
    BlockArgument argument =
        backward.getArgument(function.getNumArguments() + k);
    if (!argument.use_empty())
      continue;
    (void)backward.eraseArgument(argument.getArgNumber());
    kept.erase(kept.begin() + k);
  }
}

/// What is kept has the type of products' operands: nearly all that reads it
/// rounds it to that.
void FunctionDifferentiator::narrowStarts(unsigned number, Type products) {
  for (auto [k, start] : llvm::enumerate(kept)) {
    BlockArgument argument =
        backward.getArgument(function.getNumArguments() + k);
    auto reader = dyn_cast<ScanOp>(*argument.user_begin());
    if (start.scan != number || !argument.hasOneUse() || !reader ||
        !start.type.getElementType().isF32() || start.type.getRank() < 2)
      continue;
    unsigned at = argument.use_begin()->getOperandNumber() -
                  reader.getInputs().getBeginOperandIndex();
    BlockArgument tile = reader.getInputArguments()[at];
    auto wide = cast<RankedTensorType>(tile.getType());
    tile.setType(wide.clone(products));
    OpBuilder b(reader.getBodyBlock(), reader.getBodyBlock()->begin());
    Value widened = arith::ExtFOp::create(b, tile.getLoc(), wide, tile);
    tile.replaceAllUsesExcept(widened, widened.getDefiningOp());
    start.type = start.type.clone(products);
    argument.setType(start.type);
  }
}

LogicalResult FunctionDifferentiator::pullBack(ScanOp scan, unsigned number) {
  bool any = llvm::any_of(scan.getResults(), [&](Value v) {
    return active.contains(v) && gradients.contains(v);
  });
  if (!any)
    return success();
  OpBuilder b(getReturn(backward));
  Type products =
      deltanet::kernel::withDefaults(deltanet::kernel::getSchedule(function))
          .getProducts();
  ScanDifferentiator gradient(scan, products, b);
  for (auto [i, input] : llvm::enumerate(scan.getInputs()))
    if (active.contains(input))
      gradient.wantedInputs.set(i);
  for (auto [i, init] : llvm::enumerate(scan.getInits()))
    if (active.contains(init))
      gradient.wantedInits.set(i);
  for (auto [i, result] : llvm::enumerate(scan.getResults()))
    gradient.resultGradients[i] = gradients.lookup(result);
  if (failed(giveStarts(scan, number, gradient)) || failed(gradient.run()))
    return failure();
  dropUnreadStarts(number);
  if (products.getIntOrFloatBitWidth() == 16)
    narrowStarts(number, products);
  for (auto [i, of] : llvm::enumerate(gradient.inputGradients))
    if (of)
      add(scan.getInputs()[i], of, scan.getInputAccess(i));
  for (auto [i, of] : llvm::enumerate(gradient.initGradients))
    if (of)
      add(scan.getInits()[i], of, scan.getInitAccess(i));
  ++numScans;
  return success();
}

/// Adds what chunks of scan `number` begin with to a copy of the function: of
/// all chunks, or with `byRuns` of those that come first in a run.
static Value keepStarts(func::FuncOp copy, unsigned number, unsigned carry,
                        RankedTensorType type, bool byRuns) {
  SmallVector<ScanOp> scans(copy.getBody().front().getOps<ScanOp>());
  ScanOp scan = scans[number];
  BlockArgument argument = scan.getCarryArguments()[carry];
  int64_t rank = cast<RankedTensorType>(argument.getType()).getRank();
  OpBuilder b(scan.getBodyBlock()->getTerminator());
  Value tile = roundTo(argument, type, b);
  Attribute access =
      byRuns ? getRunAccess(scan, rank) : getChunkAccess(scan, rank);
  IRRewriter rewriter(copy.getContext());
  unsigned output = scan.getNumOutputs();
  return withOutputs(scan, type, access, tile, rewriter).getResult(output);
}

//===----------------------------------------------------------------------===//
// States that are made again
//===----------------------------------------------------------------------===//

/// What would be kept is run again: the scans are still there, and what only
/// their outputs need goes with them.
void FunctionDifferentiator::rebuildStarts() {
  for (unsigned k = kept.size(); k-- > 0;) {
    Value state = keepStarts(backward, kept[k].scan, kept[k].carry,
                             kept[k].type, /*byRuns=*/false);
    BlockArgument argument =
        backward.getArgument(function.getNumArguments() + k);
    argument.replaceAllUsesWith(state);
    (void)backward.eraseArgument(argument.getArgNumber());
  }
  kept.clear();
}

/// What is kept becomes what runs of chunks begin with, in the type in which it
/// is carried: states are then what they were.
void FunctionDifferentiator::rebuildFromRuns() {
  SmallVector<Kept> all = std::move(kept);
  kept.clear();
  unsigned first = function.getNumArguments(), next = first + all.size();
  SmallVector<ScanOp> scans(backward.getBody().front().getOps<ScanOp>());
  for (auto [number, scan] : llvm::enumerate(scans)) {
    SmallVector<unsigned> wanted, read;
    SmallVector<Type> types;
    BitVector reads(scan.getNumCarries());
    for (auto [k, start] : llvm::enumerate(all)) {
      if (start.scan != number)
        continue;
      reads.set(start.carry);
      wanted.push_back(start.carry);
      types.push_back(start.type);
      read.push_back(first + k);
    }
    if (wanted.empty())
      continue;
    SmallVector<unsigned> carries = findSources(scan, reads);
    SmallVector<Value> starts;
    for (unsigned carry : carries) {
      BlockArgument argument = scan.getCarryArguments()[carry];
      auto type =
          getRunType(scan, cast<RankedTensorType>(argument.getType()), keep);
      (void)backward.insertArgument(next, type, {}, argument.getLoc());
      starts.push_back(backward.getArgument(next++));
      kept.push_back({static_cast<unsigned>(number), carry, type});
    }
    ScanOp again = rebuildStates(scan, carries, starts, wanted, types);
    for (auto [argument, state] : llvm::zip_equal(read, again.getOutputs()))
      backward.getArgument(argument).replaceAllUsesWith(state);
  }
  BitVector replaced(backward.getNumArguments());
  replaced.set(first, first + all.size());
  (void)backward.eraseArguments(replaced);
}

void FunctionDifferentiator::finishBackward() {
  OpBuilder b(getReturn(backward));
  SmallVector<Value> results;
  for (unsigned i : of) {
    Value argument = backward.getArgument(i);
    Value gradient = gradients.lookup(argument);
    results.push_back(gradient ? gradient
                               : zerosLike(b, argument.getLoc(), argument));
  }
  getReturn(backward).getOperandsMutable().assign(results);
  SmallVector<Type> types(ValueRange(results).getTypes());
  backward.setFunctionType(
      b.getFunctionType(backward.getBody().front().getArgumentTypes(), types));
  backward.setAllResultAttrs(ArrayRef<DictionaryAttr>());
  if (keep == 1)
    rebuildStarts();
  else if (keep > 1)
    rebuildFromRuns();
  Block &block = backward.getBody().front();
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op))
      op.erase();
}

//===----------------------------------------------------------------------===//
// The forward function
//===----------------------------------------------------------------------===//

/// `@f` as `@f_forward`, with what is kept as further results.
void FunctionDifferentiator::createForward() {
  forward = function.clone();
  name(forward, "_forward");
  symbols.insert(forward, std::next(function->getIterator()));
  SmallVector<Value> results(getReturn(forward).getOperands());
  for (const Kept &k : kept) {
    Value state =
        keepStarts(forward, k.scan, k.carry, k.type, /*byRuns=*/keep > 1);
    // The scan is a new operation, and its results with it.
    results.assign(getReturn(forward).getOperands().begin(),
                   getReturn(forward).getOperands().end());
    results.push_back(state);
    getReturn(forward).getOperandsMutable().assign(results);
  }
  OpBuilder b(forward.getContext());
  for (const Kept &k : kept)
    (void)forward.insertResult(forward.getNumResults(), k.type, {});
}

/// Names of arguments and results, where the function has them: dq for the
/// gradient of q. A name that is taken gets underscores.
void FunctionDifferentiator::setNames() {
  OpBuilder b(function.getContext());
  llvm::StringSet<> taken;
  auto take = [&](Attribute name) {
    if (auto text = dyn_cast_or_null<StringAttr>(name))
      taken.insert(text.getValue());
  };
  for (unsigned i = 0; i != function.getNumArguments(); ++i)
    take(function.getArgAttr(i, kNameAttr));
  for (unsigned i = 0; i != function.getNumResults(); ++i)
    take(function.getResultAttr(i, kNameAttr));
  auto choose = [&](std::string name) {
    while (!taken.insert(name).second)
      name += '_';
    return b.getStringAttr(name);
  };
  auto derived = [&](Attribute name) {
    auto text = dyn_cast_or_null<StringAttr>(name);
    return text ? choose("d" + text.getValue().str()) : StringAttr();
  };
  for (auto [i, argument] : llvm::enumerate(of))
    if (auto name = derived(function.getArgAttr(argument, kNameAttr)))
      backward.setResultAttr(i, kNameAttr, name);
  unsigned first = function.getNumArguments();
  if (first > 0 && !function.getArgAttr(0, kNameAttr))
    return;
  for (unsigned i = 0; i != kept.size(); ++i) {
    StringAttr name = choose(("kept" + Twine(i)).str());
    backward.setArgAttr(first + i, kNameAttr, name);
    forward.setResultAttr(function.getNumResults() + i, kNameAttr, name);
  }
  for (auto [i, result] : llvm::enumerate(from))
    if (auto name = derived(function.getResultAttr(result, kNameAttr)))
      backward.setArgAttr(first + kept.size() + i, kNameAttr, name);
}

LogicalResult FunctionDifferentiator::run() {
  createBackward();
  if (failed(pullBackAll()))
    return failure();
  finishBackward();
  createForward();
  setNames();
  return success();
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

/// The positions that `texts` name: names or numbers.
static FailureOr<SmallVector<unsigned>>
findPositions(func::FuncOp function, StringRef option,
              ArrayRef<std::string> texts, TypeRange types,
              function_ref<Attribute(unsigned)> nameOf) {
  SmallVector<unsigned> found;
  for (StringRef text : texts) {
    unsigned number = types.size();
    if (text.getAsInteger(10, number))
      for (unsigned i = 0; i != types.size(); ++i)
        if (auto name = dyn_cast_or_null<StringAttr>(nameOf(i));
            name && name.getValue() == text)
          number = i;
    if (number >= types.size())
      return function.emitError("chunk-differentiate: expects '")
             << option << "' to list names or numbers below " << types.size()
             << ", got '" << text << "'";
    if (!isFloatTensor(types[number]))
      return function.emitError("chunk-differentiate: expects '")
             << option << "' to list tensors of floats, got '" << text
             << "' of type " << types[number];
    if (llvm::is_contained(found, number))
      return function.emitError("chunk-differentiate: expects '")
             << option << "' to list everything once, got '" << text
             << "' twice";
    found.push_back(number);
  }
  return found;
}

namespace {
struct Differentiate
    : deltanet::chunk::impl::ChunkDifferentiateBase<Differentiate> {
  using ChunkDifferentiateBase::ChunkDifferentiateBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    ChunkDifferentiateBase::getDependentDialects(registry);
    registry.insert<deltanet::kernel::KernelDialect>(); // the schedule's
  }

  void runOnOperation() override {
    SmallVector<func::FuncOp> functions;
    for (auto candidate : getOperation().getOps<func::FuncOp>())
      if (!candidate.isExternal() && isWanted(candidate))
        functions.push_back(candidate);
    if (functions.empty() && !function.empty()) {
      getOperation().emitError("chunk-differentiate: expects a public function "
                               "named '")
          << function << "'";
      return signalPassFailure();
    }
    SymbolTable symbols(getOperation());
    for (func::FuncOp each : functions)
      if (failed(differentiate(each, symbols)))
        return signalPassFailure();
  }

private:
  /// A public function, or one that stands in for it.
  bool isWanted(func::FuncOp candidate) {
    if (deltanet::kernel::VariantAttr variant =
            deltanet::kernel::getVariant(candidate))
      return function.empty() || variant.getOf() == function;
    return candidate.isPublic() &&
           (function.empty() || candidate.getName() == function);
  }

  LogicalResult differentiate(func::FuncOp each, SymbolTable &symbols) {
    if (!each.getBody().hasOneBlock())
      return each.emitError("chunk-differentiate: expects a body of one block, "
                            "got ")
             << each.getBody().getBlocks().size();
    if (of.empty())
      return each.emitError("chunk-differentiate: expects 'of' to list the "
                            "arguments to take the gradient of");
    if (keepStates < 0)
      return each.emitError("chunk-differentiate: expects 'keep-states' of at "
                            "least 1, got ")
             << keepStates.getValue();
    FunctionDifferentiator gradient(each, symbols);
    gradient.keep = keepStates;
    if (gradient.keep == 0)
      gradient.keep = deltanet::kernel::getSchedule(each).getKeepStates();
    auto arguments =
        findPositions(each, "of", of, each.getArgumentTypes(), [&](unsigned i) {
          return each.getArgAttr(i, kNameAttr);
        });
    auto results = findPositions(
        each, "from", from, each.getResultTypes(),
        [&](unsigned i) { return each.getResultAttr(i, kNameAttr); });
    if (failed(arguments) || failed(results))
      return failure();
    gradient.of = *arguments;
    gradient.from = *results;
    if (from.empty())
      for (auto [i, type] : llvm::enumerate(each.getResultTypes()))
        if (isFloatTensor(type))
          gradient.from.push_back(i);
    if (failed(gradient.run()))
      return failure();
    numScans += gradient.numScans;
    return success();
  }
};
} // namespace
