//===- Blocked.cpp - tiles for the arithmetic units -----------------------===//
// Loads, stores, repetitions and reductions of tiles in layout #tile.blocked:
// which register of a thread is which element, and what crosses threads.
//===----------------------------------------------------------------------===//
#include "Emit.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace deltanet::tile;

/// Bytes that one load or store moves at most.
static constexpr int64_t kAccessBytes = 16;

static bool isBlocked(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa_and_nonnull<BlockedAttr>(tensor.getEncoding());
}

namespace {

/// Elements by their place in a thread: number r * v + e along a dimension is
/// repetition r, element e of its vector.
class BlockedTile {
public:
  explicit BlockedTile(RankedTensorType type)
      : type(type), layout(cast<BlockedAttr>(type.getEncoding())) {
    for (int64_t d = 0; d != type.getRank(); ++d) {
      BlockedAttr::Dim dim = layout.getDim(d);
      dims.push_back(dim);
      counts.push_back(dim.getElements(type.getDimSize(d)));
      unit *= dim.vector;
    }
  }
  int64_t getRank() const { return type.getRank(); }
  int64_t getCount() const { return getElementsPerThread(type); }

  /// The register of an element.
  int64_t getRegister(ArrayRef<int64_t> local) const {
    int64_t repetition = 0, element = 0;
    for (int64_t d = 0; d != getRank(); ++d) {
      int64_t v = dims[d].vector;
      repetition = repetition * (counts[d] / v) + local[d] / v;
      element = element * v + local[d] % v;
    }
    return repetition * unit + element;
  }
  /// The element in a register.
  SmallVector<int64_t> getLocal(int64_t number) const {
    SmallVector<int64_t> local(getRank());
    int64_t repetition = number / unit, element = number % unit;
    for (int64_t d = getRank() - 1; d >= 0; --d) {
      int64_t v = dims[d].vector, repetitions = counts[d] / v;
      local[d] = repetition % repetitions * v + element % v;
      repetition /= repetitions;
      element /= v;
    }
    return local;
  }
  /// The coordinate along `d` of element `local` in thread 0.
  int64_t getConstant(int64_t d, int64_t local) const {
    int64_t v = dims[d].vector;
    return local / v * dims[d].getSpan() + local % v;
  }
  /// What a thread's place adds to it.
  Value getVariable(Emit &emit, int64_t d) const {
    const BlockedAttr::Dim &dim = dims[d];
    Value lane = emit.rem(emit.div(emit.lane(), dim.laneStride), dim.lanes);
    Value warp = emit.rem(emit.div(emit.warp(), dim.warpStride), dim.warps);
    return emit.mul(emit.add(emit.mul(warp, dim.lanes), lane), dim.vector);
  }
  /// Whether element `local` along `d` can lie past the end.
  bool mayBePadding(int64_t d, int64_t local) const {
    int64_t v = dims[d].vector, span = dims[d].getSpan();
    return (local / v + 1) * span > type.getDimSize(d);
  }
  /// Whether the elements of a vector along `d` are in neighbouring registers.
  bool isInnermost(int64_t d) const {
    return llvm::all_of(llvm::drop_begin(dims, d + 1),
                        [](const auto &dim) { return dim.vector == 1; });
  }

  RankedTensorType type;
  BlockedAttr layout;
  SmallVector<BlockedAttr::Dim> dims;
  SmallVector<int64_t> counts; // elements of a thread, by dimension
  int64_t unit = 1;            // elements of a repetition
};

/// Conditions on places in a tile.
static Value both(Emit &emit, Value x, Value y) {
  if (!x || !y)
    return x ? x : y;
  return arith::AndIOp::create(emit.b, emit.loc, x, y);
}

/// One tile in global memory: addresses of a thread's elements and whether they
/// are there.
class BlockedAccess {
public:
  BlockedAccess(Emit &emit, RankedTensorType type, Value pointer, Value offset,
                ValueRange strides, ValueRange limits,
                std::optional<ArrayRef<int64_t>> along)
      : emit(emit), tile(type), bytes(type.getElementTypeBitWidth() / 8) {
    base = emit.move(pointer, scaled(toI64(offset), bytes));
    for (auto [d, stride] : llvm::enumerate(strides)) {
      variable.push_back(tile.getVariable(emit, d));
      this->strides.push_back(scaled(toI64(stride), bytes));
      base = emit.move(base, times(extend(variable[d]), this->strides[d]));
    }
    this->limits.assign(strides.size(), Value());
    for (auto [limit, d] :
         llvm::zip(limits, along.value_or(ArrayRef<int64_t>())))
      this->limits[d] = arith::IndexCastOp::create(emit.b, emit.loc,
                                                   emit.b.getI32Type(), limit);
    // As many neighbours at once as an access moves.
    for (auto [d, stride] : llvm::enumerate(strides))
      if (tile.isInnermost(d) && matchPattern(stride, m_One()))
        step =
            std::max(step, std::min(tile.dims[d].vector, kAccessBytes / bytes));
  }

