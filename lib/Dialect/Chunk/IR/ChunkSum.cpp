//===- ChunkSum.cpp - chunk.sum, and lists of tensors with accesses -------===//
// Syntax and verifier. The constraints C1.. are those of
// dialects/Chunk/Chunk.td.
//===----------------------------------------------------------------------===//
#include "AccessList.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace deltanet::chunk;

//===----------------------------------------------------------------------===//
// Lists
//===----------------------------------------------------------------------===//

ParseResult OptionalList::parse(OpAsmParser &parser, StringRef keyword) {
  present = succeeded(parser.parseOptionalKeyword(keyword));
  return failure(present &&
                 (parser.parseLParen() || parser.parseOperand(operand) ||
                  parser.parseColonType(type) || parser.parseRParen()));
}

ParseResult AccessList::parse(OpAsmParser &parser, StringRef keyword,
                              bool hasOperands) {
  if (failed(parser.parseOptionalKeyword(keyword)))
    return success();
  return parser.parseCommaSeparatedList(
      AsmParser::Delimiter::Paren, [&]() -> ParseResult {
        if (hasOperands && parser.parseOperand(operands.emplace_back()))
          return failure();
        Attribute access = AccessAttr::parseEntries(parser);
        if (!access)
          return failure();
        accesses.push_back(access);
        return parser.parseColonType(types.emplace_back());
      });
}

void deltanet::chunk::printAccessList(OpAsmPrinter &p, StringRef keyword,
                                      ValueRange values, TypeRange types,
                                      ArrayAttr accesses, bool inLine) {
  if (types.empty())
    return;
  auto newLine = [&](size_t indent) {
    if (inLine)
      return void(p << " ");
    p.printNewline();
    p << std::string(indent, ' ');
  };
  newLine(4);
  p << keyword << "(";
  for (size_t i = 0, e = types.size(); i != e; ++i) {
    if (i) {
      p << ",";
      newLine(keyword.size() + 5);
    }
    if (!values.empty())
      p << values[i] << " ";
    p << cast<AccessAttr>(accesses[i]).getText() << " : " << types[i];
  }
  p << ")";
}

//===----------------------------------------------------------------------===//
// chunk.sum
//===----------------------------------------------------------------------===//

ParseResult SumOp::parse(OpAsmParser &parser, OperationState &result) {
  SMLoc loc = parser.getCurrentLocation();
  AccessList parts, out;
  OptionalList like;
  if (parts.parse(parser, "in", true) || out.parse(parser, "out", false) ||
      like.parse(parser, "like") ||
      parser.parseOptionalAttrDict(result.attributes))
    return failure();
  if (out.types.size() != 1)
    return parser.emitError(loc, "expects one result, got ")
           << out.types.size();
  if (parser.resolveOperands(parts.operands, parts.types, loc,
                             result.operands) ||
      like.resolve(parser, result.operands))
    return failure();
  auto &props = result.getOrAddProperties<Properties>();
  props.part_accesses = parser.getBuilder().getArrayAttr(parts.accesses);
  props.access = cast<AccessAttr>(out.accesses[0]);
  llvm::copy(ArrayRef<int32_t>(
                 {static_cast<int32_t>(parts.types.size()), like.present}),
             props.operandSegmentSizes.begin());
  result.addTypes(out.types);
  return success();
}

void SumOp::print(OpAsmPrinter &p) {
  Builder b(getContext());
  printAccessList(p, "in", getParts(), getParts().getTypes(), getPartAccesses(),
                  /*inLine=*/true);
  printAccessList(p, "out", {}, getResult().getType(),
                  b.getArrayAttr({getAccess()}), /*inLine=*/true);
  if (Value like = getLike())
    p << " like(" << like << " : " << like.getType() << ")";
  p.printOptionalAttrDict((*this)->getAttrs(),
                          {"part_accesses", "access", "operandSegmentSizes"});
}

int64_t SumOp::findResultDim(int64_t i, int64_t dim) {
  ArrayRef<int64_t> result = getAccess().getEntries();
  int64_t entry = getPartAccess(i).getEntries()[dim];
  const auto *found = llvm::find(result, entry);
  if (found == result.end() && entry == AccessAttr::Head)
    found = llvm::find(result, int64_t(AccessAttr::Group));
  return found == result.end() ? -1 : found - result.begin();
}

/// C2 and C3 of part `i`.
static LogicalResult verifyPart(SumOp op, int64_t i) {
  AccessAttr access = op.getPartAccess(i), out = op.getAccess();
  auto part = cast<RankedTensorType>(op.getParts()[i].getType()),
       result = cast<RankedTensorType>(op.getResult().getType());
  int64_t next = 0; // dimension of the result
  for (auto [d, entry] : llvm::enumerate(access.getEntries())) {
    int64_t dim = op.findResultDim(i, d);
    if (dim < 0 && entry < 0)
      continue;
    if (dim != next)
      break;
    ++next;
    int64_t have = part.getDimSize(d), want = result.getDimSize(dim);
    if (ShapedType::isDynamic(have) || ShapedType::isDynamic(want))
      continue;
    bool groups = out.getEntries()[dim] != entry;
    if (groups ? want < 1 || have % want != 0 : have != want)
      return op.emitOpError(groups ? "expects groups to divide heads, got "
                                   : "expects extents that agree, got ")
             << want << " of dimension " << dim << " of the result and " << have
             << " of part " << i;
  }
  if (next != out.getRank())
    return op.emitOpError("expects the dimensions of the result ")
           << out.getText() << " in part " << i << ", in their order, got "
           << access.getText();
  return success();
}

LogicalResult SumOp::verify() {
  auto result = cast<RankedTensorType>(getResult().getType());
  // C1
  if (getParts().empty() || getPartAccesses().size() != getParts().size())
    return emitOpError("expects parts, and one access for each, got ")
           << getParts().size() << " and " << getPartAccesses().size();
  auto checkRank = [&](AccessAttr access, Type type) -> LogicalResult {
    int64_t rank = cast<RankedTensorType>(type).getRank();
    if (access.getRank() == rank)
      return success();
    return emitOpError("expects an access of rank ")
           << rank << " for " << type << ", got " << access.getText();
  };
  if (failed(checkRank(getAccess(), result)))
    return failure();
  for (auto [i, part] : llvm::enumerate(getParts()))
    if (failed(checkRank(getPartAccess(i), part.getType())) ||
        failed(verifyPart(*this, i)))
      return failure();
  // C4
  auto isFloat = [](Type type) {
    return isa<FloatType>(getElementTypeOrSelf(type));
  };
  if (!isFloat(result) || !llvm::all_of(getParts().getTypes(), isFloat))
    return emitOpError("expects sums of floats, got ")
           << getParts().getTypes() << " to " << result;
  // C5
  int64_t groups = getAccess().findLoop(AccessAttr::Group);
  if (Value like = getLike()) {
    if (cast<RankedTensorType>(like.getType()).getShape() != result.getShape())
      return emitOpError("expects a tensor of the result's shape as like, got ")
             << like.getType() << " for " << result;
  } else if (groups >= 0 && result.isDynamicDim(groups) &&
             llvm::none_of(getPartAccesses(), [](Attribute access) {
               return cast<AccessAttr>(access).has(AccessAttr::Group);
             })) {
    return emitOpError("expects a tensor of the result's shape (like) where "
                       "groups are open, got none for ")
           << result;
  }
  // C6
  if ((*this)->getParentOfType<ScanOp>())
    return emitOpError("expects to stand around scans, not in the body of one");
  return success();
}
