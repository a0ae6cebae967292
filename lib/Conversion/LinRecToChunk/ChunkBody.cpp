//===- ChunkBody.cpp - the chunkwise algorithm of a recurrence
//-------------===//
// One builder for the whole family: decay, rule, rank and read-out decide which
// of the equations (2)-(9), (21)-(28) appear.
//===----------------------------------------------------------------------===//
#include "Body.h"

using namespace mlir;
using namespace deltanet::linrec;

namespace {

/// Running sums of the log-decay at the rows of queries and of keys, (2); null
/// without decay. The sums before a row serve (22) and (28).
struct Gates {
  Value sum, before; // at tokens
  Value keySum;      // at steps of tokens
  Value last;        // of the whole chunk: a scalar or one per channel
  bool perChannel = false;
  explicit operator bool() const { return bool(sum); }
};

class ChunkBody {
public:
  ChunkBody(TileBuilder &t, const Tiles &in, const BodyOptions &options)
      : t(t), in(in), options(options) {}

  BodyResult build();

private:
  void maskTiles();
  void buildGates();

  /// exp(gate) x, as the left operand of a product with the state: a number per
  /// row multiplies the product, one per channel the operand.
  Value decayedDot(Value x, Value y, Value gate);
  /// What rows of this chunk leave in the state, (9): products whose sum is
  /// (x exp(last - sum))^T y.
  SmallVector<Value, 2> intoState(Value x, Value y, StringRef name);
  /// exp(last) S, what is left of the state at the end.
  Value decayedState();

  Value pseudoValues();
  Value readOut(Value u);
  BodyResult buildDplr();

  TileBuilder &t;
  Tiles in;
  const BodyOptions &options;
  Gates gates;
};

} // namespace

/// The name the derivation gave an argument of the body.
static StringRef nameOf(Value tile) {
  return cast<NameLoc>(tile.getLoc()).getName().getValue();
}

void ChunkBody::maskTiles() {
  // Queries past the end only reach rows that are not written.
  for (auto [tile, steps] :
       {std::pair<Value *, int64_t>{&in.key, options.steps},
        {&in.value, options.steps},
        {&in.beta, options.steps},
        {&in.decay, 1},
        {&in.a, 1},
        {&in.b, 1}})
    if (*tile)
      *tile = t.name(t.mask(*tile, in.count, steps), nameOf(*tile));
}

void ChunkBody::buildGates() {
  if (!in.decay)
    return;
  // exp() is zero below the floor, and differences of sums stay finite above
  // it.
  Value decay = t.max(t.f32(in.decay), kLogDecayFloorOfSums);
  int64_t tokens = t.extent(decay, 0);
  gates.perChannel = TileBuilder::typeOf(decay).getRank() == 2;
  gates.sum = t.name(t.cumsum(decay, options.gateType, /*exclusive=*/false),
                     "g"); // (2)
  if (in.a || options.readOut == ReadOut::Before)
    gates.before = t.name(t.cumsum(decay, options.gateType, /*exclusive=*/true),
                          "g_before");
  gates.keySum = t.repeat(gates.sum, tokens * options.steps); // (25)
  gates.last = t.name(t.row(gates.sum, tokens - 1), "g_last");
}

Value ChunkBody::decayedDot(Value x, Value y, Value gate) {
  if (!gate)
    return t.dot(x, y);
  Value factor = t.exp(gate);
  if (gates.perChannel)
    return t.dot(t.mul(x, factor), y);
  return t.mul(t.dot(x, y), factor);
}

SmallVector<Value, 2> ChunkBody::intoState(Value x, Value y, StringRef name) {
  if (gates) {
    auto shape = TileBuilder::typeOf(gates.keySum).getShape();
    Value last = t.broadcast(gates.last, {0}, shape);
    Value factor = t.exp(t.sub(last, gates.keySum));
    Value &decayed = gates.perChannel ? x : y;
    decayed = t.mul(decayed, factor);
  }
  return t.dots(x, y, /*transposeX=*/true, options.exactUpdate, name);
}

