//===- Body.h - the programs over one chunk and one token -------*- C++ -*-===//
// What a recurrence gives its body, and the two derivations of that body.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_LINRECTOCHUNK_BODY_H
#define DELTANET_LIB_CONVERSION_LINRECTOCHUNK_BODY_H

#include "TileBuilder.h"
#include "deltanet/Dialect/LinRec/IR/LinRec.h"

namespace deltanet::linrec {

/// The tiles of one chunk; a value is null where the operand is absent.
struct Tiles {
  mlir::Value state;             // K x V
  mlir::Value count;             // tokens of the sequence in this chunk
  mlir::Value query, key, value; // C x K, nC x K, nC x V
  mlir::Value beta;              // nC
  mlir::Value decay;             // C, or C x K
  mlir::Value bonus;             // K
  mlir::Value a, b;              // C x K, of the general transition (21)
};

/// What is fixed for the whole body.
struct BodyOptions {
  double scale;
  ReadOut readOut;
  int64_t steps;
  mlir::Type gateType; // of running sums of log-decays
  /// Whether pseudo-values are multiplied in two parts on their way into the
  /// state, where an error stays, and into the output.
  bool exactUpdate = false, exactReadOut = false;
};

/// What a chunk gives.
struct BodyResult {
  mlir::Value output; // C x V, f32
  mlir::Value state;  // K x V, f32
};

/// The chunkwise algorithm, (2)-(9), (21)-(28).
BodyResult buildChunkBody(TileBuilder &t, const Tiles &in,
                          const BodyOptions &options);

/// The recurrence itself, (1), (21), (25), (28), for a chunk of one token.
BodyResult buildTokenBody(TileBuilder &t, const Tiles &in,
                          const BodyOptions &options);

/// Turns a selective scan into a chunk.scan of one token a chunk, (29).
void deriveSelectiveScan(SelectiveScanOp op, mlir::Type productType);

} // namespace deltanet::linrec

#endif // DELTANET_LIB_CONVERSION_LINRECTOCHUNK_BODY_H
