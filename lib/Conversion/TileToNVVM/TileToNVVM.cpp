//===- TileToNVVM.cpp - tiles to instructions of one thread ---------------===//
// Tensors in registers become scalars, handles of shared memory pointers, every
// operation the instructions that one thread contributes.
//===----------------------------------------------------------------------===//
#include "Roles.h"
#include "deltanet/Conversion/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Transforms/DialectConversion.h"

namespace deltanet {
#define GEN_PASS_DEF_CONVERTTILETONVVM
#include "deltanet/Conversion/Passes.h.inc"
} // namespace deltanet

using namespace mlir;
using namespace deltanet;
using namespace deltanet::tile;

/// The alignment that the module's buffers ask for.
static int64_t getSharedAlignment(gpu::GPUModuleOp module) {
  int64_t alignment = 128;
  module.walk([&](Operation *op) {
    if (auto alloc = dyn_cast<AllocOp>(op)) {
      Type type = alloc.getShared().getType();
      auto ring = dyn_cast<RingType>(type);
      alignment =
          std::max(alignment, ring ? ring.getAlignment()
                                   : cast<BufferType>(type).getAlignment());
    }
    if (auto channel = dyn_cast<ChannelOp>(op))
      alignment =
          std::max(alignment, channel.getChannel().getType().getAlignment());
  });
  return alignment;
}

/// Shared memory, sized at launch; ptxas limits what is sized here to 48 KiB.
static void declareShared(gpu::GPUModuleOp module) {
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  auto type = LLVM::LLVMArrayType::get(b.getI8Type(), 0);
  LLVM::GlobalOp::create(b, module.getLoc(), type, /*isConstant=*/false,
                         LLVM::Linkage::External, kSharedSymbol, Attribute(),
                         /*alignment=*/getSharedAlignment(module),
                         static_cast<unsigned>(NVVM::NVVMMemorySpace::Shared));
}

static void addConversions(TypeConverter &converter) {
  converter.addConversion([](Type type) { return type; });
  converter.addConversion(
      [](RankedTensorType type,
         SmallVectorImpl<Type> &types) -> std::optional<LogicalResult> {
        if (!isInRegisters(type))
          return std::nullopt;
        types.append(getNumRegisters(type), getRegisterType(type));
        return success();
      });
  converter.addConversion([](GlobalType type) {
    return LLVM::LLVMPointerType::get(
        type.getContext(),
        static_cast<unsigned>(NVVM::NVVMMemorySpace::Global));
  });
  auto shared = [](Type type) {
    return LLVM::LLVMPointerType::get(
        type.getContext(),
        static_cast<unsigned>(NVVM::NVVMMemorySpace::Shared));
  };
  converter.addConversion([=](BufferType type) { return shared(type); });
  converter.addConversion([=](RingType type) { return shared(type); });
  converter.addConversion([=](ChannelType type) { return shared(type); });
  // A tensor map is passed by value; what the kernel sees is its address.
  converter.addConversion([](MapType type) {
    return LLVM::LLVMPointerType::get(type.getContext());
  });
  converter.addConversion(
      [](PendingType type,
         SmallVectorImpl<Type> &types) -> std::optional<LogicalResult> {
        RankedTensorType tensor = type.getTensor();
        types.append(getNumRegisters(tensor), getRegisterType(tensor));
        return success();
      });
}

/// Which arguments of kernels are tensor maps; afterwards they are pointers.
static void noteMaps(gpu::GPUModuleOp module) {
  for (auto kernel : module.getOps<gpu::GPUFuncOp>()) {
    SmallVector<int64_t> maps;
    for (BlockArgument argument : kernel.getArguments())
      if (isa<MapType>(argument.getType()))
        maps.push_back(argument.getArgNumber());
    if (!maps.empty())
      kernel->setAttr(kMapsAttr,
                      DenseI64ArrayAttr::get(module.getContext(), maps));
  }
}

/// Refuses what the target, where one is stated, has no instructions for.
static LogicalResult verifyTarget(gpu::GPUModuleOp module,
                                  kernel::TargetAttr target) {
  if (!target)
    return success();
  WalkResult result = module.walk([&](Operation *op) {
    bool products = isa<MmaAsyncOp, MmaWaitOp>(op) && !target.getWgmma();
    bool copies = isa<TmaLoadOp, TmaStoreOp, TmaWaitOp, FenceAsyncOp>(op) &&
                  !target.getTma();
    if (!products && !copies)
      return WalkResult::advance();
    op->emitOpError("expects a target with ")
        << (products ? "products of warp groups (wgmma)"
                     : "bulk tensor copies (tma)")
        << ", got " << target.getName();
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

namespace {
struct ReturnPattern : OpConversionPattern<gpu::ReturnOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(gpu::ReturnOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    SmallVector<Value> values;
    for (ValueRange registers : adaptor.getOperands())
      llvm::append_range(values, registers);
    rewriter.replaceOpWithNewOp<gpu::ReturnOp>(op, values);
    return success();
  }
};

struct ConvertTileToNVVM
    : deltanet::impl::ConvertTileToNVVMBase<ConvertTileToNVVM> {
  using ConvertTileToNVVMBase::ConvertTileToNVVMBase;

  void runOnOperation() override {
    gpu::GPUModuleOp module = getOperation();
    auto parent = module->getParentOfType<ModuleOp>();
    auto facts =
        parent ? parent->getAttrOfType<kernel::TargetAttr>(kernel::kTargetName)
               : nullptr;
    if (failed(verifyTarget(module, facts)))
      return signalPassFailure();
    declareShared(module);
    TypeConverter converter;
    addConversions(converter);
    RewritePatternSet patterns(&getContext());
    populateRegisterPatterns(converter, patterns);
    populateMemoryPatterns(converter, patterns);
    populateStorePatterns(converter, patterns);
    populateStorePatterns(converter, patterns);
    populateElementaryPatterns(converter, patterns);
    populateVectorPatterns(converter, patterns);
    populateMmaPatterns(converter, patterns);
    populateInversePatterns(converter, patterns);
    populateSumRowsPatterns(converter, patterns);
    populateDecayScalePatterns(converter, patterns);
    populateDecayDotPatterns(converter, patterns);
    populateDecayApplyPatterns(converter, patterns);
    populateStoreMatrixPatterns(converter, patterns,
                                facts && facts.getStmatrix());
    populateAsyncPatterns(converter, patterns);
    ChannelFacts channels(module, facts);
    populateChannelPatterns(converter, patterns, channels);
    populateBlockedPatterns(converter, patterns);
    patterns.add<ReturnPattern>(converter, &getContext());
    scf::populateSCFStructuralTypeConversions(converter, patterns);
    populateAnyFunctionOpInterfaceTypeConversionPattern(patterns, converter);

    ConversionTarget target(getContext());
    target.addIllegalDialect<TileDialect>();
    // Roles go last: until then, operations see whose threads they are.
    target.addLegalOp<RolesOp>();
    addElementaryLegality(target);
    target.addDynamicallyLegalOp<gpu::GPUFuncOp>([&](gpu::GPUFuncOp op) {
      return converter.isSignatureLegal(op.getFunctionType()) &&
             converter.isLegal(&op.getBody());
    });
    target.markUnknownOpDynamicallyLegal(
        [&](Operation *op) { return converter.isLegal(op); });
    noteMaps(module);
    if (failed(applyFullConversion(module, target, std::move(patterns))) ||
        failed(lowerRoles(module, facts, channels)))
      signalPassFailure();
  }
};
} // namespace