  /// Elements that one access moves; the registers from a multiple of it on.
  int64_t getStep() const { return step; }

  Value getAddress(int64_t number) {
    Value at = base;
    for (auto [d, local] : llvm::enumerate(tile.getLocal(number)))
      if (int64_t c = tile.getConstant(d, local))
        at = emit.move(at, scaled(strides[d], c));
    return at;
  }
  /// Whether the element is there; null if it is whatever the thread.
  Value isInside(int64_t number) {
    Value inside;
    for (auto [d, local] : llvm::enumerate(tile.getLocal(number))) {
      int64_t c = tile.getConstant(d, local);
      if (tile.mayBePadding(d, local))
        inside =
            both(emit, inside,
                 emit.less(variable[d], emit.i32(tile.type.getDimSize(d) - c)));
      if (limits[d])
        inside =
            both(emit, inside, emit.less(variable[d], emit.add(limits[d], -c)));
    }
    return inside;
  }
  const BlockedTile &getTile() const { return tile; }

private:
  Value toI64(Value index) {
    return arith::IndexCastOp::create(emit.b, emit.loc, emit.b.getI64Type(),
                                      index);
  }
  Value extend(Value v) {
    return arith::ExtUIOp::create(emit.b, emit.loc, emit.b.getI64Type(), v);
  }
  Value times(Value x, Value y) {
    return arith::MulIOp::create(emit.b, emit.loc, x, y);
  }
  Value scaled(Value x, int64_t y) {
    return y == 1 ? x
                  : times(x, arith::ConstantIntOp::create(emit.b, emit.loc, y,
                                                          64));
  }

  Emit &emit;
  BlockedTile tile;
  int64_t bytes, step = 1;
  Value base;
  /// Null where there is none.
  SmallVector<Value> variable, strides, limits;
};

/// What one access moves: a number, or several as a vector. 16-bit elements
/// are integers, two in 32 bits where there are several.
static Type getAccessType(Type element, int64_t step, OpBuilder &b) {
  if (element.getIntOrFloatBitWidth() == 16) {
    if (step == 1)
      return b.getI16Type();
    element = b.getI32Type();
    step /= 2;
  }
  return step == 1 ? element : Type(VectorType::get(step, element));
}

static Value packVector(Emit &emit, ValueRange values) {
  if (values.size() == 1)
    return values[0];
  Value vector =
      LLVM::UndefOp::create(emit.b, emit.loc,
                            VectorType::get(static_cast<int64_t>(values.size()),
                                            values[0].getType()));
  for (auto [i, value] : llvm::enumerate(values))
    vector = LLVM::InsertElementOp::create(emit.b, emit.loc, vector, value,
                                           emit.i32(i));
  return vector;
}

static SmallVector<Value> unpackVector(Emit &emit, Value vector) {
  auto type = dyn_cast<VectorType>(vector.getType());
  if (!type)
    return {vector};
  SmallVector<Value> values;
  for (int64_t i = 0; i != type.getNumElements(); ++i)
    values.push_back(
        LLVM::ExtractElementOp::create(emit.b, emit.loc, vector, emit.i32(i)));
  return values;
}

/// One number beside each other in pairs.
static SmallVector<Value> joinPairs(Emit &emit, ArrayRef<Value> values) {
  SmallVector<Value> pairs;
  for (size_t e = 0; e < values.size(); e += 2)
    pairs.push_back(
        emit.join(values[e], values[std::min(e + 1, values.size() - 1)]));
  return pairs;
}

struct BlockedLoadPattern : OpConversionPattern<LoadOp> {
  BlockedLoadPattern(const TypeConverter &converter, MLIRContext *context)
      : OpConversionPattern(converter, context, /*benefit=*/2) {}
  LogicalResult
  matchAndRewrite(LoadOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isBlocked(op.getResult().getType()))
      return rewriter.notifyMatchFailure(op, "not in layout #tile.blocked");
    Emit emit(rewriter, op.getLoc());
    auto type = cast<RankedTensorType>(op.getResult().getType());
    SmallVector<Value> strides = llvm::to_vector(op.getStrides());
    BlockedAccess access(emit, type, adaptor.getSource().front(),
                         adaptor.getOffset().front(), strides, op.getLimits(),
                         op.getAlong());
    Type moved =
        getAccessType(type.getElementType(), access.getStep(), rewriter);
    SmallVector<Value> values;
    for (int64_t e = 0; e < access.getTile().getCount(); e += access.getStep())
      llvm::append_range(values,
                         unpackVector(emit, load(emit, access, e, moved)));
    if (moved.isInteger(16))
      values = joinPairs(emit, values);
    rewriter.replaceOpWithMultiple(op, {values});
    return success();
  }

