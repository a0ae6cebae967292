//===- BodyEmitter.cpp - a chunk body as tiles ----------------------------===//
// See BodyEmitter.h. What it cannot place it refuses, naming rule and fact.
//===----------------------------------------------------------------------===//
#include "BodyEmitter.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::chunk;
using tile::AccAttr;
using tile::BufferType;
using tile::LanesAttr;
using tile::SliceAttr;

static RankedTensorType typeOf(Value v) {
  return cast<RankedTensorType>(v.getType());
}
static Type elementOf(Value v) { return getElementTypeOrSelf(v.getType()); }
static bool is16Bits(Type type) { return type.isBF16() || type.isF16(); }

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

int64_t BodyEmitter::heldDim(Value v, int64_t dim) const {
  std::optional<int64_t> column = columns.find(v);
  return column == 1 ? 1 - dim : dim;
}

BufferType BodyEmitter::bufferType(RankedTensorType type) {
  // ldmatrix reads 8 rows of 16 bytes; they are in different banks where the
  // distance of rows is an odd multiple of 16 bytes. f32 rows are read by 8
  // bytes, 4 a row: an odd multiple of 32.
  int64_t bytes = type.getElementTypeBitWidth() / 8;
  int64_t unit = (bytes == 2 ? 16 : 32) / bytes;
  int64_t pad = type.getDimSize(1) / unit % 2 == 0 ? unit : 0;
  return BufferType::get(type.getContext(), type.getShape(),
                         type.getElementType(), pad);
}

Value BodyEmitter::allocate(Type type, Location loc) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(entry);
  return tile::AllocOp::create(b, loc, type, IntegerAttr());
}

FailureOr<Type> BodyEmitter::registerType(Value v, Location loc) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  if (!type)
    return v.getType();
  Type element = type.getElementType();
  if (!element.isF32() && !is16Bits(element) && !element.isInteger(1) &&
      !element.isInteger(32))
    return emitError(loc, "expects tiles of f32, bf16 or f16 in a kernel, got ")
           << type;
  MLIRContext *context = b.getContext();
  if (type.getRank() == 0)
    return element;
  auto reject = [&](const Twine &rule) -> FailureOr<Type> {
    return emitError(loc) << "expects " << rule << ", got " << type;
  };
  if (isColumn(v)) {
    auto layout = AccAttr::get(context, {warps, 1});
    int64_t rows = warps * kRowsPerWarp;
    if (type.getRank() == 1)
      return Type(RankedTensorType::get({rows}, element,
                                        SliceAttr::get(context, 1, layout)));
    int64_t other = type.getDimSize(1 - *columns.find(v));
    if (type.getRank() != 2 || other % 16 != 0)
      return reject("a matrix of the columns and a multiple of 16");
    return Type(RankedTensorType::get({rows, other}, element, layout));
  }
  if (type.getRank() == 1) {
    if (type.getDimSize(0) % tile::kWarpSize != 0)
      return reject("vectors of a multiple of 32 elements");
    return Type(RankedTensorType::get(type.getShape(), element,
                                      LanesAttr::get(context)));
  }
  int64_t rowWarps = std::min(warps, type.getDimSize(0) / 16);
  if (type.getRank() != 2 || type.getDimSize(0) % 16 != 0 || rowWarps == 0 ||
      warps % rowWarps != 0 || type.getDimSize(0) % (16 * rowWarps) != 0 ||
      type.getDimSize(1) % (8 * (warps / rowWarps)) != 0)
    return reject("a matrix that " + Twine(warps) +
                  " warps can share in tiles of 16 x 8");
  return Type(RankedTensorType::get(
      type.getShape(), element,
      AccAttr::get(context, {rowWarps, warps / rowWarps})));
}

Value BodyEmitter::inRegisters(Value v) {
  Held &held = values[v];
  if (held.registers)
    return held.registers;
  if (!held.buffer) {
    emitError(v.getLoc(), "expects a value that the body computes");
    return {};
  }
  FailureOr<Type> type = registerType(v);
  if (failed(type))
    return {};
  bool transpose = columns.find(v) == 1;
  return held.registers = tile::LoadMatrixOp::create(b, v.getLoc(), *type,
                                                     held.buffer, transpose);
}

Value BodyEmitter::asOperand(Value v) {
  if (Value buffer = values[v].buffer)
    return buffer;
  if (!is16Bits(elementOf(v))) {
    emitError(v.getLoc(),
              "expects operands of products that were rounded to 16 bits, got ")
        << v.getType() << "; derive the program with bf16 or f16 products";
    return {};
  }
  Value registers = inRegisters(v);
  if (!registers)
    return {};
  Value buffer = allocate(bufferType(typeOf(v)), v.getLoc());
  tile::StoreMatrixOp::create(b, v.getLoc(), registers, buffer);
  return values[v].buffer = buffer;
}

