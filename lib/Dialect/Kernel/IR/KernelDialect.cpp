//===- KernelDialect.cpp - registration and attributes of kernel ----------===//
// What the attributes accept, and where operations carry them.
//===----------------------------------------------------------------------===//
#include "deltanet/Dialect/Kernel/IR/Kernel.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace deltanet::kernel;

#include "deltanet/Dialect/Kernel/IR/KernelDialect.cpp.inc"
#include "deltanet/Dialect/Kernel/IR/KernelEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "deltanet/Dialect/Kernel/IR/KernelAttrs.cpp.inc"

namespace {
/// Long attributes print once, above the operations that use them.
struct AliasInterface : OpAsmDialectInterface {
  using OpAsmDialectInterface::OpAsmDialectInterface;
  AliasResult getAlias(Attribute attr, raw_ostream &os) const override {
    auto target = dyn_cast<TargetAttr>(attr);
    if (!target)
      return AliasResult::NoAlias;
    os << "target_" << target.getName();
    return AliasResult::FinalAlias;
  }
};
} // namespace

void KernelDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "deltanet/Dialect/Kernel/IR/KernelAttrs.cpp.inc"
      >();
  addInterfaces<AliasInterface>();
}

/// Array of targets with distinct names.
static LogicalResult verifyTargets(Operation *op, Attribute value) {
  auto array = dyn_cast<ArrayAttr>(value);
  if (!array)
    return op->emitOpError("expects '")
           << kTargetsName << "' to be an array of #kernel.target, got "
           << value;
  llvm::StringSet<> names;
  for (Attribute entry : array) {
    auto target = dyn_cast<TargetAttr>(entry);
    if (!target)
      return op->emitOpError("expects '")
             << kTargetsName
             << "' to be an array of #kernel.target, got the entry " << entry;
    if (!names.insert(target.getName()).second)
      return op->emitOpError(
                 "expects targets of distinct names, got two named \"")
             << target.getName() << '"';
  }
  return success();
}

LogicalResult KernelDialect::verifyOperationAttribute(Operation *op,
                                                      NamedAttribute attr) {
  StringRef name = attr.getName().getValue();
  if (name == kTargetsName)
    return verifyTargets(op, attr.getValue());
  if (name == kTargetName && !isa<TargetAttr>(attr.getValue()))
    return op->emitOpError("expects '")
           << kTargetName << "' to be a #kernel.target, got "
           << attr.getValue();
  if (name == kScheduleName && !isa<ScheduleAttr>(attr.getValue()))
    return op->emitOpError("expects '")
           << kScheduleName << "' to be a #kernel.schedule, got "
           << attr.getValue();
  if (name == kVariantName && !isa<VariantAttr>(attr.getValue()))
    return op->emitOpError("expects '")
           << kVariantName << "' to be a #kernel.variant, got "
           << attr.getValue();
  if (name != kTargetName && name != kScheduleName && name != kVariantName)
    return op->emitOpError("expects one of the attributes kernel.target, "
                           "kernel.targets, kernel.schedule and "
                           "kernel.variant of the kernel dialect, got '")
           << name << '\'';
  return success();
}

//===----------------------------------------------------------------------===//
// TargetAttr
//===----------------------------------------------------------------------===//

