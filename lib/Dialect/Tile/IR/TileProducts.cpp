//===- TileProducts.cpp - products with decays, reductions ----------------===//
// Verifiers and effects of dialects/Tile/TileProducts.td.
//===----------------------------------------------------------------------===//
#include "deltanet/Dialect/Tile/IR/Tile.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace deltanet::tile;

static RankedTensorType typeOf(Value v) {
  return cast<RankedTensorType>(v.getType());
}

using Effects = SmallVectorImpl<MemoryEffects::EffectInstance>;

/// What happens to the buffers behind some operands.
static void addEffects(Effects &effects, MemoryEffects::Effect *effect,
                       MutableArrayRef<OpOperand> operands) {
  for (OpOperand &operand : operands)
    effects.emplace_back(effect, &operand);
}

/// Both operations read operands and gates.
template <typename Op> static void addOperandReads(Op op, Effects &effects) {
  auto *read = MemoryEffects::Read::get();
  addEffects(effects, read, op.getXMutable());
  addEffects(effects, read, op.getGxMutable());
  addEffects(effects, read, op.getYMutable());
  addEffects(effects, read, op.getGyMutable());
  addEffects(effects, read, op.getGxRestMutable());
  addEffects(effects, read, op.getGyRestMutable());
}

void DecayScaleOp::getEffects(Effects &effects) {
  addOperandReads(*this, effects);
  addEffects(effects, MemoryEffects::Write::get(), getScaledXMutable());
  addEffects(effects, MemoryEffects::Write::get(), getScaledYMutable());
  addEffects(effects, MemoryEffects::Write::get(), getRemaindersMutable());
}

void DecayDotOp::getEffects(Effects &effects) {
  addOperandReads(*this, effects);
  addEffects(effects, MemoryEffects::Read::get(), getScaledXMutable());
  addEffects(effects, MemoryEffects::Read::get(), getScaledYMutable());
  addEffects(effects, MemoryEffects::Read::get(), getRemaindersMutable());
}

//===----------------------------------------------------------------------===//
// Decays per channel
//===----------------------------------------------------------------------===//

/// C1 of `decay_scale` and `decay_dot`.
template <typename Op> static LogicalResult verifyOperands(Op op) {
  BufferType y = op.getY().getType();
  int64_t width = y.getColumns();
  if (op.getX().empty() || op.getX().size() != op.getScaledX().size())
    return op.emitOpError(
               "expects a scaled operand for each x, at least one, got ")
           << op.getScaledX().size() << " for " << op.getX().size();
  if (width % 16 != 0)
    return op.emitOpError("expects a width that is a multiple of 16, got ")
           << width;
  auto check = [&](Value operand, Value scaled) -> LogicalResult {
    auto type = cast<BufferType>(operand.getType());
    auto stored = cast<BufferType>(scaled.getType());
    if (type.getElementType() != y.getElementType() ||
        type.getColumns() != width)
      return op.emitOpError(
                 "expects operands of one element type and width, got ")
             << type << " and " << y;
    if (stored.getElementType() != type.getElementType() ||
        stored.getShape() != type.getShape())
      return op.emitOpError("expects ")
             << type << " scaled to have its shape and element type, got "
             << stored;
    return success();
  };
  for (auto [x, scaled] : llvm::zip(op.getX(), op.getScaledX()))
    if (failed(check(x, scaled)))
      return failure();
  return check(op.getY(), op.getScaledY());
}

template <typename Op> static LogicalResult verifyRests(Op op) {
  // C6
  if (bool(op.getGxRest()) != bool(op.getGyRest()))
    return op.emitOpError("expects a rest of both gates or of none, got one");
  for (auto [gates, rest] : {std::pair{op.getGx(), op.getGxRest()},
                             std::pair{op.getGy(), op.getGyRest()}}) {
    if (!rest)
      continue;
    BufferType type = gates.getType();
    auto want =
        BufferType::get(op.getContext(), type.getShape(),
                        BFloat16Type::get(op.getContext()), type.getPad());
    if (rest.getType() != want)
      return op.emitOpError("expects the rest of ")
             << type << " to be " << want << ", got " << rest.getType();
  }
  return success();
}

