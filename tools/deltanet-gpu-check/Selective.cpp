//===- Selective.cpp - reference of a selective scan ----------------------===//
// See Selective.h.
//===----------------------------------------------------------------------===//
#include "Selective.h"
#include "deltanet/Reference/SelectiveScan.h"
#include <stdexcept>

using namespace deltanet;
using namespace deltanet::gpu;

std::map<std::string, std::vector<double>>
deltanet::gpu::computeSelectiveScan(const Operator &op, const Sizes &sizes,
                                    const Tensors &inputs, bool withState) {
  std::map<std::string, std::vector<double>> numbers, results;
  auto input = [&](const char *name) -> const double * {
    auto it = inputs.find(name);
    if (it == inputs.end())
      return nullptr;
    std::vector<double> &values = numbers[name];
    values = support::toDoubles(it->second);
    values.reserve(1); // the reference wants a place, if it holds nothing
    return values.data();
  };
  reference::SelectiveScan s;
  s.B = sizes.at("B"), s.T = sizes.at("T"), s.N = sizes.at("N");
  s.V = op.V, s.K = op.K;
  s.x = input("x");
  s.delta = input("delta");
  s.a = input("a");
  s.b = input("b");
  s.c = input("c");
  s.skip = input("skip");
  s.initialState = input("initial");
  auto list = [&](const char *name) {
    input(name);
    const std::vector<double> &values = numbers[name];
    return std::vector<int64_t>(values.begin(), values.end());
  };
  std::vector<int64_t> offsets = list("sequences"), indices = list("indices");
  s.cuSeqlens = offsets.empty() ? nullptr : offsets.data();
  s.indices = op.pool ? indices.data() : nullptr;
  s.P = op.pool ? sizes.at("P") : 0;
  results["y"].resize(s.B * s.T * s.V);
  results["y"].reserve(1);
  s.y = results["y"].data();
  if (withState) {
    results["state"].resize((op.pool ? s.P : s.getNumSequences()) * s.V * s.K);
    results["state"].reserve(1);
    s.finalState = results["state"].data();
  }
  if (auto message = reference::run(s))
    throw std::runtime_error("the reference refuses the case: " + *message);
  return results;
}
