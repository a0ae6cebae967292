//===- LinRecToChunk.cpp - recurrences to chunk programs
//-------------------===//
// Turns every linrec operation into a chunk.scan: the accesses say which part
// of which tensor is a tile, the body is derived by ChunkBody or TokenBody.
//===----------------------------------------------------------------------===//
#include "Body.h"
#include "deltanet/Conversion/Passes.h"
#include "deltanet/Dialect/Kernel/IR/Kernel.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace deltanet {
#define GEN_PASS_DEF_CONVERTLINRECTOCHUNK
#include "deltanet/Conversion/Passes.h.inc"
} // namespace deltanet

using namespace mlir;
using namespace deltanet;
using namespace deltanet::linrec;
using chunk::AccessAttr;

namespace {

/// Collects the inputs of a scan with the slots of `Tiles` that they fill.
class ScanInputs {
public:
  ScanInputs(RecurrenceOpInterface op, OpBuilder &b)
      : op(op), b(b), shape(getScanShape(op)) {}

  /// A tensor by tokens and heads, of rank 3 (a number per token) or 4.
  void addTokens(StringRef name, Value v, Value Tiles::*slot, bool grouped) {
    if (!v)
      return;
    TokenDims d = getTokenDims(op.getLayout());
    SmallVector<int64_t> entries(cast<RankedTensorType>(v.getType()).getRank(),
                                 1);
    entries[d.batch] = AccessAttr::Batch;
    entries[d.token] = AccessAttr::Token;
    // Groups of one head are heads.
    bool sameHeads =
        !ShapedType::isDynamic(shape.heads) && shape.heads == shape.groups;
    entries[d.head] =
        grouped && !sameHeads ? AccessAttr::Group : AccessAttr::Head;
    add(name, v, slot, entries);
  }
  /// A tensor of one row of channels a head.
  void addHeads(StringRef name, Value v, Value Tiles::*slot) {
    if (v)
      add(name, v, slot, {AccessAttr::Head, 0});
  }
  AccessAttr access(ArrayRef<int64_t> entries) {
    return AccessAttr::get(b.getContext(), entries);
  }

  SmallVector<Value> values;
  SmallVector<Attribute> accesses;
  SmallVector<Value Tiles::*> slots;
  SmallVector<StringRef> names;

private:
  void add(StringRef name, Value v, Value Tiles::*slot,
           ArrayRef<int64_t> entries) {
    names.push_back(name);
    values.push_back(v);
    accesses.push_back(access(entries));
    slots.push_back(slot);
  }
  RecurrenceOpInterface op;
  OpBuilder &b;
  ScanShape shape;
};

/// Decisions of the pass that hold for every recurrence of a function.
struct Derivation {
  int64_t chunk;
  Type productType, gateType;
};

} // namespace

/// The inputs of `op` in the order of its operands.
static ScanInputs collectInputs(RecurrenceOpInterface op, OpBuilder &b) {
  ScanInputs inputs(op, b);
  inputs.addTokens("q", op.getQuery(), &Tiles::query, true);
  inputs.addTokens("k", op.getKey(), &Tiles::key, true);
  inputs.addTokens("v", op.getValue(), &Tiles::value, false);
  if (auto scan = dyn_cast<linrec::ScanOp>(op.getOperation())) {
    inputs.addTokens("beta", scan.getBeta(), &Tiles::beta, false);
    inputs.addTokens("la", scan.getDecay(), &Tiles::decay, false);
    inputs.addHeads("bonus", scan.getBonus(), &Tiles::bonus);
  } else if (auto dplr = dyn_cast<linrec::DplrScanOp>(op.getOperation())) {
    inputs.addTokens("a", dplr.getTransitionIn(), &Tiles::a, true);
    inputs.addTokens("b", dplr.getTransitionOut(), &Tiles::b, true);
    inputs.addTokens("la", dplr.getDecay(), &Tiles::decay, false);
  }
  return inputs;
}

/// The state before the first token: the operand, or a tile of zeros.
static Value initialState(RecurrenceOpInterface op, OpBuilder &b,
                          AccessAttr stored, AccessAttr uniform,
                          AccessAttr &access) {
  access = stored;
  if (Value initial = op.getInitialState())
    return initial;
  access = uniform;
  ScanShape s = getScanShape(op);
  auto type = RankedTensorType::get({s.keyWidth, s.valueWidth}, b.getF32Type());
  return arith::ConstantOp::create(b, op->getLoc(), b.getZeroAttr(type));
}

/// Among few keys, or with many a token, pseudo-values are sums whose terms
/// cancel, and what rounding to bf16 takes from them stays in the state
/// (docs/Gpu.md). f16 has the digits, and additive ones are the values.
static void chooseExactness(RecurrenceOpInterface op, const Derivation &how,
                            BodyOptions &options) {
  constexpr int64_t kManyKeys = 128;
  auto scan = dyn_cast<linrec::ScanOp>(op.getOperation());
  ScanShape s = getScanShape(op);
  if (!scan || !scan.getBeta() || !how.productType.isBF16())
    return;
  options.exactReadOut = s.keyWidth < kManyKeys;
  options.exactUpdate = options.exactReadOut || s.steps > 1;
}

