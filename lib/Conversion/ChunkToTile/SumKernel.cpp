//===- SumKernel.cpp - the kernel of a sum of whole tensors ---------------===//
// A block has 32 neighbours along the last dimension of the result, a lane
// each. Its warps have 32 tokens where the result has tokens: then a thread
// adds up what there is of every element, the heads of a group say. Where the
// result has none, a parameter's gradient, terms are many and results few: the
// warps have 32 terms at a time, and meet once, at the end.
//===----------------------------------------------------------------------===//
#include "SumKernel.h"
#include "TileTypes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace deltanet;
using chunk::AccessAttr;

/// Elements of a block along both dimensions of its tile, and its warps.
static constexpr int64_t kTile = 32, kWarps = 8;

namespace {
class SumBuilder {
public:
  SumBuilder(chunk::SumOp sum, KernelSignature &signature)
      : sum(sum), signature(signature), loc(sum.getLoc()), b(sum.getContext()) {
  }

  LogicalResult build(StringRef name, gpu::GPUModuleOp container);

private:
  /// A dimension of the result. What is one further along it is `to` elements
  /// further in the result and `from[i]` in part i.
  struct Dimension {
    Value extent, to;
    SmallVector<Value> from;
    std::string text; // the extent
  };
  /// A loop of one part whose elements are added.
  struct Terms {
    int64_t loop;
    Value extent, from;
  };

  Value constant(int64_t v) {
    return arith::ConstantIndexOp::create(b, loc, v);
  }
  Value mul(Value x, Value y) { return arith::MulIOp::create(b, loc, x, y); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubIOp::create(b, loc, x, y); }
  Value div(Value x, Value y) { return arith::DivUIOp::create(b, loc, x, y); }

  void readDimensions();
  void findRows();
  std::string getGrid() const;
  void findPlace();
  Value addTerms(int64_t i, ArrayRef<Terms> loops, Value offset, Value acc);
  Value addTile(int64_t i, Value offset, Value rows, Value stride, Value acc);
  void store(Value acc);
  RankedTensorType tileType(Type element) const;

  chunk::SumOp sum;
  KernelSignature &signature;
  Location loc;
  OpBuilder b;
  SmallVector<Dimension> dims;
  SmallVector<SmallVector<Terms>> terms; // by part
  /// The dimension of the result that is the rows of a tile; -1: terms are.
  int64_t rowDim = -1;
  /// What this block has: where it begins in the result and in every part, and
  /// how many columns and rows there are from there on.
  Value to, columnsLeft, rowsLeft;
  SmallVector<Value> from;
};
} // namespace

void SumBuilder::readDimensions() {
  auto type = rankedType(sum.getResult());
  int64_t rows = signature.getRows(sum.getResult());
  SmallVector<Value> strides =
      signature.getStrides(b, loc, sum.getAccess(), type, rows);
  size_t parts = sum.getParts().size();
  for (int64_t d = 0; d != type.getRank(); ++d)
    dims.push_back({signature.getExtent(b, loc, sum.getAccess(), type, d, rows),
                    strides[d], SmallVector<Value>(parts),
                    signature.getExtentText(sum.getAccess(), type, d, rows)});
  terms.resize(parts);
  for (auto [i, part] : llvm::enumerate(sum.getParts())) {
    AccessAttr access = sum.getPartAccess(i);
    SmallVector<Value> steps =
        signature.getStrides(b, loc, access, rankedType(part), rows);
    for (int64_t d = 0; d != access.getRank(); ++d) {
      Value extent =
          signature.getExtent(b, loc, access, rankedType(part), d, rows);
      int64_t entry = access.getEntries()[d], dim = sum.findResultDim(i, d);
      if (dim < 0) {
        terms[i].push_back({entry, extent, steps[d]});
        continue;
      }
      dims[dim].from[i] = steps[d];
      if (sum.getAccess().getEntries()[dim] == entry)
        continue;
      Value each = div(extent, dims[dim].extent); // heads of a group
      dims[dim].from[i] = mul(steps[d], each);
      terms[i].push_back({entry, each, steps[d]});
    }
  }
}

