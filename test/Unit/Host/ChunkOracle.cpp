//===- ChunkOracle.cpp - chunk programs in double precision ---------------===//
// Written for being plainly right, after dialects/Chunk/README.md.
//===----------------------------------------------------------------------===//
#include "ChunkOracle.h"
#include "OracleTensors.h"
#include "deltanet/Dialect/Chunk/IR/Chunk.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"
#include "gtest/gtest.h"
#include <cmath>
#include <functional>

using namespace mlir;
using namespace deltanet;
using namespace deltanet::test;

namespace {
using Indices = std::vector<int64_t>;

struct Evaluator {
  llvm::DenseMap<Value, Array> arrays;
  llvm::DenseMap<Value, double> scalars;

  Array &of(Value v) {
    assert(arrays.count(v));
    return arrays[v];
  }
  static Array make(Type type) {
    auto tensor = cast<RankedTensorType>(type);
    Array a{{tensor.getShape().begin(), tensor.getShape().end()},
            tensor.getElementType(),
            {}};
    a.values.assign(a.size(), 0);
    return a;
  }
  void evaluate(Operation *op);
  void evaluateElementwise(Operation *op);
  void evaluateScan(chunk::ScanOp op, ArrayRef<std::vector<int64_t>> shapes);
  void runSegment(chunk::ScanOp op, std::vector<Array> &results, int64_t n,
                  int64_t h, int64_t segment);
};

int64_t flat(const std::vector<int64_t> &shape, const Indices &at) {
  int64_t i = 0;
  for (size_t d = 0; d < shape.size(); ++d)
    i = i * shape[d] + at[d];
  return i;
}

void forEach(const std::vector<int64_t> &shape,
             const std::function<void(const Indices &)> &f) {
  Indices at(shape.size(), 0);
  for (int64_t extent : shape)
    if (extent == 0)
      return;
  while (true) {
    f(at);
    int64_t d = static_cast<int64_t>(shape.size()) - 1;
    for (; d >= 0 && ++at[d] == shape[d]; --d)
      at[d] = 0;
    if (d < 0)
      return;
  }
}

/// result[at] = f(at), rounded to the type of the result.
Array fill(Type type, const std::function<double(const Indices &)> &f) {
  Array a = Evaluator::make(type);
  forEach(a.shape, [&](const Indices &at) {
    a.values[flat(a.shape, at)] = roundTo(a.element, f(at));
  });
  return a;
}
} // namespace

void Evaluator::evaluateElementwise(Operation *op) {
  Value result = op->getResult(0);
  Array out = make(result.getType());
  for (size_t i = 0; i < out.values.size(); ++i) {
    SmallVector<double> x;
    for (Value operand : op->getOperands())
      x.push_back(isa<RankedTensorType>(operand.getType())
                      ? of(operand).values[i]
                      : scalars.lookup(operand));
    double y = applyElementwise(op, x);
    // Only where the program says so: f32 is the arithmetic's own rounding.
    bool narrow = isa<arith::TruncFOp>(op) || !isa<FloatType>(out.element);
    out.values[i] = narrow ? roundTo(out.element, y) : y;
  }
  arrays[result] = out;
}

/// Gate [row] or [row, channel].
static double gate(const Array &g, int64_t row, int64_t c) {
  return g.shape.size() == 1 ? g.values[row] : g.values[row * g.shape[1] + c];
}

static Array decayDot(chunk::DecayDotOp op, Evaluator &e) {
  Array &x = e.of(op.getX()), &y = e.of(op.getY()), &gx = e.of(op.getGx()),
        &gy = e.of(op.getGy());
  int64_t width = x.shape[1], steps = y.shape[0] / x.shape[0];
  Array out = Evaluator::make(op.getType());
  forEach(out.shape, [&](const Indices &at) {
    int64_t r = at[0], i = at[1];
    if (op.getStrict() ? i / steps >= r : i / steps > r)
      return;
    double sum = 0;
    for (int64_t c = 0; c < width; ++c)
      sum += x.values[r * width + c] * y.values[i * width + c] *
             std::exp(gate(gx, r, c) - gate(gy, i, c));
    out.values[flat(out.shape, at)] = sum;
  });
  return out;
}

