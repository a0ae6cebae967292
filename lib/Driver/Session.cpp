//===- Session.cpp - one run of a command ---------------------------------===//
#include "Session.h"
#include "deltanet/Registration.h"
#include "deltanet/Target/Host.h"
#include "deltanet/Target/PTX.h"
#include "deltanet/Target/TargetRegistry.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace deltanet;
using namespace deltanet::driver;

static DialectRegistry makeRegistry() {
  DialectRegistry registry;
  registerDialects(registry);
  host::registerTranslations(registry);
  ptx::registerTranslations(registry);
  return registry;
}

Session::Session(StringRef command, const CommonOptions &options,
                 const Console &console)
    : options(options), console(console),
      context(makeRegistry(), MLIRContext::Threading::DISABLED) {
  context.printOpOnDiagnostic(false);
  context.getDiagEngine().registerHandler(
      [this](Diagnostic &diagnostic) { report(diagnostic); });
  answer["command"] = command;
}

static StringRef getSeverity(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Error:
    return "error";
  case DiagnosticSeverity::Warning:
    return "warning";
  case DiagnosticSeverity::Remark:
    return "remark";
  case DiagnosticSeverity::Note:
    return "note";
  }
  llvm_unreachable("a severity is one of four");
}

/// The place in a file that `loc` means, if any.
static FileLineColLoc findFileLoc(Location loc) {
  FileLineColLoc found;
  loc->walk([&](Location inner) {
    found = dyn_cast<FileLineColLoc>(inner);
    return found ? WalkResult::interrupt() : WalkResult::advance();
  });
  return found;
}

void Session::report(StringRef severity, Location loc,
                     const std::string &message) {
  llvm::json::Object entry{{"severity", severity}, {"message", message}};
  std::string line;
  FileLineColLoc place = findFileLoc(loc);
  // Line 0 is a whole file.
  if (place) {
    line = place.getFilename().str();
    entry["file"] = place.getFilename().str();
  } else {
    line = "deltanet";
  }
  if (place && place.getLine() > 0) {
    line += llvm::formatv(":{0}:{1}", place.getLine(), place.getColumn());
    entry["line"] = place.getLine();
    entry["column"] = place.getColumn();
  }
  console.err(line + ": " + severity.str() + ": " + message + "\n");
  diagnostics.push_back(std::move(entry));
}

void Session::report(Diagnostic &diagnostic) {
  report(getSeverity(diagnostic.getSeverity()), diagnostic.getLocation(),
         diagnostic.str());
  for (Diagnostic &note : diagnostic.getNotes())
    report("note", note.getLocation(), note.str());
}

int Session::fail(ExitCode code, const Twine &message) {
  report("error", getLoc(), message.str());
  return code;
}

void Session::note(const Twine &message) {
  report("note", getLoc(), message.str());
}

void Session::print(const Twine &line) {
  text += line.str();
  text += '\n';
}

int Session::finish(int code) {
  if (!options.json) {
    if (!text.empty())
      console.out(text);
    return code;
  }
  answer["exit_code"] = code;
  answer["diagnostics"] = std::move(diagnostics);
  std::string json;
  llvm::raw_string_ostream stream(json);
  stream << llvm::formatv("{0:2}", llvm::json::Value(std::move(answer)))
         << "\n";
  console.out(json);
  return code;
}

std::optional<kernel::TargetAttr>
deltanet::driver::findTarget(Session &session, StringRef name, int &code) {
  auto registry = TargetRegistry::load(session.getContext(),
                                       session.getOptions().targetsFile);
  if (failed(registry)) {
    code = kInputError;
    return std::nullopt;
  }
  auto target = registry->lookup(name, session.getLoc());
  if (failed(target)) {
    code = kUsage;
    return std::nullopt;
  }
  return *target;
}

int deltanet::driver::refuse(const CommonOptions &options,
                             const std::string &message,
                             const Console &console) {
  Session session("", options, console);
  return session.finish(session.fail(kUsage, message));
}
