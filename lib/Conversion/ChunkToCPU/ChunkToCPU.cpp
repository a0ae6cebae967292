//===- ChunkToCPU.cpp - convert-chunk-to-cpu ------------------------------===//
// The pass: boundaries of functions, then every scan in them. What is left on
// tensors meets the scans' memory at to_buffer and to_tensor.
//===----------------------------------------------------------------------===//
#include "FunctionBoundary.h"
#include "ScanOutline.h"
#include "deltanet/Conversion/Passes.h"
#include "deltanet/Dialect/Kernel/IR/Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

namespace deltanet {
#define GEN_PASS_DEF_CONVERTCHUNKTOCPU
#include "deltanet/Conversion/Passes.h.inc"
} // namespace deltanet

using namespace mlir;
using namespace deltanet;
using namespace deltanet::cpu;

/// What the code is for: the target's facts, or those of the machine this runs
/// on.
static EmitOptions machineOptions(func::FuncOp function) {
  EmitOptions options;
  kernel::TargetAttr target = kernel::getTarget(function);
  if (target && target.getVectorBits() > 0) {
    options.vectorBits = target.getVectorBits();
    options.registers = target.getVectorRegisters();
    options.fma = target.getFma();
    return options;
  }
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  bool arm = llvm::Triple(llvm::sys::getProcessTriple()).isAArch64();
  bool wide = features.lookup("avx512f");
  options.vectorBits = wide ? 512 : features.lookup("avx2") ? 256 : 128;
  options.registers = wide || arm ? 32 : 16;
  options.fma = arm || features.lookup("fma");
  return options;
}

/// Clones constants that the body uses from around the scan into it.
static void sinkConstants(chunk::ScanOp scan) {
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(scan.getBody(), captured);
  OpBuilder b = OpBuilder::atBlockBegin(scan.getBodyBlock());
  for (Value value : captured) {
    Operation *op = value.getDefiningOp();
    if (!op || !op->hasTrait<OpTrait::ConstantLike>())
      continue;
    Value inside = b.clone(*op)->getResult(0);
    replaceAllUsesInRegionWith(value, inside, scan.getBody());
  }
}

static Value toBuffer(OpBuilder &b, Location loc, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  auto buffer = MemRefType::get(type.getShape(), type.getElementType());
  return bufferization::ToBufferOp::create(b, loc, buffer, tensor,
                                           /*read_only=*/true);
}

