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

/// The size that `loop` walks; sequences that are not packed are the batch.
static std::optional<Size> sizeOf(int64_t loop, bool packed) {
  switch (loop) {
  case AccessAttr::Batch:
    return Size::Batch;
  case AccessAttr::Sequence:
    return packed ? Size::Sequences : Size::Batch;
  case AccessAttr::Pool:
    return Size::Pool;
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

/// What becomes a kernel.
static bool isKernel(Operation *op) {
  return isa_and_nonnull<chunk::ScanOp, chunk::SumOp>(op);
}

/// Whether the body of `function` is scans, sums, constants and a return.
static LogicalResult checkFunction(func::FuncOp function) {
  if (!function.getBody().hasOneBlock())
    return function.emitOpError(
               "expects one block in a function that becomes a kernel, got ")
           << function.getBody().getBlocks().size();
  for (Operation &op : function.getBody().front())
    if (!isKernel(&op) &&
        !isa<chunk::IdentityOp, arith::ConstantOp, func::ReturnOp>(op)) {
      InFlightDiagnostic diag = function.emitOpError(
          "expects scans, sums of what they yield, and nothing else in a "
          "function that becomes kernels");
      diag.attachNote(op.getLoc())
          << "'" << op.getName()
          << "' stands beside it; chunk-fuse-elementwise moves elementwise "
             "work into the scan";
      return diag;
    }
  for (Value v : function.getBody().front().getTerminator()->getOperands())
    if (!isKernel(v.getDefiningOp()))
      return function.emitOpError(
                 "expects results of scans to be returned, got ")
             << v;
  return success();
}

static std::string nameOf(DictionaryAttr attributes, const Twine &otherwise) {
  if (attributes)
    if (auto name = attributes.getAs<StringAttr>(kNameAttr))
      return name.str();
  return otherwise.str();
}

/// The name of what one kernel gives another, the same wherever it is asked
/// for.
static std::string workspaceName(func::FuncOp function, OpResult result) {
  int64_t number = 0;
  for (Operation &op : function.getBody().front()) {
    if (&op == result.getOwner())
      break;
    number += isKernel(&op);
  }
  return ("workspace" + Twine(number) + "_" + Twine(result.getResultNumber()))
      .str();
}

/// The tensors that are read, each with one access; of lists it is null.
FailureOr<KernelSignature::Reads> KernelSignature::findReads() {
  Reads reads;
  auto add = [&](Value v, AccessAttr access) {
    if (!llvm::is_contained(llvm::make_first_range(reads), v))
      reads.push_back({v, access});
  };
  if (auto sum = dyn_cast<chunk::SumOp>(op)) {
    for (auto [v, access] : llvm::zip(sum.getParts(), sum.getPartAccesses()))
      add(v, cast<AccessAttr>(access));
    return reads;
  }
  for (auto [v, access] : llvm::zip(scan.getInits(), scan.getInitAccesses()))
    add(v, cast<AccessAttr>(access));
  for (auto [v, access] : llvm::zip(scan.getInputs(), scan.getInputAccesses()))
    add(v, cast<AccessAttr>(access));
  for (Value list : {scan.getSequences(), scan.getIndices()})
    if (list && !isa<BlockArgument>(list))
      return scan.emitOpError("expects offsets of packed sequences and indices "
                              "that are arguments of the function, got ")
             << list;
    else if (list)
      add(list, AccessAttr());
  return reads;
}

/// In the order of the function's arguments, what other kernels give after
/// them.
void KernelSignature::readInputs(func::FuncOp function, const Reads &reads) {
  for (BlockArgument argument : function.getArguments())
    for (auto [v, access] : reads)
      if (v == argument)
        inputs.push_back(
            {argument,
             nameOf(function.getArgAttrDict(argument.getArgNumber()),
                    "arg" + Twine(argument.getArgNumber())),
             access, Role::Input,
             isa<chunk::ScanOp>(op) && v == scan.getSequences() ? 1 : 0});
  for (auto [v, access] : reads)
    if (auto result = dyn_cast<OpResult>(v);
        result && isKernel(result.getOwner()))
      inputs.push_back(
          {v, workspaceName(function, result), access, Role::Workspace, 0});
}

void KernelSignature::readOutputs(func::FuncOp function) {
  auto returned = function.getBody().front().getTerminator();
  auto accessOf = [&](int64_t number) -> AccessAttr {
    if (auto sum = dyn_cast<chunk::SumOp>(op))
      return sum.getAccess();
    int64_t count = scan.getNumOutputs();
    return number < count ? scan.getOutputAccess(number)
                          : scan.getFinalAccess(number - count);
  };
  for (OpResult result : op->getResults()) {
    AccessAttr access = accessOf(result.getResultNumber());
    for (auto [i, v] : llvm::enumerate(returned->getOperands()))
      if (v == result)
        outputs.push_back(
            {v, nameOf(function.getResultAttrDict(i), "result" + Twine(i)),
             access, Role::Output, 0});
    if (!result.use_empty() &&
        !llvm::is_contained(returned->getOperands(), result))
      outputs.push_back({result, workspaceName(function, result), access,
                         Role::Workspace, 0});
  }
}

void KernelSignature::readSizes() {
  // A size is static where some tensor says so.
  llvm::SmallVector<int64_t> seen[kNumSizes];
  for (ArrayRef<Tensor> tensors : {ArrayRef(inputs), ArrayRef(outputs)})
    for (const Tensor &tensor : tensors) {
      auto shape = cast<RankedTensorType>(tensor.value.getType()).getShape();
      if (!tensor.access) {
        int64_t length = shape[0];
        Size size = *sizeOf(AccessAttr::Sequence, packed);
        seen[static_cast<int>(size)].push_back(
            ShapedType::isDynamic(length) ? length : length - tensor.more);
        continue;
      }
      for (auto [entry, extent] :
           llvm::zip(tensor.access.getEntries(), shape)) {
        std::optional<Size> size = sizeOf(entry, packed);
        if (!size)
          continue;
        int64_t rows = *size == Size::Tokens ? getRows(tensor.value) : 1;
        seen[static_cast<int>(*size)].push_back(
            ShapedType::isDynamic(extent) ? extent : extent / rows);
      }
    }
  if (isa<chunk::SumOp>(op))
    readChunks(seen);
  for (int s = 0; s != kNumSizes; ++s)
    if (!seen[s].empty()) {
      auto known = llvm::find_if(
          seen[s], [](int64_t e) { return !ShapedType::isDynamic(e); });
      sizes[s] = known == seen[s].end() ? ShapedType::kDynamic : *known;
    }
}

/// How many chunks there are follows from the tokens, which what is stored by
/// chunks does not have.
void KernelSignature::readChunks(SmallVector<int64_t> (&seen)[kNumSizes]) {
  if (llvm::none_of(inputs, [](const Tensor &tensor) {
        return tensor.access.has(AccessAttr::Chunk);
      }))
    return;
  for (auto [i, input] : llvm::enumerate(scan.getInputs()))
    if (int64_t dim = scan.getInputAccess(i).findLoop(AccessAttr::Token);
        dim >= 0) {
      int64_t extent = cast<RankedTensorType>(input.getType()).getDimSize(dim);
      seen[static_cast<int>(Size::Tokens)].push_back(
          ShapedType::isDynamic(extent) ? extent : extent / getRows(input));
    }
  if (Value offsets = scan.getSequences()) {
    int64_t entries = cast<RankedTensorType>(offsets.getType()).getDimSize(0);
    seen[static_cast<int>(Size::Sequences)].push_back(
        ShapedType::isDynamic(entries) ? entries : entries - 1);
  }
}

int64_t KernelSignature::getRows(Value tensor) const {
  for (auto [i, input] : llvm::enumerate(scan.getInputs()))
    if (input == tensor)
      return chunk::getRowsPerToken(
          scan, cast<RankedTensorType>(scan.getInputArguments()[i].getType()),
          scan.getInputAccess(i));
  // What is summed has the rows of its parts.
  while (auto sum = tensor.getDefiningOp<chunk::SumOp>())
    tensor = sum.getParts()[0];
  auto from = tensor.getDefiningOp<chunk::ScanOp>();
  int64_t number = from ? cast<OpResult>(tensor).getResultNumber() : 0;
  if (!from || number >= from.getNumOutputs())
    return 1;
  auto yield = cast<chunk::YieldOp>(from.getBodyBlock()->getTerminator());
  return chunk::getRowsPerToken(
      from, cast<RankedTensorType>(yield.getOutputs()[number].getType()),
      from.getOutputAccess(number));
}

FailureOr<KernelSignature> KernelSignature::read(func::FuncOp function,
                                                 chunk::ScanOp scan) {
  KernelSignature signature;
  signature.op = scan;
  signature.scan = scan;
  // A scan over segments has as many sequences as those that it joins.
  signature.packed = scan.hasTokens()
                         ? bool(scan.getSequences())
                         : llvm::any_of(function.getOps<chunk::ScanOp>(),
                                        [](chunk::ScanOp other) {
                                          return bool(other.getSequences());
                                        });
  return finish(function, signature);
}

FailureOr<KernelSignature> KernelSignature::read(func::FuncOp function,
                                                 chunk::SumOp sum) {
  KernelSignature signature;
  signature.op = sum;
  for (Value part : sum.getParts()) {
    while (auto inner = part.getDefiningOp<chunk::SumOp>())
      part = inner.getParts()[0];
    auto from = part.getDefiningOp<chunk::ScanOp>();
    if (!from)
      return sum.emitOpError("expects sums of results of scans in a function "
                             "that becomes kernels, got ")
             << part;
    if (!signature.scan)
      signature.scan = from;
  }
  signature.packed = bool(signature.scan.getSequences());
  return finish(function, signature);
}

FailureOr<KernelSignature> KernelSignature::finish(func::FuncOp function,
                                                   KernelSignature signature) {
  if (failed(checkFunction(function)))
    return failure();
  FailureOr<Reads> reads = signature.findReads();
  if (failed(reads))
    return failure();
  signature.readInputs(function, *reads);
  signature.readOutputs(function);
  signature.readSizes();
  return signature;
}

std::string KernelSignature::getSizeText(Size size) const {
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

std::string KernelSignature::getExtentText(const Tensor &tensor,
                                           int64_t dim) const {
  if (!tensor.access) {
    std::string text = getSizeText(*sizeOf(AccessAttr::Sequence, packed));
    return tensor.more ? text + " + " + std::to_string(tensor.more) : text;
  }
  return getExtentText(
      tensor.access, cast<RankedTensorType>(tensor.value.getType()), dim,
      tensor.access.has(AccessAttr::Token) ? getRows(tensor.value) : 1);
}

std::string KernelSignature::getExtentText(AccessAttr access,
                                           RankedTensorType type, int64_t dim,
                                           int64_t rows) const {
  int64_t entry = access.getEntries()[dim];
  if (entry == AccessAttr::Chunk && scan.hasTokens()) {
    std::string chunk = std::to_string(scan.getChunkSize());
    // The chunks of sequence n begin at entry sequences[n] / C + n.
    return packed ? getSizeText(Size::Tokens) + " / " + chunk + " + " +
                        getSizeText(Size::Sequences)
                  : "ceildiv(" + getSizeText(Size::Tokens) + ", " + chunk + ")";
  }
  std::optional<Size> size = sizeOf(entry, packed);
  if (!size)
    return std::to_string(type.getDimSize(dim));
  bool several = *size == Size::Tokens && rows != 1;
  return (several ? std::to_string(rows) + " * " : "") + getSizeText(*size);
}

Attribute KernelSignature::describe(MLIRContext *context,
                                    const Tensor &tensor) const {
  Builder b(context);
  auto type = cast<RankedTensorType>(tensor.value.getType());
  std::string element;
  llvm::raw_string_ostream(element) << type.getElementType();
  SmallVector<Attribute> shape;
  for (int64_t d = 0; d != type.getRank(); ++d)
    shape.push_back(b.getStringAttr(getExtentText(tensor, d)));
  StringRef role = tensor.role == Role::Input       ? "input"
                   : tensor.role == Role::Workspace ? "workspace"
                                                    : "output";
  return b.getDictionaryAttr(
      {b.getNamedAttr("name", b.getStringAttr(tensor.name)),
       b.getNamedAttr("role", b.getStringAttr(role)),
       b.getNamedAttr("type", b.getStringAttr(element)),
       b.getNamedAttr("shape", b.getArrayAttr(shape))});
}

DictionaryAttr KernelSignature::getLaunch(MLIRContext *context,
                                          const Grid &grid,
                                          int64_t threads) const {
  Builder b(context);
  SmallVector<Attribute> arguments;
  for (const Tensor &tensor : inputs)
    arguments.push_back(describe(context, tensor));
  for (int s = 0; s != kNumSizes; ++s)
    if (ShapedType::isDynamic(sizes[s]))
      arguments.push_back(b.getDictionaryAttr(
          {b.getNamedAttr("name", b.getStringAttr(kSizeNames[s])),
           b.getNamedAttr("role", b.getStringAttr("size")),
           b.getNamedAttr("type", b.getStringAttr("i64"))}));
  for (const Tensor &tensor : outputs)
    arguments.push_back(describe(context, tensor));
  Attribute blocks[] = {b.getStringAttr(grid.x), b.getStringAttr(grid.y),
                        b.getStringAttr(grid.z)};
  return b.getDictionaryAttr(
      {b.getNamedAttr("grid", b.getArrayAttr(blocks)),
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
  outputPointers.assign(op->getNumResults(), Value());
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
  int64_t entry = access.getEntries()[dim];
  if (entry == AccessAttr::Chunk && scan.hasTokens()) {
    Value tokens = getSize(b, loc, Size::Tokens),
          chunk = arith::ConstantIndexOp::create(b, loc, scan.getChunkSize());
    if (!packed)
      return arith::CeilDivUIOp::create(b, loc, tokens, chunk);
    Value whole = arith::DivUIOp::create(b, loc, tokens, chunk);
    return arith::AddIOp::create(b, loc, whole,
                                 getSize(b, loc, Size::Sequences));
  }
  std::optional<Size> size = sizeOf(entry, packed);
  if (!size)
    return arith::ConstantIndexOp::create(b, loc, type.getDimSize(dim));
  Value extent = getSize(b, loc, *size);
  if (*size != Size::Tokens || rows == 1)
    return extent;
  return arith::MulIOp::create(b, loc, extent,
                               arith::ConstantIndexOp::create(b, loc, rows));
}

SmallVector<Value> KernelSignature::getStrides(OpBuilder &b, Location loc,
                                               AccessAttr access,
                                               RankedTensorType type,
                                               int64_t rows) const {
  SmallVector<Value> strides(type.getRank());
  Value stride = arith::ConstantIndexOp::create(b, loc, 1);
  for (int64_t d = type.getRank() - 1; d >= 0; --d) {
    strides[d] = stride;
    if (d)
      stride = arith::MulIOp::create(b, loc, stride,
                                     getExtent(b, loc, access, type, d, rows));
  }
  return strides;
}
