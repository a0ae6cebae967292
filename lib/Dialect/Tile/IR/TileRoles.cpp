//===- TileRoles.cpp - roles of warps and channels ------------------------===//
// Syntax and verifiers of dialects/Tile/TileRoles.td: which role fills a
// channel, which use it, and that every slot taken is given back.
//===----------------------------------------------------------------------===//
#include "deltanet/Dialect/Tile/IR/Tile.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace deltanet::tile;

/// Named barriers that copies of roles can have; number 0 is the block's.
static constexpr int64_t kMaxCopies = 15;

//===----------------------------------------------------------------------===//
// The type of a channel
//===----------------------------------------------------------------------===//

int64_t ChannelType::getBufferOffset(unsigned number) const {
  int64_t offset = 0;
  for (auto [i, buffer] : llvm::enumerate(getBuffers())) {
    offset = llvm::alignTo(offset, buffer.getAlignment());
    if (i == number)
      break;
    offset += buffer.getBytes();
  }
  return offset;
}

int64_t ChannelType::getAlignment() const {
  int64_t alignment = 0;
  for (BufferType buffer : getBuffers())
    alignment = std::max(alignment, buffer.getAlignment());
  return alignment;
}

int64_t ChannelType::getSlotBytes() const {
  return llvm::alignTo(getBufferOffset(getBuffers().size()), getAlignment());
}

LogicalResult ChannelType::verify(function_ref<InFlightDiagnostic()> emitError,
                                  int64_t slots, ArrayRef<BufferType> buffers) {
  if (slots < 1)
    return emitError() << "expects at least 1 slot, got " << slots;
  if (buffers.empty())
    return emitError() << "expects at least 1 buffer a slot, got 0";
  return success();
}

Type ChannelType::parse(AsmParser &parser) {
  int64_t slots;
  SmallVector<BufferType> buffers;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseInteger(slots))
    return {};
  while (succeeded(parser.parseOptionalComma())) {
    auto buffer = dyn_cast_or_null<BufferType>(BufferType::parse(parser));
    if (!buffer)
      return {};
    buffers.push_back(buffer);
  }
  if (parser.parseGreater())
    return {};
  return parser.getChecked<ChannelType>(loc, parser.getContext(), slots,
                                        ArrayRef<BufferType>(buffers));
}

void ChannelType::print(AsmPrinter &printer) const {
  printer << "<" << getSlots();
  for (BufferType buffer : getBuffers()) {
    printer << ", ";
    buffer.print(printer);
  }
  printer << ">";
}

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

int64_t RolesOp::getFirstWarp(unsigned role) {
  int64_t first = 0;
  for (unsigned before = 0; before != role; ++before)
    first += getWarps()[before] * getCopies()[before];
  return first;
}

int64_t RolesOp::getFirstCopy(unsigned role) {
  int64_t first = 0;
  for (int64_t copies : getCopies().take_front(role))
    first += copies;
  return first;
}

std::optional<Role> deltanet::tile::getRole(Block *block) {
  for (; block && block->getParentOp();
       block = block->getParentOp()->getBlock())
    if (auto roles = dyn_cast<RolesOp>(block->getParentOp()))
      return Role{roles, block->getParent()->getRegionNumber()};
  return std::nullopt;
}

std::optional<int64_t> deltanet::tile::getBlockThreads(Operation *kernel) {
  // Of a gpu.func, inherent; the name is the same.
  auto size = kernel->getAttrOfType<DenseI32ArrayAttr>("known_block_size");
  if (!size || size.size() != 3)
    return std::nullopt;
  return int64_t(size[0]) * size[1] * size[2];
}

