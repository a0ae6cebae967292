//===- Compile.cpp - deltanet compile -------------------------------------===//
// One file to IR, an object or PTX, in files named after it.
//===----------------------------------------------------------------------===//
#include "Lowering.h"
#include "Program.h"
#include "deltanet/Support/File.h"
#include "deltanet/Target/Host.h"
#include "deltanet/Target/PTX.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <chrono>

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;

namespace {
/// Something that compile can write.
struct Product {
  StringRef name, extension;
  bool cpu, gpu, text;
};
} // namespace

static constexpr Product kProducts[] = {
    {"mlir", "mlir", true, true, true},
    {"llvm", "ll", true, true, true},
    {"obj", "o", true, false, false},
    {"ptx", "ptx", false, true, true},
};

/// The products that the user asks for, checked against the target.
static std::optional<SmallVector<Product>>
chooseProducts(Session &session, const CompileOptions &options,
               kernel::TargetAttr target) {
  std::vector<std::string> names = options.emit;
  if (names.empty())
    names = {!options.stopAfter.empty() ? "mlir"
             : target.isCPU()           ? "obj"
                                        : "ptx"};
  SmallVector<Product> chosen;
  for (StringRef name : names) {
    const auto *product = llvm::find_if(
        kProducts, [&](const Product &p) { return p.name == name; });
    std::string allowed;
    for (const Product &p : kProducts)
      if (target.isCPU() ? p.cpu : p.gpu)
        allowed += (allowed.empty() ? "" : ", ") + p.name.str();
    if (product == std::end(kProducts) ||
        !(target.isCPU() ? product->cpu : product->gpu)) {
      session.fail(kUsage, "expects --emit " + allowed + " for the " +
                               (target.isCPU() ? "cpu" : "gpu") + " '" +
                               target.getName() + "', got '" + name + "'");
      return std::nullopt;
    }
    if (!options.stopAfter.empty() && product->name != "mlir") {
      session.fail(kUsage,
                   "expects --emit mlir with --stop-after, got '" + name + "'");
      return std::nullopt;
    }
    chosen.push_back(*product);
  }
  if (options.outputFolder == "-" && (chosen.size() != 1 || !chosen[0].text)) {
    session.fail(kUsage, "expects one --emit of text with -o -");
    return std::nullopt;
  }
  return chosen;
}

/// DIR/NAME.EXTENSION, after the name of the input.
static std::string makePath(const CompileOptions &options,
                            const Product &product) {
  StringRef stem = llvm::sys::path::stem(options.input);
  SmallString<128> path(options.outputFolder);
  llvm::sys::path::append(path, (stem == "-" ? "kernel" : stem) + "." +
                                    product.extension);
  return path.str().str();
}

/// Writes one product, or prints it.
static int writeProduct(Session &session, const CompileOptions &options,
                        const Product &product, const std::string &contents,
                        llvm::json::Array &files) {
  if (options.outputFolder == "-") {
    if (options.json)
      session[product.name] = contents;
    session.print(StringRef(contents).rtrim('\n'));
    return kOk;
  }
  if (std::error_code error =
          llvm::sys::fs::create_directories(options.outputFolder))
    return session.fail(kInputError, "cannot make the folder '" +
                                         options.outputFolder +
                                         "': " + error.message());
  std::string path = makePath(options, product), message;
  if (!support::writeFile(path, contents.data(), contents.size(), message))
    return session.fail(kInputError, message);
  session.print("wrote " + path);
  files.push_back(llvm::json::Object{{"kind", product.name},
                                     {"path", path},
                                     {"bytes", int64_t(contents.size())}});
  return kOk;
}

/// PTX or LLVM IR of the kernels of `module`.
static int makeForGpu(const Product &product, ModuleOp module,
                      kernel::TargetAttr target, std::string &contents) {
  for (auto kernels : module.getOps<gpu::GPUModuleOp>()) {
    auto text = product.name == "ptx" ? ptx::emitPTX(kernels, target)
                                      : ptx::emitLLVM(kernels, target);
    if (failed(text))
      return kInternal;
    contents += *text;
  }
  return kOk;
}

/// An object or LLVM IR of `module`.
static int makeForCpu(Session &session, const Product &product, ModuleOp module,
                      kernel::TargetAttr target, std::string &contents) {
  host::MachineOptions machine;
  machine.triple = target.getTriple().str();
  machine.cpu = target.getChip().str();
  machine.features = target.getFeatures().str();
  llvm::Error error = llvm::Error::success();
  if (product.name == "llvm") {
    auto text = host::emitLLVM(module, machine);
    if (text)
      contents = std::move(*text);
    else
      error = text.takeError();
  } else {
    auto object = host::emitObject(module, machine);
    if (object)
      contents.assign(object->begin(), object->end());
    else
      error = object.takeError();
  }
  if (error)
    return session.fail(kInternal, llvm::toString(std::move(error)));
  return kOk;
}

/// The contents of one product; `module` has gone through the pipeline.
static int makeProduct(Session &session, const Product &product,
                       ModuleOp module, kernel::TargetAttr target,
                       std::string &contents) {
  if (product.name == "mlir") {
    llvm::raw_string_ostream stream(contents);
    module.print(stream);
    stream << "\n";
    return kOk;
  }
  return target.isGPU()
             ? makeForGpu(product, module, target, contents)
             : makeForCpu(session, product, module, target, contents);
}

/// Brings `module` as far as the products of `target` need it.
static int lowerFor(Session &session, ModuleOp module,
                    kernel::TargetAttr target, const CompileOptions &options) {
  if (target.isCPU())
    return lower(session, module, getLinRecToHost(), target, options,
                 options.stopAfter);
  // The last phase prints; here the kernels become files.
  return lower(session, module, getLinRecToPTX(), target, options,
               options.stopAfter.empty() ? "nvvm" : options.stopAfter);
}

int deltanet::driver::compile(const CompileOptions &options,
                              const Console &console) {
  Session session("compile", options, console);
  auto start = std::chrono::steady_clock::now();
  int code = kOk;
  auto target = findTarget(session, options.target, code);
  if (!target)
    return session.finish(code);
  auto products = chooseProducts(session, options, *target);
  if (!products)
    return session.finish(kUsage);
  auto module = readProgram(session, options.input);
  if (!module)
    return session.finish(kInputError);
  code = lowerFor(session, *module, *target, options);
  llvm::json::Array files;
  for (const Product &product : *products) {
    std::string contents;
    if (code == kOk)
      code = makeProduct(session, product, *module, *target, contents);
    if (code == kOk)
      code = writeProduct(session, options, product, contents, files);
  }
  std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  session["target"] = target->getName();
  session["files"] = std::move(files);
  session["seconds"] = seconds.count();
  return session.finish(code);
}
