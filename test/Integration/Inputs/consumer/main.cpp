// A program outside the project: reads linrec IR and prints it.
#include "deltanet/Dialect/LinRec/IR/LinRec.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

int main(int, char **argv) {
  mlir::MLIRContext context;
  context.loadDialect<mlir::func::FuncDialect, deltanet::linrec::LinRecDialect>();
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(argv[1], &context);
  if (!module)
    return 1;
  module->print(llvm::outs());
  return 0;
}
