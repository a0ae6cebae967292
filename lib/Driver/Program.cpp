//===- Program.cpp - a user's file ----------------------------------------===//
#include "Program.h"
#include "Launch.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/AsmParser/AsmParserState.h"
#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;

/// The name after the % of an SSA value; empty where it is a number.
static StringRef readName(const AsmParserState::SMDefinition &definition) {
  const char *start = definition.loc.Start.getPointer();
  const char *end = definition.loc.End.getPointer();
  if (!start || end <= start)
    return {};
  StringRef text(start, end - start);
  text.consume_front("%");
  text = text.take_until([](char c) { return c == ':' || c == '#'; });
  return text.empty() || llvm::isDigit(text.front()) ? StringRef() : text;
}

/// The name of `value` in the text it was parsed from.
static std::string findName(Value value, const AsmParserState &state) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    const auto *block = state.getBlockDef(argument.getOwner());
    if (!block || argument.getArgNumber() >= block->arguments.size())
      return {};
    return readName(block->arguments[argument.getArgNumber()]).str();
  }
  auto result = cast<OpResult>(value);
  const auto *op = state.getOpDef(result.getOwner());
  if (!op)
    return {};
  const AsmParserState::OperationDefinition::ResultGroupDefinition *group =
      nullptr;
  for (const auto &candidate : op->resultGroups)
    if (candidate.startIndex <= result.getResultNumber())
      group = &candidate;
  if (!group)
    return {};
  StringRef name = readName(group->definition);
  unsigned offset = result.getResultNumber() - group->startIndex;
  if (name.empty() || offset == 0)
    return name.str();
  return (name + "_" + Twine(offset)).str();
}

/// Names what has no name yet; a name stands for one argument or result only.
static void nameValues(func::FuncOp function, const AsmParserState *state) {
  MLIRContext *context = function.getContext();
  llvm::StringSet<> taken;
  auto choose = [&](Attribute stated, Value value, StringRef kind,
                    unsigned index) {
    std::string name;
    if (auto text = dyn_cast_or_null<StringAttr>(stated))
      name = text.str();
    else if (state && value)
      name = findName(value, *state);
    if (name.empty() || !taken.insert(name).second) {
      name = (kind + Twine(index)).str();
      taken.insert(name);
    }
    return StringAttr::get(context, name);
  };
  for (BlockArgument argument : function.getArguments()) {
    unsigned i = argument.getArgNumber();
    function.setArgAttr(
        i, kNameAttr,
        choose(function.getArgAttr(i, kNameAttr), argument, "arg", i));
  }
  Operation *terminator = function.getBody().back().getTerminator();
  for (unsigned i = 0, e = function.getNumResults(); i != e; ++i)
    function.setResultAttr(i, kNameAttr,
                           choose(function.getResultAttr(i, kNameAttr),
                                  terminator->getOperand(i), "result", i));
}

/// Parses text with the places of names kept in `state`.
static OwningOpRef<ModuleOp> parseText(Session &session, StringRef file,
                                       AsmParserState &state) {
  Block block;
  ParserConfig config(session.getContext());
  if (failed(
          parseAsmSourceFile(session.getSourceMgr(), &block, config, &state)))
    return {};
  auto loc = FileLineColLoc::get(session.getContext(), file, 0, 0);
  return mlir::detail::constructContainerOpForParserIfNecessary<ModuleOp>(
      &block, session.getContext(), loc);
}

OwningOpRef<ModuleOp> deltanet::driver::readProgram(Session &session,
                                                    StringRef file) {
  std::string message;
  auto buffer = openInputFile(file, &message);
  if (!buffer) {
    session.fail(kInputError, message);
    return {};
  }
  bool bytecode = isBytecode(buffer->getMemBufferRef());
  session.getSourceMgr().AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  OwningOpRef<ModuleOp> module;
  AsmParserState state;
  if (bytecode)
    module = parseSourceFile<ModuleOp>(session.getSourceMgr(),
                                       ParserConfig(session.getContext()));
  else
    module = parseText(session, file, state);
  if (!module)
    return {};
  module->walk([&](func::FuncOp function) {
    if (!function.isExternal())
      nameValues(function, bytecode ? nullptr : &state);
  });
  return module;
}

StringRef deltanet::driver::getArgumentName(func::FuncOp function,
                                            unsigned index) {
  return function.getArgAttrOfType<StringAttr>(index, kNameAttr).getValue();
}

StringRef deltanet::driver::getResultName(func::FuncOp function,
                                          unsigned index) {
  return cast<StringAttr>(function.getResultAttr(index, kNameAttr)).getValue();
}

func::FuncOp deltanet::driver::findEntry(Session &session, ModuleOp module,
                                         StringRef entry, int &code) {
  SmallVector<func::FuncOp> functions;
  for (auto function : module.getOps<func::FuncOp>())
    if (!function.isExternal() && function.isPublic())
      functions.push_back(function);
  std::string names = llvm::join(
      llvm::map_range(functions,
                      [](func::FuncOp function) { return function.getName(); }),
      ", ");
  code = kUsage;
  if (functions.empty()) {
    emitError(module.getLoc(), "expects a module with a public function");
    code = kInputError;
    return {};
  }
  if (entry.empty() && functions.size() == 1)
    return functions.front();
  if (entry.empty()) {
    session.fail(kUsage, "expects --entry where a file has several functions; "
                         "this one has " +
                             names);
    return {};
  }
  for (func::FuncOp function : functions)
    if (function.getName() == entry)
      return function;
  session.fail(kUsage, "expects --entry to name a public function (" + names +
                           "), got '" + entry + "'");
  return {};
}

int deltanet::driver::openProgram(Session &session, const RunOptions &options,
                                  bool runs, OpenProgram &program) {
  int code = kOk;
  auto target = findTarget(session, options.target, code);
  if (!target)
    return code;
  program.target = *target;
  if (runs && (code = checkRuns(session, *target, int32_t(options.device))))
    return code;
  program.module = readProgram(session, options.input);
  if (!program.module)
    return kInputError;
  program.function = findEntry(session, *program.module, options.entry, code);
  return program.function ? kOk : code;
}

OwningOpRef<ModuleOp> deltanet::driver::copyEntry(ModuleOp module,
                                                  func::FuncOp entry) {
  OwningOpRef<ModuleOp> copy = cast<ModuleOp>(module->clone());
  // Nothing names what stands in for the entry.
  auto standsIn = [&](func::FuncOp function) {
    kernel::VariantAttr variant = kernel::getVariant(function);
    return variant && variant.getOf() == entry.getName();
  };
  for (auto function : copy->getOps<func::FuncOp>())
    if (standsIn(function))
      function.setPublic();
    else if (function.getName() != entry.getName())
      function.setPrivate();
  PassManager manager(module.getContext());
  manager.addPass(createSymbolDCEPass());
  if (failed(manager.run(*copy)))
    return {};
  for (auto function : copy->getOps<func::FuncOp>())
    if (standsIn(function))
      function.setPrivate();
  return copy;
}
