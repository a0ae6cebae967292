//===- ScanOutline.cpp - a scan as functions ------------------------------===//
// The captured buffers travel as one struct of memref descriptors on the
// launcher's stack; the functions meet again in the LLVM dialect, where the
// casts between memrefs and descriptors cancel.
//===----------------------------------------------------------------------===//
#include "ScanOutline.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::cpu;
using chunk::AccessAttr;

namespace {
class Outliner {
public:
  Outliner(chunk::ScanOp scan, const ScanBuffers &outer, StringRef name,
           unsigned i, const EmitOptions &options)
      : scan(scan), outer(outer), name(name), number(i), options(options),
        module(scan->getParentOfType<ModuleOp>()), loc(scan.getLoc()),
        context(scan.getContext()), converter(context), plan(scan), b(context) {
    SmallVector<Type> fields;
    for (Value value : outer.all())
      fields.push_back(converter.convertType(value.getType()));
    record = LLVM::LLVMStructType::getLiteral(context, fields);
    pointer = LLVM::LLVMPointerType::get(context);
  }

  func::FuncOp run();

private:
  /// One turn of a unit's loop over its chunks.
  struct Chunk {
    ScanPlace place;
    Value count, full;
    Value number, of; // in its sequence, of so many chunks
  };
  func::FuncOp addFunction(StringRef suffix, TypeRange inputs);
  LogicalResult emitUnit();
  func::FuncOp emitLauncher();
  ScanBuffers loadContext(Value context);
  Value scratchMemory(Value address);
  void emitSequence(Value unit);
  void emitFreeChunk(Value unit);
  Chunk makeChunk(Value begin, Value length, Value i);
  void emitChunk(const Chunk &chunk);
  void bindInvariants(const ScanPlace &place);
  void bindInput(unsigned i, const Chunk &chunk);
  void loadCarries(const ScanPlace &place);
  void emitIdentity(const Tile &tile);
  void storeCarries();
  void storeFinals(const ScanPlace &place);
  Tile prepareOutput(unsigned i, const Chunk &chunk, int64_t end);
  void storeRun(unsigned i, const Chunk &chunk);
  Value choose(Value full, const Tile &view, const Tile &slot,
               function_ref<void()> otherwise);
  Value index(int64_t i) { return arith::ConstantIndexOp::create(b, loc, i); }

  bool carries() { return scan.getNumCarries() > 0; }
  chunk::YieldOp yield() {
    return cast<chunk::YieldOp>(scan.getBodyBlock()->getTerminator());
  }

  chunk::ScanOp scan;
  const ScanBuffers &outer;
  StringRef name;
  unsigned number;
  EmitOptions options;
  ModuleOp module;
  Location loc;
  MLIRContext *context;
  LLVMTypeConverter converter;
  BodyPlan plan;
  OpBuilder b;
  LLVM::LLVMStructType record;
  LLVM::LLVMPointerType pointer;

  // While a unit is emitted.
  ScanBuffers buffers;
  std::unique_ptr<ScanAccess> access;
  std::unique_ptr<ScratchArena> arena;
  std::unique_ptr<BodyEmitter> emitter;
  SmallVector<Tile> carryTiles;
  LogicalResult status = success();
  int64_t scratchBytes = 0;
  func::FuncOp unitFunction;
};
} // namespace

func::FuncOp Outliner::addFunction(StringRef suffix, TypeRange inputs) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(module.getBody());
  auto function =
      func::FuncOp::create(b, loc, (name + suffix + Twine(number)).str(),
                           b.getFunctionType(inputs, {}));
  function.setPrivate();
  function->setAttr("llvm.linkage",
                    LLVM::LinkageAttr::get(context, LLVM::Linkage::Internal));
  function.addEntryBlock();
  return function;
}

static RankedTensorType tileType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

//===----------------------------------------------------------------------===//
// The unit
//===----------------------------------------------------------------------===//

