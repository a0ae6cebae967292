//===- Nest.cpp - a loop nest around a program ----------------------------===//
// One loop without order becomes the lanes of the registers, the others without
// order are dealt to the cores, the ordered ones run inside. No element depends
// on how that falls out.
//===----------------------------------------------------------------------===//
#include "Nest.h"
#include "mlir/IR/AffineExpr.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Parallel.h"

using namespace mlir;
using namespace deltanet::interpreter;

//===----------------------------------------------------------------------===//
// Accesses
//===----------------------------------------------------------------------===//

/// Adds scale * expr to a linear form. False, and the form spoilt, where `expr`
/// is not linear.
static bool addLinear(AffineExpr expr, int64_t scale,
                      SmallVectorImpl<int64_t> &factors, int64_t &constant) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    factors[dim.getPosition()] += scale;
    return true;
  }
  if (auto number = dyn_cast<AffineConstantExpr>(expr)) {
    constant += scale * number.getValue();
    return true;
  }
  auto pair = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!pair)
    return false;
  if (expr.getKind() == AffineExprKind::Add)
    return addLinear(pair.getLHS(), scale, factors, constant) &&
           addLinear(pair.getRHS(), scale, factors, constant);
  auto factor = dyn_cast<AffineConstantExpr>(pair.getRHS());
  return expr.getKind() == AffineExprKind::Mul && factor &&
         addLinear(pair.getLHS(), scale * factor.getValue(), factors, constant);
}

static int64_t evaluate(AffineExpr expr, ArrayRef<int64_t> iteration) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return iteration[dim.getPosition()];
  if (auto number = dyn_cast<AffineConstantExpr>(expr))
    return number.getValue();
  auto pair = cast<AffineBinaryOpExpr>(expr);
  int64_t x = evaluate(pair.getLHS(), iteration),
          y = evaluate(pair.getRHS(), iteration);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return x + y;
  case AffineExprKind::Mul:
    return x * y;
  case AffineExprKind::Mod:
    return llvm::mod(x, y);
  case AffineExprKind::FloorDiv:
    return llvm::divideFloorSigned(x, y);
  case AffineExprKind::CeilDiv:
    return llvm::divideCeilSigned(x, y);
  default:
    llvm_unreachable("maps with symbols are refused before");
  }
}

std::optional<std::pair<int64_t, int64_t>>
deltanet::interpreter::getRange(AffineExpr expr, ArrayRef<int64_t> extents) {
  using Range = std::pair<int64_t, int64_t>;
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return Range(0, extents[dim.getPosition()] - 1);
  if (auto number = dyn_cast<AffineConstantExpr>(expr))
    return Range(number.getValue(), number.getValue());
  auto pair = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!pair)
    return std::nullopt;
  auto x = getRange(pair.getLHS(), extents),
       y = getRange(pair.getRHS(), extents);
  if (!x || !y)
    return std::nullopt;
  if (expr.getKind() == AffineExprKind::Add)
    return Range(x->first + y->first, x->second + y->second);
  // MLIR keeps the constant of the other kinds on the right.
  int64_t c = y->first;
  if (y->first != y->second ||
      (expr.getKind() != AffineExprKind::Mul && c <= 0))
    return std::nullopt;
  switch (expr.getKind()) {
  case AffineExprKind::Mul:
    return Range(std::min(x->first * c, x->second * c),
                 std::max(x->first * c, x->second * c));
  case AffineExprKind::Mod:
    return Range(0, c - 1);
  case AffineExprKind::FloorDiv:
    return Range(llvm::divideFloorSigned(x->first, c),
                 llvm::divideFloorSigned(x->second, c));
  case AffineExprKind::CeilDiv:
    return Range(llvm::divideCeilSigned(x->first, c),
                 llvm::divideCeilSigned(x->second, c));
  default:
    return std::nullopt;
  }
}

Access::Access(AffineMap map, ArrayRef<int64_t> shape)
    : factors(map.getNumDims(), 0) {
  int64_t stride = 1;
  for (unsigned d = map.getNumResults(); d-- != 0; stride *= shape[d]) {
    SmallVector<int64_t> saved = factors;
    int64_t savedConstant = constant;
    if (addLinear(map.getResult(d), stride, factors, constant))
      continue;
    factors = std::move(saved);
    constant = savedConstant;
    terms.push_back({map.getResult(d), stride});
  }
}

Access Access::scalar(unsigned numLoops) {
  Access access;
  access.factors.assign(numLoops, 0);
  return access;
}

Access Access::identity() {
  Access access;
  access.factors.assign(1, 1);
  return access;
}

int64_t Access::getOffset(ArrayRef<int64_t> iteration) const {
  int64_t offset = constant;
  for (auto [factor, index] : llvm::zip_equal(factors, iteration))
    offset += factor * index;
  for (auto [expr, stride] : terms)
    offset += evaluate(expr, iteration) * stride;
  return offset;
}

