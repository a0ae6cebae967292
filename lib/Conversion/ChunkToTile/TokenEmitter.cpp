//===- TokenEmitter.cpp - a token's program as tiles ----------------------===//
// See TokenEmitter.h. What has no place in a kernel is refused, naming rule and
// fact.
//===----------------------------------------------------------------------===//
#include "TokenEmitter.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::chunk;

static RankedTensorType typeOf(Value v) {
  return cast<RankedTensorType>(v.getType());
}
static bool is16Bits(Type type) { return type.isBF16() || type.isF16(); }

/// The element type that registers have for values of `element`; null if none.
static Type registerElement(Type element) {
  if (is16Bits(element) || element.isF32())
    return Float32Type::get(element.getContext());
  if (element.isSignlessInteger(1) || element.isSignlessInteger(32))
    return element;
  return {};
}

FailureOr<RankedTensorType> TokenEmitter::getType(Value v, Location loc) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  Type element = type ? registerElement(type.getElementType()) : Type();
  if (!element)
    return emitError(loc, "expects tiles of f32, bf16, f16, i32 or i1 in a "
                          "token loop that becomes a kernel, got ")
           << v.getType();
  return layout.getType(v, element, loc);
}

Value TokenEmitter::get(Value inBody) {
  if (Value registers = values.lookup(inBody))
    return registers;
  // A constant from around the scan stands before all that reads it.
  if (auto constant = inBody.getDefiningOp<arith::ConstantOp>()) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(entry);
    return succeeded(emitConstant(constant)) ? values.lookup(inBody) : Value();
  }
  InFlightDiagnostic diag =
      scan.emitOpError("expects its body to read its arguments and constants "
                       "alone in a kernel");
  diag.attachNote(inBody.getLoc()) << "this comes from elsewhere";
  return {};
}

Value TokenEmitter::widen(Value v, Location loc) {
  if (!is16Bits(typeOf(v).getElementType()))
    return v;
  return arith::ExtFOp::create(b, loc, typeOf(v).clone(b.getF32Type()), v);
}

Value TokenEmitter::narrow(Value v, Type to, Location loc) {
  if (!is16Bits(to))
    return v;
  return arith::TruncFOp::create(b, loc, typeOf(v).clone(to), v);
}

Value TokenEmitter::rounded(Value v, Type element, Location loc) {
  return widen(narrow(v, element, loc), loc);
}

LogicalResult TokenEmitter::emitInvariant() {
  for (Operation &op : scan.getBodyBlock()->without_terminator()) {
    bool known = llvm::all_of(op.getOperands(), [&](Value v) {
      return values.contains(v) ||
             isa_and_nonnull<arith::ConstantOp>(v.getDefiningOp());
    });
    if (!known)
      continue;
    if (failed(emit(&op)))
      return failure();
    invariant.insert(&op);
  }
  return success();
}

LogicalResult TokenEmitter::emit() {
  for (Operation &op : scan.getBodyBlock()->without_terminator())
    if (!invariant.contains(&op) && failed(emit(&op)))
      return failure();
  return success();
}

LogicalResult TokenEmitter::emit(Operation *op) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return emitConstant(constant);
  if (OpTrait::hasElementwiseMappableTraits(op))
    return emitElementwise(op);
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](DotOp o) { return emitDot(o); })
      .Case([&](BroadcastOp o) { return emitBroadcast(o); })
      .Case([&](chunk::ReduceOp o) { return emitReduce(o); })
      .Case([&](chunk::RowOp o) { return emitRow(o); })
      .Case([&](chunk::RepeatOp o) { return emitRepeat(o); })
      .Case([&](chunk::CumsumOp o) { return emitCumsum(o); })
      .Case([&](chunk::TransposeOp o) { return emitTranspose(o); })
      .Case([&](MaskTokensOp o) -> LogicalResult {
        // A chunk of one token has no rows past the end.
        values[o.getResult()] = get(o.getInput());
        return success(bool(values[o.getResult()]));
      })
      .Default([](Operation *other) -> LogicalResult {
        return other->emitOpError("has no place in a token loop that becomes a "
                                  "kernel; expects products, reductions, rows "
                                  "and elementwise work");
      });
}

LogicalResult TokenEmitter::emitConstant(arith::ConstantOp op) {
  auto splat = dyn_cast<SplatElementsAttr>(op.getValue());
  if (!splat)
    return op.emitError("expects constants of one number repeated in a kernel, "
                        "got one of type ")
           << op.getType();
  FailureOr<RankedTensorType> type = getType(op.getResult(), op.getLoc());
  if (failed(type))
    return failure();
  Attribute value = splat.getSplatValue<Attribute>();
  if (auto number = dyn_cast<FloatAttr>(value))
    value = b.getF32FloatAttr(number.getValue().convertToDouble());
  values[op.getResult()] = arith::ConstantOp::create(
      b, op.getLoc(), SplatElementsAttr::get(*type, value));
  return success();
}