ScanBuffers Outliner::loadContext(Value contextPointer) {
  SmallVector<Value> inner;
  for (auto [i, value] : llvm::enumerate(outer.all())) {
    Value address =
        LLVM::GEPOp::create(b, loc, pointer, record, contextPointer,
                            ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(i)});
    Value field = LLVM::LoadOp::create(b, loc, record.getBody()[i], address);
    inner.push_back(
        UnrealizedConversionCastOp::create(b, loc, value.getType(), field)
            .getResult(0));
  }
  return outer.withValues(inner);
}

/// The thread's scratch memory as bytes. What reads its views knows their
/// extent; that of the whole is not asked for.
Value Outliner::scratchMemory(Value address) {
  auto type = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
  auto descriptor =
      MemRefDescriptor::poison(b, loc, converter.convertType(type));
  descriptor.setAllocatedPtr(b, loc, address);
  descriptor.setAlignedPtr(b, loc, address);
  descriptor.setConstantOffset(b, loc, 0);
  descriptor.setConstantStride(b, loc, 0, 1);
  return UnrealizedConversionCastOp::create(b, loc, type, Value(descriptor))
      .getResult(0);
}

LogicalResult Outliner::emitUnit() {
  unitFunction = addFunction("_scan", {pointer, b.getI64Type(), pointer});
  Block *entry = &unitFunction.getBody().front();
  b.setInsertionPointToStart(entry);
  buffers = loadContext(entry->getArgument(0));
  access = std::make_unique<ScanAccess>(b, loc, scan, buffers, options.lanes());
  Value memory = scratchMemory(entry->getArgument(2));
  Value unit = arith::IndexCastOp::create(b, loc, b.getIndexType(),
                                          entry->getArgument(1));
  // Slots are made here, wherever they are asked for.
  OpBuilder slots(unit.getDefiningOp());
  arena = std::make_unique<ScratchArena>(slots, loc, memory, options.lanes());
  emitter = std::make_unique<BodyEmitter>(b, loc, options, scan, plan, *arena);
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(scan.getBody(), captured);
  for (auto [value, scalar] : llvm::zip(captured, buffers.scalars))
    emitter->bindScalar(value, scalar);
  if (carries())
    emitSequence(unit);
  else
    emitFreeChunk(unit);
  func::ReturnOp::create(b, loc);
  scratchBytes = arena->place();
  return status;
}

/// The chunk from token `begin` + i * chunk_size of a sequence of `length`
/// tokens.
Outliner::Chunk Outliner::makeChunk(Value begin, Value length, Value i) {
  Chunk chunk;
  Value size = index(scan.getChunkSize());
  Value first = arith::MulIOp::create(b, loc, i, size);
  Value left = arith::SubIOp::create(b, loc, length, first);
  chunk.count = arith::MinUIOp::create(b, loc, left, size);
  chunk.full = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                     chunk.count, size);
  chunk.place.token = arith::AddIOp::create(b, loc, begin, first);
  return chunk;
}

