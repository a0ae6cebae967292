//===- EmitOperations.cpp - elementwise work, vectors, masks --------------===//
// What cannot be placed is refused, naming rule and fact.
//===----------------------------------------------------------------------===//
#include "RoleEmitter.h"
#include "TileTypes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::chunk;
using tile::SliceAttr;

bool deltanet::isProduct(Operation *op) { return isa<DotOp, DecayDotOp>(op); }

/// Whether a product reads `v` from shared memory.
static bool isOperandOfProduct(Value v) {
  return llvm::any_of(v.getUsers(), isProduct);
}

/// Whether it rounds an inverse, which is made so.
static bool isRoundedInverse(Operation *op) {
  return isa<arith::TruncFOp>(op) &&
         op->getOperand(0).getDefiningOp<UnitLowerInverseOp>();
}

/// Whether the product is left to the sum that is its only user.
static bool isLeftToSum(Operation *op) {
  return isa<DotOp>(op) && op->hasOneUse() &&
         isa<arith::AddFOp>(*op->user_begin());
}

LogicalResult RoleEmitter::emit(Operation *op) {
  Value result = op->getResult(0);
  if (chunk::isRemade(op) || BodyPlan::source(result) != result ||
      isLeftToSum(op))
    return success();
  bool intoBuffer = !isState() && isOperandOfProduct(result) &&
                    rankedType(result).getRank() == 2;
  if (elementOf(result).isF64())
    return success(bool(intoBuffer ? inPairBuffer(result) : inPair(result)));
  // An inverse is made where it is rounded, a row where it is read.
  if (isa<UnitLowerInverseOp>(op) &&
      llvm::all_of(op->getUsers(),
                   [](Operation *user) { return isa<arith::TruncFOp>(user); }))
    return success();
  if (destinations.contains(result) || isRoundedInverse(op) ||
      isa<UnitLowerInverseOp>(op) || intoBuffer)
    // Into shared memory as soon as it is there, not when it is needed.
    return success(bool(inBuffer(result)));
  return success(bool(inRegisters(result)));
}

LogicalResult RoleEmitter::emit(ArrayRef<Operation *> operations) {
  // Arguments that the other part waits for.
  for (auto &[v, buffer] : destinations)
    if (isa<BlockArgument>(v) && !values[v].buffer && !inBuffer(v))
      return failure();
  for (Operation *op : operations)
    if (failed(emit(op)))
      return failure();
  return success();
}

LogicalResult RoleEmitter::emitWork(ArrayRef<Operation *> operations,
                                    function_ref<bool(Operation *)> isNeeded) {
  for (Operation *op : operations) {
    bool isLater = OpTrait::hasElementwiseMappableTraits(op) &&
                   !isRoundedInverse(op) && !isNeeded(op);
    if (!isLater && failed(emit(op)))
      return failure();
  }
  return success();
}

Value RoleEmitter::make(Operation *op) {
  return TypeSwitch<Operation *, Value>(op)
      .Case<arith::ConstantOp>([&](auto o) { return makeConstant(o); })
      .Case<arith::AddFOp>([&](auto o) { return makeSum(o); })
      .Case<DotOp>([&](DotOp o) { return makeProduct(o, Value()); })
      .Case<DecayDotOp>([&](auto o) { return makeDecayDot(o); })
      .Case<DecayApplyOp>([&](auto o) { return makeDecayApply(o); })
      .Case<UnitLowerInverseOp>([&](auto o) { return makeInverse(o); })
      .Case<BroadcastOp>([&](auto o) { return makeBroadcast(o); })
      .Case<MaskTokensOp>([&](auto o) { return makeMask(o); })
      .Case<TrilOp>([&](auto o) { return makeTril(o); })
      .Case<RowOp>([&](auto o) { return makeRow(o); })
      .Case<PlaceRowOp>([&](auto o) { return makePlacedRow(o); })
      .Case<CumsumOp>([&](auto o) { return makeCumsum(o); })
      .Case<ReduceOp>([&](auto o) { return makeReduction(o); })
      .Case<TransposeOp>([&](auto o) { return makeTranspose(o); })
      .Case<RepeatOp>([&](auto o) { return makeRepetition(o); })
      .Case<SumRowsOp>([&](auto o) { return makeSumOfSteps(o); })
      .Case<UnitLowerSolveOp>([](Operation *o) -> Value {
        o->emitOpError("waits for the state as a whole; expects it split into "
                       "an inverse and a product (chunk-split-solve) before "
                       "tiles");
        return {};
      })
      .Default([&](Operation *o) -> Value {
        if (OpTrait::hasElementwiseMappableTraits(o))
          return makeElementwise(o);
        o->emitError("has no lowering to tiles yet: '") << o->getName() << "'";
        return {};
      });
}

