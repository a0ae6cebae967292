//===- DecayDot.cpp - triangles of products with decays per channel -------===//
// Blocks of 16 rows: below the diagonal products of scaled operands, on it such
// a product or, where gates are steep, sums over channels (27).
//===----------------------------------------------------------------------===//
#include "DecayParts.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace deltanet::tile;

using Values = SmallVector<Value>;

namespace {

class DecayDotEmitter {
public:
  DecayDotEmitter(Emit &emit, DecayDotOp op, DecayDotOpAdaptor operands)
      : emit(emit), b(emit.b), loc(emit.loc), op(op), operands(operands),
        xType(cast<BufferType>(op.getX().front().getType())),
        yType(op.getY().getType()), gxType(op.getGx().getType()),
        gyType(op.getGy().getType()),
        gates{{operands.getGx(), operands.getGxRest()},
              {operands.getGy(), operands.getGyRest()}},
        element(yType.getElementType()),
        steps(yType.getRows() / xType.getRows()), width(yType.getColumns()),
        lefts(op.getX().size()) {
    auto type = cast<RankedTensorType>(op.getResults().front().getType());
    layout = cast<AccAttr>(type.getEncoding());
    rows = type.getDimSize(0) / layout.getWarps()[0];
    columns = type.getDimSize(1) / layout.getWarps()[1];
    group = columns % 16 == 0 ? 16 : 8;
  }

  /// The registers of every result.
  SmallVector<Values> run() {
    Value firstBlock = emit.mul(emit.warpRow(layout), rows / 16);
    Value firstColumn = emit.mul(emit.warpColumn(layout), columns);
    SmallVector<Values> results(lefts);
    auto append = [&](ArrayRef<Value> part) {
      for (auto [i, result] : llvm::enumerate(results))
        llvm::append_range(result, part.slice(i * perLeft(), perLeft()));
    };
    if (layout.getWarps()[0] == 1 && rows == 32 && columns == group) {
      Values both = emitBothBlocks(firstColumn);
      for (int64_t block : {0, 1})
        append(ArrayRef<Value>(both).slice(block * perGroup(), perGroup()));
      return results;
    }
    for (int64_t r = 0; r != rows; r += 16)
      for (int64_t c = 0; c != columns; c += group)
        append(
            emitGroup(emit.add(firstBlock, r / 16), emit.add(firstColumn, c)));
    return results;
  }

private:
  /// So many times 16 channels are multiplied without a loop.
  static constexpr int64_t kUnrolled = 8;

  /// Registers of a group of columns: of one left operand, of all.
  int64_t perLeft() const { return group / 8 * 4; }
  int64_t perGroup() const { return lefts * perLeft(); }
  int64_t blockColumns() const { return 16 * steps; }
  Values zeros(int64_t count) { return Values(count, emit.f32(0)); }
  Values zeros() { return zeros(perGroup()); }

  void startColumn(Value column) {
    this->column = column;
    columnBlock = emit.div(column, blockColumns());
  }
  void startRows(Value block) {
    row = emit.mul(block, 16);
    rowBlock = block;
  }

  /// 16 rows and some columns, all in one block.
  Values emitGroup(Value rowBlock, Value column) {
    startRows(rowBlock);
    startColumn(column);
    return choose(
        emit.less(columnBlock, rowBlock), [&] { return below(); },
        [&] {
          return choose(
              emit.equal(columnBlock, rowBlock), [&] { return diagonal(); },
              [&] { return zeros(); });
        });
  }

