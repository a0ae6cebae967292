//===- KernelBuilder.h - the kernel around a chunk body ---------*- C++ -*-===//
// One block of threads carries the state of one sequence and head over all
// chunks, or works on one chunk where nothing is carried; the inputs of the
// next chunk are copied while this one is worked on.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_CHUNKTOTILE_KERNELBUILDER_H
#define DELTANET_LIB_CONVERSION_CHUNKTOTILE_KERNELBUILDER_H

#include "KernelSignature.h"
#include "RoleEmitter.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace deltanet {

/// What the schedule decided for one kernel.
struct KernelShape {
  int64_t warps;
  int64_t width; // columns of the state that a block has
  int64_t slots; // chunks in flight
  /// Warps of their own for what does not wait for the state; 0: the same warps
  /// do both, one after the other.
  int64_t aheadWarps = 0;
  /// Without a state: large inputs come one after the other, each when the one
  /// before it has been read, so that they share a place.
  bool inTurn = false;
  /// Registers a thread of each role, where they can be passed between warps;
  /// 0: as many as all.
  int64_t registers = 0, aheadRegisters = 0;
};

/// In which order a body that carries nothing can be worked on while its inputs
/// come: in phase 0 with those of its tokens; with each large input, of
/// chunks, begins another.
class InputPhases {
public:
  using Value = mlir::Value;

  explicit InputPhases(chunk::ScanOp scan);
  unsigned of(Value v) const { return phases.lookup(v); }
  unsigned getLast() const { return last; }
  /// Whether no product needs a large input after the next one has come.
  bool canTakeTurns(chunk::ScanOp scan) const;
  /// Bytes of the large inputs, in their order.
  llvm::ArrayRef<int64_t> getBytes() const { return bytes; }

private:
  static void order(chunk::ScanOp scan, llvm::SmallVectorImpl<Value> &large);

  llvm::DenseMap<Value, unsigned> phases;
  unsigned last = 0;
  llvm::SmallVector<int64_t> bytes;
};

/// Puts the terms of the sums of a body that carries nothing into the order in
/// which they can be made.
void sortSums(chunk::ScanOp scan);

class KernelBuilder {
public:
  using Value = mlir::Value;

  KernelBuilder(mlir::StringRef name, chunk::ScanOp scan,
                KernelSignature &signature, const BodyPlan &plan,
                KernelShape shape)
      : name(name), scan(scan), signature(signature), plan(plan), shape(shape),
        loc(scan.getLoc()), b(scan.getContext()) {}

  /// Builds the kernel at the end of `container`.
  mlir::LogicalResult build(mlir::gpu::GPUModuleOp container);

private:
  /// Inputs that come with the chunks: matrices through shared memory, vectors
  /// and numbers through registers, loaded a chunk ahead.
  struct Input {
    mlir::BlockArgument argument;
    Value tensor;
    chunk::AccessAttr access;
    int64_t rows;            // a token
    bool isCopied;           // by asynchronous copies
    int64_t columns;         // of a matrix: those that there are
    tile::BufferType buffer; // of a matrix
    Value ring; // of its buffers, where there are no roles; or the only one
  };
  /// Matrices that the same roles read, in one channel: of chunk c + `distance`
  /// they are fetched while the ahead role works on chunk c.
  struct Group {
    bool byAhead, byState;
    int64_t slots, distance;
    mlir::SmallVector<Input *> inputs;
    Value channel;
  };
  /// Where a tile begins in global memory, and how it is walked.
  struct Place {
    Value offset;
    mlir::SmallVector<Value> strides; // by dimension of the tile
  };
  /// The tile of the first chunk, and how far it is to that of the next one.
  struct Walk {
    Place first;
    Value step; // null where it does not move
    Value run;  // of an output, how far it is from run to run
  };
  /// Of a tile: what there is of it.
  struct Limits {
    mlir::SmallVector<Value> values;
    mlir::SmallVector<int64_t> along;
  };

  bool hasState() { return scan.getNumCarries() > 0; }
  int64_t getColumnBlocks() const;

  // Numbers of type index.
  Value constant(int64_t v);
  Value mul(Value x, Value y);
  Value add(Value x, Value y);
  Value sub(Value x, Value y);
  Value div(Value x, Value y);
  Value allocate(mlir::Type type, mlir::Location loc);

