//===- DecayParts.h - parts of triangles of products -----------*- C++ -*-===//
// Operands of products with decays per channel as a warp takes them: 16 rows or
// 8 and 16 channels at a time, and products of such parts.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_TILETONVVM_DECAYPARTS_H
#define DELTANET_LIB_CONVERSION_TILETONVVM_DECAYPARTS_H

#include "Decay.h"
#include "MatrixReader.h"
#include "Mma.h"

namespace deltanet::tile {

/// Parts of operands as their warp holds them, of 16 rows (left) or 8 (right)
/// and 16 channels, and products of them. As f32 the left part is two tiles of
/// 16 x 8 of an accumulator, the right one two lane's pairs.
class PartProduct {
public:
  /// 16-bit operands stay so; others are tf32. With `remainders` what rounding
  /// to 16 bits takes from an operand counts, too.
  PartProduct(Emit &emit, mlir::Type element, Precision precision,
              bool remainders)
      : emit(emit), element(element), tf32(emit, precision),
        remainders(remainders) {}

  struct Part {
    llvm::SmallVector<mlir::Value> packed, remainder;
    llvm::SmallVector<Tf32::Operand, 2> halves;
  };
  Part packed(llvm::ArrayRef<mlir::Value> registers,
              llvm::ArrayRef<mlir::Value> remainder) {
    return {llvm::SmallVector<mlir::Value>(registers),
            llvm::SmallVector<mlir::Value>(remainder),
            {}};
  }
  Part left(llvm::ArrayRef<mlir::Value> v) {
    if (is16())
      return pack(v);
    return {{}, {}, {tf32.left(v.take_front(4)), tf32.left(v.drop_front(4))}};
  }
  Part right(llvm::ArrayRef<mlir::Value> v) {
    if (is16())
      return pack(v);
    return {{}, {}, {tf32.right(v[0], v[1]), tf32.right(v[2], v[3])}};
  }
  /// Adds the product to the first of the sums; products with a remainder to
  /// sums of their own, the second and the third.
  void multiply(const Part &a, const Part &b,
                llvm::ArrayRef<llvm::MutableArrayRef<mlir::Value>> sums) {
    if (is16()) {
      if (!a.remainder.empty())
        mmaSync(emit, element, 16, a.remainder, b.packed, sums[1]);
      if (!b.remainder.empty())
        mmaSync(emit, element, 16, a.packed, b.remainder, sums[2]);
      mmaSync(emit, element, 16, a.packed, b.packed, sums[0]);
    }
    for (auto [x, y] : llvm::zip(a.halves, b.halves))
      tf32.multiply(x, y, sums[0]);
  }

private:
  bool is16() const { return !element.isF32(); }
  Part pack(llvm::ArrayRef<mlir::Value> v) {
    Part part;
    for (size_t i = 0; i != v.size(); i += 2) {
      mlir::Value pair = emit.pack(v[i], v[i + 1], element);
      part.packed.push_back(pair);
      if (remainders)
        part.remainder.push_back(
            packRemainder(emit, v[i], v[i + 1], pair, element));
    }
    return part;
  }

  Emit &emit;
  mlir::Type element;
  Tf32 tf32;
  bool remainders;
};

/// 16 rows or 8 of a buffer, 16 channels at a time.
class PartReader {
public:
  PartReader(Emit &emit, mlir::Value buffer, BufferType type, mlir::Value row,
             mlir::Value channel, int64_t rows)
      : emit(emit), element(type.getElementType()), rows(rows) {
    // The blocks of a right operand of 16 rows come as two of 8.
    if (element.isF32())
      pairs.emplace(emit, buffer, type, row, channel, false);
    else
      blocks.emplace(emit, buffer, type, row, channel,
                     rows == 16 ? BlockOrder::Down : BlockOrder::Across, false);
  }
  bool is16() const { return blocks.has_value(); }
  /// As they are stored.
  llvm::SmallVector<mlir::Value> packed(int64_t row, int64_t channel) {
    return blocks->read(row, channel, rows == 16 ? 4 : 2);
  }
  /// As f32, one 16 x 8 tile after the other, or one pair.
  llvm::SmallVector<mlir::Value> numbers(int64_t row, int64_t channel) {
    llvm::SmallVector<mlir::Value> values;
    if (is16()) {
      for (mlir::Value pair : packed(row, channel))
        for (bool high : {false, true})
          values.push_back(emit.unpack(pair, high, element));
      return values;
    }
    for (int64_t half : {0, 8}) {
      if (rows == 16) {
        llvm::append_range(values, pairs->readTile(row, channel + half));
        continue;
      }
      auto [first, second] = pairs->read(row, channel + half);
      values.append({first, second});
    }
    return values;
  }

private:
  Emit &emit;
  mlir::Type element;
  int64_t rows;
  std::optional<MatrixReader> blocks;
  std::optional<PairReader> pairs;
};

/// A scaled operand in shared memory, with what rounding took from it where
/// that is there.
class ScaledReader {
public:
  ScaledReader(Emit &emit, mlir::Value buffer, mlir::Value remainder,
               BufferType type, mlir::Value row, mlir::Value channel,
               int64_t rows)
      : emit(emit), scaled(emit, buffer, type, row, channel, rows) {
    if (remainder)
      rest.emplace(emit, remainder, type, row, channel, rows);
  }
  PartProduct::Part left(PartProduct &product, int64_t channel) {
    return scaled.is16() ? packed(product, 0, channel)
                         : product.left(scaled.numbers(0, channel));
  }
  PartProduct::Part right(PartProduct &product, int64_t row, int64_t channel) {
    return scaled.is16() ? packed(product, row, channel)
                         : product.right(scaled.numbers(row, channel));
  }
  /// As f32.
  llvm::SmallVector<mlir::Value> numbers(int64_t row, int64_t channel) {
    llvm::SmallVector<mlir::Value> values = scaled.numbers(row, channel);
    if (rest)
      for (auto [v, lost] :
           llvm::zip_equal(values, rest->numbers(row, channel)))
        v = emit.addf(v, lost);
    return values;
  }

private:
  PartProduct::Part packed(PartProduct &product, int64_t row, int64_t channel) {
    return product.packed(scaled.packed(row, channel),
                          rest ? rest->packed(row, channel)
                               : llvm::SmallVector<mlir::Value>());
  }

  Emit &emit;
  PartReader scaled;
  std::optional<PartReader> rest;
};

/// Gates of 16 rows or 8, 16 channels at a time, in the order of a PartReader.
class GateReader {
public:
  GateReader(Emit &emit, GateBuffer gates, BufferType type, mlir::Value row,
             mlir::Value channel, int64_t rows)
      : sums(emit, gates.sums, type, row, channel, rows) {
    if (gates.rests)
      rests.emplace(emit, gates.rests,
                    BufferType::get(type.getContext(), type.getShape(),
                                    emit.b.getBF16Type(), type.getPad()),
                    row, channel, rows);
  }
  llvm::SmallVector<Gate> read(int64_t row, int64_t channel) {
    llvm::SmallVector<Gate> values;
    for (mlir::Value sum : sums.numbers(row, channel))
      values.push_back({sum, mlir::Value()});
    if (rests)
      for (auto [gate, rest] :
           llvm::zip_equal(values, rests->numbers(row, channel)))
        gate.rest = rest;
    return values;
  }

private:
  PartReader sums;
  std::optional<PartReader> rests;
};

} // namespace deltanet::tile

#endif // DELTANET_LIB_CONVERSION_TILETONVVM_DECAYPARTS_H
