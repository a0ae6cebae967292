//===- StoreMatrix.cpp - matrices into buffers ----------------------------===//
// stmatrix where the target has it, otherwise stores of pairs.
//===----------------------------------------------------------------------===//
#include "MatrixReader.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace deltanet::tile;

namespace {

/// Stores what a warp holds of `type`.
class MatrixWriter {
public:
  MatrixWriter(Emit &emit, Value buffer, BufferType bufferType,
               RankedTensorType type, bool transpose)
      : emit(emit), buffer(buffer), bufferType(bufferType), type(type),
        transpose(transpose) {
    auto layout = cast<AccAttr>(type.getEncoding());
    rows = type.getDimSize(0) / layout.getWarps()[0];
    columns = type.getDimSize(1) / layout.getWarps()[1];
    row = emit.mul(emit.warpRow(layout), rows);
    column = emit.mul(emit.warpColumn(layout), columns);
    if (transpose)
      std::swap(row, column);
  }

  /// Four blocks of 8 x 8 at a time, as accumulators hold them.
  void storeBlocks(ValueRange values) {
    OpBuilder &b = emit.b;
    ElementAddress address =
        getLaneAddress(emit, buffer, bufferType, row, column,
                       transpose ? BlockOrder::Across : BlockOrder::Down);
    for (int64_t r = 0; r < rows; r += 16)
      for (int64_t c = 0; c < columns; c += 16) {
        int64_t count = columns - c >= 16 ? 4 : 2;
        NVVM::StMatrixOp::create(
            b, emit.loc, address.at(transpose ? c : r, transpose ? r : c),
            values.slice((r / 16 * (columns / 8) + c / 8) * 2, count),
            transpose ? NVVM::MMALayout::col : NVVM::MMALayout::row,
            NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8),
            NVVM::LdStMatrixEltType::B16);
      }
  }

  /// Two neighbours in a row at a time; blocks are turned first where the
  /// buffer holds the transpose.
  void storePairs(ValueRange values) {
    Value pair = emit.mul(emit.lanePair(), 2);
    ElementAddress address(emit, buffer, bufferType,
                           emit.add(row, emit.laneRow()),
                           emit.add(column, pair),
                           /*split=*/matchPattern(column, m_Zero()));
    for (int64_t r = 0; r < rows; r += 8)
      for (int64_t c = 0; c < columns; c += 8) {
        int64_t block = (r / 16 * (columns / 8) + c / 8) * 2 + r % 16 / 8;
        Value to = address.at(transpose ? c : r, transpose ? r : c);
        if (bufferType.getElementBytes() != 2)
          emit.storeMany({values[2 * block], values[2 * block + 1]}, to);
        else
          emit.store(transpose ? emit.transposeBlock(values[block]) : values[block], to);
      }
  }

private:
  Emit &emit;
  Value buffer;
  BufferType bufferType;
  RankedTensorType type;
  bool transpose;
  int64_t rows, columns;
  Value row, column; // of the warp, in the buffer
};

struct StoreMatrixPattern : OpConversionPattern<StoreMatrixOp> {
  StoreMatrixPattern(const TypeConverter &converter, MLIRContext *context,
                     bool stmatrix)
      : OpConversionPattern(converter, context), stmatrix(stmatrix) {}
  bool stmatrix;

  LogicalResult
  matchAndRewrite(StoreMatrixOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Emit emit(rewriter, op.getLoc());
    auto type = cast<RankedTensorType>(op.getValue().getType());
    OpBuilder::InsertionGuard guard(rewriter);
    emit.enterHolders(type);
    BufferType bufferType = op.getBuffer().getType();
    MatrixWriter writer(emit, adaptor.getBuffer().front(), bufferType, type,
                        op.getTranspose());
    // stmatrix wants rows at multiples of 16 bytes.
    if (stmatrix && bufferType.getElementBytes() == 2 &&
        bufferType.getRowBytes() % 16 == 0)
      writer.storeBlocks(adaptor.getValue());
    else
      writer.storePairs(adaptor.getValue());
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void deltanet::tile::populateStoreMatrixPatterns(const TypeConverter &converter,
                                                 RewritePatternSet &patterns,
                                                 bool stmatrix) {
  patterns.add<StoreMatrixPattern>(converter, patterns.getContext(), stmatrix);
}
