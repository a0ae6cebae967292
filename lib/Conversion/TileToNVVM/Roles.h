//===- Roles.h - roles of warps and their channels -------------*- C++ -*-===//
// What is known of a module's channels before its operations are converted, and
// the last step of the conversion, branches on the warp.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_TILETONVVM_ROLES_H
#define DELTANET_LIB_CONVERSION_TILETONVVM_ROLES_H

#include "Emit.h"
#include "deltanet/Dialect/Kernel/IR/Kernel.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace deltanet::tile {

/// How often the barriers of a channel's slots are arrived at, from the uses of
/// the channel.
class ChannelFacts {
public:
  ChannelFacts(mlir::gpu::GPUModuleOp module, kernel::TargetAttr target);

  struct Channel {
    int64_t offset = 0; // in shared memory
    ChannelType type;
    bool copied = false;  // slots are filled by copies (cp.async),
    bool loaded = false;  // by bulk copies,
    bool written = false; // by stores, or by nobody
    int64_t full = 0, empty = 0;
  };
  const Channel &get(mlir::Value channel) const {
    return channels.at(channel.getDefiningOp());
  }
  /// Bytes that bulk copies bring into a slot.
  int64_t getLoadedBytes(CommitSlotOp commit) const {
    return loadedBytes.at(commit);
  }
  /// Whether bulk copies fill the slot that `release` gives back, and threads
  /// have read it: their loads have to be over for the copies.
  bool isFenced(ReleaseOp release) const { return fenced.contains(release); }
  /// The channels of one kernel, in their order.
  llvm::SmallVector<Channel> getChannels(mlir::gpu::GPUFuncOp kernel) const;
  kernel::TargetAttr getTarget() const { return target; }
  /// Whether a thread that waits for a barrier may be suspended.
  bool canSuspend() const { return target && target.getMbarrierTx(); }

private:
  kernel::TargetAttr target;
  std::map<mlir::Operation *, Channel> channels;
  std::map<mlir::Operation *, int64_t> loadedBytes; // of a commit
  llvm::DenseSet<mlir::Operation *> fenced;         // releases
  std::map<mlir::Operation *, llvm::SmallVector<mlir::Operation *>> kernels;
};

/// What this thread read and wrote in shared memory comes before what products
/// of warp groups and bulk copies do there afterwards.
void fenceAsync(Emit &emit);

/// Turns `tile.roles`, whose regions are converted, into branches on the warp;
/// before them the barriers of channels are made ready.
mlir::LogicalResult lowerRoles(mlir::gpu::GPUModuleOp module,
                               kernel::TargetAttr target,
                               const ChannelFacts &channels);

} // namespace deltanet::tile

#endif // DELTANET_LIB_CONVERSION_TILETONVVM_ROLES_H