/// Whether the code of one thread has this operation, without a library.
static bool hasScalarForm(Operation *op) {
  if (isa<arith::ArithDialect>(op->getDialect()))
    return !isa<arith::RemFOp, arith::BitcastOp>(op);
  return isa<math::ExpOp, math::Exp2Op, math::ExpM1Op, math::LogOp,
             math::Log2Op, math::Log1pOp, math::TanhOp, math::ErfOp,
             math::RsqrtOp, math::SqrtOp, math::AbsFOp, math::AbsIOp,
             math::CopySignOp, math::FloorOp, math::CeilOp, math::TruncOp,
             math::RoundEvenOp, math::FmaOp>(op);
}

LogicalResult TokenEmitter::emitElementwise(Operation *op) {
  if (op->getNumResults() != 1 || !hasScalarForm(op))
    return op->emitOpError("has no form for one thread; expects arith without "
                           "remf and bitcast, or exp, log, their relatives, "
                           "tanh, erf, square roots and rounding of math");
  Location loc = op->getLoc();
  FailureOr<RankedTensorType> type = getType(op->getResult(0), loc);
  if (failed(type))
    return failure();
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    // Registers of f64 and the like would be refused at their definition.
    operands.push_back(get(operand));
    if (!operands.back())
      return failure();
  }
  Type element = typeOf(op->getResult(0)).getElementType();
  Value result;
  if (isa<arith::ExtFOp, arith::TruncFOp>(op)) {
    result = operands[0];
  } else {
    OperationState state(loc, op->getName());
    state.addOperands(operands);
    state.addTypes(*type);
    state.addAttributes(op->getDiscardableAttrDictionary().getValue());
    state.propertiesAttr = op->getPropertiesAsAttribute();
    Operation *made = b.create(state);
    // Products and sums may become one instruction.
    if (auto math = dyn_cast<arith::ArithFastMathInterface>(made);
        math && isa<arith::AddFOp, arith::SubFOp, arith::MulFOp>(made))
      made->setAttr("fastmath",
                    arith::FastMathFlagsAttr::get(
                        b.getContext(), math.getFastMathFlagsAttr().getValue() |
                                            arith::FastMathFlags::contract));
    result = made->getResult(0);
  }
  values[op->getResult(0)] = rounded(result, element, loc);
  return success();
}

Value TokenEmitter::repeat(Value v, RankedTensorType type,
                           ArrayRef<int64_t> dims, Location loc) {
  if (dims.empty())
    return v;
  return tile::ExpandOp::create(b, loc, type, v, dims);
}

Value TokenEmitter::reduce(tile::Combine kind, Value v, ArrayRef<int64_t> dims,
                           Location loc) {
  RankedTensorType type = typeOf(v);
  auto from = cast<tile::BlockedAttr>(type.getEncoding());
  SmallVector<int64_t> shape;
  int64_t warps = 1;
  for (int64_t d = 0; d != type.getRank(); ++d) {
    if (llvm::is_contained(dims, d))
      warps *= from.getDim(d).warps;
    else
      shape.push_back(type.getDimSize(d));
  }
  auto result =
      RankedTensorType::get(shape, type.getElementType(), from.drop(dims));
  Value buffer;
  if (warps > 1) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(entry);
    buffer = tile::AllocOp::create(
        b, loc,
        tile::BufferType::get(b.getContext(),
                              {tile::getElementsPerThread(result),
                               layout.getNumWarps() * tile::kWarpSize},
                              type.getElementType(), 0),
        IntegerAttr());
  }
  return tile::CombineOp::create(b, loc, result, kind, v,
                                 b.getDenseI64ArrayAttr(dims), buffer);
}

