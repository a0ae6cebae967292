//===- BodyEmitter.h - a chunk body as loops of vector code -----*- C++ -*-===//
// Emits the straight-line program of a chunk body, operation by operation, as
// loops over tiles in memory whose innermost work is on whole vectors.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_CHUNKTOCPU_BODYEMITTER_H
#define DELTANET_LIB_CONVERSION_CHUNKTOCPU_BODYEMITTER_H

#include "BodyPlan.h"
#include "ScratchArena.h"
#include "mlir/IR/Builders.h"
#include <map>

namespace deltanet::cpu {

/// What the emitted code is shaped by.
struct EmitOptions {
  int64_t vectorBits = 256;
  /// Vector registers of the machine.
  int64_t registers = 16;
  /// The machine multiplies and adds in one instruction.
  bool fma = true;
  int64_t subChunk = 8;
  /// Elements in a vector, of whatever type: f32 fills a register.
  int64_t lanes() const { return vectorBits / 32; }
};

/// Values that were computed, by the body's value and the index; valid where
/// they dominate.
using Computed = std::map<llvm::SmallVector<uint64_t, 6>, mlir::Value>;

class BodyEmitter {
public:
  BodyEmitter(mlir::OpBuilder &b, mlir::Location loc,
              const EmitOptions &options, chunk::ScanOp scan,
              const BodyPlan &plan, ScratchArena &arena)
      : b(b), loc(loc), options(options), scan(scan), plan(plan), arena(arena) {
  }

  /// The body's `value` is in `tile`.
  void bind(mlir::Value value, Tile tile) { tiles[value] = std::move(tile); }
  /// The body's scalar `value` (the count of tokens, a captured value).
  void bindScalar(mlir::Value value, mlir::Value scalar) {
    scalars[value] = scalar;
  }
  /// `value` is to be stored in `tile`.
  void setDestination(mlir::Value value, Tile tile) {
    destinations[value] = std::move(tile);
  }
  /// Emits the body, its yield aside.
  mlir::LogicalResult emitBody();
  /// The tile of a stored value or argument.
  Tile tileOf(mlir::Value value);
  Tile allocate(llvm::ArrayRef<int64_t> shape, mlir::Type element) {
    return arena.allocate(shape, element, position);
  }
  /// Copies a tile into another of the same shape, converting elements.
  void copy(const Tile &from, const Tile &to);
  /// Stores one element everywhere, converted to the tile's type.
  void fill(const Tile &tile, mlir::Attribute element);

private:
  //===--- Building blocks
  //--------------------------------------------------===//
  mlir::Value index(int64_t i);
  mlir::Value add(mlir::Value a, mlir::Value c);
  mlir::Value addConstant(mlir::Value a, int64_t c);
  mlir::Value mulConstant(mlir::Value a, int64_t c);
  mlir::VectorType vectorOf(mlir::Type element);
  mlir::Value splat(mlir::Value scalar);
  /// x y + sum, on vectors.
  mlir::Value multiplyAdd(mlir::Value x, mlir::Value y, mlir::Value sum);
  mlir::Value constant(mlir::Type type, double value);
  mlir::Value loadVector(const Tile &tile, mlir::ValueRange at);
  mlir::Value loadScalar(const Tile &tile, mlir::ValueRange at);
  void storeVector(mlir::Value vector, const Tile &tile, mlir::ValueRange at);
  void storeScalar(mlir::Value scalar, const Tile &tile, mlir::ValueRange at);
  /// Converts a float (vector) to `element`.
  mlir::Value convert(mlir::Value value, mlir::Type element);
  /// i1 per lane: start + lane < limit.
  mlir::Value lanesBelow(mlir::Value start, mlir::Value limit);
  void loop(mlir::Value lo, mlir::Value hi, int64_t step,
            llvm::function_ref<void(mlir::Value)> body);
  void loop(int64_t lo, int64_t hi, int64_t step,
            llvm::function_ref<void(mlir::Value)> body);
  mlir::SmallVector<mlir::Value>
  loop(mlir::Value lo, mlir::Value hi, mlir::ValueRange start,
       llvm::function_ref<mlir::SmallVector<mlir::Value>(mlir::Value,
                                                         mlir::ValueRange)>
           body);
  /// Loops over every dimension but the last.
  void loopRows(llvm::ArrayRef<int64_t> shape,
                llvm::function_ref<void(mlir::ValueRange)> body);
  /// Vectors of a row.
  int64_t vectorsOf(int64_t width) const {
    return (width + options.lanes() - 1) / options.lanes();
  }