  /// Two blocks of 16 rows: every warp has a block on the diagonal, and those
  /// with the first columns one below it. Both are made at once, since products
  /// that wait for each other are what takes the time; what a warp of the last
  /// columns makes below is dropped.
  Values emitBothBlocks(Value column) {
    startColumn(column);
    Value isFirst = emit.equal(columnBlock, emit.i32(0));
    auto inDiagonal = [&] { startRows(columnBlock); };
    auto inBelow = [&] { startRows(emit.i32(1)); };
    auto products = [&] {
      return overChannels({[&](Value channel) {
                             inDiagonal();
                             return sectionOnDiagonal(channel);
                           },
                           [&](Value channel) {
                             inBelow();
                             return sectionBelow(channel, false);
                           }});
    };
    inDiagonal();
    Values both;
    if (op.getBounded()) {
      both = products();
    } else {
      auto sums = [&] {
        inDiagonal();
        Values made = sumsOverChannels();
        inBelow();
        llvm::append_range(made, this->products(false));
        return made;
      };
      both = choose(isWithinReach(), products, sums, 2 * perGroup());
    }
    inDiagonal();
    Values onDiagonal =
        keepTriangle(ArrayRef<Value>(both).take_front(perGroup()));
    Values result;
    for (Value v : onDiagonal)
      result.push_back(emit.select(isFirst, v, emit.f32(0)));
    for (auto [low, v] :
         llvm::zip(ArrayRef<Value>(both).drop_front(perGroup()), onDiagonal))
      result.push_back(emit.select(isFirst, low, v));
    return result;
  }

  Values choose(Value condition, function_ref<Values()> yes,
                function_ref<Values()> no) {
    return choose(condition, yes, no, perGroup());
  }
  Values choose(Value condition, function_ref<Values()> yes,
                function_ref<Values()> no, int64_t count) {
    SmallVector<Type> types(count, b.getF32Type());
    auto ifOp = scf::IfOp::create(b, loc, types, condition, true);
    OpBuilder::InsertionGuard guard(b);
    for (auto [block, values] :
         {std::pair{ifOp.thenBlock(), yes}, std::pair{ifOp.elseBlock(), no}}) {
      b.setInsertionPointToStart(block);
      scf::YieldOp::create(b, loc, values());
    }
    return llvm::to_vector_of<Value>(ifOp.getResults());
  }

  //===--------------------------------------------------------------------===//
  // Sums over channels by products
  //===--------------------------------------------------------------------===//

  /// What a block of 16 rows multiplies: parts of its operands, 16 channels at
  /// a time, from a first channel on.
  struct Section {
    explicit Section(PartProduct product) : product(product) {}
    virtual ~Section() = default;
    virtual SmallVector<PartProduct::Part, 2> rights(int64_t channel) = 0;
    virtual PartProduct::Part left(int64_t i, int64_t channel) = 0;

    PartProduct product;
  };
  using MakeSection =
      llvm::function_ref<std::unique_ptr<Section>(Value channel)>;

  /// The sums of sections, one after the other, whose products alternate.
  Values overChannels(ArrayRef<MakeSection> make) {
    int64_t parts = width / 16, together = kUnrolled;
    while (parts % together != 0)
      --together;
    Values sums = zeros(make.size() * perGroup());
    if (parts == together)
      return addChannels(make, emit.i32(0), together, sums);
    auto loop = scf::ForOp::create(b, loc, emit.i32(0), emit.i32(width),
                                   emit.i32(16 * together), sums);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    sums = llvm::to_vector_of<Value>(loop.getRegionIterArgs());
    sums = addChannels(make, loop.getInductionVar(), together, sums);
    scf::YieldOp::create(b, loc, sums);
    return llvm::to_vector_of<Value>(loop.getResults());
  }

  /// Products that add to one sum wait for each other, so there are several
  /// for each: for what remainders make, or for every other part.
  Values addChannels(ArrayRef<MakeSection> make, Value channel, int64_t parts,
                     Values sums) {
    SmallVector<std::unique_ptr<Section>, 2> sections;
    for (MakeSection made : make)
      sections.push_back(made(channel));
    SmallVector<Values, 3> chains{std::move(sums)};
    int64_t count = hasRemainders() ? 3 : std::min<int64_t>(parts, 2);
    for (int64_t i = 1; i != count; ++i)
      chains.push_back(zeros(chains[0].size()));
    for (int64_t part = 0; part != parts; ++part)
      for (auto [s, section] : llvm::enumerate(sections)) {
        auto rights = section->rights(16 * part);
        for (int64_t i = 0; i != lefts; ++i) {
          PartProduct::Part left = section->left(i, 16 * part);
          for (auto [h, right] : llvm::enumerate(rights)) {
            int64_t first = s * perGroup() + i * perLeft() + 4 * h;
            SmallVector<MutableArrayRef<Value>, 3> to;
            for (Values &chain : chains)
              to.push_back(MutableArrayRef<Value>(chain).slice(first, 4));
            if (!hasRemainders())
              std::swap(to.front(), to[part % count]);
            section->product.multiply(left, right, to);
          }
        }
      }
    // The small ones first.
    while (chains.size() > 1) {
      Values last = chains.pop_back_val();
      for (auto [sum, v] : llvm::zip_equal(chains.back(), last))
        sum = emit.addf(sum, v);
    }
    return chains.front();
  }

