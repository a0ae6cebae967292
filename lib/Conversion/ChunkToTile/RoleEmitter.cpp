//===- RoleEmitter.cpp - one part of a chunk body as tiles ----------------===//
// Where values are: layouts, buffers, padding, vectors beside matrices. The
// operations are in EmitOperations.cpp and EmitProducts.cpp.
//===----------------------------------------------------------------------===//
#include "RoleEmitter.h"
#include "TileTypes.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::chunk;
using tile::AccAttr;
using tile::BufferType;
using tile::LanesAttr;
using tile::SliceAttr;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

int64_t RoleEmitter::heldDim(Value v, int64_t dim) const {
  return isColumn(v) && plan.findColumn(v) == 1 ? 1 - dim : dim;
}

bool RoleEmitter::isPadded(Value v, int64_t dim) const {
  int64_t extent = rankedType(v).getDimSize(dim);
  if (isColumn(v) && plan.findColumn(v) == dim)
    return extent % width != 0;
  return plan.pad(extent) != extent;
}

AccAttr RoleEmitter::stateLayout() const {
  return AccAttr::get(b.getContext(), {warps, 1});
}

/// Every warp has all rows of its columns: sums along rows stay in a warp, and
/// tiles of one shape have one layout. Warps that find no columns repeat
/// others.
AccAttr RoleEmitter::plainLayout(int64_t columns) const {
  int64_t split = std::min(warps, columns / 8);
  while (columns % (8 * split) != 0)
    --split;
  return AccAttr::get(b.getContext(), {1, split});
}

/// Rows are apart so that eight of 16 bytes, or four of 8 pairs of f32, lie in
/// different banks.
static int64_t padOf(int64_t columns, int64_t bytes) {
  int64_t unit = (bytes == 2 ? 16 : 32) / bytes;
  return columns / unit % 2 == 0 ? unit : 0;
}

BufferType deltanet::matrixBuffer(MLIRContext *context, int64_t rows,
                                  int64_t columns, Type element) {
  return BufferType::get(context, {rows, columns}, element,
                         padOf(columns, element.getIntOrFloatBitWidth() / 8));
}

BufferType RoleEmitter::bufferType(Value v) const {
  RankedTensorType type = rankedType(v);
  MLIRContext *context = b.getContext();
  if (type.getRank() == 2)
    return matrixBuffer(context, plan.pad(type.getDimSize(0)),
                        plan.pad(type.getDimSize(1)), type.getElementType());
  int64_t length =
      type.getRank() == 0 ? tile::kWarpSize : plan.pad(type.getDimSize(0));
  return BufferType::get(context, {1, length}, Float32Type::get(context), 0);
}

FailureOr<Type> RoleEmitter::registerType(Value v, Location loc) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  if (!type)
    return v.getType();
  Type element = type.getElementType();
  if (element.isF64()) // half a pair
    element = b.getF32Type();
  if (!element.isF32() && !is16Bits(element) && !element.isInteger(1) &&
      !element.isInteger(32))
    return emitError(loc, "expects tiles of f32, bf16 or f16 in a kernel, got ")
           << type;
  MLIRContext *context = b.getContext();
  if (type.getRank() == 0)
    return element;
  if (type.getRank() > 2)
    return emitError(loc, "expects vectors and matrices in a kernel, got ")
           << type;
  auto make = [&](ArrayRef<int64_t> shape, Attribute layout) {
    return Type(RankedTensorType::get(shape, element, layout));
  };
  if (!isState()) {
    int64_t last = plan.pad(type.getShape().back());
    if (type.getRank() == 1)
      return make({last}, LanesAttr::get(context));
    return make({plan.pad(type.getDimSize(0)), last}, plainLayout(last));
  }
  if (isColumn(v)) {
    if (type.getRank() == 1)
      return make({width}, SliceAttr::get(context, 1, stateLayout()));
    return make({width, plan.pad(type.getDimSize(1 - *plan.findColumn(v)))},
                stateLayout());
  }
  if (type.getRank() == 1)
    return make({plan.pad(type.getDimSize(0))},
                SliceAttr::get(context, 0, stateLayout()));
  return emitError(loc, "expects matrices that wait for the state to have its "
                        "columns in a kernel, got ")
         << type;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Value RoleEmitter::zeros(Type type, Location loc) {
  return arith::ConstantOp::create(b, loc,
                                   cast<TypedAttr>(b.getZeroAttr(type)));
}

Value RoleEmitter::widen(Value registers, Location loc) {
  if (!is16Bits(getElementTypeOrSelf(registers)))
    return registers;
  Type type = b.getF32Type();
  if (auto tensor = dyn_cast<RankedTensorType>(registers.getType()))
    type = tensor.clone(type);
  return arith::ExtFOp::create(b, loc, type, registers);
}