/// result[m, n] = sum_k lhs[m, k] rhs[k, n], as a product of three dimensions
/// of which one is summed up.
LogicalResult TokenEmitter::emitDot(DotOp op) {
  Location loc = op.getLoc();
  bool tl = op.getTransposeLhs(), tr = op.getTransposeRhs();
  Value lhs = get(op.getLhs()), rhs = get(op.getRhs());
  if (!lhs || !rhs)
    return failure();
  auto transpose = [&](Value v) -> Value {
    RankedTensorType type = typeOf(v);
    auto from = cast<tile::BlockedAttr>(type.getEncoding());
    return tile::TransposeOp::create(
        b, loc,
        RankedTensorType::get(
            {type.getDimSize(1), type.getDimSize(0)}, type.getElementType(),
            tile::BlockedAttr::get(b.getContext(),
                                   {from.getDim(1), from.getDim(0)})),
        v);
  };
  lhs = tl ? transpose(lhs) : lhs;
  rhs = tr ? transpose(rhs) : rhs;
  // The state's dimension is held as the state holds it, so that operands agree
  // on every dimension they share.
  auto left = cast<tile::BlockedAttr>(typeOf(lhs).getEncoding()),
       right = cast<tile::BlockedAttr>(typeOf(rhs).getEncoding());
  auto product = RankedTensorType::get(
      {typeOf(lhs).getDimSize(0), typeOf(lhs).getDimSize(1),
       typeOf(rhs).getDimSize(1)},
      b.getF32Type(),
      tile::BlockedAttr::get(
          b.getContext(), {left.getDim(0), left.getDim(1), right.getDim(1)}));
  lhs = repeat(lhs, product, {2}, loc);
  rhs = repeat(rhs, product, {0}, loc);
  auto contract = arith::FastMathFlagsAttr::get(b.getContext(),
                                                arith::FastMathFlags::contract);
  Value terms = arith::MulFOp::create(b, loc, lhs, rhs, contract);
  values[op.getResult()] = reduce(tile::Combine::Add, terms, {1}, loc);
  return success();
}

LogicalResult TokenEmitter::emitBroadcast(BroadcastOp op) {
  FailureOr<RankedTensorType> type = getType(op.getResult(), op.getLoc());
  Value input = get(op.getInput());
  if (failed(type) || !input)
    return failure();
  values[op.getResult()] =
      repeat(input, *type, op.getDimensions(), op.getLoc());
  return success();
}

LogicalResult TokenEmitter::emitReduce(chunk::ReduceOp op) {
  Value input = get(op.getInput());
  if (!input)
    return failure();
  auto kind = static_cast<tile::Combine>(op.getKind());
  static_assert(static_cast<int>(tile::Combine::Add) ==
                        static_cast<int>(chunk::Combine::Add) &&
                    static_cast<int>(tile::Combine::Max) ==
                        static_cast<int>(chunk::Combine::Max) &&
                    static_cast<int>(tile::Combine::Min) ==
                        static_cast<int>(chunk::Combine::Min) &&
                    static_cast<int>(tile::Combine::Mul) ==
                        static_cast<int>(chunk::Combine::Mul),
                "both levels combine in the same ways");
  values[op.getResult()] =
      rounded(reduce(kind, input, op.getDimensions(), op.getLoc()),
              typeOf(op.getResult()).getElementType(), op.getLoc());
  return success();
}

LogicalResult TokenEmitter::emitRow(chunk::RowOp op) {
  FailureOr<RankedTensorType> type = getType(op.getResult(), op.getLoc());
  Value input = get(op.getInput());
  if (failed(type) || !input)
    return failure();
  values[op.getResult()] =
      tile::TakeRowOp::create(b, op.getLoc(), *type, input, op.getIndexAttr());
  return success();
}

/// Rows of a token's steps, from the one row of the token.
LogicalResult TokenEmitter::emitRepeat(chunk::RepeatOp op) {
  if (typeOf(op.getInput()).getDimSize(0) != 1)
    return op.emitOpError("expects one row to repeat in a token loop that "
                          "becomes a kernel, got ")
           << op.getInput().getType();
  FailureOr<RankedTensorType> type = getType(op.getResult(), op.getLoc());
  Value input = get(op.getInput());
  if (failed(type) || !input)
    return failure();
  auto layout = cast<tile::BlockedAttr>(type->getEncoding());
  Value row = tile::TakeRowOp::create(
      b, op.getLoc(),
      RankedTensorType::get(type->getShape().drop_front(),
                            type->getElementType(), layout.drop({0})),
      input, b.getI64IntegerAttr(0));
  values[op.getResult()] = repeat(row, *type, {0}, op.getLoc());
  return success();
}

/// The running sum of one row is the row, or nothing.
LogicalResult TokenEmitter::emitCumsum(chunk::CumsumOp op) {
  if (typeOf(op.getInput()).getDimSize(0) != 1)
    return op.emitOpError("expects running sums of one row in a token loop "
                          "that becomes a kernel, got ")
           << op.getInput().getType();
  FailureOr<RankedTensorType> type = getType(op.getResult(), op.getLoc());
  Value input = get(op.getInput());
  if (failed(type) || !input)
    return failure();
  values[op.getResult()] =
      op.getExclusive()
          ? arith::ConstantOp::create(
                b, op.getLoc(),
                SplatElementsAttr::get(*type, b.getF32FloatAttr(0)))
                .getResult()
          : input;
  return success();
}

LogicalResult TokenEmitter::emitTranspose(chunk::TransposeOp op) {
  FailureOr<RankedTensorType> type = getType(op.getResult(), op.getLoc());
  Value input = get(op.getInput());
  if (failed(type) || !input)
    return failure();
  values[op.getResult()] =
      tile::TransposeOp::create(b, op.getLoc(), *type, input);
  return success();
}
