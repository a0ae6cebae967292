//===- Sweep.cpp - a folder of cases --------------------------------------===//
// See Sweep.h. The parent never touches the device: it hands numbers of cases
// to its children and prints what they say. A child that dies or takes too long
// is replaced, and its case has failed.
//===----------------------------------------------------------------------===//
#include "Sweep.h"
#include "Check.h"
#include <chrono>
#include <csignal>
#include <cstring>
#include <dirent.h>
#include <poll.h>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

using namespace deltanet::gpu;

namespace {
using Clock = std::chrono::steady_clock;
double secondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// What is known of a case before it runs.
struct Entry {
  std::string name, family, text;
  std::string path, program; // without a suffix
  bool failed = false, done = false;
};

/// A line of a child: K kind, then fields, separated by tabs.
/// R passed worst text   one run
/// D                     the case is done
/// N text                there is no device
constexpr char kRun = 'R', kDone = 'D', kNoDevice = 'N';

bool exists(const std::string &path) { return access(path.c_str(), R_OK) == 0; }

std::string findProgram(const std::string &base) {
  for (const char *suffix : {".so", ".ptx"})
    if (exists(base + suffix))
      return base + suffix;
  return {};
}

std::string clean(std::string text) {
  for (char &c : text)
    if (c == '\n' || c == '\t')
      c = ' ';
  return text;
}

/// A cubin beside PTX is used where it is for this chip.
std::unique_ptr<Program> load(const std::string &base) {
  std::string path = findProgram(base);
  if (path.empty())
    throw std::runtime_error("expects a program " + base + ".ptx or .so");
  if (path == base + ".ptx" && exists(base + ".cubin")) {
    try {
      return loadProgram(path, base + ".cubin");
    } catch (const NoDevice &) {
      throw;
    } catch (const std::runtime_error &) {
      // the PTX says more of what is wrong
    }
  }
  return loadProgram(path);
}

/// Runs one case and writes its lines with `say`.
template <typename Say>
void runCase(const Entry &entry, const SweepOptions &options, Say say) {
  auto report = [&](const Verdict &verdict, const std::string &what) {
    std::string text = what + verdict.figures;
    if (!verdict.passed)
      text += "  << " + verdict.faults;
    say(std::string(1, kRun) + '\t' + (verdict.passed ? "1" : "0") + '\t' +
        std::to_string(verdict.worst) + '\t' + clean(text));
  };
  std::string what = "load";
  try {
    Case c = readCase(entry.path + ".json");
    std::unique_ptr<Program> program = load(entry.program), alone;
    std::string folder = entry.path.substr(0, entry.path.rfind('/') + 1);
    if (!c.alone.empty() && !findProgram(folder + c.alone).empty())
      alone = load(folder + c.alone);
    for (const Run &run : c.runs) {
      if (options.small && !run.small)
        continue;
      what = run.describe();
      report(check(*program, alone.get(), c, run), what);
      if (options.once)
        break;
    }
  } catch (const NoDevice &error) {
    say(std::string(1, kNoDevice) + '\t' + clean(error.what()));
  } catch (const std::exception &error) {
    Verdict verdict;
    verdict.fail(error.what());
    report(verdict, what);
  }
}

/// What has been said so far.
class Board {
public:
  explicit Board(std::vector<Entry> &entries) : entries(entries) {}

  void take(size_t index, const std::string &line) {
    std::vector<std::string> fields;
    for (size_t at = 0; at <= line.size();) {
      size_t end = std::min(line.find('\t', at), line.size());
      fields.push_back(line.substr(at, end - at));
      at = end + 1;
    }
    if (fields[0][0] == kNoDevice && fields.size() == 2) {
      noDevice = fields[1];
    } else if (fields[0][0] == kRun && fields.size() == 4) {
      bool passed = fields[1] == "1";
      takeRun(index, passed, std::atof(fields[2].c_str()), fields[3]);
    }
  }

  void takeRun(size_t index, bool passed, double worst,
               const std::string &text) {
    Entry &entry = entries[index];
    Family &family = families[entry.family];
    ++(passed ? family.passed : family.failed);
    family.worst = std::max(family.worst, worst);
    if (!passed && !entry.failed)
      failures.push_back(entry.name + "  " + entry.text + "  " + text);
    entry.failed |= !passed;
    std::printf("%s %s  %s\n", passed ? "ok  " : "FAIL", entry.name.c_str(),
                (text + (passed ? "" : "  [" + entry.text + "]")).c_str());
    std::fflush(stdout);
  }

