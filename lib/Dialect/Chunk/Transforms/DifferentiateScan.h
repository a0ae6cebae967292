//===- DifferentiateScan.h - the reverse of one scan ------------*- C++ -*-===//
// From a scan, what its chunks began with and the gradients of its results to a
// scan in the other direction and the gradients of its operands.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_DIFFERENTIATESCAN_H
#define DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_DIFFERENTIATESCAN_H

#include "deltanet/Dialect/Chunk/IR/Gradient.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/BitVector.h"
#include <optional>

namespace deltanet::chunk {

class ScanDifferentiator {
public:
  using Value = mlir::Value;

  /// `products`: element type of operands of products that the forward body
  /// says nothing of.
  ScanDifferentiator(ScanOp scan, mlir::Type products, mlir::OpBuilder &b);

  llvm::BitVector wantedInputs, wantedInits;
  /// Gradients of the results; null: none is given.
  llvm::SmallVector<Value> resultGradients;
  /// What every chunk began with, by carry.
  llvm::SmallVector<Value> starts;

  /// Builds the scan; says at an operation why it has no gradient.
  mlir::LogicalResult run();

  /// Whether the reverse body reads the values of carry `i`.
  bool readsStart(unsigned i) const { return startsRead.test(i); }
  /// The gradients of operands that are wanted; null: zero.
  llvm::SmallVector<Value> inputGradients, initGradients;

private:
  using Type = mlir::Type;
  /// The gradient of an operand as a result of the reverse scan.
  struct Part {
    AccessAttr access;
    mlir::RankedTensorType type;
    /// Whether loops that the operand lacks are summed over, or heads of its
    /// groups; how the sum is walked.
    bool isSum = false;
    AccessAttr resultAccess;
  };

  mlir::LogicalResult check();
  void findActive();
  bool propagate(llvm::DenseSet<Value> &values);
  Part describe(Value tensor, AccessAttr access, mlir::RankedTensorType tile,
                bool byChunk);
  bool isByChunk(unsigned input);
  void createScan();
  void addOperand(Value tensor, AccessAttr access, Type tile,
                  mlir::Location loc);
  mlir::LogicalResult buildBody();
  void findScale();
  Value timesScale(Value v);
  void markRows(GradientBuilder &g);
  void yield(GradientBuilder &g);
  void dropUnreadInputs();
  void collect();

  ScanOp scan, reverse;
  Type products;
  mlir::OpBuilder &b;
  mlir::Location loc;
  llvm::BitVector activeCarries, startsRead;
  llvm::DenseSet<Value> active;
  mlir::IRMapping mapping;
  /// Parts by input and by carry; those of inputs that are not by chunk, and
  /// those of carries, are finals of the reverse scan.
  llvm::SmallVector<std::optional<Part>> inputParts, carryParts;
  /// The multiplication that all gradients go through, null without one; what
  /// it multiplies, and by what.
  mlir::Operation *scaled = nullptr;
  Value scaledOperand;
  double scale = 1;
};

} // namespace deltanet::chunk

#endif // DELTANET_LIB_DIALECT_CHUNK_TRANSFORMS_DIFFERENTIATESCAN_H