Value BodyEmitter::asVector(Value v) {
  if (Value buffer = values[v].buffer)
    return buffer;
  Value registers = inRegisters(v);
  if (!registers)
    return {};
  if (!elementOf(v).isF32()) {
    emitError(v.getLoc(),
              "expects f32 vectors beside the columns in a kernel, got ")
        << v.getType();
    return {};
  }
  auto type = BufferType::get(b.getContext(), {1, typeOf(v).getDimSize(0)},
                              elementOf(v), 0);
  Value buffer = allocate(type, v.getLoc());
  tile::StoreVectorOp::create(b, v.getLoc(), registers, buffer);
  return values[v].buffer = buffer;
}

bool BodyEmitter::isVectorForColumns(Value v) const {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  return type && type.getRank() == 1 && !isColumn(v) &&
         llvm::any_of(v.getUsers(), [&](Operation *user) {
           return isa<BroadcastOp>(user) && isColumn(user->getResult(0));
         });
}

Value BodyEmitter::coordinate(RankedTensorType type, int64_t dim,
                              Location loc) {
  return tile::CoordinateOp::create(b, loc, type.clone(b.getI32Type()), dim);
}

Value BodyEmitter::zeros(Type type, Location loc) {
  return arith::ConstantOp::create(b, loc,
                                   cast<TypedAttr>(b.getZeroAttr(type)));
}

Value BodyEmitter::repeat(Value v, RankedTensorType type, int64_t along,
                          bool forColumns, Location loc) {
  Value input = inRegisters(v);
  if (!input)
    return {};
  auto vector = dyn_cast<RankedTensorType>(input.getType());
  if (vector && isa<LanesAttr>(vector.getEncoding()) && type.getRank() == 2) {
    auto slice = SliceAttr::get(b.getContext(), along,
                                cast<AccAttr>(type.getEncoding()));
    auto sliced = RankedTensorType::get(vector.getShape(),
                                        vector.getElementType(), slice);
    if (!forColumns) {
      input = tile::ConvertOp::create(b, loc, sliced, input);
    } else {
      Value buffer = asVector(v);
      if (!buffer)
        return {};
      input = tile::LoadVectorOp::create(b, loc, sliced, buffer);
    }
  }
  return tile::BroadcastOp::create(b, loc, type.clone(elementOf(input)), input);
}

Value BodyEmitter::lowerTriangle(Value v, bool strict, Location loc) {
  RankedTensorType type = typeOf(v);
  auto predicate =
      strict ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::sge;
  Value inside = arith::CmpIOp::create(
      b, loc, predicate, coordinate(type, 0, loc), coordinate(type, 1, loc));
  return arith::SelectOp::create(b, loc, inside, v, zeros(type, loc));
}

