//===- EmitProducts.cpp - products, triangles and inverses ----------------===//
// Operands of products lie in shared memory, but for those that have the
// columns of the state, which are in registers.
//===----------------------------------------------------------------------===//
#include "RoleEmitter.h"
#include "TileTypes.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::chunk;

/// So many registers of a thread are a wide state: half of all.
static constexpr int64_t kWideState = 128;

Value RoleEmitter::mma(Value lhs, Value rhs, Value init, bool transposeLhs,
                       bool transposeRhs, Location loc) {
  tile::PrecisionAttr precision;
  if (cast<tile::BufferType>(rhs.getType()).getElementType().isF32())
    precision =
        tile::PrecisionAttr::get(b.getContext(), tile::Precision::TF32X3);
  return tile::MmaOp::create(b, loc, init.getType(), lhs, rhs, init,
                             transposeLhs, transposeRhs, precision);
}

Value RoleEmitter::makeSum(arith::AddFOp op) {
  Value x = op.getLhs(), y = op.getRhs();
  // The product that a value is, if it is left to the sum that uses it.
  auto deferredProduct = [&](Value v) {
    auto dot = v.getDefiningOp<DotOp>();
    return dot && dot->hasOneUse() && !values.lookup(v).registers ? dot
                                                                  : DotOp();
  };
  DotOp left = deferredProduct(x), right = deferredProduct(y);
  if (left && !right)
    std::swap(x, y);
  DotOp last = left && !right ? left : right;
  if (!last)
    return makeElementwise(op);
  // A product that is only added to something starts from that.
  Value init = inRegisters(x);
  return init ? makeProduct(last, init) : Value();
}

Value RoleEmitter::makeProduct(DotOp op, Value init) {
  Location loc = op.getLoc();
  FailureOr<Type> type = registerType(op, loc);
  if (failed(type))
    return {};
  if (!init)
    init = zeros(*type, loc);
  Value lhs = op.getLhs(), rhs = op.getRhs();
  bool tl = op.getTransposeLhs(), tr = op.getTransposeRhs(),
       rightColumn = isColumn(rhs);
  if (!isColumn(lhs) && !rightColumn) {
    Value left = inBuffer(lhs), right = left ? inBuffer(rhs) : Value();
    if (!right)
      return {};
    if (Value rest = remainderInBuffer(lhs))
      init = mma(rest, right, init, tl, tr, loc);
    return mma(left, right, init, tl, tr, loc);
  }
  // (A B)^T = B^T A^T: what has the columns is the left operand, in registers,
  // its columns the rows of the result.
  Value held = rightColumn ? rhs : lhs, other = rightColumn ? lhs : rhs;
  // What is carried is rounded a part at a time: it stays in registers as it
  // is, and has no room there in 16 bits as well.
  Value carried = roundedCarry(held);
  Value left = inRegisters(carried ? carried : held),
        right = left ? inBuffer(other) : Value();
  if (!right)
    return {};
  // Right is k x n where the body's product contracts its first dimension.
  bool transposed = rightColumn ? !tl : tr;
  Value product = mma(left, right, init, false, transposed, loc);
  // Where a state fills half of the registers, its other products are made at
  // once: what is rounded would else stay in registers until they are.
  int64_t perThread =
      rankedType(left).getNumElements() / (warps * tile::kWarpSize);
  if (!carried || perThread < kWideState)
    return product;
  values[op].registers = product;
  return makeProductsOf(carried) ? product : Value();
}

/// Makes the products of a carried value with what does not wait, but for one
/// that starts from something else.
bool RoleEmitter::makeProductsOf(Value carried) {
  for (Operation *other : plan.getState()) {
    auto dot = dyn_cast<DotOp>(other);
    if (!dot || values.lookup(dot).registers)
      continue;
    Value lhs = dot.getLhs(), rhs = dot.getRhs();
    bool isLeft = roundedCarry(lhs) == carried;
    if ((!isLeft && roundedCarry(rhs) != carried) ||
        plan.waits(isLeft ? rhs : lhs))
      continue;
    if (dot->hasOneUse())
      if (auto sum = dyn_cast<arith::AddFOp>(*dot->user_begin())) {
        Value addend = sum.getLhs() == dot ? sum.getRhs() : sum.getLhs();
        if (!addend.getDefiningOp<DotOp>())
          continue;
      }
    if (!inRegisters(dot))
      return false;
  }
  return true;
}

