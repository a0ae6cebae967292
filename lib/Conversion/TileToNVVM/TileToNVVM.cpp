//===- TileToNVVM.cpp - tiles to instructions of one thread ---------------===//
// Tensors in registers become scalars, handles of shared memory pointers, every
// operation the instructions that one thread contributes.
//===----------------------------------------------------------------------===//
#include "Emit.h"
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

/// Shared memory, sized at launch; ptxas limits what is sized here to 48 KiB.
static void declareShared(gpu::GPUModuleOp module) {
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  auto type = LLVM::LLVMArrayType::get(b.getI8Type(), 0);
  LLVM::GlobalOp::create(b, module.getLoc(), type, /*isConstant=*/false,
                         LLVM::Linkage::External, kSharedSymbol, Attribute(),
                         /*alignment=*/128,
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
    declareShared(module);
    TypeConverter converter;
    addConversions(converter);
    RewritePatternSet patterns(&getContext());
    populateRegisterPatterns(converter, patterns);
    populateMemoryPatterns(converter, patterns);
    populateElementaryPatterns(converter, patterns);
    populateVectorPatterns(converter, patterns);
    populateMmaPatterns(converter, patterns);
    populateInversePatterns(converter, patterns);
    populateDecayScalePatterns(converter, patterns);
    populateDecayDotPatterns(converter, patterns);
    patterns.add<ReturnPattern>(converter, &getContext());
    scf::populateSCFStructuralTypeConversions(converter, patterns);
    populateAnyFunctionOpInterfaceTypeConversionPattern(patterns, converter);

    ConversionTarget target(getContext());
    target.addIllegalDialect<TileDialect>();
    addElementaryLegality(target);
    target.addDynamicallyLegalOp<gpu::GPUFuncOp>([&](gpu::GPUFuncOp op) {
      return converter.isSignatureLegal(op.getFunctionType()) &&
             converter.isLegal(&op.getBody());
    });
    target.markUnknownOpDynamicallyLegal(
        [&](Operation *op) { return converter.isLegal(op); });
    if (failed(applyFullConversion(module, target, std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
