//===- ChunkDialect.cpp - registration and attributes of the chunk dialect
//-===//
#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace deltanet::chunk;

#include "deltanet/Dialect/Chunk/IR/ChunkDialect.cpp.inc"
#include "deltanet/Dialect/Chunk/IR/ChunkEnums.cpp.inc"
#include "deltanet/Dialect/Chunk/IR/ChunkInterfaces.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "deltanet/Dialect/Chunk/IR/ChunkAttrs.cpp.inc"

void ChunkDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "deltanet/Dialect/Chunk/IR/ChunkAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "deltanet/Dialect/Chunk/IR/ChunkOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// AccessAttr
//===----------------------------------------------------------------------===//

static constexpr llvm::StringLiteral kLetters = "btnhgcps";

char AccessAttr::getLetter(int64_t loop) { return kLetters[-loop - 1]; }

int64_t AccessAttr::findLoop(Loop loop) const {
  const auto *it = llvm::find(getEntries(), static_cast<int64_t>(loop));
  return it == getEntries().end() ? -1 : it - getEntries().begin();
}

int64_t AccessAttr::findTileDim(int64_t tileDim) const {
  if (tileDim == 0)
    if (int64_t token = findLoop(Token); token >= 0)
      return token;
  const auto *it = llvm::find(getEntries(), tileDim);
  return it == getEntries().end() ? -1 : it - getEntries().begin();
}

int64_t AccessAttr::getTileRank() const {
  return llvm::count_if(getEntries(),
                        [](int64_t e) { return e >= 0 || e == Token; });
}

LogicalResult AccessAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<int64_t> entries) {
  int64_t tileRank = 0;
  bool hasToken = llvm::is_contained(entries, static_cast<int64_t>(Token));
  for (auto [i, entry] : llvm::enumerate(entries)) {
    if (entry < Segment)
      return emitError() << "expects loops b, t, n, h, g, c, p, s, got code "
                         << entry;
    if (llvm::is_contained(entries.take_front(i), entry)) {
      auto diag = emitError() << "expects every loop and tile dimension at "
                                 "most once, got two of ";
      if (entry < 0)
        return diag << "'" << kLetters.substr(-entry - 1, 1) << "'";
      return diag << entry;
    }
    if (hasToken && entry == 0)
      return emitError() << "expects tile dimension 0 to be the tokens' where "
                            "there is a 't', got both";
    tileRank += entry >= 0 || entry == Token;
  }
  for (int64_t entry : entries)
    if (entry >= tileRank)
      return emitError() << "expects the tile dimensions 0 to " << tileRank - 1
                         << ", got " << entry;
  return success();
}

Attribute AccessAttr::parseEntries(AsmParser &parser) {
  SmallVector<int64_t> entries;
  SMLoc loc = parser.getCurrentLocation();
  auto parseEntry = [&]() -> ParseResult {
    int64_t number;
    SMLoc at = parser.getCurrentLocation();
    OptionalParseResult isNumber = parser.parseOptionalInteger(number);
    if (isNumber.has_value()) {
      if (succeeded(*isNumber) && number < 0)
        return parser.emitError(at, "expects b, t, n, h, g, c, p, s or a tile "
                                    "dimension, got ")
               << number;
      entries.push_back(number);
      return *isNumber;
    }
    StringRef letter;
    if (parser.parseKeyword(&letter))
      return failure();
    size_t index = letter.size() == 1 ? kLetters.find(letter) : StringRef::npos;
    if (index == StringRef::npos)
      return parser.emitError(at, "expects b, t, n, h, g, c, p, s or a tile "
                                  "dimension, got '")
             << letter << "'";
    entries.push_back(-static_cast<int64_t>(index) - 1);
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseEntry))
    return {};
  return parser.getChecked<AccessAttr>(loc, parser.getContext(), entries);
}

std::string AccessAttr::getText() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "[";
  llvm::interleaveComma(getEntries(), os, [&](int64_t entry) {
    if (entry < 0)
      os << getLetter(entry);
    else
      os << entry;
  });
  os << "]";
  return text;
}

Attribute AccessAttr::parse(AsmParser &parser, Type) {
  if (parser.parseLess())
    return {};
  Attribute access = parseEntries(parser);
  if (!access || parser.parseGreater())
    return {};
  return access;
}

void AccessAttr::print(AsmPrinter &printer) const {
  printer << "<" << getText() << ">";
}

RankedTensorType deltanet::chunk::getTileType(AccessAttr access,
                                              RankedTensorType type,
                                              int64_t chunkSize,
                                              int64_t steps) {
  SmallVector<int64_t> shape(access.getTileRank(), 0);
  for (auto [entry, extent] : llvm::zip(access.getEntries(), type.getShape())) {
    if (entry == AccessAttr::Token)
      shape[0] = chunkSize * steps;
    else if (entry >= 0)
      shape[entry] = extent;
  }
  if (llvm::is_contained(shape, ShapedType::kDynamic))
    return {};
  return RankedTensorType::get(shape, type.getElementType());
}