  bool hasRemainders() { return !operands.getRemainders().empty(); }

  /// Scaled operand `i` of all, the right one last, from a row on.
  ScaledReader scaledReader(int64_t i, Value channel) {
    bool isLeft = i < lefts;
    Value buffer = isLeft ? operands.getScaledX()[i] : operands.getScaledY();
    Value type = isLeft ? op.getScaledX()[i] : Value(op.getScaledY());
    Value remainder =
        hasRemainders() ? Value(operands.getRemainders()[i]) : Value();
    return ScaledReader(emit, buffer, remainder,
                        cast<BufferType>(type.getType()), isLeft ? row : column,
                        channel, isLeft ? 16 : 8);
  }

  //===--------------------------------------------------------------------===//
  // Below the diagonal
  //===--------------------------------------------------------------------===//

  Values below() {
    if (xType.getRows() <= 32) // two blocks are neighbours
      return products(false);
    Value next = emit.equal(emit.add(columnBlock, 1), rowBlock);
    return choose(
        next, [&] { return products(false); }, [&] { return products(true); });
  }

  Values products(bool apart) {
    return overChannels(
        {[&](Value channel) { return sectionBelow(channel, apart); }});
  }

  /// Products of scaled operands; with `apart`, the right ones, which all left
  /// ones share, decay over the blocks between, too.
  struct Below : Section {
    using Section::Section;
    SmallVector<PartProduct::Part, 2> rights(int64_t c) override {
      Values between;
      if (apart)
        between = decayFactors(self->emit, self->pairs(later, c),
                               self->pairs(earlier, c));
      SmallVector<PartProduct::Part, 2> parts;
      for (int64_t h = 0; h != self->group; h += 8)
        parts.push_back(
            apart ? product.right(self->multiplied(y->numbers(h, c), between))
                  : y->right(product, h, c));
      return parts;
    }
    PartProduct::Part left(int64_t i, int64_t c) override {
      return x[i].left(product, c);
    }

    DecayDotEmitter *self;
    bool apart;
    SmallVector<ScaledReader, 2> x;
    std::optional<ScaledReader> y;
    GateBuffer later, earlier;
  };
  std::unique_ptr<Section> sectionBelow(Value channel, bool apart) {
    auto section = std::make_unique<Below>(
        PartProduct(emit, element, precision(), hasRemainders()));
    section->self = this;
    section->apart = apart;
    for (int64_t i = 0; i != lefts; ++i)
      section->x.push_back(scaledReader(i, channel));
    section->y.emplace(scaledReader(lefts, channel));
    if (apart) {
      Value pair = emit.add(channel, emit.mul(emit.lanePair(), 2));
      section->later = gateRow(endOfBlock(rowBlock), pair);
      section->earlier = gateRow(endOfBlock(emit.add(columnBlock, 1)), pair);
    }
    return section;
  }

  //===--------------------------------------------------------------------===//
  // On the diagonal
  //===--------------------------------------------------------------------===//

  Values diagonal() {
    Values sums = op.getBounded() ? productsOnDiagonal()
                                  : choose(
                                        isWithinReach(),
                                        [&] { return productsOnDiagonal(); },
                                        [&] { return sumsOverChannels(); });
    return keepTriangle(sums);
  }

  Precision precision() { return op.getPrecision().value_or(Precision::TF32); }

