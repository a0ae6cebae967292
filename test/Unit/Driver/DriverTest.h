//===- DriverTest.h - sessions for tests of the driver -----------*- C++ -*-===//
#ifndef DELTANET_TEST_UNIT_DRIVER_DRIVERTEST_H
#define DELTANET_TEST_UNIT_DRIVER_DRIVERTEST_H

#include "Program.h"
#include "Session.h"
#include "Support/Temporary.h"
#include "deltanet/Support/File.h"
#include "gtest/gtest.h"

namespace deltanet::test {

/// A session whose diagnostics are kept.
class TestSession {
public:
  TestSession()
      : console{[this](const std::string &text) { out += text; },
                [this](const std::string &text) { err += text; }},
        session("test", driver::CommonOptions(), console) {}

  /// The module of `text`, read as a file is.
  mlir::OwningOpRef<mlir::ModuleOp> read(const std::string &text) {
    std::string error, path = folder.file("program.mlir");
    EXPECT_TRUE(support::writeFile(path, text.data(), text.size(), error))
        << error;
    return driver::readProgram(session, path);
  }

  std::string out, err;
  driver::Console console;
  driver::Session session;
  TemporaryFolder folder;
};

} // namespace deltanet::test

#endif // DELTANET_TEST_UNIT_DRIVER_DRIVERTEST_H
