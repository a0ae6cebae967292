//===- RoleEmitter.h - one part of a chunk body as tiles --------*- C++ -*-===//
// Emits the operations of one part of a body (BodyPlan.h) where its values are
// to be: the state part column by column, transposed in registers; the ahead
// part by all its warps and through shared memory.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_CHUNKTOTILE_ROLEEMITTER_H
#define DELTANET_LIB_CONVERSION_CHUNKTOTILE_ROLEEMITTER_H

#include "BodyPlan.h"
#include "deltanet/Dialect/Tile/IR/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/MapVector.h"

namespace deltanet {

/// Where a value of the body is.
struct Held {
  mlir::Value registers; // a tile in registers, or a number
  mlir::Value buffer;    // as it is in the body, not transposed
};

/// A value of f64, held as two of f32: a running sum, and what rounding took
/// from it. Both in registers, or both in shared memory.
struct Pair {
  mlir::Value sum, rest;
  explicit operator bool() const { return sum && rest; }
};

/// Whether it is a product, whose operands lie in shared memory.
bool isProduct(mlir::Operation *op);

class RoleEmitter {
public:
  using Value = mlir::Value;
  enum class Part { Ahead, State };

  /// Emits at `b`; `warps` warps work together, in the state part on `width`
  /// columns. `allocate` gives shared memory.
  RoleEmitter(mlir::OpBuilder &b, chunk::ScanOp scan, const BodyPlan &plan,
              Part part, int64_t warps, int64_t width,
              std::function<Value(mlir::Type, mlir::Location)> allocate)
      : b(b), scan(scan), plan(plan), part(part), warps(warps), width(width),
        allocate(std::move(allocate)) {}

  /// What a value of the body is in this part.
  void bind(Value v, Held held) { values[v] = held; }
  /// What waits for `v` to arrive, emitted before its first use.
  void setArrival(Value v, std::function<void()> wait) {
    arrivals[v] = std::move(wait);
  }
  /// Where `v` goes as soon as it is made.
  void setDestination(Value v, Value buffer) { destinations[v] = buffer; }
  /// Rows of tokens in this chunk.
  void setCount(Value count) { this->count = count; }

  mlir::LogicalResult emit(llvm::ArrayRef<mlir::Operation *> operations);
  /// The same, but elementwise work is made where something reads it, unless
  /// `isNeeded` says that it is to be in shared memory.
  mlir::LogicalResult
  emitWork(llvm::ArrayRef<mlir::Operation *> operations,
           llvm::function_ref<bool(mlir::Operation *)> isNeeded);

  /// A value in registers; null after a diagnostic.
  Value inRegisters(Value v);
  /// A value in shared memory: a matrix as an operand of products or as f32, a
  /// vector or a number as one row of f32. Null after a diagnostic.
  Value inBuffer(Value v);

  /// `v` is in registers only from now on.
  void leaveBuffer(Value v) { values[v].buffer = Value(); }
  /// Whether a matrix is little work away from shared memory.
  bool isCheap(Value v) const;
  /// Matrices that are leave the registers: what uses them makes them again.
  void forgetCheap();

  /// The type of `v` in registers.
  mlir::FailureOr<mlir::Type> registerType(Value v) {
    return registerType(v, v.getLoc());
  }
  /// The buffer that holds `v`.
  tile::BufferType bufferType(Value v) const;
  /// Dimension `dim` of `v` as it is held.
  int64_t heldDim(Value v, int64_t dim) const;
  /// The dimensions of `v` that are longer in registers than in the body.
  bool isPadded(Value v, int64_t dim) const;
  /// The layout that warps of the ahead part share a matrix in.
  tile::AccAttr plainLayout(int64_t columns) const;

private:
  using Operation = mlir::Operation;

  bool isState() const { return part == Part::State; }
  bool isColumn(Value v) const {
    return isState() && plan.findColumn(v).has_value();
  }
  mlir::FailureOr<mlir::Type> registerType(Value v, mlir::Location loc);
  tile::AccAttr stateLayout() const;
  bool isCheap(Value v, unsigned &work) const;
  void arrive(Value v);
  Value roundedCarry(Value v) const;
  bool makeProductsOf(Value carried);
  Value load(Value v, Value buffer);
  Value storeMatrix(Value v, Value buffer);
  /// `fill` where `registers`, which holds `v`, is longer than `v`.
  Value clearPadding(Value v, Value registers, double fill = 0);
  /// `v`, a vector of the body, as a matrix of type `type` repeats it along
  /// dimension `along`.
  Value vectorAlong(Value v, mlir::RankedTensorType type, int64_t along,
                    mlir::Location loc);
  Value repeat(Value v, mlir::RankedTensorType type, int64_t along,
               mlir::Location loc);
  Value coordinate(mlir::RankedTensorType type, int64_t dim,
                   mlir::Location loc);
  Value zeros(mlir::Type type, mlir::Location loc);
  /// Zeros of `v` where column / steps > row, or >= with `strict`.
  Value lowerTriangle(Value v, bool strict, int64_t steps, mlir::Location loc);
  /// `v` where its coordinate along `dim` is below `limit`, else `fill`.
  Value below(Value v, int64_t dim, Value limit, mlir::Location loc,
              double fill = 0);
  Value widen(Value registers, mlir::Location loc);
  Value mma(Value lhs, Value rhs, Value init, bool transposeLhs,
            bool transposeRhs, mlir::Location loc);

