//===- GpuLaunch.cpp - a function on a GPU --------------------------------===//
// The package is loaded and called by the runtime that user programs have; here
// are only memory, copies and clocks.
//===----------------------------------------------------------------------===//
#include "GpuDevice.h"
#include "Launch.h"
#include "deltanet/Runtime/Package.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;
using support::NpyArray;

/// CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
static constexpr int kCaptureThisThread = 1;

namespace {
/// Points in time on a stream.
class Clock {
public:
  explicit Clock(GpuDevice &device) : device(device) {}
  ~Clock() {
    for (void *event : {first, last})
      if (event)
        device.call("cuEventDestroy_v2", event);
  }
  bool create() {
    return device.call("cuEventCreate", &first, 0u) &&
           device.call("cuEventCreate", &last, 0u);
  }
  bool start() {
    return device.call("cuEventRecord", first, device.getStream());
  }
  /// Waits, and gives the seconds since start().
  bool stop(double &seconds) {
    float milliseconds = 0;
    if (!device.call("cuEventRecord", last, device.getStream()) ||
        !device.call("cuEventSynchronize", last) ||
        !device.call("cuEventElapsedTime", &milliseconds, first, last))
      return false;
    seconds = milliseconds * 1e-3;
    return true;
  }

private:
  GpuDevice &device;
  void *first = nullptr, *last = nullptr;
};

/// One call, captured, to be replayed.
class Graph {
public:
  explicit Graph(GpuDevice &device) : device(device) {}
  ~Graph() {
    if (executable)
      device.call("cuGraphExecDestroy", executable);
    if (graph)
      device.call("cuGraphDestroy", graph);
  }
  template <typename Body> bool capture(Body body) {
    if (!device.call("cuStreamBeginCapture_v2", device.getStream(),
                     kCaptureThisThread))
      return false;
    bool done = body();
    return device.call("cuStreamEndCapture", device.getStream(), &graph) &&
           done &&
           device.call("cuGraphInstantiateWithFlags", &executable, graph, 0ull);
  }
  bool replay() {
    return device.call("cuGraphLaunch", executable, device.getStream());
  }

private:
  GpuDevice &device;
  void *graph = nullptr, *executable = nullptr;
};

class GpuLaunch : public Launch {
public:
  GpuLaunch(Session &session, const artifact::Package &package,
            std::string manifest)
      : session(session), manifest(std::move(manifest)) {
    failure = kMissing; // but for what is our mistake
    for (const artifact::TensorInfo &argument : package.signature.arguments)
      names.push_back(argument.name);
    findPools(package.signature);
    for (llvm::StringRef blob : artifact::getBlobs(package))
      codes.push_back(blob.str());
    for (const std::string &code : codes)
      blobs.push_back({code.c_str(), code.size()});
    runtime = {DELTANET_PACKAGE_VERSION,
               static_cast<uint32_t>(blobs.size()),
               this->manifest.c_str(),
               this->manifest.size(),
               blobs.data(),
               nullptr,
               nullptr};
  }
  ~GpuLaunch() override { deltanet_close_package(&runtime); }

  bool open(int32_t number);
  std::optional<double> run(std::vector<NpyArray> &arguments,
                            std::vector<NpyArray> &results) override;
  std::optional<std::vector<double>> bench(std::vector<NpyArray> &arguments,
                                           std::vector<NpyArray> &results,
                                           int64_t repeats) override;
  std::string getMachine() const override { return device->getName(); }
  std::string getMethod() const override {
    return "replays of a graph, L2 overwritten";
  }

private:
  void findPools(const artifact::Signature &signature);
  bool prepare(std::vector<NpyArray> &arguments,
               std::vector<NpyArray> &results);
  bool makeWorkspace();
  bool poison();
  bool launch();
  bool check(int32_t code);
  bool fetch(std::vector<NpyArray> &results);

  Session &session;
  std::vector<std::string> names; ///< of the tensors
  /// Pools of states, before and after: a kernel writes only entries in use.
  std::vector<std::pair<size_t, size_t>> pools;
  std::string manifest;
  std::vector<std::string> codes;
  std::vector<deltanet_blob> blobs;
  deltanet_package runtime;
  int32_t number = 0;
  // The device goes last, after the memory on it.
  std::unique_ptr<GpuDevice> device;
  std::vector<GpuMemory> memories;
  std::unique_ptr<GpuMemory> workspace;
  std::vector<DLTensor> tensors;
  std::vector<const DLTensor *> pointers;
  size_t numInputs = 0;
};
} // namespace

bool GpuLaunch::check(int32_t code) {
  if (code == DELTANET_OK)
    return true;
  bool device = code == DELTANET_ERROR_DEVICE || code == DELTANET_ERROR_DRIVER;
  failure = session.fail(device ? kMissing : kInternal, deltanet_get_error());
  return false;
}

bool GpuLaunch::open(int32_t deviceNumber) {
  number = deviceNumber;
  device = GpuDevice::open(session, number);
  return device && check(deltanet_load_package(&runtime, number));
}

/// DLPack's word for an element type.
static DLDataType getType(support::NpyType type) {
  constexpr uint8_t kInt = 0, kFloat = 2, kBFloat = 4;
  uint8_t bits = static_cast<uint8_t>(8 * support::getSize(type));
  switch (type) {
  case support::NpyType::BF16:
    return {kBFloat, bits, 1};
  case support::NpyType::I32:
  case support::NpyType::I64:
    return {kInt, bits, 1};
  default:
    return {kFloat, bits, 1};
  }
}

