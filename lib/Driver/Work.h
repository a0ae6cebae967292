//===- Work.h - how much a chunk program computes ---------------*- C++ -*-===//
#ifndef DELTANET_LIB_DRIVER_WORK_H
#define DELTANET_LIB_DRIVER_WORK_H

#include "deltanet/Dialect/Chunk/IR/Chunk.h"

namespace deltanet::driver {

/// Operations on numbers in one chunk of one head.
struct Work {
  int64_t products = 0;    ///< multiplications and additions of products
  int64_t solves = 0;      ///< of solves with a triangular matrix
  int64_t elementwise = 0; ///< elements that arith and math compute
};

/// The work in the body of `scan`, at full chunks.
Work countWork(chunk::ScanOp scan);

} // namespace deltanet::driver

#endif // DELTANET_LIB_DRIVER_WORK_H
