//===- TileOps.cpp - verifiers and effects of the tile dialect ------------===//
// Constraints C1.. are those of dialects/Tile/Tile.td; each has a test in
// test/Dialect/Tile/invalid.mlir.
//===----------------------------------------------------------------------===//
#include "deltanet/Dialect/Tile/IR/Tile.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace deltanet::tile;

#define GET_OP_CLASSES
#include "deltanet/Dialect/Tile/IR/TileOps.cpp.inc"

static RankedTensorType typeOf(Value v) {
  return cast<RankedTensorType>(v.getType());
}

AllocOp deltanet::tile::getAllocation(Value shared) {
  return getMemory(shared).getDefiningOp<AllocOp>();
}

Value deltanet::tile::getMemory(Value shared) {
  while (Operation *view = shared.getDefiningOp()) {
    if (!isa<SlotOp, RowOp, PanelOp>(view))
      break;
    shared = view->getOperand(0);
  }
  return shared;
}

/// What happens to the shared memory behind one operand.
static void addEffect(SmallVectorImpl<MemoryEffects::EffectInstance> &effects,
                      MemoryEffects::Effect *effect, OpOperand &operand) {
  if (isa<BufferType, RingType>(operand.get().getType()))
    effects.emplace_back(effect, &operand);
}

void CopyAsyncOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getSourceMutable());
  addEffect(effects, MemoryEffects::Write::get(), getBufferMutable());
}
void LoadMatrixOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addEffect(effects, MemoryEffects::Read::get(), getBufferMutable());
}
void StoreMatrixOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addEffect(effects, MemoryEffects::Write::get(), getBufferMutable());
}
void LoadVectorOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addEffect(effects, MemoryEffects::Read::get(), getBufferMutable());
}
void LoadElementOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addEffect(effects, MemoryEffects::Read::get(), getBufferMutable());
}
void StoreVectorOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addEffect(effects, MemoryEffects::Write::get(), getBufferMutable());
}
void MmaOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addEffect(effects, MemoryEffects::Read::get(), getLhsMutable());
  addEffect(effects, MemoryEffects::Read::get(), getRhsMutable());
}
void UnitLowerInverseOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addEffect(effects, MemoryEffects::Read::get(), getLowerMutable());
  addEffect(effects, MemoryEffects::Write::get(), getLowerMutable());
  addEffect(effects, MemoryEffects::Write::get(), getResultMutable());
  for (OpOperand &scale : getScaleMutable())
    addEffect(effects, MemoryEffects::Read::get(), scale);
}

LogicalResult SlotOp::verify() {
  // C1
  if (getRing().getType().getSlotType() != getBuffer().getType())
    return emitOpError("expects a slot of ")
           << getRing().getType() << " to be "
           << getRing().getType().getSlotType() << ", got "
           << getBuffer().getType();
  return success();
}

LogicalResult RowOp::verify() {
  BufferType buffer = getBuffer().getType(), row = getRow().getType();
  int64_t index = getIndex();
  // C1
  if (buffer.isSwizzled())
    return emitOpError("expects a buffer without swizzle, got ") << buffer;
  if (index < 0 || index >= buffer.getRows())
    return emitOpError("expects one of ")
           << buffer.getRows() << " rows, got " << index;
  if (row.getRows() != 1 || row.getPad() != 0 ||
      row.getColumns() != buffer.getColumns() ||
      row.getElementType() != buffer.getElementType())
    return emitOpError("expects one row of ") << buffer << ", got " << row;
  return success();
}

LogicalResult LoadElementOp::verify() {
  BufferType buffer = getBuffer().getType();
  int64_t index = getIndex();
  // C1
  if (buffer.getRows() != 1 || !buffer.getElementType().isF32())
    return emitOpError("expects a buffer of one row of f32, got ") << buffer;
  if (index < 0 || index >= buffer.getColumns())
    return emitOpError("expects one of ")
           << buffer.getColumns() << " elements, got " << index;
  return success();
}

LogicalResult CopyAsyncOp::verify() {
  BufferType buffer = getBuffer().getType();
  // C1
  if (buffer.getElementType() != getSource().getType().getElementType())
    return emitOpError("expects source and buffer of one element type, got ")
           << getSource().getType().getElementType() << " and "
           << buffer.getElementType();
  // C2
  int64_t bytes = buffer.getColumns() * buffer.getElementBytes();
  if (bytes % 16 != 0 || buffer.getRowBytes() % 16 != 0)
    return emitOpError("expects rows of a multiple of 16 bytes, got ")
           << bytes << " bytes, " << buffer.getRowBytes() << " with the pad";
  if (getColumns()) {
    int64_t columns = *getColumns();
    if (columns < 1 || columns > buffer.getColumns() ||
        columns * buffer.getElementBytes() % 16 != 0)
      return emitOpError("expects columns of a multiple of 16 bytes, at most ")
             << buffer.getColumns() << ", got " << columns;
  }
  return success();
}

