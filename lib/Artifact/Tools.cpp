//===- Tools.cpp - programs that a package is made with -------------------===//
// See Tools.h. Files they need are in a folder that goes away afterwards; their
// paths do not reach the output.
//===----------------------------------------------------------------------===//
#include "deltanet/Artifact/Tools.h"
#include "deltanet/Support/File.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace deltanet;
using namespace deltanet::artifact;
using namespace llvm;

static constexpr unsigned char kRuntime[] = {
#include "PackageRuntime.inc"
};

static Error refuse(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message.str().c_str());
}

/// The program that the user names in `variable`, if he does; nothing where
/// that is not one.
static std::optional<std::optional<std::string>>
findStated(const Twine &variable) {
  using Found = std::optional<std::string>;
  auto stated = sys::Process::GetEnv(variable.str());
  if (!stated || stated->empty())
    return std::nullopt;
  auto path = sys::findProgramByName(*stated);
  return path && sys::fs::can_execute(*path) ? Found(*path) : Found();
}

std::optional<std::string> artifact::findCudaTool(StringRef name) {
  if (auto stated = findStated("DELTANET_" + name.upper()))
    return *stated;
  if (auto path = sys::findProgramByName(name))
    return *path;
  if (auto path = sys::findProgramByName(name, {"/usr/local/cuda/bin"}))
    return *path;
  return std::nullopt;
}

StringRef artifact::getLinkerNames() { return "cc, clang, gcc or ld.lld"; }

std::optional<Linker> artifact::findLinker() {
  if (auto stated = findStated("DELTANET_LINKER")) {
    if (!*stated)
      return std::nullopt;
    StringRef name = sys::path::filename(**stated);
    return Linker{**stated, !name.starts_with("ld") && !name.contains("lld")};
  }
  for (StringRef name : {"cc", "clang", "gcc"})
    if (auto path = sys::findProgramByName(name))
      return Linker{*path, true};
  if (auto path = sys::findProgramByName("ld.lld"))
    return Linker{*path, false};
  return std::nullopt;
}

namespace {
/// A folder for the files of one program.
class Folder {
public:
  static Expected<std::unique_ptr<Folder>> create() {
    SmallString<128> path;
    if (std::error_code error =
            sys::fs::createUniqueDirectory("deltanet", path))
      return createStringError(error, "cannot make a temporary folder");
    auto folder = std::make_unique<Folder>();
    folder->path = path;
    return folder;
  }
  ~Folder() {
    if (!path.empty())
      sys::fs::remove_directories(path);
  }

  std::string get(StringRef name) const {
    SmallString<128> file(path);
    sys::path::append(file, name);
    return file.str().str();
  }
  Error write(StringRef name, StringRef contents) const {
    std::string message;
    if (!deltanet::support::writeFile(get(name), contents.data(),
                                      contents.size(), message))
      return refuse(message);
    return Error::success();
  }
  Expected<std::string> read(StringRef name) const {
    std::string message;
    auto contents = deltanet::support::readFile(get(name), message);
    if (!contents)
      return refuse(message);
    return *contents;
  }

private:
  SmallString<128> path;
};
} // namespace

/// Runs a program; what it says on stdout and stderr, or why it failed.
static Expected<std::string> runProgram(const Folder &folder, StringRef path,
                                        ArrayRef<std::string> arguments) {
  SmallVector<StringRef> line{path};
  line.append(arguments.begin(), arguments.end());
  std::string log = folder.get("log"), message;
  std::optional<StringRef> redirects[] = {StringRef(""), StringRef(log),
                                          StringRef(log)};
  int code =
      sys::ExecuteAndWait(path, line, std::nullopt, redirects, 0, 0, &message);
  Expected<std::string> said = folder.read("log");
  if (!said)
    consumeError(said.takeError());
  std::string text = said ? *said : "";
  if (code == 0)
    return text;
  return refuse(sys::path::filename(path) + " failed (" + Twine(code) + ")" +
                (message.empty() ? "" : ": ") + message +
                (text.empty() ? "" : ":\n") + StringRef(text).rtrim());
}

