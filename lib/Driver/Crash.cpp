//===- Crash.cpp - what a crash leaves behind -----------------------------===//
// Any thread that crashes ends the process with kInternal, after the command
// line and how to repeat it are in a file.
//===----------------------------------------------------------------------===//
#include "deltanet/Driver/Driver.h"
#include "llvm/Support/Signals.h"
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

using namespace deltanet::driver;

namespace {
/// Made when all is well, so that the handler only writes.
struct CrashNote {
  std::string path, contents, message;
};
} // namespace

static void writeAll(int file, const std::string &text) {
  size_t done = 0;
  while (done < text.size()) {
    ssize_t count = ::write(file, text.data() + done, text.size() - done);
    if (count <= 0)
      return;
    done += count;
  }
}

static void handleCrash(void *cookie) {
  const auto *note = static_cast<const CrashNote *>(cookie);
  int file = ::open(note->path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file >= 0) {
    writeAll(file, note->contents);
    ::close(file);
  }
  writeAll(STDERR_FILENO, note->message);
  ::_exit(kInternal);
}

void deltanet::driver::installCrashHandler(
    const std::vector<std::string> &commandLine) {
  // Lives as long as the process.
  static CrashNote note;
  note.path = "deltanet-crash.sh";
  note.contents = "#!/bin/sh\n# " + getVersion() +
                  " crashed; this command repeats it.\nexec";
  for (const std::string &word : commandLine) {
    note.contents += " '";
    for (char c : word)
      note.contents += c == '\'' ? std::string("'\\''") : std::string(1, c);
    note.contents += "'";
  }
  note.contents += "\n";
  note.message = "deltanet: error: internal error (crash); please report it "
                 "with deltanet-crash.sh, which repeats it, and its inputs\n";
  llvm::sys::AddSignalHandler(handleCrash, &note);
}

void deltanet::driver::crashOnPurpose() { std::abort(); }
