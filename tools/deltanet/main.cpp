//===- main.cpp - the command line of deltanet ----------------------------===//
// Reads the command line and calls the commands of lib/Driver. The only file
// that is compiled with exceptions: CLI11 throws.
//===----------------------------------------------------------------------===//
#include "deltanet/Driver/Driver.h"
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>

using namespace deltanet::driver;

static constexpr const char *kDescription =
    "Compiles linear recurrences, runs them, times them, and checks them "
    "against\n"
    "the recurrence itself in float64.";

static constexpr const char *kFooter =
    "Exit codes:\n"
    "  0   all went well\n"
    "  1   check: a result is further from the recurrence than allowed\n"
    "  2   the command line asks for what cannot be\n"
    "  3   a file cannot be read, or what it holds is wrong\n"
    "  4   a tool or a device that is needed is not there\n"
    "  70  our mistake; a reproducer is written into the current folder\n"
    "\n"
    "Help on a command: deltanet COMMAND --help";

static const Console kConsole{
    [](const std::string &text) {
      std::fwrite(text.data(), 1, text.size(), stdout);
    },
    [](const std::string &text) {
      std::fwrite(text.data(), 1, text.size(), stderr);
    }};

static const CLI::Validator kPositive(
    [](std::string &text) {
      char *end = nullptr;
      double value = std::strtod(text.c_str(), &end);
      return !text.empty() && !*end && value > 0
                 ? ""
                 : "expects a number above 0, got '" + text + "'";
    },
    "");

static void addCommon(CLI::App &command, CommonOptions &options) {
  command.add_flag("--json", options.json, "Answer in JSON");
  command
      .add_option("--targets", options.targetsFile,
                  "File of chips in place of those built in")
      ->type_name("FILE");
}

static void addCompilation(CLI::App &command, CompilationOptions &options) {
  command
      .add_option("input", options.input, "MLIR text or bytecode; - is stdin")
      ->required()
      ->type_name("IN.mlir");
  command
      .add_option("--target", options.target,
                  "Chip: host, x86-64-v3, sm_80, ... (deltanet targets);\n"
                  "compile takes several: sm_80,sm_90,host")
      ->capture_default_str()
      ->type_name("NAME");
  command
      .add_option("--chunk", options.chunk,
                  "Tokens a chunk; 1: the token loop (by rule)")
      ->check(kPositive)
      ->type_name("N");
  command
      .add_option("--products", options.products,
                  "Type of products' operands: f32, bf16, f16 (f32)")
      ->type_name("TYPE");
  command
      .add_option("--gates", options.gates,
                  "Type of sums of log-decays: f32, f64 (f64 with f32 "
                  "products)")
      ->type_name("TYPE");
  command
      .add_option("--schedule", options.schedule,
                  "Decisions in place of the rule's: 'chunk = 64, warps = 8'\n"
                  "(entries of #kernel.schedule)")
      ->type_name("TEXT");
  command.add_flag("--token-loop", options.tokenLoop,
                   "The recurrence itself, as --chunk 1");
}

/// Of the commands that know gradients.
static void addGradient(CLI::App &command, CompilationOptions &options) {
  command
      .add_option("--grad", options.grad,
                  "Arguments to take the gradient of, by name or number: "
                  "q,k,v")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAME,...");
  command
      .add_option("--grad-from", options.gradFrom,
                  "Results whose gradient is given (all of floats)")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAME,...");
  command
      .add_option("--keep-states", options.keepStates,
                  "States of a sequence that are kept for the gradient, the\n"
                  "others are made again (those of all chunks are kept)")
      ->check(kPositive)
      ->type_name("N");
}

static void addRun(CLI::App &command, RunOptions &options) {
  addCompilation(command, options);
  command
      .add_option("--entry", options.entry,
                  "Function, where the file has several")
      ->type_name("NAME");
  command
      .add_option("--shape", options.shape,
                  "Dynamic dimensions: B=1,T=4096; or ARGUMENT.INDEX=N")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAME=N");
  command
      .add_option("--input", options.inputs,
                  "q=FILE.npy, q=random:SEED, q=random:SEED:LOW:HIGH,\n"
                  "cu=lengths:N,N,...; random:0 where not said")
      ->type_name("NAME=SPEC")
      ->allow_extra_args(false);
  command
      .add_option("--output", options.outputs,
                  "Write a result, or an input as it was used: o=FILE.npy")
      ->type_name("NAME=FILE")
      ->allow_extra_args(false);
  command
      .add_option("--repeat", options.repeat, "Runs; the time is their median")
      ->capture_default_str()
      ->check(kPositive)
      ->type_name("N");
  command
      .add_option("--threads", options.threads, "Threads (as many as cores)")
      ->check(kPositive)
      ->type_name("N");
  command.add_option("--device", options.device, "Number of the CUDA device")
      ->capture_default_str()
      ->type_name("N");
  addCommon(command, options);
}