LogicalResult TargetAttr::verify(
    llvm::function_ref<InFlightDiagnostic()> emitError, StringRef name,
    TargetKind kind, StringRef triple, StringRef chip, StringRef features,
    int64_t vectorBits, int64_t vectorRegisters, bool fma,
    int64_t computeCapability, int64_t ptxVersion, int64_t multiprocessors,
    int64_t sharedBytesPerBlock, int64_t sharedBytesPerSm,
    int64_t registersPerSm, int64_t registersPerThread, int64_t threadsPerSm,
    int64_t threadsPerBlock, bool ldmatrix, bool stmatrix, bool cpAsync,
    bool mmaF16, bool mmaBf16, bool mmaTf32, bool mbarrierTx, bool clusters,
    bool tma, bool wgmma, bool setmaxnreg) {
  // C1
  if (name.empty())
    return emitError() << "expects a target with a name";
  std::pair<StringLiteral, int64_t> numbers[] = {
      {"vector_bits", vectorBits},
      {"vector_registers", vectorRegisters},
      {"compute_capability", computeCapability},
      {"ptx_version", ptxVersion},
      {"shared_memory_bytes_per_block", sharedBytesPerBlock},
      {"registers_per_sm", registersPerSm},
      {"registers_per_thread", registersPerThread},
      {"multiprocessors", multiprocessors},
      {"shared_memory_bytes_per_sm", sharedBytesPerSm},
      {"threads_per_sm", threadsPerSm},
      {"threads_per_block", threadsPerBlock}};
  // C4
  for (auto [fact, value] : numbers)
    if (value < 0)
      return emitError() << "expects facts of at least 0, got " << fact << " = "
                         << value << " of target \"" << name << '"';
  if (kind == TargetKind::GPU) {
    // C3
    for (auto [fact, value] : llvm::ArrayRef(numbers).slice(2, 5))
      if (value == 0)
        return emitError() << "expects a gpu to state " << fact << ", target \""
                           << name << "\" does not";
    return success();
  }
  // C2
  if (vectorBits < 64 || !llvm::isPowerOf2_64(vectorBits))
    return emitError() << "expects a cpu to state vector_bits, a power of two "
                          "of at least 64, "
                       << "target \"" << name << "\" has " << vectorBits;
  // C5
  for (auto [fact, value] : llvm::ArrayRef(numbers).drop_front(2))
    if (value != 0)
      return emitError() << "expects a cpu to state no fact of a gpu, target \""
                         << name << "\" has " << fact << " = " << value;
  return success();
}

TargetAttr TargetAttr::withName(StringRef name) const {
  return get(getContext(), name, getKind(), getTriple(), getChip(),
             getFeatures(), getVectorBits(), getVectorRegisters(), getFma(),
             getComputeCapability(), getPtxVersion(), getMultiprocessors(),
             getSharedMemoryBytesPerBlock(), getSharedMemoryBytesPerSm(),
             getRegistersPerSm(), getRegistersPerThread(), getThreadsPerSm(),
             getThreadsPerBlock(), getLdmatrix(), getStmatrix(), getCpAsync(),
             getMmaF16(), getMmaBf16(), getMmaTf32(), getMbarrierTx(),
             getClusters(), getTma(), getWgmma(), getSetmaxnreg());
}

//===----------------------------------------------------------------------===//
// ScheduleAttr
//===----------------------------------------------------------------------===//

LogicalResult
ScheduleAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                     bool tokenLoop, int64_t chunk, Type products, Type gates,
                     int64_t vectorBits, int64_t warps, int64_t stages,
                     int64_t splitValue, int64_t aheadWarps, bool,
                     int64_t segments, int64_t keepStates) {
  // C1
  std::pair<StringLiteral, int64_t> numbers[] = {{"chunk", chunk},
                                                 {"vector_bits", vectorBits},
                                                 {"warps", warps},
                                                 {"stages", stages},
                                                 {"split_value", splitValue},
                                                 {"ahead_warps", aheadWarps},
                                                 {"segments", segments},
                                                 {"keep_states", keepStates}};
  for (auto [entry, value] : numbers)
    if (value < 0)
      return emitError() << "expects decisions of at least 0, got " << entry
                         << " = " << value;
  // C2
  if (tokenLoop && chunk != 1)
    return emitError() << "expects chunk = 1 with token_loop, got " << chunk;
  // C3
  if (products && !products.isF32() && !products.isBF16() && !products.isF16())
    return emitError() << "expects products of f32, bf16 or f16, got "
                       << products;
  // C4
  if (gates && !gates.isF32() && !gates.isF64())
    return emitError() << "expects gates of f32 or f64, got " << gates;
  // C5
  if (tokenLoop && segments > 1)
    return emitError() << "expects no segments with token_loop, got "
                       << segments;
  return success();
}

