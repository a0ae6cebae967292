//===- Session.h - one run on the device ------------------------*- C++ -*-===//
// Memory for the tensors of a run, each between guards, and calls on outputs
// that hold poison.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TOOLS_GPU_CHECK_SESSION_H
#define DELTANET_TOOLS_GPU_CHECK_SESSION_H

#include "Data.h"
#include <functional>

namespace deltanet::gpu {

class Session {
public:
  /// With `inPlace` the final state is written where the initial one is read.
  Session(Program &program, const Sizes &sizes, const Tensors &inputs,
          bool inPlace = false);

  /// Queues one call.
  void run() { program.run(pointers, sizes); }
  using Wanted = std::function<bool(const std::string &name)>;
  /// Fills outputs and workspaces with `poison`, calls, waits, and returns the
  /// outputs, or those of them that are wanted: the others are not read.
  Tensors runPoisoned(unsigned char poison, const Wanted &isWanted = nullptr);
  /// What was written that must not be: guards, inputs. Empty where nothing
  /// was.
  std::string findDamage();

private:
  Program &program;
  const Sizes &sizes;
  const Tensors &inputs;
  bool inPlace;
  std::map<std::string, Memory> memory;
  std::vector<std::string> poisoned;
  Pointers pointers;
};

/// Whether runPoisoned fills anything. initcheck of compute-sanitizer sees
/// reads of memory that nobody wrote, which poison would hide.
void setPoisoning(bool poison);

} // namespace deltanet::gpu

#endif // DELTANET_TOOLS_GPU_CHECK_SESSION_H
