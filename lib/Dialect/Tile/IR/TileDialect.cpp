//===- TileDialect.cpp - layouts and types of the tile dialect ------------===//
// What the layouts hold in a thread, and how the types of shared memory are
// written.
//===----------------------------------------------------------------------===//
#include "deltanet/Dialect/Tile/IR/Tile.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace deltanet::tile;

#include "deltanet/Dialect/Tile/IR/TileDialect.cpp.inc"
#include "deltanet/Dialect/Tile/IR/TileEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "deltanet/Dialect/Tile/IR/TileAttrs.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "deltanet/Dialect/Tile/IR/TileTypes.cpp.inc"

void TileDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "deltanet/Dialect/Tile/IR/TileAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "deltanet/Dialect/Tile/IR/TileTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "deltanet/Dialect/Tile/IR/TileOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

/// Rows and columns of one tile of an accumulator.
static constexpr int64_t kAccTile[2] = {16, 8};

LogicalResult AccAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                              ArrayRef<int64_t> warps) {
  if (warps.size() != 2 || warps[0] < 1 || warps[1] < 1)
    return emitError() << "expects warps along rows and columns, got "
                       << warps.size() << " numbers";
  return success();
}

LogicalResult
AccAttr::verifyEncoding(ArrayRef<int64_t> shape, Type,
                        function_ref<InFlightDiagnostic()> emitError) const {
  if (shape.size() != 2)
    return emitError() << "expects a matrix in layout #tile.acc, got rank "
                       << shape.size();
  for (int64_t d = 0; d != 2; ++d)
    if (shape[d] % (kAccTile[d] * getWarps()[d]) != 0)
      return emitError() << "expects " << (d ? "columns" : "rows")
                         << " that are a multiple of "
                         << kAccTile[d] * getWarps()[d] << ", " << kAccTile[d]
                         << " for each of " << getWarps()[d] << " warps, got "
                         << shape[d];
  return success();
}

LogicalResult SliceAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                int64_t dim, AccAttr) {
  if (dim != 0 && dim != 1)
    return emitError() << "expects dimension 0 or 1 of a matrix, got " << dim;
  return success();
}

LogicalResult
SliceAttr::verifyEncoding(ArrayRef<int64_t> shape, Type,
                          function_ref<InFlightDiagnostic()> emitError) const {
  if (shape.size() != 1)
    return emitError() << "expects a vector in layout #tile.slice, got rank "
                       << shape.size();
  int64_t kept = 1 - getDim();
  int64_t unit = kAccTile[kept] * getParent().getWarps()[kept];
  if (shape[0] % unit != 0)
    return emitError() << "expects a multiple of " << unit
                       << " elements in this slice, got " << shape[0];
  return success();
}

LogicalResult
LanesAttr::verifyEncoding(ArrayRef<int64_t> shape, Type,
                          function_ref<InFlightDiagnostic()> emitError) const {
  if (shape.size() != 1 || shape[0] < 1)
    return emitError() << "expects a vector in layout #tile.lanes, got rank "
                       << shape.size();
  return success();
}

bool deltanet::tile::isInRegisters(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor &&
         isa_and_nonnull<AccAttr, SliceAttr, LanesAttr, BlockedAttr>(
             tensor.getEncoding());
}

int64_t deltanet::tile::getElementsPerThread(RankedTensorType type) {
  if (auto blocked = dyn_cast<BlockedAttr>(type.getEncoding())) {
    int64_t elements = 1;
    for (int64_t d = 0; d != blocked.getRank(); ++d)
      elements *= blocked.getDim(d).getElements(type.getDimSize(d));
    return elements;
  }
  if (auto acc = dyn_cast<AccAttr>(type.getEncoding()))
    return type.getNumElements() / (acc.getNumWarps() * kWarpSize);
  if (auto slice = dyn_cast<SliceAttr>(type.getEncoding())) {
    // Two elements for every tile: rows l/4 and l/4 + 8, or two columns.
    int64_t kept = 1 - slice.getDim();
    return type.getDimSize(0) /
           (kAccTile[kept] * slice.getParent().getWarps()[kept]) * 2;
  }
  assert(isa<LanesAttr>(type.getEncoding()) && "not a tensor in registers");
  int64_t count = type.getDimSize(0);
  int64_t perLane = llvm::divideCeil(count, kWarpSize);
  while (count % perLane != 0)
    ++perLane;
  return perLane;
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

LogicalResult GlobalType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 Type element) {
  if (!element.isF32() && !element.isF16() && !element.isBF16() &&
      !element.isSignlessInteger(32) && !element.isSignlessInteger(64))
    return emitError() << "expects elements of f32, bf16, f16, i32 or i64, got "
                       << element;
  return success();
}

