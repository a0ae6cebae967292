//===- File.cpp - whole files ---------------------------------------------===//
// POSIX calls, because a rename replaces a file in one step and nothing else
// does.
//===----------------------------------------------------------------------===//
#include "deltanet/Support/File.h"
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace deltanet;

static std::string describe(const std::string &path, const char *what) {
  return path + ": cannot be " + what + ": " + std::strerror(errno);
}

std::optional<std::string> support::readFile(const std::string &path,
                                             std::string &error) {
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    error = describe(path, "read");
    return std::nullopt;
  }
  // The size is a hint: pipes have none.
  struct stat status;
  std::string bytes;
  if (::fstat(file, &status) == 0 && S_ISREG(status.st_mode))
    bytes.reserve(static_cast<size_t>(status.st_size) + 1);
  constexpr size_t step = size_t(1) << 20;
  while (true) {
    size_t old = bytes.size();
    bytes.resize(bytes.capacity() > old ? bytes.capacity() : old + step);
    ssize_t got = ::read(file, &bytes[old], bytes.size() - old);
    bytes.resize(old + (got > 0 ? static_cast<size_t>(got) : 0));
    if (got == 0)
      break;
    if (got < 0 && errno != EINTR) {
      error = describe(path, "read");
      ::close(file);
      return std::nullopt;
    }
  }
  ::close(file);
  return bytes;
}

static bool writeAll(int file, const char *bytes, size_t size) {
  while (size != 0) {
    ssize_t put = ::write(file, bytes, size);
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0)
      return false;
    bytes += put;
    size -= static_cast<size_t>(put);
  }
  return true;
}

/// Opens a new file beside `path`. Beside, because a rename across file systems
/// is a copy; by hand, because mkstemp() ignores the user's umask.
static int openBeside(const std::string &path, std::string &name) {
  static std::atomic<unsigned> counter{0};
  int file = -1;
  do {
    name = path + "." + std::to_string(::getpid()) + "." +
           std::to_string(counter++) + ".tmp";
    file = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (file < 0 && errno == EEXIST);
  return file;
}

/// Into what is there and is no regular file: a pipe, a terminal, /dev/null.
static bool writeInPlace(const std::string &path, const char *bytes,
                         size_t size) {
  int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0)
    return false;
  bool done = writeAll(file, bytes, size);
  int reason = errno;
  if (::close(file) == 0 || !done)
    errno = reason;
  else
    done = false;
  return done;
}

static bool replace(const std::string &path, const char *bytes, size_t size) {
  // What a symbolic link points to is replaced, not the link.
  std::string target = path;
  if (char *real = ::realpath(path.c_str(), nullptr)) {
    target = real;
    std::free(real);
  }
  struct stat status;
  if (::stat(target.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    return writeInPlace(target, bytes, size);
  std::string temporary;
  int file = openBeside(target, temporary);
  if (file < 0)
    return false;
  bool done = writeAll(file, bytes, size);
  int reason = errno;
  if (::close(file) != 0 && done) {
    reason = errno;
    done = false;
  }
  if (done && ::rename(temporary.c_str(), target.c_str()) == 0)
    return true;
  if (done)
    reason = errno;
  ::unlink(temporary.c_str());
  errno = reason;
  return false;
}

bool support::writeFile(const std::string &path, const void *bytes, size_t size,
                        std::string &error) {
  if (replace(path, static_cast<const char *>(bytes), size))
    return true;
  error = describe(path, "written");
  return false;
}