void Outliner::emitSequence(Value unit) {
  Value heads = access->heads();
  ScanPlace place;
  if (scan.getSegments()) {
    Value segments = index(scan.getNumSegments());
    place.segment = arith::RemUIOp::create(b, loc, unit, segments);
    unit = arith::DivUIOp::create(b, loc, unit, segments);
  }
  place.sequence = arith::DivUIOp::create(b, loc, unit, heads);
  place.head = arith::RemUIOp::create(b, loc, unit, heads);
  place.entry = access->entryOf(place.sequence);
  Value begin = index(0), length, firstChunk = index(0);
  Value size = index(scan.getChunkSize());
  if (buffers.sequences) {
    std::tie(begin, length) = access->rangeOf(place.sequence);
    place.batch = index(0);
    firstChunk = arith::AddIOp::create(
        b, loc, arith::DivUIOp::create(b, loc, begin, size), place.sequence);
  } else {
    length = access->tokens();
    place.batch = place.sequence;
  }
  Value chunks = arith::CeilDivUIOp::create(b, loc, length, size);
  Value before, all = chunks;
  if (place.segment) {
    // From token `skipped` on, `each` chunks as long as there are any.
    Value each = arith::CeilDivUIOp::create(b, loc, chunks,
                                            index(scan.getNumSegments()));
    before = arith::MulIOp::create(b, loc, place.segment, each);
    before = arith::MinUIOp::create(b, loc, before, chunks);
    Value left = arith::SubIOp::create(b, loc, chunks, before);
    Value skipped = arith::MulIOp::create(b, loc, before, size);
    skipped = arith::MinUIOp::create(b, loc, skipped, length);
    begin = arith::AddIOp::create(b, loc, begin, skipped);
    length = arith::SubIOp::create(b, loc, length, skipped);
    firstChunk = arith::AddIOp::create(b, loc, firstChunk, before);
    chunks = arith::MinUIOp::create(b, loc, each, left);
  }
  loadCarries(place);
  bindInvariants(place);
  auto loop = scf::ForOp::create(b, loc, index(0), chunks, index(1));
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(loop.getBody()->getTerminator());
    Value i = loop.getInductionVar();
    if (scan.getReverse()) {
      Value last = arith::SubIOp::create(b, loc, chunks, index(1));
      i = arith::SubIOp::create(b, loc, last, i);
    }
    Chunk chunk = makeChunk(begin, length, i);
    chunk.place.batch = place.batch;
    chunk.place.sequence = place.sequence;
    chunk.place.head = place.head;
    chunk.place.segment = place.segment;
    chunk.place.chunk = arith::AddIOp::create(b, loc, firstChunk, i);
    chunk.number = before ? arith::AddIOp::create(b, loc, before, i) : i;
    chunk.of = all;
    emitChunk(chunk);
  }
  storeFinals(place);
}

void Outliner::emitFreeChunk(Value unit) {
  Value heads = access->heads(), size = index(scan.getChunkSize());
  Value entry = arith::DivUIOp::create(b, loc, unit, heads);
  ScanPlace place;
  place.head = arith::RemUIOp::create(b, loc, unit, heads);
  Value begin = index(0), length, i, chunks;
  if (buffers.sequences) {
    place.sequence = access->findSequence(entry);
    place.batch = index(0);
    place.chunk = entry;
    std::tie(begin, length) = access->rangeOf(place.sequence);
    Value first = arith::AddIOp::create(
        b, loc, arith::DivUIOp::create(b, loc, begin, size), place.sequence);
    i = arith::SubIOp::create(b, loc, entry, first);
    chunks = arith::CeilDivUIOp::create(b, loc, length, size);
  } else {
    length = access->tokens();
    chunks = arith::CeilDivUIOp::create(b, loc, length, size);
    place.sequence = arith::DivUIOp::create(b, loc, entry, chunks);
    i = arith::RemUIOp::create(b, loc, entry, chunks);
    place.batch = place.sequence;
    place.chunk = i;
  }
  // Between two packed sequences there may be an entry without tokens.
  Value first = arith::MulIOp::create(b, loc, i, size);
  Value some =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, first, length);
  auto branch = scf::IfOp::create(b, loc, some, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.thenBlock()->getTerminator());
  bindInvariants(place);
  Chunk chunk = makeChunk(begin, length, i);
  place.token = chunk.place.token;
  chunk.place = place;
  chunk.number = i;
  chunk.of = chunks;
  emitChunk(chunk);
}

//===----------------------------------------------------------------------===//
// Inputs, outputs, carries
//===----------------------------------------------------------------------===//

static bool variesByChunk(AccessAttr access) {
  return access.has(AccessAttr::Token) || access.has(AccessAttr::Chunk);
}

/// The view where `full`, else the slot after `otherwise` filled it.
Value Outliner::choose(Value full, const Tile &view, const Tile &slot,
                       function_ref<void()> otherwise) {
  Type type = view.buffer.getType();
  auto branch = scf::IfOp::create(b, loc, type, full, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, loc, view.buffer);
  b.setInsertionPointToStart(branch.elseBlock());
  otherwise();
  Value cast = slot.buffer;
  if (cast.getType() != type)
    cast = memref::CastOp::create(b, loc, type, cast);
  scf::YieldOp::create(b, loc, cast);
  return branch.getResult(0);
}