/// C1 and C2 of `load` and `store`.
template <typename Op>
static LogicalResult verifyGlobalAccess(Op op, Type pointer, Type value) {
  Type element = cast<GlobalType>(pointer).getElementType();
  // C1
  if (getElementTypeOrSelf(value) != element)
    return op.emitOpError(
               "expects global memory and registers of one element type, got ")
           << element << " and " << getElementTypeOrSelf(value);
  auto tensor = dyn_cast<RankedTensorType>(value);
  int64_t rank = tensor ? tensor.getRank() : 0;
  // C2
  if (static_cast<int64_t>(op.getStrides().size()) != rank)
    return op.emitOpError("expects one stride for each of ")
           << rank << " dimensions, got " << op.getStrides().size();
  ArrayRef<int64_t> along = op.getAlong().value_or(ArrayRef<int64_t>());
  if (op.getLimits().size() != along.size())
    return op.emitOpError("expects a limit for each limited dimension, got ")
           << op.getLimits().size() << " for " << along.size();
  for (auto [i, d] : llvm::enumerate(along)) {
    if (d < 0 || d >= rank)
      return op.emitOpError("expects limited dimensions to be below ")
             << rank << ", got " << d;
    if (llvm::is_contained(along.take_front(i), d))
      return op.emitOpError("expects a dimension to be limited once, got ")
             << d << " twice";
  }
  return success();
}

LogicalResult LoadOp::verify() {
  return verifyGlobalAccess(*this, getSource().getType(),
                            getResult().getType());
}
LogicalResult StoreOp::verify() {
  return verifyGlobalAccess(*this, getTarget().getType(), getValue().getType());
}

/// Two neighbours of a row of f32 are accessed at once.
static LogicalResult verifyPairs(Operation *op, BufferType buffer) {
  if (buffer.getElementType().isF32() && buffer.getRowBytes() % 8 != 0)
    return op->emitOpError("expects rows of f32 at multiples of 8 bytes, got ")
           << buffer.getRowBytes() << " bytes a row";
  return success();
}

LogicalResult LoadMatrixOp::verify() {
  BufferType buffer = getBuffer().getType();
  RankedTensorType result = typeOf(getResult());
  // C1
  if (!isa<AccAttr>(result.getEncoding()))
    return emitOpError("expects a result in layout #tile.acc, got ")
           << result.getEncoding();
  if (buffer.getElementType() != result.getElementType())
    return emitOpError("expects one element type, got ")
           << buffer.getElementType() << " and " << result.getElementType();
  // C2
  if (result.getDimSize(0) != buffer.getShape()[getTranspose()] ||
      result.getDimSize(1) != buffer.getShape()[!getTranspose()])
    return emitOpError("expects the buffer's shape")
           << (getTranspose() ? ", exchanged" : "") << ", got " << result
           << " from " << buffer;
  return verifyPairs(*this, buffer); // C3
}

LogicalResult StoreMatrixOp::verify() {
  BufferType buffer = getBuffer().getType();
  RankedTensorType value = typeOf(getValue());
  // C1
  if (!isa<AccAttr>(value.getEncoding()))
    return emitOpError("expects a value in layout #tile.acc, got ")
           << value.getEncoding();
  if (buffer.getElementType() != value.getElementType())
    return emitOpError("expects one element type, got ")
           << value.getElementType() << " and " << buffer.getElementType();
  if (getTranspose() && value.getElementTypeBitWidth() != 16)
    return emitOpError("expects 16-bit elements to transpose, got ")
           << value.getElementType();
  // C2
  if (value.getDimSize(0) != buffer.getShape()[getTranspose()] ||
      value.getDimSize(1) != buffer.getShape()[!getTranspose()])
    return emitOpError("expects the buffer's shape")
           << (getTranspose() ? ", exchanged" : "") << ", got " << value
           << " into " << buffer;
  return verifyPairs(*this, buffer); // C3
}

/// C1 and C2 of `load_vector` and `store_vector`.
static LogicalResult verifyVector(Operation *op, BufferType buffer,
                                  RankedTensorType vector) {
  // C1
  Type element = buffer.getElementType();
  if (!isa<LanesAttr, SliceAttr>(vector.getEncoding()) ||
      !(element.isF32() || (isa<LoadVectorOp>(op) && element.isBF16())))
    return op->emitOpError("expects an f32 vector in layout #tile.lanes or "
                           "#tile.slice, got ")
           << vector << " and " << buffer;
  // C2
  if (buffer.getRows() != 1 || buffer.getColumns() != vector.getDimSize(0))
    return op->emitOpError("expects a buffer of one row of ")
           << vector.getDimSize(0) << ", got " << buffer;
  return success();
}

