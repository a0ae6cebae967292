//===- FakeDriver.cpp - a driver of a device that is not there ------------===//
// The functions of libcuda.so.1 that deltanet-gpu-check calls, on the memory of
// this machine. A "kernel" is the recurrence in float64: its module's launch
// line says what its arguments are, NAME.json of DELTANET_FAKE_CASES which
// operator it is. DELTANET_FAKE_FAULT names one thing that goes wrong.
//===----------------------------------------------------------------------===//
#include "Check.h"
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

using namespace deltanet;
using namespace deltanet::gpu;
using support::NpyArray;

namespace {
struct FakeModule {
  std::vector<Launch> launches;
};
struct FakeFunction {
  Launch launch;
};

std::string getVariable(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

/// One launch: its tensors by name, in host memory.
class Call {
public:
  Call(const Launch &launch, void **parameters) : launch(launch) {
    for (size_t i = 0; i != launch.arguments.size(); ++i) {
      const Argument &argument = launch.arguments[i];
      auto value = *static_cast<int64_t *>(parameters[i]);
      if (argument.role == Argument::Role::Size)
        sizes[argument.name] = value;
      else
        pointers[argument.name] = reinterpret_cast<unsigned char *>(value);
    }
  }

  void run() {
    fault = getVariable("DELTANET_FAKE_FAULT");
    std::string name = launch.kernel;
    Case c =
        readCase(getVariable("DELTANET_FAKE_CASES") + "/" + name + ".json");
    op = *c.op;
    findSizes();
    for (const Argument &argument : launch.arguments)
      if (argument.role == Argument::Role::Input)
        inputs[argument.name] = read(argument);
    misbehave();
    bool state = pointers.count("state");
    auto results = computeExpected(op, sizes, inputs, state);
    distort(results);
    for (const Argument &argument : launch.arguments)
      if (argument.role == Argument::Role::Output)
        write(argument, results.at(argument.name));
  }

private:
  /// Sizes that the types fix are no arguments: the case's name them.
  void findSizes() {
    const Argument *q = find("q"), *v = find("v");
    bool bthd = op.layout == reference::Layout::BTHD;
    std::vector<int64_t> shape = q->getShape(sizes);
    sizes["B"] = shape[0];
    sizes["T"] = shape[bthd ? 1 : 2];
    sizes["G"] = shape[bthd ? 2 : 1];
    sizes["H"] = v->getShape(sizes)[bthd ? 2 : 1];
    sizes["N"] = find("sequences") ? find("sequences")->getShape(sizes)[0] - 1
                                   : shape[0];
    if (op.pool)
      sizes["P"] = find("initial")->getShape(sizes)[0];
  }
  const Argument *find(const std::string &name) const {
    for (const Argument &argument : launch.arguments)
      if (argument.name == name)
        return &argument;
    return nullptr;
  }
  NpyArray read(const Argument &argument) const {
    const unsigned char *data = pointers.at(argument.name);
    return {argument.type, argument.getShape(sizes),
            std::vector<uint8_t>(data, data + argument.getBytes(sizes))};
  }
  void write(const Argument &argument, const std::vector<double> &values) {
    NpyArray array = support::fromDoubles(
        argument.type, argument.getShape(sizes), values.data());
    std::copy(array.bytes.begin(), array.bytes.end(),
              pointers.at(argument.name));
  }

  void misbehave() {
    if (fault == "crash")
      raise(SIGSEGV);
    if (fault == "hang")
      sleep(1000);
    if (fault == "guard")
      pointers.at("o")[-1] = 0;
    if (fault == "input" && !inputs.at("v").bytes.empty())
      ++pointers.at("v")[0];
    if (fault == "no-initial")
      inputs.erase("initial");
    if (fault == "read-past-end") // a sum over what lies behind the keys
      past =
          support::toDoubles({find("k")->type,
                              {1},
                              {pointers.at("k") + find("k")->getBytes(sizes),
                               pointers.at("k") + find("k")->getBytes(sizes) +
                                   support::getSize(find("k")->type)}})[0];
  }

  void distort(std::map<std::string, std::vector<double>> &results) {
    std::vector<double> &o = results.at("o");
    if (o.empty())
      return;
    static int calls = 0;
    ++calls;
    int64_t row = sizes.at("T") / 2 * op.V;
    if (fault == "row")
      for (int64_t i = row; i != row + op.V; ++i)
        o[i] += 1;
    if (fault == "bits")
      o[0] *= 1 + calls * 0x1p-6;
    if (fault == "nan")
      o[o.size() / 2] = std::nan("");
    if (fault == "small-error")
      for (double &x : o)
        x *= 1.02;
    if (fault == "packed" && sizes.at("N") == 1)
      o[0] *= 1.01;
    if (fault == "read-past-end")
      o[0] += 0 * past;
  }

  const Launch &launch;
  Sizes sizes;
  std::map<std::string, unsigned char *> pointers;
  Tensors inputs;
  Operator op;
  std::string fault;
  double past = 0;
};

void *toHost(unsigned long long pointer) {
  return reinterpret_cast<void *>(pointer);
}
} // namespace

extern "C" {
int cuInit(unsigned) {
  return getVariable("DELTANET_FAKE_FAULT") == "no-device" ? 100 : 0;
}
int cuGetErrorString(int, const char **text) {
  *text = "what the fake driver was told to say";
  return 0;
}
int cuDriverGetVersion(int *version) {
  *version = 13000;
  return 0;
}
int cuDeviceGetCount(int *count) {
  *count = 1;
  return 0;
}
int cuDevicePrimaryCtxRelease_v2(int) { return 0; }
int cuCtxGetCurrent(void **context) {
  static int one;
  *context = &one;
  return 0;
}
int cuCtxGetDevice(int *device) { return *device = 0; }
int cuCtxPushCurrent_v2(void *) { return 0; }
int cuCtxPopCurrent_v2(void **) { return 0; }
int cuDeviceGet(int *device, int) { return *device = 0; }
int cuDeviceGetName(char *name, int size, int) {
  std::strncpy(name, "no device at all", size);
  return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int) {
  switch (attribute) {
  case 75: // compute capability 8.0
    *value = 8;
    return 0;
  case 97: // shared memory of a block
    *value = 232448;
    return 0;
  default:
    return *value = 0;
  }
}
int cuDevicePrimaryCtxRetain(void **, int) { return 0; }
int cuCtxSetCurrent(void *) { return 0; }
int cuCtxSynchronize() { return 0; }
int cuMemAlloc_v2(unsigned long long *pointer, size_t bytes) {
  *pointer = reinterpret_cast<unsigned long long>(std::malloc(bytes));
  return *pointer ? 0 : 2;
}
int cuMemFree_v2(unsigned long long pointer) {
  std::free(toHost(pointer));
  return 0;
}
int cuMemsetD8_v2(unsigned long long pointer, unsigned char byte,
                  size_t bytes) {
  std::memset(toHost(pointer), byte, bytes);
  return 0;
}
int cuMemcpyHtoD_v2(unsigned long long to, const void *from, size_t bytes) {
  std::memcpy(toHost(to), from, bytes);
  return 0;
}
int cuMemcpyDtoH_v2(void *to, unsigned long long from, size_t bytes) {
  std::memcpy(to, toHost(from), bytes);
  return 0;
}
int cuModuleLoadDataEx(void **module, const void *image, unsigned, int *,
                       void **) {
  try {
    *module = new FakeModule{readLaunches(static_cast<const char *>(image))};
    return 0;
  } catch (const std::exception &) {
    return 209; // a cubin, for no chip that there is
  }
}
int cuModuleUnload(void *module) {
  delete static_cast<FakeModule *>(module);
  return 0;
}
int cuModuleGetFunction(void **function, void *module, const char *name) {
  for (const Launch &launch : static_cast<FakeModule *>(module)->launches)
    if (launch.kernel == name) {
      static std::vector<std::unique_ptr<FakeFunction>> functions;
      functions.push_back(std::make_unique<FakeFunction>(FakeFunction{launch}));
      *function = functions.back().get();
      return 0;
    }
  return 500;
}
int cuFuncSetAttribute(void *, int, int) { return 0; }
int cuFuncGetAttribute(int *value, int, void *) { return *value = 0; }
int cuLaunchKernel(void *function, unsigned, unsigned, unsigned, unsigned,
                   unsigned, unsigned, unsigned, void *, void **parameters,
                   void **) {
  try {
    Call(static_cast<FakeFunction *>(function)->launch, parameters).run();
    return 0;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "fake driver: %s\n", error.what());
    return 700;
  }
}
}