  /// Row `row` of the gates of y from `channel` on.
  GateBuffer gateRow(Value row, Value channel) {
    return gatesAt(emit, gates.y, gyType, row, channel);
  }
  /// Last row of y before block `block` of x.
  Value endOfBlock(Value block) {
    return emit.add(emit.mul(block, blockColumns()), -1);
  }
  /// The reference of this block of rows, from `channel` on.
  GateBuffer reference(Value channel) {
    Value first = emit.equal(rowBlock, emit.i32(0));
    Value end = emit.select(first, emit.i32(0), endOfBlock(rowBlock));
    return selectGates(emit, first,
                       gatesAt(emit, gates.x, gxType, emit.i32(0), channel),
                       gateRow(end, channel));
  }
  /// The gates at a lane's channels of 16 from `channel` on.
  SmallVector<Gate> pairs(GateBuffer from, int64_t channel) {
    SmallVector<Gate> values;
    for (int64_t half : {0, 8})
      llvm::append_range(
          values,
          loadGates(emit, moveGates(emit, from, emit.i32(channel + half)), 2));
    return values;
  }
  /// Whether no channel decays by more than the reach from the reference to the
  /// end of the block.
  Value isWithinReach() {
    Value last = endOfBlock(emit.add(rowBlock, 1));
    return deltanet::tile::isWithinReach(
        emit, emit.i32(0), width,
        [&](Value channel) { return reference(channel).sums; },
        [&](Value channel) { return gateRow(last, channel).sums; });
  }

  Values productsOnDiagonal() {
    return overChannels(
        {[&](Value channel) { return sectionOnDiagonal(channel); }});
  }

  /// The right operand is scaled by how much the block has decayed before it;
  /// f16 has no exponents for that, and its scaled left operand none for what
  /// the right one makes up for (`wide`).
  struct OnDiagonal : Section {
    using Section::Section;
    SmallVector<PartProduct::Part, 2> rights(int64_t c) override {
      from = self->pairs(start, c);
      SmallVector<PartProduct::Part, 2> parts;
      for (int64_t h = 0; h != self->group; h += 8) {
        Values decays = decayFactors(self->emit, from, gy->read(h, c));
        parts.push_back(
            product.right(self->multiplied(y->numbers(h, c), decays)));
      }
      decays.clear();
      if (wide)
        for (auto [i, gate] : llvm::enumerate(gx->read(0, c)))
          decays.push_back(
              decayFactor(self->emit, gate, from[i / 4 * 2 + i % 2]));
      return parts;
    }
    PartProduct::Part left(int64_t i, int64_t c) override {
      if (wide)
        return product.left(self->multiplied(x[i].numbers(0, c), decays));
      return x[i].left(product, c);
    }

    DecayDotEmitter *self;
    bool wide;
    GateBuffer start; // the reference
    SmallVector<ScaledReader, 2> x;
    std::optional<PartReader> y;
    std::optional<GateReader> gx, gy;
    SmallVector<Gate> from; // of the channels at hand, as `decays`
    Values decays;
  };
  std::unique_ptr<Section> sectionOnDiagonal(Value channel) {
    bool wide = element.isF16();
    auto section = std::make_unique<OnDiagonal>(
        PartProduct(emit, wide ? Type(b.getF32Type()) : element, precision(),
                    hasRemainders()));
    section->self = this;
    section->wide = wide;
    section->start = reference(emit.add(channel, emit.mul(emit.lanePair(), 2)));
    section->y.emplace(emit, operands.getY(), yType, column, channel, 8);
    section->gy.emplace(emit, gates.y, gyType, column, channel, 8);
    for (int64_t i = 0; i != lefts; ++i)
      section->x.push_back(
          wide ? ScaledReader(emit, operands.getX()[i], Value(),
                              cast<BufferType>(op.getX()[i].getType()), row,
                              channel, 16)
               : scaledReader(i, channel));
    if (wide)
      section->gx.emplace(emit, gates.x, gxType, row, channel, 16);
    return section;
  }

  Values multiplied(ArrayRef<Value> x, ArrayRef<Value> y) {
    Values result;
    for (auto [a, c] : llvm::zip(x, y))
      result.push_back(emit.mulf(a, c));
    return result;
  }

