//===- TileAsync.cpp - products and copies under way ----------------------===//
// Verifiers and effects of dialects/Tile/TileAsync.td.
//===----------------------------------------------------------------------===//
#include "deltanet/Dialect/Tile/IR/Tile.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace deltanet::tile;

using Effects = SmallVectorImpl<MemoryEffects::EffectInstance>;

static void addEffect(Effects &effects, MemoryEffects::Effect *effect,
                      OpOperand &operand) {
  if (isa<BufferType>(operand.get().getType()))
    effects.emplace_back(effect, &operand);
}

void MmaAsyncOp::getEffects(Effects &effects) {
  // Its place among the other products counts, so it stays where it is.
  effects.emplace_back(MemoryEffects::Read::get());
  effects.emplace_back(MemoryEffects::Write::get());
  addEffect(effects, MemoryEffects::Read::get(), getLhsMutable());
  addEffect(effects, MemoryEffects::Read::get(), getRhsMutable());
}
void TmaLoadOp::getEffects(Effects &effects) {
  addEffect(effects, MemoryEffects::Write::get(), getBufferMutable());
}
void TmaStoreOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Write::get());
  addEffect(effects, MemoryEffects::Read::get(), getBufferMutable());
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// C1 and C2 of `mma_async`.
static LogicalResult verifyExtents(MmaAsyncOp op) {
  RankedTensorType result = op.getResult().getType().getTensor();
  BufferType rhs = op.getRhs().getType();
  auto lhs = dyn_cast<BufferType>(op.getLhs().getType());
  Type element = lhs ? lhs.getElementType()
                     : getElementTypeOrSelf(op.getLhs().getType());
  // C1
  if (element != rhs.getElementType() || element.getIntOrFloatBitWidth() != 16)
    return op.emitOpError("expects operands of one element type of 16 bits, "
                          "got ")
           << element << " and " << rhs.getElementType();
  auto layout = cast<AccAttr>(result.getEncoding());
  if (layout.getWarps()[1] != 1 || layout.getWarps()[0] % 4 != 0 ||
      result.getDimSize(0) != 16 * layout.getWarps()[0])
    return op.emitOpError("expects a result of 16 rows for each of a multiple "
                          "of 4 warps, got ")
           << result;
  // C2
  ArrayRef<int64_t> left =
      lhs ? lhs.getShape()
          : cast<RankedTensorType>(op.getLhs().getType()).getShape();
  int64_t m = left[op.getTransposeLhs()], k = left[!op.getTransposeLhs()];
  int64_t depth = rhs.getShape()[op.getTransposeRhs()];
  int64_t n = rhs.getShape()[!op.getTransposeRhs()];
  if (k != depth || m != result.getDimSize(0) || n != result.getDimSize(1))
    return op.emitOpError("expects extents that agree, got ")
           << m << "x" << k << " times " << depth << "x" << n << " for "
           << result;
  if (n % 8 != 0 || n > 256 || k % 16 != 0)
    return op.emitOpError("expects a multiple of 8 columns up to 256 and a "
                          "depth of a multiple of 16, got ")
           << n << " and " << k;
  return success();
}

/// C4: a product under way is used once, in its block.
static LogicalResult verifyPending(Operation *op, Value pending) {
  if (!pending.hasOneUse())
    return op->emitOpError("expects one use of the product under way, got ")
           << std::distance(pending.use_begin(), pending.use_end());
  Operation *user = *pending.user_begin();
  if (!isa<MmaAsyncOp, MmaWaitOp>(user) || user->getBlock() != op->getBlock()) {
    InFlightDiagnostic diagnostic = op->emitOpError(
        "expects the product under way to be used in its block by "
        "tile.mma_wait or another product");
    diagnostic.attachNote(user->getLoc()) << "used here";
    return diagnostic;
  }
  return success();
}

