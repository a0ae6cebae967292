//===- Package.cpp - the loader of packages -------------------------------===//
// Opens NAME.so and calls it through its C ABI; what its tensors are called and
// look like comes from its manifest.
//===----------------------------------------------------------------------===//
#include "Program.h"
#include <dlfcn.h>
#include <utility>

using namespace deltanet;
using namespace deltanet::gpu;
using support::NpyType;

namespace {
// DLPack's structures, as far as packages read them.
struct DLDevice {
  int32_t type, id;
};
struct DLDataType {
  uint8_t code, bits;
  uint16_t lanes;
};
struct DLTensor {
  void *data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t *shape, *strides;
  uint64_t byteOffset;
};
struct Call {
  uint32_t structSize, flags;
  void *stream, *workspace;
  uint64_t workspaceBytes;
  int32_t device;
};
constexpr int32_t kCuda = 2;

DLDataType toDataType(NpyType type) {
  constexpr uint8_t integer = 0, floating = 2, bfloat = 4;
  auto bits = static_cast<uint8_t>(support::getSize(type) * 8);
  if (type == NpyType::BF16)
    return {bfloat, bits, 1};
  bool whole = type == NpyType::I32 || type == NpyType::I64;
  return {whole ? integer : floating, bits, 1};
}

/// Tensors of a call, with the shapes that they point to.
class Tensors {
public:
  Tensors(const std::vector<Argument> &arguments, const Pointers &pointers,
          const Sizes &sizes)
      : shapes(arguments.size()), tensors(arguments.size()) {
    for (size_t i = 0; i != arguments.size(); ++i) {
      shapes[i] = arguments[i].getShape(sizes);
      tensors[i] = {reinterpret_cast<void *>(pointers.at(arguments[i].name)),
                    {kCuda, 0},
                    static_cast<int32_t>(shapes[i].size()),
                    toDataType(arguments[i].type),
                    shapes[i].data(),
                    nullptr,
                    0};
    }
  }
  const DLTensor *get(size_t i) const { return &tensors[i]; }

private:
  std::vector<std::vector<int64_t>> shapes;
  std::vector<DLTensor> tensors;
};

/// Calls a C function of `first`, as many tensors as there are, and `rest`: the
/// number of arguments is known at run time only, so one call of each length is
/// compiled.
constexpr size_t kMaximumTensors = 24;

template <size_t> using TensorPointer = const DLTensor *;

template <size_t... I, typename First, typename... Rest>
int32_t callWith(std::index_sequence<I...>, void *function,
                 const Tensors &tensors, First first, Rest... rest) {
  if constexpr (std::is_same_v<First, std::nullptr_t>) {
    using Function = int32_t (*)(TensorPointer<I>..., Rest...);
    return reinterpret_cast<Function>(function)(tensors.get(I)..., rest...);
  } else {
    using Function = int32_t (*)(First, TensorPointer<I>..., Rest...);
    return reinterpret_cast<Function>(function)(first, tensors.get(I)...,
                                                rest...);
  }
}

template <size_t N = kMaximumTensors, typename First, typename... Rest>
int32_t call(void *function, const Tensors &tensors, size_t count, First first,
             Rest... rest) {
  if (count == N)
    return callWith(std::make_index_sequence<N>(), function, tensors, first,
                    rest...);
  if constexpr (N == 0)
    throw std::runtime_error("expects at most " +
                             std::to_string(kMaximumTensors) + " tensors");
  else
    return call<N - 1>(function, tensors, count, first, rest...);
}

class PackageProgram : public Program {
public:
  explicit PackageProgram(const std::string &path) {
    std::string absolute =
        path.find('/') == std::string::npos ? "./" + path : path;
    library = dlopen(absolute.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library)
      throw std::runtime_error("cannot open " + path + ": " + dlerror());
    readManifest(path);
    if (reinterpret_cast<int32_t (*)(int32_t)>(symbol("load"))(0) != 0)
      throw std::runtime_error("cannot load " + path + ": " + lastError());
  }
  /// Stays open: a library with code of the device in use is not taken away.
  ~PackageProgram() override {
    reinterpret_cast<int32_t (*)()>(symbol("unload"))();
  }

  std::map<std::string, int64_t> getWorkspaces(const Pointers &pointers,
                                               const Sizes &sizes) override {
    Tensors arguments(tensors, pointers, sizes);
    uint64_t bytes = 0;
    if (call(symbol("workspace"), arguments, tensors.size(), nullptr, &bytes))
      throw std::runtime_error("the package says: " + lastError());
    return {{kWorkspace, static_cast<int64_t>(bytes)}};
  }

  void run(const Pointers &pointers, const Sizes &sizes) override {
    Tensors arguments(tensors, pointers, sizes);
    Call options = {sizeof(Call), 0, nullptr, nullptr, 0, 0};
    auto workspace = pointers.find(kWorkspace);
    if (workspace != pointers.end()) {
      options.workspace = reinterpret_cast<void *>(workspace->second);
      options.workspaceBytes =
          static_cast<uint64_t>(getWorkspaces(pointers, sizes).at(kWorkspace));
    }
    if (call(symbol("run"), arguments, tensors.size(),
             static_cast<const Call *>(&options)))
      throw std::runtime_error("the package says: " + lastError());
  }

  std::string getSchedule(const Sizes &sizes) const override {
    std::string text;
    for (const Json &target : manifest->at("targets").getList())
      text += target.at("name").getText() + ": " +
              chooseSchedule(target, sizes) + "; ";
    return text;
  }
  std::string describe() const override { return "package " + prefix; }

private:
  static constexpr const char *kWorkspace = "workspace";

  void *symbol(const char *name) const {
    void *address = dlsym(library, (prefix + "_" + name).c_str());
    if (!address)
      throw std::runtime_error("expects a package with a function " + prefix +
                               "_" + name);
    return address;
  }
  std::string lastError() const {
    return reinterpret_cast<const char *(*)()>(symbol("last_error"))();
  }

  /// The schedule of the first variant whose condition holds, else the target's
  /// own.
  static std::string chooseSchedule(const Json &target, const Sizes &sizes) {
    if (const Json *variants = target.find("variants")) {
      Sizes here;
      for (const Json &size : target.at("sizes").getList())
        here[size.at("name").getText()] =
            size.find("device") ? getMultiprocessors()
                                : evaluate(size.at("is").getText(), sizes);
      for (const Json &variant : variants->getList())
        if (holds(variant.at("when").getText(), here))
          return variant.at("schedule").getText();
    }
    return target.at("schedule").getText();
  }

  /// The prefix is the file's name up to the first dot; tensors are as the
  /// manifest says.
  void readManifest(const std::string &path) {
    std::string name = path.substr(path.rfind('/') + 1);
    prefix = name.substr(0, name.find('.'));
    const char *text =
        reinterpret_cast<const char *(*)()>(symbol("manifest"))();
    manifest = Json::parse(text, "the manifest of " + path);
    for (const Json &entry : manifest->at("arguments").getList()) {
      Argument argument = readArgument(entry);
      if (argument.role == Argument::Role::Input ||
          argument.role == Argument::Role::Output)
        tensors.push_back(argument);
    }
  }

  void *library = nullptr;
  std::string prefix;
  std::optional<Json> manifest;
};
} // namespace

std::unique_ptr<Program> deltanet::gpu::loadPackage(const std::string &path) {
  return std::make_unique<PackageProgram>(path);
}