Value RoleEmitter::makeElementwise(Operation *op) {
  Location loc = op->getLoc();
  if (op->getNumResults() != 1) {
    op->emitError("expects elementwise operations of one result in a kernel, "
                  "got '")
        << op->getName() << "'";
    return {};
  }
  Value result = op->getResult(0);
  FailureOr<Type> type = registerType(result, loc);
  if (failed(type))
    return {};
  if (isa<arith::TruncFOp>(op) && elementOf(op->getOperand(0)).isF64()) {
    Value rounded = roundPair(inPair(op->getOperand(0)), loc);
    if (!rounded || rounded.getType() == *type)
      return rounded;
    return arith::TruncFOp::create(b, loc, *type, rounded);
  }
  bool converts = isa<arith::ExtFOp, arith::TruncFOp>(op);
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    Value registers = inRegisters(operand);
    if (!registers)
      return {};
    // Arithmetic on narrow floats is that of f32, rounded.
    operands.push_back(converts ? registers : widen(registers, loc));
  }
  Type computed = *type;
  bool narrow = !converts && is16Bits(getElementTypeOrSelf(computed));
  if (narrow)
    computed =
        isa<RankedTensorType>(computed)
            ? Type(cast<RankedTensorType>(computed).clone(b.getF32Type()))
            : Type(b.getF32Type());
  OperationState state(loc, op->getName(), operands, {computed},
                       op->getAttrs());
  Value made = b.create(state)->getResult(0);
  return narrow ? arith::TruncFOp::create(b, loc, *type, made).getResult()
                : made;
}

Value RoleEmitter::makeConstant(arith::ConstantOp op) {
  FailureOr<Type> type = registerType(op, op.getLoc());
  if (failed(type))
    return {};
  TypedAttr value = op.getValue();
  if (isa<RankedTensorType>(op.getType())) {
    auto splat = dyn_cast<SplatElementsAttr>(op.getValue());
    if (!splat) {
      op.emitError("expects constants of one number repeated in a kernel, got ")
          << op.getType();
      return {};
    }
    value = splat.getSplatValue<TypedAttr>();
    if (auto tensor = dyn_cast<RankedTensorType>(*type))
      value = SplatElementsAttr::get(tensor, ArrayRef<Attribute>(value));
  }
  return arith::ConstantOp::create(b, op.getLoc(), value);
}

Value RoleEmitter::makeBroadcast(BroadcastOp op) {
  Location loc = op.getLoc();
  int64_t from = rankedType(op.getInput()).getRank(),
          to = rankedType(op).getRank();
  FailureOr<Type> type = registerType(op, loc);
  if (failed(type))
    return {};
  if (from > 1 || to > 2) {
    op.emitOpError("expects a number or a vector repeated up to a matrix in a "
                   "kernel, got ")
        << op.getInput().getType() << " to " << op.getType();
    return {};
  }
  if (from == to)
    return inRegisters(op.getInput());
  // A number goes everywhere; a vector along the one new dimension.
  int64_t along = from == 0 ? 0 : heldDim(op, op.getDimensions()[0]);
  return repeat(op.getInput(), cast<RankedTensorType>(*type), along, loc);
}

Value RoleEmitter::makeMask(MaskTokensOp op) {
  Location loc = op.getLoc();
  Value input = inRegisters(op.getInput());
  if (!input)
    return {};
  Value limit = arith::IndexCastOp::create(b, loc, b.getI32Type(), count);
  if (op.getSteps() != 1)
    limit = arith::MulIOp::create(
        b, loc, limit, arith::ConstantIntOp::create(b, loc, op.getSteps(), 32));
  return below(input, heldDim(op, 0), limit, loc);
}

Value RoleEmitter::lowerTriangle(Value v, bool strict, int64_t steps,
                                 Location loc) {
  auto type = cast<RankedTensorType>(v.getType());
  Value column = coordinate(type, 1, loc);
  if (steps != 1) {
    Value n = arith::ConstantIntOp::create(b, loc, steps, 32);
    n = tile::BroadcastOp::create(b, loc, column.getType(), n);
    column = arith::DivUIOp::create(b, loc, column, n);
  }
  auto predicate =
      strict ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::sge;
  Value inside = arith::CmpIOp::create(b, loc, predicate,
                                       coordinate(type, 0, loc), column);
  return arith::SelectOp::create(b, loc, inside, v, zeros(type, loc));
}

Value RoleEmitter::makeTril(TrilOp op) {
  Value input = inRegisters(op.getInput());
  if (!input)
    return {};
  auto type = rankedType(op);
  input = widen(input, op.getLoc());
  input = lowerTriangle(input, op.getStrict(),
                        type.getDimSize(1) / type.getDimSize(0), op.getLoc());
  if (!is16Bits(elementOf(op)))
    return input;
  auto rounded = cast<RankedTensorType>(input.getType()).clone(elementOf(op));
  return arith::TruncFOp::create(b, op.getLoc(), rounded, input);
}

