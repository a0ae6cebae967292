//===- HostLaunch.cpp - a function on this processor ----------------------===//
// LLVM links the code into this process; arguments are memref descriptors.
//===----------------------------------------------------------------------===//
#include "GpuDevice.h"
#include "Launch.h"
#include "deltanet/Target/Host.h"
#include "deltanet/Target/TargetRegistry.h"
#include "llvm/TargetParser/Triple.h"
#include <chrono>
#include <unistd.h>

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

/// Overwrites what the caches hold.
static void flushCaches(std::vector<uint8_t> &memory) {
  // Where the system does not say how large its last cache is.
  constexpr long kUnknown = 64l << 20;
  if (memory.empty()) {
    long bytes = std::max(::sysconf(_SC_LEVEL3_CACHE_SIZE),
                          ::sysconf(_SC_LEVEL2_CACHE_SIZE));
    memory.resize(2 * (bytes > 0 ? bytes : kUnknown));
  }
  for (uint8_t &byte : memory)
    ++byte;
}

namespace {
class HostLaunch : public Launch {
public:
  HostLaunch(Session &session, std::shared_ptr<host::Program> program,
             StringRef function)
      : session(session), program(std::move(program)),
        function(function.str()) {}

  std::optional<double> run(std::vector<NpyArray> &arguments,
                            std::vector<NpyArray> &results) override {
    SmallVector<SmallVector<int64_t>> descriptors;
    for (NpyArray &argument : arguments)
      descriptors.push_back(makeDescriptor(argument));
    for (NpyArray &result : results) {
      std::fill(result.bytes.begin(), result.bytes.end(), kPoison);
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

  std::optional<std::vector<double>> bench(std::vector<NpyArray> &arguments,
                                           std::vector<NpyArray> &results,
                                           int64_t repeats) override {
    std::vector<double> times;
    std::vector<uint8_t> memory;
    for (int64_t i = -1; i < repeats; ++i) {
      flushCaches(memory);
      auto time = run(arguments, results);
      if (!time)
        return std::nullopt;
      if (i >= 0)
        times.push_back(*time);
    }
    return times;
  }

  std::string getMachine() const override { return ""; }
  std::string getMethod() const override { return "calls, caches overwritten"; }

private:
  Session &session;
  std::shared_ptr<host::Program> program;
  std::string function;
};
} // namespace

std::vector<std::unique_ptr<Launch>>
deltanet::driver::makeHostLaunches(Session &session, ModuleOp module,
                                   ArrayRef<std::string> functions) {
  std::vector<std::unique_ptr<Launch>> launches;
  auto program = host::Program::compile(module);
  if (!program) {
    session.fail(kInternal, llvm::toString(program.takeError()));
    return launches;
  }
  std::shared_ptr<host::Program> shared = std::move(*program);
  for (const std::string &function : functions)
    launches.push_back(std::make_unique<HostLaunch>(session, shared, function));
  return launches;
}

/// What a target does not state is taken to be the host's.
static int checkProcessor(Session &session, kernel::TargetAttr target) {
  kernel::TargetAttr host = getHostTarget(session.getContext());
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

int deltanet::driver::checkRuns(Session &session, kernel::TargetAttr target,
                                int32_t device) {
  return target.isGPU() ? checkDevice(session, target, device)
                        : checkProcessor(session, target);
}
