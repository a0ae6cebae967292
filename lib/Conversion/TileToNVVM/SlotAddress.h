//===- SlotAddress.h - where a slot and its barriers are -------*- C++ -*-===//
// Slot and turn of the ring follow from the running index.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_CONVERSION_TILETONVVM_SLOTADDRESS_H
#define DELTANET_LIB_CONVERSION_TILETONVVM_SLOTADDRESS_H

#include "Roles.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace deltanet::tile {

/// Addresses in the slot of one use, number `index`.
class SlotAddress {
public:
  SlotAddress(Emit &emit, mlir::Value channel, mlir::Value index, ChannelType type)
      : emit(emit), channel(channel), type(type) {
    number = mlir::arith::IndexCastOp::create(emit.b, emit.loc, emit.b.getI32Type(),
                                        index);
    slot = emit.rem(number, type.getSlots());
  }
  mlir::Value buffer(unsigned which) {
    mlir::Value start = emit.move(channel, emit.mul(slot, type.getSlotBytes()));
    return emit.move(start, type.getBufferOffset(which));
  }
  mlir::Value full() { return barrier(type.getFullOffset()); }
  mlir::Value empty() { return barrier(type.getEmptyOffset()); }
  /// 0 or 1: the turn of the ring.
  mlir::Value parity() { return emit.rem(emit.div(number, type.getSlots()), 2); }

private:
  mlir::Value barrier(int64_t offset) {
    mlir::Value first = emit.move(channel, offset);
    return emit.move(first, emit.mul(slot, ChannelType::kBarrierBytes));
  }
  Emit &emit;
  mlir::Value channel, number, slot;
  ChannelType type;
};

} // namespace deltanet::tile

#endif // DELTANET_LIB_CONVERSION_TILETONVVM_SLOTADDRESS_H