LogicalResult LoadVectorOp::verify() {
  return verifyVector(*this, getBuffer().getType(), typeOf(getResult()));
}
LogicalResult StoreVectorOp::verify() {
  return verifyVector(*this, getBuffer().getType(), typeOf(getValue()));
}

/// Shape and element type of an operand of a product.
static std::pair<ArrayRef<int64_t>, Type> operandOf(Value v) {
  if (auto buffer = dyn_cast<BufferType>(v.getType()))
    return {buffer.getShape(), buffer.getElementType()};
  return {typeOf(v).getShape(), typeOf(v).getElementType()};
}

LogicalResult MmaOp::verify() {
  auto [lhs, lhsElement] = operandOf(getLhs());
  auto [rhs, rhsElement] = operandOf(getRhs());
  RankedTensorType result = typeOf(getResult());
  auto layout = dyn_cast<AccAttr>(result.getEncoding());
  // C1
  bool isRounded = lhsElement.isF32() && !isa<BufferType>(getLhs().getType());
  if (lhsElement != rhsElement && !isRounded)
    return emitOpError("expects operands of one element type, got ")
           << lhsElement << " and " << rhsElement;
  if (rhsElement.isF32() != getPrecision().has_value())
    return emitOpError("expects a precision of products of f32 and of no "
                       "others, got products of ")
           << rhsElement << (getPrecision() ? " with one" : " without");
  if (!layout)
    return emitOpError("expects a result in layout #tile.acc, got ")
           << result.getEncoding();
  // C2
  if (lhs.size() != 2)
    return emitOpError("expects matrices, got a left operand of rank ")
           << lhs.size();
  int64_t m = lhs[getTransposeLhs()], k = lhs[!getTransposeLhs()];
  int64_t k2 = rhs[getTransposeRhs()], n = rhs[!getTransposeRhs()];
  if (k != k2)
    return emitOpError("expects contracted extents to agree, got ")
           << k << " of lhs and " << k2 << " of rhs";
  if (int64_t depth = rhsElement.isF32() ? 8 : 16; k % depth != 0)
    return emitOpError("expects a contracted extent that is a multiple of ")
           << depth << ", got " << k;
  if (result.getShape() != ArrayRef<int64_t>({m, n}))
    return emitOpError("expects a result of ")
           << m << "x" << n << ", got " << result;
  // C3
  if (auto registers = dyn_cast<RankedTensorType>(getLhs().getType()))
    if (getTransposeLhs() || registers.getEncoding() != result.getEncoding() ||
        layout.getWarps()[1] != 1)
      return emitOpError("expects a left operand in registers to split rows "
                         "alone, as the "
                         "result, got ")
             << registers.getEncoding() << " and " << result.getEncoding();
  // C4
  for (Value operand : {getLhs(), Value(getRhs())})
    if (auto buffer = dyn_cast<BufferType>(operand.getType()))
      if (failed(verifyPairs(*this, buffer)))
        return failure();
  return success();
}

LogicalResult UnitLowerInverseOp::verify() {
  BufferType lower = getLower().getType(), result = getResult().getType();
  // C1
  if (!lower.getElementType().isF32())
    return emitOpError("expects an f32 matrix, got ") << lower;
  if (lower.getRows() != lower.getColumns() || lower.getRows() % 16 != 0 ||
      lower.getShape() != result.getShape())
    return emitOpError("expects square matrices of a multiple of 16 rows, got ")
           << lower << " and " << result;
  // C2
  for (BufferType type : {lower, result})
    if (type.getRowBytes() % 16 != 0 || lower.isSwizzled())
      return emitOpError("expects rows at multiples of 16 bytes, got ")
             << type.getRowBytes() << " bytes a row";
  // C3
  if (getScale() && (!getScale().getType().getElementType().isF32() ||
                     getScale().getType().getRows() != 1 ||
                     getScale().getType().getColumns() != lower.getRows()))
    return emitOpError("expects a scale of 1x")
           << lower.getRows() << "xf32, got " << getScale().getType();
  return success();
}

LogicalResult BroadcastOp::verify() {
  RankedTensorType result = typeOf(getResult());
  // C1
  if (getElementTypeOrSelf(getInput().getType()) != result.getElementType())
    return emitOpError("expects one element type, got ")
           << getElementTypeOrSelf(getInput().getType()) << " and "
           << result.getElementType();
  auto input = dyn_cast<RankedTensorType>(getInput().getType());
  if (!input)
    return success();
  auto slice = dyn_cast<SliceAttr>(input.getEncoding());
  if (!slice || slice.getParent() != result.getEncoding() ||
      input.getDimSize(0) != result.getDimSize(1 - slice.getDim()))
    return emitOpError(
               "expects a slice of the result's layout and extent, got ")
           << input << " and " << result;
  return success();
}

