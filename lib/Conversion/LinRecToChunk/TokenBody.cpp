//===- TokenBody.cpp - the recurrence itself, token by token
//---------------===//
// The definition in code: (1), (21), (25), (28) for a chunk of one token, whose
// rows are the token's steps.
//===----------------------------------------------------------------------===//
#include "Body.h"

using namespace mlir;
using namespace deltanet::linrec;

/// Row `index` of a matrix as a matrix of one row.
static Value rowMatrix(TileBuilder &t, Value v, int64_t index) {
  if (t.extent(v, 0) == 1)
    return v;
  return t.broadcast(t.row(v, index), {0}, {1, t.extent(v, 1)});
}

/// Diag(exp(decay)) S.
static Value decayedState(TileBuilder &t, const Tiles &in) {
  if (!in.decay)
    return in.state;
  Value factor = t.row(t.exp(t.max(t.f32(in.decay), kLogDecayFloor)), 0);
  if (TileBuilder::typeOf(factor).getRank() == 1)
    return t.mul(in.state, factor);
  return t.mul(in.state, t.broadcast(factor, {0, 1},
                                     TileBuilder::typeOf(in.state).getShape()));
}

BodyResult deltanet::linrec::buildTokenBody(TileBuilder &t, const Tiles &in,
                                            const BodyOptions &options) {
  bool before = options.readOut == ReadOut::Before;
  Value state = decayedState(t, in);
  Value u;
  if (in.a) { // (21)
    Value aS = t.dot(in.a, in.state);
    state = t.add(t.add(state, t.dot(in.b, aS, true)),
                  t.dot(in.key, in.value, true));
  } else { // (1), for every step of the token (25)
    for (int64_t j = 0; j != options.steps; ++j) {
      Value k = rowMatrix(t, in.key, j);
      u = t.f32(rowMatrix(t, in.value, j));
      if (in.beta) {
        Value beta = t.broadcast(t.row(in.beta, j), {0}, {1});
        u = t.mul(t.sub(u, t.dot(k, state)), beta);
      }
      state = t.add(state, t.dot(k, u, true));
    }
  }
  Value o = t.dot(in.query, before ? in.state : state);
  if (in.bonus) { // (28)
    auto shape = TileBuilder::typeOf(in.query).getShape();
    Value qu = t.mul(in.query, t.broadcast(in.bonus, {0}, shape));
    o = t.add(o, t.mul(u, t.sumOverChannels(t.mul(qu, in.key))));
  }
  return {t.scale(o, options.scale), state};
}
