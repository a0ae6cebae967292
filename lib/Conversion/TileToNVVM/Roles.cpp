//===- Roles.cpp - branches on the warp -----------------------------------===//
// The last step of the conversion: each role becomes one branch of a chain of
// conditions on the warp, which begins with the registers it asks for.
//===----------------------------------------------------------------------===//
#include "Roles.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::tile;

/// Warps that take or give registers together.
static constexpr int64_t kWarpsPerGroup = 4;

namespace {

/// Roles from `first` to `last` share warp groups, or are one role.
struct Branch {
  unsigned first, last;
  int64_t registers;
};

class RolesLowering {
public:
  RolesLowering(RolesOp roles, kernel::TargetAttr target)
      : roles(roles), target(target), b(roles), emit(b, roles.getLoc()) {}

  LogicalResult run(ArrayRef<ChannelFacts::Channel> channels) {
    passes = target && target.getSetmaxnreg() &&
             llvm::any_of(roles.getRegisters(), [](int64_t r) { return r; });
    if (passes && failed(checkRegisters()))
      return failure();
    // Where the threads do not divide the registers, ptxas knows how many there
    // are at the start only with this.
    if (passes &&
        target.getRegistersPerSm() % (roles.getNumWarps() * kWarpSize) != 0)
      roles->getParentOfType<gpu::GPUFuncOp>()->setAttr(
          NVVM::NVVMDialect::getMinctasmAttrName(), b.getI32IntegerAttr(1));
    if (!channels.empty())
      makeReady(channels);
    // The same for all lanes of a warp, as ptxas then knows.
    Value warp = emit.shuffle(emit.warp(), emit.i32(0));
    SmallVector<Branch> branches;
    for (unsigned role = 0; role != roles.getNumRoles(); ++role) {
      if (branches.empty() || !passes ||
          roles.getFirstWarp(role) % kWarpsPerGroup == 0)
        branches.push_back({role, role, roles.getRegisters()[role]});
      branches.back().last = role;
    }
    forEach(
        warp, branches.size(), [&](unsigned i) { return branches[i].last; },
        [&](unsigned i) {
          const Branch &branch = branches[i];
          if (passes && branch.registers)
            passRegisters(branch.registers);
          forEach(
              warp, branch.last - branch.first + 1,
              [&](unsigned i) { return branch.first + i; },
              [&](unsigned i) { moveBody(branch.first + i); });
        });
    roles.erase();
    return success();
  }

private:
  /// A chain of conditions: `body(i)` where the warp is one of the roles up to
  /// `lastOf(i)` and of none before.
  void forEach(Value warp, unsigned count,
               function_ref<unsigned(unsigned)> lastOf,
               function_ref<void(unsigned)> body) {
    OpBuilder::InsertionGuard guard(b);
    for (unsigned i = 0; i + 1 < count; ++i) {
      int64_t end = roles.getFirstWarp(lastOf(i) + 1);
      auto branch =
          scf::IfOp::create(b, roles.getLoc(), emit.less(warp, emit.i32(end)),
                            /*withElseRegion=*/true);
      b.setInsertionPointToStart(branch.thenBlock());
      body(i);
      b.setInsertionPointToStart(branch.elseBlock());
    }
    body(count - 1);
  }

  void moveBody(unsigned role) {
    Block &body = roles.getBodies()[role].front();
    b.getInsertionBlock()->getOperations().splice(b.getInsertionPoint(),
                                                  body.getOperations());
  }

  /// Barriers of channels are made ready by one thread and seen by all.
  void makeReady(ArrayRef<ChannelFacts::Channel> channels) {
    Location loc = roles.getLoc();
    Value first = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                        emit.thread(), emit.i32(0));
    auto once = scf::IfOp::create(b, loc, first);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(once.thenBlock());
      for (const ChannelFacts::Channel &channel : channels)
        for (int64_t slot = 0; slot != channel.type.getSlots(); ++slot) {
          int64_t at = channel.offset + slot * ChannelType::kBarrierBytes;
          initialize(at + channel.type.getFullOffset(), channel.full);
          initialize(at + channel.type.getEmptyOffset(), channel.empty);
        }
      // Bulk copies arrive at them, too.
      if (target && target.getMbarrierTx())
        NVVM::FenceMbarrierInitOp::create(b, loc);
    }
    gpu::BarrierOp::create(b, loc);
  }
  void initialize(int64_t offset, int64_t count) {
    if (count > 0) // 0: nobody uses the channel
      NVVM::MBarrierInitOp::create(b, roles.getLoc(), emit.shared(offset),
                                   emit.i32(count), Value());
  }

  /// What the block has at its start, and what the roles ask for.
  LogicalResult checkRegisters() {
    int64_t warps = roles.getNumWarps();
    if (warps % kWarpsPerGroup != 0)
      return roles.emitOpError("expects whole groups of four warps where "
                               "registers are passed between them, got ")
             << warps << " warps";
    atStart = target.getRegistersPerSm() / (warps * kWarpSize);
    atStart = std::min(atStart, target.getRegistersPerThread()) / 8 * 8;
    int64_t asked = 0;
    for (unsigned role = 0; role != roles.getNumRoles(); ++role) {
      int64_t registers = roles.getRegisters()[role];
      asked += (registers ? registers : atStart) *
               (roles.getFirstWarp(role + 1) - roles.getFirstWarp(role));
    }
    if (asked > atStart * warps)
      return roles.emitOpError("expects roles to share ")
             << atStart * warps * kWarpSize << " registers, " << atStart
             << " for each of " << warps * kWarpSize << " threads, got "
             << asked * kWarpSize << " asked for";
    return success();
  }
  void passRegisters(int64_t registers) {
    if (registers != atStart)
      NVVM::SetMaxRegisterOp::create(
          b, roles.getLoc(), registers,
          registers > atStart ? NVVM::SetMaxRegisterAction::increase
                              : NVVM::SetMaxRegisterAction::decrease);
  }

  RolesOp roles;
  kernel::TargetAttr target;
  OpBuilder b;
  Emit emit;
  bool passes = false; // registers between warps
  int64_t atStart = 0; // registers of a thread
};
} // namespace

LogicalResult deltanet::tile::lowerRoles(gpu::GPUModuleOp module,
                                         kernel::TargetAttr target,
                                         const ChannelFacts &channels) {
  for (auto kernel : module.getOps<gpu::GPUFuncOp>())
    for (auto roles :
         llvm::make_early_inc_range(kernel.getBody().front().getOps<RolesOp>()))
      if (failed(
              RolesLowering(roles, target).run(channels.getChannels(kernel))))
        return failure();
  return success();
}
