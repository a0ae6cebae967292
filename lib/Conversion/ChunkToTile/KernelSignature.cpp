//===- KernelSignature.cpp - arguments and launch of a kernel -------------===//
// See KernelSignature.h.
//===----------------------------------------------------------------------===//
#include "KernelSignature.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace deltanet;
using chunk::AccessAttr;

static constexpr llvm::StringLiteral kNameAttr = "deltanet.name";
static constexpr llvm::StringLiteral kSizeNames[kNumSizes] = {"B", "T", "H",
                                                              "G", "N", "P"};

std::optional<Size> KernelSignature::sizeOf(int64_t loop) const {
  switch (loop) {
  case AccessAttr::Sequence:
    return packed ? Size::Sequences : Size::Batch;
  case AccessAttr::Pool:
    return Size::Pool;
  case AccessAttr::Batch:
    return Size::Batch;
  case AccessAttr::Token:
    return Size::Tokens;
  case AccessAttr::Head:
    return Size::Heads;
  case AccessAttr::Group:
    return Size::Groups;
  default:
    return std::nullopt;
  }
}

/// Whether the body of `function` is this scan, constants and a return.
static LogicalResult checkFunction(func::FuncOp function, chunk::ScanOp scan) {
  if (!function.getBody().hasOneBlock())
    return function.emitOpError(
               "expects one block in a function that becomes a kernel, got ")
           << function.getBody().getBlocks().size();
  for (Operation &op : function.getBody().front())
    if (&op != scan && !isa<arith::ConstantOp, func::ReturnOp>(op)) {
      InFlightDiagnostic diag =
          function.emitOpError("expects one chunk.scan and nothing else in a "
                               "function that becomes a kernel");
      diag.attachNote(op.getLoc())
          << "'" << op.getName()
          << "' stands beside it; chunk-fuse-elementwise moves "
             "elementwise work into the scan";
      return diag;
    }
  for (Value v : function.getBody().front().getTerminator()->getOperands())
    if (v.getDefiningOp() != scan)
      return function.emitOpError(
                 "expects results of the scan to be returned, got ")
             << v;
  return success();
}

static std::string nameOf(DictionaryAttr attributes, const Twine &otherwise) {
  if (attributes)
    if (auto name = attributes.getAs<StringAttr>(kNameAttr))
      return name.str();
  return otherwise.str();
}

FailureOr<KernelSignature> KernelSignature::read(func::FuncOp function,
                                                 chunk::ScanOp scan) {
  if (failed(checkFunction(function, scan)))
    return failure();
  KernelSignature signature;
  llvm::DenseMap<Value, AccessAttr> accesses;
  llvm::DenseMap<Value, int64_t> rows;
  for (auto [v, access] : llvm::zip(scan.getInits(), scan.getInitAccesses()))
    accesses[v] = cast<AccessAttr>(access);
  auto rowsOf = [&](Value tile, AccessAttr access) {
    return access.has(AccessAttr::Token)
               ? cast<RankedTensorType>(tile.getType()).getDimSize(0) /
                     static_cast<int64_t>(scan.getChunkSize())
               : 1;
  };
  for (auto [v, tile, attr] :
       llvm::zip(scan.getInputs(), scan.getInputArguments(),
                 scan.getInputAccesses())) {
    auto access = cast<AccessAttr>(attr);
    accesses[v] = access;
    rows[v] = rowsOf(tile, access);
  }
  signature.packed = bool(scan.getSequences());
  for (BlockArgument argument : function.getArguments())
    if (AccessAttr access = accesses.lookup(argument);
        access || argument == scan.getSequences() ||
        argument == scan.getIndices())
      signature.inputs.push_back(
          {argument,
           nameOf(function.getArgAttrDict(argument.getArgNumber()),
                  "arg" + Twine(argument.getArgNumber())),
           access, argument == scan.getSequences(),
           std::max<int64_t>(1, rows.lookup(argument))});
  auto returned = function.getBody().front().getTerminator();
  signature.numResults = scan.getNumResults();
  for (auto [i, v] : llvm::enumerate(returned->getOperands())) {
    int64_t number = cast<OpResult>(v).getResultNumber(),
            outputs = scan.getNumOutputs();
    AccessAttr access = number < outputs
                            ? scan.getOutputAccess(number)
                            : scan.getFinalAccess(number - outputs);
    signature.outputs.push_back(
        {v, nameOf(function.getResultAttrDict(i), "result" + Twine(i)),
         access});
  }
  for (Value list : {scan.getSequences(), scan.getIndices()})
    if (list && !isa<BlockArgument>(list))
      return scan.emitOpError("expects offsets of packed sequences and indices "
                              "that are arguments of the function, got ")
             << list;
  signature.findSizes(scan);
  return signature;
}

/// A size is static where some tensor says so.
void KernelSignature::findSizes(chunk::ScanOp scan) {
  SmallVector<int64_t> seen[kNumSizes];
  for (ArrayRef<Tensor> tensors : {ArrayRef(inputs), ArrayRef(outputs)})
    for (const Tensor &tensor : tensors) {
      auto type = cast<RankedTensorType>(tensor.value.getType());
      if (!tensor.access) {
        int64_t entries = type.getDimSize(0);
        seen[static_cast<int>(*sizeOf(AccessAttr::Sequence))].push_back(
            ShapedType::isDynamic(entries) ? entries : entries - tensor.more);
        continue;
      }
      for (auto [entry, extent] :
           llvm::zip(tensor.access.getEntries(), type.getShape()))
        if (std::optional<Size> size = sizeOf(entry))
          seen[static_cast<int>(*size)].push_back(
              size == Size::Tokens && !ShapedType::isDynamic(extent)
                  ? extent / tensor.rows
                  : extent);
    }
  if (packed)
    seen[static_cast<int>(Size::Batch)].push_back(1);
  for (int s = 0; s != kNumSizes; ++s)
    if (!seen[s].empty()) {
      auto known = llvm::find_if(
          seen[s], [](int64_t e) { return !ShapedType::isDynamic(e); });
      sizes[s] = known == seen[s].end() ? ShapedType::kDynamic : *known;
    }
}

