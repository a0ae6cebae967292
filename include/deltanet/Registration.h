//===- Registration.h - what the tools know ---------------------*- C++ -*-===//
// One place that lists the dialects, passes and pipelines of the project and
// those of MLIR that it needs; every tool registers them from here.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_REGISTRATION_H
#define DELTANET_REGISTRATION_H

#include "mlir/IR/DialectRegistry.h"

namespace deltanet {

/// Our dialects and all of MLIR's, with the interfaces that lowering needs.
void registerDialects(mlir::DialectRegistry &registry);

/// Our passes and pipelines, and the passes of MLIR that go with them.
void registerPasses();

} // namespace deltanet

#endif // DELTANET_REGISTRATION_H
