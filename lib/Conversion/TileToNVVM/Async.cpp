//===- Async.cpp - products and copies under way --------------------------===//
// wgmma by descriptors of swizzled buffers, and bulk copies by tensor map. A
// product is one piece of assembly: its registers are tied from operand to
// result, so that nothing comes between what it reads and what it writes.
//===----------------------------------------------------------------------===//
#include "SlotAddress.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace deltanet::tile;

static Value toI32(Emit &emit, Value index) {
  return arith::IndexCastOp::create(emit.b, emit.loc, emit.b.getI32Type(),
                                    index);
}

void deltanet::tile::fenceAsync(Emit &emit) {
  emit.assembly("fence.proxy.async.shared::cta;", "~{memory}", {});
}

namespace {

/// Text and operands of one piece of assembly: results first, each tied to an
/// operand or not, then operands.
class Assembly {
public:
  /// A register that is read and written; with a null value only written.
  std::string result(Value value, Type type) {
    outputs.push_back(value);
    types.push_back(type);
    return "$" + std::to_string(outputs.size() - 1);
  }
  /// All results have been named.
  std::string operand(Value value, StringRef constraint) {
    inputs.push_back(value);
    inputConstraints.push_back(constraint.str());
    int64_t tied = llvm::count_if(outputs, [](Value v) { return bool(v); });
    return "$" + std::to_string(outputs.size() + tied + inputs.size() - 1);
  }

  SmallVector<Value> emit(Emit &emit, StringRef text) {
    SmallVector<Value> operands;
    std::string results, ties, rest;
    for (auto [i, value] : llvm::enumerate(outputs)) {
      results += types[i].isF32() ? "=f," : "=r,";
      if (!value)
        continue;
      operands.push_back(value);
      ties += std::to_string(i) + ",";
    }
    llvm::append_range(operands, inputs);
    for (const std::string &constraint : inputConstraints)
      rest += constraint + ",";
    std::string constraints = results + ties + rest + "~{memory}";
    Value all = emit.assembly(
        text, constraints,
        LLVM::LLVMStructType::getLiteral(emit.b.getContext(), types), operands,
        /*together=*/true);
    return emit.members(all);
  }

private:
  SmallVector<Value> outputs, inputs;
  SmallVector<Type> types;
  std::vector<std::string> inputConstraints;
};

/// The descriptor of a swizzled buffer for wgmma, whose contracted dimension is
/// that of the columns, or of the rows.
class Descriptor {
public:
  Descriptor(BufferType type, bool byRows) : type(type), byRows(byRows) {}

