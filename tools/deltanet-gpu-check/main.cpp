//===- main.cpp - deltanet-gpu-check --------------------------------------===//
// Checks and times programs on the GPU of this machine; needs NVIDIA's driver
// and nothing else.
//===----------------------------------------------------------------------===//
#include "Check.h"
#include "Sweep.h"
#include <cstdio>
#include <cstring>
#include <sys/stat.h>

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
    R"(usage: deltanet-gpu-check KERNEL.ptx|PACKAGE.so [--code FILE] [--tol X] [--check CASE]... [--time CASE]...
       deltanet-gpu-check FOLDER [--jobs N] [--only TEXT] [--small] [--once] [--shard I/N]
                          [--timeout S] [--budget S] [--no-poison]

Runs programs on the first GPU and compares them with the token-by-token
recurrence in float64, computed here. A folder holds cases, as `generate` writes
them: NAME.json with NAME.ptx or NAME.so.

  --code FILE   load this cubin in place of the PTX, which then only says how it
                is launched
  --tol X       largest relative Frobenius error of a result (default 4.5e-3)
  --check CASE  sizes B, T, H (and G), and what is special about the inputs:
                  lengths=A:B:C packed sequences of these lengths
                  seed=N        other random numbers
                  decay=X       log-decays in [-X, 0] (default 0.1)
                  resets=X      share of tokens with a log-decay of -20000
                  beta=X        this beta for every token (default: random in (0,1))
                  keys=same     one key for all tokens
                  chained=N     also two calls, the first of N tokens, state in place
                  state=vk, layout=bhtd, read_out=before, steps=N, scale=X
                                what the operator has
                  tol=X         a tolerance of its own
                  units=N       compare N heads only (all are checked for NaN)
                as in B=1,T=65,H=2,decay=5
  --time CASE   median of 30 calls, the L2 cache overwritten before each
  --jobs N      processes (default 8; 0: this one, as a sanitizer wants it)
  --only TEXT   cases whose name or description has TEXT in it
  --small       runs of few tokens; --once: one run of a case
  --shard I/N   every Nth case, from the Ith
  --timeout S   seconds for one case (default 90)
  --budget S    seconds after which no more cases are begun, which then fails
  --no-poison   leave outputs as they are allocated (for initcheck)

Every run is made twice on outputs full of poison: the runs must agree bit for
bit, and nothing beside the outputs may change.

exit: 0 all passed, 1 a check failed, 2 usage, 3 unreadable input, 4 no GPU
)";

namespace {
struct Options {
  std::string path, code;
  double tolerance = 4.5e-3;
  std::vector<std::pair<bool, std::string>> cases; // whether it is timed
  SweepOptions sweep;
  bool poison = true;
};
} // namespace

static double toNumber(const std::string &option, const std::string &value) {
  char *rest = nullptr;
  double number = std::strtod(value.c_str(), &rest);
  if (value.empty() || *rest != '\0' || !(number >= 0))
    throw std::runtime_error("expects a number after " + option + ", got '" +
                             value + "'");
  return number;
}

static void setValue(Options &options, const std::string &option,
                     const std::string &value) {
  SweepOptions &sweep = options.sweep;
  if (option == "--code")
    options.code = value;
  else if (option == "--tol")
    options.tolerance = toNumber(option, value);
  else if (option == "--check" || option == "--time") {
    checkCaseText(value);
    options.cases.emplace_back(option == "--time", value);
  } else if (option == "--only")
    sweep.only = value;
  else if (option == "--jobs")
    sweep.jobs = static_cast<int>(toNumber(option, value));
  else if (option == "--timeout")
    sweep.timeout = toNumber(option, value);
  else if (option == "--budget")
    sweep.budget = toNumber(option, value);
  else if (option == "--shard") {
    size_t slash = std::min(value.find('/'), value.size() - 1);
    sweep.shard = static_cast<int>(toNumber(option, value.substr(0, slash)));
    sweep.shards = static_cast<int>(toNumber(option, value.substr(slash + 1)));
    if (sweep.shard >= sweep.shards)
      throw std::runtime_error(
          "expects I/N with I below N after --shard, got " + value);
  } else
    throw std::runtime_error("unknown option " + option);
}

/// Throws std::runtime_error with what is wrong.
static Options readOptions(int argc, char **argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument.rfind("--", 0) != 0)
      options.path = argument;
    else if (argument == "--small")
      options.sweep.small = true;
    else if (argument == "--once")
      options.sweep.once = true;
    else if (argument == "--no-poison")
      options.poison = false;
    else if (i + 1 == argc)
      throw std::runtime_error("expects a value after " + argument);
    else
      setValue(options, argument, argv[++i]);
  }
  if (options.path.empty())
    throw std::runtime_error("expects a PTX file, a package or a folder");
  options.sweep.folder = options.path;
  return options;
}

static int runFolder(const Options &options) {
  switch (sweep(options.sweep)) {
  case SweepResult::Passed:
    return kOk;
  case SweepResult::Failed:
    return kFailed;
  case SweepResult::NoDevice:
    return kNoDevice;
  case SweepResult::Nothing:
    break;
  }
  std::fprintf(stderr, "error: expects a run to make in %s\n",
               options.path.c_str());
  return kInputError;
}

static int runProgram(const Options &options) {
  if (readText(options.path).empty())
    throw std::runtime_error("cannot read " + options.path);
  if (options.path.find(".so") == std::string::npos)
    readLaunches(readText(options.path)); // before a device is asked for
  std::string device = openDevice();
  std::unique_ptr<Program> program = loadProgram(options.path, options.code);
  std::printf("%s: %s\n", device.c_str(), program->describe().c_str());
  int passed = 0, failed = 0;
  for (const auto &[timed, text] : options.cases) {
    Case c = parseCase(text, *program);
    c.tolerance = options.tolerance;
    if (timed) {
      std::printf("time  %-44s%s\n", text.c_str(),
                  time(*program, *c.op, c.runs[0], 30).c_str());
    } else {
      Verdict verdict = check(*program, nullptr, c, c.runs[0]);
      ++(verdict.passed ? passed : failed);
      std::printf("%s  %-44s%s%s\n", verdict.passed ? "ok  " : "FAIL",
                  text.c_str(), verdict.figures.c_str(),
                  verdict.passed ? "" : ("  << " + verdict.faults).c_str());
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
    setPoisoning(options.poison);
    struct stat status;
    bool folder =
        stat(options.path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
    return folder ? runFolder(options) : runProgram(options);
  } catch (const NoDevice &error) {
    std::fprintf(stderr,
                 "SKIPPED: nothing was run, there is no device\n"
                 "error: %s\n",
                 error.what());
    return kNoDevice;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return kInputError;
  }
}
