//===- Program.cpp - functions of an object in this process ---------------===//
// LLVM's ORC links the object; the runtime's functions are handed to it by
// address, so that it does not matter how the tool was linked.
//===----------------------------------------------------------------------===//
#include "CodeGen.h"
#include "deltanet/Runtime/Parallel.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/Support/TargetSelect.h"

using namespace deltanet;
using namespace llvm;

static constexpr StringLiteral interfacePrefix = "_mlir_ciface_";
static constexpr StringLiteral packedPrefix = "deltanet_packed_";

struct host::Program::Impl {
  std::unique_ptr<orc::LLJIT> jit;
};

host::Program::Program() : impl(std::make_unique<Impl>()) {}
host::Program::~Program() = default;

Expected<std::unique_ptr<host::Program>>
host::Program::load(ArrayRef<char> object) {
  InitializeNativeTarget();
  InitializeNativeTargetAsmPrinter();
  Expected<std::unique_ptr<orc::LLJIT>> jit = orc::LLJITBuilder().create();
  if (!jit)
    return jit.takeError();
  orc::JITDylib &library = (*jit)->getMainJITDylib();
  // The C library and libm.
  auto process = orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
      (*jit)->getDataLayout().getGlobalPrefix());
  if (!process)
    return process.takeError();
  library.addGenerator(std::move(*process));
  orc::SymbolMap symbols;
  symbols[(*jit)->mangleAndIntern("deltanet_parallel_for")] = {
      orc::ExecutorAddr::fromPtr(&deltanet_parallel_for),
      JITSymbolFlags::Exported | JITSymbolFlags::Callable};
  if (Error error = library.define(orc::absoluteSymbols(std::move(symbols))))
    return error;
  auto memory = MemoryBuffer::getMemBufferCopy(
      StringRef(object.data(), object.size()), "deltanet");
  if (Error error = (*jit)->addObjectFile(std::move(memory)))
    return error;
  std::unique_ptr<Program> program(new Program());
  program->impl->jit = std::move(*jit);
  return program;
}

/// Adds void deltanet_packed_NAME(void **arguments) for every
/// _mlir_ciface_NAME: arguments[i] points to the i-th argument.
static void addPackedInterfaces(Module &module) {
  LLVMContext &context = module.getContext();
  Type *pointer = PointerType::getUnqual(context);
  SmallVector<Function *> functions;
  for (Function &function : module)
    if (function.getName().starts_with(interfacePrefix) &&
        !function.isDeclaration())
      functions.push_back(&function);
  for (Function *function : functions) {
    auto *packed = Function::Create(
        FunctionType::get(Type::getVoidTy(context), {pointer}, false),
        GlobalValue::ExternalLinkage,
        packedPrefix + function->getName().drop_front(interfacePrefix.size()),
        module);
    packed->copyAttributesFrom(function);
    packed->setAttributes(AttributeList::get(
        context, AttributeList::FunctionIndex,
        AttrBuilder(context, function->getAttributes().getFnAttrs())));
    IRBuilder<> b(BasicBlock::Create(context, "entry", packed));
    SmallVector<Value *> arguments;
    for (Argument &argument : function->args()) {
      Value *slot =
          b.CreateConstGEP1_64(pointer, packed->getArg(0), argument.getArgNo());
      Value *address = b.CreateLoad(pointer, slot);
      // A descriptor is passed by its address, a scalar by its value.
      arguments.push_back(argument.getType()->isPointerTy()
                              ? address
                              : b.CreateLoad(argument.getType(), address));
    }
    b.CreateCall(function, arguments);
    b.CreateRetVoid();
  }
}

Expected<std::unique_ptr<host::Program>>
host::Program::compile(mlir::ModuleOp module) {
  MachineOptions options;
  Expected<Code> code = translate(module, options);
  if (!code)
    return code.takeError();
  addPackedInterfaces(*code->module);
  optimize(*code, options.optimization);
  Expected<SmallVector<char, 0>> object =
      emit(*code, CodeGenFileType::ObjectFile);
  if (!object)
    return object.takeError();
  return load(*object);
}

Expected<void *> host::Program::lookup(StringRef name) {
  Expected<orc::ExecutorAddr> address = impl->jit->lookup(name);
  if (!address)
    return address.takeError();
  return address->toPtr<void *>();
}

Error host::Program::invoke(StringRef name, ArrayRef<void *> arguments) {
  Expected<void *> function = lookup((packedPrefix + name).str());
  if (!function)
    return function.takeError();
  reinterpret_cast<void (*)(void *const *)>(*function)(arguments.data());
  return Error::success();
}