Value RoleEmitter::makeRow(RowOp op) {
  Location loc = op.getLoc();
  if (!elementOf(op).isF32() || isColumn(op.getInput())) {
    op.emitOpError("expects a row of f32 values that do not wait for the state "
                   "in a kernel, got ")
        << op.getInput().getType();
    return {};
  }
  if (rankedType(op.getInput()).getRank() == 1) {
    Value input = inRegisters(op.getInput());
    return input ? tile::ExtractOp::create(b, loc, input, op.getIndex())
                       .getResult()
                 : Value();
  }
  Value matrix = inBuffer(op.getInput());
  if (!matrix)
    return {};
  Value row =
      tile::RowOp::create(b, loc, bufferType(op), matrix, op.getIndex());
  return load(op, row);
}

/// `made`, a number or a row, in row `index` of zeros.
Value RoleEmitter::placeRow(Value made, RankedTensorType type, int64_t rows,
                            int64_t index, Location loc) {
  Value everywhere = repeatMade(made, type, rows, loc);
  Value row = arith::ConstantIntOp::create(b, loc, index, 32);
  row = tile::BroadcastOp::create(b, loc, type.clone(b.getI32Type()), row);
  Value here = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                     coordinate(type, rows, loc), row);
  return arith::SelectOp::create(b, loc, here, everywhere, zeros(type, loc));
}

Value RoleEmitter::makePlacedRow(PlaceRowOp op) {
  FailureOr<Type> type = registerType(op, op.getLoc());
  Value input = failed(type) ? Value() : inRegisters(op.getInput());
  if (!input)
    return {};
  if (!elementOf(op).isF32()) {
    op.emitOpError("expects rows of f32 in a kernel, got ") << op.getType();
    return {};
  }
  return placeRow(input, cast<RankedTensorType>(*type), heldDim(op, 0),
                  op.getIndex(), op.getLoc());
}

Value RoleEmitter::makeTranspose(TransposeOp op) {
  Value input = inBuffer(op.getInput());
  FailureOr<Type> type = registerType(op, op.getLoc());
  if (!input || failed(type))
    return {};
  return tile::LoadMatrixOp::create(b, op.getLoc(), *type, input,
                                    /*transpose=*/true);
}

Value RoleEmitter::makeRepetition(RepeatOp op) {
  Value input = inRegisters(op.getInput());
  FailureOr<Type> type = registerType(op, op.getLoc());
  if (!input || failed(type))
    return {};
  return tile::RepeatOp::create(b, op.getLoc(), *type, input);
}

/// The rows of step `step` of `registers`, that hold a value of the body with
/// as many rows a token as `op` adds up; null after a diagnostic.
Value RoleEmitter::takeStep(SumRowsOp op, Value registers, int64_t step) {
  FailureOr<Type> type = registerType(op, op.getLoc());
  if (failed(type))
    return {};
  auto result = cast<RankedTensorType>(*type).clone(b.getF32Type());
  return tile::StepOp::create(b, op.getLoc(), result, registers, step);
}

Value RoleEmitter::makeSumOfSteps(SumRowsOp op) {
  Value input = inRegisters(op.getInput());
  if (!input)
    return {};
  if (!elementOf(input).isF32() || isState()) {
    op.emitOpError("expects sums over the steps of a token of f32 values that "
                   "do not wait for the state in a kernel, got ")
        << op.getInput().getType();
    return {};
  }
  Value sum;
  for (int64_t step = 0; step != countSteps(op); ++step) {
    Value term = takeStep(op, input, step);
    if (!term)
      return {};
    sum = sum ? arith::AddFOp::create(b, op.getLoc(), sum, term).getResult()
              : term;
  }
  return sum;
}

/// What changes nothing in a reduction.
static double neutralOf(Combine kind) {
  switch (kind) {
  case Combine::Add:
    return 0;
  case Combine::Mul:
    return 1;
  case Combine::Max:
    return -std::numeric_limits<double>::infinity();
  case Combine::Min:
    return std::numeric_limits<double>::infinity();
  }
  llvm_unreachable("all combinations are listed");
}

/// The elements of `matrix` combined along `dim`, as the slice that its layout
/// leaves.
Value RoleEmitter::reduceMatrix(Value matrix, tile::Combination kind,
                                int64_t dim, Location loc) {
  auto type = rankedType(matrix);
  auto layout = cast<tile::AccAttr>(type.getEncoding());
  int64_t length = type.getDimSize(1 - dim), parts = layout.getWarps()[dim];
  Value scratch;
  if (parts > 1)
    scratch = allocate(tile::BufferType::get(b.getContext(), {parts, length},
                                             b.getF32Type(), 0),
                       loc);
  auto slice = RankedTensorType::get(
      {length}, b.getF32Type(), SliceAttr::get(b.getContext(), dim, layout));
  return tile::ReduceOp::create(b, loc, slice, kind, matrix, dim, scratch);
}