static Array decayApply(chunk::DecayApplyOp op, Evaluator &e) {
  Array &m = e.of(op.getM()), &y = e.of(op.getY()), &gx = e.of(op.getGx()),
        &gy = e.of(op.getGy());
  int64_t rows = m.shape[0], columns = m.shape[1], width = y.shape[1],
          steps = columns / rows;
  Array out = Evaluator::make(op.getType());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < columns; ++i) {
      if (op.getStrict() ? i / steps >= r : i / steps > r)
        continue;
      for (int64_t c = 0; c < width; ++c) {
        double factor = m.values[r * columns + i] *
                        std::exp(gate(gx, r, c) - gate(gy, i, c));
        if (op.getTranspose())
          out.values[i * width + c] += factor * y.values[r * width + c];
        else
          out.values[r * width + c] += factor * y.values[i * width + c];
      }
    }
  return out;
}

static Array dot(chunk::DotOp op, Evaluator &e) {
  Array &l = e.of(op.getLhs()), &r = e.of(op.getRhs());
  Array out = Evaluator::make(op.getType());
  int64_t depth = l.shape[op.getTransposeLhs() ? 0 : 1];
  forEach(out.shape, [&](const Indices &at) {
    double sum = 0;
    for (int64_t k = 0; k < depth; ++k)
      sum += (op.getTransposeLhs() ? l.values[k * l.shape[1] + at[0]]
                                   : l.values[at[0] * l.shape[1] + k]) *
             (op.getTransposeRhs() ? r.values[at[1] * r.shape[1] + k]
                                   : r.values[k * r.shape[1] + at[1]]);
    out.values[flat(out.shape, at)] = sum;
  });
  return out;
}

/// Solves (I + strict_lower(l)) x = b, or its transpose.
static Array solve(const Array &l, Array x, bool transpose) {
  int64_t n = x.shape[0], width = x.shape[1];
  for (int64_t step = 0; step < n; ++step) {
    int64_t r = transpose ? n - 1 - step : step;
    for (int64_t i = transpose ? r + 1 : 0; i < (transpose ? n : r); ++i) {
      double f = transpose ? l.values[i * n + r] : l.values[r * n + i];
      for (int64_t c = 0; c < width; ++c)
        x.values[r * width + c] -= f * x.values[i * width + c];
    }
  }
  return x;
}

static Array cumsum(chunk::CumsumOp op, Evaluator &e) {
  Array out = e.of(op.getInput());
  out.element = cast<RankedTensorType>(op.getType()).getElementType();
  int64_t rows = out.shape[0], rest = out.size() / rows;
  for (int64_t c = 0; c < rest; ++c) {
    double sum = 0;
    for (int64_t i = 0; i < rows; ++i) {
      double &x = out.values[(op.getReverse() ? rows - 1 - i : i) * rest + c];
      double before = sum;
      sum += x;
      x = op.getExclusive() ? before : sum;
    }
  }
  return out;
}

static Array reduce(chunk::ReduceOp op, Evaluator &e) {
  Array &in = e.of(op.getInput());
  Array out = Evaluator::make(op.getType());
  std::vector<bool> seen(out.values.size());
  forEach(in.shape, [&](const Indices &at) {
    Indices kept;
    for (size_t d = 0; d < at.size(); ++d)
      if (!llvm::is_contained(op.getDimensions(), static_cast<int64_t>(d)))
        kept.push_back(at[d]);
    int64_t i = flat(out.shape, kept);
    double x = in.values[flat(in.shape, at)], &sum = out.values[i];
    bool nan = std::isnan(x) || std::isnan(sum);
    if (!seen[i])
      sum = x;
    else if (op.getKind() == chunk::Combine::Add)
      sum += x;
    else if (op.getKind() == chunk::Combine::Mul)
      sum *= x;
    else
      sum = nan                                   ? NAN
            : op.getKind() == chunk::Combine::Max ? std::max(sum, x)
                                                  : std::min(sum, x);
    seen[i] = true;
  });
  return out;
}