/// `tile.roles load(warps = 4, registers = 72) {...}, work(warps = 8) {...}`
ParseResult RolesOp::parse(OpAsmParser &parser, OperationState &state) {
  SmallVector<Attribute> names;
  SmallVector<int64_t> warps, copies, registers;
  Builder b(parser.getContext());
  do {
    std::string name;
    warps.push_back(0);
    copies.push_back(1);
    registers.push_back(0);
    if (parser.parseKeywordOrString(&name) || parser.parseLParen() ||
        parser.parseKeyword("warps") || parser.parseEqual() ||
        parser.parseInteger(warps.back()))
      return failure();
    while (succeeded(parser.parseOptionalComma())) {
      bool isCopies = succeeded(parser.parseOptionalKeyword("copies"));
      if ((!isCopies && parser.parseKeyword("registers")) ||
          parser.parseEqual() ||
          parser.parseInteger(isCopies ? copies.back() : registers.back()))
        return failure();
    }
    Region *body = state.addRegion();
    if (parser.parseRParen() || parser.parseRegion(*body))
      return failure();
    if (body->empty())
      body->emplaceBlock();
    names.push_back(b.getStringAttr(name));
  } while (succeeded(parser.parseOptionalComma()));
  Properties &properties = state.getOrAddProperties<Properties>();
  properties.names = b.getArrayAttr(names);
  properties.warps = b.getDenseI64ArrayAttr(warps);
  properties.copies = b.getDenseI64ArrayAttr(copies);
  properties.registers = b.getDenseI64ArrayAttr(registers);
  return parser.parseOptionalAttrDictWithKeyword(state.attributes);
}

void RolesOp::print(OpAsmPrinter &printer) {
  for (auto [i, body] : llvm::enumerate(getBodies())) {
    printer << (i ? ", " : " ");
    printer.printKeywordOrString(getName(i));
    printer << "(warps = " << getWarps()[i];
    if (getCopies()[i] != 1)
      printer << ", copies = " << getCopies()[i];
    if (getRegisters()[i])
      printer << ", registers = " << getRegisters()[i];
    printer << ") ";
    printer.printRegion(body);
  }
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(), {"names", "warps", "copies", "registers"});
}

/// C5: what setmaxnreg can do, a warp group of four warps at a time.
static LogicalResult verifyRegisters(RolesOp op) {
  for (int64_t registers : op.getRegisters())
    if (registers != 0 &&
        (registers % 8 != 0 || registers < 24 || registers > 248))
      return op.emitOpError(
                 "expects registers that are a multiple of 8 from 24 to "
                 "248, got ")
             << registers;
  for (unsigned role = 0; role + 1 < op.getNumRoles(); ++role) {
    if (op.getFirstWarp(role + 1) % 4 != 0 && op.getRegisters()[role] != op.getRegisters()[role + 1])
      return op.emitOpError(
                 "expects roles that share a group of four warps to have the "
                 "same registers, got ")
             << op.getRegisters()[role] << " for '" << op.getName(role)
             << "' and " << op.getRegisters()[role + 1] << " for '"
             << op.getName(role + 1) << "'";
  }
  return success();
}

LogicalResult RolesOp::verify() {
  // C1
  unsigned roles = getNumRoles();
  if (roles == 0 || roles > kMaxCopies || getNames().size() != roles ||
      getWarps().size() != roles || getCopies().size() != roles ||
      getRegisters().size() != roles)
    return emitOpError("expects a name, warps and a region for each of 1 to ")
           << kMaxCopies << " roles, got " << getNames().size() << " names, "
           << getWarps().size() << " numbers of warps and " << roles
           << " regions";
  llvm::SmallSet<StringRef, 4> names;
  for (unsigned role = 0; role != roles; ++role) {
    if (!names.insert(getName(role)).second)
      return emitOpError("expects roles of distinct names, got '")
             << getName(role) << "' twice";
    if (getWarps()[role] < 1)
      return emitOpError("expects at least 1 warp for '")
             << getName(role) << "', got " << getWarps()[role];
    if (getCopies()[role] < 1)
      return emitOpError("expects at least 1 copy of '")
             << getName(role) << "', got " << getCopies()[role];
  }
  if (getFirstCopy(roles) > kMaxCopies)
    return emitOpError("expects at most ")
           << kMaxCopies << " copies of all roles, got " << getFirstCopy(roles);
  // C2
  Operation *kernel = (*this)->getParentOp();
  std::optional<int64_t> threads = getBlockThreads(kernel);
  if (!isa<FunctionOpInterface>(kernel) || !threads)
    return emitOpError("expects to stand in the body of a kernel that states "
                       "its block size, got ")
           << kernel->getName();
  for (Operation &op : *(*this)->getBlock())
    if (isa<RolesOp>(op) && &op != getOperation()) {
      InFlightDiagnostic diagnostic =
          emitOpError("expects to be the only one of its kernel, got two");
      diagnostic.attachNote(op.getLoc()) << "the other one";
      return diagnostic;
    }
  // C3
  if (getNumWarps() * kWarpSize != *threads)
    return emitOpError("expects roles for ")
           << *threads << " threads of the block, got " << getNumWarps()
           << " warps, " << getNumWarps() * kWarpSize << " threads";
  return verifyRegisters(*this);
}