/// C2, C3 and C6.
template <typename Op> static LogicalResult verifyGates(Op op) {
  auto x = cast<BufferType>(op.getX().front().getType());
  BufferType y = op.getY().getType();
  // C2
  for (Value other : op.getX())
    if (cast<BufferType>(other.getType()).getShape() != x.getShape())
      return op.emitOpError("expects every x to have one shape, got ")
             << x << " and " << other.getType();
  if (x.getRows() % 16 != 0 || y.getRows() % x.getRows() != 0)
    return op.emitOpError("expects rows of x in blocks of 16, and some rows of "
                          "y for each of them, got ")
           << x.getRows() << " and " << y.getRows();
  for (auto [gates, rows] :
       {std::pair{op.getGx(), x}, std::pair{op.getGy(), y}})
    if (!gates.getType().getElementType().isF32() ||
        gates.getType().getShape() != rows.getShape())
      return op.emitOpError("expects f32 gates for every element of ")
             << rows << ", got " << gates.getType();
  if (failed(verifyRests(op)))
    return failure();
  // C3
  for (Value operand : op->getOperands()) {
    auto type = cast<BufferType>(operand.getType());
    if (type.getRowBytes() % 16 != 0)
      return op.emitOpError("expects rows at multiples of 16 bytes, got ")
             << type.getRowBytes() << " of " << type;
  }
  return success();
}

/// C7.
template <typename Op> static LogicalResult verifyRemainders(Op op) {
  if (op.getRemainders().empty())
    return success();
  Type element = op.getY().getType().getElementType();
  if (!element.isBF16())
    return op.emitOpError("expects remainders of bf16 operands, got those of ")
           << element;
  SmallVector<Type> scaled(op.getScaledX().getTypes());
  scaled.push_back(op.getScaledY().getType());
  if (scaled.size() != op.getRemainders().size())
    return op.emitOpError("expects a remainder of each scaled operand, ")
           << scaled.size() << " in all, got " << op.getRemainders().size();
  for (auto [type, remainder] : llvm::zip(scaled, op.getRemainders()))
    if (remainder.getType() != type)
      return op.emitOpError("expects the remainder of ")
             << type << " to have its type, got " << remainder.getType();
  return success();
}

LogicalResult DecayScaleOp::verify() {
  return success(succeeded(verifyOperands(*this)) &&
                 succeeded(verifyGates(*this)) &&
                 succeeded(verifyRemainders(*this)));
}

LogicalResult DecayDotOp::verify() {
  if (failed(verifyOperands(*this)) || failed(verifyGates(*this)) ||
      failed(verifyRemainders(*this)))
    return failure();
  auto x = cast<BufferType>(getX().front().getType());
  BufferType y = getY().getType();
  // C4
  if (getResults().size() != getX().size() ||
      getStrict().size() != getX().size())
    return emitOpError("expects a result for each x, strict or not, got ")
           << getResults().size() << " results and " << getStrict().size()
           << " words for " << getX().size();
  for (Value result : getResults()) {
    RankedTensorType type = typeOf(result);
    if (!isa<AccAttr>(type.getEncoding()) ||
        type.getShape() != ArrayRef<int64_t>({x.getRows(), y.getRows()}) ||
        type != typeOf(getResults().front()))
      return emitOpError("expects results of ")
             << x.getRows() << "x" << y.getRows()
             << " in one layout #tile.acc, got " << type;
  }
  // C5
  if (y.getElementType().isF32() != getPrecision().has_value())
    return emitOpError("expects a precision of products of f32 and of no "
                       "others, got products of ")
           << y.getElementType() << (getPrecision() ? " with one" : " without");
  return success();
}

void DecayApplyOp::getEffects(Effects &effects) {
  auto *read = MemoryEffects::Read::get();
  addEffects(effects, read, getMMutable());
  addEffects(effects, read, getMRestMutable());
  addEffects(effects, read, getScaledMutable());
  addEffects(effects, read, getYMutable());
  addEffects(effects, read, getGxMutable());
  addEffects(effects, read, getGyMutable());
  addEffects(effects, read, getGxRestMutable());
  addEffects(effects, read, getGyRestMutable());
}