/// Tokens of the result are the rows of a tile. Else the terms are of which
/// there are most: chunks rather than sequences, sequences rather than heads.
void SumBuilder::findRows() {
  for (AccessAttr::Loop loop : {AccessAttr::Token, AccessAttr::Chunk})
    if (int64_t dim = sum.getAccess().findLoop(loop);
        dim >= 0 && dim + 1 != static_cast<int64_t>(dims.size()))
      rowDim = dim;
  auto rank = [](const Terms &loop) {
    constexpr int64_t order[] = {AccessAttr::Chunk, AccessAttr::Batch,
                                 AccessAttr::Sequence};
    return llvm::find(order, loop.loop) - std::begin(order);
  };
  // The first becomes the rows.
  for (auto &loops : terms)
    llvm::sort(loops, [&](const Terms &x, const Terms &y) {
      return std::pair(rank(x), -x.loop) < std::pair(rank(y), -y.loop);
    });
}

std::string SumBuilder::getGrid() const {
  int64_t known = 1;
  std::string text;
  for (auto [d, dim] : llvm::enumerate(dims)) {
    bool tiled = d + 1 == dims.size() || static_cast<int64_t>(d) == rowDim;
    int64_t extent;
    if (!StringRef(dim.text).getAsInteger(10, extent)) {
      known *= tiled ? llvm::divideCeil(extent, kTile) : extent;
      continue;
    }
    if (tiled)
      text += "ceildiv(" + dim.text + ", " + std::to_string(kTile) + ") * ";
    else if (dim.text.find(' ') == std::string::npos)
      text += dim.text + " * ";
    else
      text += "(" + dim.text + ") * ";
  }
  return text + std::to_string(known);
}

/// Blocks are counted along the last dimension first.
void SumBuilder::findPlace() {
  Value block = gpu::BlockIdOp::create(b, loc, gpu::Dimension::x),
        tile = constant(kTile), zero = constant(0);
  to = zero;
  from.assign(terms.size(), zero);
  columnsLeft = rowsLeft = constant(1);
  for (int64_t d = static_cast<int64_t>(dims.size()) - 1; d >= 0; --d) {
    Dimension &dim = dims[d];
    bool columns = d + 1 == static_cast<int64_t>(dims.size());
    Value count = dim.extent;
    if (columns || d == rowDim)
      count = arith::CeilDivUIOp::create(b, loc, count, tile);
    Value index = arith::RemUIOp::create(b, loc, block, count);
    block = div(block, count);
    if (columns || d == rowDim) {
      index = mul(index, tile);
      (columns ? columnsLeft : rowsLeft) = sub(dim.extent, index);
    }
    to = add(to, mul(index, dim.to));
    for (auto [i, place] : llvm::enumerate(from))
      place = add(place, mul(index, dim.from[i]));
  }
}

RankedTensorType SumBuilder::tileType(Type element) const {
  tile::BlockedAttr::Dim rows, columns;
  rows.warps = kWarps;
  columns.lanes = kTile;
  return RankedTensorType::get(
      {kTile, kTile}, element,
      tile::BlockedAttr::get(b.getContext(), {rows, columns}));
}

/// `acc` and the tile that begins at `offset`, of which there are `rows`.
Value SumBuilder::addTile(int64_t i, Value offset, Value rows, Value stride,
                          Value acc) {
  Value part = sum.getParts()[i];
  Value columns = dims.empty() ? constant(0) : dims.back().from[i];
  Value loaded = tile::LoadOp::create(
      b, loc, tileType(elementOf(part)), signature.getInput(part), offset,
      ValueRange{stride, columns}, ValueRange{rows, columnsLeft},
      b.getDenseI64ArrayAttr({0, 1}));
  if (loaded.getType() != acc.getType())
    loaded = arith::ExtFOp::create(b, loc, acc.getType(), loaded);
  return arith::AddFOp::create(b, loc, acc, loaded);
}