  //===--- Expressions
  //------------------------------------------------------===//
  /// The elements of `value` at `at`: whole vectors from the last index on, or
  /// the one element.
  mlir::Value evaluate(mlir::Value value, mlir::ValueRange at, bool vector,
                       Computed &computed);
  mlir::Value evaluateOp(mlir::Operation *op, mlir::ValueRange at, bool vector,
                         Computed &computed);
  mlir::Value evaluateElementwise(mlir::Operation *op, mlir::ValueRange at,
                                  bool vector, Computed &computed);
  mlir::Value evaluateMask(chunk::MaskTokensOp op, mlir::ValueRange at,
                           bool vector, Computed &computed);
  mlir::Value gatherRepeat(chunk::RepeatOp op, mlir::Value start);
  /// Computes, before the loop over a row's vectors, what is the same for all.
  void evaluateRowInvariants(mlir::Value value, mlir::ValueRange row,
                             Computed &computed);
  /// `value` at `at` is the vector `known`.
  static void bindComputed(mlir::Value value, mlir::ValueRange at,
                           mlir::Value known, Computed &computed);
  void emitExpression(mlir::Operation *op);

  //===--- Operations
  //-------------------------------------------------------===//
  mlir::LogicalResult emit(mlir::Operation *op);
  Tile destinationOf(mlir::Value value);
  void emitConstant(mlir::Value value, mlir::DenseElementsAttr elements);
  void emitCumsum(chunk::CumsumOp op);
  void emitReduce(chunk::ReduceOp op);
  mlir::Value reduceAlong(chunk::ReduceOp op, llvm::SmallVector<mlir::Value> at,
                          int64_t dim, mlir::Value sum);
  void reduceEvery(chunk::ReduceOp op, const Tile &out,
                   llvm::SmallVector<mlir::Value> at,
                   llvm::SmallVector<mlir::Value> outAt, int64_t dim);
  void emitPlaceRow(chunk::PlaceRowOp op);
  void emitSumRows(chunk::SumRowsOp op);
  void emitTranspose(const Tile &from, const Tile &to);
  void emitDot(chunk::DotOp op, mlir::Operation *root);
  void emitDecayDot(chunk::DecayDotOp op);
  void emitDecayDotRows(chunk::DecayDotOp op, const Tile &out);
  void emitDecayDotChannels(chunk::DecayDotOp op, const Tile &out);
  mlir::Value decayBetween(mlir::Value to, mlir::Value from, mlir::Value keep);
  mlir::Value triangleEnd(mlir::Value row, int64_t steps, bool strict);
  mlir::Value sumOfLanes(mlir::Value vector);
  void emitTriangle(const Tile &out, const Tile &gx, const Tile &gy,
                    bool strict,
                    llvm::function_ref<mlir::Value(mlir::ValueRange)> product);
  void emitScaledRows(const Tile &from, const Tile &plus, mlir::Value plusRow,
                      const Tile &minus, mlir::Value minusRow, mlir::Value lo,
                      mlir::Value hi, const Tile &to);
  void emitChannelProduct(chunk::DecayDotOp op, const Tile &out,
                          mlir::Value row, mlir::Value column);
  void emitDecayApply(chunk::DecayApplyOp op);
  void emitDecayApplyRows(chunk::DecayApplyOp op, const Tile &out);
  void emitDecayApplyChannels(chunk::DecayApplyOp op, const Tile &out);
  void emitSolve(mlir::Value lower, const Tile *rhs, const Tile &out,
                 bool transpose);

  /// `value` as f32 (as it is, or a converted copy).
  Tile asF32(mlir::Value value);
  /// The transpose of `value` as f32.
  Tile transposed(mlir::Value value);
  /// `value` as f32 with rows close together.
  Tile packed(mlir::Value value);

  friend class Product;

  mlir::OpBuilder &b;
  mlir::Location loc;
  EmitOptions options;
  chunk::ScanOp scan;
  const BodyPlan &plan;
  ScratchArena &arena;
  /// The place of the operation being emitted in the body.
  int64_t position = 0;
  llvm::DenseMap<mlir::Value, Tile> tiles, destinations;
  llvm::DenseMap<mlir::Value, mlir::Value> scalars;
  llvm::DenseMap<std::pair<mlir::Value, int>, Tile> derived;
};

} // namespace deltanet::cpu

#endif // DELTANET_LIB_CONVERSION_CHUNKTOCPU_BODYEMITTER_H
