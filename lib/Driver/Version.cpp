//===- Version.cpp - the text of --version --------------------------------===//
#include "deltanet/Driver/Driver.h"
#include "llvm/Config/llvm-config.h"

std::string deltanet::driver::getVersion() {
  return "deltanet " DELTANET_VERSION ", LLVM " LLVM_VERSION_STRING;
}
