//===- Main.cpp - tests of the runtime, without LLVM ----------------------===//
#include "gtest/gtest.h"
#include <cstdlib>

int main(int argc, char **argv) {
  // Before anybody opens the driver.
  setenv("DELTANET_LIBCUDA", DELTANET_FAKE_CUDA, 1);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
