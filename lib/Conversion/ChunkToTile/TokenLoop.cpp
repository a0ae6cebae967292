//===- TokenLoop.cpp - token programs to kernels of tiles -----------------===//
// A scan whose chunks are tokens: the state is read once, stays in registers
// over all tokens of the sequence, and is written once, to the same place if
// that is where it goes.
//===----------------------------------------------------------------------===//
#include "KernelSignature.h"
#include "TokenEmitter.h"
#include "deltanet/Conversion/Passes.h"
#include "deltanet/Dialect/Chunk/Transforms/Columns.h"
#include "deltanet/Dialect/Kernel/IR/Kernel.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace deltanet {
#define GEN_PASS_DEF_CONVERTTOKENLOOPTOTILE
#include "deltanet/Conversion/Passes.h.inc"
} // namespace deltanet

using namespace mlir;
using namespace deltanet;
using chunk::AccessAttr;
using chunk::ScanOp;

/// Sequences of up to so many tokens, where that is known, are written out.
static constexpr int64_t kUnrolled = 8;

/// Registers for inputs of tokens that are under way in a loop.
static constexpr int64_t kRegistersAhead = 32;

static RankedTensorType typeOf(Value v) {
  return cast<RankedTensorType>(v.getType());
}

namespace {

/// Where one tile of a tensor in global memory begins, and how it is walked.
struct GlobalPlace {
  Value offset;
  SmallVector<Value> strides; // by dimension of the tile
  SmallVector<Value> limit;   // of the part that the last block has
  DenseI64ArrayAttr along;
};

class TokenKernelBuilder {
public:
  TokenKernelBuilder(func::FuncOp function, ScanOp scan,
                     KernelSignature &signature, const TokenLayout &layout)
      : function(function), scan(scan), signature(signature), layout(layout),
        loc(scan.getLoc()), b(scan.getContext()) {}

  LogicalResult build(OpBuilder &module);

private:
  /// An input of the body and the tensor that it is a tile of.
  struct Input {
    BlockArgument argument;
    Value tensor;
    AccessAttr access;
  };

  Value constant(int64_t v) {
    return arith::ConstantIndexOp::create(b, loc, v);
  }
  Value mul(Value x, Value y) { return arith::MulIOp::create(b, loc, x, y); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubIOp::create(b, loc, x, y); }

  LogicalResult sortInputs();
  void readIds();
  /// Entry `index` of a list of integers in global memory.
  Value loadIndex(Value pointer, Value index);
  GlobalPlace place(AccessAttr access, RankedTensorType type, Value tile,
                    Value token);
  FailureOr<Value> load(const Input &input, Value token);
  LogicalResult loadConstants(TokenEmitter &body);
  FailureOr<SmallVector<Value>> loadToken(Value token);
  FailureOr<SmallVector<Value>> loadCarries(TokenEmitter &body);
  LogicalResult store(TokenEmitter &body, Value tile, Value registers,
                      Value result, Value pointer, AccessAttr access,
                      Value token);
  FailureOr<SmallVector<Value>> emitToken(TokenEmitter &body, Value token,
                                          ValueRange carries,
                                          ValueRange inputs);
  FailureOr<SmallVector<Value>> emitUnrolled(TokenEmitter &body, int64_t count,
                                             SmallVector<Value> carries);
  FailureOr<SmallVector<Value>> emitLoop(TokenEmitter &body,
                                         SmallVector<Value> carries);
  /// Tokens from `from` to `to`, `step` of them at a time.
  FailureOr<SmallVector<Value>> emitSteps(TokenEmitter &body, Value from,
                                          Value to, int64_t step,
                                          SmallVector<Value> carries);
  FailureOr<SmallVector<Value>> loadTokens(Value first, int64_t number);
  FailureOr<int64_t> chooseStep();
  LogicalResult emitKernel(Block *entry);

  func::FuncOp function;
  ScanOp scan;
  KernelSignature &signature;
  const TokenLayout &layout;
  Location loc;
  OpBuilder b;
  Value batch, head, sequence, column; // column: the first of this block
  Value entry;                         // of a pool, that the sequence uses
  Value begin, count;                  // tokens of the sequence
  SmallVector<Input> byToken, once;
};
} // namespace

