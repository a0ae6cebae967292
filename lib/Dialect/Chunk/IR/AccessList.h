//===- AccessList.h - tensors with their accesses in text -------*- C++ -*-===//
// How operations write and read lists of tensors and how they are walked.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DIALECT_CHUNK_IR_ACCESSLIST_H
#define DELTANET_LIB_DIALECT_CHUNK_IR_ACCESSLIST_H

#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "mlir/IR/OpImplementation.h"

namespace deltanet::chunk {

/// One group of tensors with their accesses: carry(...), in(...).
struct AccessList {
  mlir::SmallVector<mlir::OpAsmParser::UnresolvedOperand> operands;
  mlir::SmallVector<mlir::Attribute> accesses;
  mlir::SmallVector<mlir::Type> types;

  /// keyword `(` (operand? access `:` type),* `)`, absent if empty.
  mlir::ParseResult parse(mlir::OpAsmParser &parser, mlir::StringRef keyword,
                          bool hasOperands);
};

/// The same as text; a list that is not `inLine` has a line for each tensor.
void printAccessList(mlir::OpAsmPrinter &p, mlir::StringRef keyword,
                     mlir::ValueRange values, mlir::TypeRange types,
                     mlir::ArrayAttr accesses, bool inLine = false);

/// keyword `(` operand `:` type `)`, or nothing.
struct OptionalList {
  bool present = false;
  mlir::OpAsmParser::UnresolvedOperand operand;
  mlir::Type type;

  mlir::ParseResult parse(mlir::OpAsmParser &parser, mlir::StringRef keyword);
  mlir::ParseResult resolve(mlir::OpAsmParser &parser,
                            mlir::SmallVectorImpl<mlir::Value> &operands) {
    return mlir::failure(present &&
                         parser.resolveOperand(operand, type, operands));
  }
};

} // namespace deltanet::chunk

#endif // DELTANET_LIB_DIALECT_CHUNK_IR_ACCESSLIST_H