/// The operations that move elements: each result's index has one of the input.
static Array move(Operation *op, const Array &in) {
  Array out = Evaluator::make(op->getResult(0).getType());
  forEach(out.shape, [&](const Indices &at) {
    Indices from;
    if (auto row = dyn_cast<chunk::RowOp>(op)) {
      from = {static_cast<int64_t>(row.getIndex())};
      from.insert(from.end(), at.begin(), at.end());
    } else if (isa<chunk::RepeatOp>(op)) {
      from = at;
      from[0] /= out.shape[0] / in.shape[0];
    } else if (isa<chunk::TransposeOp>(op)) {
      from = {at[1], at[0]};
    } else if (auto broadcast = dyn_cast<chunk::BroadcastOp>(op)) {
      for (size_t d = 0; d < at.size(); ++d)
        if (!llvm::is_contained(broadcast.getDimensions(),
                                static_cast<int64_t>(d)))
          from.push_back(at[d]);
    } else {
      ADD_FAILURE() << "the oracle lacks "
                    << op->getName().getStringRef().str();
      return;
    }
    out.values[flat(out.shape, at)] = in.values[flat(in.shape, from)];
  });
  return out;
}

/// The operations that spread or gather rows.
static Array addRows(Operation *op, const Array &in) {
  Array out = Evaluator::make(op->getResult(0).getType());
  auto placed = dyn_cast<chunk::PlaceRowOp>(op);
  forEach(in.shape, [&](const Indices &at) {
    Indices to = at;
    if (placed)
      to.insert(to.begin(), static_cast<int64_t>(placed.getIndex()));
    else
      to[0] /= in.shape[0] / out.shape[0];
    out.values[flat(out.shape, to)] += in.values[flat(in.shape, at)];
  });
  return out;
}

static double scalar(Operation *op,
                     const llvm::DenseMap<Value, double> &scalars) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    auto real = dyn_cast<FloatAttr>(constant.getValue());
    return real ? real.getValueAsDouble()
                : cast<IntegerAttr>(constant.getValue()).getInt();
  }
  SmallVector<double> x;
  for (Value operand : op->getOperands())
    x.push_back(scalars.lookup(operand));
  return applyElementwise(op, x);
}

static Array constantOf(arith::ConstantOp op) {
  Array out = Evaluator::make(op.getType());
  auto elements = cast<DenseElementsAttr>(op.getValue());
  size_t i = 0;
  if (isa<FloatType>(out.element))
    for (APFloat x : elements.getValues<APFloat>()) {
      bool lost;
      x.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lost);
      out.values[i++] = x.convertToDouble();
    }
  else
    for (APInt x : elements.getValues<APInt>())
      out.values[i++] = x.getSExtValue();
  return out;
}

