//===- EmitSolve.cpp - unit triangular systems ----------------------------===//
// Substitution in blocks of rows: the rows before a block by a product, the
// rows within it in registers. Equations (5), (6), (13).
//===----------------------------------------------------------------------===//
#include "Product.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::cpu;

void BodyEmitter::emitSolve(Value lowerValue, const Tile *rhs, const Tile &out,
                            bool transpose) {
  Tile lower = tileOf(lowerValue);
  int64_t rows = out.shape[0], width = out.shape[1];
  arena.touch(out, position);
  // out[r] = rhs[r] - sum over the rows solved before of lower[r, i] out[i].
  Product product(*this, lower, transpose, out, rows, width, rows);
  product.negate = true;
  product.backward = transpose;
  product.start = [&](Value row, Value col) -> Value {
    if (rhs)
      return loadVector(*rhs, {row, col});
    Value one = lanesBelow(col, addConstant(row, 1));
    Value none = lanesBelow(col, row);
    Value diagonal = arith::XOrIOp::create(b, loc, one, none);
    VectorType type = vectorOf(b.getF32Type());
    return arith::SelectOp::create(b, loc, diagonal, constant(type, 1),
                                   constant(type, 0));
  };
  product.range = [&](Value row, Value col,
                      int64_t count) -> std::pair<Value, Value> {
    if (transpose)
      return {addConstant(row, count), index(rows)};
    // Columns of the inverse are zero above the diagonal.
    return {rhs ? index(0) : col, row};
  };
  product.finishBlock = [&](Value row, Value col,
                            MutableArrayRef<SmallVector<Value>> block) {
    int64_t count = block.size();
    for (int64_t step = 0; step < count; ++step) {
      int64_t r = transpose ? count - 1 - step : step;
      // The rows of the block that are solved already.
      for (int64_t done = 0; done < step; ++done) {
        int64_t i = transpose ? count - 1 - done : done;
        Value at[2] = {addConstant(row, r), addConstant(row, i)};
        if (transpose)
          std::swap(at[0], at[1]);
        Value factor =
            arith::NegFOp::create(b, loc, splat(loadScalar(lower, at)));
        for (auto [x, known] : llvm::zip(block[r], block[i]))
          x = multiplyAdd(factor, known, x);
      }
      for (auto [v, x] : llvm::enumerate(block[r]))
        storeVector(
            x, out,
            {addConstant(row, r), addConstant(col, v * options.lanes())});
    }
  };
  product.emit();
}
