//===- Gradient.h - reverse mode over a chunk body --------------*- C++ -*-===//
// What the rule of an operation is written with: who wants a gradient, adding
// to one, and the arithmetic of tiles that rules need.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_DIALECT_CHUNK_IR_GRADIENT_H
#define DELTANET_DIALECT_CHUNK_IR_GRADIENT_H

#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseSet.h"

namespace deltanet::chunk {

/// Gradients are f32, those of f64 values f64, whatever narrower type the value
/// has: what is summed is never rounded in between. Operands of products have
/// the type that the forward product has.
class GradientBuilder {
public:
  using Value = mlir::Value;
  using Type = mlir::Type;
  using Dims = llvm::ArrayRef<int64_t>;

  /// Emits at the place of `b`; products that no forward product gives a type
  /// have operands of `products`; `count` is the body's count of tokens.
  GradientBuilder(mlir::OpBuilder &b, Type products, Value count)
      : b(b), products(products), count(count), loc(b.getUnknownLoc()) {}

  //===--- Gradients
  //--------------------------------------------------------===//
  /// Whether the gradient of `v` leads to one that is asked for.
  bool wants(Value v) const { return active.contains(v); }
  void setWanted(Value v) { active.insert(v); }
  /// Adds a term to the gradient of `v`, if it is wanted.
  void add(Value v, Value gradient);
  /// The sum of what was added for `v`, named d and the name of v; null if
  /// nothing was.
  Value take(Value v);
  /// The type in which gradients of `v` are summed.
  static mlir::RankedTensorType gradientType(Value v);

  //===--- Rows past the end
  //------------------------------------------------===//
  /// The rows of `v` are tokens, so many for each.
  void setRows(Value v, int64_t rowsPerToken) { rows[v] = rowsPerToken; }
  /// `v`, ready to be summed over rows: where rows past the end might not be
  /// finite (what a prologue makes of zeros), zero there. Gradients that `take`
  /// gives are so already.
  Value finite(Value v) { return finite(v, v); }

  //===--- Arithmetic
  //-------------------------------------------------------===//
  static mlir::RankedTensorType typeOf(Value v) {
    return llvm::cast<mlir::RankedTensorType>(v.getType());
  }
  /// `v` in another element type.
  Value cast(Value v, Type element);
  /// `v` in the element type in which its gradient is summed.
  Value wide(Value v) { return cast(v, gradientType(v).getElementType()); }
  /// `v` in the element type of `like`.
  Value as(Value v, Value like) {
    return cast(v, typeOf(like).getElementType());
  }
  /// `v` as operand of a product.
  Value operand(Value v) { return cast(v, products); }
  Value constant(Value like, double value);
  Value mul(Value x, Value y);
  Value plus(Value x, Value y);
  Value negate(Value x);
  Value broadcast(Value v, Dims dims, Dims shape);
  Value sum(Value v, Dims dims);
  Value tril(Value v, bool strict);
  /// The product of two tiles of one element type.
  Value dot(Value x, Value y, bool transposeX, bool transposeY);

  mlir::OpBuilder &builder() { return b; }
  mlir::Location getLoc() const { return loc; }
  void setLoc(mlir::Location place) { loc = place; }

private:
  Value finite(Value v, Value like);
  bool mayBeInfinite(Value v);
  void mergeProducts(llvm::SmallVectorImpl<Value> &summands);
  Value mergeTwo(Value x, Value y);
  Value addOperands(Value x, Value y, bool transposeY);

  mlir::OpBuilder &b;
  Type products;
  Value count;
  mlir::Location loc;
  llvm::DenseSet<Value> active;
  llvm::DenseMap<Value, llvm::SmallVector<Value>> terms;
  llvm::DenseMap<Value, int64_t> rows;
  /// How many gradients a term is part of.
  llvm::DenseMap<Value, int64_t> shares;
  llvm::DenseMap<std::pair<Value, Type>, Value> converted;
  llvm::DenseMap<Value, Value> masked;
  llvm::DenseMap<Value, bool> infinite;
};

} // namespace deltanet::chunk

#endif // DELTANET_DIALECT_CHUNK_IR_GRADIENT_H