void Evaluator::evaluate(Operation *op) {
  if (op->getNumResults() == 1 &&
      !isa<RankedTensorType>(op->getResult(0).getType())) {
    scalars[op->getResult(0)] = scalar(op, scalars);
    return;
  }
  if (OpTrait::hasElementwiseMappableTraits(op))
    return evaluateElementwise(op);
  Value result = op->getResult(0);
  TypeSwitch<Operation *>(op)
      .Case([&](arith::ConstantOp c) { arrays[result] = constantOf(c); })
      .Case([&](chunk::DotOp o) { arrays[result] = dot(o, *this); })
      .Case([&](chunk::DecayDotOp o) { arrays[result] = decayDot(o, *this); })
      .Case(
          [&](chunk::DecayApplyOp o) { arrays[result] = decayApply(o, *this); })
      .Case([&](chunk::UnitLowerSolveOp o) {
        arrays[result] =
            solve(of(o.getLower()), of(o.getRhs()), o.getTranspose());
      })
      .Case([&](chunk::UnitLowerInverseOp o) {
        Array identity = fill(result.getType(),
                              [](const Indices &at) { return at[0] == at[1]; });
        arrays[result] = solve(of(o.getLower()), identity, false);
      })
      .Case([&](chunk::CumsumOp o) { arrays[result] = cumsum(o, *this); })
      .Case([&](chunk::ReduceOp o) { arrays[result] = reduce(o, *this); })
      .Case([&](chunk::TrilOp o) {
        Array out = of(o.getInput());
        int64_t n = out.shape[1] / out.shape[0];
        forEach(out.shape, [&](const Indices &at) {
          if (o.getStrict() ? at[1] / n >= at[0] : at[1] / n > at[0])
            out.values[flat(out.shape, at)] = 0;
        });
        arrays[result] = out;
      })
      .Case([&](chunk::MaskTokensOp o) {
        Array out = of(o.getInput());
        int64_t limit = scalars.lookup(o.getCount()) * o.getSteps();
        forEach(out.shape, [&](const Indices &at) {
          if (at[0] >= limit)
            out.values[flat(out.shape, at)] = 0;
        });
        arrays[result] = out;
      })
      .Case<chunk::PlaceRowOp, chunk::SumRowsOp>([&](Operation *o) {
        arrays[result] = addRows(o, of(o->getOperand(0)));
      })
      .Default([&](Operation *op) {
        arrays[result] = move(op, of(op->getOperand(0)));
      });
}

//===----------------------------------------------------------------------===//
// chunk.scan
//===----------------------------------------------------------------------===//

namespace {
/// Where a chunk of a sequence is.
struct Place {
  int64_t batch, sequence, head, heads, token, count, chunk, chunkSize;
  int64_t segment = 0; // of an output, the run
};
} // namespace

/// Calls f(index in the tensor, index in the tile, true if the row exists).
static void walk(chunk::AccessAttr access, const Array &whole,
                 const std::vector<int64_t> &tile, const Place &p,
                 const std::function<void(int64_t, int64_t, bool)> &f) {
  forEach(tile, [&](const Indices &at) {
    Indices index;
    bool exists = true;
    for (auto [dim, entry] : llvm::enumerate(access.getEntries())) {
      switch (entry) {
      case chunk::AccessAttr::Batch:
        index.push_back(p.batch);
        break;
      case chunk::AccessAttr::Sequence:
        index.push_back(p.sequence);
        break;
      case chunk::AccessAttr::Head:
        index.push_back(p.head);
        break;
      case chunk::AccessAttr::Group:
        index.push_back(p.head / (p.heads / whole.shape[dim]));
        break;
      case chunk::AccessAttr::Chunk:
        index.push_back(p.chunk);
        break;
      case chunk::AccessAttr::Segment:
        index.push_back(p.segment);
        break;
      case chunk::AccessAttr::Token: {
        int64_t steps = tile[0] / p.chunkSize;
        index.push_back(p.token * steps + at[0]);
        exists = at[0] < p.count * steps;
        break;
      }
      default:
        index.push_back(at[entry]);
      }
    }
    f(exists ? flat(whole.shape, index) : -1, flat(tile, at), exists);
  });
}

static int64_t extent(chunk::ScanOp op, Evaluator &e,
                      chunk::AccessAttr::Loop loop) {
  for (auto [i, input] : llvm::enumerate(op.getInputs()))
    if (int64_t d = op.getInputAccess(i).findLoop(loop); d >= 0)
      return e.of(input).shape[d];
  for (auto [i, init] : llvm::enumerate(op.getInits()))
    if (int64_t d = op.getInitAccess(i).findLoop(loop); d >= 0)
      return e.of(init).shape[d];
  return loop == chunk::AccessAttr::Head ? 1 : -1;
}

static int64_t tokensOf(chunk::ScanOp op, Evaluator &e) {
  for (auto [i, input] : llvm::enumerate(op.getInputs()))
    if (int64_t d = op.getInputAccess(i).findLoop(chunk::AccessAttr::Token);
        d >= 0) {
      auto tile = cast<RankedTensorType>(op.getInputArguments()[i].getType());
      return e.of(input).shape[d] / (tile.getDimSize(0) / op.getChunkSize());
    }
  return 0;
}