  /// The descriptor of what starts at `address`.
  Value make(Emit &emit, Value address) {
    // Units of 16 bytes. Eight rows lie together; where the contracted
    // dimension is that of the rows, panels follow each other at the leading
    // distance.
    uint64_t leading = byRows ? panelBytes() / kUnit : 1;
    uint64_t bits = uint64_t(1) << 62 // swizzle of 128 bytes
                    | uint64_t(8 * type.getSwizzle() / kUnit) << 32 |
                    leading << 16;
    OpBuilder &b = emit.b;
    Value start =
        arith::AndIOp::create(b, emit.loc, address, emit.i32(0x3ffff));
    start = arith::ShRUIOp::create(b, emit.loc, start, emit.i32(4));
    start = arith::ExtUIOp::create(b, emit.loc, b.getI64Type(), start);
    return arith::OrIOp::create(
        b, emit.loc, start,
        arith::ConstantIntOp::create(b, emit.loc, static_cast<int64_t>(bits),
                                     64));
  }
  /// How far the descriptor moves for step `k` of the contracted dimension.
  int64_t step(int64_t k) const {
    int64_t perPanel = type.getSwizzle() / type.getElementBytes();
    int64_t bytes = byRows ? k * type.getSwizzle()
                           : k / perPanel * panelBytes() +
                                 k % perPanel * type.getElementBytes();
    return bytes / kUnit;
  }
  /// Bytes from one warp group's 64 rows, or columns, to the next one's.
  int64_t groupBytes() const {
    return byRows ? panelBytes() : 64 * type.getSwizzle();
  }

private:
  static constexpr int64_t kUnit = 16;
  int64_t panelBytes() const { return type.getRows() * type.getSwizzle(); }
  BufferType type;
  bool byRows;
};

/// Elements of the contracted dimension that one instruction takes.
constexpr int64_t kDepth = 16;

struct MmaAsyncPattern : OpConversionPattern<MmaAsyncOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(MmaAsyncOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    RankedTensorType result = op.getResult().getType().getTensor();
    BufferType rhsType = op.getRhs().getType();
    auto lhsType = dyn_cast<BufferType>(op.getLhs().getType());
    int64_t depth = rhsType.getShape()[op.getTransposeRhs()];
    Descriptor right(rhsType, /*byRows=*/!op.getTransposeRhs());
    Value rightStart =
        right.make(emit, emit.addressOf(adaptor.getRhs().front()));

    Assembly assembly;
    ValueRange init = adaptor.getInit();
    SmallVector<std::string> sums;
    for (int64_t i = 0, e = getNumRegisters(result); i != e; ++i)
      sums.push_back(assembly.result(init.empty() ? Value() : init[i],
                                     rewriter.getF32Type()));
    std::optional<Descriptor> left;
    std::string leftName;
    SmallVector<std::string> leftRegisters;
    if (lhsType) {
      left.emplace(lhsType, /*byRows=*/op.getTransposeLhs());
      // The same for all lanes: which warp group this is.
      Value group = emit.div(emit.shuffle(emit.warp(), emit.i32(0)), 4);
      Value start = emit.addressOf(
          emit.move(adaptor.getLhs().front(),
                    oneGroup(result) ? emit.i32(0)
                                     : emit.mul(group, left->groupBytes())));
      leftName = assembly.operand(left->make(emit, start), "l");
    } else {
      for (Value v : adaptor.getLhs())
        leftRegisters.push_back(assembly.operand(v, "r"));
    }
    std::string rightName = assembly.operand(rightStart, "l");

    std::string text = "{\n.reg .pred add;\n.reg .b32 zero;\n.reg .b64 a, b;\n"
                       "mov.b32 zero, 0;\nwgmma.fence.sync.aligned;\n";
    for (int64_t k = 0; k < depth; k += kDepth) {
      bool adds = !init.empty() || k > 0;
      if (k == 0 || (k == kDepth && init.empty()))
        text +=
            llvm::formatv("setp.{0}.b32 add, zero, 0;\n", adds ? "eq" : "ne");
      std::string a = "a";
      if (left)
        text +=
            llvm::formatv("add.s64 a, {0}, {1};\n", leftName, left->step(k));
      else
        a = "{" + llvm::join(ArrayRef(leftRegisters).slice(k / 4, 4), ", ") +
            "}";
      text += llvm::formatv("add.s64 b, {0}, {1};\n", rightName, right.step(k));
      text += instruction(op, result.getDimSize(1), llvm::join(sums, ", "), a);
    }
    text += "wgmma.commit_group.sync.aligned;\n}";
    rewriter.replaceOpWithMultiple(op, {assembly.emit(emit, text)});
    return success();
  }

private:
  static bool oneGroup(RankedTensorType result) {
    return result.getDimSize(0) == 64;
  }

  static std::string instruction(MmaAsyncOp op, int64_t columns,
                                 const std::string &sums,
                                 const std::string &a) {
    Type element = op.getRhs().getType().getElementType();
    StringRef name = element.isBF16() ? "bf16" : "f16";
    std::string text = llvm::formatv(
        "wgmma.mma_async.sync.aligned.m64n{0}k16.f32.{1}.{1} {{{2}}, {3}, b, "
        "add, {4}, 1",
        columns, name, sums, a, op.getNegate() ? -1 : 1);
    // Operands from shared memory that are contracted by rows are transposed.
    if (isa<BufferType>(op.getLhs().getType()))
      text += op.getTransposeLhs() ? ", 1" : ", 0";
    text += op.getTransposeRhs() ? ", 0;\n" : ", 1;\n";
    return text;
  }
};

/// The registers of the product pass through the wait, so that nothing reads
/// them before. Those of its left operand need no mention: PTX has registers
/// without number, and ptxas, which gives them places, knows what a product
/// reads.
struct MmaWaitPattern : OpConversionPattern<MmaWaitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(MmaWaitOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    Assembly assembly;
    for (Value v : adaptor.getPending())
      assembly.result(v, v.getType());
    std::string text =
        llvm::formatv("wgmma.wait_group.sync.aligned {0};",
                      *countProductsBetween(op.getPending(), op));
    rewriter.replaceOpWithMultiple(op, {assembly.emit(emit, text)});
    return success();
  }
};

struct FenceAsyncPattern : OpConversionPattern<FenceAsyncOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(FenceAsyncOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    fenceAsync(emit);
    rewriter.eraseOp(op);
    return success();
  }
};

