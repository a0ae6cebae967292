//===- Program.cpp - what can be run on the device ------------------------===//
// See Program.h: the loader of PTX, and what both loaders share.
//===----------------------------------------------------------------------===//
#include "Program.h"
#include "deltanet/Support/File.h"
#include <algorithm>
#include <fstream>
#include <sstream>

using namespace deltanet;
using namespace deltanet::gpu;

std::string deltanet::gpu::readText(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream stream;
  if (!file || !(stream << file.rdbuf()))
    throw std::runtime_error("cannot read " + path);
  return stream.str();
}

const Argument *Program::find(const std::string &name) const {
  for (const Argument &argument : tensors)
    if (argument.name == name)
      return &argument;
  return nullptr;
}

namespace {
/// The texts of PTX modules, one after the other in a file.
std::vector<std::string> splitModules(const std::string &ptx) {
  std::vector<size_t> begins;
  for (size_t at = ptx.find("\n.version"); at != std::string::npos;
       at = ptx.find("\n.version", at + 1))
    begins.push_back(at + 1);
  if (begins.size() < 2)
    return {ptx};
  std::vector<std::string> modules;
  for (size_t i = 0; i != begins.size(); ++i)
    modules.push_back(ptx.substr(
        begins[i],
        (i + 1 == begins.size() ? ptx.size() : begins[i + 1]) - begins[i]));
  return modules;
}

class PtxProgram : public Program {
public:
  PtxProgram(const std::string &ptx, const std::string &code)
      : launches(readLaunches(ptx)) {
    if (code.empty())
      for (const std::string &text : splitModules(ptx))
        modules.emplace_back(text);
    else
      modules.emplace_back(code);
    fromCubin = !code.empty();
    for (const Launch &launch : launches) {
      kernels.push_back(findKernel(launch, ptx));
      for (const Argument &argument : launch.arguments)
        addArgument(argument, launch.variant);
    }
  }

  std::map<std::string, int64_t> getWorkspaces(const Pointers &,
                                               const Sizes &sizes) override {
    std::map<std::string, int64_t> bytes;
    for (const Argument &argument : workspaces[choose(sizes)])
      bytes[argument.name] = argument.getBytes(sizes);
    return bytes;
  }

  void run(const Pointers &pointers, const Sizes &sizes) override {
    std::string variant = choose(sizes);
    for (size_t i = 0; i != launches.size(); ++i)
      if (launches[i].variant == variant)
        runOne(launches[i], kernels[i], pointers, sizes);
  }

  std::string getSchedule(const Sizes &sizes) const override {
    std::string text, variant = choose(sizes);
    for (const Launch &launch : launches)
      if (launch.variant == variant)
        text += std::to_string(launch.block) + " threads, " +
                std::to_string(launch.sharedBytes) + " bytes; ";
    return text;
  }

  std::string describe() const override {
    std::string text = fromCubin ? "cubin" : "ptx";
    for (size_t i = 0; i != kernels.size(); ++i)
      text += "  " + launches[i].kernel + " " +
              std::to_string(kernels[i].getRegisters()) + " registers, " +
              std::to_string(kernels[i].getLocalBytes()) + " B local, " +
              std::to_string(launches[i].sharedBytes) + " B shared";
    return text;
  }

private:
  /// A kernel may lie in any module of the file.
  Kernel findKernel(const Launch &launch, const std::string &ptx) {
    std::vector<std::string> texts = splitModules(ptx);
    size_t owner = 0;
    for (size_t i = 0; i != texts.size() && modules.size() > 1; ++i)
      if (texts[i].find(".entry " + launch.kernel + "(") != std::string::npos)
        owner = i;
    return Kernel(modules[owner].get(), launch.kernel, launch.sharedBytes);
  }

  std::string choose(const Sizes &sizes) const {
    Sizes here = sizes;
    here["M"] = getMultiprocessors();
    return chooseVariant(launches, here);
  }

  void addArgument(const Argument &argument, const std::string &variant) {
    if (argument.role == Argument::Role::Size)
      return;
    auto &list = argument.role == Argument::Role::Workspace
                     ? workspaces[variant]
                     : tensors;
    auto known = std::find_if(list.begin(), list.end(), [&](const Argument &a) {
      return a.name == argument.name;
    });
    if (known == list.end())
      list.push_back(argument);
    else if (known->type != argument.type || known->shape != argument.shape)
      throw std::runtime_error("expects one type and shape of '" +
                               argument.name + "' in all kernels of a program");
    else if (argument.role == Argument::Role::Output)
      known->role = argument.role; // one kernel writes what another reads
  }

  static TensorMap describeMap(const Argument &argument, DevicePointer pointer,
                               const Sizes &sizes) {
    int64_t elementBytes = support::getSize(argument.type);
    if (elementBytes != 2)
      throw std::runtime_error("expects 16-bit elements behind a map, got '" +
                               argument.name + "'");
    std::vector<uint64_t> extents, strides;
    std::vector<uint32_t> box;
    for (const std::string &text : argument.map->extents)
      extents.push_back(evaluate(text, sizes));
    for (const std::string &text : argument.map->strides)
      strides.push_back(evaluate(text, sizes) * elementBytes);
    for (const std::string &text : argument.map->box)
      box.push_back(static_cast<uint32_t>(evaluate(text, sizes)));
    return makeTensorMap(argument.type == support::NpyType::BF16, pointer,
                         extents, strides, box, argument.map->swizzle);
  }

  static void runOne(const Launch &launch, Kernel &kernel,
                     const Pointers &pointers, const Sizes &sizes) {
    Sizes here = sizes;
    here["M"] = getMultiprocessors();
    int64_t grid[3];
    for (int d = 0; d != 3; ++d)
      grid[d] = evaluate(launch.grid[d], here);
    if (grid[0] == 0 || grid[1] == 0 || grid[2] == 0)
      return; // no block, and perhaps no tensor to describe
    size_t count = launch.arguments.size();
    std::vector<int64_t> values(count);
    std::vector<TensorMap> maps(count);
    std::vector<void *> parameters;
    for (size_t i = 0; i != count; ++i) {
      const Argument &argument = launch.arguments[i];
      parameters.push_back(&values[i]);
      if (argument.role == Argument::Role::Size) {
        values[i] = evaluate(argument.name, sizes);
        continue;
      }
      auto it = pointers.find(argument.name);
      if (it == pointers.end())
        throw std::runtime_error("expects memory for '" + argument.name + "'");
      values[i] = static_cast<int64_t>(it->second);
      if (argument.map) {
        maps[i] = describeMap(argument, it->second, sizes);
        parameters.back() = &maps[i];
      }
    }
    kernel.launch(grid, launch.block, launch.cluster, parameters);
  }

  std::vector<Launch> launches;
  std::vector<Module> modules;
  std::vector<Kernel> kernels;
  std::map<std::string, std::vector<Argument>> workspaces; // by variant
  bool fromCubin = false;
};
} // namespace

std::unique_ptr<Program> deltanet::gpu::loadPtx(const std::string &path,
                                                const std::string &code) {
  return std::make_unique<PtxProgram>(readText(path),
                                      code.empty() ? "" : readText(code));
}

std::unique_ptr<Program> deltanet::gpu::loadProgram(const std::string &path,
                                                    const std::string &code) {
  bool package =
      path.size() > 3 && path.compare(path.size() - 3, 3, ".so") == 0;
  return package ? loadPackage(path) : loadPtx(path, code);
}
