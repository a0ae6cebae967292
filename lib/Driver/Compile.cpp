//===- Compile.cpp - deltanet compile -------------------------------------===//
// One file to IR, objects, PTX or a package, for one target or several, in
// files named after it.
//===----------------------------------------------------------------------===//
#include "Lowering.h"
#include "PackageBuilder.h"
#include "Program.h"
#include "deltanet/Support/File.h"
#include "deltanet/Target/Host.h"
#include "deltanet/Target/PTX.h"
#include "llvm/ADT/StringSet.h"
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
  bool package = false; ///< one for all targets, of one function
};

/// One run of the command.
class Compiler {
public:
  Compiler(Session &session, const CompileOptions &options)
      : session(session), options(options) {}
  int run();

private:
  int readTargets();
  int chooseProducts();
  int checkProducts();
  std::string listProducts() const;
  int findTools();
  int compileTarget(kernel::TargetAttr target);
  int compilePackage();
  int makeProduct(const Product &product, ModuleOp lowered,
                  kernel::TargetAttr target, std::string &contents);
  int makePackageProduct(const Product &product, PackageBuilder &builder,
                         std::string &contents);
  std::string getName() const;
  int writeTargetProducts(const artifact::TargetCode &code, StringRef suffix);
  int makeFatbin(const artifact::Package &package, std::string &contents);
  int writeEach(const Product &product, PackageBuilder &builder);
  int checkGradients();
  int write(const Product &product, StringRef target,
            const std::string &contents, StringRef suffix = "");
  bool wants(StringRef name) const {
    return llvm::any_of(products,
                        [&](const Product &p) { return p.name == name; });
  }
  /// Whether something is of one function, assembled.
  bool wantsPackage() const {
    return wants("cubin") ||
           llvm::any_of(products, [](const Product &p) { return p.package; });
  }

  Session &session;
  const CompileOptions &options;
  OwningOpRef<ModuleOp> module;
  SmallVector<kernel::TargetAttr> targets;
  SmallVector<Product> products;
  std::string ptxas;
  llvm::json::Array files;
};
} // namespace

static constexpr Product kProducts[] = {
    {"mlir", "mlir", true, true, true},
    {"llvm", "ll", true, true, true},
    {"obj", "o", true, false, false},
    {"ptx", "ptx", false, true, true},
    {"cubin", "cubin", false, true, false},
    {"fatbin", "fatbin", false, true, false, true},
    {"so", "so", true, true, false, true},
    {"header", "h", true, true, true, true},
    {"manifest", "json", true, true, true, true},
};

static bool suits(const Product &product, kernel::TargetAttr target) {
  return target.isCPU() ? product.cpu : product.gpu;
}

//===----------------------------------------------------------------------===//
// What is asked for
//===----------------------------------------------------------------------===//

int Compiler::readTargets() {
  SmallVector<StringRef> names;
  StringRef(options.target).split(names, ',');
  llvm::StringSet<> seen;
  for (StringRef name : names) {
    if (!seen.insert(name).second)
      return session.fail(kUsage, "expects every --target once, got '" + name +
                                      "' twice");
    int code = kOk;
    auto target = findTarget(session, name, code);
    if (!target)
      return code;
    targets.push_back(*target);
  }
  return kOk;
}

/// The products that suit some target.
std::string Compiler::listProducts() const {
  std::string list;
  for (const Product &product : kProducts)
    if (llvm::any_of(targets,
                     [&](auto target) { return suits(product, target); }))
      list += (list.empty() ? "" : ", ") + product.name.str();
  return list;
}

int Compiler::chooseProducts() {
  std::vector<std::string> names = options.emit;
  bool cpu = llvm::any_of(targets, [](auto t) { return t.isCPU(); });
  bool gpu = llvm::any_of(targets, [](auto t) { return t.isGPU(); });
  if (names.empty() && !options.stopAfter.empty())
    names = {"mlir"};
  if (names.empty() && cpu)
    names.push_back("obj");
  if (names.empty() ||
      (options.emit.empty() && options.stopAfter.empty() && gpu && cpu))
    names.push_back("ptx");
  std::string kinds = targets.size() > 1 ? "targets" : cpu ? "cpu" : "gpu";
  for (StringRef name : names) {
    const auto *product = llvm::find_if(
        kProducts, [&](const Product &p) { return p.name == name; });
    if (product == std::end(kProducts) ||
        llvm::none_of(targets, [&](auto t) { return suits(*product, t); }))
      return session.fail(kUsage, "expects --emit " + listProducts() +
                                      " for the " + kinds + " '" +
                                      options.target + "', got '" + name + "'");
    if (!options.stopAfter.empty() && product->name != "mlir")
      return session.fail(
          kUsage, "expects --emit mlir with --stop-after, got '" + name + "'");
    products.push_back(*product);
  }
  return checkProducts();
}

