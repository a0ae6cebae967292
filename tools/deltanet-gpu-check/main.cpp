//===- main.cpp - deltanet-gpu-check --------------------------------------===//
// Checks and times a kernel on the GPU of this machine; needs NVIDIA's driver
// and nothing else.
//===----------------------------------------------------------------------===//
#include "Check.h"
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

using namespace deltanet::gpu;

/// Exit codes, those of `deltanet`.
enum ExitCode {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,
  kInputError = 3,
  kNoDevice = 4
};

static constexpr const char *kUsageText =
    R"(usage: deltanet-gpu-check KERNEL.ptx [--code FILE] [--tol X] [--check CASE]... [--time CASE]...

Runs the kernel of KERNEL.ptx on the first GPU and compares it with the
token-by-token recurrence in float64, computed here.

  --code FILE   load this cubin in place of the PTX, which then only says how it
                is launched
  --tol X       largest relative Frobenius error of a result (default 4.5e-3)
  --check CASE  sizes B, T, H (and G), and what is special about the inputs:
                  seed=N        other random numbers
                  decay=X       log-decays in [-X, 0] (default 0.1)
                  resets=X      share of tokens with a log-decay of -20000
                  beta=X        this beta for every token (default: random in (0,1))
                  keys=same     one key for all tokens
                  state=vk      states are stored V x K
                  tol=X         a tolerance of its own
                  units=N       compare N heads only (all are checked for NaN)
                as in B=1,T=65,H=2,decay=5
  --time CASE   median of 30 launches, the L2 cache overwritten before each

Every case runs twice on outputs full of NaN: the runs must agree bit for bit,
and nothing beside the outputs may change.

exit: 0 all passed, 1 a check failed, 2 usage, 3 unreadable input, 4 no GPU
)";

static bool readFile(const std::string &path, std::string &text) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream stream;
  stream << file.rdbuf();
  text = stream.str();
  return file.good() || file.eof();
}

namespace {
struct Options {
  std::string ptx, code;
  double tolerance = 4.5e-3;
  std::vector<std::pair<bool, Case>> cases; // whether it is timed
};
} // namespace

/// Throws std::runtime_error with what is wrong.
static Options readOptions(int argc, char **argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument.rfind("--", 0) != 0) {
      options.ptx = argument;
      continue;
    }
    if (i + 1 == argc)
      throw std::runtime_error("expects a value after " + argument);
    std::string value = argv[++i];
    if (argument == "--code")
      options.code = value;
    else if (argument == "--tol")
      options.tolerance = std::stod(value);
    else if (argument == "--check" || argument == "--time")
      options.cases.emplace_back(argument == "--time", readCase(value));
    else
      throw std::runtime_error("unknown option " + argument);
  }
  if (options.ptx.empty())
    throw std::runtime_error("expects a PTX file");
  return options;
}

static int run(const Options &options) {
  std::string ptx, code;
  if (!readFile(options.ptx, ptx) || ptx.empty() ||
      (!options.code.empty() && !readFile(options.code, code))) {
    std::fprintf(stderr, "error: cannot read %s\n",
                 (ptx.empty() ? options.ptx : options.code).c_str());
    return kInputError;
  }
  Launch launch = readLaunch(ptx);
  std::string device = openDevice();
  Kernel kernel(code.empty() ? ptx : code, launch.kernel, launch.sharedBytes);
  std::printf("%s for %s on %s: %d registers, %d bytes spilled or local, %lld "
              "bytes shared\n",
              launch.kernel.c_str(), launch.target.c_str(), device.c_str(),
              kernel.getRegisters(), kernel.getLocalBytes(),
              static_cast<long long>(launch.sharedBytes));
  int passed = 0, failed = 0;
  for (const auto &[timed, c] : options.cases) {
    if (timed) {
      std::printf("time  %-44s%s\n", c.text.c_str(),
                  time(kernel, launch, c, 30).c_str());
    } else {
      Verdict verdict = check(kernel, launch, c, options.tolerance);
      ++(verdict.passed ? passed : failed);
      std::printf("%s  %-44s%s\n", verdict.passed ? "ok  " : "FAIL",
                  c.text.c_str(), verdict.text.c_str());
    }
    std::fflush(stdout);
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed ? kFailed : kOk;
}

int main(int argc, char **argv) {
  if (argc < 2 || !std::strcmp(argv[1], "--help")) {
    std::fputs(kUsageText, argc < 2 ? stderr : stdout);
    return argc < 2 ? kUsage : kOk;
  }
  Options options;
  try {
    options = readOptions(argc, argv);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return kUsage;
  }
  try {
    return run(options);
  } catch (const NoDevice &error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return kNoDevice;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return kInputError;
  }
}