/// Brings the arguments to the device, once.
bool GpuLaunch::prepare(std::vector<NpyArray> &arguments,
                        std::vector<NpyArray> &results) {
  if (!tensors.empty())
    return true;
  std::vector<NpyArray *> arrays;
  for (NpyArray &array : arguments)
    arrays.push_back(&array);
  for (NpyArray &array : results)
    arrays.push_back(&array);
  numInputs = arguments.size();
  for (NpyArray *array : arrays) {
    GpuMemory &memory = memories.emplace_back(*device);
    if (!memory.allocate(array->bytes.size()) ||
        !memory.write(array->bytes.data()))
      return false;
    DLTensor tensor = {};
    tensor.data = memory.get();
    tensor.device = {/*CUDA*/ 2, number};
    tensor.ndim = static_cast<int32_t>(array->shape.size());
    tensor.dtype = getType(array->type);
    tensor.shape = array->shape.data();
    tensors.push_back(tensor);
  }
  for (DLTensor &tensor : tensors)
    pointers.push_back(&tensor);
  return makeWorkspace();
}

bool GpuLaunch::makeWorkspace() {
  uint64_t bytes = 0;
  if (!check(deltanet_measure_package(&runtime, pointers.data(),
                                      static_cast<int32_t>(pointers.size()),
                                      &bytes)))
    return false;
  workspace = std::make_unique<GpuMemory>(*device);
  return workspace->allocate(bytes);
}

void GpuLaunch::findPools(const artifact::Signature &signature) {
  auto find = [&](const std::string &name) {
    return size_t(llvm::find(names, name) - names.begin());
  };
  for (const llvm::json::Value &entry : signature.operators) {
    const llvm::json::Object &op = *entry.getAsObject();
    const llvm::json::Object *operands = op.getObject("operands"),
                             *results = op.getObject("results");
    const llvm::json::Object *initial = operands->getObject("initial");
    auto last = results->getString("final_state");
    auto first = initial ? initial->getString("argument") : std::nullopt;
    if (operands->get("indices") && first && last)
      pools.push_back({find(first->str()), find(last->str())});
  }
}

/// Fills what a call writes with NaN, and copies pools to where they will be.
bool GpuLaunch::poison() {
  for (size_t i = numInputs; i < memories.size(); ++i)
    if (!memories[i].fill(kPoison))
      return false;
  auto address = [&](size_t i) {
    return reinterpret_cast<deltanet_cuda_pointer>(memories[i].get());
  };
  for (auto [before, after] : pools)
    if (memories[after].getSize() &&
        !device->call("cuMemcpyDtoD_v2", address(after), address(before),
                      memories[after].getSize()))
      return false;
  return workspace->fill(kPoison);
}

bool GpuLaunch::launch() {
  deltanet_call call = {};
  call.struct_size = sizeof call;
  call.stream = device->getStream();
  call.workspace = workspace->get();
  call.workspace_bytes = workspace->getSize();
  call.device = number;
  return check(deltanet_run_package(&runtime, &call, pointers.data(),
                                    static_cast<int32_t>(pointers.size())));
}

/// Reads the results, and sees whether anything beside them was written.
bool GpuLaunch::fetch(std::vector<NpyArray> &results) {
  for (size_t i = 0; i < memories.size(); ++i) {
    bool intact = true;
    if (i >= numInputs &&
        !memories[i].read(results[i - numInputs].bytes.data()))
      return false;
    if (!memories[i].checkGuards(intact))
      return false;
    if (!intact) {
      failure =
          session.fail(kInternal, "the kernel wrote beside '" + names[i] + "'");
      return false;
    }
  }
  bool intact = true;
  if (!workspace->checkGuards(intact))
    return false;
  if (!intact)
    failure = session.fail(kInternal, "the kernel wrote beside its workspace");
  return intact;
}

std::optional<double> GpuLaunch::run(std::vector<NpyArray> &arguments,
                                     std::vector<NpyArray> &results) {
  double seconds = 0;
  Clock clock(*device);
  if (!prepare(arguments, results) || !clock.create() || !poison() ||
      !device->call("cuCtxSynchronize") || !clock.start() || !launch() ||
      !clock.stop(seconds) || !fetch(results))
    return std::nullopt;
  return seconds;
}

std::optional<std::vector<double>>
GpuLaunch::bench(std::vector<NpyArray> &arguments,
                 std::vector<NpyArray> &results, int64_t repeats) {
  Clock clock(*device);
  Graph graph(*device);
  GpuMemory flush(*device);
  size_t flushBytes = 2 * device->getAttribute(DELTANET_CUDA_L2_BYTES);
  if (!prepare(arguments, results) || !clock.create() || !poison() ||
      !flush.allocate(flushBytes) || !device->call("cuCtxSynchronize") ||
      !graph.capture([&] { return launch(); }))
    return std::nullopt;
  std::vector<double> times;
  for (int64_t i = -1; i < repeats; ++i) {
    double seconds = 0;
    auto byte = static_cast<unsigned char>(i);
    auto address = reinterpret_cast<deltanet_cuda_pointer>(flush.get());
    if (!device->call("cuMemsetD8Async", address, byte, flushBytes,
                      device->getStream()) ||
        !clock.start() || !graph.replay() || !clock.stop(seconds))
      return std::nullopt;
    if (i >= 0)
      times.push_back(seconds);
  }
  return fetch(results) ? std::optional(times) : std::nullopt;
}

std::unique_ptr<Launch>
deltanet::driver::makeGpuLaunch(Session &session,
                                const artifact::Package &package,
                                std::string manifest, int32_t device) {
  auto launch =
      std::make_unique<GpuLaunch>(session, package, std::move(manifest));
  if (!launch->open(device))
    return nullptr;
  return launch;
}