LogicalResult ConvertOp::verify() {
  RankedTensorType input = typeOf(getInput()), result = typeOf(getResult());
  // C1
  if (input.getShape() != result.getShape() ||
      isa<AccAttr>(input.getEncoding()) || isa<AccAttr>(result.getEncoding()))
    return emitOpError("expects a vector in #tile.lanes or a #tile.slice, got ")
           << input << " and " << result;
  // C2
  if (auto slice = dyn_cast<SliceAttr>(input.getEncoding()))
    if (int64_t warps = slice.getParent().getWarps()[1 - slice.getDim()];
        warps != 1)
      return emitOpError(
                 "expects a slice that every warp holds as a whole, got "
                 "one over ")
             << warps << " warps: " << input;
  return success();
}

/// C1 of `repeat` and of `step`: `rows` has a multiple of the rows of `tokens`.
static LogicalResult verifySteps(Operation *op, RankedTensorType tokens,
                                 RankedTensorType rows, StringRef whose) {
  auto layout = dyn_cast<AccAttr>(tokens.getEncoding());
  bool isWhole =
      layout ? layout.getWarps()[0] == 1 : isa<LanesAttr>(tokens.getEncoding());
  if (isWhole && tokens.getEncoding() == rows.getEncoding() &&
      tokens.getRank() == rows.getRank() &&
      tokens.getShape().drop_front() == rows.getShape().drop_front() &&
      rows.getDimSize(0) % tokens.getDimSize(0) == 0)
    return success();
  return op->emitOpError("expects one layout in which warps share no rows, and "
                         "a multiple of the ")
         << whose << "'s rows, got " << op->getOperand(0).getType() << " and "
         << op->getResult(0).getType();
}

LogicalResult RepeatOp::verify() {
  // C1
  return verifySteps(*this, typeOf(getInput()), typeOf(getResult()), "input");
}

LogicalResult StepOp::verify() {
  RankedTensorType input = typeOf(getInput()), result = typeOf(getResult());
  // C1
  if (failed(verifySteps(*this, result, input, "result")))
    return failure();
  // C2
  int64_t steps = input.getDimSize(0) / result.getDimSize(0),
          step = static_cast<int64_t>(getStep());
  if (step < 0 || step >= steps)
    return emitOpError("expects one of ") << steps << " steps, got " << step;
  return success();
}

LogicalResult CumsumOp::verify() {
  // C1
  Attribute layout = typeOf(getInput()).getEncoding();
  auto acc = dyn_cast<AccAttr>(layout);
  if (!isa<LanesAttr>(layout) && !(acc && acc.getWarps()[0] == 1))
    return emitOpError("expects a vector in layout #tile.lanes or a matrix in "
                       "#tile.acc<warps = [1, b]>, got ")
           << layout;
  // C2
  if (getRest() && getRest().getType() != getResult().getType())
    return emitOpError("expects what is left of sums to have their type, got ")
           << getRest().getType() << " and " << getResult().getType();
  return success();
}

LogicalResult SettleOp::verify() {
  // C1
  if (!isa<LanesAttr>(typeOf(getInput()).getEncoding()))
    return emitOpError("expects a vector in layout #tile.lanes, got ")
           << getInput().getType();
  return success();
}

LogicalResult SumRowsOp::verify() {
  BufferType type = getBuffer().getType();
  // C1
  if (!type.getElementType().isF32())
    return emitOpError("expects a buffer of f32, got ") << type;
  // C2
  if (type.getRows() % 16 != 0 || type.getColumns() % 16 != 0 ||
      type.getRowBytes() % 16 != 0)
    return emitOpError("expects multiples of 16 rows and columns, and rows of "
                       "a multiple of 16 bytes, got ")
           << type;
  return success();
}

LogicalResult ExtractOp::verify() {
  RankedTensorType input = typeOf(getInput());
  // C1
  if (!isa<LanesAttr>(input.getEncoding()))
    return emitOpError("expects a vector in layout #tile.lanes, got ")
           << input.getEncoding();
  int64_t index = getIndex();
  if (index < 0 || index >= input.getDimSize(0))
    return emitOpError("expects one of ")
           << input.getDimSize(0) << " elements, got " << index;
  return success();
}

LogicalResult CoordinateOp::verify() {
  // C1
  int64_t dim = getDimension(), rank = typeOf(getResult()).getRank();
  if (dim < 0 || dim >= rank)
    return emitOpError("expects a dimension below ") << rank << ", got " << dim;
  return success();
}