namespace {
/// The entries of a schedule, to change one and build the attribute again.
struct ScheduleEntries {
  explicit ScheduleEntries(ScheduleAttr from)
      : context(from.getContext()), tokenLoop(from.getTokenLoop()),
        chunk(from.getChunk()), vectorBits(from.getVectorBits()),
        warps(from.getWarps()), stages(from.getStages()),
        splitValue(from.getSplitValue()), aheadWarps(from.getAheadWarps()),
        segments(from.getSegments()), keepStates(from.getKeepStates()),
        prepare(from.getPrepare()), products(from.getProducts()),
        gates(from.getGates()) {}
  ScheduleAttr build() const {
    return ScheduleAttr::get(context, tokenLoop, chunk, products, gates,
                             vectorBits, warps, stages, splitValue, aheadWarps,
                             prepare, segments, keepStates);
  }
  MLIRContext *context;
  bool tokenLoop;
  int64_t chunk, vectorBits, warps, stages, splitValue, aheadWarps, segments,
      keepStates;
  bool prepare;
  Type products, gates;
};

template <typename T>
ScheduleAttr with(ScheduleAttr from, T ScheduleEntries::*entry, T value) {
  ScheduleEntries entries(from);
  entries.*entry = value;
  return entries.build();
}
} // namespace

ScheduleAttr ScheduleAttr::withTokenLoop() const {
  ScheduleEntries entries(*this);
  entries.tokenLoop = true;
  entries.chunk = 1;
  return entries.build();
}
ScheduleAttr ScheduleAttr::withChunk(int64_t tokens) const {
  ScheduleEntries entries(*this);
  entries.tokenLoop = false;
  entries.chunk = tokens;
  return entries.build();
}
ScheduleAttr ScheduleAttr::withProducts(Type type) const {
  return with(*this, &ScheduleEntries::products, type);
}
ScheduleAttr ScheduleAttr::withGates(Type type) const {
  return with(*this, &ScheduleEntries::gates, type);
}
ScheduleAttr ScheduleAttr::withVectorBits(int64_t bits) const {
  return with(*this, &ScheduleEntries::vectorBits, bits);
}
ScheduleAttr ScheduleAttr::withWarps(int64_t warps) const {
  return with(*this, &ScheduleEntries::warps, warps);
}
ScheduleAttr ScheduleAttr::withStages(int64_t stages) const {
  return with(*this, &ScheduleEntries::stages, stages);
}
ScheduleAttr ScheduleAttr::withSplitValue(int64_t blocks) const {
  return with(*this, &ScheduleEntries::splitValue, blocks);
}
ScheduleAttr ScheduleAttr::withAheadWarps(int64_t warps) const {
  return with(*this, &ScheduleEntries::aheadWarps, warps);
}
ScheduleAttr ScheduleAttr::withPrepare(bool prepare) const {
  return with(*this, &ScheduleEntries::prepare, prepare);
}
ScheduleAttr ScheduleAttr::withSegments(int64_t segments) const {
  return with(*this, &ScheduleEntries::segments, segments);
}
ScheduleAttr ScheduleAttr::withKeepStates(int64_t states) const {
  return with(*this, &ScheduleEntries::keepStates, states);
}

//===----------------------------------------------------------------------===//
// VariantAttr
//===----------------------------------------------------------------------===//

LogicalResult
VariantAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                    StringRef of, StringRef when) {
  // C1
  if (of.empty())
    return emitError() << "expects a variant of a function with a name";
  // C2
  auto [low, high] = when.split("<=");
  if (when.count("<=") != 1 || low.trim().empty() || high.trim().empty())
    return emitError()
           << "expects a variant's condition as 'low <= high', got '" << when
           << "'";
  return success();
}

//===----------------------------------------------------------------------===//
// Where operations carry them
//===----------------------------------------------------------------------===//

