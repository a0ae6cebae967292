//===- Inputs.cpp - the tensors a function is run on ----------------------===//
// Reads what the user states, loads files, binds dimensions, checks offsets.
//===----------------------------------------------------------------------===//
#include "Inputs.h"
#include "RandomInputs.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/Support/MathExtras.h"
#include <unistd.h>

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;
using support::NpyArray;
using support::NpyType;

std::optional<NpyType> deltanet::driver::getNpyType(Type type) {
  if (type.isBF16())
    return NpyType::BF16;
  if (type.isF16())
    return NpyType::F16;
  if (type.isF32())
    return NpyType::F32;
  if (type.isF64())
    return NpyType::F64;
  if (type.isInteger(32))
    return NpyType::I32;
  if (type.isInteger(64))
    return NpyType::I64;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// What the user states
//===----------------------------------------------------------------------===//

/// random:SEED or random:SEED:LOW:HIGH, after the word.
static bool parseRandom(StringRef text, InputSpec &spec) {
  SmallVector<StringRef> parts;
  text.split(parts, ':');
  if ((parts.size() != 1 && parts.size() != 3) ||
      parts[0].getAsInteger(10, spec.seed))
    return false;
  if (parts.size() == 1)
    return true;
  double low, high;
  if (parts[1].getAsDouble(low) || parts[2].getAsDouble(high) || !(low <= high))
    return false;
  spec.range = {low, high};
  return true;
}

/// lengths:0,1,7 as the offsets 0,0,1,8.
static bool parseLengths(StringRef text, InputSpec &spec) {
  SmallVector<StringRef> parts;
  text.split(parts, ',');
  for (StringRef part : parts) {
    int64_t length;
    if (part.getAsInteger(10, length) || length < 0)
      return false;
    spec.lengths.push_back(length);
  }
  std::vector<double> offsets{0};
  for (int64_t length : spec.lengths)
    offsets.push_back(offsets.back() + length);
  spec.array = support::fromDoubles(NpyType::I64, {int64_t(offsets.size())},
                                    offsets.data());
  return true;
}

static std::optional<InputSpec> parseSpec(StringRef text) {
  InputSpec spec;
  spec.text = text.str();
  bool good = true;
  if (text.consume_front("random:")) {
    good = parseRandom(text, spec);
  } else if (text.consume_front("lengths:")) {
    spec.kind = InputSpec::Lengths;
    good = parseLengths(text, spec);
  } else {
    spec.kind = InputSpec::File;
    spec.path = text.str();
    good = !text.empty();
  }
  return good ? std::optional(spec) : std::nullopt;
}

static std::optional<unsigned> findArgument(func::FuncOp function,
                                            StringRef name) {
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (getArgumentName(function, i) == name)
      return i;
  return std::nullopt;
}

static int parseInputs(Session &session, func::FuncOp function,
                       const RunOptions &options, Inputs &inputs) {
  inputs.specs.resize(function.getNumArguments());
  for (InputSpec &spec : inputs.specs)
    spec.text = "random:0";
  llvm::SmallSet<unsigned, 8> stated;
  for (const std::string &option : options.inputs) {
    auto [name, text] = StringRef(option).split('=');
    auto spec = parseSpec(text);
    if (name.empty() || !spec)
      return session.fail(
          kUsage, "expects --input NAME=FILE.npy, NAME=random:SEED, "
                  "NAME=random:SEED:LOW:HIGH or NAME=lengths:N,N,..., got '" +
                      option + "'");
    auto index = findArgument(function, name);
    if (!index) {
      SmallVector<StringRef> names;
      for (unsigned i = 0; i < function.getNumArguments(); ++i)
        names.push_back(getArgumentName(function, i));
      return session.fail(kUsage, "expects --input to name an argument of @" +
                                      function.getName() + " (" +
                                      llvm::join(names, ", ") + "), got '" +
                                      name + "'");
    }
    if (!stated.insert(*index).second)
      return session.fail(kUsage, "expects one --input for an argument, got "
                                  "two for '" +
                                      name + "'");
    inputs.specs[*index] = std::move(*spec);
  }
  return kOk;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

static bool isInteger(NpyType type) {
  return type == NpyType::I32 || type == NpyType::I64;
}

/// Bits of precision, to see whether a conversion rounds.
static int getPrecision(NpyType type) {
  switch (type) {
  case NpyType::BF16:
    return 8;
  case NpyType::F16:
    return 11;
  case NpyType::F32:
    return 24;
  case NpyType::F64:
    return 53;
  case NpyType::I32:
  case NpyType::I64:
    return 0;
  }
  llvm_unreachable("a type is one of six");
}

/// Brings the tensor of a file into the type of its argument.
static int convert(Session &session, StringRef name, BlockArgument argument,
                   const InputSpec &spec, NpyType type, NpyArray &array) {
  if (array.type == type)
    return kOk;
  if (isInteger(array.type) != isInteger(type)) {
    emitError(argument.getLoc())
        << "expects '" << name << "' of " << support::getName(type)
        << " elements, got " << support::getName(array.type) << " in "
        << spec.text;
    return kInputError;
  }
  std::vector<double> values = support::toDoubles(array);
  bool f16ToBf16 = array.type == NpyType::F16 && type == NpyType::BF16;
  bool bf16ToF16 = array.type == NpyType::BF16 && type == NpyType::F16;
  if (isInteger(type)) {
    for (double value : values)
      if (type == NpyType::I32 && std::abs(value) > 0x7fffffff) {
        emitError(argument.getLoc())
            << "expects '" << name << "' of i32 elements, got "
            << static_cast<int64_t>(value) << " in " << spec.text;
        return kInputError;
      }
  } else if (getPrecision(type) < getPrecision(array.type) || f16ToBf16 ||
             bf16ToF16) {
    session.note("'" + name + "' is rounded from " +
                 support::getName(array.type) + " to " +
                 support::getName(type));
  }
  array = support::fromDoubles(type, array.shape, values.data());
  return kOk;
}

/// Loads the file of `spec` and binds the dimensions of its argument.
static int loadFile(Session &session, StringRef name, BlockArgument argument,
                    InputSpec &spec, ShapeBinder &shapes) {
  std::string message;
  spec.array = support::readNpy(spec.path, message);
  if (!spec.array)
    return session.fail(kInputError, message);
  auto type = dyn_cast<RankedTensorType>(argument.getType());
  auto elements = type ? getNpyType(type.getElementType()) : std::nullopt;
  if (!elements) {
    emitError(argument.getLoc()) << "expects a tensor of bf16, f16, f32, f64, "
                                    "i32 or i64 as '"
                                 << name << "', got " << argument.getType();
    return kInputError;
  }
  if (failed(shapes.bindArgument(argument.getArgNumber(), spec.array->shape,
                                 spec.path)))
    return kInputError;
  return convert(session, name, argument, spec, *elements, *spec.array);
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

static int bindSymbols(Session &session, const RunOptions &options,
                       ShapeBinder &shapes) {
  for (const std::string &option : options.shape) {
    auto [symbol, text] = StringRef(option).split('=');
    int64_t extent;
    if (symbol.empty() || text.getAsInteger(10, extent))
      return session.fail(kUsage,
                          "expects --shape NAME=EXTENT, got '" + option + "'");
    if (failed(shapes.bindSymbol(session, symbol, extent, "--shape")))
      return kUsage;
  }
  return kOk;
}

/// Offsets rise from 0; the last is the number of tokens.
static int bindSequences(Session &session, func::FuncOp function,
                         const Inputs &inputs, ShapeBinder &shapes) {
  SmallVector<ArgumentRole> roles = traceArguments(function);
  for (auto [i, role] : llvm::enumerate(roles)) {
    if (role.role != Role::Sequences)
      continue;
    StringRef name = getArgumentName(function, i);
    const InputSpec &spec = inputs.specs[i];
    Location loc = function.getArgument(i).getLoc();
    if (spec.kind == InputSpec::Random)
      return session.fail(kUsage, "expects --input " + name +
                                      "=FILE.npy or --input " + name +
                                      "=lengths:N,N,...; offsets of sequences "
                                      "are not random");
    std::vector<double> offsets = support::toDoubles(*spec.array);
    for (auto [entry, offset] : llvm::enumerate(offsets)) {
      double before = entry ? offsets[entry - 1] : 0;
      if (entry ? offset < before : offset != 0) {
        auto error = emitError(loc)
                     << "expects '" << name << "' to rise from 0, got "
                     << int64_t(offset) << " at entry " << entry;
        if (entry)
          error << " after " << int64_t(before);
        return kInputError;
      }
    }
    if (offsets.empty()) {
      emitError(loc) << "expects '" << name
                     << "' to have an entry more than sequences, got none";
      return kInputError;
    }
    if (failed(shapes.bindTokensOf(i, int64_t(offsets.back()),
                                   "the last entry of '" + name + "'")))
      return kInputError;
  }
  return kOk;
}

/// Indices are of entries of the pool, and all different.
static int checkIndices(func::FuncOp function, const Inputs &inputs,
                        const ShapeBinder &shapes) {
  SmallVector<ArgumentRole> roles = traceArguments(function);
  for (auto [i, role] : llvm::enumerate(roles)) {
    const InputSpec &spec = inputs.specs[i];
    if (role.role != Role::Indices || !role.direct || !spec.array)
      continue;
    int64_t entries = shapes.getShape(role.pool)[0];
    llvm::DenseMap<int64_t, size_t> seen;
    for (auto [n, value] : llvm::enumerate(support::toDoubles(*spec.array))) {
      auto entry = static_cast<int64_t>(value);
      auto [first, fresh] = seen.try_emplace(entry, n);
      if (fresh && entry >= 0 && entry < entries)
        continue;
      auto error = emitError(function.getArgument(i).getLoc())
                   << "expects '" << getArgumentName(function, i)
                   << "' to list different entries of a pool of " << entries
                   << " states, got " << entry << " at entry " << n;
      if (!fresh)
        error << " and at entry " << first->second;
      return kInputError;
    }
  }
  return kOk;
}

int deltanet::driver::readInputs(Session &session, func::FuncOp function,
                                 const RunOptions &options, ShapeBinder &shapes,
                                 Inputs &inputs) {
  if (int code = parseInputs(session, function, options, inputs))
    return code;
  if (int code = bindSymbols(session, options, shapes))
    return code;
  for (BlockArgument argument : function.getArguments()) {
    unsigned i = argument.getArgNumber();
    InputSpec &spec = inputs.specs[i];
    StringRef name = getArgumentName(function, i);
    if (spec.kind == InputSpec::File)
      if (int code = loadFile(session, name, argument, spec, shapes))
        return code;
    if (spec.kind != InputSpec::Lengths)
      continue;
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    auto elements = type ? getNpyType(type.getElementType()) : std::nullopt;
    if (!elements || !isInteger(*elements))
      return session.fail(kUsage, "expects lengths for offsets of sequences, "
                                  "got them for '" +
                                      name + "'");
    if (failed(shapes.bindArgument(i, spec.array->shape, spec.text)))
      return kInputError;
    if (int code =
            convert(session, name, argument, spec, *elements, *spec.array))
      return code;
  }
  if (int code = bindSequences(session, function, inputs, shapes))
    return code;
  if (failed(shapes.solve()))
    return kUsage;
  return checkIndices(function, inputs, shapes);
}

int deltanet::driver::checkMemory(Session &session, func::FuncOp function,
                                  const ShapeBinder &shapes) {
  SmallVector<Value> values(function.getArguments());
  llvm::append_range(values,
                     function.getBody().back().getTerminator()->getOperands());
  SmallVector<std::pair<SmallVector<int64_t>, Type>> tensors;
  for (Value value : values)
    tensors.push_back(
        {shapes.getShape(value), getElementTypeOrSelf(value.getType())});
  return checkMemory(session, tensors);
}

int deltanet::driver::checkMemory(
    Session &session, ArrayRef<std::pair<SmallVector<int64_t>, Type>> tensors) {
  uint64_t room =
      uint64_t(sysconf(_SC_PHYS_PAGES)) * uint64_t(sysconf(_SC_PAGESIZE));
  uint64_t total = 0;
  for (const auto &[shape, type] : tensors) {
    auto elements = getNpyType(type);
    if (!elements || llvm::is_contained(shape, 0))
      continue;
    uint64_t count = 1;
    for (int64_t extent : shape)
      count = llvm::SaturatingMultiply(count, uint64_t(extent));
    total = llvm::SaturatingMultiplyAdd(
        count, uint64_t(support::getSize(*elements)), total);
    // Random numbers and results to compare are made as doubles.
    if (llvm::SaturatingMultiplyAdd(count, uint64_t(sizeof(double)), total) >
        room)
      return session.fail(
          kUsage, "expects arguments and results that have room in the " +
                      Twine(room >> 20) + " MiB of memory here, got one of " +
                      formatShape(shape));
  }
  return kOk;
}

int deltanet::driver::makeInputs(Session &session, func::FuncOp function,
                                 const ShapeBinder &shapes, Inputs &inputs) {
  RandomInputs random(function, inputs);
  for (BlockArgument argument : function.getArguments()) {
    InputSpec &spec = inputs.specs[argument.getArgNumber()];
    if (spec.array) {
      inputs.tensors.push_back(std::move(*spec.array));
      spec.array.reset();
      continue;
    }
    auto type = cast<RankedTensorType>(argument.getType());
    auto elements = getNpyType(type.getElementType());
    bool indices = random.isIndices(argument);
    if (!elements || (isInteger(*elements) && !indices)) {
      emitError(argument.getLoc())
          << "expects --input for '"
          << getArgumentName(function, argument.getArgNumber())
          << "': there are no random numbers of " << type.getElementType();
      return kInputError;
    }
    SmallVector<int64_t> bound = shapes.getShape(argument);
    std::vector<int64_t> shape(bound.begin(), bound.end());
    std::vector<double> values = random.generate(argument, shape);
    inputs.tensors.push_back(
        support::fromDoubles(*elements, shape, values.data()));
  }
  return kOk;
}