LogicalResult MmaAsyncOp::verify() {
  if (failed(verifyExtents(*this)))
    return failure();
  // C3
  RankedTensorType result = getResult().getType().getTensor();
  if (!getRhs().getType().isSwizzled())
    return emitOpError("expects swizzled buffers, got ") << getRhs().getType();
  if (auto lhs = dyn_cast<BufferType>(getLhs().getType())) {
    if (!lhs.isSwizzled())
      return emitOpError("expects swizzled buffers, got ") << lhs;
  } else if (getTransposeLhs() ||
             cast<RankedTensorType>(getLhs().getType()).getEncoding() !=
                 result.getEncoding()) {
    return emitOpError("expects a left operand in registers to have the "
                       "result's layout and no transpose, got ")
           << getLhs().getType();
  }
  // C4
  if (Value init = getInit()) {
    Type type = init.getType();
    auto pending = dyn_cast<PendingType>(type);
    if ((pending ? Type(pending.getTensor()) : type) != Type(result))
      return emitOpError("expects an init of the result's type, got ") << type;
    if (pending && !init.getDefiningOp<MmaAsyncOp>())
      return emitOpError("expects an init under way to be a product's result");
  }
  return verifyPending(*this, getResult());
}

std::optional<int64_t>
deltanet::tile::countProductsBetween(Value pending, Operation *wait) {
  Operation *first = pending.getDefiningOp();
  if (!first || first->getBlock() != wait->getBlock())
    return std::nullopt;
  int64_t count = 0;
  for (Operation *op = first->getNextNode(); op != wait;
       op = op->getNextNode()) {
    if (!op)
      return std::nullopt;
    if (isa<MmaAsyncOp>(op))
      ++count;
    else if (op->walk([](MmaAsyncOp) { return WalkResult::interrupt(); })
                 .wasInterrupted())
      return std::nullopt;
  }
  return count;
}

LogicalResult MmaWaitOp::verify() {
  // C1
  if (!getPending().getDefiningOp<MmaAsyncOp>() ||
      !countProductsBetween(getPending(), *this))
    return emitOpError("expects a product started in the same block, with no "
                       "products inside of other operations between");
  if (getPending().getType().getTensor() != getResult().getType())
    return emitOpError("expects ")
           << getPending().getType().getTensor() << ", got "
           << getResult().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// Copies of boxes
//===----------------------------------------------------------------------===//

LogicalResult PanelOp::verify() {
  BufferType buffer = getBuffer().getType(), panel = getPanel().getType();
  // C1
  if (!buffer.isSwizzled() || panel.getSwizzle() != buffer.getSwizzle() ||
      panel.getElementType() != buffer.getElementType() ||
      panel.getRows() != buffer.getRows() ||
      panel.getRowBytes() != buffer.getSwizzle())
    return emitOpError("expects a swizzled buffer and its rows of 128 bytes, "
                       "got ")
           << buffer << " and " << panel;
  return success();
}

/// C1 of `tma_load` and `tma_store`, and the buffer of C2.
template <typename Op> static LogicalResult verifyBox(Op op) {
  MapType map = op.getMap().getType();
  BufferType buffer = op.getBuffer().getType();
  // C1
  if (static_cast<int64_t>(op.getCoordinates().size()) != map.getRank())
    return op.emitOpError("expects ")
           << map.getRank() << " coordinates, got "
           << op.getCoordinates().size();
  if (map.getElementType() != buffer.getElementType())
    return op.emitOpError("expects one element type, got ")
           << map.getElementType() << " and " << buffer.getElementType();
  // C2
  if (!buffer.isSwizzled() || buffer.getRows() > 256)
    return op.emitOpError("expects a swizzled buffer of at most 256 rows, got ")
           << buffer;
  return success();
}

LogicalResult TmaLoadOp::verify() {
  if (failed(verifyBox(*this)))
    return failure();
  // C2
  auto acquire = getBuffer().getDefiningOp<AcquireOp>();
  if (!acquire || acquire->getBlock() != (*this)->getBlock())
    return emitOpError(
        "expects a buffer that tile.acquire gave in the same block");
  std::optional<Role> role = getRole((*this)->getBlock());
  if (role && role->getNumCopies() != 1)
    return emitOpError("expects a role without copies, got ")
           << role->getNumCopies() << " of '" << role->getName() << "'";
  return success();
}

LogicalResult TmaStoreOp::verify() { return verifyBox(*this); }