std::optional<int64_t> Access::getStride(unsigned loop) const {
  for (auto [expr, stride] : terms)
    if (expr.isFunctionOfDim(loop))
      return std::nullopt;
  return factors[loop];
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

namespace {
/// Runs a nest's program for some lanes at a time; one for each core.
class Lanes {
public:
  Lanes(const Nest &nest, unsigned laneLoop)
      : nest(nest), laneLoop(laneLoop),
        registers(static_cast<size_t>(nest.program.numRegisters) * kLanes) {
    for (auto [index, value] : nest.program.constants)
      std::fill_n(at(index), kLanes, value);
  }

  /// The iterations that begin at `iteration`, `lanes` of them along the lane
  /// loop.
  void run(MutableArrayRef<int64_t> iteration, int64_t lanes);

private:
  double *at(int index) {
    return registers.data() + static_cast<size_t>(index) * kLanes;
  }
  /// Calls body(lane, offset) for every lane.
  template <typename Body>
  void forEachOffset(const Access &access, MutableArrayRef<int64_t> iteration,
                     int64_t lanes, Body body);

  const Nest &nest;
  unsigned laneLoop;
  std::vector<double> registers;
};
} // namespace

template <typename Body>
void Lanes::forEachOffset(const Access &access,
                          MutableArrayRef<int64_t> iteration, int64_t lanes,
                          Body body) {
  int64_t first = access.getOffset(iteration);
  if (lanes == 1)
    return body(0, first);
  if (std::optional<int64_t> stride = access.getStride(laneLoop)) {
    if (*stride == 1) // A loop of its own, for the compiler's sake.
      for (int64_t i = 0; i != lanes; ++i)
        body(i, first + i);
    else
      for (int64_t i = 0; i != lanes; ++i)
        body(i, first + i * *stride);
    return;
  }
  int64_t start = iteration[laneLoop];
  for (int64_t i = 0; i != lanes; ++i) {
    iteration[laneLoop] = start + i;
    body(i, access.getOffset(iteration));
  }
  iteration[laneLoop] = start;
}

void Lanes::run(MutableArrayRef<int64_t> iteration, int64_t lanes) {
  const Program &program = nest.program;
  for (auto [i, index] : llvm::enumerate(program.arguments)) {
    if (index < 0)
      continue;
    const double *from = nest.inputData[i];
    double *to = at(index);
    forEachOffset(
        nest.inputs[i], iteration, lanes,
        [&](int64_t lane, int64_t offset) { to[lane] = from[offset]; });
  }
  for (auto [index, loop] : program.indices)
    for (int64_t lane = 0; lane != lanes; ++lane)
      at(index)[lane] =
          static_cast<double>(iteration[loop] + (loop == laneLoop ? lane : 0));
  for (const Instruction &instruction : program.code) {
    const double *operands[4];
    assert(instruction.operands.size() <= std::size(operands) &&
           "no operation has more");
    for (auto [operand, source] : llvm::zip(operands, instruction.operands))
      operand = at(source);
    instruction.function(at(instruction.result), operands, lanes,
                         instruction.immediate);
  }
  for (auto [i, index] : llvm::enumerate(program.results)) {
    const double *from = at(index);
    double *to = nest.outputData[i];
    forEachOffset(
        nest.outputs[i], iteration, lanes,
        [&](int64_t lane, int64_t offset) { to[offset] = from[lane]; });
  }
}

/// The next iteration of the loops chosen by `chosen`; false after the last.
template <typename Choice>
static bool advance(MutableArrayRef<int64_t> iteration,
                    ArrayRef<int64_t> extents, Choice chosen) {
  for (unsigned loop = iteration.size(); loop-- != 0;) {
    if (!chosen(loop))
      continue;
    if (++iteration[loop] < extents[loop])
      return true;
    iteration[loop] = 0;
  }
  return false;
}

/// The loop whose iterations become lanes: one without order, long, along which
/// elements lie side by side. The number of loops where there is none.
unsigned Nest::pickLaneLoop() const {
  unsigned best = extents.size();
  int64_t bestScore = 0;
  for (unsigned loop = 0; loop != extents.size(); ++loop) {
    if (ordered[loop])
      continue;
    int64_t score = 1;
    auto count = [&](const Access &access) {
      std::optional<int64_t> stride = access.getStride(loop);
      score += !stride ? 0 : *stride == 1 ? 4 : *stride == 0 ? 2 : 1;
    };
    llvm::for_each(inputs, count);
    llvm::for_each(outputs, count);
    score *= std::min<int64_t>(extents[loop], kLanes);
    if (score >= bestScore) {
      best = loop;
      bestScore = score;
    }
  }
  return best;
}

void Nest::run() const {
  if (llvm::is_contained(extents, 0))
    return;
  unsigned laneLoop = pickLaneLoop();
  int64_t length = laneLoop == extents.size() ? 1 : extents[laneLoop];
  int64_t blocks = llvm::divideCeil(length, kLanes), items = blocks, work = 1;
  for (unsigned loop = 0; loop != extents.size(); ++loop) {
    work *= extents[loop];
    if (loop != laneLoop && !ordered[loop])
      items *= extents[loop];
  }
  auto isOrdered = [&](unsigned loop) { return ordered[loop]; };
  auto runItems = [&](int64_t begin, int64_t end) {
    Lanes lanes(*this, laneLoop);
    SmallVector<int64_t> iteration(extents.size(), 0);
    for (int64_t item = begin; item != end; ++item) {
      int64_t rest = item / blocks, first = item % blocks * kLanes;
      for (unsigned loop = extents.size(); loop-- != 0;) {
        iteration[loop] = 0;
        if (loop == laneLoop)
          iteration[loop] = first;
        else if (!ordered[loop])
          iteration[loop] =
              std::exchange(rest, rest / extents[loop]) % extents[loop];
      }
      do
        lanes.run(iteration, std::min(kLanes, length - first));
      while (advance(MutableArrayRef(iteration), extents, isOrdered));
    }
  };
  // Below this many iterations a thread is not worth waking.
  constexpr int64_t grain = 1 << 14;
  int64_t tasks =
      std::clamp<int64_t>(work / grain, 1, std::min<int64_t>(items, 256));
  if (tasks == 1)
    return runItems(0, items);
  llvm::parallelFor(0, static_cast<size_t>(tasks), [&](size_t task) {
    int64_t i = static_cast<int64_t>(task);
    runItems(items * i / tasks, items * (i + 1) / tasks);
  });
}