  static Value load(Emit &emit, BlockedAccess &access, int64_t number,
                    Type moved) {
    Value inside = access.isInside(number);
    if (!inside)
      return emit.load(moved, access.getAddress(number));
    OpBuilder &b = emit.b;
    Value zero = arith::ConstantOp::create(b, emit.loc, b.getZeroAttr(moved));
    auto ifOp = scf::IfOp::create(b, emit.loc, TypeRange(moved), inside, true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(ifOp.thenBlock());
    Value loaded = emit.load(moved, access.getAddress(number));
    scf::YieldOp::create(b, emit.loc, loaded);
    b.setInsertionPointToStart(ifOp.elseBlock());
    scf::YieldOp::create(b, emit.loc, zero);
    return ifOp.getResult(0);
  }
};

/// Warps of the block of a kernel, which states its size.
static std::optional<int64_t> getNumWarps(Operation *op) {
  auto kernel = op->getParentOfType<gpu::GPUFuncOp>();
  std::optional<ArrayRef<int32_t>> block =
      kernel ? kernel.getKnownBlockSize() : std::nullopt;
  if (!block)
    return std::nullopt;
  return (*block)[0] / kWarpSize;
}

struct BlockedStorePattern : OpConversionPattern<StoreOp> {
  BlockedStorePattern(const TypeConverter &converter, MLIRContext *context)
      : OpConversionPattern(converter, context, /*benefit=*/2) {}
  LogicalResult
  matchAndRewrite(StoreOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isBlocked(op.getValue().getType()))
      return rewriter.notifyMatchFailure(op, "not in layout #tile.blocked");
    std::optional<int64_t> warps = getNumWarps(op);
    if (!warps)
      return rewriter.notifyMatchFailure(
          op, "the kernel does not state its block size");
    Emit emit(rewriter, op.getLoc());
    auto type = cast<RankedTensorType>(op.getValue().getType());
    SmallVector<Value> strides = llvm::to_vector(op.getStrides());
    BlockedAccess access(emit, type, adaptor.getTarget().front(),
                         adaptor.getOffset().front(), strides, op.getLimits(),
                         op.getAlong());
    Value owner = isOwner(emit, access.getTile(), *warps);
    ValueRange held = adaptor.getValue();
    bool pairs = type.getElementTypeBitWidth() == 16;
    for (int64_t e = 0, step = access.getStep();
         e < access.getTile().getCount(); e += step) {
      OpBuilder::InsertionGuard guard(rewriter);
      if (Value inside = both(emit, owner, access.isInside(e))) {
        auto ifOp = scf::IfOp::create(rewriter, op.getLoc(), inside);
        rewriter.setInsertionPointToStart(ifOp.thenBlock());
      }
      Value moved;
      if (pairs && step == 1)
        moved = emit.half(held[e / 2], e % 2);
      else
        moved = packVector(emit, pairs ? held.slice(e / 2, step / 2)
                                       : held.slice(e, step));
      emit.store(moved, access.getAddress(e));
    }
    rewriter.eraseOp(op);
    return success();
  }