Expected<std::string> artifact::getVersion(StringRef ptxas) {
  auto folder = Folder::create();
  if (!folder)
    return folder.takeError();
  Expected<std::string> text = runProgram(**folder, ptxas, {"--version"});
  if (!text)
    return text.takeError();
  size_t begin = StringRef(*text).find("release ");
  if (begin == StringRef::npos)
    return refuse("expects a version of ptxas, got '" + *text + "'");
  return StringRef(*text).substr(begin).split('\n').first.rtrim().str();
}

//===----------------------------------------------------------------------===//
// ptxas
//===----------------------------------------------------------------------===//

/// The number before `unit` in a line, as in `168 registers`.
static int64_t getNumber(StringRef line, StringRef unit) {
  size_t at = line.find(unit);
  if (at == StringRef::npos)
    return 0;
  StringRef digits = line.take_front(at).rtrim();
  digits = digits.take_back(digits.size() -
                            (digits.find_last_not_of("0123456789") + 1));
  int64_t value = 0;
  digits.getAsInteger(10, value);
  return value;
}

/// What `ptxas -v` says of each kernel.
static std::vector<std::pair<std::string, Resources>>
readResources(StringRef text) {
  std::vector<std::pair<std::string, Resources>> resources;
  while (!text.empty()) {
    auto [line, rest] = text.split('\n');
    text = rest;
    size_t entry = line.find("Compiling entry function '");
    if (entry != StringRef::npos) {
      StringRef name = line.substr(entry).split('\'').second.split('\'').first;
      resources.push_back({name.str(), Resources()});
      continue;
    }
    if (resources.empty())
      continue;
    Resources &last = resources.back().second;
    if (line.contains("bytes stack frame")) {
      last.stackBytes = getNumber(line, " bytes stack frame");
      last.spillStores = getNumber(line, " bytes spill stores");
      last.spillLoads = getNumber(line, " bytes spill loads");
    } else if (line.contains("Used ")) {
      last.registers = getNumber(line, " registers");
      last.staticShared = getNumber(line, " bytes smem");
    }
  }
  return resources;
}

/// `sm_90a` of `.target sm_90a` in PTX: a chip that the code generator knows,
/// where the name of the target is one that is newer.
static Expected<std::string> getChip(const TargetCode &target) {
  StringRef text = StringRef(target.ptx).split("\n.target ").second;
  StringRef chip =
      text.take_while([](char c) { return isAlnum(c) || c == '_'; });
  if (chip.empty())
    return refuse("expects PTX with a .target for '" + target.name + "'");
  return chip.str();
}

Error artifact::assemble(TargetCode &target, StringRef ptxas) {
  auto folder = Folder::create();
  if (!folder)
    return folder.takeError();
  Expected<std::string> chip = getChip(target);
  if (!chip)
    return chip.takeError();
  if (Error error = (*folder)->write("in.ptx", target.ptx))
    return error;
  Expected<std::string> said =
      runProgram(**folder, ptxas,
                 {"-v", "-arch=" + *chip, "-O3", (*folder)->get("in.ptx"), "-o",
                  (*folder)->get("out.cubin")});
  if (!said)
    return said.takeError();
  Expected<std::string> cubin = (*folder)->read("out.cubin");
  if (!cubin)
    return cubin.takeError();
  Expected<std::string> version = getVersion(ptxas);
  if (!version)
    return version.takeError();
  target.cubin = std::move(*cubin);
  target.resources = readResources(*said);
  target.assembler = std::move(*version);
  return Error::success();
}

