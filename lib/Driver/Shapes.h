//===- Shapes.h - dimensions that must be equal -----------------*- C++ -*-===//
// Ties the dimensions of all tensors of a function that must be equal, so that
// B=1,T=4096 or the shape of one file binds every dynamic dimension.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DRIVER_SHAPES_H
#define DELTANET_LIB_DRIVER_SHAPES_H

#include "Program.h"
#include "deltanet/Dialect/LinRec/IR/LinRec.h"

namespace deltanet::driver {

/// The dimensions of the tensors of a function as unknowns: equal ones are one
/// unknown, some follow from others (steps * T, N + 1), some are known.
class ShapeBinder {
public:
  explicit ShapeBinder(mlir::func::FuncOp function);

  /// Names of unknowns that a user can bind, in order: B, T, H, ...
  std::vector<std::string> getSymbols() const;

  /// Binds the unknown called `symbol`, or the dimension `argument.index`.
  mlir::LogicalResult bindSymbol(Session &session, llvm::StringRef symbol,
                                 int64_t extent, const llvm::Twine &source);
  /// Binds the dimensions of an argument; `source` says who states them.
  mlir::LogicalResult bindArgument(unsigned argument,
                                   llvm::ArrayRef<int64_t> shape,
                                   const llvm::Twine &source);
  /// Binds the tokens of the recurrence whose sequences are `argument`.
  mlir::LogicalResult bindTokensOf(unsigned argument, int64_t tokens,
                                   const llvm::Twine &source);

  /// Derives what follows; refuses arguments and results with a dimension that
  /// nobody states.
  mlir::LogicalResult solve();

  /// The shape of an argument or of any other value; valid after solve().
  llvm::SmallVector<int64_t> getShape(mlir::Value value) const;

  /// Gives a name to every size that arguments and results leave open; the
  /// names, in order of appearance. Not after solve().
  std::vector<std::string> nameSizes();
  /// Dimension `dim` of `value` as an expression of these names.
  std::string getText(mlir::Value value, unsigned dim);

  /// The tokens of all sequences of the first recurrence, steps not counted; 0
  /// where there is none.
  int64_t countTokens() const;

private:
  struct Unknown {
    unsigned parent;
    int64_t extent = mlir::ShapedType::kDynamic;
    std::string name, source;
  };
  /// extent(to) = factor * extent(from) + offset
  struct Relation {
    unsigned to, from;
    int64_t factor, offset;
  };

  unsigned find(unsigned id) const;
  std::optional<unsigned> lookup(mlir::Value value, unsigned dim) const;
  unsigned get(mlir::Value value, unsigned dim);
  void tie(mlir::Value a, unsigned dimA, mlir::Value b, unsigned dimB);
  void tie(unsigned a, unsigned b);
  void name(unsigned id, llvm::StringRef symbol);
  mlir::LogicalResult bind(unsigned id, int64_t extent,
                           const llvm::Twine &source, mlir::Location loc,
                           const llvm::Twine &what);
  mlir::LogicalResult propagate();
  void visit(mlir::Operation *op);
  void visitRecurrence(linrec::RecurrenceOpInterface op);
  void visitStates(linrec::RecurrenceOpInterface op);
  void visitSelectiveScan(linrec::SelectiveScanOp op);
  /// Ties what has an entry for every sequence, and the states of a pool.
  void visitSequences(mlir::Value batch, mlir::Value sequences,
                      mlir::Value indices, mlir::Value initial,
                      mlir::Value final, unsigned batchDim);
  void visitReassociation(mlir::Value expanded, mlir::Value collapsed,
                          llvm::ArrayRef<mlir::ReassociationIndices> groups);
  const Relation *findRelation(unsigned id) const;
  std::string getText(unsigned id, int depth) const;
  void collectSizes(unsigned id, int depth,
                    std::vector<std::string> &names) const;
  /// How a message calls dimension `dim` of an argument or result.
  std::string describe(llvm::StringRef name, mlir::Value value,
                       unsigned dim) const;
  /// The same for the first argument that has the unknown `id`.
  std::string describe(unsigned id) const;
  mlir::LogicalResult checkKnown(llvm::StringRef name, mlir::Value value,
                                 mlir::Location loc, llvm::StringRef kind);

  mlir::func::FuncOp function;
  std::vector<Unknown> unknowns;
  llvm::DenseMap<std::pair<mlir::Value, unsigned>, unsigned> ids;
  std::vector<Relation> relations;
  /// Heads of query and key are as many as those of value where nobody says
  /// otherwise.
  llvm::SmallVector<std::pair<unsigned, unsigned>> groupsAndHeads;
  std::optional<std::pair<unsigned, unsigned>> batchAndTokens;
  /// How many packed sequences there are, where no state says it.
  llvm::SmallVector<unsigned> sequenceCounts;
};

/// `shape` as a type prints it: 1x4096x16x128; `scalar` where it is empty.
std::string formatShape(llvm::ArrayRef<int64_t> shape);

} // namespace deltanet::driver

#endif // DELTANET_LIB_DRIVER_SHAPES_H
