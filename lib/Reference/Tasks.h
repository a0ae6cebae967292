//===- Tasks.h - independent tasks over threads -----------------*- C++ -*-===//
#ifndef DELTANET_LIB_REFERENCE_TASKS_H
#define DELTANET_LIB_REFERENCE_TASKS_H

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace deltanet::reference {

/// Calls `task(i)` for each i below `tasks`, on so many threads (0: as many as
/// the machine has).
template <typename Task>
void runTasks(int64_t tasks, unsigned threads, const Task &task) {
  std::atomic<int64_t> next{0};
  auto work = [&] {
    for (int64_t i = next++; i < tasks; i = next++)
      task(i);
  };
  if (threads == 0)
    threads = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> helpers;
  for (int64_t i = 1; i < std::min<int64_t>(threads, tasks); ++i)
    helpers.emplace_back(work);
  work();
  for (std::thread &helper : helpers)
    helper.join();
}

} // namespace deltanet::reference

#endif // DELTANET_LIB_REFERENCE_TASKS_H