Value RoleEmitter::coordinate(RankedTensorType type, int64_t dim,
                              Location loc) {
  return tile::CoordinateOp::create(b, loc, type.clone(b.getI32Type()), dim);
}

Value RoleEmitter::below(Value v, int64_t dim, Value limit, Location loc,
                         double fill) {
  Type narrow = getElementTypeOrSelf(v);
  Value wide = widen(v, loc);
  auto type = cast<RankedTensorType>(wide.getType());
  limit = tile::BroadcastOp::create(b, loc, type.clone(b.getI32Type()), limit);
  Value inside = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                       coordinate(type, dim, loc), limit);
  Value other = arith::ConstantOp::create(
      b, loc,
      SplatElementsAttr::get(type,
                             b.getFloatAttr(type.getElementType(), fill)));
  wide = arith::SelectOp::create(b, loc, inside, wide, other);
  if (!is16Bits(narrow))
    return wide;
  return arith::TruncFOp::create(b, loc, type.clone(narrow), wide);
}

/// Whether a value is zero beyond its extents: what is read from memory is, and
/// what only changes its type.
static bool hasZeroPadding(Value v) {
  while (isa_and_nonnull<arith::ExtFOp, arith::TruncFOp, MaskTokensOp, DotOp,
                         UnitLowerInverseOp>(v.getDefiningOp())) {
    if (isa<DotOp, UnitLowerInverseOp>(v.getDefiningOp()))
      return true; // of operands that are
    v = v.getDefiningOp()->getOperand(0);
  }
  return isa<BlockArgument>(v);
}

Value RoleEmitter::clearPadding(Value v, Value registers, double fill) {
  if ((fill == 0 && hasZeroPadding(v)) ||
      !isa<RankedTensorType>(registers.getType()))
    return registers;
  for (int64_t d = 0; d != rankedType(v).getRank(); ++d)
    if (isPadded(v, d)) {
      // Columns of the state that lie beyond belong to the last block alone.
      if (isColumn(v) && plan.findColumn(v) == d && !plan.needsAllColumns())
        continue;
      Value limit = arith::ConstantIntOp::create(
          b, v.getLoc(), rankedType(v).getDimSize(d), 32);
      registers = below(registers, heldDim(v, d), limit, v.getLoc(), fill);
    }
  return registers;
}

Value RoleEmitter::load(Value v, Value buffer) {
  FailureOr<Type> type = registerType(v);
  if (failed(type))
    return {};
  Location loc = v.getLoc();
  auto tensor = dyn_cast<RankedTensorType>(*type);
  if (!tensor) {
    Value number = tile::LoadElementOp::create(b, loc, buffer, 0);
    if (number.getType() != *type)
      number = arith::TruncFOp::create(b, loc, *type, number);
    return number;
  }
  if (tensor.getRank() == 1) {
    Value vector = tile::LoadVectorOp::create(
        b, loc, tensor.clone(b.getF32Type()), buffer);
    if (vector.getType() != *type)
      vector = arith::TruncFOp::create(b, loc, *type, vector);
    return vector;
  }
  bool transpose = isColumn(v) && plan.findColumn(v) == 1;
  return tile::LoadMatrixOp::create(b, loc, *type, buffer, transpose);
}

void RoleEmitter::arrive(Value v) {
  auto it = arrivals.find(v);
  if (it == arrivals.end())
    return;
  std::function<void()> wait = std::move(it->second);
  arrivals.erase(it);
  wait();
}

Value RoleEmitter::inRegisters(Value v) {
  v = BodyPlan::source(v);
  arrive(v);
  if (isa<RankedTensorType>(v.getType()) && elementOf(v).isF64()) {
    emitError(v.getLoc(), "expects values of f64 to be rounded where they are "
                          "used in a kernel, got ")
        << v.getType();
    return {};
  }
  Held &held = values[v];
  if (held.registers)
    return held.registers;
  if (Value buffer = held.buffer) {
    Value loaded = load(v, buffer);
    return values[v].registers = loaded;
  }
  Operation *op = v.getDefiningOp();
  if (!op) {
    emitError(v.getLoc(), "expects a value that the body computes");
    return {};
  }
  if (isa<UnitLowerInverseOp>(op))
    return inBuffer(v) ? inRegisters(v) : Value();
  Value made = make(op);
  // What is cheaper to make again than to keep is made where it is used.
  if (made && !chunk::isRemade(op))
    values[v].registers = made;
  return made;
}