static void buildBody(chunk::ScanOp scan, RecurrenceOpInterface op,
                      ScanInputs &inputs, const Derivation &how, OpBuilder &b) {
  Location loc = op->getLoc();
  ScanShape s = getScanShape(op);
  Block *block = b.createBlock(&scan.getBody());
  TileBuilder t(b, loc, how.productType);
  Tiles tiles;
  auto stateType =
      RankedTensorType::get({s.keyWidth, s.valueWidth}, b.getF32Type());
  tiles.state = t.name(block->addArgument(stateType, loc), "S");
  tiles.count = t.name(block->addArgument(b.getIndexType(), loc), "n");
  for (auto [name, value, access, slot] :
       llvm::zip(inputs.names, inputs.values, inputs.accesses, inputs.slots)) {
    bool byStep =
        slot == &Tiles::key || slot == &Tiles::value || slot == &Tiles::beta;
    RankedTensorType tile = chunk::getTileType(
        cast<AccessAttr>(access), cast<RankedTensorType>(value.getType()),
        how.chunk, byStep ? s.steps : 1);
    tiles.*slot = t.name(block->addArgument(tile, loc), name);
  }
  BodyOptions options{op.getScaleFactor(), op.getReadOut(), s.steps,
                      how.gateType};
  chooseExactness(op, how, options);
  BodyResult result = how.chunk == 1 ? buildTokenBody(t, tiles, options)
                                     : buildChunkBody(t, tiles, options);
  Value output =
      t.cast(result.output, op.getOutput().getType().getElementType());
  chunk::YieldOp::create(b, loc, ValueRange(output), ValueRange(result.state));
}

static void derive(RecurrenceOpInterface op, const Derivation &how) {
  OpBuilder b(op);
  ScanShape s = getScanShape(op);
  ScanInputs inputs = collectInputs(op, b);
  bool vk = op.getStateLayout() == StateLayout::VK;
  AccessAttr stored =
      inputs.access({op.getIndices() ? AccessAttr::Pool : AccessAttr::Sequence,
                     AccessAttr::Head, vk, !vk});
  AccessAttr initAccess;
  Value initial =
      initialState(op, b, stored, inputs.access({0, 1}), initAccess);

  TokenDims d = getTokenDims(op.getLayout());
  SmallVector<int64_t> entries(4, 1);
  entries[d.batch] = AccessAttr::Batch;
  entries[d.token] = AccessAttr::Token;
  entries[d.head] = AccessAttr::Head;
  AccessAttr outAccess = inputs.access(entries);

  // A final state that nobody asked for is a result without uses.
  RankedTensorType finalType;
  if (auto final = op.getFinalState())
    finalType = final.getType();
  else if (op.getIndices())
    finalType = op.getInitialState().getType();
  else
    finalType = RankedTensorType::get({s.sequences, s.heads,
                                       vk ? s.valueWidth : s.keyWidth,
                                       vk ? s.keyWidth : s.valueWidth},
                                      b.getF32Type());

  auto scan = chunk::ScanOp::create(
      b, op->getLoc(), TypeRange{op.getOutput().getType(), finalType},
      op.getCuSeqlens(), ValueRange(initial), inputs.values, op.getIndices(),
      b.getI64IntegerAttr(how.chunk), b.getArrayAttr({initAccess}),
      b.getArrayAttr(inputs.accesses), b.getArrayAttr({outAccess}),
      b.getArrayAttr({stored}), UnitAttr(), IntegerAttr());
  buildBody(scan, op, inputs, how, b);
  op->replaceAllUsesWith(scan.getResults().take_front(op->getNumResults()));
  op->erase();
}

namespace {
struct ConvertLinRecToChunk
    : deltanet::impl::ConvertLinRecToChunkBase<ConvertLinRecToChunk> {
  using ConvertLinRecToChunkBase::ConvertLinRecToChunkBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    // What the options say goes before what the schedule says.
    FailureOr<kernel::ScheduleAttr> stated =
        kernel::withOptions(function.getLoc(), kernel::getSchedule(function),
                            chunkSize, productType, gateType);
    if (failed(stated))
      return signalPassFailure();
    kernel::ScheduleAttr schedule = kernel::withDefaults(*stated);
    Derivation how{schedule.getChunk(), schedule.getProducts(),
                   schedule.getGates()};
    SmallVector<RecurrenceOpInterface> recurrences;
    SmallVector<SelectiveScanOp> selective;
    function.walk([&](RecurrenceOpInterface op) { recurrences.push_back(op); });
    function.walk([&](SelectiveScanOp op) { selective.push_back(op); });
    if (recurrences.empty() && selective.empty())
      return;
    kernel::setSchedule(function, schedule);
    for (RecurrenceOpInterface op : recurrences)
      derive(op, how);
    // Whatever the schedule says of chunks: these have no other form.
    for (SelectiveScanOp op : selective)
      deriveSelectiveScan(op, how.productType);
    numDerived += recurrences.size() + selective.size();
  }
};
} // namespace
