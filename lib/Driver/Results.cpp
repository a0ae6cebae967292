//===- Results.cpp - what a function gave, and what it should -------------===//
// See Results.h.
//===----------------------------------------------------------------------===//
#include "Results.h"
#include "Format.h"
#include "Tolerance.h"
#include <cmath>

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;
using support::NpyArray;

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

std::vector<Result> deltanet::driver::nameResults(func::FuncOp function) {
  std::vector<Result> results(function.getNumResults());
  for (auto [i, result] : llvm::enumerate(results))
    result.name = getResultName(function, i).str();
  return results;
}

int deltanet::driver::readOutputs(Session &session, func::FuncOp function,
                                  const RunOptions &options,
                                  std::vector<Result> &results,
                                  std::vector<InputOutput> &inputOutputs) {
  for (const std::string &option : options.outputs) {
    std::pair<StringRef, StringRef> parts = StringRef(option).split('=');
    StringRef name = parts.first, file = parts.second;
    if (name.empty() || file.empty())
      return session.fail(kUsage, "expects --output NAME=FILE.npy, got '" +
                                      option + "'");
    auto result =
        llvm::find_if(results, [&](const Result &r) { return r.name == name; });
    if (result != results.end()) {
      result->output = file.str();
      continue;
    }
    auto arguments = llvm::seq<unsigned>(0, function.getNumArguments());
    auto argument = llvm::find_if(arguments, [&](unsigned i) {
      return getArgumentName(function, i) == name;
    });
    if (argument == arguments.end()) {
      std::string names = llvm::join(
          llvm::map_range(results, [](const Result &r) { return r.name; }),
          ", ");
      return session.fail(kUsage, "expects --output to name a result of @" +
                                      function.getName() + " (" + names +
                                      ") or an argument, got '" + name + "'");
    }
    inputOutputs.push_back({*argument, file.str()});
  }
  return kOk;
}

int deltanet::driver::writeOutputs(Session &session, ArrayRef<Result> results,
                                   const Inputs &inputs,
                                   ArrayRef<InputOutput> inputOutputs) {
  std::string message;
  for (const Result &result : results)
    if (!result.output.empty() &&
        !support::writeNpy(result.output, result.array, message))
      return session.fail(kInputError, message);
  for (const InputOutput &output : inputOutputs)
    if (!support::writeNpy(output.file, inputs.tensors[output.argument],
                           message))
      return session.fail(kInputError, message);
  return kOk;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

int deltanet::driver::allocateResult(Location loc, Type elements,
                                     ArrayRef<int64_t> shape, Result &result) {
  auto type = getNpyType(elements);
  if (!type) {
    emitError(loc)
        << "expects results of bf16, f16, f32, f64, i32 or i64, got '"
        << result.name << "' of " << elements;
    return kInputError;
  }
  NpyArray &array = result.array;
  array.type = *type;
  array.shape.assign(shape.begin(), shape.end());
  array.bytes.resize(array.getNumElements() * support::getSize(*type));
  return kOk;
}

int deltanet::driver::allocateResults(func::FuncOp function,
                                      const ShapeBinder &shapes,
                                      MutableArrayRef<Result> results) {
  Operation *terminator = function.getBody().back().getTerminator();
  for (auto [i, value] : llvm::enumerate(terminator->getOperands()))
    if (int code = allocateResult(value.getLoc(),
                                  getElementTypeOrSelf(value.getType()),
                                  shapes.getShape(value), results[i]))
      return code;
  return kOk;
}

//===----------------------------------------------------------------------===//
// The reference
//===----------------------------------------------------------------------===//

FailureOr<std::vector<interpreter::Tensor>>
deltanet::driver::evaluateReference(func::FuncOp function,
                                    const Inputs &inputs) {
  std::vector<interpreter::Tensor> arguments;
  for (const NpyArray &array : inputs.tensors)
    arguments.push_back({array.shape, support::toDoubles(array)});
  return interpreter::evaluate(function, arguments);
}

void deltanet::driver::compareResult(func::FuncOp function, unsigned index,
                                     ArrayRef<double> want,
                                     kernel::ScheduleAttr schedule,
                                     std::optional<double> tolerance,
                                     Result &result) {
  std::vector<double> got = support::toDoubles(result.array);
  result.checked = true;
  result.error = reference::measureError(got.data(), want.data(), got.size());
  Type elements = getElementTypeOrSelf(function.getResultTypes()[index]);
  result.tolerance =
      tolerance ? *tolerance
                : chooseTolerance(elements, traceResult(function, index),
                                  schedule, want);
  result.passed = result.error.passes(result.tolerance);
  if (!llvm::all_of(want, [](double x) { return std::isfinite(x); }))
    emitWarning(function.getLoc())
        << "the reference of '" << result.name
        << "' is not finite everywhere; inputs that suit the operator are "
           "for --input to state";
}

//===----------------------------------------------------------------------===//
// The answer
//===----------------------------------------------------------------------===//

static std::string getSignature(const NpyArray &array) {
  return formatShape(array.shape) + "x" + support::getName(array.type);
}

static llvm::json::Array toJson(ArrayRef<int64_t> shape) {
  llvm::json::Array array;
  for (int64_t extent : shape)
    array.push_back(extent);
  return array;
}

void deltanet::driver::describeInputs(Session &session, func::FuncOp function,
                                      const Inputs &inputs) {
  llvm::json::Array list;
  for (auto [i, spec, tensor] : llvm::enumerate(inputs.specs, inputs.tensors)) {
    StringRef name = getArgumentName(function, i);
    session.print(fmt::format("{:<16} {:<28} {}", name.str(),
                              getSignature(tensor), spec.text));
    list.push_back(llvm::json::Object{{"name", name},
                                      {"shape", toJson(tensor.shape)},
                                      {"type", support::getName(tensor.type)},
                                      {"source", spec.text}});
  }
  session["inputs"] = std::move(list);
}

llvm::json::Array deltanet::driver::describeResults(Session &session,
                                                    ArrayRef<Result> results,
                                                    StringRef heading,
                                                    bool check) {
  llvm::json::Array list;
  session.print(check ? fmt::format("{:<16} {:<28} {:>9} {:>9}", heading.str(),
                                    "type", "error", "allowed")
                      : fmt::format("{:<16} {}", heading.str(), "type"));
  for (const Result &result : results) {
    llvm::json::Object entry{{"name", result.name},
                             {"shape", toJson(result.array.shape)},
                             {"type", support::getName(result.array.type)}};
    if (!result.output.empty())
      entry["file"] = result.output;
    std::string line =
        fmt::format("{:<16} {:<28}", result.name, getSignature(result.array));
    if (result.checked) {
      line += fmt::format(" {:>9.2e} {:>9.2e}  {}", result.error.relative,
                          result.tolerance, result.passed ? "pass" : "FAIL");
      if (result.error.mismatched)
        line += fmt::format(", {} elements not finite or not as the reference",
                            result.error.mismatched);
      entry["error"] = result.error.relative;
      entry["max_absolute_error"] = result.error.maxAbsolute;
      entry["mismatched"] = result.error.mismatched;
      entry["tolerance"] = result.tolerance;
      entry["passed"] = result.passed;
    }
    session.print(StringRef(line).rtrim());
    list.push_back(std::move(entry));
  }
  return list;
}