template <typename Attr> static Attr findAround(Operation *op, StringRef name) {
  for (; op; op = op->getParentOp())
    if (auto attr = op->getAttrOfType<Attr>(name))
      return attr;
  return {};
}

TargetAttr deltanet::kernel::getTarget(Operation *op) {
  return findAround<TargetAttr>(op, kTargetName);
}

ScheduleAttr deltanet::kernel::getSchedule(Operation *op) {
  if (auto schedule = findAround<ScheduleAttr>(op, kScheduleName))
    return schedule;
  return ScheduleAttr::get(op->getContext(), false, 0, Type(), Type(), 0, 0, 0,
                           0, 0, false, 0, 0);
}

VariantAttr deltanet::kernel::getVariant(Operation *op) {
  return op->getAttrOfType<VariantAttr>(kVariantName);
}

void deltanet::kernel::setSchedule(Operation *op, ScheduleAttr schedule) {
  op->setAttr(kScheduleName, schedule);
}

ScheduleAttr deltanet::kernel::withDefaults(ScheduleAttr schedule) {
  Builder b(schedule.getContext());
  if (!schedule.getChunk())
    schedule = schedule.withChunk(64);
  if (!schedule.getProducts())
    schedule = schedule.withProducts(b.getF32Type());
  if (!schedule.getGates())
    schedule = schedule.withGates(schedule.getProducts().isF32()
                                      ? Type(b.getF64Type())
                                      : Type(b.getF32Type()));
  return schedule;
}

static FailureOr<Type> parseFloat(Location loc, StringRef name, StringRef what,
                                  ArrayRef<StringRef> allowed) {
  MLIRContext *context = loc.getContext();
  if (!llvm::is_contained(allowed, name)) {
    auto diag = emitError(loc) << "expects " << what << " of ";
    llvm::interleave(
        allowed.drop_back(), [&](StringRef t) { diag << t; },
        [&] { diag << ", "; });
    return diag << " or " << allowed.back() << ", got '" << name << "'";
  }
  Type type = llvm::StringSwitch<Type>(name)
                  .Case("f64", Float64Type::get(context))
                  .Case("f32", Float32Type::get(context))
                  .Case("bf16", BFloat16Type::get(context))
                  .Case("f16", Float16Type::get(context));
  return type;
}

FailureOr<Type> deltanet::kernel::parseProductType(Location loc,
                                                   StringRef name) {
  return parseFloat(loc, name, "products", {"f32", "bf16", "f16"});
}

FailureOr<ScheduleAttr> deltanet::kernel::parseSchedule(Location loc,
                                                        StringRef text) {
  std::string whole = ("#kernel.schedule<" + text + ">").str();
  // The parser's own words come first; they show the text with its place.
  auto schedule =
      dyn_cast_or_null<ScheduleAttr>(parseAttribute(whole, loc.getContext()));
  if (!schedule)
    return emitError(loc) << "expects entries of #kernel.schedule such as "
                             "'chunk = 64, warps = 8', got '"
                          << text << "'";
  return schedule;
}

FailureOr<ScheduleAttr> deltanet::kernel::withOptions(Location loc,
                                                      ScheduleAttr schedule,
                                                      int64_t chunk,
                                                      StringRef products,
                                                      StringRef gates) {
  if (chunk < 0)
    return emitError(loc) << "expects chunks of at least 1 token, got "
                          << chunk;
  if (chunk > 0)
    schedule =
        chunk == 1 ? schedule.withTokenLoop() : schedule.withChunk(chunk);
  if (!products.empty()) {
    FailureOr<Type> type = parseProductType(loc, products);
    if (failed(type))
      return failure();
    schedule = schedule.withProducts(*type);
  }
  if (!gates.empty()) {
    FailureOr<Type> type = parseFloat(loc, gates, "gates", {"f32", "f64"});
    if (failed(type))
      return failure();
    schedule = schedule.withGates(*type);
  }
  return schedule;
}