/// CLI11's messages, in the form of ours.
static int reportUsage(const CLI::App &app, const CLI::ParseError &error,
                       const std::vector<std::string> &commandLine) {
  if (error.get_exit_code() == 0)
    return app.exit(error);
  CommonOptions options;
  options.json = std::count(commandLine.begin(), commandLine.end(), "--json");
  std::string message = error.what(), command;
  if (app.get_subcommands().empty()) {
    std::vector<std::string> names;
    for (const CLI::App *subcommand : app.get_subcommands(
             [](const CLI::App *a) { return !a->get_group().empty(); }))
      names.push_back(subcommand->get_name());
    message = fmt::format(
        "expects a command ({}){}", fmt::join(names, ", "),
        commandLine.size() > 1 ? ", got '" + commandLine[1] + "'" : "");
  } else {
    command = app.get_subcommands().front()->get_name() + " ";
  }
  return refuse(options,
                fmt::format("{}; see deltanet {}--help", message, command),
                kConsole);
}

static CLI::App *addCompile(CLI::App &app, CompileOptions &options) {
  CLI::App *command =
      app.add_subcommand("compile", "Compile a file to IR, an object, PTX or a "
                                    "package");
  addCompilation(*command, options);
  addGradient(*command, options);
  command
      ->add_option("--emit", options.emit,
                   "What to write: mlir, llvm, obj, ptx, cubin, fatbin, so,\n"
                   "header, manifest (obj, or ptx for a GPU)")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("KIND,...");
  command
      ->add_option("-o", options.outputFolder,
                   "Folder to write to; - is stdout")
      ->capture_default_str()
      ->type_name("DIR");
  command
      ->add_option("--entry", options.entry,
                   "Function of a package, where the file has several")
      ->type_name("NAME");
  command
      ->add_option("--prefix", options.prefix,
                   "First part of a package's symbols (the function's name)")
      ->type_name("P");
  command
      ->add_option("--stop-after", options.stopAfter,
                   "Stop after this phase, with --emit mlir")
      ->type_name("PHASE");
  addCommon(*command, options);
  return command;
}

static CLI::App *addCheck(CLI::App &app, RunOptions &options) {
  CLI::App *command = app.add_subcommand(
      "check", "Run a function and compare it with the recurrence in float64");
  addRun(*command, options);
  addGradient(*command, options);
  command
      ->add_option("--tol", options.tolerance,
                   "Largest relative error of a result (by its type)")
      ->check(kPositive)
      ->type_name("X");
  return command;
}

static CLI::App *addExplain(CLI::App &app, RunOptions &options) {
  CLI::App *command = app.add_subcommand(
      "explain", "Say what a function becomes, and what bounds its time");
  addRun(*command, options);
  command
      ->add_option("--bandwidth", options.bandwidth,
                   "Bandwidth of the memory (the device's, if one is here)")
      ->check(kPositive)
      ->type_name("GB/S");
  return command;
}

int main(int argc, char **argv) {
  std::vector<std::string> commandLine(argv, argv + argc);
  installCrashHandler(commandLine);

  CLI::App app(kDescription, "deltanet");
  app.require_subcommand(1);
  app.set_version_flag("--version", getVersion());
  CompileOptions compileOptions;
  RunOptions runOptions, checkOptions, benchOptions, explainOptions;
  CommonOptions targetsOptions, doctorOptions;
  CLI::App *compileCommand = addCompile(app, compileOptions);
  CLI::App *runCommand =
      app.add_subcommand("run", "Run a function and write its results");
  addRun(*runCommand, runOptions);
  CLI::App *checkCommand = addCheck(app, checkOptions);
  CLI::App *benchCommand =
      app.add_subcommand("bench", "Run a function many times and time it");
  benchOptions.repeat = 30;
  addRun(*benchCommand, benchOptions);
  CLI::App *explainCommand = addExplain(app, explainOptions);
  CLI::App *targetsCommand =
      app.add_subcommand("targets", "List the chips known, with their facts");
  addCommon(*targetsCommand, targetsOptions);
  CLI::App *doctorCommand = app.add_subcommand(
      "doctor", "Say what is installed, and what is missing costs");
  addCommon(*doctorCommand, doctorOptions);
  // For the test of the crash handler; not in --help.
  CLI::App *crashCommand = app.add_subcommand("crash", "")->group("");
  // After the commands, which would show it too.
  app.footer(kFooter);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return reportUsage(app, error, commandLine);
  }
  if (*compileCommand)
    return compile(compileOptions, kConsole);
  if (*runCommand)
    return run(runOptions, kConsole);
  if (*checkCommand)
    return check(checkOptions, kConsole);
  if (*benchCommand)
    return bench(benchOptions, kConsole);
  if (*explainCommand)
    return explain(explainOptions, kConsole);
  if (*targetsCommand)
    return listTargets(targetsOptions, kConsole);
  if (*doctorCommand)
    return doctor(doctorOptions, kConsole);
  if (*crashCommand)
    crashOnPurpose();
  return kOk;
}
