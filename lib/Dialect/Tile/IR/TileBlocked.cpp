//===- TileBlocked.cpp - the layout for the arithmetic units --------------===//
// How #tile.blocked is written and checked, and verifiers of its operations.
// Constraints C1.. are those of dialects/Tile/TileBlocked.td.
//===----------------------------------------------------------------------===//
#include "deltanet/Dialect/Tile/IR/Tile.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace deltanet::tile;

using Dim = BlockedAttr::Dim;

/// Numbers that stand for one dimension.
static constexpr int64_t kPerDim = 5;

BlockedAttr BlockedAttr::get(MLIRContext *context, ArrayRef<Dim> dims) {
  SmallVector<int64_t> numbers;
  for (const Dim &dim : dims)
    numbers.append({dim.vector, dim.lanes, dim.laneStride, dim.warps,
                    dim.warpStride});
  return get(context, ArrayRef<int64_t>(numbers));
}

Dim BlockedAttr::getDim(int64_t dim) const {
  ArrayRef<int64_t> n = getNumbers().slice(dim * kPerDim, kPerDim);
  return {n[0], n[1], n[2], n[3], n[4]};
}

BlockedAttr BlockedAttr::drop(ArrayRef<int64_t> dropped) const {
  SmallVector<Dim> dims;
  for (int64_t d = 0; d != getRank(); ++d)
    if (!llvm::is_contained(dropped, d))
      dims.push_back(getDim(d));
  return get(getContext(), dims);
}

LogicalResult BlockedAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                  ArrayRef<int64_t> numbers) {
  if (numbers.size() % kPerDim != 0)
    return emitError() << "expects " << kPerDim
                       << " numbers a dimension, got " << numbers.size();
  int64_t lanesTaken = 0, warpsTaken = 0;
  for (size_t d = 0; d != numbers.size() / kPerDim; ++d) {
    ArrayRef<int64_t> n = numbers.slice(d * kPerDim, kPerDim);
    // C1
    for (int64_t number : n)
      if (number < 1 || !llvm::isPowerOf2_64(number))
        return emitError() << "expects powers of two, got " << number
                           << " for dimension " << d;
    // C2
    int64_t lanes = (n[1] - 1) * n[2], warps = (n[3] - 1) * n[4];
    if (lanes >= kWarpSize)
      return emitError() << "expects lanes below " << kWarpSize << ", got lane "
                         << lanes << " for dimension " << d;
    if ((lanes & lanesTaken) || (warps & warpsTaken))
      return emitError() << "expects lanes and warps of their own for every "
                            "dimension, got some of dimension "
                         << d << " that an earlier one has";
    lanesTaken |= lanes;
    warpsTaken |= warps;
  }
  return success();
}

LogicalResult
BlockedAttr::verifyEncoding(ArrayRef<int64_t> shape, Type,
                            function_ref<InFlightDiagnostic()> emitError) const {
  // C3
  if (static_cast<int64_t>(shape.size()) != getRank())
    return emitError() << "expects a layout of " << shape.size()
                       << " dimensions, as the tile, got " << getRank();
  for (int64_t extent : shape)
    if (extent < 1)
      return emitError() << "expects static extents of at least 1 in layout "
                            "#tile.blocked, got "
                         << extent;
  return success();
}

/// `4 lanes 8 by 1 warps 4 by 1`
static ParseResult parseDim(AsmParser &parser, SmallVector<int64_t> &numbers) {
  Dim dim;
  auto spread = [&](StringRef keyword, int64_t &count,
                    int64_t &stride) -> ParseResult {
    if (failed(parser.parseOptionalKeyword(keyword)))
      return success();
    return failure(parser.parseInteger(count) || parser.parseKeyword("by") ||
                   parser.parseInteger(stride));
  };
  if (parser.parseInteger(dim.vector) ||
      spread("lanes", dim.lanes, dim.laneStride) ||
      spread("warps", dim.warps, dim.warpStride))
    return failure();
  numbers.append(
      {dim.vector, dim.lanes, dim.laneStride, dim.warps, dim.warpStride});
  return success();
}

Attribute BlockedAttr::parse(AsmParser &parser, Type) {
  SmallVector<int64_t> numbers;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess())
    return {};
  if (failed(parser.parseOptionalGreater())) {
    do {
      if (parseDim(parser, numbers))
        return {};
    } while (succeeded(parser.parseOptionalComma()));
    if (parser.parseGreater())
      return {};
  }
  return parser.getChecked<BlockedAttr>(loc, parser.getContext(),
                                        ArrayRef<int64_t>(numbers));
}

