//===- ElementAddress.h - where elements of a buffer are -------*- C++ -*-===//
// Addresses in padded and in swizzled buffers.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_TILETONVVM_ELEMENTADDRESS_H
#define DELTANET_LIB_CONVERSION_TILETONVVM_ELEMENTADDRESS_H

#include "Emit.h"

namespace deltanet::tile {

/// Addresses of elements at constant distances from one that differs from lane
/// to lane.
class ElementAddress {
public:
  using Value = mlir::Value;

  /// Element (row, column) of `buffer`. `split` promises that constants share no
  /// bit with the 16-byte unit of `column` in its panel, nor with row mod 8:
  /// then a swizzled address costs one exclusive or.
  ElementAddress(Emit &emit, Value buffer, BufferType type, Value row,
                 Value column, bool split);

  Value at(int64_t row, int64_t column);

private:
  /// Bytes from the start of the buffer.
  Value swizzled(Value row, Value column);

  Emit &emit;
  Value buffer;
  BufferType type;
  Value row, column;
  bool split;
  Value base; // a pointer, or the number of a swizzled address
};

} // namespace deltanet::tile

#endif // DELTANET_LIB_CONVERSION_TILETONVVM_ELEMENTADDRESS_H
