//===- Selective.cpp - reference of a selective scan ----------------------===//
// See Selective.h.
//===----------------------------------------------------------------------===//
#include "Selective.h"
#include "deltanet/Reference/SelectiveScan.h"
#include <stdexcept>

using namespace deltanet;
using namespace deltanet::gpu;

bool deltanet::gpu::isSelectiveScan(const Launch &launch) {
  return launch.find("x") && launch.find("delta");
}

std::vector<double>
deltanet::gpu::readAll(const Argument &argument, const Case &c,
                       const std::vector<unsigned char> &data) {
  std::vector<double> values(argument.getCount(c.sizes));
  for (size_t i = 0; i != values.size(); ++i)
    values[i] = readElement(data, argument.format, i);
  return values;
}

std::map<std::string, std::vector<double>> deltanet::gpu::runSelectiveScan(
    const Launch &launch, const Case &c,
    const std::map<std::string, std::vector<unsigned char>> &inputs) {
  for (const char *name : {"x", "delta", "a", "b", "c", "y"})
    if (!launch.find(name))
      throw std::runtime_error(
          std::string("expects a selective scan with a tensor '") + name + "'");
  std::map<std::string, std::vector<double>> tensors;
  auto input = [&](const char *name) -> const double * {
    const Argument *argument = launch.find(name);
    if (!argument)
      return nullptr;
    return (tensors[name] = readAll(*argument, c, inputs.at(name))).data();
  };
  reference::SelectiveScan s;
  std::vector<int64_t> x = launch.find("x")->getShape(c.sizes);
  s.B = x[0], s.T = x[1], s.V = x[2];
  s.K = launch.find("a")->getShape(c.sizes)[1];
  s.x = input("x");
  s.delta = input("delta");
  s.a = input("a");
  s.b = input("b");
  s.c = input("c");
  s.skip = input("skip");
  s.initialState = input("initial");
  std::map<std::string, std::vector<double>> results;
  results["y"].resize(s.B * s.T * s.V);
  s.y = results["y"].data();
  if (launch.find("state")) {
    results["state"].resize(s.B * s.V * s.K);
    s.finalState = results["state"].data();
  }
  if (auto message = reference::run(s))
    throw std::runtime_error("the reference refuses the case: " + *message);
  return results;
}