/// Refuses what does not go together.
int Compiler::checkProducts() {
  if (options.outputFolder == "-" &&
      (products.size() != 1 || !products[0].text ||
       (targets.size() != 1 && !products[0].package)))
    return session.fail(kUsage, "expects one --emit of text with -o -");
  if (!options.prefix.empty() && !artifact::isIdentifier(options.prefix))
    return session.fail(kUsage, "expects a name in C as --prefix, got '" +
                                    options.prefix + "'");
  // A gradient is of one function, whatever is written of it.
  bool entry = !options.entry.empty() && !wantsGradient(options);
  if (!wantsPackage() && (!options.prefix.empty() || entry))
    return session.fail(
        kUsage,
        "expects --emit cubin, fatbin, so, header or manifest with " +
            std::string(options.prefix.empty() ? "--entry" : "--prefix"));
  SmallVector<StringRef> processors;
  for (kernel::TargetAttr target : targets)
    if (target.isCPU())
      processors.push_back(target.getName());
  if (wantsPackage() && processors.size() > 1)
    return session.fail(kUsage, "expects at most one processor in a package, "
                                "got " +
                                    llvm::join(processors, ", "));
  return kOk;
}

/// Refuses gradients of what has none.
int Compiler::checkGradients() {
  if (!wantsGradient(options))
    return kOk;
  if (options.outputFolder == "-" && wantsPackage() && !wants("header"))
    return session.fail(kUsage, "expects a folder as -o with --grad for the "
                                "files of three functions, got -");
  return kOk;
}