  /// Of the threads that hold the same elements, the first stores them. Null
  /// where no two do.
  static Value isOwner(Emit &emit, const BlockedTile &tile, int64_t warps) {
    int64_t otherLanes = kWarpSize - 1, otherWarps = warps - 1;
    for (const BlockedAttr::Dim &dim : tile.dims) {
      otherLanes &= ~((dim.lanes - 1) * dim.laneStride);
      otherWarps &= ~((dim.warps - 1) * dim.warpStride);
    }
    OpBuilder &b = emit.b;
    Value owner;
    for (auto [number, others] :
         {std::pair<Value, int64_t>(emit.lane(), otherLanes),
          {emit.warp(), otherWarps}}) {
      if (others == 0)
        continue;
      Value bits = arith::AndIOp::create(b, emit.loc, number, emit.i32(others));
      owner = both(emit, owner,
                   arith::CmpIOp::create(b, emit.loc, arith::CmpIPredicate::eq,
                                         bits, emit.i32(0)));
    }
    return owner;
  }
};

/// `large`, an element by dimension, without the dimensions `dropped`.
static SmallVector<int64_t> without(ArrayRef<int64_t> large,
                                    ArrayRef<int64_t> dropped) {
  SmallVector<int64_t> rest;
  for (auto [d, x] : llvm::enumerate(large))
    if (!llvm::is_contained(dropped, static_cast<int64_t>(d)))
      rest.push_back(x);
  return rest;
}

/// Where an element of the result is found: from its place in a thread's part
/// of the result, that in the input.
static SmallVector<int64_t> findSource(ExpandOp op, ArrayRef<int64_t> place) {
  return without(place, op.getDimensions());
}
static SmallVector<int64_t> findSource(TakeRowOp op, ArrayRef<int64_t> place) {
  SmallVector<int64_t> source{static_cast<int64_t>(op.getIndex())};
  llvm::append_range(source, place);
  return source;
}
static SmallVector<int64_t> findSource(TransposeOp, ArrayRef<int64_t> place) {
  return {place[1], place[0]};
}

/// Each element of the result is one of the input's in the same thread.
template <typename Op> struct PickPattern : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Op op,
                  typename OpConversionPattern<Op>::OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    BlockedTile input(cast<RankedTensorType>(op.getInput().getType())),
        result(cast<RankedTensorType>(op.getResult().getType()));
    SmallVector<Value> values;
    for (int64_t e = 0; e != result.getCount(); ++e)
      values.push_back(adaptor.getInput()[input.getRegister(
          findSource(op, result.getLocal(e)))]);
    rewriter.replaceOpWithMultiple(op, {values});
    return success();
  }
};

/// A reduction, step by step: registers, lanes, warps.
class Reducer {
public:
  Reducer(Emit &emit, CombineOp op)
      : emit(emit), op(op),
        input(cast<RankedTensorType>(op.getInput().getType())),
        result(cast<RankedTensorType>(op.getResult().getType())) {}