namespace {
struct ConvertChunkToCPU
    : deltanet::impl::ConvertChunkToCPUBase<ConvertChunkToCPU> {
  using ConvertChunkToCPUBase::ConvertChunkToCPUBase;

  void runOnOperation() override {
    SmallVector<func::FuncOp> functions(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp function : functions)
      if (!function.isExternal() &&
          (failed(chooseOptions(function)) || failed(convert(function))))
        return signalPassFailure();
  }

private:
  /// The options for `function`: the pass's, its schedule's, the machine's.
  LogicalResult chooseOptions(func::FuncOp function) {
    kernel::ScheduleAttr schedule = kernel::getSchedule(function);
    options = machineOptions(function);
    if (vectorBits != 0)
      options.vectorBits = vectorBits;
    else if (schedule.getVectorBits() != 0)
      options.vectorBits = schedule.getVectorBits();
    options.subChunk = subChunk;
    if (options.vectorBits != 128 && options.vectorBits != 256 &&
        options.vectorBits != 512)
      return function.emitError(
                 "convert-chunk-to-cpu: expects vectors of 128, 256 or 512 "
                 "bits, got ")
             << options.vectorBits;
    if (options.subChunk < 1)
      return function.emitError(
                 "convert-chunk-to-cpu: expects sub-chunks of at least 1 "
                 "token, got ")
             << options.subChunk;
    return success();
  }

  LogicalResult convert(func::FuncOp function) {
    SmallVector<std::pair<Value, Value>> results;
    if (failed(convertBoundary(function, results)))
      return failure();
    SmallVector<chunk::ScanOp> scans;
    function.walk([&](chunk::ScanOp scan) { scans.push_back(scan); });
    for (auto [i, scan] : llvm::enumerate(scans))
      if (failed(convert(scan, function, i, results)))
        return failure();
    // Results that no scan has written.
    OpBuilder b(function.getBody().front().getTerminator());
    for (auto [tensor, buffer] : results)
      if (tensor)
        bufferization::MaterializeInDestinationOp::create(
            b, function.getLoc(), Type(), tensor, buffer, /*restrict=*/true,
            /*writable=*/true);
    return success();
  }

  /// The memory for result `i`: the function's own result if it is just that.
  Value allocateResult(OpBuilder &b, chunk::ScanOp scan, unsigned i,
                       ReifiedRankedShapedTypeDims &shapes,
                       SmallVectorImpl<std::pair<Value, Value>> &results) {
    Value result = scan.getResult(i);
    bool top = isa<func::FuncOp>(scan->getParentOp());
    for (auto &[tensor, buffer] : results)
      if (tensor == result && top) {
        tensor = Value();
        return buffer;
      }
    auto type = cast<RankedTensorType>(result.getType());
    if (shapes.empty() && failed(scan.reifyResultShapes(b, shapes)))
      return {};
    SmallVector<Value> sizes;
    for (auto [dim, extent] : llvm::enumerate(type.getShape()))
      if (ShapedType::isDynamic(extent))
        sizes.push_back(
            getValueOrCreateConstantIndexOp(b, scan.getLoc(), shapes[i][dim]));
    return memref::AllocOp::create(
        b, scan.getLoc(),
        MemRefType::get(type.getShape(), type.getElementType()), sizes,
        b.getI64IntegerAttr(64));
  }

  /// Entries of a pool that no sequence uses stay as they are: the pool goes
  /// over as a whole first.
  static void copyPools(chunk::ScanOp scan, const ScanBuffers &buffers,
                        OpBuilder &b) {
    for (auto [i, final] : llvm::enumerate(buffers.finals)) {
      if (!final || !scan.getFinalAccess(i).has(chunk::AccessAttr::Pool))
        continue;
      if (buffers.inits[i]) {
        memref::CopyOp::create(b, scan.getLoc(), buffers.inits[i], final);
        continue;
      }
      SplatElementsAttr splat;
      bool constant = matchPattern(scan.getInits()[i], m_Constant(&splat));
      assert(constant && "an init without memory is a splat constant");
      (void)constant;
      Value number = arith::ConstantOp::create(
          b, scan.getLoc(), splat.getSplatValue<TypedAttr>());
      linalg::FillOp::create(b, scan.getLoc(), number, final);
    }
  }

  LogicalResult convert(chunk::ScanOp scan, func::FuncOp function,
                        unsigned number,
                        SmallVectorImpl<std::pair<Value, Value>> &results) {
    sinkConstants(scan);
    OpBuilder b(scan);
    Location loc = scan.getLoc();
    ScanBuffers buffers;
    llvm::SetVector<Value> captured;
    getUsedValuesDefinedAbove(scan.getBody(), captured);
    for (Value value : captured) {
      if (!value.getType().isIntOrIndexOrFloat())
        return scan.emitOpError(
                   "expects a body that uses nothing from around the scan but "
                   "scalars and constants, got a value of type ")
               << value.getType();
      buffers.scalars.push_back(value);
    }
    SmallVector<std::pair<Value, Value>> written;
    ReifiedRankedShapedTypeDims shapes;
    for (unsigned i = 0, e = scan.getNumResults(); i < e; ++i) {
      Value result = scan.getResult(i);
      bool used = !result.use_empty() || llvm::any_of(results, [&](auto &r) {
        return r.first == result;
      });
      bool output = i < static_cast<unsigned>(scan.getNumOutputs());
      Value memory;
      if (used || output) {
        memory = allocateResult(b, scan, i, shapes, results);
        if (!memory)
          return scan.emitOpError(
              "has a result whose extents do not follow from its operands");
        written.push_back({result, memory});
      }
      (output ? buffers.outputs : buffers.finals).push_back(memory);
    }
    if (Value sequences = scan.getSequences())
      buffers.sequences = toBuffer(b, loc, sequences);
    if (Value indices = scan.getIndices())
      buffers.indices = toBuffer(b, loc, indices);
    for (Value init : scan.getInits()) {
      SplatElementsAttr splat;
      bool made = matchPattern(init, m_Constant(&splat)) ||
                  init.getDefiningOp<chunk::IdentityOp>();
      buffers.inits.push_back(made ? Value() : toBuffer(b, loc, init));
    }
    for (Value input : scan.getInputs())
      buffers.inputs.push_back(toBuffer(b, loc, input));

    copyPools(scan, buffers, b);
    func::FuncOp launcher =
        outlineScan(scan, buffers, function.getName(), number, options);
    if (!launcher)
      return failure();
    func::CallOp::create(b, loc, launcher, buffers.all());
    for (auto [result, memory] : written)
      if (!result.use_empty() ||
          llvm::any_of(results, [&, r = result](auto &pair) {
            return pair.first == r;
          })) {
        Value tensor =
            bufferization::ToTensorOp::create(b, loc, result.getType(), memory,
                                              /*restrict=*/true);
        for (auto &pair : results)
          if (pair.first == result)
            pair.first = tensor;
        result.replaceAllUsesWith(tensor);
      }
    scan.erase();
    ++numScans;
    return success();
  }

  EmitOptions options;
};
} // namespace
