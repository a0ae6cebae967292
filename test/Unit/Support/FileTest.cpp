//===- FileTest.cpp - whole files -----------------------------------------===//
// If these fail, a reader may see half a file, or a failed run leaves one
// behind.
//===----------------------------------------------------------------------===//
#include "deltanet/Support/File.h"
#include "Support/Temporary.h"
#include <fstream>
#include <sys/stat.h>

using namespace deltanet;

TEST(File, RoundTripAndReplacement) {
  test::TemporaryFolder folder;
  std::string path = folder.file("x"), error;
  for (size_t size : {size_t(0), size_t(1), size_t(4096), size_t(3) << 20}) {
    std::string bytes(size, '\0');
    for (size_t i = 0; i != size; ++i)
      bytes[i] = static_cast<char>(i * 2654435761u >> 7);
    ASSERT_TRUE(support::writeFile(path, bytes.data(), bytes.size(), error))
        << error;
    std::optional<std::string> got = support::readFile(path, error);
    ASSERT_TRUE(got) << error;
    EXPECT_TRUE(*got == bytes);
    EXPECT_EQ(folder.countFiles(), 1);
  }
}

TEST(File, PermissionsAreTheUsers) {
  test::TemporaryFolder folder;
  std::string path = folder.file("x"), error;
  mode_t mask = ::umask(027);
  bool written = support::writeFile(path, "x", 1, error);
  ::umask(mask);
  ASSERT_TRUE(written) << error;
  struct stat status;
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, mode_t(0640));
}

TEST(File, ASymbolicLinkStays) {
  test::TemporaryFolder folder;
  std::string target = folder.file("target"), link = folder.file("link"), error;
  ASSERT_TRUE(support::writeFile(target, "old", 3, error)) << error;
  ASSERT_EQ(::symlink("target", link.c_str()), 0);
  ASSERT_TRUE(support::writeFile(link, "new", 3, error)) << error;
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(support::readFile(target, error), "new");
}

TEST(File, ADeviceIsNotReplaced) {
  std::string error;
  ASSERT_TRUE(support::writeFile("/dev/null", "x", 1, error)) << error;
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(File, Failures) {
  test::TemporaryFolder folder;
  std::string missing = folder.file("no/such/file"), error;
  EXPECT_FALSE(support::readFile(missing, error));
  EXPECT_EQ(error, missing + ": cannot be read: No such file or directory");
  EXPECT_FALSE(support::writeFile(missing, "x", 1, error));
  EXPECT_EQ(error, missing + ": cannot be written: No such file or directory");
  std::string directory = folder.file("");
  EXPECT_FALSE(support::readFile(directory, error));
  EXPECT_EQ(error, directory + ": cannot be read: Is a directory");
  EXPECT_FALSE(support::writeFile(directory, "x", 1, error));
  EXPECT_EQ(error, directory + ": cannot be written: Is a directory");
  EXPECT_EQ(folder.countFiles(), 0);
}