/// The run of an output that chunk c of `chunks` begins, or -1.
static int64_t beginsRun(chunk::ScanOp op, unsigned output, int64_t c,
                         int64_t chunks) {
  int64_t dim = op.getOutputAccess(output).findLoop(chunk::AccessAttr::Segment);
  if (dim < 0)
    return 0;
  auto type = cast<RankedTensorType>(op.getOutputs()[output].getType());
  int64_t runs = type.getDimSize(dim), each = (chunks + runs - 1) / runs;
  int64_t begin = c / each * each, end = std::min(begin + each, chunks);
  return c == (op.getReverse() ? end - 1 : begin) ? c / each : -1;
}

void Evaluator::runSegment(chunk::ScanOp op, std::vector<Array> &results,
                           int64_t n, int64_t h, int64_t segment) {
  int64_t size = op.getChunkSize(), begin = 0, length = tokensOf(op, *this),
          first = 0;
  Place p{n, n, h,    extent(op, *this, chunk::AccessAttr::Head),
          0, 0, 0, size, segment};
  if (Value offsets = op.getSequences()) {
    begin = of(offsets).values[n];
    length = of(offsets).values[n + 1] - begin;
    first = begin / size + n;
    p.batch = 0;
  }
  for (auto [i, argument] : llvm::enumerate(op.getCarryArguments())) {
    Array tile = make(argument.getType()), &init = of(op.getInits()[i]);
    walk(op.getInitAccess(i), init, tile.shape, p,
         [&](int64_t from, int64_t to, bool) {
           tile.values[to] = init.values[from];
         });
    arrays[argument] = tile;
  }
  int64_t chunks = (length + size - 1) / size, runs = op.getNumSegments(),
          each = (chunks + runs - 1) / runs,
          begins = std::min(segment * each, chunks),
          ends = std::min(begins + each, chunks);
  auto yield = cast<chunk::YieldOp>(op.getBodyBlock()->getTerminator());
  for (int64_t step = 0; step < ends - begins; ++step) {
    int64_t c = op.getReverse() ? ends - 1 - step : begins + step;
    p.token = begin + c * size;
    p.count = std::min(size, length - c * size);
    p.chunk = first + c;
    scalars[op.getCountArgument()] = p.count;
    for (auto [i, argument] : llvm::enumerate(op.getInputArguments())) {
      Array tile = make(argument.getType()), &input = of(op.getInputs()[i]);
      walk(op.getInputAccess(i), input, tile.shape, p,
           [&](int64_t from, int64_t to, bool exists) {
             tile.values[to] = exists ? input.values[from] : 0;
           });
      arrays[argument] = tile;
    }
    for (Operation &inner : op.getBodyBlock()->without_terminator())
      evaluate(&inner);
    for (auto [i, value] : llvm::enumerate(yield.getOutputs())) {
      Array &tile = of(value), &whole = results[i];
      Place to = p;
      if ((to.segment = beginsRun(op, i, c, chunks)) < 0)
        continue;
      walk(op.getOutputAccess(i), whole, tile.shape, to,
           [&](int64_t to, int64_t from, bool exists) {
             if (exists)
               whole.values[to] = tile.values[from];
           });
    }
    std::vector<Array> next;
    for (Value value : yield.getCarries())
      next.push_back(of(value));
    for (auto [i, argument] : llvm::enumerate(op.getCarryArguments()))
      arrays[argument] = next[i];
  }
  for (auto [i, argument] : llvm::enumerate(op.getCarryArguments())) {
    Array &tile = of(argument), &final = results[op.getNumOutputs() + i];
    walk(op.getFinalAccess(i), final, tile.shape, p,
         [&](int64_t to, int64_t from, bool) {
           final.values[to] = roundTo(final.element, tile.values[from]);
         });
  }
}