//===----------------------------------------------------------------------===//
// What is in a role
//===----------------------------------------------------------------------===//

/// C4: layouts count the warps of the role.
static LogicalResult verifyLayouts(Operation *op, const Role &role) {
  auto check = [&](Type type) -> LogicalResult {
    if (!isInRegisters(type))
      return success();
    Attribute encoding = cast<RankedTensorType>(type).getEncoding();
    auto layout = dyn_cast<AccAttr>(encoding);
    if (auto slice = dyn_cast<SliceAttr>(encoding))
      layout = slice.getParent();
    if (layout && layout.getNumWarps() > role.getNumWarps())
      return op->emitOpError("expects layouts over at most the ")
             << role.getNumWarps() << " warps of role '" << role.getName()
             << "', got " << layout.getNumWarps() << " in " << type;
    return success();
  };
  for (Type type :
       llvm::concat<Type>(op->getOperandTypes(), op->getResultTypes()))
    if (failed(check(type)))
      return failure();
  return success();
}

namespace {
/// Who uses a channel, and who a buffer.
struct Uses {
  llvm::SetVector<unsigned> writers, readers; // roles
  Operation *first = nullptr;
};
using UsesOf = llvm::MapVector<Value, Uses>;
} // namespace

static void noteUses(Operation *op, unsigned role, UsesOf &channels,
                     UsesOf &buffers) {
  if (isa<AcquireOp, CommitSlotOp, WaitSlotOp, ReleaseOp>(op)) {
    Uses &uses = channels[op->getOperand(0)];
    uses.first = uses.first ? uses.first : op;
    if (isa<AcquireOp>(op))
      uses.writers.insert(role);
    if (isa<WaitSlotOp>(op))
      uses.readers.insert(role);
    return;
  }
  auto interface = dyn_cast<MemoryEffectOpInterface>(op);
  if (!interface)
    return;
  SmallVector<MemoryEffects::EffectInstance> effects;
  interface.getEffects(effects);
  for (const MemoryEffects::EffectInstance &effect : effects) {
    Value value = effect.getValue();
    AllocOp alloc = value && isa<BufferType, RingType>(value.getType())
                        ? getAllocation(value)
                        : AllocOp();
    if (!alloc)
      continue;
    Uses &uses = buffers[alloc.getShared()];
    uses.first = uses.first ? uses.first : op;
    (isa<MemoryEffects::Write>(effect.getEffect()) ? uses.writers
                                                   : uses.readers)
        .insert(role);
  }
}

/// C8: `First`, which takes a slot, and `Last`, which gives it back.
template <typename First, typename Last>
static LogicalResult verifyPairs(Block &block, StringRef first,
                                 StringRef last) {
  llvm::MapVector<std::pair<Value, Value>, Operation *> open;
  for (Operation &op : block) {
    if (auto take = dyn_cast<First>(op)) {
      auto [it, isNew] =
          open.insert({{take.getChannel(), take.getIndex()}, &op});
      if (!isNew)
        return op.emitOpError("expects one ")
               << last << " before the slot is taken again, got none";
    }
    if (auto give = dyn_cast<Last>(op))
      if (!open.erase({give.getChannel(), give.getIndex()}))
        return op.emitOpError("expects a ")
               << first
               << " of the same channel and index before it in its block, got "
                  "none";
  }
  for (auto &[slot, op] : open)
    return op->emitOpError("expects one ")
           << last
           << " of the same channel and index after it in its block, got none";
  return success();
}

