//===- TokenLayout.cpp - how a token program is spread over threads -------===//
// See TokenLayout.h. Dimensions that an operation makes run together form a
// class; two classes are the dimensions of the state.
//===----------------------------------------------------------------------===//
#include "TokenLayout.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::chunk;

/// Bytes that a thread moves with one access.
static constexpr int64_t kAccessBytes = 16;
/// Bytes of memory that come together: what a warp reads side by side should be
/// a multiple of it.
static constexpr int64_t kSectorBytes = 32;
/// Elements of the state that a thread holds where there is a choice: enough
/// loads under way at once, few enough registers that many warps fit.
static constexpr int64_t kElements = 32, kMostElements = 64;
/// The same where many tokens follow one another: what a warp waits for then is
/// its own instructions, and more warps fill the time.
static constexpr int64_t kElementsOfMany = 8;
/// Elements of one value that a thread can hold at all.
static constexpr int64_t kLimit = 160;
/// Warps of a block: few, so that blocks come and go evenly, unless they have
/// to meet.
static constexpr int64_t kWarps = 2, kWarpsOfMany = 4, kMostWarps = 16;
/// Warps that a block can have at all.
static constexpr int64_t kMostInBlock = 32;

static int64_t rankOf(Value v) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  return type ? type.getRank() : 0;
}
static int64_t extentOf(Value v, int64_t dim) {
  return cast<RankedTensorType>(v.getType()).getDimSize(dim);
}

namespace {

/// The dimensions of all values, in classes.
class Dimensions {
public:
  explicit Dimensions(ScanOp scan) {
    Block *body = scan.getBodyBlock();
    for (BlockArgument argument : body->getArguments())
      number(argument);
    for (Operation &op : body->without_terminator()) {
      for (Value result : op.getResults())
        number(result);
      visit(&op);
    }
    auto yield = cast<YieldOp>(body->getTerminator());
    for (auto [argument, value] :
         llvm::zip(scan.getCarryArguments(), yield.getCarries()))
      joinAll(argument, value);
  }

  bool together(Value x, int64_t dx, Value y, int64_t dy) {
    return classes.getLeaderValue(id(x, dx)) ==
           classes.getLeaderValue(id(y, dy));
  }
  /// Whether some operation combines elements along it; with `beside`, elements
  /// of values that have that dimension of `v`, too.
  bool isReduced(Value v, int64_t dim, std::optional<int64_t> beside) {
    return llvm::any_of(reductions, [&](const Reduction &reduction) {
      return isIn(reduction.along, v, dim) &&
             (!beside || isIn(reduction.others, v, *beside));
    });
  }
  bool isOrdered(Value v, int64_t dim) { return isIn(ordered, v, dim); }
  llvm::ArrayRef<Value> getValues() const { return values; }

private:
  struct Reduction {
    unsigned along;
    SmallVector<unsigned> others; // dimensions of what is combined
  };
  SmallVector<unsigned> idsOf(Value v) {
    SmallVector<unsigned> all;
    for (int64_t d = 0; d != rankOf(v); ++d)
      all.push_back(id(v, d));
    return all;
  }
  unsigned id(Value v, int64_t dim) {
    if (!ids.contains(v))
      number(v); // from around the scan
    return ids.lookup(v) + dim;
  }
  bool isIn(ArrayRef<unsigned> members, Value v, int64_t dim) {
    unsigned leader = classes.getLeaderValue(id(v, dim));
    return llvm::any_of(members, [&](unsigned m) {
      return classes.getLeaderValue(m) == leader;
    });
  }
  void number(Value v) {
    ids[v] = next;
    values.push_back(v);
    for (int64_t d = 0; d != rankOf(v); ++d)
      classes.insert(next++);
  }
  void join(Value x, int64_t dx, Value y, int64_t dy) {
    classes.unionSets(id(x, dx), id(y, dy));
  }
  void joinAll(Value x, Value y) {
    for (int64_t d = 0; d != rankOf(x); ++d)
      join(x, d, y, d);
  }
  void joinRest(Value small, Value large, ArrayRef<int64_t> dropped) {
    int64_t at = 0;
    for (int64_t d = 0; d != rankOf(large); ++d)
      if (!llvm::is_contained(dropped, d))
        join(small, at++, large, d);
  }
  void visit(Operation *op) {
    if (OpTrait::hasElementwiseMappableTraits(op)) {
      for (Value operand : op->getOperands())
        if (rankOf(operand) == rankOf(op->getResult(0)))
          joinAll(operand, op->getResult(0));
      return;
    }
    // What is not listed is refused where it would be emitted.
    llvm::TypeSwitch<Operation *>(op)
        .Case<DotOp>([&](DotOp o) {
          bool tl = o.getTransposeLhs(), tr = o.getTransposeRhs();
          join(o.getLhs(), tl, o.getResult(), 0);
          join(o.getRhs(), !tr, o.getResult(), 1);
          join(o.getLhs(), !tl, o.getRhs(), tr);
          reductions.push_back({id(o.getLhs(), !tl), idsOf(o.getResult())});
        })
        .Case<BroadcastOp>([&](BroadcastOp o) {
          joinRest(o.getInput(), o.getResult(), o.getDimensions());
        })
        .Case<ReduceOp>([&](ReduceOp o) {
          joinRest(o.getResult(), o.getInput(), o.getDimensions());
          for (int64_t d : o.getDimensions())
            reductions.push_back({id(o.getInput(), d), idsOf(o.getResult())});
        })
        .Case<RowOp>([&](RowOp o) {
          joinRest(o.getResult(), o.getInput(), {0});
          ordered.push_back(id(o.getInput(), 0));
        })
        .Case<CumsumOp, MaskTokensOp>([&](auto o) {
          joinAll(o.getInput(), o.getResult());
          ordered.push_back(id(o.getInput(), 0));
        })
        .Case<chunk::RepeatOp>([&](chunk::RepeatOp o) {
          for (int64_t d = 1; d < rankOf(o.getResult()); ++d)
            join(o.getInput(), d, o.getResult(), d);
          ordered.push_back(id(o.getResult(), 0));
        })
        .Case<TransposeOp>([&](TransposeOp o) {
          join(o.getInput(), 0, o.getResult(), 1);
          join(o.getInput(), 1, o.getResult(), 0);
        });
  }

