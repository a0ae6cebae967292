//===- ChunkCheck.cpp - lowered programs against the oracle ---------------===//
// Shapes follow from the accesses of the program's scan.
//===----------------------------------------------------------------------===//
#include "ChunkCheck.h"
#include "ChunkOracle.h"
#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::test;

static std::vector<int64_t> shapeOf(RankedTensorType type,
                                    chunk::AccessAttr access,
                                    const Sizes &sizes, int64_t steps,
                                    int64_t chunkSize) {
  std::vector<int64_t> shape(type.getShape().begin(), type.getShape().end());
  int64_t total = sizes.tokens;
  if (!sizes.packed.empty()) {
    total = 0;
    for (int64_t length : sizes.packed)
      total += length;
  }
  int64_t sequences = sizes.packed.empty() ? sizes.batch : sizes.packed.size();
  for (auto [extent, entry] : llvm::zip(shape, access.getEntries())) {
    if (!ShapedType::isDynamic(extent))
      continue;
    switch (entry) {
    case chunk::AccessAttr::Batch:
      extent = sizes.packed.empty() ? sizes.batch : 1;
      break;
    case chunk::AccessAttr::Token:
      extent = total * steps;
      break;
    case chunk::AccessAttr::Sequence:
      extent = sequences;
      break;
    case chunk::AccessAttr::Head:
      extent = sizes.heads;
      break;
    case chunk::AccessAttr::Group:
      extent = sizes.groups;
      break;
    case chunk::AccessAttr::Chunk:
      extent = sizes.packed.empty() ? (total + chunkSize - 1) / chunkSize
                                    : total / chunkSize + sequences;
      break;
    default:
      ADD_FAILURE() << "a tile's extent is dynamic";
    }
  }
  return shape;
}

static Array randomArray(std::vector<int64_t> shape, Type element,
                         const Sizes &sizes, ArrayAttr range,
                         std::mt19937 &random) {
  Array a{std::move(shape), element, {}};
  double lo = sizes.lowest, hi = sizes.highest;
  if (range) {
    lo = cast<FloatAttr>(range[0]).getValueAsDouble();
    hi = cast<FloatAttr>(range[1]).getValueAsDouble();
  }
  for (int64_t i = 0; i < a.size(); ++i) {
    double x = lo + (hi - lo) * (random() / 4294967296.0);
    a.values.push_back(roundTo(element, x));
  }
  return a;
}

std::vector<Array> deltanet::test::randomArguments(func::FuncOp function,
                                                   chunk::ScanOp scan,
                                                   const Sizes &sizes,
                                                   std::mt19937 &random) {
  int64_t size = scan.getChunkSize();
  std::vector<Array> inputs;
  for (auto [i, argument] : llvm::enumerate(function.getArguments())) {
    auto type = cast<RankedTensorType>(argument.getType());
    std::vector<int64_t> shape;
    if (argument == scan.getSequences()) {
      Array offsets{{static_cast<int64_t>(sizes.packed.size()) + 1},
                    type.getElementType(),
                    {0}};
      for (int64_t length : sizes.packed)
        offsets.values.push_back(offsets.values.back() + length);
      inputs.push_back(offsets);
      continue;
    }
    for (auto [j, value] : llvm::enumerate(scan.getInits()))
      if (value == argument)
        shape = shapeOf(type, scan.getInitAccess(j), sizes, 1, size);
    for (auto [j, value] : llvm::enumerate(scan.getInputs()))
      if (value == argument) {
        auto tile =
            cast<RankedTensorType>(scan.getInputArguments()[j].getType());
        int64_t steps = scan.getInputAccess(j).has(chunk::AccessAttr::Token)
                            ? tile.getDimSize(0) / size
                            : 1;
        shape = shapeOf(type, scan.getInputAccess(j), sizes, steps, size);
      }
    inputs.push_back(randomArray(
        shape, type.getElementType(), sizes,
        function.getArgAttrOfType<ArrayAttr>(i, "test.range"), random));
  }
  return inputs;
}

void deltanet::test::check(const std::string &text, const Sizes &sizes,
                           double tolerance, const RunOptions &options) {
  OwningOpRef<ModuleOp> module = parse(text);
  ASSERT_TRUE(module);
  SCOPED_TRACE(text);
  check(*module, sizes, tolerance, options);
}

void deltanet::test::check(ModuleOp module, const Sizes &sizes,
                           double tolerance, const RunOptions &options) {
  func::FuncOp function = *module.getOps<func::FuncOp>().begin();
  chunk::ScanOp scan;
  function.walk([&](chunk::ScanOp op) { scan = op; });
  ASSERT_TRUE(scan);
  int64_t size = scan.getChunkSize();

  std::mt19937 random(1);
  std::vector<Array> inputs = randomArguments(function, scan, sizes, random);
  std::vector<std::vector<int64_t>> shapes;
  auto ret = cast<func::ReturnOp>(function.getBody().front().getTerminator());
  for (Value value : ret.getOperands()) {
    auto result = cast<OpResult>(value);
    unsigned outputs = scan.getNumOutputs(), j = result.getResultNumber();
    chunk::AccessAttr access = j < outputs ? scan.getOutputAccess(j)
                                           : scan.getFinalAccess(j - outputs);
    shapes.push_back(shapeOf(cast<RankedTensorType>(value.getType()), access,
                             sizes, 1, size));
  }
  std::vector<Array> want = evaluate(function, inputs, shapes);
  std::vector<Array> got =
      run(module, function.getName().str(), inputs, shapes, options);
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i)
    EXPECT_LE(relativeError(got[i], want[i]), tolerance) << "result " << i;
}

std::string deltanet::test::scanFunction(const std::string &arguments,
                                         const std::string &results,
                                         const std::string &lists,
                                         const std::string &blockArguments,
                                         const std::string &body) {
  bool several = results.find(", tensor") != std::string::npos;
  std::string count = several ? ":2" : "";
  return "func.func @f(" + arguments + ") -> (" + results + ") {\n  %r" +
         count + " = chunk.scan " + lists + " {\n  ^bb0(" + blockArguments +
         "):\n" + body + "\n  }\n  return " + (several ? "%r#0, %r#1" : "%r") +
         " : " + results + "\n}\n";
}

std::string deltanet::test::format(
    std::string text,
    const std::vector<std::pair<std::string, std::string>> &names) {
  for (const auto &[name, value] : names)
    for (size_t at; (at = text.find("$" + name)) != std::string::npos;)
      text.replace(at, name.size() + 1, value);
  return text;
}