Value BodyEmitter::mma(Value lhs, Value rhs, Value init, bool transposeLhs,
                       bool transposeRhs, Location loc) {
  return tile::MmaOp::create(b, loc, init.getType(), lhs, rhs, init,
                             transposeLhs, transposeRhs);
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

/// Whether a product reads `v`.
static bool isOperandOfProduct(Value v) {
  return llvm::any_of(v.getUsers(), [](Operation *user) {
    return isa<DotOp, DecayDotOp>(user);
  });
}

llvm::SmallPtrSet<Operation *, 32> BodyEmitter::collectResults() {
  llvm::SmallPtrSet<Operation *, 32> found;
  auto yield = cast<YieldOp>(scan.getBodyBlock()->getTerminator());
  SmallVector<Value> work(yield.getOutputs());
  while (!work.empty()) {
    Operation *op = work.pop_back_val().getDefiningOp();
    if (op && found.insert(op).second)
      work.append(op->operand_begin(), op->operand_end());
  }
  return found;
}

LogicalResult BodyEmitter::emit() {
  // Vectors that the columns need go to shared memory with what else they need.
  for (BlockArgument argument : scan.getInputArguments())
    if (isVectorForColumns(argument) && !asVector(argument))
      return failure();
  // What does not depend on the state comes first, and of that the inverse
  // last: the warps that have no part in it go on to products that do not need
  // it. The state's update comes last, when the results have left the
  // registers.
  SmallVector<Operation *> early, inverse, ahead, results, update;
  llvm::SmallPtrSet<Operation *, 8> afterInverse;
  llvm::SmallPtrSet<Operation *, 32> forResults = collectResults();
  for (Operation &op : scan.getBodyBlock()->without_terminator()) {
    bool waits = isa<UnitLowerInverseOp>(op) ||
                 llvm::any_of(op.getOperands(), [&](Value v) {
                   return afterInverse.contains(v.getDefiningOp());
                 });
    if (waits)
      afterInverse.insert(&op);
    if (isColumn(op.getResult(0)))
      (!forResults.contains(&op) ? update
       : waits                   ? results
                                 : ahead)
          .push_back(&op);
    else
      (waits ? inverse : early).push_back(&op);
  }
  for (Operation *op :
       llvm::concat<Operation *>(early, inverse, ahead, results, update)) {
    Value result = op->getResult(0);
    if (failed(emit(op)))
      return failure();
    if (isColumn(result))
      continue;
    // Into shared memory as soon as it is there, not when it is needed.
    if (isOperandOfProduct(result) && is16Bits(elementOf(result)) &&
        !asOperand(result))
      return failure();
    if (isVectorForColumns(result) && !asVector(result))
      return failure();
  }
  return success();
}

LogicalResult BodyEmitter::emit(Operation *op) {
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case<arith::ConstantOp>([&](auto o) { return emitConstant(o); })
      .Case<arith::TruncFOp>([&](auto o) { return emitRounding(o); })
      .Case<arith::AddFOp>([&](auto o) {
        bool done = false;
        LogicalResult result = emitSum(o, done);
        return done || failed(result) ? result : emitElementwise(o);
      })
      .Case<DotOp>([&](DotOp o) -> LogicalResult {
        // A product that is only added to something starts from that.
        if (o->hasOneUse() && isa<arith::AddFOp>(*o->user_begin()))
          return success();
        return emitProduct(o, Value());
      })
      .Case<DecayDotOp>([&](auto o) { return emitDecayDot(o); })
      .Case<UnitLowerInverseOp>([&](auto o) { return emitInverse(o); })
      .Case<BroadcastOp>([&](auto o) { return emitBroadcast(o); })
      .Case<MaskTokensOp>([&](auto o) { return emitMask(o); })
      .Case<TrilOp>([&](auto o) { return emitTril(o); })
      .Case<RowOp>([&](auto o) { return emitRow(o); })
      .Case<CumsumOp>([&](auto o) { return emitCumsum(o); })
      .Case<UnitLowerSolveOp>([](Operation *o) {
        return o->emitOpError("waits for the state as a whole; expects it "
                              "split into an inverse and a "
                              "product (chunk-split-solve) before tiles");
      })
      .Default([&](Operation *o) -> LogicalResult {
        if (OpTrait::hasElementwiseMappableTraits(o))
          return emitElementwise(o);
        return o->emitError("has no lowering to tiles yet: '")
               << o->getName() << "'";
      });
}

LogicalResult BodyEmitter::emitElementwise(Operation *op) {
  if (!isa<arith::ArithDialect>(op->getDialect()) &&
      !isa<math::ExpOp, math::SqrtOp, math::AbsFOp, math::FmaOp>(op))
    return op->emitError("expects exp, sqrt, absf, fma and arith among "
                         "elementwise operations in "
                         "a kernel, got '")
           << op->getName() << "'";
  if (op->getNumResults() != 1)
    return op->emitError("expects elementwise operations of one result in a "
                         "kernel, got '")
           << op->getName() << "'";
  bool converts = isa<arith::ExtFOp>(op);
  for (Value operand : op->getOperands())
    if (!converts && is16Bits(elementOf(operand)))
      return op->emitError("expects arithmetic of f32 in a kernel, got ")
             << operand.getType();
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    operands.push_back(inRegisters(operand));
    if (!operands.back())
      return failure();
  }
  FailureOr<Type> type = registerType(op->getResult(0), op->getLoc());
  if (failed(type))
    return failure();
  OperationState state(op->getLoc(), op->getName(), operands, {*type},
                       op->getAttrs());
  values[op->getResult(0)].registers = b.create(state)->getResult(0);
  return success();
}

LogicalResult BodyEmitter::emitConstant(arith::ConstantOp op) {
  auto splat = dyn_cast<SplatElementsAttr>(op.getValue());
  FailureOr<Type> type = registerType(op, op.getLoc());
  if (failed(type))
    return failure();
  TypedAttr value = op.getValue();
  if (isa<RankedTensorType>(op.getType())) {
    if (!splat)
      return op.emitError(
                 "expects constants of one number repeated in a kernel, got ")
             << op.getType();
    value = splat.getSplatValue<TypedAttr>();
    if (auto tensor = dyn_cast<RankedTensorType>(*type))
      value = SplatElementsAttr::get(tensor, ArrayRef<Attribute>(value));
  }
  values[op].registers = arith::ConstantOp::create(b, op.getLoc(), value);
  return success();
}