LogicalResult TokenKernelBuilder::sortInputs() {
  for (auto [argument, tensor, attr] :
       llvm::zip(scan.getInputArguments(), scan.getInputs(),
                 scan.getInputAccesses())) {
    auto access = cast<AccessAttr>(attr);
    if (argument.use_empty())
      continue;
    if (!signature.getInput(tensor))
      return scan.emitOpError(
                 "expects inputs that are arguments of the function, got ")
             << tensor;
    if (access.has(AccessAttr::Chunk))
      return scan.emitOpError(
          "expects inputs by tokens in a kernel, got one by chunks");
    (access.has(AccessAttr::Token) ? byToken : once)
        .push_back({argument, tensor, access});
  }
  for (Value init : scan.getInits())
    if (!signature.getInput(init) && !init.getDefiningOp<arith::ConstantOp>())
      return scan.emitOpError("expects initial values that are arguments of "
                              "the function or constants, got ")
             << init;
  return success();
}

Value TokenKernelBuilder::loadIndex(Value pointer, Value index) {
  Type element = cast<tile::GlobalType>(pointer.getType()).getElementType();
  Value loaded =
      tile::LoadOp::create(b, loc, element, pointer, index, ValueRange(),
                           ValueRange(), DenseI64ArrayAttr());
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), loaded);
}

void TokenKernelBuilder::readIds() {
  column = mul(gpu::BlockIdOp::create(b, loc, gpu::Dimension::x),
               constant(layout.getPart()));
  head = gpu::BlockIdOp::create(b, loc, gpu::Dimension::y);
  sequence = gpu::BlockIdOp::create(b, loc, gpu::Dimension::z);
  batch = sequence;
  if (Value indices = scan.getIndices())
    entry = loadIndex(signature.getInput(indices), sequence);
  begin = constant(0);
  count = signature.getSize(b, loc, Size::Tokens);
  if (Value offsets = scan.getSequences()) {
    batch = constant(0);
    Value pointer = signature.getInput(offsets);
    begin = loadIndex(pointer, sequence);
    count = sub(loadIndex(pointer, add(sequence, constant(1))), begin);
  }
}

/// Where the tile of token `token` of this sequence begins.
GlobalPlace TokenKernelBuilder::place(AccessAttr access, RankedTensorType type,
                                      Value tile, Value token) {
  int64_t rows = access.has(AccessAttr::Token) ? typeOf(tile).getDimSize(0) : 1;
  SmallVector<Value> strides = signature.getStrides(b, loc, access, type, rows);
  GlobalPlace place{constant(0), {}, {}, {}};
  auto move = [&](Value index, Value by) {
    place.offset = add(place.offset, mul(index, by));
  };
  for (int64_t d = 0; d != type.getRank(); ++d)
    switch (access.getEntries()[d]) {
    case AccessAttr::Batch:
      move(batch, strides[d]);
      break;
    case AccessAttr::Sequence:
      move(sequence, strides[d]);
      break;
    case AccessAttr::Pool:
      move(entry, strides[d]);
      break;
    case AccessAttr::Head:
      move(head, strides[d]);
      break;
    case AccessAttr::Group: {
      Value ratio =
          arith::DivUIOp::create(b, loc, signature.getSize(b, loc, Size::Heads),
                                 signature.getSize(b, loc, Size::Groups));
      move(arith::DivUIOp::create(b, loc, head, ratio), strides[d]);
      break;
    }
    case AccessAttr::Token:
      move(mul(add(begin, token), constant(rows)), strides[d]);
      break;
    default:
      break;
    }
  SmallVector<int64_t> axes = layout.getAxes(tile);
  for (int64_t d = 0; d != access.getTileRank(); ++d) {
    place.strides.push_back(strides[access.findTileDim(d)]);
    if (!layout.isSplit() || axes[d] != layout.getSplitAxis())
      continue;
    move(column, place.strides[d]);
    if (layout.isUneven()) {
      place.limit = {sub(constant(layout.getSplitExtent()), column)};
      place.along = b.getDenseI64ArrayAttr({d});
    }
  }
  return place;
}

FailureOr<Value> TokenKernelBuilder::load(const Input &input, Value token) {
  Location at = input.argument.getLoc();
  FailureOr<RankedTensorType> type =
      layout.getType(input.argument, typeOf(input.tensor).getElementType(), at);
  if (failed(type))
    return failure();
  if (!isa<FloatType>(type->getElementType()) ||
      type->getElementTypeBitWidth() > 32)
    return scan.emitOpError("expects tensors of f32, bf16 or f16 in a kernel, "
                            "got ")
           << input.tensor.getType();
  GlobalPlace from =
      place(input.access, typeOf(input.tensor), input.argument, token);
  return tile::LoadOp::create(b, at, *type, signature.getInput(input.tensor),
                              from.offset, from.strides, from.limit, from.along)
      .getResult();
}

