//===- SelectiveBody.cpp - the selective scan, token by token -------------===//
// (29) as a chunk.scan of one token a chunk. There are no heads: channels are
// the columns of one state, which never meet.
//===----------------------------------------------------------------------===//
#include "Body.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::linrec;
using chunk::AccessAttr;

namespace {
/// Inputs of the scan, and the slots of their tiles.
struct Input {
  StringRef name;
  Value tensor;
  AccessAttr access;
};
} // namespace

/// The body on the tiles of one token: h (K x V), x and delta (1 x V), a (K x
/// V), b and c (1 x K), skip (V, or null); y and the next h.
static std::pair<Value, Value> buildBody(TileBuilder &t, Value h, Value x,
                                         Value delta, Value a, Value b, Value c,
                                         Value skip) {
  ArrayRef<int64_t> shape = TileBuilder::typeOf(h).getShape();
  delta = t.f32(delta);
  x = t.f32(x);
  Value rate = t.mul(t.f32(a), t.broadcast(t.row(delta, 0), {0}, shape));
  Value written = t.dot(b, t.mul(delta, x), /*transposeX=*/true);
  h = t.add(t.mul(h, t.exp(rate)), written);
  Value y = t.dot(c, h);
  if (skip)
    y = t.add(y, t.mul(t.broadcast(t.f32(skip), {0}, {1, shape[1]}), x));
  return {y, h};
}

static SmallVector<Input> collectInputs(SelectiveScanOp op, OpBuilder &b) {
  auto access = [&](ArrayRef<int64_t> entries) {
    return AccessAttr::get(b.getContext(), entries);
  };
  AccessAttr rows = access({AccessAttr::Batch, AccessAttr::Token, 1});
  SmallVector<Input> inputs = {{"x", op.getInput(), rows},
                               {"delta", op.getDelta(), rows},
                               {"a", op.getA(), access({1, 0})},
                               {"b", op.getB(), rows},
                               {"c", op.getC(), rows}};
  if (op.getSkip())
    inputs.push_back({"skip", op.getSkip(), access({0})});
  return inputs;
}

void deltanet::linrec::deriveSelectiveScan(SelectiveScanOp op,
                                           Type productType) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  int64_t channels = op.getChannels(), width = op.getStateWidth();
  AccessAttr rows = AccessAttr::get(b.getContext(),
                                    {AccessAttr::Batch, AccessAttr::Token, 1});
  AccessAttr stored = AccessAttr::get(
      b.getContext(),
      {op.getIndices() ? AccessAttr::Pool : AccessAttr::Sequence, 1, 0});
  AccessAttr initAccess = stored;
  Value initial = op.getInitialState();
  auto stateType = RankedTensorType::get({width, channels}, b.getF32Type());
  if (!initial) {
    initAccess = AccessAttr::get(b.getContext(), {0, 1});
    initial = arith::ConstantOp::create(b, loc, b.getZeroAttr(stateType));
  }
  // A final state that nobody asked for is a result without uses.
  Type finalType = RankedTensorType::get(
      {op.getNumSequences(), channels, width}, b.getF32Type());
  if (op.getFinalState())
    finalType = op.getFinalState().getType();
  else if (op.getIndices())
    finalType = op.getInitialState().getType();

  SmallVector<Input> inputs = collectInputs(op, b);
  SmallVector<Value> tensors;
  SmallVector<Attribute> accesses;
  for (const Input &input : inputs) {
    tensors.push_back(input.tensor);
    accesses.push_back(input.access);
  }
  auto scan = chunk::ScanOp::create(
      b, loc, TypeRange{op.getOutput().getType(), finalType}, op.getCuSeqlens(),
      ValueRange(initial), tensors, op.getIndices(), b.getI64IntegerAttr(1),
      b.getArrayAttr({initAccess}), b.getArrayAttr(accesses),
      b.getArrayAttr({rows}), b.getArrayAttr({stored}), UnitAttr(),
      IntegerAttr());
  {
    OpBuilder::InsertionGuard guard(b);
    Block *block = b.createBlock(&scan.getBody());
    TileBuilder t(b, loc, productType);
    Value h = t.name(block->addArgument(stateType, loc), "h");
    t.name(block->addArgument(b.getIndexType(), loc), "n");
    SmallVector<Value> tiles;
    for (const Input &input : inputs)
      tiles.push_back(t.name(
          block->addArgument(
              chunk::getTileType(input.access,
                                 cast<RankedTensorType>(input.tensor.getType()),
                                 1),
              loc),
          input.name));
    auto [y, next] = buildBody(t, h, tiles[0], tiles[1], tiles[2], tiles[3],
                               tiles[4], op.getSkip() ? tiles[5] : Value());
    Value output = t.cast(y, op.getOutput().getType().getElementType());
    chunk::YieldOp::create(b, loc, ValueRange(output), ValueRange(next));
  }
  op->replaceAllUsesWith(scan.getResults().take_front(op->getNumResults()));
  op->erase();
}