/// Finds what the products need, or says what is missing.
int Compiler::findTools() {
  bool gpu = llvm::any_of(targets, [](auto t) { return t.isGPU(); });
  auto found = gpu ? artifact::findCudaTool("ptxas") : std::nullopt;
  if (wants("cubin") && !found)
    return session.fail(
        kMissing, "expects ptxas of the CUDA toolkit for --emit cubin; it "
                  "is neither on PATH nor in /usr/local/cuda/bin, nor "
                  "named by DELTANET_PTXAS. --emit ptx needs none");
  if (wants("fatbin") && !artifact::findCudaTool("fatbinary"))
    return session.fail(kMissing,
                        "expects fatbinary of the CUDA toolkit for --emit "
                        "fatbin; it is neither on PATH nor in "
                        "/usr/local/cuda/bin, nor named by DELTANET_FATBINARY. "
                        "--emit ptx needs none");
  if (wants("so") && !artifact::findLinker())
    return session.fail(kMissing, "expects one of " +
                                      artifact::getLinkerNames() +
                                      " on PATH for --emit so, or a linker "
                                      "named by DELTANET_LINKER");
  if (gpu && !found && (wants("so") || wants("fatbin")))
    session.note("ptxas is not found: the package has PTX and no cubins, and "
                 "the driver compiles it where it is loaded");
  if (found && wantsPackage())
    ptxas = *found;
  return kOk;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

/// What files are called: the prefix of a package, because two libraries of one
/// name do not work in one program; else as the input.
std::string Compiler::getName() const {
  if (!options.prefix.empty())
    return options.prefix;
  StringRef stem = llvm::sys::path::stem(options.input);
  return (stem == "-" ? "kernel" : stem).str();
}

/// DIR/NAME.EXTENSION; DIR/NAME.TARGET.EXTENSION where each of several targets
/// has one. `suffix` ends the name.
int Compiler::write(const Product &product, StringRef target,
                    const std::string &contents, StringRef suffix) {
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
  std::string name = getName() + suffix.str();
  if (targets.size() > 1 && !product.package)
    name += "." + target.str();
  SmallString<128> path(options.outputFolder);
  llvm::sys::path::append(path, name + "." + product.extension);
  std::string message;
  if (!support::writeFile(path.str().str(), contents.data(), contents.size(),
                          message))
    return session.fail(kInputError, message);
  session.print("wrote " + path);
  files.push_back(llvm::json::Object{{"kind", product.name},
                                     {"path", path.str().str()},
                                     {"bytes", int64_t(contents.size())}});
  return kOk;
}

//===----------------------------------------------------------------------===//
// Whole modules
//===----------------------------------------------------------------------===//

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

/// The contents of one product; `lowered` has gone through the pipeline.
int Compiler::makeProduct(const Product &product, ModuleOp lowered,
                          kernel::TargetAttr target, std::string &contents) {
  if (product.name == "mlir") {
    llvm::raw_string_ostream stream(contents);
    lowered.print(stream);
    stream << "\n";
    return kOk;
  }
  return target.isGPU()
             ? makeForGpu(product, lowered, target, contents)
             : makeForCpu(session, product, lowered, target, contents);
}

/// What is of one target, for the whole file.
int Compiler::compileTarget(kernel::TargetAttr target) {
  SmallVector<Product> own;
  for (const Product &product : products)
    if (!product.package && suits(product, target) &&
        // What is in a package is written from there.
        !(wantsPackage() && (product.name == "ptx" || product.name == "cubin")))
      own.push_back(product);
  if (own.empty())
    return kOk;
  OwningOpRef<ModuleOp> lowered(cast<ModuleOp>((*module)->clone()));
  if (wantsGradient(options)) {
    int code = kOk;
    func::FuncOp function = findEntry(session, *module, options.entry, code);
    if (!function)
      return code;
    Gradient gradient(session, function, options);
    if ((code = gradient.read()) || (code = gradient.derive(*module, target)))
      return code;
    lowered = copyEntry(*module, function);
    if (!lowered)
      return session.fail(kInternal, "cannot drop unused functions");
  }
  // The last phase of a GPU prints; here the kernels become files.
  StringRef stopAfter = !options.stopAfter.empty()
                            ? StringRef(options.stopAfter)
                        : target.isGPU() ? "nvvm"
                                         : "";
  int code = lower(session, *lowered,
                   target.isCPU() ? getLinRecToHost() : getLinRecToPTX(),
                   target, options, stopAfter);
  for (const Product &product : own) {
    std::string contents;
    if (code == kOk)
      code = makeProduct(product, *lowered, target, contents);
    if (code == kOk)
      code = write(product, target.getName(), contents);
  }
  return code;
}

//===----------------------------------------------------------------------===//
// Packages
//===----------------------------------------------------------------------===//

int Compiler::makePackageProduct(const Product &product,
                                 PackageBuilder &builder,
                                 std::string &contents) {
  if (product.name == "header") {
    contents = artifact::writeHeader(builder.getPackages());
    return kOk;
  }
  return builder.link(getName() + ".so", contents);
}

/// What the names of a function's and its derived functions' files end with.
static constexpr StringRef kSuffixes[] = {"", kForwardSuffix, kBackwardSuffix};

int Compiler::makeFatbin(const artifact::Package &package,
                         std::string &contents) {
  auto fatbin =
      artifact::makeFatbin(package, *artifact::findCudaTool("fatbinary"));
  if (!fatbin)
    return session.fail(kInternal, llvm::toString(fatbin.takeError()));
  contents = std::move(*fatbin);
  return kOk;
}

/// A manifest or a fatbin of every function of the library.
int Compiler::writeEach(const Product &product, PackageBuilder &builder) {
  for (auto [package, suffix] : llvm::zip(builder.getPackages(), kSuffixes)) {
    std::string contents;
    int code = product.name == "fatbin"
                   ? makeFatbin(package, contents)
                   : builder.getManifest(package, contents);
    if (code || (code = write(product, "", contents, suffix)))
      return code;
  }
  return kOk;
}

/// PTX and cubin of a package, for runtimes that load kernels themselves.
int Compiler::writeTargetProducts(const artifact::TargetCode &code,
                                  StringRef suffix) {
  for (const Product &product : products) {
    const std::string *contents = product.name == "ptx"     ? &code.ptx
                                  : product.name == "cubin" ? &code.cubin
                                                            : nullptr;
    if (contents && code.gpu)
      if (int error = write(product, code.name, *contents, suffix))
        return error;
  }
  return kOk;
}

int Compiler::compilePackage() {
  int code = kOk;
  func::FuncOp function = findEntry(session, *module, options.entry, code);
  if (!function)
    return code;
  PackageBuilder builder(session, *module, function, options);
  std::string prefix = options.prefix.empty()
                           ? artifact::makeIdentifier(function.getName())
                           : options.prefix;
  if ((code = builder.describe(prefix)))
    return code;
  for (kernel::TargetAttr target : targets) {
    if ((code = builder.addTarget(target, ptxas)))
      return code;
    for (auto [package, suffix] : llvm::zip(builder.getPackages(), kSuffixes))
      if ((code = writeTargetProducts(package.targets.back(), suffix)))
        return code;
  }
  for (const Product &product : products) {
    std::string contents;
    if (!product.package)
      continue;
    bool each = product.name == "manifest" || product.name == "fatbin";
    code = each ? writeEach(product, builder)
                : makePackageProduct(product, builder, contents);
    if (code == kOk && !each)
      code = write(product, "", contents);
    if (code)
      return code;
  }
  session["prefix"] = prefix;
  return kOk;
}

int Compiler::run() {
  int code = readTargets();
  if (code || (code = chooseProducts()) || (code = checkGradients()) ||
      (code = findTools()))
    return code;
  module = readProgram(session, options.input);
  if (!module)
    return kInputError;
  for (kernel::TargetAttr target : targets)
    if ((code = compileTarget(target)))
      return code;
  if (wantsPackage())
    code = compilePackage();
  session["target"] = options.target;
  session["files"] = std::move(files);
  return code;
}

int deltanet::driver::compile(const CompileOptions &options,
                              const Console &console) {
  Session session("compile", options, console);
  auto start = std::chrono::steady_clock::now();
  int code = Compiler(session, options).run();
  std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  session["seconds"] = seconds.count();
  return session.finish(code);
}