void Outliner::bindInput(unsigned i, const Chunk &chunk) {
  Value argument = scan.getInputArguments()[i];
  if (argument.use_empty())
    return;
  RankedTensorType type = tileType(argument);
  AccessAttr how = scan.getInputAccess(i);
  Tile view = access->view(buffers.inputs[i], how, type, chunk.place);
  bool vectors = access->isVectorizable(how, type);
  if (!how.has(AccessAttr::Token)) {
    if (!vectors) {
      Tile slot = emitter->allocate(type.getShape(), type.getElementType());
      access->copy(view, slot, /*vectors=*/false, Value(), false);
      if (!variesByChunk(how))
        arena->pin(slot);
      view = slot;
    }
    return emitter->bind(argument, view);
  }
  int64_t steps =
      type.getDimSize(0) / static_cast<int64_t>(scan.getChunkSize());
  Value rows = arith::MulIOp::create(b, loc, chunk.count, index(steps));
  Tile slot = emitter->allocate(type.getShape(), type.getElementType());
  if (!vectors) {
    bool contiguous = how.findTileDim(type.getRank() - 1) == how.getRank() - 1;
    access->copy(view, slot, contiguous, rows, /*zeroRest=*/true);
    return emitter->bind(argument, slot);
  }
  Tile either = view;
  either.slot = slot.slot;
  either.buffer = choose(chunk.full, view, slot, [&] {
    access->copy(view, slot, /*vectors=*/true, rows, /*zeroRest=*/true);
  });
  emitter->bind(argument, either);
}

void Outliner::bindInvariants(const ScanPlace &place) {
  Chunk chunk;
  chunk.place = place;
  for (unsigned i = 0, e = scan.getInputs().size(); i < e; ++i)
    if (!variesByChunk(scan.getInputAccess(i)))
      bindInput(i, chunk);
}

/// Where output `i` of a chunk is written by the body: the tensor itself where
/// it can be, else a slot that is copied afterwards.
Tile Outliner::prepareOutput(unsigned i, const Chunk &chunk, int64_t end) {
  RankedTensorType type = tileType(yield().getOutputs()[i]);
  AccessAttr how = scan.getOutputAccess(i);
  bool vectors = access->isVectorizable(how, type);
  Tile view = access->view(buffers.outputs[i], how, type, chunk.place);
  if (vectors && !how.has(AccessAttr::Token))
    return view;
  Tile slot = arena->allocate(type.getShape(), type.getElementType(), end);
  if (!vectors)
    return slot;
  Tile either = view;
  either.slot = slot.slot;
  either.buffer = choose(chunk.full, view, slot, [] {});
  return either;
}

/// Stores output `i`, walked by runs, where `chunk` comes first in one.
void Outliner::storeRun(unsigned i, const Chunk &chunk) {
  Value value = yield().getOutputs()[i];
  AccessAttr how = scan.getOutputAccess(i);
  auto whole = cast<RankedTensorType>(scan.getOutputs()[i].getType());
  int64_t runs = whole.getDimSize(how.findLoop(AccessAttr::Segment));
  Tile tile = emitter->tileOf(value);
  ScanPlace place = chunk.place;
  Value begins;
  std::tie(place.segment, begins) =
      access->findRun(chunk.number, chunk.of, runs);
  auto branch = scf::IfOp::create(b, loc, begins, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.thenBlock()->getTerminator());
  Tile view = access->view(buffers.outputs[i], how, tileType(value), place);
  access->copy(tile, view, access->isVectorizable(how, tileType(value)),
               Value(), false);
}

