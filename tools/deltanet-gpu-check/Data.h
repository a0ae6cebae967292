//===- Data.h - tensors of a run --------------------------------*- C++ -*-===//
// Random tensors in the type the program takes, and parts of tensors.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TOOLS_GPU_CHECK_DATA_H
#define DELTANET_TOOLS_GPU_CHECK_DATA_H

#include "Case.h"
#include <algorithm>
#include <thread>

namespace deltanet::gpu {

using Tensors = std::map<std::string, support::NpyArray>;

/// The inputs of `program`: queries and values about normal, keys of length
/// one, betas and log-decays in their ranges; with transitions, b = -eta a with
/// eta in (0, 1). Throws where the program's shapes are not the operator's.
Tensors makeInputs(const Program &program, const Operator &op, const Run &run);

/// Entries [begin, end) of dimension `dim`.
support::NpyArray slice(const support::NpyArray &array, size_t dim,
                        int64_t begin, int64_t end);
/// `first` and then `second` along dimension `dim`.
support::NpyArray join(const support::NpyArray &first,
                       const support::NpyArray &second, size_t dim);

/// Threads that a process may use.
void setThreads(unsigned threads);
unsigned getThreads();

/// Calls `body(begin, end)` for parts of 0 .. count, on all threads.
template <typename Body> void parallelFor(int64_t count, Body body) {
  int64_t workers = std::min<int64_t>(getThreads(), count / 4096 + 1);
  std::vector<std::thread> threads;
  for (int64_t w = 1; w < workers; ++w)
    threads.emplace_back(
        [=] { body(w * count / workers, (w + 1) * count / workers); });
  body(0, count / workers);
  for (std::thread &thread : threads)
    thread.join();
}

} // namespace deltanet::gpu

#endif // DELTANET_TOOLS_GPU_CHECK_DATA_H
