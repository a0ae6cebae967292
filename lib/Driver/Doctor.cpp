//===- Doctor.cpp - deltanet doctor ---------------------------------------===//
// Looks for what the tool can use, and says what each missing thing costs.
//===----------------------------------------------------------------------===//
#include "Format.h"
#include "Session.h"
#include "deltanet/Artifact/Tools.h"
#include "deltanet/Runtime/Cuda.h"
#include "deltanet/Runtime/Package.h"
#include "deltanet/Target/TargetRegistry.h"
#include "mlir/Config/mlir-config.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include <thread>

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;

namespace {
/// One thing looked for.
struct Finding {
  std::string name;
  bool found;
  std::string detail; ///< what was found, or what its absence costs
};
} // namespace

/// A program of the CUDA toolkit.
static Finding findTool(StringRef name, const std::string &cost) {
  auto path = artifact::findCudaTool(name);
  return {name.str(), path.has_value(), path ? *path : cost};
}

static Finding findLinker() {
  auto linker = artifact::findLinker();
  return {"linker", linker.has_value(),
          linker ? linker->path : "no packages (compile --emit so)"};
}

static Finding findCudaDriver() {
  const deltanet_cuda *cuda = deltanet_open_cuda();
  if (!cuda)
    return {
        "libcuda", false,
        std::string("no run, check or bench on a GPU here; compiling for one "
                    "needs none (") +
            deltanet_get_error() + ")"};
  int number = 0, count = 0;
  cuda->cuDriverGetVersion(&number);
  cuda->cuDeviceGetCount(&count);
  std::string detail =
      fmt::format("CUDA {}.{}", number / 1000, number % 1000 / 10);
  for (int i = 0; i < count; ++i) {
    deltanet_cuda_device device;
    char name[128] = "";
    int major = 0, minor = 0;
    if (cuda->cuDeviceGet(&device, i))
      continue;
    cuda->cuDeviceGetName(name, sizeof name, device);
    cuda->cuDeviceGetAttribute(&major, DELTANET_CUDA_CAPABILITY_MAJOR, device);
    cuda->cuDeviceGetAttribute(&minor, DELTANET_CUDA_CAPABILITY_MINOR, device);
    detail += fmt::format(", device {}: {} ({}.{})", i, name, major, minor);
  }
  return {"libcuda", true, detail};
}

/// A code generator of the LLVM that we run with.
static Finding findCodeGenerator(StringRef name, const std::string &triple,
                                 StringRef cost) {
  std::string message;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(llvm::Triple(triple), message);
  if (target)
    return {name.str(), true, target->getShortDescription()};
  return {name.str(), false, cost.str()};
}

int deltanet::driver::doctor(const CommonOptions &options,
                             const Console &console) {
  Session session("doctor", options, console);
  llvm::InitializeAllTargetInfos();
  kernel::TargetAttr host = getHostTarget(session.getContext());
  std::vector<Finding> findings{
      {"LLVM", true, LLVM_VERSION_STRING},
      {"processor", true,
       fmt::format("{}, {} threads, {}-bit vectors{}", host.getChip().str(),
                   std::thread::hardware_concurrency(), host.getVectorBits(),
                   host.getFma() ? ", fma" : "")},
      findCodeGenerator("code for the host", host.getTriple().str(),
                        "no run, check or objects for this machine"),
      findCodeGenerator("code for GPUs", "nvptx64-nvidia-cuda", "no PTX"),
      findTool("ptxas",
               "no cubins; PTX is written all the same, and the driver "
               "compiles it where it is loaded"),
      findTool("fatbinary", "no --emit fatbin; packages need none"),
      findLinker(),
      findCudaDriver()};
  llvm::json::Array list;
  for (const Finding &finding : findings) {
    session.print(fmt::format("{:<18} {:<8} {}", finding.name,
                              finding.found ? "found" : "missing",
                              finding.detail));
    list.push_back(llvm::json::Object{{"name", finding.name},
                                      {"found", finding.found},
                                      {"detail", finding.detail}});
  }
  session["findings"] = std::move(list);
  return session.finish(kOk);
}
