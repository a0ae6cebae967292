//===- Emit.h - what one thread does for a tile ----------------*- C++ -*-===//
// Builds the scalar code of one thread: its place in the block, the elements of
// a layout that it holds, addresses, packed 16-bit pairs.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_TILETONVVM_EMIT_H
#define DELTANET_LIB_CONVERSION_TILETONVVM_EMIT_H

#include "deltanet/Dialect/Tile/IR/Tile.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Transforms/DialectConversion.h"

namespace deltanet::tile {

/// Name of the symbol for the block's shared memory.
inline constexpr llvm::StringLiteral kSharedSymbol = "tile_shared";

/// The elements of a tile that one thread holds: element e has coordinate
/// `variable[d] + constants[e][d]` along dimension d.
struct Places {
  llvm::SmallVector<mlir::Value> variable;
  llvm::SmallVector<llvm::SmallVector<int64_t, 2>> constants;
};

/// A lane's part in `ldmatrix` and in accumulators.
class Emit {
public:
  using Value = mlir::Value;

  Emit(mlir::OpBuilder &builder, mlir::Location loc) : b(builder), loc(loc) {}

  // Numbers, i32.
  Value i32(int64_t v);
  Value add(Value x, Value y);
  Value add(Value x, int64_t y);
  Value mul(Value x, int64_t y);
  Value div(Value x, int64_t y);
  Value rem(Value x, int64_t y);
  Value sub(Value x, Value y);
  Value less(Value x, Value y);
  Value equal(Value x, Value y);
  Value select(Value condition, Value x, Value y);

  // Numbers, f32.
  Value f32(double v);
  Value addf(Value x, Value y);
  Value subf(Value x, Value y);
  Value mulf(Value x, Value y);
  Value fma(Value x, Value y, Value z); // x y + z
  /// 2^x, one instruction; 0 where the result would be subnormal.
  Value exp2(Value x);

  /// The thread in the block, or in its copy of the role where the code stands
  /// in one; its warp, and its lane in that warp.
  Value thread();
  /// Which copy of the role it is.
  Value roleCopy();
  Value warp() { return div(thread(), kWarpSize); }
  Value lane() { return rem(thread(), kWarpSize); }
  /// Lane l: l / 4, the row, and l % 4, half the column, in a tile of 16 x 8.
  Value laneRow() { return div(lane(), 4); }
  Value lanePair() { return rem(lane(), 4); }

  /// Whether it is the first thread.
  Value isFirst();

  /// How many threads there are; nothing if the kernel does not say it.
  std::optional<int64_t> getNumThreads();
  /// Waits for all of them.
  void barrier();

  /// Row and column of this warp in a grid of warps.
  Value warpRow(AccAttr layout);
  Value warpColumn(AccAttr layout);
  Places places(mlir::RankedTensorType type);

  /// Where more warps work than a tile has parts, the first of those that hold
  /// a part do what is built next.
  void enterHolders(mlir::RankedTensorType type);

  /// The byte `offset` of the block's shared memory.
  Value shared(int64_t offset);
  /// A pointer to shared memory as a number, and back.
  Value addressOf(Value pointer);
  Value pointerTo(Value address);
  /// `pointer` moved by bytes.
  Value move(Value pointer, Value bytes);
  Value move(Value pointer, int64_t bytes);
  Value load(mlir::Type type, Value pointer);
  void store(Value value, Value pointer);
  /// Several neighbours at once; their address is a multiple of their size.
  llvm::SmallVector<Value> loadMany(mlir::Type type, int64_t count,
                                    Value pointer);
  void storeMany(llvm::ArrayRef<Value> values, Value pointer);

  /// Runs `body` where `condition` holds.
  void when(Value condition, llvm::function_ref<void()> body);

  // Pairs of 16-bit floats in an i32.
  Value pack(Value low, Value high, mlir::Type element);   // two f32, rounded
  Value unpack(Value pair, bool high, mlir::Type element); // to f32
  Value half(Value pair, bool high);                       // the i16
  Value join(Value low, Value high);                       // two i16
  /// 8 x 8 elements of 16 bits, a pair in each lane, exchanged rows and
  /// columns.
  Value transposeBlock(Value pair);
  /// Call of an LLVM intrinsic.
  Value intrinsic(llvm::StringRef name, mlir::Type result,
                  mlir::ValueRange operands);
  /// One instruction that LLVM has no name for; `together` where all lanes of
  /// the warp take part.
  Value assembly(llvm::StringRef text, llvm::StringRef constraints,
                 mlir::Type result, mlir::ValueRange operands, bool together);
  /// The same without a result.
  void assembly(llvm::StringRef text, llvm::StringRef constraints,
                mlir::ValueRange operands);
  Value bitcast(Value v, mlir::Type type); // same bits

  /// The value of `v` in lane `lane`.
  Value shuffle(Value v, Value lane);
  /// The members of an LLVM struct.
  llvm::SmallVector<Value> members(Value structure);

  mlir::OpBuilder &b;
  mlir::Location loc;
};

/// How many registers hold a tile, and their type: one for each element, one
/// for two of 16 bits.
int64_t getNumRegisters(mlir::RankedTensorType type);
mlir::Type getRegisterType(mlir::RankedTensorType type);

void populateRegisterPatterns(const mlir::TypeConverter &converter,
                              mlir::RewritePatternSet &patterns);
void populateMemoryPatterns(const mlir::TypeConverter &converter,
                            mlir::RewritePatternSet &patterns);
void populateStorePatterns(const mlir::TypeConverter &converter,
                           mlir::RewritePatternSet &patterns);
void populateBlockedPatterns(const mlir::TypeConverter &converter,
                             mlir::RewritePatternSet &patterns);
void populateMmaPatterns(const mlir::TypeConverter &converter,
                         mlir::RewritePatternSet &patterns);
void populateInversePatterns(const mlir::TypeConverter &converter,
                             mlir::RewritePatternSet &patterns);
void populateSumRowsPatterns(const mlir::TypeConverter &converter,
                             mlir::RewritePatternSet &patterns);
void populateDecayScalePatterns(const mlir::TypeConverter &converter,
                                mlir::RewritePatternSet &patterns);
void populateDecayApplyPatterns(const mlir::TypeConverter &converter,
                                mlir::RewritePatternSet &patterns);
void populateDecayDotPatterns(const mlir::TypeConverter &converter,
                              mlir::RewritePatternSet &patterns);
/// Functions of f32 and divisions.
void populateElementaryPatterns(const mlir::TypeConverter &converter,
                                mlir::RewritePatternSet &patterns);
void addElementaryLegality(mlir::ConversionTarget &target);
void populateVectorPatterns(const mlir::TypeConverter &converter,
                            mlir::RewritePatternSet &patterns);

void populateStoreMatrixPatterns(const mlir::TypeConverter &converter,
                                 mlir::RewritePatternSet &patterns,
                                 bool stmatrix);
void populateAsyncPatterns(const mlir::TypeConverter &converter,
                           mlir::RewritePatternSet &patterns);

class ChannelFacts;
void populateChannelPatterns(const mlir::TypeConverter &converter,
                             mlir::RewritePatternSet &patterns,
                             const ChannelFacts &facts);

} // namespace deltanet::tile

#endif // DELTANET_LIB_CONVERSION_TILETONVVM_EMIT_H