struct PanelPattern : OpConversionPattern<PanelOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(PanelOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    rewriter.replaceOp(op,
                       emit.move(adaptor.getBuffer(),
                                 emit.mul(toI32(emit, adaptor.getIndex()),
                                          op.getPanel().getType().getBytes())));
    return success();
  }
};

struct RoleCopyPattern : OpConversionPattern<RoleCopyOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(RoleCopyOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    rewriter.replaceOpWithNewOp<arith::IndexCastOp>(op, rewriter.getIndexType(),
                                                    emit.roleCopy());
    return success();
  }
};

/// The coordinates of a box, of panel `panel` of a buffer, and their names from
/// `$first` on.
struct Coordinates {
  SmallVector<Value> values;
  std::string names, constraints;

  Coordinates(Emit &emit, ValueRange indices, BufferType type, int64_t panel,
              int64_t first) {
    int64_t perPanel = type.getSwizzle() / type.getElementBytes();
    for (auto [i, index] : llvm::enumerate(indices)) {
      Value v = toI32(emit, index);
      values.push_back(i == 0 ? emit.add(v, panel * perPanel) : v);
      names += (i ? ", $" : "$") + std::to_string(first + i);
      constraints += ",r";
    }
  }
};

int64_t countPanels(BufferType type) {
  return type.getRowBytes() / type.getSwizzle();
}

struct TmaLoadPattern : OpConversionPattern<TmaLoadOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(TmaLoadOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    BufferType type = op.getBuffer().getType();
    auto acquire = op.getBuffer().getDefiningOp<AcquireOp>();
    Value channel = rewriter.getRemappedValue(acquire.getChannel());
    Value index = rewriter.getRemappedValue(acquire.getIndex());
    if (!channel || !index)
      return rewriter.notifyMatchFailure(op, "the slot is not converted");
    SlotAddress slot(emit, channel, index, acquire.getChannel().getType());
    Value full = emit.addressOf(slot.full()), first = emit.isFirst();
    for (int64_t p = 0, e = countPanels(type); p != e; ++p) {
      Coordinates at(emit, adaptor.getCoordinates(), type, p, 4);
      SmallVector<Value> operands = {
          first,
          emit.addressOf(
              emit.move(adaptor.getBuffer(), p * type.getBytes() / e)),
          adaptor.getMap(), full};
      llvm::append_range(operands, at.values);
      std::string text = llvm::formatv(
          "@$0 cp.async.bulk.tensor.{0}d.shared::cluster.global"
          ".mbarrier::complete_tx::bytes [$1], [$2, {{{1}}], [$3];",
          at.values.size(), at.names);
      emit.assembly(text, "b,r,l,r" + at.constraints + ",~{memory}", operands);
    }
    rewriter.eraseOp(op);
    return success();
  }
};

struct TmaStorePattern : OpConversionPattern<TmaStoreOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(TmaStoreOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    BufferType type = op.getBuffer().getType();
    Value first = emit.isFirst();
    for (int64_t p = 0, e = countPanels(type); p != e; ++p) {
      Coordinates at(emit, adaptor.getCoordinates(), type, p, 3);
      SmallVector<Value> operands = {
          first,
          emit.addressOf(
              emit.move(adaptor.getBuffer(), p * type.getBytes() / e)),
          adaptor.getMap()};
      llvm::append_range(operands, at.values);
      std::string text =
          llvm::formatv("@$0 cp.async.bulk.tensor.{0}d.global.shared::cta"
                        ".bulk_group [$2, {{{1}}], [$1];",
                        at.values.size(), at.names);
      emit.assembly(text, "b,r,l" + at.constraints + ",~{memory}", operands);
    }
    emit.assembly("cp.async.bulk.commit_group;", "~{memory}", {});
    rewriter.eraseOp(op);
    return success();
  }
};

/// Of threads that started none, no group is under way.
struct TmaWaitPattern : OpConversionPattern<TmaWaitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(TmaWaitOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    std::string text =
        llvm::formatv("cp.async.bulk.wait_group.read {0};", op.getPending());
    emit.assembly(text, "~{memory}", {});
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void deltanet::tile::populateAsyncPatterns(const TypeConverter &converter,
                                           RewritePatternSet &patterns) {
  patterns
      .add<MmaAsyncPattern, MmaWaitPattern, FenceAsyncPattern, PanelPattern,
           RoleCopyPattern, TmaLoadPattern, TmaStorePattern, TmaWaitPattern>(
          converter, patterns.getContext());
}
