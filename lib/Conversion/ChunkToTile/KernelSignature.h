//===- KernelSignature.h - arguments and launch of a kernel ----*- C++ -*-===//
// Which tensors and numbers a kernel takes, in which order, and how it is
// launched. Order: tensors of the function, sizes, results.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_CHUNKTOTILE_KERNELSIGNATURE_H
#define DELTANET_LIB_CONVERSION_CHUNKTOTILE_KERNELSIGNATURE_H

#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "deltanet/Dialect/Tile/IR/Tile.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace deltanet {

/// The sizes of a launch, by the loop that walks them.
enum class Size { Batch, Tokens, Heads, Groups, Sequences, Pool };
inline constexpr int kNumSizes = 6;

/// The arguments of the kernel that a scan becomes.
class KernelSignature {
public:
  using Value = mlir::Value;

  /// Reads them off a function that holds this scan and nothing else; says what
  /// else there is.
  static mlir::FailureOr<KernelSignature> read(mlir::func::FuncOp function,
                                               chunk::ScanOp scan);

  mlir::FunctionType getType(mlir::MLIRContext *context) const;
  /// `tile.launch`, for a grid with `columnBlocks` blocks a head.
  mlir::DictionaryAttr getLaunch(mlir::MLIRContext *context,
                                 int64_t columnBlocks, int64_t threads) const;
  /// Gives argument `i` of the kernel its meaning.
  void bindArguments(mlir::gpu::GPUFuncOp kernel);

  /// The pointer of a tensor that the scan reads, or of its result `i`.
  Value getInput(Value tensor) const { return pointers.lookup(tensor); }
  Value getOutput(int64_t i) const { return outputPointers[i]; }
  /// The extent of dimension `dim` of a tensor walked by `access`, with `rows`
  /// rows a token.
  Value getExtent(mlir::OpBuilder &b, mlir::Location loc,
                  chunk::AccessAttr access, mlir::RankedTensorType type,
                  int64_t dim, int64_t rows = 1) const;
  Value getSize(mlir::OpBuilder &b, mlir::Location loc, Size size) const;
  /// A size that some tensor's type states, or kDynamic.
  int64_t getStaticSize(Size size) const {
    return sizes[static_cast<int>(size)];
  }

private:
  struct Tensor {
    Value value; // an argument of the function or a result of the scan
    std::string name;
    /// Null: a list of integers, with so many entries more than sequences.
    chunk::AccessAttr access;
    int64_t more = 0;
    int64_t rows = 1; // of a token (25)
  };
  std::string sizeText(Size size) const;
  /// The size that `loop` walks; sequences that are not packed are the batch.
  std::optional<Size> sizeOf(int64_t loop) const;
  void findSizes(chunk::ScanOp scan);
  llvm::SmallVector<std::string> describeShape(const Tensor &tensor) const;

  llvm::SmallVector<Tensor> inputs, outputs;
  int64_t numResults = 0;
  bool packed = false;
  /// Static, or kDynamic: then an argument. Sizes that nothing walks are 1.
  int64_t sizes[kNumSizes] = {1, 1, 1, 1, 1, 1};
  Value sizeArguments[kNumSizes];
  llvm::DenseMap<Value, Value> pointers;
  llvm::SmallVector<Value> outputPointers;
};

} // namespace deltanet

#endif // DELTANET_LIB_CONVERSION_CHUNKTOTILE_KERNELSIGNATURE_H
