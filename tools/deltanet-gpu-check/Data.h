//===- Data.h - inputs of a case --------------------------------*- C++ -*-===//
// Random tensors in the format the kernel takes; the same numbers, exactly, as
// float64 for the reference.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TOOLS_GPU_CHECK_DATA_H
#define DELTANET_TOOLS_GPU_CHECK_DATA_H

#include "Launch.h"

namespace deltanet::gpu {

/// What is special about a case.
struct Case {
  std::string text; // as written
  Sizes sizes;
  uint64_t seed = 1;
  double decay = 0.1;    ///< log-decays lie in [-decay, 0]
  double resets = 0;     ///< share of tokens whose log-decay is -20000
  double beta = -1;      ///< beta of every token; below 0: random in (0, 1)
  bool sameKeys = false; ///< every token has the same key
  double tolerance = 0;  ///< in place of the run's; 0: that one
  bool stateVK = false;  ///< states are stored V x K
  int64_t units = 0;     ///< heads of batch entries that are checked; 0: all
};

/// `B=1,T=65,H=2,G=1,decay=5,beta=2,keys=same`; throws std::runtime_error.
Case readCase(const std::string &text);

/// The bytes of input `argument`: keys of length one, betas in (0, 1),
/// log-decays not positive.
std::vector<unsigned char> makeInput(const Argument &argument, const Case &c);

/// Element `index` of a tensor.
double readElement(const std::vector<unsigned char> &data,
                   support::FloatFormat format, int64_t index);

/// Calls `body(i)` for i below `count` on all cores.
template <typename Body> void parallelFor(int64_t count, Body body);

} // namespace deltanet::gpu

#include <thread>

template <typename Body>
void deltanet::gpu::parallelFor(int64_t count, Body body) {
  int64_t workers = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> threads;
  for (int64_t w = 0; w != workers; ++w)
    threads.emplace_back([=] {
      for (int64_t i = w; i < count; i += workers)
        body(i);
    });
  for (std::thread &thread : threads)
    thread.join();
}

#endif // DELTANET_TOOLS_GPU_CHECK_DATA_H