  /// The table by family, the cases that failed again, and the sum, last.
  SweepResult summarize(double seconds) const {
    if (!noDevice.empty()) {
      std::printf("SKIPPED: no case was run, there is no device: %s\n",
                  noDevice.c_str());
      return SweepResult::NoDevice;
    }
    std::printf("\n%-28s%8s%8s  %s\n", "family", "passed", "failed",
                "worst error, of what is allowed");
    int passed = 0, failed = 0, cases = 0, left = 0;
    for (const auto &[name, family] : families) {
      std::printf("%-28s%8d%8d  %.2f\n", name.c_str(), family.passed,
                  family.failed, family.worst);
      passed += family.passed;
      failed += family.failed;
    }
    for (size_t i = 0; i != failures.size() && i != 30; ++i)
      std::printf("FAIL %s\n", failures[i].substr(0, 300).c_str());
    for (const Entry &entry : entries) {
      cases += entry.done;
      left += !entry.done;
    }
    if (left)
      std::printf("%d cases were not begun: the time was up\n", left);
    std::printf("%d cases of %zu in %.0f s: %zu cases failed\n", cases,
                entries.size(), seconds, failures.size());
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed            ? SweepResult::Failed
           : passed && !left ? SweepResult::Passed
           : passed          ? SweepResult::Failed
                             : SweepResult::Nothing;
  }

  bool hasNoDevice() const { return !noDevice.empty(); }

private:
  struct Family {
    int passed = 0, failed = 0;
    double worst = 0;
  };
  std::vector<Entry> &entries;
  std::map<std::string, Family> families;
  std::vector<std::string> failures;
  std::string noDevice;
};

/// A child, and the case it is at.
struct Worker {
  pid_t pid = -1;
  int toChild = -1, fromChild = -1;
  int current = -1; // of the entries
  Clock::time_point begin;
  std::string text; // read and not yet a line
};

class Parent {
public:
  Parent(std::vector<Entry> &entries, const SweepOptions &options)
      : entries(entries), options(options), board(entries),
        workers(std::min<size_t>(options.jobs, entries.size())) {}

  SweepResult run() {
    std::signal(SIGPIPE, SIG_IGN);
    for (Worker &worker : workers)
      giveNext(worker);
    while (isBusy())
      wait();
    return board.summarize(secondsSince(start));
  }

private:
  bool isBusy() const {
    for (const Worker &worker : workers)
      if (worker.current >= 0)
        return true;
    return false;
  }

  void spawn(Worker &worker) {
    int down[2], up[2];
    if (pipe(down) || pipe(up))
      throw std::runtime_error(std::string("cannot make a pipe: ") +
                               std::strerror(errno));
    std::fflush(stdout);
    worker.pid = fork();
    if (worker.pid < 0)
      throw std::runtime_error(std::string("cannot start a process: ") +
                               std::strerror(errno));
    if (worker.pid == 0) {
      // Ends of other children's pipes would keep these open.
      for (const Worker &other : workers)
        for (int fd : {other.toChild, other.fromChild})
          if (fd >= 0)
            close(fd);
      close(down[1]);
      close(up[0]);
      work(down[0], up[1]);
    }
    close(down[0]);
    close(up[1]);
    worker.toChild = down[1];
    worker.fromChild = up[0];
    worker.text.clear();
  }

  /// The child: reads numbers of cases until there are no more.
  [[noreturn]] void work(int from, int to) {
    setThreads(std::max<unsigned>(1, std::thread::hardware_concurrency() /
                                         workers.size()));
    auto say = [&](const std::string &line) {
      std::string text = line + "\n";
      if (write(to, text.data(), text.size()) < 0)
        _exit(1);
    };
    std::string device;
    int32_t index;
    while (read(from, &index, sizeof(index)) == sizeof(index)) {
      try {
        if (device.empty())
          device = openDevice();
        runCase(entries[index], options, say);
      } catch (const std::exception &error) {
        say(std::string(1, kNoDevice) + '\t' + clean(error.what()));
      }
      say(std::string(1, kDone));
    }
    _exit(0); // no destructors: a device in an error state may hang them
  }

  void giveNext(Worker &worker) {
    worker.current = -1;
    if (next == entries.size() || board.hasNoDevice() ||
        secondsSince(start) > options.budget)
      return stop(worker);
    if (worker.pid < 0)
      spawn(worker);
    worker.current = static_cast<int>(next++);
    worker.begin = Clock::now();
    auto index = static_cast<int32_t>(worker.current);
    if (write(worker.toChild, &index, sizeof(index)) < 0)
      lose(worker, "the process could not be given the case");
  }

