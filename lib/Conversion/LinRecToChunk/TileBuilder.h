//===- TileBuilder.h - builds arithmetic on tiles ---------------*- C++ -*-===//
// Shorthand for the operations of a chunk body: elementwise arithmetic with
// explicit broadcasts and conversions, products in a chosen element type.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_LINRECTOCHUNK_TILEBUILDER_H
#define DELTANET_LIB_CONVERSION_LINRECTOCHUNK_TILEBUILDER_H

#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"

namespace deltanet::linrec {

/// Builds tile operations at one location. Arithmetic is f32, or f64 where an
/// operand is; operands of products are rounded to `productType` first.
class TileBuilder {
public:
  using Value = mlir::Value;

  TileBuilder(mlir::OpBuilder &builder, mlir::Location loc,
              mlir::Type productType)
      : b(builder), loc(loc), productType(productType) {}

  static mlir::RankedTensorType typeOf(Value v) {
    return llvm::cast<mlir::RankedTensorType>(v.getType());
  }
  static int64_t extent(Value v, int64_t dim) {
    return typeOf(v).getDimSize(dim);
  }

  /// `v` with elements of `type`: extended, rounded or as it is.
  Value cast(Value v, mlir::Type type);
  Value f32(Value v) { return cast(v, b.getF32Type()); }
  Value product(Value v) { return cast(v, productType); }

  /// Elementwise in f32; an operand of fewer dimensions is repeated along the
  /// last dimensions of the other (a number per row times rows of channels).
  Value mul(Value x, Value y);
  Value add(Value x, Value y);
  Value sub(Value x, Value y);
  Value scale(Value x, double factor);
  /// exp of `x`, formed in f32.
  Value exp(Value x);
  Value max(Value x, double bound);

  /// `v` repeated along `dims` up to `shape`.
  Value broadcast(Value v, llvm::ArrayRef<int64_t> dims,
                  llvm::ArrayRef<int64_t> shape);
  Value row(Value v, int64_t index);
  Value repeat(Value v, int64_t rows);
  Value mask(Value v, Value count, int64_t steps);
  Value cumsum(Value v, mlir::Type type, bool exclusive);
  Value sumOverChannels(Value v);

  Value dot(Value x, Value y, bool transposeX = false, bool transposeY = false);
  /// Products whose sum is x y: with `twice`, and where products are not f32,
  /// one of the right operand rounded and one of what that took from it. The
  /// last bears `name`.
  llvm::SmallVector<Value, 2> dots(Value x, Value y, bool transposeX,
                                   bool twice, llvm::StringRef name);
  Value addAll(Value sum, llvm::ArrayRef<Value> terms);
  /// The lower triangle of x y^T with the decay between their rows; without
  /// gates the plain triangle.
  Value lowerProduct(Value x, Value y, Value gx, Value gy, bool strict);
  Value solve(Value lower, Value rhs);

  /// Gives `v` the name it has in the equations, for who reads the IR.
  Value name(Value v, llvm::StringRef name);

  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Type productType;

private:
  template <typename Op> Value elementwise(Value x, Value y);
};

} // namespace deltanet::linrec

#endif // DELTANET_LIB_CONVERSION_LINRECTOCHUNK_TILEBUILDER_H