LogicalResult DecayApplyOp::verify() {
  BufferType m = getM().getType(), y = getY().getType(), gx = getGx().getType(),
             gy = getGy().getType();
  int64_t width = y.getColumns();
  // C1
  if (width % 16 != 0 || y.getRows() != (getTranspose() ? gx : gy).getRows())
    return emitOpError("expects y of a width that is a multiple of 16, with a "
                       "row for each of the gates that it goes with, got ")
           << y << " for " << (getTranspose() ? gx : gy);
  // C2
  for (BufferType gates : {gx, gy})
    if (!gates.getElementType().isF32() || gates.getColumns() != width)
      return emitOpError("expects f32 gates as wide as y, got ") << gates;
  if (gx.getRows() % 16 != 0 || gy.getRows() % gx.getRows() != 0)
    return emitOpError(
               "expects rows of gx in blocks of 16, and some rows of gy "
               "for each of them, got ")
           << gx.getRows() << " and " << gy.getRows();
  // C3
  bool isBF16 = y.getElementType().isBF16();
  if (m.getElementType().isBF16() != isBF16 ||
      m.getElementType().isF32() == isBF16 ||
      m.getShape() != ArrayRef<int64_t>({gx.getRows(), gy.getRows()}))
    return emitOpError("expects a matrix of ")
           << gx.getRows() << "x" << gy.getRows() << ", "
           << (isBF16 ? "bf16 as y is" : "f32") << ", got " << m;
  if (Value rest = getMRest(); rest && (!isBF16 || rest.getType() != m))
    return emitOpError("expects the remainder of a bf16 matrix, of its type ")
           << m << ", got " << rest.getType();
  // C7
  if (getScaled().size() > (isBF16 ? 2 : 0))
    return emitOpError("expects scaled rows of bf16 and their remainder, got ")
           << getScaled().size() << " buffers for " << y;
  for (Value scaled : getScaled())
    if (scaled.getType() != y)
      return emitOpError("expects scaled rows of the type of y, ")
             << y << ", got " << scaled.getType();
  // C4
  RankedTensorType result = typeOf(getResult());
  int64_t rows = (getTranspose() ? gy : gx).getRows();
  if (!isa<AccAttr>(result.getEncoding()) ||
      result.getShape() != ArrayRef<int64_t>({rows, width}))
    return emitOpError("expects a result of ")
           << rows << "x" << width << " in a layout #tile.acc, got " << result;
  return verifyRests(*this);
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

LogicalResult RowDotsOp::verify() {
  RankedTensorType input = typeOf(getLhs()), result = typeOf(getResult());
  auto layout = dyn_cast<AccAttr>(input.getEncoding());
  // C1
  if (!layout || input.getElementTypeBitWidth() != 16 ||
      input.getDimSize(0) % (16 * layout.getWarps()[0]) != 0 ||
      input.getDimSize(1) % (16 * layout.getWarps()[1]) != 0)
    return emitOpError("expects matrices of 16 bits in a layout #tile.acc, a "
                       "warp's rows and columns in multiples of 16, got ")
           << input;
  // C2
  if (result.getEncoding() != layout ||
      result.getShape() !=
          ArrayRef<int64_t>({input.getDimSize(0), 8 * layout.getWarps()[1]}))
    return emitOpError("expects a result of ")
           << input.getDimSize(0) << "x" << 8 * layout.getWarps()[1]
           << " in the layout of the input, got " << result;
  return success();
}

void ReduceOp::getEffects(Effects &effects) {
  addEffects(effects, MemoryEffects::Write::get(), getScratchMutable());
  addEffects(effects, MemoryEffects::Read::get(), getScratchMutable());
}

LogicalResult ReduceOp::verify() {
  RankedTensorType input = typeOf(getInput()), result = typeOf(getResult());
  auto layout = dyn_cast<AccAttr>(input.getEncoding());
  // C1
  if (!layout)
    return emitOpError("expects a matrix in layout #tile.acc, got ")
           << input.getEncoding();
  int64_t dim = getDimension();
  if (dim != 0 && dim != 1)
    return emitOpError("expects dimension 0 or 1, got ") << dim;
  auto slice = dyn_cast<SliceAttr>(result.getEncoding());
  if (!slice || slice.getParent() != layout || slice.getDim() != dim ||
      result.getDimSize(0) != input.getDimSize(1 - dim))
    return emitOpError("expects the input's slice along dimension ")
           << dim << ", got " << result << " of " << input;
  // C2
  int64_t warps = layout.getWarps()[dim], length = result.getDimSize(0);
  if ((warps > 1) != bool(getScratch()))
    return emitOpError("expects scratch where several warps share the "
                       "dimension, got ")
           << (getScratch() ? "some" : "none") << " for " << warps;
  if (!getScratch())
    return success();
  BufferType scratch = getScratch().getType();
  if (!scratch.getElementType().isF32() ||
      scratch.getShape() != ArrayRef<int64_t>({warps, length}))
    return emitOpError("expects f32 scratch of ")
           << warps << "x" << length << ", got " << scratch;
  return success();
}
