//===- Emit.cpp - what one thread does for a tile -------------------------===//
// See Emit.h.
//===----------------------------------------------------------------------===//
#include "Emit.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace deltanet::tile;

Value Emit::i32(int64_t v) {
  return arith::ConstantIntOp::create(b, loc, v, 32);
}

Value Emit::f32(double v) {
  return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(v));
}

Value Emit::add(Value x, Value y) {
  return arith::AddIOp::create(b, loc, x, y);
}

Value Emit::add(Value x, int64_t y) { return y == 0 ? x : add(x, i32(y)); }

Value Emit::mul(Value x, int64_t y) {
  if (matchPattern(x, m_Zero()))
    return x;
  return y == 1 ? x : arith::MulIOp::create(b, loc, x, i32(y)).getResult();
}

// Only of numbers that are not negative.
Value Emit::div(Value x, int64_t y) {
  return y == 1 ? x : arith::DivUIOp::create(b, loc, x, i32(y)).getResult();
}

Value Emit::rem(Value x, int64_t y) {
  return y == 1 ? i32(0)
                : arith::RemUIOp::create(b, loc, x, i32(y)).getResult();
}

Value Emit::less(Value x, Value y) {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y);
}

Value Emit::sub(Value x, Value y) {
  return arith::SubIOp::create(b, loc, x, y);
}

Value Emit::equal(Value x, Value y) {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, y);
}

Value Emit::select(Value condition, Value x, Value y) {
  return arith::SelectOp::create(b, loc, condition, x, y);
}

Value Emit::addf(Value x, Value y) {
  return arith::AddFOp::create(b, loc, x, y);
}

Value Emit::subf(Value x, Value y) {
  return arith::SubFOp::create(b, loc, x, y);
}

Value Emit::mulf(Value x, Value y) {
  return arith::MulFOp::create(b, loc, x, y);
}

Value Emit::fma(Value x, Value y, Value z) {
  return LLVM::FMAOp::create(b, loc, x, y, z);
}

Value Emit::exp2(Value x) {
  return intrinsic("llvm.nvvm.ex2.approx.ftz", x.getType(), x);
}

/// The thread in the block, from the first of `role` on.
static Value threadFrom(Emit &emit, const std::optional<Role> &role) {
  Value id = gpu::ThreadIdOp::create(emit.b, emit.loc, gpu::Dimension::x);
  id = arith::IndexCastOp::create(emit.b, emit.loc, emit.b.getI32Type(), id);
  return role ? emit.add(id, -role->getFirstWarp() * kWarpSize) : id;
}

Value Emit::thread() {
  std::optional<Role> role = getRole(b.getInsertionBlock());
  Value id = threadFrom(*this, role);
  return role && role->getNumCopies() > 1
             ? rem(id, role->getNumWarps() * kWarpSize)
             : id;
}

Value Emit::roleCopy() {
  std::optional<Role> role = getRole(b.getInsertionBlock());
  assert(role && "only a role has copies");
  if (role->getNumCopies() == 1)
    return i32(0);
  // The same for all lanes of a warp, as ptxas then knows.
  return shuffle(div(threadFrom(*this, role), role->getNumWarps() * kWarpSize),
                 i32(0));
}

Value Emit::isFirst() {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, thread(),
                               i32(0));
}

void Emit::enterHolders(RankedTensorType type) {
  auto layout = dyn_cast<AccAttr>(type.getEncoding());
  if (!layout || layout.getNumWarps() * kWarpSize == getNumThreads())
    return;
  auto holders =
      scf::IfOp::create(b, loc, less(warp(), i32(layout.getNumWarps())));
  b.setInsertionPointToStart(holders.thenBlock());
}

std::optional<int64_t> Emit::getNumThreads() {
  if (std::optional<Role> role = getRole(b.getInsertionBlock()))
    return role->getNumWarps() * kWarpSize;
  auto kernel =
      b.getInsertionBlock()->getParent()->getParentOfType<gpu::GPUFuncOp>();
  return kernel ? getBlockThreads(kernel) : std::nullopt;
}

void Emit::barrier() {
  std::optional<Role> role = getRole(b.getInsertionBlock());
  if (!role)
    gpu::BarrierOp::create(b, loc);
  else if (role->getNumWarps() == 1)
    NVVM::SyncWarpOp::create(b, loc, i32(-1));
  else // 0 is the block's
    NVVM::BarrierOp::create(
        b, loc, TypeRange(),
        add(roleCopy(), role->op.getFirstCopy(role->number) + 1),
        i32(role->getNumWarps() * kWarpSize), {}, Value());
}

