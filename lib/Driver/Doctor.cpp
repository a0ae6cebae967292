//===- Doctor.cpp - deltanet doctor ---------------------------------------===//
// Looks for what the tool can use, and says what each missing thing costs.
//===----------------------------------------------------------------------===//
#include "Format.h"
#include "Session.h"
#include "deltanet/Target/TargetRegistry.h"
#include "mlir/Config/mlir-config.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/TargetSelect.h"
#include <dlfcn.h>

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

/// ptxas on the path, or where the CUDA toolkit puts it.
static Finding findPtxas() {
  auto path = llvm::sys::findProgramByName("ptxas");
  if (!path)
    path = llvm::sys::findProgramByName("ptxas", {"/usr/local/cuda/bin"});
  if (path)
    return {"ptxas", true, *path};
  return {"ptxas", false,
          "no cubins; PTX is written all the same, and the driver compiles it "
          "where it is loaded"};
}

static Finding findCudaDriver() {
  void *library = ::dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (!library)
    return {"libcuda", false,
            "no run or check on a GPU here; compiling for one needs none"};
  auto version =
      reinterpret_cast<int (*)(int *)>(::dlsym(library, "cuDriverGetVersion"));
  int number = 0;
  std::string detail = "libcuda.so.1";
  if (version && version(&number) == 0)
    detail += fmt::format(", CUDA {}.{}", number / 1000, number % 1000 / 10);
  ::dlclose(library);
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
      findPtxas(),
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
