//===- DescribeGradient.cpp - what a gradient means, for a package --------===//
// What the derived functions take and give are tensors of the function, and
// what is kept between the two.
//===----------------------------------------------------------------------===//
#include "Describe.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;
using artifact::Signature;
using artifact::TensorInfo;

/// The gradient of `tensor`: as large, and laid out alike.
static TensorInfo makeGradient(const TensorInfo &tensor, StringRef name,
                               bool input) {
  TensorInfo gradient;
  gradient.name = name.str();
  gradient.type = tensor.type;
  gradient.input = input;
  gradient.shape = tensor.shape;
  gradient.meaning = "gradient of " + tensor.name;
  gradient.layout = tensor.layout;
  return gradient;
}

/// What both derived functions begin with: the arguments. A state that is
/// updated in place is lost to the backward function, so nothing is.
static Signature makeDerived(const Signature &signature, unsigned numArguments,
                             StringRef suffix) {
  Signature derived = signature;
  derived.name += suffix;
  derived.prefix += suffix;
  derived.aliases.clear();
  derived.arguments.resize(numArguments);
  return derived;
}

FailureOr<std::vector<Signature>>
deltanet::driver::describeDerived(func::FuncOp function, Gradient &gradient,
                                  Signature &signature) {
  ShapeBinder shapes(function);
  shapes.nameSizes();
  auto kept = gradient.describeKept(shapes);
  if (failed(kept))
    return failure();
  ArrayRef<TensorInfo> all = signature.arguments;
  unsigned numArguments = function.getNumArguments();
  ArrayRef<TensorInfo> results = all.drop_front(numArguments);
  llvm::json::Array of, from, keptNames;
  for (unsigned argument : gradient.getArguments())
    of.push_back(all[argument].name);
  for (unsigned result : gradient.getResults())
    from.push_back(results[result].name);
  for (const TensorInfo &tensor : *kept)
    keptNames.push_back(tensor.name);
  signature.gradient = llvm::json::Object{
      {"of", std::move(of)},
      {"from", std::move(from)},
      {"kept", std::move(keptNames)},
      {"forward", signature.prefix + kForwardSuffix.str()},
      {"backward", signature.prefix + kBackwardSuffix.str()}};

  Signature forward = makeDerived(signature, numArguments, kForwardSuffix);
  llvm::append_range(forward.arguments, results);
  llvm::append_range(forward.arguments, *kept);

  Signature backward = makeDerived(signature, numArguments, kBackwardSuffix);
  // Its recurrences are those of the function, the other way round.
  backward.operators = llvm::json::Array();
  for (TensorInfo tensor : *kept) {
    tensor.input = true;
    backward.arguments.push_back(tensor);
  }
  func::FuncOp derived = gradient.getBackward();
  unsigned next = numArguments + kept->size();
  for (unsigned result : gradient.getResults())
    backward.arguments.push_back(makeGradient(
        results[result], getArgumentName(derived, next++), /*input=*/true));
  for (auto [i, argument] : llvm::enumerate(gradient.getArguments()))
    backward.arguments.push_back(makeGradient(
        all[argument], getResultName(derived, i), /*input=*/false));
  return std::vector<Signature>{std::move(forward), std::move(backward)};
}
