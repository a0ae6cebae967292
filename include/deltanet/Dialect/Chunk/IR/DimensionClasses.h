//===- DimensionClasses.h - which dimensions run together -------*- C++ -*-===//
// Dimensions that an operation of a body makes run together form a class. A
// class that some operation contracts or orders is bound; what is not bound are
// columns that do not meet (10): they may be split, or be more or fewer.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_DIALECT_CHUNK_IR_DIMENSIONCLASSES_H
#define DELTANET_DIALECT_CHUNK_IR_DIMENSIONCLASSES_H

#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "llvm/ADT/EquivalenceClasses.h"

namespace deltanet::chunk {

class DimensionClasses {
public:
  using Value = mlir::Value;
  using Operation = mlir::Operation;

  /// The classes of the body of `scan`.
  explicit DimensionClasses(ScanOp scan);

  /// An operation whose dimensions nothing is known of; null if there is none.
  /// With one, nothing else may be asked.
  Operation *getUnknown() const { return unknown; }
  /// The operation that binds dimension `dim` of `v`, or null.
  Operation *getBinder(Value v, int64_t dim) const;
  /// Whether two dimensions are of one class.
  bool together(Value x, int64_t dx, Value y, int64_t dy) const;
  /// The last dimension of `v` that nothing binds, or -1.
  int64_t findFree(Value v) const;

private:
  unsigned id(Value v, int64_t dim) const { return ids.lookup(v) + dim; }
  void number(Value v);
  void join(Value x, int64_t dx, Value y, int64_t dy);
  void joinAll(Value x, Value y);
  void joinRest(Value small, Value large, llvm::ArrayRef<int64_t> dropped);
  void bind(Value v, int64_t dim, Operation *op);
  void bindAll(Value v, Operation *op);
  /// False for an operation that it does not know.
  bool visit(Operation *op);
  void visitProduct(DotOp op);
  void visitProduct(DecayDotOp op);
  void visitProduct(DecayApplyOp op);
  void visitProduct(UnitLowerSolveOp op);
  void visitProduct(UnitLowerInverseOp op);

  unsigned next = 0;
  Operation *unknown = nullptr;
  llvm::DenseMap<Value, unsigned> ids;
  llvm::EquivalenceClasses<unsigned> classes;
  llvm::SmallVector<std::pair<unsigned, Operation *>> binders;
};

/// Whether `op` makes a tile that is cheaper to make again than to keep.
bool isRemade(mlir::Operation *op);

/// Gives every use in the body of `scan` a copy of its own of what is remade,
/// so that two uses in different places do not make their dimensions run
/// together. Constants from around the scan move in.
void separateUses(ScanOp scan);

} // namespace deltanet::chunk

#endif // DELTANET_DIALECT_CHUNK_IR_DIMENSIONCLASSES_H