/// Bytes of a swizzled row: as many as there are banks.
static constexpr int64_t kSwizzle = 128;

static LogicalResult verifyShared(function_ref<InFlightDiagnostic()> emitError,
                                  ArrayRef<int64_t> shape, Type element,
                                  int64_t pad, int64_t swizzle) {
  if (shape.size() != 2)
    return emitError() << "expects a matrix in shared memory, got rank "
                       << shape.size();
  if (!element.isF32() && !element.isF16() && !element.isBF16())
    return emitError() << "expects elements of f32, bf16 or f16, got "
                       << element;
  if (pad < 0)
    return emitError() << "expects a pad of no less than 0 elements, got "
                       << pad;
  if (swizzle != 0 && swizzle != kSwizzle)
    return emitError() << "expects a swizzle of " << kSwizzle
                       << " bytes, got " << swizzle;
  if (swizzle && (pad != 0 || element.getIntOrFloatBitWidth() != 16 ||
                  shape[0] % 8 != 0 || shape[1] * 2 % kSwizzle != 0))
    return emitError() << "expects a swizzled buffer without a pad, of 16-bit "
                          "elements, a multiple of 8 rows and of "
                       << kSwizzle / 2 << " columns, got " << shape[0] << "x"
                       << shape[1] << "x" << element << " with a pad of "
                       << pad;
  return success();
}

LogicalResult BufferType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<int64_t> shape, Type element,
                                 int64_t pad, int64_t swizzle) {
  return verifyShared(emitError, shape, element, pad, swizzle);
}

LogicalResult RingType::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t slots, ArrayRef<int64_t> shape,
                               Type element, int64_t pad, int64_t swizzle) {
  if (slots < 1)
    return emitError() << "expects at least 1 slot, got " << slots;
  return verifyShared(emitError, shape, element, pad, swizzle);
}

/// `64x128xbf16, pad = 8>`, `64x128xbf16, swizzle = 128>`
static ParseResult parseShared(AsmParser &parser, SmallVector<int64_t> &shape,
                               Type &element, int64_t &pad, int64_t &swizzle) {
  pad = swizzle = 0;
  if (parser.parseDimensionList(shape, /*allowDynamic=*/false) ||
      parser.parseType(element))
    return failure();
  while (succeeded(parser.parseOptionalComma())) {
    bool isSwizzle = succeeded(parser.parseOptionalKeyword("swizzle"));
    if ((!isSwizzle && parser.parseKeyword("pad")) || parser.parseEqual() ||
        parser.parseInteger(isSwizzle ? swizzle : pad))
      return failure();
  }
  return parser.parseGreater();
}

static void printShared(AsmPrinter &printer, ArrayRef<int64_t> shape,
                        Type element, int64_t pad, int64_t swizzle) {
  printer.printDimensionList(shape);
  printer << "x" << element;
  if (pad)
    printer << ", pad = " << pad;
  if (swizzle)
    printer << ", swizzle = " << swizzle;
  printer << ">";
}

Type BufferType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type element;
  int64_t pad, swizzle;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parseShared(parser, shape, element, pad, swizzle))
    return {};
  return parser.getChecked<BufferType>(loc, parser.getContext(), shape, element,
                                       pad, swizzle);
}

void BufferType::print(AsmPrinter &printer) const {
  printer << "<";
  printShared(printer, getShape(), getElementType(), getPad(), getSwizzle());
}

Type RingType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type element;
  int64_t pad, slots, swizzle;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseInteger(slots) || parser.parseComma() ||
      parseShared(parser, shape, element, pad, swizzle))
    return {};
  return parser.getChecked<RingType>(loc, parser.getContext(), slots, shape,
                                     element, pad, swizzle);
}

void RingType::print(AsmPrinter &printer) const {
  printer << "<" << getSlots() << ", ";
  printShared(printer, getShape(), getElementType(), getPad(), getSwizzle());
}

LogicalResult MapType::verify(function_ref<InFlightDiagnostic()> emitError,
                              int64_t rank, Type element) {
  if (rank < 2 || rank > 5)
    return emitError() << "expects a map of 2 to 5 dimensions, got " << rank;
  if (!element.isBF16() && !element.isF16())
    return emitError() << "expects elements of bf16 or f16, got " << element;
  return success();
}

LogicalResult PendingType::verify(function_ref<InFlightDiagnostic()> emitError,
                                  RankedTensorType tensor) {
  if (!isa_and_nonnull<AccAttr>(tensor.getEncoding()) ||
      !tensor.getElementType().isF32())
    return emitError() << "expects f32 in layout #tile.acc, got " << tensor;
  return success();
}
