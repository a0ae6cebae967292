//===- BodyPlan.h - which part of a body is whose work ---------*- C++ -*-===//
// The columns of the state do not meet (10): which dimension of which value
// runs over them. What waits for the state and what does not, and what crosses
// from the one to the other.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_CHUNKTOTILE_BODYPLAN_H
#define DELTANET_LIB_CONVERSION_CHUNKTOTILE_BODYPLAN_H

#include "deltanet/Dialect/Chunk/IR/DimensionClasses.h"
#include "llvm/ADT/SetVector.h"

namespace deltanet {

/// A body in two parts. The *state* part is what waits for a carried value: its
/// values have the columns, the dimension that nothing contracts or orders, and
/// are split by it. The *ahead* part is everything else. A scan without carries
/// has no state part.
class BodyPlan {
public:
  using Value = mlir::Value;

  /// Analyses the body of `scan`; says why where it cannot be split so.
  static mlir::FailureOr<BodyPlan> create(chunk::ScanOp scan);

  /// The dimension of `v` that runs over the columns.
  std::optional<int64_t> findColumn(Value v) const {
    auto it = columns.find(v);
    return it == columns.end() ? std::nullopt
                               : std::optional<int64_t>(it->second);
  }
  /// Whether `v` depends on a carried value.
  bool waits(Value v) const { return waiting.contains(v); }
  /// Columns of the state; 0 without carries.
  int64_t getNumColumns() const { return numColumns; }
  /// The extent that a dimension of `extent` elements has in a kernel: whole
  /// tiles of 16, and of rows of several steps a token as many times the tokens
  /// as there are steps.
  int64_t pad(int64_t extent) const;
  /// Whether one block must have all columns: something is reduced over them.
  bool needsAllColumns() const { return allColumns; }

  /// The operations of each part, in order.
  llvm::ArrayRef<mlir::Operation *> getAhead() const { return ahead; }
  llvm::ArrayRef<mlir::Operation *> getState() const { return state; }
  /// What the ahead part makes for the state part: matrices that are operands
  /// of products, vectors and numbers.
  llvm::ArrayRef<Value> getCrossing() const { return crossing.getArrayRef(); }
  /// Arguments that each part reads itself.
  bool isReadAhead(Value argument) const {
    return readAhead.contains(argument);
  }
  bool isReadByState(Value argument) const {
    return readByState.contains(argument);
  }

  /// `v` without the operations that change nothing in a kernel: rows past the
  /// end of a sequence read as zero, so that a mask of an argument is the
  /// argument.
  static Value source(Value v);

private:
  explicit BodyPlan(chunk::ScanOp scan) : scan(scan) {}
  mlir::LogicalResult findColumns();
  void findWaiting();
  mlir::LogicalResult split();
  mlir::LogicalResult requireState(Value v);
  mlir::LogicalResult requireStateOperand(mlir::Operation *user, Value v);
  void requireAhead(Value v);

  chunk::ScanOp scan;
  int64_t numColumns = 0;
  bool allColumns = false;
  llvm::DenseMap<Value, int64_t> columns;
  llvm::DenseSet<Value> waiting, readAhead, readByState;
  llvm::DenseSet<mlir::Operation *> inAhead, inState;
  llvm::SmallVector<mlir::Operation *> ahead, state;
  llvm::SetVector<Value> crossing;
};

} // namespace deltanet

#endif // DELTANET_LIB_CONVERSION_CHUNKTOTILE_BODYPLAN_H
