//===- deltanet-lsp-server.cpp - the dialects in an editor ----------------===//
#include "deltanet/Registration.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  deltanet::registerDialects(registry);
  return failed(mlir::MlirLspServerMain(argc, argv, registry));
}
