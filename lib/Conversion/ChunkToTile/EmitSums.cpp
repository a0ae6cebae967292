//===- EmitSums.cpp - running sums of log-decays --------------------------===//
// Sums of f64 are pairs of f32 in a kernel. Only what becomes of running sums
// is done with pairs: they are repeated, subtracted and rounded.
//===----------------------------------------------------------------------===//
#include "RoleEmitter.h"
#include "TileTypes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::chunk;
using tile::SliceAttr;

/// `make` of both members; null where one is.
static Pair forBoth(Pair pair, function_ref<Value(Value)> make) {
  if (!pair)
    return {};
  Value sum = make(pair.sum);
  return {sum, sum ? make(pair.rest) : Value()};
}

Value RoleEmitter::makeCumsum(CumsumOp op) {
  Value input = inRegisters(op.getInput());
  if (!input)
    return {};
  if (!elementOf(op).isF32() || !elementOf(input).isF32() ||
      isColumn(op.getInput())) {
    op.emitOpError("expects running sums of f32, to f32 or f64, in a kernel, "
                   "got ")
        << op.getInput().getType() << " to " << op.getType();
    return {};
  }
  if (rankedType(op).getRank() == 1)
    return tile::CumsumOp::create(b, op.getLoc(), input, op.getExclusive(),
                                  op.getReverse())
        .getResult();
  // In shared memory a thread has whole columns; in registers every step of a
  // sum would pass from lane to lane.
  Value buffer = destinations.lookup(op);
  if (!buffer)
    buffer = allocate(bufferType(op), op.getLoc());
  tile::StoreMatrixOp::create(b, op.getLoc(),
                              clearPadding(op.getInput(), input), buffer);
  tile::SumRowsOp::create(b, op.getLoc(), buffer, op.getExclusive(),
                          op.getReverse());
  values[op].buffer = buffer;
  return load(op, buffer);
}

/// The sum of two pairs: what rounding takes from the large ones is kept, as
/// exact additions find it.
Pair RoleEmitter::addPairs(Pair x, Pair y, Location loc) {
  auto add = [&](Value a, Value c) -> Value {
    return arith::AddFOp::create(b, loc, a, c);
  };
  auto sub = [&](Value a, Value c) -> Value {
    return arith::SubFOp::create(b, loc, a, c);
  };
  Value sum = add(x.sum, y.sum), ofY = sub(sum, x.sum), ofX = sub(sum, ofY);
  Value lost = add(sub(x.sum, ofX), sub(y.sum, ofY));
  return {sum, add(lost, add(x.rest, y.rest))};
}

/// Running sums of pairs: of the sums, exactly, and of the rests.
Pair RoleEmitter::sumPairs(CumsumOp op) {
  Location loc = op.getLoc();
  Pair input = inPair(op.getInput());
  if (!input)
    return {};
  auto sums = tile::CumsumOp::create(b, loc, input.sum, op.getExclusive(),
                                     op.getReverse(), /*withRest=*/true);
  Value rests = tile::CumsumOp::create(b, loc, input.rest, op.getExclusive(),
                                       op.getReverse())
                    .getResult();
  return {sums.getResult(),
          arith::AddFOp::create(b, loc, sums.getRest(), rests)};
}

Pair RoleEmitter::makePairOfSums(CumsumOp op) {
  if (elementOf(op.getInput()).isF64())
    return sumPairs(op);
  Value input = inRegisters(op.getInput());
  if (!input)
    return {};
  if (!elementOf(input).isF32() || isColumn(op.getInput())) {
    op.emitOpError("expects running sums of f32, to f32 or f64, in a kernel, "
                   "got ")
        << op.getInput().getType() << " to " << op.getType();
    return {};
  }
  auto sums = tile::CumsumOp::create(b, op.getLoc(), input, op.getExclusive(),
                                     op.getReverse(), /*withRest=*/true);
  return {sums.getResult(), sums.getRest()};
}

Pair RoleEmitter::makePairOfSteps(SumRowsOp op) {
  Pair input = inPair(op.getInput()), sum;
  for (int64_t step = 0; input && step != countSteps(op); ++step) {
    Pair term = forBoth(input, [&](Value v) { return takeStep(op, v, step); });
    sum = sum ? addPairs(sum, term, op.getLoc()) : term;
  }
  return sum;
}

Pair RoleEmitter::makePairOfRow(RowOp op) {
  Location loc = op.getLoc();
  if (rankedType(op.getInput()).getRank() == 1)
    return forBoth(inPair(op.getInput()), [&](Value v) {
      return tile::ExtractOp::create(b, loc, v, op.getIndex()).getResult();
    });
  return forBoth(inPairBuffer(op.getInput()), [&](Value buffer) {
    auto type = cast<tile::BufferType>(buffer.getType());
    auto rowType = tile::BufferType::get(b.getContext(), {1, type.getColumns()},
                                         type.getElementType(), 0);
    return load(op,
                tile::RowOp::create(b, loc, rowType, buffer, op.getIndex()));
  });
}

