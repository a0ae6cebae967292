//===- Temporary.h - a folder for one test ----------------------*- C++ -*-===//
// Made on entry, removed with what is in it on exit.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TEST_UNIT_SUPPORT_TEMPORARY_H
#define DELTANET_TEST_UNIT_SUPPORT_TEMPORARY_H

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>

namespace deltanet::test {

class TemporaryFolder {
public:
  TemporaryFolder() : path(testing::TempDir() + "deltanet-XXXXXX") {
    if (!::mkdtemp(&path[0]))
      ADD_FAILURE() << "cannot make the folder " << path;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;

  std::string file(const std::string &name) const { return path + "/" + name; }
  int64_t countFiles() const {
    std::filesystem::directory_iterator all(path);
    return std::distance(begin(all), end(all));
  }

private:
  std::string path;
};

} // namespace deltanet::test

#endif // DELTANET_TEST_UNIT_SUPPORT_TEMPORARY_H