/// What is the same for all tokens.
LogicalResult TokenKernelBuilder::loadConstants(TokenEmitter &body) {
  for (const Input &input : once) {
    FailureOr<Value> loaded = load(input, Value());
    if (failed(loaded))
      return failure();
    body.bind(input.argument, body.widen(*loaded, input.argument.getLoc()));
  }
  return success();
}

/// As it lies in memory: 16-bit numbers take half the registers.
FailureOr<SmallVector<Value>> TokenKernelBuilder::loadToken(Value token) {
  SmallVector<Value> loaded;
  for (const Input &input : byToken) {
    FailureOr<Value> tile = load(input, token);
    if (failed(tile))
      return failure();
    loaded.push_back(*tile);
  }
  return loaded;
}

FailureOr<SmallVector<Value>>
TokenKernelBuilder::loadCarries(TokenEmitter &body) {
  SmallVector<Value> carries;
  for (auto [argument, init, attr] : llvm::zip(
           scan.getCarryArguments(), scan.getInits(), scan.getInitAccesses())) {
    FailureOr<RankedTensorType> type =
        body.getType(argument, argument.getLoc());
    if (failed(type))
      return failure();
    if (auto constant = init.getDefiningOp<arith::ConstantOp>()) {
      auto splat = dyn_cast<SplatElementsAttr>(constant.getValue());
      if (!splat || !type->getElementType().isF32())
        return scan.emitOpError("expects an initial value of one number "
                                "repeated, got ")
               << init;
      double value =
          splat.getSplatValue<FloatAttr>().getValue().convertToDouble();
      carries.push_back(arith::ConstantOp::create(
          b, loc, SplatElementsAttr::get(*type, b.getF32FloatAttr(value))));
      continue;
    }
    FailureOr<Value> loaded =
        load({argument, init, cast<AccessAttr>(attr)}, Value());
    if (failed(loaded))
      return failure();
    carries.push_back(body.widen(*loaded, argument.getLoc()));
  }
  return carries;
}

LogicalResult TokenKernelBuilder::store(TokenEmitter &body, Value tile,
                                        Value registers, Value result,
                                        Value pointer, AccessAttr access,
                                        Value token) {
  Type stored = typeOf(result).getElementType();
  if (!isa<FloatType>(stored) || stored.getIntOrFloatBitWidth() > 32)
    return scan.emitOpError("expects results of f32, bf16 or f16 in a kernel, "
                            "got ")
           << result.getType();
  GlobalPlace to = place(access, typeOf(result), tile, token);
  tile::StoreOp::create(b, tile.getLoc(),
                        body.narrow(registers, stored, tile.getLoc()), pointer,
                        to.offset, to.strides, to.limit, to.along);
  return success();
}

/// One token: the body on its inputs; the values for the next token.
FailureOr<SmallVector<Value>> TokenKernelBuilder::emitToken(TokenEmitter &body,
                                                            Value token,
                                                            ValueRange carries,
                                                            ValueRange inputs) {
  for (auto [argument, value] : llvm::zip(scan.getCarryArguments(), carries))
    body.bind(argument, value);
  for (auto [input, value] : llvm::zip(byToken, inputs))
    body.bind(input.argument, body.widen(value, input.argument.getLoc()));
  if (failed(body.emit()))
    return failure();
  auto yield = cast<chunk::YieldOp>(scan.getBodyBlock()->getTerminator());
  for (auto [i, value] : llvm::enumerate(yield.getOutputs()))
    if (Value pointer = signature.getOutput(i)) {
      Value registers = body.get(value);
      if (!registers ||
          failed(store(body, value, registers, scan.getOutputs()[i], pointer,
                       scan.getOutputAccess(i), token)))
        return failure();
    }
  SmallVector<Value> next;
  for (Value value : yield.getCarries()) {
    next.push_back(body.get(value));
    if (!next.back())
      return failure();
  }
  return next;
}

FailureOr<SmallVector<Value>>
TokenKernelBuilder::emitUnrolled(TokenEmitter &body, int64_t count,
                                 SmallVector<Value> carries) {
  FailureOr<SmallVector<Value>> inputs = SmallVector<Value>();
  for (int64_t token = 0; token < count; ++token) {
    if (token == 0)
      inputs = loadToken(constant(0));
    // The next token's inputs are under way while this one is worked on.
    FailureOr<SmallVector<Value>> next = SmallVector<Value>();
    if (token + 1 < count)
      next = loadToken(constant(token + 1));
    if (failed(inputs) || failed(next))
      return failure();
    FailureOr<SmallVector<Value>> result =
        emitToken(body, constant(token), carries, *inputs);
    if (failed(result))
      return failure();
    carries = *result;
    inputs = next;
  }
  return carries;
}