Value Emit::shared(int64_t offset) {
  auto type = LLVM::LLVMPointerType::get(
      b.getContext(), static_cast<unsigned>(NVVM::NVVMMemorySpace::Shared));
  return move(
      LLVM::AddressOfOp::create(b, loc, type, kSharedSymbol).getResult(),
      offset);
}

Value Emit::warpRow(AccAttr layout) {
  // Warps beyond those of the layout repeat it.
  bool all = getNumThreads() == layout.getNumWarps() * kWarpSize;
  Value place = all ? warp() : rem(warp(), layout.getNumWarps());
  return div(place, layout.getWarps()[1]);
}

Value Emit::warpColumn(AccAttr layout) {
  return rem(warp(), layout.getWarps()[1]);
}

Value Emit::addressOf(Value pointer) {
  return LLVM::PtrToIntOp::create(b, loc, b.getI32Type(), pointer);
}

Value Emit::pointerTo(Value address) {
  auto type = LLVM::LLVMPointerType::get(
      b.getContext(), static_cast<unsigned>(NVVM::NVVMMemorySpace::Shared));
  return LLVM::IntToPtrOp::create(b, loc, type, address);
}

Value Emit::move(Value pointer, Value bytes) {
  return LLVM::GEPOp::create(b, loc, pointer.getType(), b.getI8Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{bytes});
}

Value Emit::move(Value pointer, int64_t bytes) {
  if (bytes == 0)
    return pointer;
  return LLVM::GEPOp::create(
      b, loc, pointer.getType(), b.getI8Type(), pointer,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(bytes)});
}

Value Emit::load(Type type, Value pointer) {
  return LLVM::LoadOp::create(b, loc, type, pointer);
}

void Emit::store(Value value, Value pointer) {
  LLVM::StoreOp::create(b, loc, value, pointer);
}

SmallVector<Value> Emit::loadMany(Type type, int64_t count, Value pointer) {
  Value vector = load(VectorType::get(count, type), pointer);
  SmallVector<Value> values;
  for (int64_t i = 0; i != count; ++i)
    values.push_back(LLVM::ExtractElementOp::create(b, loc, vector, i32(i)));
  return values;
}

void Emit::storeMany(ArrayRef<Value> values, Value pointer) {
  auto type = VectorType::get(values.size(), values.front().getType());
  Value vector = LLVM::UndefOp::create(b, loc, type);
  for (auto [i, value] : llvm::enumerate(values))
    vector = LLVM::InsertElementOp::create(b, loc, vector, value, i32(i));
  store(vector, pointer);
}

void Emit::when(Value condition, function_ref<void()> body) {
  auto ifOp = scf::IfOp::create(b, loc, condition);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(ifOp.thenBlock());
  body();
}

Value Emit::intrinsic(StringRef name, Type result, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, loc, result, b.getStringAttr(name),
                                       operands)
      .getResult(0);
}

Value Emit::assembly(StringRef text, StringRef constraints, Type result,
                     ValueRange operands, bool together) {
  return LLVM::InlineAsmOp::create(
             b, loc, TypeRange(result), operands, text, constraints,
             /*has_side_effects=*/together, /*is_align_stack=*/false,
             LLVM::TailCallKind::None,
             LLVM::AsmDialectAttr::get(b.getContext(),
                                       LLVM::AsmDialect::AD_ATT),
             ArrayAttr())
      .getResult(0);
}

void Emit::assembly(StringRef text, StringRef constraints,
                    ValueRange operands) {
  LLVM::InlineAsmOp::create(
      b, loc, TypeRange(), operands, text, constraints,
      /*has_side_effects=*/true, /*is_align_stack=*/false,
      LLVM::TailCallKind::None,
      LLVM::AsmDialectAttr::get(b.getContext(), LLVM::AsmDialect::AD_ATT),
      ArrayAttr());
}

Value Emit::transposeBlock(Value pair) {
  return assembly("movmatrix.sync.aligned.m8n8.trans.b16 $0, $1;", "=r,r",
                  pair.getType(), pair, true);
}

Value Emit::bitcast(Value v, Type type) {
  return v.getType() == type
             ? v
             : LLVM::BitcastOp::create(b, loc, type, v).getResult();
}