  void findUnit();
  void findSegment();
  Value beginRun(Value turn, int64_t runs);
  Value makeIdentity(mlir::RankedTensorType type, const RoleEmitter &part,
                     Value argument);
  Value findPackedChunk();
  Value loadEntry(Value list, Value index);
  void findWalks();
  Walk walk(chunk::AccessAttr access, mlir::RankedTensorType type, Value tileOf,
            int64_t rows, bool isOutput);
  Value chunkOf(Value turn);
  Place place(Value tensor, Value tileOf, Value turn);
  Limits limit(const RoleEmitter &part, Value tileOf, chunk::AccessAttr access,
               int64_t rows, Value chunk);
  /// `strides` and limits in the order of the dimensions in registers.
  mlir::SmallVector<Value> heldStrides(const RoleEmitter &part, Value tileOf,
                                       const Place &place);
  Value tokensLeft(Value turn, int64_t rows);

  mlir::LogicalResult sortInputs();
  mlir::LogicalResult addMatrix(Input input);
  tile::RingType ringType(const Input &input) const;
  Value rowsOf(const Input &input, Value chunk);
  void copy(const Input &input, Value slot, Value chunk);
  void startCopies(Value chunk);
  void loadOther(RoleEmitter &ahead, const Input &input, Value slot,
                 Value chunk);
  mlir::FailureOr<Value> loadTile(RoleEmitter &part,
                                  mlir::BlockArgument argument, Value tensor,
                                  chunk::AccessAttr access, int64_t rows,
                                  Value chunk);
  mlir::LogicalResult loadConstants(RoleEmitter &part, bool ahead);
  mlir::FailureOr<mlir::SmallVector<Value>> loadVectors(RoleEmitter &ahead,
                                                        Value chunk);
  mlir::FailureOr<mlir::SmallVector<Value>> loadCarries(RoleEmitter &state);

  mlir::SmallVector<Value> settle(mlir::ValueRange loaded);

  void startArrivals(RoleEmitter &part, llvm::ArrayRef<Input *> inputs,
                     Value chunk);
  mlir::LogicalResult finishProducts(RoleEmitter &part,
                                     const InputPhases &phases, unsigned phase);
  mlir::LogicalResult finishPhase(RoleEmitter &part, const InputPhases &phases,
                                  unsigned phase);
  void bindMatrices(RoleEmitter &part, Value chunk);
  mlir::LogicalResult emitState(RoleEmitter &state, Value chunk);
  /// When an output is stored: by the ahead part, by the state part before it
  /// changes what was carried, or after it.
  enum class Stage { Ahead, Carried, State };
  Stage stageOf(Value output) const;
  mlir::LogicalResult storeOutputs(RoleEmitter &part, Stage stage, Value chunk);
  mlir::LogicalResult storeOutputs(RoleEmitter &part, const InputPhases &phases,
                                   unsigned phase, Value chunk);
  mlir::LogicalResult storeTile(RoleEmitter &part, Value tile, Value result,
                                Value pointer, chunk::AccessAttr access,
                                Value chunk);
  mlir::LogicalResult buildLoop(RoleEmitter &ahead, RoleEmitter &state);
  mlir::LogicalResult buildChunk(RoleEmitter &ahead, RoleEmitter &state,
                                 Value chunk);
  mlir::LogicalResult buildParallel(RoleEmitter &ahead);

  mlir::LogicalResult buildRoles(RoleEmitter &ahead, RoleEmitter &state);
  void makeChannels(RoleEmitter &ahead);
  void fetch(Group &group, Value chunk);
  mlir::LogicalResult buildAheadRole(RoleEmitter &ahead);
  mlir::LogicalResult buildStateRole(RoleEmitter &state);
  mlir::LogicalResult storeFinals(RoleEmitter &state, mlir::ValueRange carries);
  Value countChunks();

  std::string name;
  chunk::ScanOp scan;
  KernelSignature &signature;
  const BodyPlan &plan;
  KernelShape shape;
  mlir::Location loc;
  mlir::OpBuilder b;
  mlir::Block *entry = nullptr;
  /// The sequence and the head of this block, its first column, the sequence's
  /// first token, and its tokens.
  Value unit, entryOfPool, head, column, start, tokens;
  Value chunkSize, group;
  Value segment;    // of this block, where there are any
  Value firstChunk; // entry of storage by chunks, null where it is the first
  // Of a segment: the chunks of its sequence, and those before it.
  Value chunksOfSequence, chunksBefore;
  Value parallelChunk; // of a kernel without a state
  // Copies that it waits for one by one, and those that have arrived.
  int64_t numStarted = 0, numArrived = 0;
  /// Of a tensor and the value of the body that is a tile of it.
  llvm::DenseMap<std::pair<Value, Value>, Walk> walks;
  mlir::SmallVector<Input> matrices, vectors;
  mlir::SmallVector<Group> groups;
  /// What the ahead role hands to the state role: matrices that were not
  /// copied, then what crosses.
  Value crossing;
  mlir::SmallVector<Input *> handed;
};

} // namespace deltanet

#endif // DELTANET_LIB_CONVERSION_CHUNKTOTILE_KERNELBUILDER_H
