//===- KernelSignature.h - arguments and launch of a kernel ----*- C++ -*-===//
// Which tensors and numbers a kernel takes, in which order, and how it is
// launched. Order: tensors that are read, sizes, tensors that are written.
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

/// How the blocks of a kernel are counted.
struct Grid {
  std::string x, y, z; // expressions of sizes
};

/// The arguments of the kernel that a scan or a sum becomes. Results that
/// others of the function read, and that it does not return, are workspace.
class KernelSignature {
public:
  using Value = mlir::Value;

  /// Reads them off a function of scans, sums and nothing else; says what else
  /// there is.
  static mlir::FailureOr<KernelSignature> read(mlir::func::FuncOp function,
                                               chunk::ScanOp scan);
  static mlir::FailureOr<KernelSignature> read(mlir::func::FuncOp function,
                                               chunk::SumOp sum);

  mlir::FunctionType getType(mlir::MLIRContext *context) const;
  /// `tile.launch`.
  mlir::DictionaryAttr getLaunch(mlir::MLIRContext *context, const Grid &grid,
                                 int64_t threads) const;
  /// Gives argument `i` of the kernel its meaning.
  void bindArguments(mlir::gpu::GPUFuncOp kernel);

  /// The pointer of a tensor that the scan reads, or of its result `i`; null if
  /// nobody reads that.
  Value getInput(Value tensor) const { return pointers.lookup(tensor); }
  Value getOutput(int64_t i) const { return outputPointers[i]; }
  /// The extent of dimension `dim` of a tensor walked by `access`, with `rows`
  /// rows a token.
  Value getExtent(mlir::OpBuilder &b, mlir::Location loc,
                  chunk::AccessAttr access, mlir::RankedTensorType type,
                  int64_t dim, int64_t rows = 1) const;
  /// The same as an expression of sizes.
  std::string getExtentText(chunk::AccessAttr access,
                            mlir::RankedTensorType type, int64_t dim,
                            int64_t rows = 1) const;
  /// Rows a token of a tensor by tokens, (25).
  int64_t getRows(Value tensor) const;
  /// How far apart neighbours along each dimension lie, in elements.
  llvm::SmallVector<Value> getStrides(mlir::OpBuilder &b, mlir::Location loc,
                                      chunk::AccessAttr access,
                                      mlir::RankedTensorType type,
                                      int64_t rows) const;
  Value getSize(mlir::OpBuilder &b, mlir::Location loc, Size size) const;
  /// A size that some tensor's type states, or kDynamic.
  int64_t getStaticSize(Size size) const {
    return sizes[static_cast<int>(size)];
  }
  /// Whether sequences are packed, and counted by themselves.
  bool isPacked() const { return packed; }
  /// The size as an expression: its name, or the number that it is.
  std::string getSizeText(Size size) const;

private:
  enum class Role { Input, Workspace, Output };
  struct Tensor {
    Value value;
    std::string name;
    /// Null: a list of integers, with so many entries more than sequences.
    chunk::AccessAttr access;
    Role role;
    int64_t more = 0;
  };
  using Reads = llvm::SmallVector<std::pair<Value, chunk::AccessAttr>>;
  static mlir::FailureOr<KernelSignature> finish(mlir::func::FuncOp function,
                                                 KernelSignature signature);
  mlir::FailureOr<Reads> findReads();
  void readInputs(mlir::func::FuncOp function, const Reads &reads);
  void readOutputs(mlir::func::FuncOp function);
  void readSizes();
  void readChunks(llvm::SmallVector<int64_t> (&seen)[kNumSizes]);
  mlir::Attribute describe(mlir::MLIRContext *context,
                           const Tensor &tensor) const;
  std::string getExtentText(const Tensor &tensor, int64_t dim) const;

  mlir::Operation *op = nullptr;
  /// That scan, or the one whose results are summed.
  mutable chunk::ScanOp scan; // its accessors are not const
  bool packed = false;
  llvm::SmallVector<Tensor> inputs, outputs;
  /// Static, or kDynamic: then an argument. Sizes that nothing walks are 1.
  int64_t sizes[kNumSizes] = {1, 1, 1, 1, 1, 1};
  Value sizeArguments[kNumSizes];
  llvm::DenseMap<Value, Value> pointers;
  llvm::SmallVector<Value> outputPointers;
};

} // namespace deltanet

#endif // DELTANET_LIB_CONVERSION_CHUNKTOTILE_KERNELSIGNATURE_H