Value ChunkBody::decayedState() {
  if (!gates)
    return in.state;
  if (gates.perChannel) // one per key channel: the rows of the state
    return t.mul(in.state, t.exp(gates.last));
  // The last of the numbers that multiply rows.
  Value factor = t.row(t.exp(gates.sum), t.extent(gates.sum, 0) - 1);
  return t.mul(in.state, t.broadcast(factor, {0, 1},
                                     TileBuilder::typeOf(in.state).getShape()));
}

Value ChunkBody::pseudoValues() {
  if (!in.beta)
    return t.f32(in.value); // (26)
  Value kS = t.name(decayedDot(in.key, in.state, gates.keySum), "kS");
  Value x = t.name(t.sub(in.value, kS), "X"); // (3)
  Value kk = t.name(
      t.lowerProduct(in.key, in.key, gates.keySum, gates.keySum, true), "kk");
  Value lower = t.name(t.mul(kk, in.beta), "L"); // (4)
  Value y = t.name(t.mul(x, in.beta), "Y");
  return t.name(t.solve(lower, y), "U"); // (5), (6)
}

Value ChunkBody::readOut(Value u) {
  bool before = options.readOut == ReadOut::Before;
  Value gate = before ? gates.before : gates.sum;
  Value m = t.name(t.lowerProduct(in.query, in.key, gate, gates.keySum, before),
                   "M"); // (7), (28)
  Value qS = t.name(decayedDot(in.query, in.state, gate), "qS");
  Value o = t.addAll(qS, t.dots(m, u, /*transposeX=*/false,
                                options.exactReadOut, "MU")); // (8)
  if (in.bonus) {
    auto shape = TileBuilder::typeOf(in.query).getShape();
    Value qu = t.mul(in.query, t.broadcast(in.bonus, {0}, shape));
    Value own = t.sumOverChannels(t.mul(qu, in.key));
    o = t.add(o, t.mul(u, own)); // (28)
  }
  return t.name(t.scale(o, options.scale), "O");
}

BodyResult ChunkBody::buildDplr() {
  bool before = options.readOut == ReadOut::Before;
  Value gate = before ? gates.before : gates.sum;
  Value aB =
      t.name(t.lowerProduct(in.a, in.b, gates.before, gates.sum, true), "A_ab");
  Value aK = t.name(t.lowerProduct(in.a, in.key, gates.before, gates.sum, true),
                    "A_ak");
  Value aS = t.name(decayedDot(in.a, in.state, gates.before), "aS");
  Value w = t.name(t.add(aS, t.dot(aK, in.value)), "Y");
  Value u = t.name(t.solve(t.scale(aB, -1.0), w), "U"); // (22)
  Value qB =
      t.name(t.lowerProduct(in.query, in.b, gate, gates.sum, before), "A_qb");
  Value qK =
      t.name(t.lowerProduct(in.query, in.key, gate, gates.sum, before), "A_qk");
  Value qS = t.name(decayedDot(in.query, in.state, gate), "qS");
  Value o = t.add(t.add(qS, t.dot(qB, u)), t.dot(qK, in.value)); // (23)
  Value state = t.addAll(decayedState(), intoState(in.b, u, "bU"));
  state = t.addAll(state, intoState(in.key, in.value, "kV")); // (24)
  return {t.name(t.scale(o, options.scale), "O"), t.name(state, "S_next")};
}

BodyResult ChunkBody::build() {
  maskTiles();
  buildGates();
  if (in.a)
    return buildDplr();
  Value u = pseudoValues();
  Value o = readOut(u);
  SmallVector<Value, 2> kU = intoState(in.key, u, "kU");
  return {o, t.name(t.addAll(decayedState(), kU), "S_next")}; // (9)
}

BodyResult deltanet::linrec::buildChunkBody(TileBuilder &t, const Tiles &in,
                                            const BodyOptions &options) {
  return ChunkBody(t, in, options).build();
}
