//===- LinRecDialect.cpp - registration of the linrec dialect
//--------------===//
#include "deltanet/Dialect/LinRec/IR/LinRec.h"

using namespace mlir;
using namespace deltanet::linrec;

#include "deltanet/Dialect/LinRec/IR/LinRecDialect.cpp.inc"
#include "deltanet/Dialect/LinRec/IR/LinRecEnums.cpp.inc"
#include "deltanet/Dialect/LinRec/IR/LinRecInterfaces.cpp.inc"

void LinRecDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "deltanet/Dialect/LinRec/IR/LinRecOps.cpp.inc"
      >();
}
