//===- Session.cpp - one run on the device --------------------------------===//
// See Session.h.
//===----------------------------------------------------------------------===//
#include "Session.h"

using namespace deltanet;
using namespace deltanet::gpu;

/// Guards of inputs are NaN: what is read beyond an end shows in the results.
static constexpr unsigned char kNaNByte = 0xff, kGuardByte = 0xa5;

static bool poisoning = true;
void deltanet::gpu::setPoisoning(bool poison) { poisoning = poison; }

Session::Session(Program &program, const Sizes &sizes, const Tensors &inputs,
                 bool inPlace)
    : program(program), sizes(sizes), inputs(inputs), inPlace(inPlace) {
  for (const Argument &argument : program.getTensors()) {
    const std::string &name = argument.name;
    bool input = argument.role == Argument::Role::Input;
    if (input && !inputs.count(name))
      throw std::runtime_error("expects an input '" + name + "'");
    if (inPlace && name == "state")
      continue; // below
    Memory &block =
        memory
            .emplace(name, Memory(argument.getBytes(sizes),
                                  input && !inPlace ? kNaNByte : kGuardByte))
            .first->second;
    pointers[name] = block.get();
    if (input) {
      const support::NpyArray &array = inputs.at(name);
      if (array.type != argument.type ||
          array.shape != argument.getShape(sizes))
        throw std::runtime_error("expects '" + name +
                                 "' as the program describes it, of " +
                                 std::to_string(block.size()) + " bytes, got " +
                                 std::to_string(array.bytes.size()) +
                                 " bytes of " + support::getName(array.type));
      block.write(inputs.at(name).bytes.data());
    } else {
      poisoned.push_back(name);
    }
  }
  if (inPlace)
    pointers["state"] = pointers.at("initial");
  for (const auto &[name, bytes] : program.getWorkspaces(pointers, sizes)) {
    Memory block(bytes, kGuardByte);
    pointers[name] = block.get();
    memory.emplace(name, std::move(block));
    poisoned.push_back(name);
  }
}

Tensors Session::runPoisoned(unsigned char poison, const Wanted &isWanted) {
  for (const std::string &name : poisoned)
    if (name == "state" && inputs.count("indices"))
      memory.at(name).write(inputs.at("initial").bytes.data()); // the pool
    else if (poisoning)
      memory.at(name).fill(poison);
  if (inPlace)
    memory.at("initial").write(inputs.at("initial").bytes.data());
  run();
  synchronize();
  Tensors results;
  for (const Argument &argument : program.getTensors())
    if (argument.role == Argument::Role::Output &&
        (!isWanted || isWanted(argument.name))) {
      bool moved = inPlace && argument.name == "state";
      results[argument.name] = {
          argument.type, argument.getShape(sizes),
          memory.at(moved ? "initial" : argument.name).read()};
    }
  return results;
}

std::string Session::findDamage() {
  for (auto &[name, block] : memory) {
    if (!block.isIntact())
      return "memory beside '" + name + "' was written";
    auto input = inputs.find(name);
    bool mayChange = inPlace && name == "initial";
    if (input != inputs.end() && !mayChange &&
        block.read() != input->second.bytes)
      return "input '" + name + "' was written";
  }
  return {};
}