  void stop(Worker &worker) {
    if (worker.pid < 0)
      return;
    close(worker.toChild);
    close(worker.fromChild);
    int status = 0;
    kill(worker.pid, SIGKILL); // it has nothing to do or has gone astray
    waitpid(worker.pid, &status, 0);
    worker.pid = worker.toChild = worker.fromChild = -1;
  }

  /// The case of `worker` has failed with it.
  void lose(Worker &worker, const std::string &why) {
    auto index = static_cast<size_t>(worker.current);
    board.takeRun(index, false, 0, "<< " + why);
    entries[index].done = true;
    stop(worker);
    giveNext(worker);
  }

  void wait() {
    std::vector<pollfd> waits;
    std::vector<Worker *> who;
    for (Worker &worker : workers)
      if (worker.current >= 0) {
        waits.push_back({worker.fromChild, POLLIN, 0});
        who.push_back(&worker);
      }
    if (poll(waits.data(), waits.size(), 200) < 0 && errno != EINTR)
      throw std::runtime_error(std::string("cannot wait: ") +
                               std::strerror(errno));
    for (size_t i = 0; i != waits.size(); ++i)
      if (waits[i].revents)
        listen(*who[i]);
      else if (secondsSince(who[i]->begin) > options.timeout)
        lose(*who[i], "takes more than " +
                          std::to_string(static_cast<int>(options.timeout)) +
                          " s: hangs?");
  }

  void listen(Worker &worker) {
    char buffer[4096];
    ssize_t bytes = read(worker.fromChild, buffer, sizeof(buffer));
    if (bytes <= 0)
      return lose(worker, "the process died");
    worker.text.append(buffer, static_cast<size_t>(bytes));
    for (size_t end; (end = worker.text.find('\n')) != std::string::npos;) {
      std::string line = worker.text.substr(0, end);
      worker.text.erase(0, end + 1);
      auto index = static_cast<size_t>(worker.current);
      if (line[0] != kDone) {
        board.take(index, line);
        continue;
      }
      entries[index].done = !board.hasNoDevice();
      // A device in an error state stays so as long as its process lives.
      if (entries[index].failed)
        stop(worker);
      giveNext(worker);
    }
  }

  std::vector<Entry> &entries;
  const SweepOptions &options;
  Board board;
  std::vector<Worker> workers;
  size_t next = 0;
  Clock::time_point start = Clock::now();
};
} // namespace

static std::vector<Entry> listCases(const SweepOptions &options) {
  DIR *directory = opendir(options.folder.c_str());
  if (!directory)
    throw std::runtime_error("cannot read the folder " + options.folder + ": " +
                             std::strerror(errno));
  std::set<std::string> names;
  while (const dirent *entry = readdir(directory)) {
    std::string file = entry->d_name;
    if (file.size() > 5 && file.compare(file.size() - 5, 5, ".json") == 0)
      names.insert(file.substr(0, file.size() - 5));
  }
  closedir(directory);
  std::vector<Entry> entries;
  int number = 0;
  for (const std::string &name : names) {
    std::string base = options.folder + "/" + name;
    if (name == "refused" || name.find('.') != std::string::npos)
      continue; // what the compiler refused, and manifests of packages
    Case c = readCase(base + ".json");
    std::string program = options.folder + "/" + c.program;
    if (findProgram(program).empty())
      continue; // it was refused
    bool wanted = options.only.empty() ||
                  name.find(options.only) != std::string::npos ||
                  c.text.find(options.only) != std::string::npos;
    bool hasRun = !options.small;
    for (const Run &run : c.runs)
      hasRun |= run.small;
    if (wanted && hasRun && number++ % options.shards == options.shard)
      entries.push_back({c.name, c.family, c.text, base, program});
  }
  return entries;
}

SweepResult deltanet::gpu::sweep(const SweepOptions &options) {
  std::vector<Entry> entries = listCases(options);
  if (entries.empty())
    throw std::runtime_error("expects cases (NAME.json with NAME.ptx or "
                             "NAME.so) in " +
                             options.folder);
  std::printf("%zu cases of %s\n", entries.size(), options.folder.c_str());
  if (options.jobs > 0)
    return Parent(entries, options).run();
  Clock::time_point start = Clock::now();
  Board board(entries);
  openDevice();
  for (size_t i = 0; i != entries.size(); ++i) {
    if (secondsSince(start) > options.budget)
      break;
    runCase(entries[i], options,
            [&](const std::string &line) { board.take(i, line); });
    entries[i].done = true;
  }
  return board.summarize(secondsSince(start));
}