Value Emit::pack(Value low, Value high, Type element) {
  StringRef name =
      element.isBF16() ? "llvm.nvvm.ff2bf16x2.rn" : "llvm.nvvm.ff2f16x2.rn";
  // The instruction takes the upper half first.
  Value pair = intrinsic(name, VectorType::get(2, element), {high, low});
  return bitcast(pair, b.getI32Type());
}

Value Emit::unpack(Value pair, bool high, Type element) {
  if (element.isBF16()) { // the upper half of an f32
    Value bits =
        high ? arith::AndIOp::create(b, loc, pair, i32(0xffff0000)).getResult()
             : arith::ShLIOp::create(b, loc, pair, i32(16)).getResult();
    return bitcast(bits, b.getF32Type());
  }
  Value number = bitcast(half(pair, high), element);
  return arith::ExtFOp::create(b, loc, b.getF32Type(), number);
}

Value Emit::half(Value pair, bool high) {
  if (high)
    pair = arith::ShRUIOp::create(b, loc, pair, i32(16));
  return arith::TruncIOp::create(b, loc, b.getI16Type(), pair);
}

Value Emit::join(Value low, Value high) {
  low = arith::ExtUIOp::create(b, loc, b.getI32Type(), low);
  high = arith::ExtUIOp::create(b, loc, b.getI32Type(), high);
  high = arith::ShLIOp::create(b, loc, high, i32(16));
  return arith::OrIOp::create(b, loc, low, high);
}

Value Emit::shuffle(Value v, Value lane) {
  return NVVM::ShflOp::create(b, loc, v.getType(), i32(-1), v, lane, i32(31),
                              NVVM::ShflKind::idx, UnitAttr());
}

SmallVector<Value> Emit::members(Value structure) {
  SmallVector<Value> values;
  auto type = cast<LLVM::LLVMStructType>(structure.getType());
  for (int64_t i = 0, e = type.getBody().size(); i != e; ++i)
    values.push_back(LLVM::ExtractValueOp::create(b, loc, structure, i));
  return values;
}

/// Coordinates along one dimension of an accumulator, tile by tile.
static SmallVector<int64_t> accConstants(int64_t extent, bool column) {
  SmallVector<int64_t> constants;
  for (int64_t at = 0; at < extent; at += column ? 8 : 16)
    llvm::append_range(constants, column ? ArrayRef<int64_t>{at, at + 1}
                                         : ArrayRef<int64_t>{at, at + 8});
  return constants;
}

Places Emit::places(RankedTensorType type) {
  Places places;
  if (isa<LanesAttr>(type.getEncoding())) {
    int64_t perLane = getElementsPerThread(type);
    int64_t lanes = type.getDimSize(0) / perLane;
    places.variable = {
        mul(lanes == kWarpSize ? lane() : rem(lane(), lanes), perLane)};
    for (int64_t e = 0; e != perLane; ++e)
      places.constants.push_back({e});
    return places;
  }
  auto slice = dyn_cast<SliceAttr>(type.getEncoding());
  AccAttr layout =
      slice ? slice.getParent() : cast<AccAttr>(type.getEncoding());
  auto variable = [&](bool column, int64_t perWarp) {
    Value warp = mul(column ? warpColumn(layout) : warpRow(layout), perWarp);
    return add(warp, column ? mul(lanePair(), 2) : laneRow());
  };
  if (slice) {
    bool column = slice.getDim() == 0;
    int64_t perWarp = type.getDimSize(0) / layout.getWarps()[column];
    places.variable = {variable(column, perWarp)};
    for (int64_t c : accConstants(perWarp, column))
      places.constants.push_back({c});
    return places;
  }
  int64_t rows = type.getDimSize(0) / layout.getWarps()[0];
  int64_t columns = type.getDimSize(1) / layout.getWarps()[1];
  places.variable = {variable(false, rows), variable(true, columns)};
  for (int64_t r = 0; r != rows; r += 16)
    for (int64_t c = 0; c != columns; c += 8)
      for (int64_t e = 0; e != 4; ++e)
        places.constants.push_back({r + 8 * (e / 2), c + e % 2});
  return places;
}

int64_t deltanet::tile::getNumRegisters(RankedTensorType type) {
  int64_t elements = getElementsPerThread(type);
  return type.getElementTypeBitWidth() == 16 ? (elements + 1) / 2 : elements;
}

Type deltanet::tile::getRegisterType(RankedTensorType type) {
  if (type.getElementTypeBitWidth() == 16)
    return IntegerType::get(type.getContext(), 32);
  return type.getElementType();
}