/// The carried value that `v` is, rounded; null if it is none.
Value RoleEmitter::roundedCarry(Value v) const {
  auto rounding = v.getDefiningOp<arith::TruncFOp>();
  if (!rounding || !isa<BlockArgument>(rounding.getIn()) ||
      !plan.waits(rounding.getIn()))
    return {};
  return rounding.getIn();
}

/// What rounding takes from a triangle of products with decays per channel that
/// is multiplied without a state: one rounding less between inputs and results,
/// as with scaled operands. Null of anything else.
Value RoleEmitter::remainderInBuffer(Value v) {
  auto rounding = v.getDefiningOp<arith::TruncFOp>();
  auto dot = rounding ? rounding.getIn().getDefiningOp<DecayDotOp>() : nullptr;
  if (isState() || !dot || rankedType(dot.getGx()).getRank() != 2 ||
      !elementOf(v).isBF16() || !keepsRemainders(dot))
    return {};
  Value &buffer = remainders[v];
  if (buffer)
    return buffer;
  Location loc = v.getLoc();
  Value whole = inRegisters(dot), rounded = inRegisters(v);
  Value lost =
      arith::SubFOp::create(b, loc, whole, widen(rounded, loc)).getResult();
  lost = arith::TruncFOp::create(b, loc, rounded.getType(), lost);
  buffer = allocate(bufferType(v), loc);
  tile::StoreMatrixOp::create(b, loc, lost, buffer);
  return buffer;
}

Value RoleEmitter::makeDecayDot(DecayDotOp op) {
  if (rankedType(op.getGx()).getRank() == 2)
    return makeChannelDecayDot(op);
  Location loc = op.getLoc();
  FailureOr<Type> type = registerType(op, loc);
  if (failed(type))
    return {};
  auto tensor = cast<RankedTensorType>(*type);
  Value x = inBuffer(op.getX()), y = x ? inBuffer(op.getY()) : Value();
  if (!y)
    return {};
  Value product = mma(x, y, zeros(tensor, loc), false, true, loc);
  // Above the diagonal the exponent is positive and may overflow; the triangle
  // drops what comes of it.
  Value factor = makeDecays(op.getGx(), op.getGy(), tensor, loc);
  if (!factor)
    return {};
  product = arith::MulFOp::create(b, loc, product, factor);
  auto body = rankedType(op);
  return lowerTriangle(product, op.getStrict(),
                       body.getDimSize(1) / body.getDimSize(0), loc);
}

/// One gate a head: the decays go to the triangle, and the rest is a product.
Value RoleEmitter::makeDecayApply(DecayApplyOp op) {
  Location loc = op.getLoc();
  if (isState()) {
    op.emitOpError("expects to be made in what does not wait for the state, in "
                   "a kernel");
    return {};
  }
  // Rounded once, with its decays.
  Value m = op.getM();
  if (auto rounding = m.getDefiningOp<arith::TruncFOp>())
    m = rounding.getIn();
  Value matrix = inRegisters(m);
  FailureOr<Type> result = registerType(op, loc);
  if (!matrix || failed(result))
    return {};
  matrix = widen(matrix, loc);
  if (rankedType(op.getGx()).getRank() == 2)
    return applyByChannel(op, matrix, *result);
  Value left = triangleInBuffer(op, matrix).sum,
        right = left ? inBuffer(op.getY()) : Value();
  return right ? mma(left, right, zeros(*result, loc), op.getTranspose(), false,
                     loc)
               : Value();
}