void Outliner::loadCarries(const ScanPlace &place) {
  for (unsigned i = 0, e = scan.getNumCarries(); i < e; ++i) {
    Value argument = scan.getCarryArguments()[i];
    RankedTensorType type = tileType(argument);
    Tile tile = emitter->allocate(type.getShape(), type.getElementType());
    arena->pin(tile);
    if (Value init = buffers.inits[i]) {
      AccessAttr how = scan.getInitAccess(i);
      Tile view = access->view(init, how, type, place);
      access->copy(view, tile, access->isVectorizable(how, type), Value(),
                   false);
    } else if (scan.getInits()[i].getDefiningOp<chunk::IdentityOp>()) {
      emitIdentity(tile);
    } else {
      SplatElementsAttr splat;
      bool constant = matchPattern(scan.getInits()[i], m_Constant(&splat));
      assert(constant && "an init without memory is a splat constant");
      (void)constant;
      emitter->fill(tile, splat.getSplatValue<Attribute>());
    }
    emitter->bind(argument, tile);
    carryTiles.push_back(tile);
  }
}

void Outliner::emitIdentity(const Tile &tile) {
  emitter->fill(tile, b.getZeroAttr(tile.element));
  Value one = arith::ConstantOp::create(
      b, loc, cast<TypedAttr>(b.getFloatAttr(tile.element, 1)));
  auto loop =
      scf::ForOp::create(b, loc, index(0), index(tile.shape[0]), index(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(loop.getBody()->getTerminator());
  Value i = loop.getInductionVar();
  memref::StoreOp::create(b, loc, one, tile.buffer, ValueRange{i, i});
}

void Outliner::storeFinals(const ScanPlace &place) {
  for (unsigned i = 0, e = scan.getNumCarries(); i < e; ++i) {
    if (!buffers.finals[i])
      continue;
    AccessAttr how = scan.getFinalAccess(i);
    RankedTensorType type = tileType(scan.getCarryArguments()[i]);
    Tile view = access->view(buffers.finals[i], how, type, place);
    access->copy(carryTiles[i], view, access->isVectorizable(how, type),
                 Value(), false);
  }
}

void Outliner::storeCarries() {
  // Carries that change places go through a copy.
  auto next = yield().getCarries();
  SmallVector<Tile> from;
  for (auto [i, value] : llvm::enumerate(next)) {
    Tile tile;
    if (value != scan.getCarryArguments()[i] && !plan.canOverwriteCarry(i)) {
      tile = emitter->tileOf(value);
      if (llvm::is_contained(scan.getCarryArguments(), value)) {
        Tile moved = emitter->allocate(tile.shape, tile.element);
        emitter->copy(tile, moved);
        tile = moved;
      }
    }
    from.push_back(tile);
  }
  for (auto [tile, carry] : llvm::zip(from, carryTiles))
    if (tile)
      emitter->copy(tile, carry);
}

void Outliner::emitChunk(const Chunk &chunk) {
  emitter->bindScalar(scan.getCountArgument(), chunk.count);
  for (unsigned i = 0, e = scan.getInputs().size(); i < e; ++i)
    if (variesByChunk(scan.getInputAccess(i)))
      bindInput(i, chunk);
  for (auto [i, value] : llvm::enumerate(yield().getCarries()))
    if (plan.canOverwriteCarry(i))
      emitter->setDestination(value, carryTiles[i]);

  int64_t end = scan.getBodyBlock()->getOperations().size() + 1;
  SmallVector<Tile> outputs;
  llvm::SmallDenseSet<Value> written;
  for (auto [i, value] : llvm::enumerate(yield().getOutputs())) {
    if (scan.getOutputAccess(i).has(AccessAttr::Segment)) {
      outputs.emplace_back();
      continue;
    }
    outputs.push_back(prepareOutput(i, chunk, end));
    if (plan.isStored(value) &&
        !llvm::is_contained(yield().getCarries(), value) &&
        written.insert(value).second)
      emitter->setDestination(value, outputs.back());
  }
  if (failed(emitter->emitBody())) {
    status = failure();
    return;
  }
  for (auto [i, value] : llvm::enumerate(yield().getOutputs())) {
    AccessAttr how = scan.getOutputAccess(i);
    if (how.has(AccessAttr::Segment)) {
      storeRun(i, chunk);
      continue;
    }
    Tile tile = emitter->tileOf(value);
    if (tile.buffer != outputs[i].buffer)
      emitter->copy(tile, outputs[i]);
    // What could not be written in place.
    RankedTensorType type = tileType(value);
    Tile slot = outputs[i];
    arena->touch(slot, end);
    if (slot.slot < 0)
      continue;
    bool vectors = access->isVectorizable(how, type),
         tokens = how.has(AccessAttr::Token);
    Value rows;
    if (tokens) {
      int64_t steps =
          type.getDimSize(0) / static_cast<int64_t>(scan.getChunkSize());
      rows = arith::MulIOp::create(b, loc, chunk.count, index(steps));
    }
    OpBuilder::InsertionGuard guard(b);
    if (vectors) {
      Value tail =
          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, chunk.count,
                                index(scan.getChunkSize()));
      auto branch = scf::IfOp::create(b, loc, tail, /*withElseRegion=*/false);
      b.setInsertionPoint(branch.thenBlock()->getTerminator());
    }
    Tile view = access->view(buffers.outputs[i], how, type, chunk.place);
    bool contiguous = type.getRank() > 0 &&
                      how.findTileDim(type.getRank() - 1) == how.getRank() - 1;
    access->copy(slot, view, contiguous, rows, /*zeroRest=*/false);
  }
  storeCarries();
}

//===----------------------------------------------------------------------===//
// The launcher
//===----------------------------------------------------------------------===//

static func::FuncOp declareParallelFor(ModuleOp module, OpBuilder &b,
                                       Type unit) {
  if (auto known = module.lookupSymbol<func::FuncOp>(parallelForName))
    return known;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(module.getBody());
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto type =
      b.getFunctionType({b.getI64Type(), b.getI64Type(), unit, pointer}, {});
  auto function =
      func::FuncOp::create(b, module.getLoc(), parallelForName, type);
  function.setPrivate();
  return function;
}

func::FuncOp Outliner::emitLauncher() {
  SmallVector<Value> values = outer.all();
  func::FuncOp launcher = addFunction("_launch", TypeRange(ValueRange(values)));
  Block *entry = &launcher.getBody().front();
  b.setInsertionPointToStart(entry);
  ScanBuffers inner = outer.withValues(entry->getArguments());
  ScanAccess extents(b, loc, scan, inner, options.lanes());
  Value groups = carries() ? extents.numSequences() : extents.chunkEntries();
  Value units = arith::MulIOp::create(b, loc, groups, extents.heads());
  units = arith::MulIOp::create(b, loc, units, index(scan.getNumSegments()));
  units = arith::IndexCastOp::create(b, loc, b.getI64Type(), units);

  Value one =
      LLVM::ConstantOp::create(b, loc, b.getI64Type(), b.getI64IntegerAttr(1));
  Value frame = LLVM::AllocaOp::create(b, loc, pointer, record, one);
  for (auto [i, argument] : llvm::enumerate(entry->getArguments())) {
    Value field = UnrealizedConversionCastOp::create(
                      b, loc, record.getBody()[i], Value(argument))
                      .getResult(0);
    Value address =
        LLVM::GEPOp::create(b, loc, pointer, record, frame,
                            ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(i)});
    LLVM::StoreOp::create(b, loc, field, address);
  }
  Value body = func::ConstantOp::create(b, loc, unitFunction.getFunctionType(),
                                        FlatSymbolRefAttr::get(unitFunction));
  Value bytes =
      arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(scratchBytes));
  func::FuncOp parallelFor = declareParallelFor(module, b, body.getType());
  func::CallOp::create(b, loc, parallelFor,
                       ValueRange{units, bytes, body, frame});
  func::ReturnOp::create(b, loc);
  return launcher;
}

func::FuncOp Outliner::run() {
  if (failed(emitUnit()))
    return {};
  return emitLauncher();
}

func::FuncOp cpu::outlineScan(chunk::ScanOp scan, const ScanBuffers &buffers,
                              StringRef name, unsigned i,
                              const EmitOptions &options) {
  return Outliner(scan, buffers, name, i, options).run();
}