  /// A value of f64; null after a diagnostic.
  Pair inPair(Value v);
  /// The same, a matrix, in shared memory.
  Pair inPairBuffer(Value v);
  /// Gates per channel; without rests where they are f32.
  Pair gatesInBuffer(Value v);
  Pair makePair(Operation *op);
  Pair makePairOfRow(chunk::RowOp op);
  Pair makePairOfSums(chunk::CumsumOp op);
  Pair makePairOfSteps(chunk::SumRowsOp op);
  /// `v`, a number or a vector of f64, as a matrix of f32 of `type`'s shape and
  /// layout repeats it along dimension `along`.
  Value repeatMade(Value made, mlir::RankedTensorType type, int64_t along,
                   mlir::Location loc);
  Value placeRow(Value made, mlir::RankedTensorType type, int64_t rows,
                 int64_t index, mlir::Location loc);
  Pair addPairs(Pair x, Pair y, mlir::Location loc);
  Pair sumPairs(chunk::CumsumOp op);
  Pair repeatPair(Value v, mlir::RankedTensorType type, int64_t along,
                  mlir::Location loc);
  /// The difference of two pairs; as one number where it is rounded.
  Pair subtract(Pair x, Pair y, mlir::Location loc);
  Value roundPair(Pair pair, mlir::Location loc);
  /// exp(gx[r] - gy[i]) of the gates of a product, one a row.
  Value makeDecays(Value gx, Value gy, mlir::RankedTensorType type,
                   mlir::Location loc);
  Value makeDecayApply(chunk::DecayApplyOp op);
  Value applyByChannel(chunk::DecayApplyOp op, Value matrix, mlir::Type result);
  Pair triangleInBuffer(chunk::DecayApplyOp op, Value matrix);
  /// Rows, the gates that they decay with, rows of y for each of x, and whether
  /// they are x of a product.
  using ScaledKey = std::pair<Value, std::pair<Value, unsigned>>;
  static ScaledKey scaledKey(Value rows, Value gx, Value gy, bool asX);
  void keepScaled(ScaledKey key, Value scaled, Value remainder,
                  const llvm::SmallDenseSet<Value> &borrowed);

  mlir::LogicalResult emit(Operation *op);
  Value make(Operation *op);
  Value makeElementwise(Operation *op);
  Value makeConstant(mlir::arith::ConstantOp op);
  Value makeProduct(chunk::DotOp op, Value init);
  Value remainderInBuffer(Value v);
  Value makeSum(mlir::arith::AddFOp op);
  Value makeDecayDot(chunk::DecayDotOp op);
  Value makeChannelDecayDot(chunk::DecayDotOp op);
  Value borrow(mlir::Type type, mlir::Location loc,
               llvm::SmallDenseSet<Value> &borrowed);
  bool keepsRemainders(chunk::DecayDotOp op) const;
  Value makeBroadcast(chunk::BroadcastOp op);
  Value makeMask(chunk::MaskTokensOp op);
  Value makeTril(chunk::TrilOp op);
  Value makeCumsum(chunk::CumsumOp op);
  Value reduceMatrix(Value matrix, tile::Combination kind, int64_t dim,
                     mlir::Location loc);
  Value asLanes(Value slice, mlir::Location loc);
  Value sumOfVector(Value vector, mlir::Location loc);
  Value makePlacedRow(chunk::PlaceRowOp op);
  Value reduceTile(chunk::ReduceOp op, Value input);
  Value makeReduction(chunk::ReduceOp op);
  Value makeRowDots(chunk::ReduceOp op);
  Value makeTranspose(chunk::TransposeOp op);
  Value makeRepetition(chunk::RepeatOp op);
  /// Rows that are one row of the result.
  static int64_t countSteps(chunk::SumRowsOp op) {
    return op.getInput().getType().getDimSize(0) /
           op.getResult().getType().getDimSize(0);
  }
  Value takeStep(chunk::SumRowsOp op, Value registers, int64_t step);
  Value makeSumOfSteps(chunk::SumRowsOp op);
  Value makeRow(chunk::RowOp op);
  Value makeInverse(chunk::UnitLowerInverseOp op);

  mlir::OpBuilder &b;
  chunk::ScanOp scan;
  const BodyPlan &plan;
  Part part;
  int64_t warps, width;
  std::function<Value(mlir::Type, mlir::Location)> allocate;
  Value count;
  llvm::DenseMap<Value, Held> values;
  llvm::DenseMap<Value, Pair> pairs, pairBuffers;
  /// Triangles of `decay_apply`, rounded and what that took, by matrix, gates,
  /// and whether the diagonal is zero.
  using TriangleKey =
      std::pair<std::pair<Value, Value>, std::pair<Value, unsigned>>;
  llvm::DenseMap<TriangleKey, Pair> triangles;
  llvm::DenseMap<ScaledKey, llvm::SmallVector<Value, 2>> scaledRows;
  llvm::DenseMap<Value, Value> remainders; // of rounded triangles
  llvm::DenseMap<Value, std::function<void()>> arrivals;
  llvm::MapVector<Value, Value> destinations; // walked, so in an order
};

} // namespace deltanet

#endif // DELTANET_LIB_CONVERSION_CHUNKTOTILE_ROLEEMITTER_H
