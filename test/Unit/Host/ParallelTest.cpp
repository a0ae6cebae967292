//===- ParallelTest.cpp - the pool of threads -----------------------------===//
// Every unit runs once, whoever calls and from where.
//===----------------------------------------------------------------------===//
#include "deltanet/Runtime/Parallel.h"
#include "gtest/gtest.h"
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

namespace {
struct Counts {
  explicit Counts(size_t n, int64_t bytes) : times(n), bytes(bytes) {}
  std::vector<std::atomic<int>> times;
  int64_t bytes;
  std::atomic<int> misaligned{0}, overwritten{0};

  static void body(void *context, int64_t index, void *scratch) {
    auto *self = static_cast<Counts *>(context);
    self->misaligned += reinterpret_cast<uintptr_t>(scratch) % 64 != 0;
    // Nobody else writes into this thread's scratch meanwhile.
    std::memset(scratch, static_cast<int>(index), self->bytes);
    std::this_thread::yield();
    for (int64_t i = 0; i < self->bytes; ++i)
      self->overwritten +=
          static_cast<char *>(scratch)[i] != static_cast<char>(index);
    ++self->times[index];
  }
  void expectOnce() {
    for (auto &n : times)
      EXPECT_EQ(n, 1);
    EXPECT_EQ(misaligned, 0);
    EXPECT_EQ(overwritten, 0);
  }
};

class Parallel : public ::testing::TestWithParam<int> {
protected:
  void SetUp() override { deltanet_set_num_threads(GetParam()); }
  void TearDown() override { deltanet_set_num_threads(0); }
};
} // namespace

TEST_P(Parallel, EveryUnitOnce) {
  for (int64_t count : {0, 1, 2, 7, 500})
    for (int64_t bytes : {1, 100, 5000}) {
      Counts counts(count, bytes);
      deltanet_parallel_for(count, bytes, Counts::body, &counts);
      counts.expectOnce();
    }
}

TEST_P(Parallel, SeveralCallers) {
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([] {
      for (int round = 0; round < 50; ++round) {
        Counts counts(20, 300);
        deltanet_parallel_for(20, 300, Counts::body, &counts);
        counts.expectOnce();
      }
    });
  for (std::thread &caller : callers)
    caller.join();
}

TEST_P(Parallel, FromWithinABody) {
  struct Outer {
    std::atomic<int> units{0};
    static void body(void *context, int64_t, void *scratch) {
      std::memset(scratch, 7, 64);
      Counts counts(10, 64);
      deltanet_parallel_for(10, 64, Counts::body, &counts);
      counts.expectOnce();
      for (int i = 0; i < 64; ++i)
        EXPECT_EQ(static_cast<char *>(scratch)[i], 7);
      ++static_cast<Outer *>(context)->units;
    }
  } outer;
  deltanet_parallel_for(8, 64, Outer::body, &outer);
  EXPECT_EQ(outer.units, 8);
}

TEST(ParallelThreads, AtLeastOne) {
  EXPECT_GE(deltanet_num_threads(), 1);
  deltanet_set_num_threads(3);
  EXPECT_EQ(deltanet_num_threads(), 3);
  deltanet_set_num_threads(0);
}

INSTANTIATE_TEST_SUITE_P(Threads, Parallel, ::testing::Values(1, 2, 5));
