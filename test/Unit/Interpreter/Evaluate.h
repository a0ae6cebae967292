//===- Evaluate.h - text in, numbers out ------------------------*- C++ -*-===//
// Parses a function and evaluates it; what the compiler says is collected.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TEST_UNIT_INTERPRETER_EVALUATE_H
#define DELTANET_TEST_UNIT_INTERPRETER_EVALUATE_H

#include "deltanet/Interpreter/Interpreter.h"
#include <gtest/gtest.h>
#include <string>

namespace deltanet::test {

using interpreter::Tensor;
using Doubles = std::vector<double>;
using Shape = std::vector<int64_t>;

/// The results of the one function of `text`; none, and a failed test, where it
/// cannot be evaluated.
std::vector<Tensor> evaluate(const std::string &text,
                             const std::vector<Tensor> &arguments);

/// What the interpreter says, each "line:column: message"; a failed test where
/// it has no complaint.
std::string refuse(const std::string &text,
                   const std::vector<Tensor> &arguments);

/// The results on random arguments with a batch of one and two tokens and
/// heads, where the types leave these open.
std::vector<Tensor> evaluateOnRandom(const std::string &text);

inline Tensor scalar(double value) { return {{}, {value}}; }

} // namespace deltanet::test

#endif // DELTANET_TEST_UNIT_INTERPRETER_EVALUATE_H