LogicalResult BodyEmitter::emitRounding(arith::TruncFOp op) {
  // The inverse is stored rounded.
  if (op.getIn().getDefiningOp<UnitLowerInverseOp>()) {
    values[op] = values[op.getIn()];
    return success();
  }
  return emitElementwise(op);
}

/// Whether this product is left to the sum that is its only user.
static DotOp deferredProduct(Value v) {
  auto dot = v.getDefiningOp<DotOp>();
  return dot && dot->hasOneUse() ? dot : DotOp();
}

LogicalResult BodyEmitter::emitSum(arith::AddFOp op, bool &done) {
  Value x = op.getLhs(), y = op.getRhs();
  DotOp left = deferredProduct(x), right = deferredProduct(y);
  if (left && right && failed(emitProduct(left, Value())))
    return failure();
  if (left && !right)
    std::swap(x, y);
  DotOp last = left && !right ? left : right;
  if (!last)
    return success();
  Value init = inRegisters(x);
  if (!init || failed(emitProduct(last, init)))
    return failure();
  values[op] = values[y];
  done = true;
  return success();
}

LogicalResult BodyEmitter::emitProduct(DotOp op, Value init) {
  Location loc = op.getLoc();
  FailureOr<Type> type = registerType(op, loc);
  if (failed(type))
    return failure();
  if (!init)
    init = zeros(*type, loc);
  Value lhs = op.getLhs(), rhs = op.getRhs();
  bool tl = op.getTransposeLhs(), tr = op.getTransposeRhs(),
       rightColumn = isColumn(rhs);
  if (!isColumn(lhs) && !rightColumn) {
    Value left = asOperand(lhs), right = left ? asOperand(rhs) : Value();
    if (!right)
      return failure();
    values[op].registers = mma(left, right, init, tl, tr, loc);
    return success();
  }
  // (A B)^T = B^T A^T: what has the columns is the left operand, in registers,
  // its columns the rows of the result.
  Value held = rightColumn ? rhs : lhs, other = rightColumn ? lhs : rhs;
  if (!is16Bits(elementOf(held)))
    return op.emitOpError("expects operands that were rounded to 16 bits, got ")
           << held.getType()
           << "; derive the program with bf16 or f16 products";
  Value left = inRegisters(held), right = left ? asOperand(other) : Value();
  if (!right)
    return failure();
  // Right is k x n where the body's product contracts its first dimension.
  bool transposed = rightColumn ? !tl : tr;
  values[op].registers = mma(left, right, init, false, transposed, loc);
  return success();
}

LogicalResult BodyEmitter::emitDecayDot(DecayDotOp op) {
  Location loc = op.getLoc();
  FailureOr<Type> type = registerType(op, loc);
  if (failed(type))
    return failure();
  auto tensor = cast<RankedTensorType>(*type);
  if (tensor.getDimSize(0) != tensor.getDimSize(1))
    return op.emitOpError("expects one step a token in a kernel, got ")
           << op.getType();
  Value x = asOperand(op.getX()), y = x ? asOperand(op.getY()) : Value();
  if (!y)
    return failure();
  Value product = mma(x, y, zeros(tensor, loc), false, true, loc);
  Value later = repeat(op.getGx(), tensor, 1, false, loc);
  Value earlier = repeat(op.getGy(), tensor, 0, false, loc);
  if (!later || !earlier)
    return failure();
  // Above the diagonal the exponent is positive and may overflow; the triangle
  // drops what comes of it.
  Value exponent = arith::SubFOp::create(b, loc, later, earlier);
  Value factor = math::ExpOp::create(b, loc, exponent);
  product = arith::MulFOp::create(b, loc, product, factor);
  values[op].registers = lowerTriangle(product, op.getStrict(), loc);
  return success();
}