/// The triangle of `matrix`: with its decays where there is one gate a head,
/// else as it is, in two parts where it is rounded. Both directions share it.
Pair RoleEmitter::triangleInBuffer(DecayApplyOp op, Value matrix) {
  Location loc = op.getLoc();
  Pair &made =
      triangles[{{op.getM(), op.getGx()}, {op.getGy(), op.getStrict()}}];
  if (made.sum)
    return made;
  auto type = cast<RankedTensorType>(matrix.getType());
  bool byChannel = rankedType(op.getGx()).getRank() == 2;
  if (!byChannel) {
    Value factor = makeDecays(op.getGx(), op.getGy(), type, loc);
    if (!factor)
      return {};
    matrix = arith::MulFOp::create(b, loc, matrix, factor);
  }
  auto body = rankedType(op.getM());
  matrix = lowerTriangle(matrix, op.getStrict(),
                         body.getDimSize(1) / body.getDimSize(0), loc);
  // By channels f16 is multiplied as tf32.
  Type element = elementOf(op.getY());
  if (byChannel && !element.isBF16())
    element = b.getF32Type();
  auto store = [&](Value v) {
    Value buffer = allocate(matrixBuffer(b.getContext(), type.getDimSize(0),
                                         type.getDimSize(1), element),
                            loc);
    tile::StoreMatrixOp::create(b, loc, v, buffer);
    return buffer;
  };
  if (element.isF32())
    return made = {store(matrix), Value()};
  auto round = [&](Value v) -> Value {
    return arith::TruncFOp::create(b, loc, type.clone(element), v);
  };
  Value rounded = round(matrix);
  if (!byChannel)
    return made = {store(rounded), Value()};
  Value lost = arith::SubFOp::create(b, loc, matrix, widen(rounded, loc));
  return made = {store(rounded), store(round(lost))};
}

/// Gates per channel: the matrix as it is, and rows with their decays.
Value RoleEmitter::applyByChannel(DecayApplyOp op, Value matrix, Type result) {
  Location loc = op.getLoc();
  Pair m = triangleInBuffer(op, matrix);
  Pair gx = gatesInBuffer(op.getGx()),
       gy = gx.sum ? gatesInBuffer(op.getGy()) : Pair();
  Value y = gy.sum ? inBuffer(op.getY()) : Value();
  if (!y)
    return {};
  return tile::DecayApplyOp::create(
      b, loc, result, m.sum, m.rest, y, gx.sum, gy.sum, gx.rest, gy.rest,
      scaledRows.lookup(
          scaledKey(op.getY(), op.getGx(), op.getGy(), op.getTranspose())),
      op.getTranspose());
}

RoleEmitter::ScaledKey RoleEmitter::scaledKey(Value rows, Value gx, Value gy,
                                              bool asX) {
  // Blocks of y are as long as there are steps.
  unsigned steps = rankedType(gy).getDimSize(0) / rankedType(gx).getDimSize(0);
  return {BodyPlan::source(rows),
          {BodyPlan::source(asX ? gx : gy), 2 * steps + asX}};
}

/// What `decay_scale` stored is there for the adjoint, unless its place is only
/// borrowed.
void RoleEmitter::keepScaled(ScaledKey key, Value scaled, Value remainder,
                             const llvm::SmallDenseSet<Value> &borrowed) {
  if (!elementOf(key.first).isBF16() || borrowed.contains(scaled) ||
      (remainder && borrowed.contains(remainder)))
    return;
  SmallVector<Value, 2> buffers{scaled};
  if (remainder)
    buffers.push_back(remainder);
  scaledRows[key] = buffers;
}

Value RoleEmitter::makeInverse(UnitLowerInverseOp op) {
  Location loc = op.getLoc();
  if (Value made = values[op].buffer)
    return made;
  Type element;
  Value stored = op;
  for (Operation *user : op->getUsers()) {
    auto rounding = dyn_cast<arith::TruncFOp>(user);
    Type needed = rounding ? elementOf(rounding) : Type(b.getF32Type());
    if (element && element != needed) {
      InFlightDiagnostic diag =
          op.emitOpError("expects an inverse that is used in one element type "
                         "in a kernel, got ")
          << element << " and " << needed;
      diag.attachNote(user->getLoc())
          << "used here by '" << user->getName() << "'";
      return {};
    }
    element = needed;
    if (rounding)
      stored = rounding;
  }
  Value lower = inRegisters(op.getLower());
  if (!lower || !element)
    return {};
  int64_t extent = plan.pad(rankedType(op).getDimSize(0));
  Value scratch = allocate(
      matrixBuffer(b.getContext(), extent, extent, b.getF32Type()), loc);
  tile::StoreMatrixOp::create(b, loc, lower, scratch);
  Value result = destinations.lookup(stored);
  if (!result)
    result =
        allocate(matrixBuffer(b.getContext(), extent, extent, element), loc);
  tile::UnitLowerInverseOp::create(b, loc, scratch, result);
  return values[op].buffer = result;
}