Expected<std::string> artifact::makeFatbin(const Package &package,
                                           StringRef fatbinary) {
  auto folder = Folder::create();
  if (!folder)
    return folder.takeError();
  std::vector<std::string> arguments{"-64", "--create=" +
                                                (*folder)->get("out.fatbin")};
  for (const TargetCode &target : package.targets) {
    if (!target.gpu)
      continue;
    Expected<std::string> chip = getChip(target);
    if (!chip)
      return chip.takeError();
    StringRef number = StringRef(*chip).drop_front(3); // sm_
    for (auto [kind, prefix, code] :
         {std::tuple("cubin", "sm_", &target.cubin),
          std::tuple("ptx", "compute_", &target.ptx)}) {
      if (code->empty())
        continue;
      std::string name = target.name + "." + kind;
      if (Error error = (*folder)->write(name, *code))
        return std::move(error);
      arguments.push_back((Twine("--image3=kind=") +
                           (kind == StringRef("ptx") ? "ptx" : "elf") +
                           ",sm=" + number + ",file=" + (*folder)->get(name))
                              .str());
    }
  }
  Expected<std::string> said = runProgram(**folder, fatbinary, arguments);
  if (!said)
    return said.takeError();
  return (*folder)->read("out.fatbin");
}

//===----------------------------------------------------------------------===//
// The linker
//===----------------------------------------------------------------------===//

/// What of packages others see.
static std::string writeExports(ArrayRef<Package> packages) {
  std::string text = "{\n  global:\n";
  for (const Package &package : packages)
    for (StringRef name :
         {"run", "workspace", "load", "unload", "last_error", "manifest"})
      text += "    " + package.signature.prefix + "_" + name.str() + ";\n";
  return text + "  local: *;\n};\n";
}

/// Writes the objects to link; their paths.
static Expected<std::vector<std::string>>
writeObjects(const Folder &folder, ArrayRef<Package> packages,
             ArrayRef<std::string> glues) {
  std::vector<std::string> paths;
  auto write = [&](const Twine &name, StringRef contents) -> Error {
    paths.push_back(folder.get(name.str()));
    return folder.write(name.str(), contents);
  };
  for (auto [i, package, glue] : enumerate(packages, glues)) {
    if (Error error = write("glue" + Twine(i) + ".o", glue))
      return std::move(error);
    // Functions of one gradient share an object.
    const TargetCode *host = package.findHost();
    if (host && !host->object.empty())
      if (Error error = write("host" + Twine(i) + ".o", host->object))
        return std::move(error);
  }
  return paths;
}

Expected<std::string> artifact::link(ArrayRef<Package> packages,
                                     ArrayRef<std::string> glues,
                                     StringRef name, const Linker &linker) {
  auto folder = Folder::create();
  if (!folder)
    return folder.takeError();
  const Folder &f = **folder;
  StringRef runtime(reinterpret_cast<const char *>(kRuntime), sizeof kRuntime);
  if (Error error = f.write("libruntime.a", runtime))
    return std::move(error);
  if (Error error = f.write("exports", writeExports(packages)))
    return std::move(error);
  auto objects = writeObjects(f, packages, glues);
  if (!objects)
    return objects.takeError();
  std::vector<std::string> arguments{"-shared", "-o", f.get("out.so")};
  arguments.insert(arguments.end(), objects->begin(), objects->end());
  arguments.push_back(f.get("libruntime.a"));
  auto pass = [&](std::vector<std::string> options) {
    if (linker.driver)
      arguments.push_back("-Wl," + join(options, ","));
    else
      arguments.insert(arguments.end(), options.begin(), options.end());
  };
  pass({"--version-script=" + f.get("exports")});
  pass({"-soname=" + name.str()});
  pass({"--build-id=none", "--gc-sections", "-s"});
  if (linker.driver) {
    // All that is missing is missing here, not where it is loaded.
    pass({"-z", "defs"});
    for (StringRef library : {"-lm", "-lpthread", "-ldl"})
      arguments.push_back(library.str());
  }
  Expected<std::string> said = runProgram(f, linker.path, arguments);
  if (!said)
    return said.takeError();
  return f.read("out.so");
}
