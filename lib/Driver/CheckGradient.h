//===- CheckGradient.h - deltanet check --grad ------------------*- C++ -*-===//
#ifndef DELTANET_LIB_DRIVER_CHECKGRADIENT_H
#define DELTANET_LIB_DRIVER_CHECKGRADIENT_H

#include "Gradient.h"

namespace deltanet::driver {

/// Runs a function with its gradient; compares its results with the recurrence
/// in float64, every gradient with differences of it. An exit code.
int checkGradient(Session &session, const RunOptions &options);

} // namespace deltanet::driver

#endif // DELTANET_LIB_DRIVER_CHECKGRADIENT_H
