//===- Main.cpp - tests of the runtime, without LLVM ----------------------===//
#include "gtest/gtest.h"
#include <cstdlib>

/// With AddressSanitizer: memory that there is not is NULL, as without it.
extern "C" const char *__asan_default_options() {
  return "allocator_may_return_null=1";
}

int main(int argc, char **argv) {
  // Before anybody opens the driver.
  setenv("DELTANET_LIBCUDA", DELTANET_FAKE_CUDA, 1);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