std::string KernelSignature::sizeText(Size size) const {
  int64_t extent = sizes[static_cast<int>(size)];
  return ShapedType::isDynamic(extent)
             ? kSizeNames[static_cast<int>(size)].str()
             : std::to_string(extent);
}

FunctionType KernelSignature::getType(MLIRContext *context) const {
  SmallVector<Type> types;
  auto add = [&](const Tensor &tensor) {
    types.push_back(tile::GlobalType::get(
        context, getElementTypeOrSelf(tensor.value.getType())));
  };
  llvm::for_each(inputs, add);
  for (int64_t extent : sizes)
    if (ShapedType::isDynamic(extent))
      types.push_back(IndexType::get(context));
  llvm::for_each(outputs, add);
  return FunctionType::get(context, types, {});
}

SmallVector<std::string>
KernelSignature::describeShape(const Tensor &tensor) const {
  auto type = cast<RankedTensorType>(tensor.value.getType());
  SmallVector<std::string> shape;
  if (!tensor.access) {
    Size size = *sizeOf(AccessAttr::Sequence);
    int64_t known = getStaticSize(size);
    if (!ShapedType::isDynamic(known))
      shape.push_back(std::to_string(known + tensor.more));
    else
      shape.push_back(sizeText(size) +
                      (tensor.more ? " + " + std::to_string(tensor.more) : ""));
    return shape;
  }
  for (auto [entry, extent] :
       llvm::zip(tensor.access.getEntries(), type.getShape())) {
    std::optional<Size> size = sizeOf(entry);
    std::string text = size ? sizeText(*size) : std::to_string(extent);
    if (size == Size::Tokens && tensor.rows != 1) {
      int64_t known = getStaticSize(Size::Tokens);
      text = ShapedType::isDynamic(known)
                 ? std::to_string(tensor.rows) + " * " + text
                 : std::to_string(tensor.rows * known);
    }
    shape.push_back(text);
  }
  return shape;
}

DictionaryAttr KernelSignature::getLaunch(MLIRContext *context,
                                          int64_t columnBlocks,
                                          int64_t threads) const {
  Builder b(context);
  SmallVector<Attribute> arguments;
  auto describe = [&](const Tensor &tensor, StringRef role) {
    auto type = cast<RankedTensorType>(tensor.value.getType());
    std::string element;
    llvm::raw_string_ostream(element) << type.getElementType();
    SmallVector<Attribute> shape;
    for (const std::string &extent : describeShape(tensor))
      shape.push_back(b.getStringAttr(extent));
    arguments.push_back(b.getDictionaryAttr(
        {b.getNamedAttr("name", b.getStringAttr(tensor.name)),
         b.getNamedAttr("role", b.getStringAttr(role)),
         b.getNamedAttr("type", b.getStringAttr(element)),
         b.getNamedAttr("shape", b.getArrayAttr(shape))}));
  };
  for (const Tensor &tensor : inputs)
    describe(tensor, "input");
  for (int s = 0; s != kNumSizes; ++s)
    if (ShapedType::isDynamic(sizes[s]))
      arguments.push_back(b.getDictionaryAttr(
          {b.getNamedAttr("name", b.getStringAttr(kSizeNames[s])),
           b.getNamedAttr("role", b.getStringAttr("size")),
           b.getNamedAttr("type", b.getStringAttr("i64"))}));
  for (const Tensor &tensor : outputs)
    describe(tensor, "output");
  Attribute grid[] = {
      b.getStringAttr(std::to_string(columnBlocks)),
      b.getStringAttr(sizeText(Size::Heads)),
      b.getStringAttr(sizeText(packed ? Size::Sequences : Size::Batch))};
  return b.getDictionaryAttr(
      {b.getNamedAttr("grid", b.getArrayAttr(grid)),
       b.getNamedAttr("block", b.getI64IntegerAttr(threads)),
       b.getNamedAttr("arguments", b.getArrayAttr(arguments))});
}

void KernelSignature::bindArguments(gpu::GPUFuncOp kernel) {
  unsigned next = 0;
  for (const Tensor &tensor : inputs)
    pointers[tensor.value] = kernel.getArgument(next++);
  for (int s = 0; s != kNumSizes; ++s)
    if (ShapedType::isDynamic(sizes[s]))
      sizeArguments[s] = kernel.getArgument(next++);
  outputPointers.assign(numResults, Value());
  for (const Tensor &tensor : outputs)
    outputPointers[cast<OpResult>(tensor.value).getResultNumber()] =
        kernel.getArgument(next++);
}

Value KernelSignature::getSize(OpBuilder &b, Location loc, Size size) const {
  int s = static_cast<int>(size);
  if (sizeArguments[s])
    return sizeArguments[s];
  return arith::ConstantIndexOp::create(b, loc, sizes[s]);
}

Value KernelSignature::getExtent(OpBuilder &b, Location loc, AccessAttr access,
                                 RankedTensorType type, int64_t dim,
                                 int64_t rows) const {
  if (std::optional<Size> size = sizeOf(access.getEntries()[dim])) {
    Value extent = getSize(b, loc, *size);
    if (size != Size::Tokens || rows == 1)
      return extent;
    return arith::MulIOp::create(b, loc, extent,
                                 arith::ConstantIndexOp::create(b, loc, rows));
  }
  return arith::ConstantIndexOp::create(b, loc, type.getDimSize(dim));
}