bool RoleEmitter::isCheap(Value v, unsigned &work) const {
  v = BodyPlan::source(v);
  auto type = dyn_cast<RankedTensorType>(v.getType());
  if (!type || type.getRank() < 2 || values.lookup(v).buffer)
    return true;
  Operation *op = v.getDefiningOp();
  bool isMade =
      op && (chunk::isRemade(op) || OpTrait::hasElementwiseMappableTraits(op));
  if (!isMade || work-- == 0)
    return false;
  // Half as many registers hold it as it was.
  if (auto widening = dyn_cast<arith::ExtFOp>(op);
      widening && values.lookup(BodyPlan::source(widening.getIn())).registers)
    return true;
  return llvm::all_of(op->getOperands(),
                      [&](Value operand) { return isCheap(operand, work); });
}

bool RoleEmitter::isCheap(Value v) const {
  unsigned work = 4; // operations
  return isCheap(v, work);
}

void RoleEmitter::forgetCheap() {
  for (auto &[v, held] : values)
    if (auto type = dyn_cast<RankedTensorType>(v.getType());
        type && type.getRank() == 2 && isCheap(v))
      held.registers = Value();
}

Value RoleEmitter::storeMatrix(Value v, Value buffer) {
  Value registers = inRegisters(v);
  if (!registers)
    return {};
  registers = clearPadding(v, registers);
  tile::StoreMatrixOp::create(b, v.getLoc(), registers, buffer);
  return buffer;
}

Value RoleEmitter::inBuffer(Value v) {
  v = BodyPlan::source(v);
  arrive(v);
  if (Value buffer = values[v].buffer)
    return buffer;
  Location loc = v.getLoc();
  if (auto inverse = v.getDefiningOp<UnitLowerInverseOp>())
    return make(inverse) ? values[v].buffer : Value();
  if (auto rounding = v.getDefiningOp<arith::TruncFOp>())
    if (auto inverse = rounding.getIn().getDefiningOp<UnitLowerInverseOp>()) {
      if (!make(inverse)) // it is stored rounded
        return {};
      return values[v].buffer = values[inverse].buffer;
    }
  RankedTensorType type = rankedType(v);
  if (v.getDefiningOp<CumsumOp>() && type.getRank() == 2)
    return inRegisters(v) ? values[v].buffer : Value();
  Value buffer = destinations.lookup(v);
  if (!buffer)
    buffer = allocate(bufferType(v), loc);
  if (type.getRank() == 2)
    return values[v].buffer = storeMatrix(v, buffer);
  Value registers = inRegisters(v);
  if (!registers)
    return {};
  registers = widen(registers, loc);
  if (!getElementTypeOrSelf(registers).isF32()) {
    emitError(loc, "expects vectors and numbers of floats to be shared by the "
                   "warps of a kernel, got ")
        << type;
    return {};
  }
  if (type.getRank() == 0) {
    auto vector = RankedTensorType::get({tile::kWarpSize}, b.getF32Type(),
                                        LanesAttr::get(b.getContext()));
    registers = tile::BroadcastOp::create(b, loc, vector, registers);
  }
  tile::StoreVectorOp::create(b, loc, registers, buffer);
  return values[v].buffer = buffer;
}

Value RoleEmitter::vectorAlong(Value v, RankedTensorType type, int64_t along,
                               Location loc) {
  v = BodyPlan::source(v);
  auto slice =
      SliceAttr::get(b.getContext(), along, cast<AccAttr>(type.getEncoding()));
  Value buffer = values[v].buffer;
  if (!buffer || values[v].registers) {
    Value input = inRegisters(v);
    if (!input)
      return {};
    auto vector = cast<RankedTensorType>(input.getType());
    if (vector.getEncoding() == slice)
      return input;
    auto sliced = RankedTensorType::get(vector.getShape(),
                                        vector.getElementType(), slice);
    if (isa<LanesAttr>(vector.getEncoding()) && vector.getElementType().isF32())
      return tile::ConvertOp::create(b, loc, sliced, input);
    buffer = inBuffer(v);
    if (!buffer)
      return {};
  }
  auto sliced = RankedTensorType::get({plan.pad(rankedType(v).getDimSize(0))},
                                      b.getF32Type(), slice);
  return tile::LoadVectorOp::create(b, loc, sliced, buffer);
}

Value RoleEmitter::repeat(Value v, RankedTensorType type, int64_t along,
                          Location loc) {
  Value input = type.getRank() == 2 && rankedType(v).getRank() == 1
                    ? vectorAlong(v, type, along, loc)
                    : inRegisters(v);
  if (!input)
    return {};
  Type element = elementOf(v);
  input = widen(input, loc); // numbers of 32 bits are repeated
  Value repeated = tile::BroadcastOp::create(
      b, loc, type.clone(getElementTypeOrSelf(input)), input);
  if (elementOf(repeated) == element)
    return repeated;
  return arith::TruncFOp::create(b, loc, type.clone(element), repeated);
}