void Evaluator::evaluateScan(chunk::ScanOp op,
                             ArrayRef<std::vector<int64_t>> shapes) {
  std::vector<Array> results;
  for (auto [result, shape] : llvm::zip(op.getResults(), shapes)) {
    Array &a = results.emplace_back();
    a.shape = shape;
    a.element = cast<RankedTensorType>(result.getType()).getElementType();
    a.values.assign(a.size(), NAN);
  }
  int64_t sequences = extent(op, *this, chunk::AccessAttr::Batch);
  if (sequences < 0)
    sequences = extent(op, *this, chunk::AccessAttr::Sequence);
  if (op.getSequences())
    sequences = of(op.getSequences()).size() - 1;
  for (int64_t n = 0; n < sequences; ++n)
    for (int64_t h = 0; h < extent(op, *this, chunk::AccessAttr::Head); ++h)
      for (int64_t s = 0; s < op.getNumSegments(); ++s)
        runSegment(op, results, n, h, s);
  for (auto [result, array] : llvm::zip(op.getResults(), results))
    arrays[result] = array;
}

/// The extents of a result of a scan that nobody said the shape of.
static std::vector<int64_t> inferShape(chunk::ScanOp op, Evaluator &e,
                                       chunk::AccessAttr access,
                                       RankedTensorType type, Value tile) {
  std::vector<int64_t> shape(type.getShape().begin(), type.getShape().end());
  int64_t size = op.getChunkSize(), tokens = tokensOf(op, e),
          sequences = extent(op, e, chunk::AccessAttr::Batch);
  if (op.getSequences())
    sequences = e.of(op.getSequences()).size() - 1;
  for (auto [n, entry] : llvm::zip(shape, access.getEntries()))
    if (ShapedType::isDynamic(n) && entry == chunk::AccessAttr::Token)
      n = tokens *
          (cast<RankedTensorType>(tile.getType()).getDimSize(0) / size);
    else if (ShapedType::isDynamic(n) && entry == chunk::AccessAttr::Sequence)
      n = sequences;
    else if (ShapedType::isDynamic(n) && entry == chunk::AccessAttr::Chunk)
      n = op.getSequences() ? tokens / size + sequences
                            : (tokens + size - 1) / size;
    else if (ShapedType::isDynamic(n))
      n = extent(op, e, static_cast<chunk::AccessAttr::Loop>(entry));
  return shape;
}

std::vector<Array>
deltanet::test::evaluate(func::FuncOp function,
                         const std::vector<Array> &inputs,
                         const std::vector<std::vector<int64_t>> &shapes) {
  Evaluator e;
  for (auto [argument, input] : llvm::zip(function.getArguments(), inputs))
    e.arrays[argument] = input;
  auto ret = cast<func::ReturnOp>(function.getBody().front().getTerminator());
  for (Operation &op : function.getBody().front().without_terminator()) {
    auto scan = dyn_cast<chunk::ScanOp>(op);
    if (!scan) {
      if (!evaluateTensorOp(&op, e.arrays, e.scalars))
        e.evaluate(&op);
      continue;
    }
    // Results that are returned have the shapes that are asked for.
    std::vector<std::vector<int64_t>> scanShapes;
    Operation *yield = scan.getBodyBlock()->getTerminator();
    for (auto [i, result] : llvm::enumerate(scan.getResults())) {
      unsigned outputs = scan.getNumOutputs();
      scanShapes.push_back(inferShape(
          scan, e,
          i < outputs ? scan.getOutputAccess(i)
                      : scan.getFinalAccess(i - outputs),
          cast<RankedTensorType>(result.getType()), yield->getOperand(i)));
      for (auto [value, shape] : llvm::zip(ret.getOperands(), shapes))
        if (value == result)
          scanShapes.back() = shape;
    }
    e.evaluateScan(scan, scanShapes);
  }
  std::vector<Array> results;
  for (Value value : ret.getOperands())
    results.push_back(e.of(value));
  return results;
}