/// The inputs of `number` tokens from `first` on; after the last, its own
/// again.
FailureOr<SmallVector<Value>> TokenKernelBuilder::loadTokens(Value first,
                                                             int64_t number) {
  Value last = sub(count, constant(1));
  SmallVector<Value> all;
  for (int64_t i = 0; i != number; ++i) {
    Value token = arith::MinSIOp::create(b, loc, add(first, constant(i)), last);
    FailureOr<SmallVector<Value>> loaded = loadToken(token);
    if (failed(loaded))
      return failure();
    llvm::append_range(all, *loaded);
  }
  return all;
}

/// While one step is worked on, the inputs of the next are under way: as many
/// tokens a step as there are registers to hold them.
FailureOr<int64_t> TokenKernelBuilder::chooseStep() {
  int64_t registers = 0;
  for (const Input &input : byToken) {
    FailureOr<RankedTensorType> type =
        layout.getType(input.argument, typeOf(input.tensor).getElementType(),
                       input.argument.getLoc());
    if (failed(type))
      return failure();
    registers += llvm::divideCeil(
        tile::getElementsPerThread(*type) * type->getElementTypeBitWidth(), 32);
  }
  return std::clamp<int64_t>(
      llvm::bit_floor<uint64_t>(kRegistersAhead /
                                std::max<int64_t>(1, registers)),
      1, kUnrolled);
}

FailureOr<SmallVector<Value>>
TokenKernelBuilder::emitSteps(TokenEmitter &body, Value from, Value to,
                              int64_t step, SmallVector<Value> carries) {
  // Where there are no tokens, there is nothing to load.
  Value any =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, from, to);
  auto ifOp = scf::IfOp::create(b, loc, ValueRange(carries).getTypes(), any,
                                /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(ifOp.elseBlock());
  scf::YieldOp::create(b, loc, carries);
  b.setInsertionPointToStart(ifOp.thenBlock());
  FailureOr<SmallVector<Value>> first = loadTokens(from, step);
  if (failed(first))
    return failure();
  size_t carried = carries.size();
  SmallVector<Value> values = carries;
  llvm::append_range(values, *first);
  auto loop = scf::ForOp::create(b, loc, from, to, constant(step), values);
  b.setInsertionPointToStart(loop.getBody());
  Value token = loop.getInductionVar();
  FailureOr<SmallVector<Value>> next =
      loadTokens(add(token, constant(step)), step);
  if (failed(next))
    return failure();
  ValueRange held(loop.getRegionIterArgs());
  SmallVector<Value> results = held.take_front(carried);
  for (int64_t i = 0; i != step; ++i) {
    FailureOr<SmallVector<Value>> result =
        emitToken(body, add(token, constant(i)), results,
                  held.slice(carried + i * byToken.size(), byToken.size()));
    if (failed(result))
      return failure();
    results = *result;
  }
  llvm::append_range(results, *next);
  scf::YieldOp::create(b, loc, results);
  b.setInsertionPointToEnd(ifOp.thenBlock());
  scf::YieldOp::create(b, loc, loop.getResults().take_front(carried));
  return SmallVector<Value>(ifOp.getResults());
}

/// Whole steps, then the tokens that are left.
FailureOr<SmallVector<Value>>
TokenKernelBuilder::emitLoop(TokenEmitter &body, SmallVector<Value> carries) {
  FailureOr<int64_t> step = chooseStep();
  if (failed(step))
    return failure();
  Value whole = constant(0);
  if (*step > 1) {
    Value size = constant(*step);
    whole = mul(arith::DivSIOp::create(b, loc, count, size), size);
    FailureOr<SmallVector<Value>> after =
        emitSteps(body, constant(0), whole, *step, carries);
    if (failed(after))
      return failure();
    carries = *after;
  }
  return emitSteps(body, whole, count, 1, carries);
}