  unsigned next = 0;
  llvm::DenseMap<Value, unsigned> ids;
  SmallVector<Value> values;
  llvm::EquivalenceClasses<unsigned> classes;
  SmallVector<Reduction> reductions;
  SmallVector<unsigned> ordered;
};
} // namespace

/// The carried value of two dimensions with the most elements, or -1.
static int64_t findState(ScanOp scan) {
  int64_t found = -1, most = 0;
  for (auto [i, argument] : llvm::enumerate(scan.getCarryArguments())) {
    auto type = cast<RankedTensorType>(argument.getType());
    if (type.getRank() == 2 && type.getNumElements() > most) {
      most = type.getNumElements();
      found = i;
    }
  }
  return found;
}

/// The dimension of the state that is last in the tensor that holds it, and the
/// bytes of an element there. Where no tensor does, the dimension that is
/// reduced, so that little crosses threads.
static std::pair<int64_t, int64_t> findStorage(ScanOp scan, int64_t state,
                                               const bool reduced[2]) {
  std::pair<Value, AccessAttr> places[] = {
      {scan.getInits()[state], scan.getInitAccess(state)},
      {scan.getFinals()[state], scan.getFinalAccess(state)}};
  for (auto [tensor, access] : places) {
    bool used = access.has(AccessAttr::Head) &&
                (tensor.getDefiningOp() != scan || !tensor.use_empty());
    int64_t last = access.getEntries().back();
    if (used && last >= 0)
      return {
          last,
          cast<RankedTensorType>(tensor.getType()).getElementTypeBitWidth() /
              8};
  }
  return {reduced[0] ? 0 : 1, 4};
}