LogicalResult BodyEmitter::emitInverse(UnitLowerInverseOp op) {
  Location loc = op.getLoc();
  Type rounded;
  for (Operation *user : op->getUsers()) {
    auto rounding = dyn_cast<arith::TruncFOp>(user);
    if (!rounding || !is16Bits(elementOf(rounding)) ||
        (rounded && rounded != elementOf(rounding))) {
      InFlightDiagnostic diag = op.emitOpError(
          "expects an inverse that is rounded to 16 bits before it is used");
      diag.attachNote(user->getLoc())
          << "used here by '" << user->getName() << "'";
      return diag;
    }
    rounded = elementOf(rounding);
  }
  int64_t blocks = typeOf(op).getDimSize(0) / 16;
  if (blocks > warps)
    return op.emitOpError("expects a warp for each block column of 16, got ")
           << blocks << " for " << warps << " warps";
  Value lower = inRegisters(op.getLower());
  if (!lower || !rounded)
    return success(lower && !rounded);
  Value scratch = allocate(bufferType(typeOf(op)), loc);
  tile::StoreMatrixOp::create(b, loc, lower, scratch);
  Value result = allocate(bufferType(typeOf(op).clone(rounded)), loc);
  tile::UnitLowerInverseOp::create(b, loc, scratch, result);
  values[op].buffer = result;
  return success();
}

LogicalResult BodyEmitter::emitBroadcast(BroadcastOp op) {
  Location loc = op.getLoc();
  int64_t from = typeOf(op.getInput()).getRank(), to = typeOf(op).getRank();
  FailureOr<Type> type = registerType(op, loc);
  if (failed(type))
    return failure();
  if (from == to) {
    values[op] = values[op.getInput()];
    return success();
  }
  if (from > 1 || to > 2)
    return op.emitOpError(
               "expects a number or a vector repeated up to a matrix, got ")
           << op.getInput().getType() << " to " << op.getType();
  // A number goes everywhere; a vector along the one new dimension.
  int64_t along = from == 0 ? 0 : heldDim(op, op.getDimensions()[0]);
  Value repeated = repeat(op.getInput(), cast<RankedTensorType>(*type), along,
                          isColumn(op), loc);
  values[op].registers = repeated;
  return success(bool(repeated));
}

LogicalResult BodyEmitter::emitMask(MaskTokensOp op) {
  // Rows past the end read as zero already.
  auto argument = dyn_cast<BlockArgument>(op.getInput());
  if (argument && argument.getOwner() == scan.getBodyBlock()) {
    values[op] = values[op.getInput()];
    return success();
  }
  Location loc = op.getLoc();
  Value input = inRegisters(op.getInput());
  if (!input)
    return failure();
  if (!elementOf(input).isF32())
    return op.emitOpError("expects a computed f32 tile, got ") << op.getType();
  if (op.getSteps() != 1)
    return op.emitOpError("expects one step a token in a kernel, got ")
           << op.getSteps();
  RankedTensorType type = typeOf(input);
  Value limit = arith::IndexCastOp::create(b, loc, b.getI32Type(), count);
  limit = tile::BroadcastOp::create(b, loc, type.clone(b.getI32Type()), limit);
  Value inside =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                            coordinate(type, heldDim(op, 0), loc), limit);
  values[op].registers =
      arith::SelectOp::create(b, loc, inside, input, zeros(type, loc));
  return success();
}

LogicalResult BodyEmitter::emitTril(TrilOp op) {
  Value input = inRegisters(op.getInput());
  if (!input)
    return failure();
  if (typeOf(op).getDimSize(0) != typeOf(op).getDimSize(1) ||
      !elementOf(op).isF32())
    return op.emitOpError("expects a square f32 matrix in a kernel, got ")
           << op.getType();
  values[op].registers = lowerTriangle(input, op.getStrict(), op.getLoc());
  return success();
}

LogicalResult BodyEmitter::emitRow(RowOp op) {
  Value input = inRegisters(op.getInput());
  if (!input)
    return failure();
  if (typeOf(op.getInput()).getRank() != 1 || isColumn(op.getInput()) ||
      !elementOf(op).isF32())
    return op.emitOpError("expects a row of an f32 vector in a kernel, got ")
           << op.getInput().getType();
  values[op].registers =
      tile::ExtractOp::create(b, op.getLoc(), input, op.getIndex());
  return success();
}

LogicalResult BodyEmitter::emitCumsum(CumsumOp op) {
  Value input = inRegisters(op.getInput());
  if (!input)
    return failure();
  if (typeOf(op).getRank() != 1 || !elementOf(op).isF32() ||
      !elementOf(input).isF32() || op.getReverse())
    return op.emitOpError(
               "expects a forward sum of an f32 vector in a kernel, got ")
           << op.getInput().getType() << " to " << op.getType();
  values[op].registers = tile::CumsumOp::create(b, op.getLoc(), input.getType(),
                                                input, op.getExclusive());
  return success();
}