  SmallVector<Value> run(ValueRange held, Value buffer) {
    SmallVector<Value> values = reduceRegisters(held);
    for (int64_t d : op.getDimensions())
      for (int64_t distance = 1; distance < input.dims[d].lanes; distance *= 2)
        for (Value &value : values)
          value = combine(value,
                          exchange(value, distance * input.dims[d].laneStride));
    return buffer ? reduceWarps(values, buffer) : values;
  }

private:
  Value combine(Value x, Value y) {
    OpBuilder &b = emit.b;
    auto contract = arith::FastMathFlagsAttr::get(
        b.getContext(), arith::FastMathFlags::contract);
    switch (op.getKind()) {
    case Combine::Add:
      return arith::AddFOp::create(b, emit.loc, x, y, contract);
    case Combine::Mul:
      return arith::MulFOp::create(b, emit.loc, x, y, contract);
    case Combine::Max:
      return arith::MaximumFOp::create(b, emit.loc, x, y);
    case Combine::Min:
      return arith::MinimumFOp::create(b, emit.loc, x, y);
    }
    llvm_unreachable("every way to combine is above");
  }
  /// What combining leaves as it is.
  Value neutral() {
    double infinity = std::numeric_limits<double>::infinity();
    switch (op.getKind()) {
    case Combine::Add:
      return emit.f32(0);
    case Combine::Mul:
      return emit.f32(1);
    case Combine::Max:
      return emit.f32(-infinity);
    case Combine::Min:
      return emit.f32(infinity);
    }
    llvm_unreachable("every way to combine is above");
  }
  Value exchange(Value v, int64_t distance) {
    return NVVM::ShflOp::create(emit.b, emit.loc, v.getType(), emit.i32(-1), v,
                                emit.i32(distance), emit.i32(kWarpSize - 1),
                                NVVM::ShflKind::bfly, UnitAttr());
  }
  /// An element, or what is neutral where it lies past the end.
  Value getElement(ValueRange held, ArrayRef<int64_t> local) {
    Value inside;
    for (int64_t d : op.getDimensions())
      if (input.mayBePadding(d, local[d])) {
        int64_t end = input.type.getDimSize(d) - input.getConstant(d, local[d]);
        inside = both(emit, inside,
                      emit.less(input.getVariable(emit, d), emit.i32(end)));
      }
    Value value = held[input.getRegister(local)];
    return inside ? arith::SelectOp::create(emit.b, emit.loc, inside, value,
                                            neutral())
                        .getResult()
                  : value;
  }
  SmallVector<Value> reduceRegisters(ValueRange held) {
    SmallVector<Value> values(result.getCount());
    for (int64_t e = 0; e != input.getCount(); ++e) {
      SmallVector<int64_t> local = input.getLocal(e);
      Value &value =
          values[result.getRegister(without(local, op.getDimensions()))];
      Value element = getElement(held, local);
      value = value ? combine(value, element) : element;
    }
    return values;
  }
  /// Row r of the buffer is register r of all threads of the block.
  SmallVector<Value> reduceWarps(ArrayRef<Value> values, Value buffer) {
    OpBuilder &b = emit.b;
    BufferType type = op.getBuffer().getType();
    auto at = [&](Value column, int64_t row) {
      return emit.move(emit.move(buffer, emit.mul(column, 4)),
                       row * type.getRowBytes());
    };
    for (auto [row, value] : llvm::enumerate(values))
      emit.store(value, at(emit.thread(), row));
    gpu::BarrierOp::create(b, emit.loc);
    // The threads that differ in the reduced warps alone, from the first on.
    int64_t reduced = 0;
    SmallVector<int64_t> distances = {0};
    for (int64_t d : op.getDimensions()) {
      const BlockedAttr::Dim &dim = input.dims[d];
      reduced |= (dim.warps - 1) * dim.warpStride;
      SmallVector<int64_t> all;
      for (int64_t distance : distances)
        for (int64_t w = 0; w != dim.warps; ++w)
          all.push_back(distance + w * dim.warpStride);
      distances = all;
    }
    Value first = arith::AndIOp::create(b, emit.loc, emit.thread(),
                                        emit.i32(~(reduced * kWarpSize)));
    SmallVector<Value> sums;
    for (size_t row = 0; row != values.size(); ++row) {
      Value sum;
      for (int64_t distance : distances) {
        Value part = emit.load(
            b.getF32Type(),
            emit.move(at(first, row), distance * kWarpSize * int64_t(4)));
        sum = sum ? combine(sum, part) : part;
      }
      sums.push_back(sum);
    }
    return sums;
  }

  Emit &emit;
  CombineOp op;
  BlockedTile input, result;
};

struct ReducePattern : OpConversionPattern<CombineOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(CombineOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    Value buffer;
    if (op.getBuffer())
      buffer = adaptor.getBuffer().front();
    rewriter.replaceOpWithMultiple(
        op, {Reducer(emit, op).run(adaptor.getInput(), buffer)});
    return success();
  }
};
} // namespace

void deltanet::tile::populateBlockedPatterns(const TypeConverter &converter,
                                             RewritePatternSet &patterns) {
  patterns.add<BlockedLoadPattern, BlockedStorePattern, PickPattern<ExpandOp>,
               PickPattern<TakeRowOp>, PickPattern<TransposeOp>, ReducePattern>(
      converter, patterns.getContext());
}