Pair RoleEmitter::makePair(Operation *op) {
  Location loc = op->getLoc();
  return TypeSwitch<Operation *, Pair>(op)
      .Case([&](CumsumOp o) { return makePairOfSums(o); })
      .Case([&](RowOp o) { return makePairOfRow(o); })
      .Case([&](SumRowsOp o) { return makePairOfSteps(o); })
      .Case([&](RepeatOp o) {
        FailureOr<Type> type = registerType(o, loc);
        if (failed(type))
          return Pair();
        return forBoth(inPair(o.getInput()), [&](Value v) {
          return tile::RepeatOp::create(b, loc, *type, v).getResult();
        });
      })
      .Case([&](BroadcastOp o) {
        FailureOr<Type> type = registerType(o, loc);
        if (failed(type))
          return Pair();
        bool isNumber = rankedType(o.getInput()).getRank() == 0;
        return repeatPair(o.getInput(), cast<RankedTensorType>(*type),
                          isNumber ? 0 : o.getDimensions()[0], loc);
      })
      .Case([&](arith::ExtFOp o) {
        Value v = inRegisters(o.getIn());
        v = v ? widen(v, loc) : v;
        return v ? Pair{v, zeros(v.getType(), loc)} : Pair();
      })
      .Case([&](ReduceOp o) {
        return forBoth(inPair(o.getInput()),
                       [&](Value v) { return reduceTile(o, v); });
      })
      .Case([&](arith::NegFOp o) {
        return forBoth(inPair(o.getOperand()), [&](Value v) {
          return arith::NegFOp::create(b, loc, v).getResult();
        });
      })
      .Case([&](arith::AddFOp o) {
        Pair x = inPair(o.getLhs()), y = x ? inPair(o.getRhs()) : Pair();
        return y ? addPairs(x, y, loc) : Pair();
      })
      .Case([&](PlaceRowOp o) {
        FailureOr<Type> type = registerType(o, loc);
        if (failed(type))
          return Pair();
        return forBoth(inPair(o.getInput()), [&](Value v) {
          return placeRow(v,
                          cast<RankedTensorType>(*type).clone(b.getF32Type()),
                          heldDim(o, 0), o.getIndex(), loc);
        });
      })
      .Case([&](arith::SubFOp o) {
        Pair x = inPair(o.getLhs()), y = x ? inPair(o.getRhs()) : Pair();
        return y ? subtract(x, y, loc) : Pair();
      })
      .Default([&](Operation *other) {
        other->emitError("expects running sums of f64 to be repeated, added, "
                         "subtracted and rounded to f32 in a kernel, got '")
            << other->getName() << "'";
        return Pair();
      });
}

Pair RoleEmitter::inPair(Value v) {
  v = BodyPlan::source(v);
  if (Pair held = pairs.lookup(v))
    return held;
  Operation *op = v.getDefiningOp();
  if (!op || isState()) {
    emitError(v.getLoc(), "expects values of f64 in a kernel to be running "
                          "sums that do not wait for the state");
    return {};
  }
  Pair made = makePair(op);
  if (made && !chunk::isRemade(op))
    pairs[v] = made;
  return made;
}

Pair RoleEmitter::inPairBuffer(Value v) {
  v = BodyPlan::source(v);
  if (Pair held = pairBuffers.lookup(v))
    return held;
  Pair registers = inPair(v);
  if (!registers)
    return {};
  auto store = [&](Value part) {
    auto type = cast<RankedTensorType>(part.getType());
    Value buffer =
        allocate(matrixBuffer(b.getContext(), type.getDimSize(0),
                              type.getDimSize(1), type.getElementType()),
                 v.getLoc());
    tile::StoreMatrixOp::create(b, v.getLoc(), part, buffer);
    return buffer;
  };
  // 8 bits more than a sum has are enough of the rest, and take less room.
  auto narrow =
      cast<RankedTensorType>(registers.rest.getType()).clone(b.getBF16Type());
  Value sum = store(registers.sum);
  Value rest = arith::TruncFOp::create(b, v.getLoc(), narrow, registers.rest);
  return pairBuffers[v] = {sum, store(rest)};
}

Value RoleEmitter::repeatMade(Value made, RankedTensorType type, int64_t along,
                              Location loc) {
  if (auto vector = dyn_cast<RankedTensorType>(made.getType());
      vector && vector.getRank() < type.getRank()) {
    auto slice = SliceAttr::get(b.getContext(), along,
                                cast<tile::AccAttr>(type.getEncoding()));
    auto sliced = RankedTensorType::get(vector.getShape(),
                                        vector.getElementType(), slice);
    made = tile::ConvertOp::create(b, loc, sliced, made);
  }
  return tile::BroadcastOp::create(b, loc, type, made);
}

Pair RoleEmitter::repeatPair(Value v, RankedTensorType type, int64_t along,
                             Location loc) {
  type = type.clone(b.getF32Type());
  return forBoth(inPair(v), [&](Value part) {
    return repeatMade(part, type, along, loc);
  });
}

Pair RoleEmitter::subtract(Pair x, Pair y, Location loc) {
  return {arith::SubFOp::create(b, loc, x.sum, y.sum),
          arith::SubFOp::create(b, loc, x.rest, y.rest)};
}

Value RoleEmitter::roundPair(Pair pair, Location loc) {
  return pair ? arith::AddFOp::create(b, loc, pair.sum, pair.rest).getResult()
              : Value();
}

Value RoleEmitter::makeDecays(Value gx, Value gy, RankedTensorType type,
                              Location loc) {
  Value exponent;
  if (elementOf(gx).isF64()) {
    Pair later = repeatPair(gx, type, 1, loc),
         earlier = later ? repeatPair(gy, type, 0, loc) : Pair();
    if (!earlier)
      return {};
    exponent = roundPair(subtract(later, earlier, loc), loc);
  } else {
    Value later = repeat(gx, type, 1, loc),
          earlier = later ? repeat(gy, type, 0, loc) : Value();
    if (!earlier)
      return {};
    exponent = arith::SubFOp::create(b, loc, later, earlier);
  }
  return math::ExpOp::create(b, loc, exponent);
}
