//===- Launch.cpp - a compiled function and its arguments -----------------===//
#include "Launch.h"
#include "deltanet/Target/TargetRegistry.h"
#include "llvm/TargetParser/Triple.h"
#include <chrono>

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;
using support::NpyArray;

/// The memref descriptor of a contiguous tensor: base, data, offset, sizes,
/// strides, as words.
static SmallVector<int64_t> makeDescriptor(NpyArray &array) {
  auto address = reinterpret_cast<int64_t>(array.bytes.data());
  SmallVector<int64_t> words{address, address, 0};
  words.append(array.shape.begin(), array.shape.end());
  size_t strides = words.size();
  words.resize(strides + array.shape.size());
  int64_t stride = 1;
  for (size_t dim = array.shape.size(); dim-- > 0;) {
    words[strides + dim] = stride;
    stride *= array.shape[dim];
  }
  return words;
}

std::unique_ptr<Launch> Launch::create(Session &session, ModuleOp module,
                                       StringRef function) {
  auto program = host::Program::compile(module);
  if (!program) {
    session.fail(kInternal, llvm::toString(program.takeError()));
    return nullptr;
  }
  auto launch = std::make_unique<Launch>();
  launch->program = std::move(*program);
  launch->function = function.str();
  return launch;
}

std::optional<double> Launch::run(Session &session,
                                  std::vector<NpyArray> &arguments,
                                  std::vector<NpyArray> &results) {
  SmallVector<SmallVector<int64_t>> descriptors;
  for (NpyArray &argument : arguments)
    descriptors.push_back(makeDescriptor(argument));
  for (NpyArray &result : results) {
    std::fill(result.bytes.begin(), result.bytes.end(), uint8_t(0xff));
    descriptors.push_back(makeDescriptor(result));
  }
  SmallVector<void *> pointers;
  for (SmallVector<int64_t> &descriptor : descriptors)
    pointers.push_back(descriptor.data());
  auto start = std::chrono::steady_clock::now();
  llvm::Error error = program->invoke(function, pointers);
  std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  if (error) {
    session.fail(kInternal, llvm::toString(std::move(error)));
    return std::nullopt;
  }
  return seconds.count();
}

int deltanet::driver::checkRuns(Session &session, kernel::TargetAttr target) {
  kernel::TargetAttr host = getHostTarget(session.getContext());
  if (target.isGPU())
    return session.fail(
        kMissing, "expects a target that this program can launch on, got the "
                  "GPU '" +
                      target.getName() +
                      "'; use --target host, or compile --target " +
                      target.getName() + " --emit ptx");
  // What a target does not state is taken to be the host's.
  llvm::Triple hostTriple(host.getTriple());
  if (!target.getTriple().empty() &&
      llvm::Triple(target.getTriple()).getArch() != hostTriple.getArch())
    return session.fail(
        kMissing, "expects code for " + hostTriple.getArchName() + ", got '" +
                      target.getName() + "' of " + target.getTriple());
  if (target.getVectorBits() > host.getVectorBits() ||
      (target.getFma() && !host.getFma()))
    return session.fail(kMissing, "expects a processor with vectors of " +
                                      Twine(target.getVectorBits()) +
                                      " bits for '" + target.getName() +
                                      "', this one has " +
                                      Twine(host.getVectorBits()));
  return kOk;
}