  /// Every pair of rows for itself, two channels at a time.
  Values sumsOverChannels() {
    auto loop = scf::ForOp::create(b, loc, emit.i32(0), emit.i32(width),
                                   emit.i32(2), zeros());
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value channel = loop.getInductionVar();
    Values sums = llvm::to_vector_of<Value>(loop.getRegionIterArgs());
    Value r = emit.add(row, emit.laneRow());
    Value c = emit.add(column, emit.mul(emit.lanePair(), 2));
    SmallVector<SmallVector<Gate>> gx, gy;
    SmallVector<Values> y;
    SmallVector<SmallVector<Values>> x(lefts);
    for (int64_t half : {0, 8}) {
      gx.push_back(twoGates(gates.x, gxType, emit.add(r, half), channel));
      for (int64_t i = 0; i != lefts; ++i)
        x[i].push_back(loadNeighbours(emit, operands.getX()[i],
                                      cast<BufferType>(op.getX()[i].getType()),
                                      emit.add(r, half), channel));
    }
    for (int64_t at = 0; at != group / 8 * 2; ++at) {
      Value from = emit.add(c, at / 2 * 8 + at % 2);
      gy.push_back(twoGates(gates.y, gyType, from, channel));
      y.push_back(loadNeighbours(emit, operands.getY(), yType, from, channel));
    }
    for (int64_t at = 0; at != group / 8 * 2; ++at)
      for (int64_t half = 0; half != 2; ++half) {
        if (steps == 1 && half == 0 && at / 2 == 1)
          continue; // above the diagonal
        for (int64_t e = 0; e != 2; ++e) {
          // What overflows is above the diagonal, and dropped.
          Value term =
              emit.mulf(y[at][e], decayFactor(emit, gx[half][e], gy[at][e]));
          for (int64_t i = 0; i != lefts; ++i) {
            Value &sum = sums[i * perLeft() + at / 2 * 4 + half * 2 + at % 2];
            sum = emit.fma(x[i][half][e], term, sum);
          }
        }
      }
    scf::YieldOp::create(b, loc, sums);
    return llvm::to_vector_of<Value>(loop.getResults());
  }

  SmallVector<Gate> twoGates(GateBuffer from, BufferType type, Value row,
                             Value column) {
    return loadGates(emit, gatesAt(emit, from, type, row, column), 2);
  }

  Values keepTriangle(ArrayRef<Value> sums) {
    Values kept(sums);
    Value r = emit.add(row, emit.laneRow());
    Value c = emit.add(column, emit.mul(emit.lanePair(), 2));
    for (int64_t i = 0; i != lefts; ++i)
      for (int64_t e = 0; e != perLeft(); ++e) {
        Value token = emit.div(emit.add(c, e / 4 * 8 + e % 2), steps);
        Value inside =
            arith::CmpIOp::create(b, loc,
                                  op.getStrict()[i] ? arith::CmpIPredicate::slt
                                                    : arith::CmpIPredicate::sle,
                                  token, emit.add(r, e % 4 / 2 * 8));
        Value &v = kept[i * perLeft() + e];
        v = emit.select(inside, v, emit.f32(0));
      }
    return kept;
  }

  Emit &emit;
  OpBuilder &b;
  Location loc;
  DecayDotOp op;
  DecayDotOpAdaptor operands;
  BufferType xType, yType, gxType, gyType;
  struct {
    GateBuffer x, y;
  } gates;
  Type element;
  int64_t steps, width, lefts;
  AccAttr layout;
  int64_t rows, columns; // of this warp
  int64_t group;         // columns in one block, 16 or 8
  Value row, rowBlock, column, columnBlock;
};

struct DecayDotPattern : OpConversionPattern<DecayDotOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(DecayDotOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    SmallVector<Values> results = DecayDotEmitter(emit, op, adaptor).run();
    rewriter.replaceOpWithMultiple(op, std::move(results));
    return success();
  }
};
} // namespace

void deltanet::tile::populateDecayDotPatterns(const TypeConverter &converter,
                                              RewritePatternSet &patterns) {
  patterns.add<DecayDotPattern>(converter, patterns.getContext());
}