void BlockedAttr::print(AsmPrinter &printer) const {
  printer << "<";
  for (int64_t d = 0; d != getRank(); ++d) {
    Dim dim = getDim(d);
    printer << (d ? ", " : "") << dim.vector;
    if (dim.lanes > 1)
      printer << " lanes " << dim.lanes << " by " << dim.laneStride;
    if (dim.warps > 1)
      printer << " warps " << dim.warps << " by " << dim.warpStride;
  }
  printer << ">";
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

static BlockedAttr layoutOf(RankedTensorType type) {
  return cast<BlockedAttr>(type.getEncoding());
}

/// `large` without the dimensions `dropped`; null where one is not there.
static RankedTensorType dropDims(RankedTensorType large,
                                 ArrayRef<int64_t> dropped) {
  SmallVector<int64_t> shape;
  llvm::SmallDenseSet<int64_t> once;
  for (int64_t d : dropped)
    if (d < 0 || d >= large.getRank() || !once.insert(d).second)
      return {};
  for (int64_t d = 0; d != large.getRank(); ++d)
    if (!once.contains(d))
      shape.push_back(large.getDimSize(d));
  return RankedTensorType::get(shape, large.getElementType(),
                               layoutOf(large).drop(dropped));
}

LogicalResult ExpandOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType()),
       result = cast<RankedTensorType>(getResult().getType());
  // C1
  RankedTensorType want = dropDims(result, getDimensions());
  if (!want)
    return emitOpError("expects dimensions of the result, each once, got ")
           << getDimensions();
  if (input != want)
    return emitOpError("expects an input of type ")
           << want << ", the result without the listed dimensions, got "
           << input;
  return success();
}

LogicalResult CombineOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType()),
       result = cast<RankedTensorType>(getResult().getType());
  // C1
  RankedTensorType want = dropDims(input, getDimensions());
  if (!want)
    return emitOpError("expects dimensions of the input, each once, got ")
           << getDimensions();
  if (result != want)
    return emitOpError("expects a result of type ")
           << want << ", the input without the listed dimensions, got "
           << result;
  // C2
  int64_t warps = 1;
  for (int64_t d : getDimensions())
    warps *= layoutOf(input).getDim(d).warps;
  if (bool(getBuffer()) != (warps > 1))
    return emitOpError("expects a buffer where warps share a reduced dimension "
                       "and nowhere else, got ")
           << (getBuffer() ? "one" : "none") << " for " << warps << " warps";
  if (!getBuffer())
    return success();
  BufferType buffer = getBuffer().getType();
  int64_t rows = getElementsPerThread(result);
  if (!buffer.getElementType().isF32() || buffer.getRows() != rows ||
      buffer.getColumns() % kWarpSize != 0 ||
      buffer.getColumns() < warps * kWarpSize)
    return emitOpError("expects an f32 buffer of ")
           << rows << " rows and " << kWarpSize
           << " columns for each warp of the block, got " << buffer;
  return success();
}

void CombineOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  for (OpOperand &operand : getBufferMutable()) {
    effects.emplace_back(MemoryEffects::Read::get(), &operand);
    effects.emplace_back(MemoryEffects::Write::get(), &operand);
  }
}

LogicalResult TakeRowOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType()),
       result = cast<RankedTensorType>(getResult().getType());
  // C1
  int64_t index = getIndex();
  if (input.getRank() < 1 || index < 0 || index >= input.getDimSize(0))
    return emitOpError("expects the index of a row, got ")
           << index << " of " << input;
  Dim rows = layoutOf(input).getDim(0);
  if (rows.lanes != 1 || rows.warps != 1)
    return emitOpError("expects rows that neither lanes nor warps share, got ")
           << layoutOf(input);
  // C2
  RankedTensorType want = dropDims(input, {0});
  if (result != want)
    return emitOpError("expects a result of type ")
           << want << ", the input without its rows, got " << result;
  return success();
}

LogicalResult TransposeOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType()),
       result = cast<RankedTensorType>(getResult().getType());
  // C1
  if (input.getRank() != 2)
    return emitOpError("expects a matrix, got ") << input;
  BlockedAttr layout = layoutOf(input);
  auto want = RankedTensorType::get(
      {input.getDimSize(1), input.getDimSize(0)}, input.getElementType(),
      BlockedAttr::get(getContext(), {layout.getDim(1), layout.getDim(0)}));
  if (result != want)
    return emitOpError("expects a result of type ")
           << want << ", the input exchanged, got " << result;
  return success();
}