/// A slice where all other vectors of the ahead part are.
Value RoleEmitter::asLanes(Value slice, Location loc) {
  auto type = rankedType(slice);
  auto from = cast<SliceAttr>(type.getEncoding());
  auto lanes = RankedTensorType::get(type.getShape(), type.getElementType(),
                                     tile::LanesAttr::get(b.getContext()));
  if (from.getParent().getWarps()[1 - from.getDim()] == 1)
    return tile::ConvertOp::create(b, loc, lanes, slice);
  Value buffer =
      allocate(tile::BufferType::get(b.getContext(), {1, type.getDimSize(0)},
                                     b.getF32Type(), 0),
               loc);
  tile::StoreVectorOp::create(b, loc, slice, buffer);
  return tile::LoadVectorOp::create(b, loc, lanes, buffer);
}

/// The sum of a vector: the last running sum.
Value RoleEmitter::sumOfVector(Value vector, Location loc) {
  Value sums =
      tile::CumsumOp::create(b, loc, vector, /*exclusive=*/false).getResult();
  return tile::ExtractOp::create(b, loc, sums,
                                 rankedType(sums).getDimSize(0) - 1);
}

/// Sums of products of rows of 16 bits: tensor cores need them neither widened
/// nor multiplied one by one. Null where it is none, or after a diagnostic.
Value RoleEmitter::makeRowDots(ReduceOp op) {
  auto product = op.getInput().getDefiningOp<arith::MulFOp>();
  if (isState() || !product || !product->hasOneUse() ||
      op.getKind() != Combine::Add ||
      !llvm::is_contained(op.getDimensions(), 1))
    return {};
  auto x = product.getLhs().getDefiningOp<arith::ExtFOp>(),
       y = product.getRhs().getDefiningOp<arith::ExtFOp>();
  if (!x || !y || x.getIn().getType() != y.getIn().getType() ||
      !is16Bits(elementOf(x.getIn())) || rankedType(x.getIn()).getRank() != 2)
    return {};
  Location loc = op.getLoc();
  Value lhs = inRegisters(x.getIn()),
        rhs = lhs ? inRegisters(y.getIn()) : Value();
  if (!rhs)
    return {};
  auto type = rankedType(lhs);
  auto layout = cast<tile::AccAttr>(type.getEncoding());
  if (type.getDimSize(0) % (16 * layout.getWarps()[0]) != 0 ||
      type.getDimSize(1) % (16 * layout.getWarps()[1]) != 0)
    return {};
  auto parts = RankedTensorType::get(
      {type.getDimSize(0), 8 * layout.getWarps()[1]}, b.getF32Type(), layout);
  Value sums = reduceMatrix(tile::RowDotsOp::create(b, loc, parts, lhs, rhs),
                            tile::Combination::Add, 1, loc);
  sums = asLanes(sums, loc);
  return op.getDimensions().size() == 2 ? sumOfVector(sums, loc) : sums;
}

Value RoleEmitter::makeReduction(ReduceOp op) {
  if (Value made = makeRowDots(op))
    return made;
  Value input = inRegisters(op.getInput());
  return input ? reduceTile(op, input) : Value();
}

/// The reduction that `op` is, of `input`.
Value RoleEmitter::reduceTile(ReduceOp op, Value input) {
  Location loc = op.getLoc();
  size_t count = op.getDimensions().size();
  bool isVector = rankedType(op.getInput()).getRank() == 1,
       toNumber = isVector || count == 2;
  if (!elementOf(input).isF32() || (count != 1 && !toNumber) ||
      (toNumber && (isState() || op.getKind() != Combine::Add))) {
    op.emitOpError("expects f32 matrices reduced along one dimension, or sums "
                   "of all elements that do not wait for the state, in a "
                   "kernel, got ")
        << stringifyCombine(op.getKind()) << " of " << op.getInput().getType();
    return {};
  }
  input = clearPadding(op.getInput(), input, neutralOf(op.getKind()));
  if (isVector)
    return sumOfVector(input, loc);
  auto kind = *tile::symbolizeCombination(stringifyCombine(op.getKind()));
  if (count == 2)
    return sumOfVector(asLanes(reduceMatrix(input, kind, 1, loc), loc), loc);
  int64_t dim = heldDim(op.getInput(), op.getDimensions()[0]);
  Value slice = reduceMatrix(input, kind, dim, loc);
  return isState() ? slice : asLanes(slice, loc);
}