/// Adds the terms of `loops`, and of the rows where they are terms.
Value SumBuilder::addTerms(int64_t i, ArrayRef<Terms> loops, Value offset,
                           Value acc) {
  if (rowDim >= 0 && loops.empty())
    return addTile(i, offset, rowsLeft, dims[rowDim].from[i], acc);
  if (loops.empty()) // one term, in the first row
    return addTile(i, offset, constant(1), constant(0), acc);
  bool rows = rowDim < 0 && loops.size() == 1;
  const Terms &terms = rows ? loops.front() : loops.back();
  auto loop = scf::ForOp::create(b, loc, constant(0), terms.extent,
                                 constant(rows ? kTile : 1), acc);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value at = add(offset, mul(loop.getInductionVar(), terms.from)),
        before = loop.getRegionIterArg(0);
  Value after = rows ? addTile(i, at, sub(terms.extent, loop.getInductionVar()),
                               terms.from, before)
                     : addTerms(i, loops.drop_back(), at, before);
  scf::YieldOp::create(b, loc, after);
  return loop.getResult(0);
}

void SumBuilder::store(Value acc) {
  SmallVector<Value> strides = {dims.empty() ? constant(0) : dims.back().to},
                     limits = {columnsLeft};
  SmallVector<int64_t> along = {0};
  if (rowDim >= 0) {
    strides.insert(strides.begin(), dims[rowDim].to);
    limits.insert(limits.begin(), rowsLeft);
    along.push_back(1);
  } else {
    auto layout = cast<tile::BlockedAttr>(rankedType(acc).getEncoding());
    auto type =
        RankedTensorType::get({kTile}, b.getF32Type(), layout.drop({0}));
    Value meeting = tile::AllocOp::create(
        b, loc,
        tile::BufferType::get(b.getContext(), {1, kWarps * tile::kWarpSize},
                              b.getF32Type(), 0),
        IntegerAttr());
    acc = tile::CombineOp::create(b, loc, type, tile::Combine::Add, acc,
                                  b.getDenseI64ArrayAttr({0}), meeting);
  }
  Type element = elementOf(sum.getResult());
  if (is16Bits(element))
    acc = arith::TruncFOp::create(b, loc, rankedType(acc).clone(element), acc);
  tile::StoreOp::create(b, loc, acc, signature.getOutput(0), to, strides,
                        limits, b.getDenseI64ArrayAttr(along));
}

LogicalResult SumBuilder::build(StringRef name, gpu::GPUModuleOp container) {
  for (Value v : llvm::concat<Value>(llvm::to_vector_of<Value>(sum.getParts()),
                                     SmallVector<Value>{sum.getResult()}))
    if (Type element = elementOf(v); !element.isF32() && !is16Bits(element))
      return sum.emitOpError("expects sums of f32, bf16 or f16 in a kernel, "
                             "got ")
             << v.getType();
  MLIRContext *context = b.getContext();
  constexpr int64_t kThreads = kWarps * tile::kWarpSize;
  b.setInsertionPointToEnd(container.getBody());
  auto kernel =
      gpu::GPUFuncOp::create(b, loc, name, signature.getType(context));
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  kernel.setKnownBlockSizeAttr(
      b.getDenseI32ArrayAttr({static_cast<int32_t>(kThreads), 1, 1}));
  signature.bindArguments(kernel);
  b.setInsertionPointToStart(&kernel.getBody().front());
  readDimensions();
  findRows();
  kernel->setAttr(
      tile::kLaunchAttr,
      signature.getLaunch(context, {getGrid(), "1", "1"}, kThreads));
  findPlace();
  Value acc = arith::ConstantOp::create(
      b, loc, b.getZeroAttr(tileType(b.getF32Type())));
  for (int64_t i = 0, e = sum.getParts().size(); i != e; ++i)
    acc = addTerms(i, terms[i], from[i], acc);
  store(acc);
  gpu::ReturnOp::create(b, loc);
  return success();
}

LogicalResult deltanet::buildSumKernel(StringRef name, chunk::SumOp sum,
                                       KernelSignature &signature,
                                       gpu::GPUModuleOp container) {
  return SumBuilder(sum, signature).build(name, container);
}
