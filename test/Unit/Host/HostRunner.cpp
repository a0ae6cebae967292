//===- HostRunner.cpp - compiles and calls a module of a test -------------===//
#include "HostRunner.h"
#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "deltanet/Pipelines/ChunkToLLVM.h"
#include "deltanet/Registration.h"
#include "deltanet/Target/Host.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/APFloat.h"
#include "gtest/gtest.h"
#include <cmath>
#include <cstring>
#include <filesystem>

using namespace mlir;
using namespace deltanet::test;

int64_t Array::size() const {
  int64_t n = 1;
  for (int64_t extent : shape)
    n *= extent;
  return n;
}

std::vector<std::string> deltanet::test::listExamples() {
  std::vector<std::string> files;
  for (const auto &entry :
       std::filesystem::directory_iterator(DELTANET_EXAMPLES))
    if (entry.path().extension() == ".mlir")
      files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  return files;
}

double deltanet::test::roundTo(Type element, double value) {
  auto type = dyn_cast<FloatType>(element);
  if (!type)
    return element.isInteger(1) ? value != 0 : std::trunc(value);
  llvm::APFloat x(value);
  bool lost;
  x.convert(type.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven,
            &lost);
  x.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven,
            &lost);
  return x.convertToDouble();
}

double deltanet::test::relativeError(const Array &a, const Array &b) {
  double difference = 0, norm = 0;
  if (a.shape != b.shape)
    return NAN;
  for (size_t i = 0; i < b.values.size(); ++i) {
    double x = a.values[i], y = b.values[i];
    if (std::isnan(x) && std::isnan(y))
      continue;
    if (x == y) { // Infinities too.
      norm += std::isfinite(y) ? y * y : 0;
      continue;
    }
    difference += (x - y) * (x - y);
    norm += y * y;
  }
  // What underflows in f32 is no error.
  return std::sqrt(difference) / std::max(std::sqrt(norm), 1e-30);
}

MLIRContext &deltanet::test::getContext() {
  static MLIRContext *context = [] {
    DialectRegistry registry;
    registerDialects(registry);
    host::registerTranslations(registry);
    auto *made = new MLIRContext(registry);
    made->loadAllAvailableDialects();
    return made;
  }();
  return *context;
}

OwningOpRef<ModuleOp> deltanet::test::parse(const std::string &text) {
  OwningOpRef<ModuleOp> module =
      parseSourceString<ModuleOp>(text, &getContext());
  EXPECT_TRUE(module) << text;
  return module;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

namespace {
/// One tensor in memory between two guards, and its descriptor.
struct Memory {
  static constexpr size_t guard = 256;
  static constexpr char poison = static_cast<char>(0xff);

  Memory(const std::vector<int64_t> &shape, Type element) : element(element) {
    int64_t n = 1;
    for (int64_t extent : shape)
      n *= extent;
    width = element.isInteger(1) ? 1 : element.getIntOrFloatBitWidth() / 8;
    bytes.assign(n * width + 2 * guard, poison);
    // The addresses are filled in when the memory has found its place.
    descriptor = {0, 0, 0};
    descriptor.insert(descriptor.end(), shape.begin(), shape.end());
    int64_t stride = n;
    for (int64_t extent : shape)
      descriptor.push_back(stride = extent ? stride / extent : 0);
  }
  char *data() { return bytes.data() + guard; }

  void set(size_t i, double value) {
    char *at = data() + i * width;
    if (auto type = dyn_cast<FloatType>(element)) {
      llvm::APFloat x(value);
      bool lost;
      x.convert(type.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven,
                &lost);
      uint64_t bits = x.bitcastToAPInt().getZExtValue();
      std::memcpy(at, &bits, width);
      return;
    }
    int64_t integer = value;
    std::memcpy(at, &integer, width);
  }
  double get(size_t i) {
    char *at = data() + i * width;
    uint64_t bits = 0;
    std::memcpy(&bits, at, width);
    if (auto type = dyn_cast<FloatType>(element)) {
      llvm::APFloat x(type.getFloatSemantics(), llvm::APInt(width * 8, bits));
      bool lost;
      x.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven,
                &lost);
      return x.convertToDouble();
    }
    return static_cast<double>(static_cast<int64_t>(bits << (64 - width * 8)) >>
                               (64 - width * 8));
  }
  void expectGuards(const std::string &what) {
    for (size_t i = 0; i < guard; ++i)
      if (bytes[i] != poison || bytes[bytes.size() - 1 - i] != poison) {
        ADD_FAILURE() << "wrote outside of " << what;
        return;
      }
  }

  Type element;
  size_t width;
  std::vector<char> bytes;
  std::vector<int64_t> descriptor;
};
} // namespace

std::vector<Array>
deltanet::test::run(ModuleOp original, const std::string &name,
                    const std::vector<Array> &inputs,
                    const std::vector<std::vector<int64_t>> &shapes,
                    const RunOptions &options) {
  auto function = original.lookupSymbol<func::FuncOp>(name);
  SmallVector<Type> results(function.getResultTypes());
  OwningOpRef<ModuleOp> module = original.clone();
  PassManager manager(&getContext());
  ChunkToLLVMOptions lower;
  lower.vectorBits = options.vectorBits;
  lower.subChunk = options.subChunk;
  buildChunkToLLVM(manager, lower);
  if (failed(manager.run(*module))) {
    ADD_FAILURE() << "the module is not lowered";
    return {};
  }
  auto program = host::Program::compile(*module);
  if (!program) {
    ADD_FAILURE() << llvm::toString(program.takeError());
    return {};
  }
  std::vector<Memory> memory;
  for (const Array &input : inputs) {
    memory.emplace_back(input.shape, input.element);
    for (size_t i = 0; i < input.values.size(); ++i)
      memory.back().set(i, input.values[i]);
  }
  for (auto [shape, type] : llvm::zip(shapes, results))
    memory.emplace_back(shape, getElementTypeOrSelf(type));
  std::vector<void *> arguments;
  for (Memory &m : memory) {
    m.descriptor[0] = m.descriptor[1] = reinterpret_cast<intptr_t>(m.data());
    arguments.push_back(m.descriptor.data());
  }
  if (llvm::Error error = (*program)->invoke(name, arguments)) {
    ADD_FAILURE() << llvm::toString(std::move(error));
    return {};
  }
  std::vector<Array> outputs;
  for (size_t i = 0; i < memory.size(); ++i) {
    memory[i].expectGuards(
        (i < inputs.size() ? "argument " : "result ") +
        std::to_string(i < inputs.size() ? i : i - inputs.size()));
    if (i < inputs.size())
      continue;
    Array &output = outputs.emplace_back();
    output.shape = shapes[i - inputs.size()];
    output.element = memory[i].element;
    for (int64_t j = 0; j < output.size(); ++j)
      output.values.push_back(memory[i].get(j));
  }
  return outputs;
}