LogicalResult TokenKernelBuilder::emitKernel(Block *entry) {
  TokenEmitter body(b, entry, scan, layout);
  readIds();
  if (failed(sortInputs()))
    return failure();
  // The state first: it is what the kernel waits for.
  FailureOr<SmallVector<Value>> carries = loadCarries(body);
  if (failed(carries) || failed(loadConstants(body)) ||
      failed(body.emitInvariant()))
    return failure();
  int64_t tokens = scan.getSequences() ? ShapedType::kDynamic
                                       : signature.getStaticSize(Size::Tokens);
  FailureOr<SmallVector<Value>> last =
      !ShapedType::isDynamic(tokens) && tokens <= kUnrolled
          ? emitUnrolled(body, tokens, *carries)
          : emitLoop(body, *carries);
  if (failed(last))
    return failure();
  for (auto [i, final] : llvm::enumerate(scan.getFinals()))
    if (Value pointer = signature.getOutput(scan.getNumOutputs() + i))
      if (failed(store(body, scan.getCarryArguments()[i], (*last)[i], final,
                       pointer, scan.getFinalAccess(i), Value())))
        return failure();
  gpu::ReturnOp::create(b, loc);
  return success();
}

LogicalResult TokenKernelBuilder::build(OpBuilder &module) {
  MLIRContext *context = b.getContext();
  int64_t threads = layout.getNumWarps() * tile::kWarpSize;
  auto container = gpu::GPUModuleOp::create(module, loc, function.getName());
  b.setInsertionPointToStart(container.getBody());
  auto kernel = gpu::GPUFuncOp::create(b, loc, function.getName(),
                                       signature.getType(context));
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  kernel.setKnownBlockSizeAttr(
      b.getDenseI32ArrayAttr({static_cast<int32_t>(threads), 1, 1}));
  Grid grid{std::to_string(layout.getNumBlocks()),
            signature.getSizeText(Size::Heads),
            signature.getSizeText(scan.getSequences() ? Size::Sequences
                                                      : Size::Batch)};
  kernel->setAttr(tile::kLaunchAttr,
                  signature.getLaunch(context, grid, threads));
  signature.bindArguments(kernel);
  Block *entry = &kernel.getBody().front();
  b.setInsertionPointToStart(entry);
  return emitKernel(entry);
}

namespace {
struct ConvertTokenLoopToTile
    : deltanet::impl::ConvertTokenLoopToTileBase<ConvertTokenLoopToTile> {
  using ConvertTokenLoopToTileBase::ConvertTokenLoopToTileBase;

  void runOnOperation() override {
    SmallVector<ScanOp> scans;
    getOperation().walk([&](ScanOp scan) {
      if (scan.getChunkSize() == 1 && scan.hasTokens())
        scans.push_back(scan);
    });
    for (ScanOp scan : scans)
      if (failed(convert(scan)))
        return signalPassFailure();
  }

private:
  LogicalResult convert(ScanOp scan) {
    auto function = scan->getParentOfType<func::FuncOp>();
    if (!function)
      return scan.emitOpError("expects to stand in a function");
    if (kernel::getVariant(function))
      return scan.emitOpError("expects chunks in a variant of a function; one "
                              "token after another serves all extents");
    if (scan.getSegments())
      return scan.emitOpError(
          "expects whole sequences in a kernel of one token "
          "after another; this scan has segments");
    for (Attribute access : scan.getOutputAccesses())
      if (cast<AccessAttr>(access).has(AccessAttr::Segment))
        return scan.emitOpError("expects results by tokens in a kernel of one "
                                "token after another, got ")
               << cast<AccessAttr>(access).getText();
    if (scan.getReverse())
      return scan.emitOpError("expects tokens from first to last in a kernel; "
                              "this scan runs in reverse");
    FailureOr<KernelSignature> signature =
        KernelSignature::read(function, scan);
    if (failed(signature))
      return failure();
    auto schedule =
        function->getAttrOfType<kernel::ScheduleAttr>(kernel::kScheduleName);
    chunk::separateColumns(scan);
    TokenLayout::Wish wish{warps};
    if (schedule && schedule.getWarps() > 0)
      wish.warps = schedule.getWarps();
    if (schedule)
      wish.blocks = schedule.getSplitValue();
    int64_t tokens = signature->getStaticSize(Size::Tokens);
    wish.few = !scan.getSequences() && !ShapedType::isDynamic(tokens) &&
               tokens <= kUnrolled;
    FailureOr<TokenLayout> layout = TokenLayout::choose(scan, wish);
    if (failed(layout))
      return failure();
    OpBuilder module(function);
    if (failed(TokenKernelBuilder(function, scan, *signature, *layout)
                   .build(module)))
      return failure();
    function.erase();
    ++numKernels;
    return success();
  }
};
} // namespace
