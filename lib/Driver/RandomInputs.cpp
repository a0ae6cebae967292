//===- RandomInputs.cpp - numbers that suit an argument's role ------------===//
#include "RandomInputs.h"
#include "Random.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;

static int64_t countElements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

/// Rows of the last dimension get length one.
static void normalizeRows(std::vector<double> &values, int64_t width) {
  for (size_t start = 0; width && start < values.size(); start += width) {
    double sum = 0;
    for (int64_t i = 0; i < width; ++i)
      sum += values[start + i] * values[start + i];
    for (int64_t i = 0; i < width; ++i)
      values[start + i] /= std::sqrt(sum);
  }
}

std::optional<unsigned>
RandomInputs::findTransitionIn(unsigned argument) const {
  for (auto [i, role] : llvm::enumerate(roles))
    if (role.role == Role::TransitionIn && role.direct &&
        role.recurrence == roles[argument].recurrence)
      return i;
  return std::nullopt;
}

/// b = -a * eta with eta in (0, 1) a row: with a of length one, no eigenvalue
/// of I + b a^T is above 1, (21).
std::vector<double>
RandomInputs::makeTransitionOut(unsigned argument,
                                ArrayRef<int64_t> shape) const {
  auto in = findTransitionIn(argument);
  std::vector<double> values;
  if (in && *in < inputs.tensors.size())
    values = support::toDoubles(inputs.tensors[*in]);
  else if (in && inputs.specs[*in].array)
    values = support::toDoubles(*inputs.specs[*in].array);
  else if (in)
    values = generate(function.getArgument(*in), shape);
  if (static_cast<int64_t>(values.size()) != countElements(shape))
    values.assign(countElements(shape), 0);
  Random random(inputs.specs[argument].seed,
                getArgumentName(function, argument));
  int64_t width = shape.back();
  double eta = 0;
  for (auto [i, value] : llvm::enumerate(values)) {
    if (i % width == 0)
      eta = random.uniform();
    value *= -eta;
  }
  return values;
}

std::vector<double> RandomInputs::generate(BlockArgument argument,
                                           ArrayRef<int64_t> shape) const {
  unsigned index = argument.getArgNumber();
  const InputSpec &spec = inputs.specs[index];
  ArgumentRole role = roles[index];
  std::vector<double> values(countElements(shape));
  Random random(spec.seed, getArgumentName(function, index));
  auto fill = [&](double low, double high) {
    for (double &value : values)
      value = random.uniform(low, high);
  };
  if (spec.range) {
    fill(spec.range->first, spec.range->second);
    return values;
  }
  // Steps that a softplus could give, rates that keep some of a state.
  if (role.role == Role::StepSize && role.direct) {
    fill(0.001, 0.2);
    return values;
  }
  if (role.role == Role::Rate && role.direct) {
    fill(-4, 0);
    return values;
  }
  // Every sequence has an entry of its own, and none is where the sequence is if
  // there are several.
  if (isIndices(argument)) {
    int64_t count = values.size(),
            shift = count > 1 ? 1 + static_cast<int64_t>(random.uniform() *
                                                         (count - 1))
                              : 0;
    for (auto [n, value] : llvm::enumerate(values))
      value = static_cast<double>((static_cast<int64_t>(n) + shift) % count);
    return values;
  }
  bool ofKey = role.role == Role::Key || role.role == Role::TransitionIn ||
               role.role == Role::TransitionOut;
  if (role.role == Role::TransitionOut && role.direct && !shape.empty())
    return makeTransitionOut(index, shape);
  if (role.role == Role::Decay && role.direct) {
    fill(-0.2, 0);
    return values;
  }
  // A factor of a key or of a value, one a token or head, is what a beta is.
  if ((role.role == Role::Beta && role.direct) ||
      ((ofKey || role.role == Role::Value) && !role.direct &&
       shape.size() < 4)) {
    fill(0, 1);
    return values;
  }
  for (double &value : values)
    value = random.normal();
  if (ofKey && shape.size() == 4)
    normalizeRows(values, shape.back());
  if (role.role == Role::TransitionIn && role.direct)
    for (double &value : values)
      value = -value;
  return values;
}