FailureOr<TokenLayout> TokenLayout::choose(ScanOp scan, const Wish &wish) {
  int64_t state = findState(scan);
  if (state < 0)
    return scan.emitOpError("expects a carried matrix in a token loop that "
                            "becomes a kernel, got none");
  Dimensions dimensions(scan);
  Value carry = scan.getCarryArguments()[state];
  TokenLayout layout;
  if (dimensions.together(carry, 0, carry, 1))
    return scan.emitOpError("expects rows and columns of the state to be "
                            "different dimensions in a kernel; the body makes "
                            "them one");
  for (int64_t axis = 0; axis != 2; ++axis) {
    layout.extents[axis] = extentOf(carry, axis);
    layout.meets[axis] = dimensions.isReduced(carry, axis, std::nullopt);
    layout.reduced[axis] = dimensions.isReduced(carry, axis, 1 - axis);
    if (dimensions.isOrdered(carry, axis) && extentOf(carry, axis) > 1)
      return scan.emitOpError("expects no operation that orders the elements "
                              "of the state along dimension ")
             << axis << " in a kernel";
  }
  for (Value v : dimensions.getValues()) {
    SmallVector<int64_t> &axes = layout.axes[v];
    for (int64_t d = 0; d != rankOf(v); ++d) {
      int64_t axis = -1;
      for (int64_t candidate = 0; candidate != 2; ++candidate)
        if (dimensions.together(v, d, carry, candidate))
          axis = candidate;
      if (axis >= 0 && llvm::is_contained(axes, axis))
        return emitError(v.getLoc(),
                         "expects a dimension of the state once in a value of "
                         "a kernel, got twice in ")
               << v.getType();
      axes.push_back(axis);
    }
  }
  auto [contiguous, bytes] = findStorage(scan, state, layout.reduced);
  layout.spread({contiguous, bytes, wish.few ? kElements : kElementsOfMany},
                wish);
  if (failed(layout.check(scan, wish)))
    return failure();
  return layout;
}

/// As many threads as there are elements for, a power of two.
static int64_t threadsFor(int64_t elements, int64_t most) {
  return std::min<int64_t>(most,
                           llvm::PowerOf2Ceil(std::max<int64_t>(1, elements)));
}

void TokenLayout::spread(const State &state, const Wish &wish) {
  // Vectors lie wholly inside: their length divides the extent.
  int64_t c = state.contiguous,
          vector = std::min<int64_t>(kAccessBytes / state.bytes,
                                     extents[c] & -extents[c]);
  if (reduced[c])
    spreadReduced(state, vector);
  else
    spreadFree(state, vector);
  // Blocks share a dimension along which nothing meets. Where there is none,
  // one block has all, and its warps share a dimension of which only vectors
  // meet.
  splitAxis = !meets[1] ? 1 : !meets[0] ? 0 : -1;
  int64_t meeting = dims[0].warps * dims[1].warps; // for a reduction
  int64_t other = splitAxis >= 0 ? splitAxis
                  : !reduced[1]  ? 1
                  : !reduced[0]  ? 0
                                 : 1 - c;
  Dim &wide = dims[other];
  int64_t perWarp = wide.vector * wide.lanes;
  // Several columns a thread where the state of one is small.
  int64_t held = dims[0].getElements(extents[0]);
  held = other == 0 ? dims[1].getElements(extents[1]) * wide.vector
                    : held * wide.vector;
  int64_t repetitions = std::clamp<int64_t>(
      llvm::bit_floor<uint64_t>(std::max<int64_t>(1, state.elements / held)), 1,
      llvm::PowerOf2Ceil(llvm::divideCeil(extents[other], perWarp)));
  int64_t most = splitAxis < 0                       ? kMostWarps
                 : state.elements == kElementsOfMany ? kWarpsOfMany
                                                     : kWarps;
  most = std::max<int64_t>(1, most / meeting);
  if (wish.warps > 0)
    most =
        std::max<int64_t>(1, llvm::bit_floor<uint64_t>(wish.warps) / meeting);
  if (wish.blocks > 0 && splitAxis >= 0) {
    int64_t share = llvm::divideCeil(extents[splitAxis], wish.blocks);
    wide.warps *= threadsFor(llvm::divideCeil(share, perWarp), most);
    repetitions = llvm::divideCeil(share, wide.getSpan());
  } else {
    wide.warps *= threadsFor(
        llvm::divideCeil(extents[other], perWarp * repetitions), most);
  }
  part = splitAxis >= 0
             ? std::min(extents[splitAxis], wide.getSpan() * repetitions)
             : 0;
  // Neighbouring warps have neighbouring parts.
  wide.warpStride = 1;
  dims[1 - other].warpStride = wide.warps;
  dims[c].laneStride = 1;
  dims[1 - c].laneStride = dims[c].lanes;
}