/// C6 and C7.
static LogicalResult verifyUses(RolesOp roles, const UsesOf &channels,
                                const UsesOf &buffers) {
  for (const auto &[value, uses] : buffers) {
    llvm::SetVector<unsigned> all = uses.writers;
    all.insert(uses.readers.begin(), uses.readers.end());
    if (!uses.writers.empty() && all.size() > 1) {
      InFlightDiagnostic diagnostic =
          uses.first->emitOpError("expects a buffer that role '")
          << roles.getName(uses.writers[0])
          << "' writes to be used by no other, got role '"
          << roles.getName(all[0] == uses.writers[0] ? all[1] : all[0])
          << "'; tiles pass between roles through a channel";
      diagnostic.attachNote(value.getLoc()) << "the buffer";
      return diagnostic;
    }
  }
  for (const auto &[value, uses] : channels)
    if (uses.writers.size() != 1 || uses.readers.empty()) {
      InFlightDiagnostic diagnostic =
          uses.first->emitOpError("expects a channel with one producer role "
                                  "and at least one consumer role, got ")
          << uses.writers.size() << " and " << uses.readers.size();
      diagnostic.attachNote(value.getLoc()) << "the channel";
      return diagnostic;
    }
  return success();
}

LogicalResult RolesOp::verifyRegions() {
  UsesOf channels, buffers;
  for (unsigned number = 0; number != getNumRoles(); ++number) {
    Role role{*this, number};
    WalkResult result = getBodies()[number].walk([&](Operation *op) {
      if (failed(verifyLayouts(op, role)))
        return WalkResult::interrupt();
      noteUses(op, number, channels, buffers);
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return failure();
    result = getBodies()[number].walk([&](Block *block) {
      return WalkResult(success(
          succeeded(verifyPairs<AcquireOp, CommitSlotOp>(*block, "tile.acquire",
                                                         "tile.commit_slot")) &&
          succeeded(verifyPairs<WaitSlotOp, ReleaseOp>(*block, "tile.wait_slot",
                                                       "tile.release"))));
    });
    if (result.wasInterrupted())
      return failure();
  }
  return verifyUses(*this, channels, buffers);
}

//===----------------------------------------------------------------------===//
// Channels
//===----------------------------------------------------------------------===//

LogicalResult RoleCopyOp::verify() {
  // C1
  if (!getRole((*this)->getBlock()))
    return emitOpError("expects to stand in a role (tile.roles)");
  return success();
}

LogicalResult ChannelOp::verify() {
  // C1
  if (std::optional<Role> role = getRole((*this)->getBlock()))
    return emitOpError("expects to stand before the roles, got one in role '")
           << role->getName() << "'";
  return success();
}

/// C1 of the operations on a slot.
template <typename Op> static LogicalResult verifySlotUse(Op op) {
  if (!op.getChannel().template getDefiningOp<ChannelOp>())
    return op.emitOpError("expects a channel made by tile.channel");
  if (!getRole(op->getBlock()))
    return op.emitOpError("expects to stand in a role (tile.roles)");
  return success();
}

LogicalResult AcquireOp::verify() { return verifySlotUse(*this); }
LogicalResult CommitSlotOp::verify() { return verifySlotUse(*this); }
LogicalResult WaitSlotOp::verify() { return verifySlotUse(*this); }
LogicalResult ReleaseOp::verify() { return verifySlotUse(*this); }

/// The buffers of a slot of the channel.
static LogicalResult inferBuffers(ValueRange operands,
                                  SmallVectorImpl<Type> &types) {
  auto channel = operands.empty()
                     ? ChannelType()
                     : dyn_cast<ChannelType>(operands[0].getType());
  if (!channel)
    return failure();
  llvm::append_range(types, channel.getBuffers());
  return success();
}

LogicalResult AcquireOp::inferReturnTypes(MLIRContext *,
                                          std::optional<Location>,
                                          ValueRange operands, DictionaryAttr,
                                          OpaqueProperties, RegionRange,
                                          SmallVectorImpl<Type> &types) {
  return inferBuffers(operands, types);
}

LogicalResult WaitSlotOp::inferReturnTypes(MLIRContext *,
                                           std::optional<Location>,
                                           ValueRange operands, DictionaryAttr,
                                           OpaqueProperties, RegionRange,
                                           SmallVectorImpl<Type> &types) {
  return inferBuffers(operands, types);
}
