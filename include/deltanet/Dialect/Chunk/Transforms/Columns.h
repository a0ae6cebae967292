//===- Columns.h - values with columns and without --------------*- C++ -*-===//
// Copies of what a body needs with the columns of its state in one place and
// without them in another.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_DIALECT_CHUNK_TRANSFORMS_COLUMNS_H
#define DELTANET_DIALECT_CHUNK_TRANSFORMS_COLUMNS_H

#include "deltanet/Dialect/Chunk/IR/Chunk.h"

namespace deltanet::chunk {

/// Where a value that does not wait for the state is needed with its columns in
/// one place and without them, or along another dimension, in another (one
/// tensor, or what a prologue makes of one, as key and as value), each of these
/// places gets one of its own, down to the inputs. Leaves a body alone whose
/// columns are found as it is.
void separateColumns(ScanOp scan);

} // namespace deltanet::chunk

#endif // DELTANET_DIALECT_CHUNK_TRANSFORMS_COLUMNS_H