static bool hasInverse(const BodyPlan &plan) {
  return llvm::any_of(plan.getAhead(), [](Operation *op) {
    return isa<UnitLowerInverseOp>(op);
  });
}

/// Whether operands scaled to bf16 are kept in two parts. Where nothing is
/// solved, they would be two of the five roundings between inputs and output
/// that weigh about the same; behind a solve they are lost among others.
bool RoleEmitter::keepsRemainders(DecayDotOp op) const {
  return elementOf(op.getY()).isBF16() && !hasInverse(plan);
}

Pair RoleEmitter::gatesInBuffer(Value v) {
  if (elementOf(v).isF64())
    return inPairBuffer(v);
  return {inBuffer(v), Value()};
}

/// In a slot that the other part does not see yet, what is not made yet leaves
/// its place to what is used at once; the last of them first. The barrier
/// before an inverse stands between the two; without one it would be one more.
Value RoleEmitter::borrow(Type type, Location loc,
                          llvm::SmallDenseSet<Value> &borrowed) {
  if (!hasInverse(plan))
    return allocate(type, loc);
  for (Value v : llvm::reverse(plan.getCrossing())) {
    Value place = destinations.lookup(v);
    if (place && place.getType() == type && !values.lookup(v).buffer &&
        borrowed.insert(place).second)
      return place;
  }
  return allocate(type, loc);
}

/// Gates per channel (27): the products that share gates and right operand are
/// made together.
Value RoleEmitter::makeChannelDecayDot(DecayDotOp op) {
  Location loc = op.getLoc();
  auto same = [](Value a, Value b) {
    return BodyPlan::source(a) == BodyPlan::source(b);
  };
  SmallVector<DecayDotOp> together;
  for (Operation *other : plan.getAhead())
    if (auto dot = dyn_cast<DecayDotOp>(other))
      if (same(dot.getGx(), op.getGx()) && same(dot.getGy(), op.getGy()) &&
          same(dot.getY(), op.getY()) && dot.getType() == op.getType())
        together.push_back(dot);
  Pair gx = gatesInBuffer(op.getGx()),
       gy = gx.sum ? gatesInBuffer(op.getGy()) : Pair();
  Value y = gy.sum ? inBuffer(op.getY()) : Value();
  if (!y)
    return {};
  SmallVector<Value> xs, scaled;
  SmallVector<bool> strict;
  SmallVector<Type> types;
  for (DecayDotOp dot : together) {
    Value x = inBuffer(dot.getX());
    FailureOr<Type> type = registerType(dot, loc);
    if (!x || failed(type))
      return {};
    xs.push_back(x);
    strict.push_back(dot.getStrict());
    types.push_back(*type);
  }
  llvm::SmallDenseSet<Value> borrowed;
  for (Value x : xs)
    scaled.push_back(borrow(x.getType(), loc, borrowed));
  Value scaledY = borrow(y.getType(), loc, borrowed);
  SmallVector<Value> remainders;
  if (keepsRemainders(op)) {
    for (Value v : scaled)
      remainders.push_back(borrow(v.getType(), loc, borrowed));
    remainders.push_back(borrow(scaledY.getType(), loc, borrowed));
  }
  tile::DecayScaleOp::create(b, loc, xs, gx.sum, y, gy.sum, gx.rest, gy.rest,
                             scaled, scaledY, remainders);
  for (auto [i, dot] : llvm::enumerate(together))
    keepScaled(scaledKey(dot.getX(), op.getGx(), op.getGy(), true), scaled[i],
               remainders.empty() ? Value() : remainders[i], borrowed);
  keepScaled(scaledKey(op.getY(), op.getGx(), op.getGy(), false), scaledY,
             remainders.empty() ? Value() : remainders.back(), borrowed);
  tile::PrecisionAttr precision;
  if (elementOf(op.getX()).isF32())
    precision =
        tile::PrecisionAttr::get(b.getContext(), tile::Precision::TF32X3);
  auto products = tile::DecayDotOp::create(
      b, loc, types, xs, gx.sum, y, gy.sum, gx.rest, gy.rest, scaled, scaledY,
      remainders, b.getDenseBoolArrayAttr(strict), UnitAttr(), precision);
  for (auto [dot, product] : llvm::zip(together, products.getResults()))
    values[dot].registers = product;
  return values[op].registers;
}