/// Neighbours in memory are summed up: eight lanes read 128 bytes of a column
/// and meet in three shuffles.
void TokenLayout::spreadReduced(const State &state, int64_t vector) {
  int64_t c = state.contiguous;
  Dim &along = dims[c], &across = dims[1 - c];
  along.vector = vector;
  along.lanes = threadsFor(llvm::divideCeil(extents[c], vector), 8);
  while (along.lanes < tile::kWarpSize &&
         along.getElements(extents[c]) > kElements)
    along.lanes *= 2;
  while (along.warps < kMostWarps &&
         along.getElements(extents[c]) > kMostElements)
    along.warps *= 2;
  across.lanes = threadsFor(extents[1 - c], tile::kWarpSize / along.lanes);
}

/// Neighbours in memory do not meet: four lanes read 64 bytes of a row, the
/// others further rows, and meet in three shuffles.
void TokenLayout::spreadFree(const State &state, int64_t vector) {
  int64_t c = state.contiguous;
  Dim &along = dims[c], &across = dims[1 - c];
  along.vector = vector;
  along.lanes = threadsFor(llvm::divideCeil(extents[c], vector), 4);
  across.lanes = threadsFor(extents[1 - c], tile::kWarpSize / along.lanes);
  auto held = [&] { return across.getElements(extents[1 - c]) * vector; };
  while (held() > kMostElements &&
         along.lanes * vector * state.bytes > kSectorBytes &&
         across.lanes * along.lanes == tile::kWarpSize) {
    along.lanes /= 2;
    across.lanes *= 2;
  }
  while (reduced[1 - c] && across.warps < kMostWarps && held() > kMostElements)
    across.warps *= 2;
  // Vectors across are read by whole accesses, too.
  while (across.vector < kAccessBytes / 4 &&
         extents[1 - c] % (across.getSpan() * 2) == 0)
    across.vector *= 2;
}

LogicalResult TokenLayout::check(ScanOp scan, const Wish &wish) const {
  if (getNumWarps() > kMostInBlock)
    return scan.emitOpError("expects at most ")
           << kMostInBlock << " warps a block, got " << getNumWarps();
  if (wish.blocks > 0 && getNumBlocks() != wish.blocks)
    return scan.emitOpError("expects a state that ")
           << wish.blocks << " blocks can share (split_value), got one of "
           << extents[0] << "x" << extents[1] << " that makes "
           << getNumBlocks();
  int64_t elements = 1;
  for (int64_t axis = 0; axis != 2; ++axis)
    elements *=
        dims[axis].getElements(axis == splitAxis ? part : extents[axis]);
  if (elements > kLimit)
    return scan.emitOpError("expects a state of which a thread of ")
           << getNumWarps() << " warps holds at most " << kLimit
           << " elements in a token loop that becomes a kernel, got "
           << extents[0] << "x" << extents[1] << ", which makes " << elements;
  return success();
}

SmallVector<int64_t> TokenLayout::getAxes(Value v) const {
  auto it = axes.find(v);
  if (it != axes.end())
    return it->second;
  return SmallVector<int64_t>(rankOf(v), -1);
}

int64_t TokenLayout::getExtent(Value v, int64_t dim) const {
  int64_t extent = extentOf(v, dim);
  return splitAxis >= 0 && getAxes(v)[dim] == splitAxis ? part : extent;
}

tile::BlockedAttr TokenLayout::getLayout(ArrayRef<int64_t> axes,
                                         MLIRContext *context) const {
  SmallVector<Dim> entries;
  for (int64_t axis : axes)
    entries.push_back(axis >= 0 ? dims[axis] : Dim());
  return tile::BlockedAttr::get(context, entries);
}

FailureOr<RankedTensorType> TokenLayout::getType(Value v, Type element,
                                                 Location loc) const {
  SmallVector<int64_t> shape;
  for (int64_t d = 0; d != rankOf(v); ++d)
    shape.push_back(getExtent(v, d));
  auto type = RankedTensorType::get(shape, element,
                                    getLayout(getAxes(v), v.getContext()));
  if (tile::getElementsPerThread(type) > kLimit)
    return emitError(loc, "expects values of which a thread holds at most ")
           << kLimit << " elements in a token loop that becomes a kernel, got "
           << v.getType() << ", which makes "
           << tile::getElementsPerThread(type);
  return type;
}
