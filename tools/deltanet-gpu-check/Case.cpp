//===- Case.cpp - what a program is run on --------------------------------===//
// See Case.h.
//===----------------------------------------------------------------------===//
#include "Case.h"
#include <algorithm>
#include <numeric>

using namespace deltanet;
using namespace deltanet::gpu;
using reference::Layout;
using reference::ReadOut;
using reference::StateLayout;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

std::vector<int64_t> Operator::getShape(const std::string &name, size_t rank,
                                        const Sizes &sizes) const {
  auto size = [&](const char *letter) { return sizes.at(letter); };
  auto byTokens = [&](int64_t n, int64_t heads, int64_t width) {
    std::vector<int64_t> shape = {size("B"), n * size("T"), heads};
    if (layout == Layout::BHTD)
      std::swap(shape[1], shape[2]);
    if (width)
      shape.push_back(width);
    return shape;
  };
  if (selective) {
    if (name == "x" || name == "delta" || name == "y")
      return {size("B"), size("T"), V};
    if (name == "b" || name == "c")
      return {size("B"), size("T"), K};
    if (name == "a")
      return {V, K};
    if (name == "skip")
      return {V};
    if (name == "initial" || name == "state")
      return {size(pool ? "P" : "N"), V, K};
  }
  if (name == "q")
    return byTokens(1, size("G"), K);
  if (name == "k" || (dplr && (name == "a" || name == "b")))
    return byTokens(steps, size("G"), K);
  if (name == "v")
    return byTokens(steps, size("H"), V);
  if (name == "o")
    return byTokens(1, size("H"), V);
  if (name == "beta")
    return byTokens(steps, size("H"), 0);
  if (name == "decay")
    return byTokens(1, size("H"), rank == 4 ? K : 0);
  if (name == "bonus")
    return {size("H"), K};
  if (name == "initial" || name == "state") {
    int64_t states = size(pool ? "P" : "N");
    return stateLayout == StateLayout::KV
               ? std::vector<int64_t>{states, size("H"), K, V}
               : std::vector<int64_t>{states, size("H"), V, K};
  }
  if (name == "indices")
    return {size("N")};
  if (name == "sequences")
    return {size("N") + 1};
  throw std::runtime_error(
      "expects tensors of a recurrence (q, k, v, a, b, "
      "beta, decay, bonus, initial, sequences, indices, o, state), "
      "got '" +
      name + "'");
}

std::optional<size_t>
Operator::getTokenDimension(const std::string &name) const {
  for (const char *other :
       {"bonus", "initial", "state", "sequences", "indices", "skip"})
    if (name == other)
      return std::nullopt;
  if (selective)
    return name == "a" ? std::nullopt : std::optional<size_t>(1);
  return layout == Layout::BTHD ? 1 : 2;
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static std::string readChoice(const Json &json, const char *name,
                              const char *first, const char *second) {
  const Json *member = json.find(name);
  if (!member)
    return first;
  const std::string &text = member->getText();
  if (text != first && text != second)
    throw std::runtime_error(std::string("expects ") + first + " or " + second +
                             " for '" + name + "', got '" + text + "'");
  return text;
}

static Operator readOperator(const Json &json) {
  Operator op;
  op.dplr = readChoice(json, "name", "scan", "dplr_scan") == "dplr_scan";
  op.K = json.at("K").getInteger();
  op.V = json.at("V").getInteger();
  if (const Json *steps = json.find("steps"))
    op.steps = steps->getInteger();
  if (readChoice(json, "read_out", "after", "before") == "before")
    op.readOut = ReadOut::Before;
  if (readChoice(json, "layout", "bthd", "bhtd") == "bhtd")
    op.layout = Layout::BHTD;
  if (readChoice(json, "state_layout", "kv", "vk") == "vk")
    op.stateLayout = StateLayout::VK;
  if (const Json *scale = json.find("scale"))
    op.scale = scale->getNumber();
  if (const Json *pool = json.find("pool"))
    op.pool = pool->getBool();
  return op;
}

/// Sizes that follow from others: groups, sequences and tokens of packed ones.
static void completeSizes(Run &run) {
  if (!run.lengths.empty()) {
    run.sizes["B"] = 1;
    run.sizes["N"] = static_cast<int64_t>(run.lengths.size());
    run.sizes["T"] = std::accumulate(run.lengths.begin(), run.lengths.end(),
                                     static_cast<int64_t>(0));
  }
  for (const char *name : {"B", "T", "H"})
    if (!run.sizes.count(name))
      throw std::runtime_error(std::string("expects a size ") + name);
  run.sizes.emplace("G", run.sizes["H"]);
  run.sizes.emplace("N", run.sizes["B"]);
  run.sizes.emplace("P", run.sizes["N"]);
}

static std::pair<double, double> readRange(const Json &json) {
  if (json.getList().size() != 2)
    throw std::runtime_error("expects a range of two numbers, got " +
                             std::to_string(json.getList().size()));
  return {json.getList()[0].getNumber(), json.getList()[1].getNumber()};
}

static Run readRun(const Json &json) {
  Run run;
  for (const auto &[name, value] : json.at("sizes").getMembers())
    run.sizes[name] = value.getInteger();
  if (const Json *lengths = json.find("lengths"))
    for (const Json &length : lengths->getList())
      run.lengths.push_back(length.getInteger());
  if (const Json *seed = json.find("seed"))
    run.seed = static_cast<uint64_t>(seed->getInteger());
  if (const Json *decay = json.find("decay"))
    std::tie(run.decayLow, run.decayHigh) = readRange(*decay);
  if (const Json *beta = json.find("beta"))
    std::tie(run.betaLow, run.betaHigh) = readRange(*beta);
  for (auto [name, place] :
       {std::pair("resets", &run.resets), std::pair("reset", &run.reset),
        std::pair("tolerance", &run.tolerance)})
    if (const Json *value = json.find(name))
      *place = value->getNumber();
  for (auto [name, place] :
       {std::pair("chained", &run.chained), std::pair("units", &run.units)})
    if (const Json *value = json.find(name))
      *place = value->getInteger();
  if (const Json *small = json.find("small"))
    run.small = small->getBool();
  if (const Json *same = json.find("same_keys"))
    run.sameKeys = same->getBool();
  return run;
}

static void readFiles(const Json *json, const std::string &folder,
                      std::map<std::string, std::string> &files) {
  if (json)
    for (const auto &[name, file] : json->getMembers())
      files[name] = folder + file.getText();
}

Case deltanet::gpu::readCase(const std::string &path) {
  Json json = Json::parse(readText(path), path);
  Case c;
  c.name = json.at("name").getText();
  c.family = json.at("family").getText();
  c.text = json.at("text").getText();
  c.tolerance = json.at("tolerance").getNumber();
  if (const Json *tolerances = json.find("tolerances"))
    for (const auto &[name, value] : tolerances->getMembers())
      c.tolerances[name] = value.getNumber();
  c.program = json.find("program") ? json.at("program").getText() : c.name;
  if (const Json *alone = json.find("alone"))
    c.alone = alone->getText();
  if (const Json *op = json.find("operator"))
    c.op = readOperator(*op);
  std::string folder = path.substr(0, path.rfind('/') + 1);
  readFiles(json.find("inputs"), folder, c.inputs);
  readFiles(json.find("expected"), folder, c.expected);
  for (const Json &run : json.at("runs").getList()) {
    c.runs.push_back(readRun(run));
    if (c.op)
      completeSizes(c.runs.back());
  }
  if (c.op ? !c.expected.empty() : c.expected.empty())
    throw std::runtime_error(
        "expects either an operator or expected results in " + path);
  return c;
}

Sizes deltanet::gpu::findSizes(
    const Program &program,
    const std::map<std::string, std::vector<int64_t>> &shapes) {
  Sizes sizes;
  for (const Argument &argument : program.getTensors()) {
    auto it = shapes.find(argument.name);
    if (it == shapes.end() || it->second.size() != argument.shape.size())
      continue; // the session says what is wrong
    for (size_t d = 0; d != it->second.size(); ++d) {
      const std::string &text = argument.shape[d];
      size_t end = text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "abcdefghijklmnopqrstuvwxyz_");
      std::string name = text.substr(0, end);
      if (name.empty() || sizes.count(name))
        continue;
      Sizes zero = {{name, 0}};
      bool sum =
          end == std::string::npos ||
          text.find_first_not_of("0123456789 +", end) == std::string::npos;
      if (sum)
        sizes[name] = it->second[d] - evaluate(text, zero);
    }
  }
  return sizes;
}

//===----------------------------------------------------------------------===//
// The command line
//===----------------------------------------------------------------------===//

using Settings = std::vector<std::pair<std::string, std::string>>;

static Settings split(const std::string &text) {
  Settings settings;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find(',', at), text.size()),
           equal = text.find('=', at);
    if (equal == std::string::npos || equal > end)
      throw std::runtime_error("expects NAME=VALUE, got '" +
                               text.substr(at, end - at) + "'");
    settings.emplace_back(text.substr(at, equal - at),
                          text.substr(equal + 1, end - equal - 1));
    at = end + 1;
  }
  return settings;
}

static double toNumber(const std::string &name, const std::string &value) {
  char *rest = nullptr;
  double number = std::strtod(value.c_str(), &rest);
  if (value.empty() || *rest != '\0')
    throw std::runtime_error("expects a number for '" + name + "', got '" +
                             value + "'");
  return number;
}

static std::vector<int64_t> toLengths(const std::string &value) {
  std::vector<int64_t> lengths;
  for (size_t at = 0; at <= value.size();) {
    size_t end = std::min(value.find(':', at), value.size());
    lengths.push_back(
        static_cast<int64_t>(toNumber("lengths", value.substr(at, end - at))));
    at = end + 1;
  }
  return lengths;
}

/// Words of the operator; false where `name` is none of them.
static bool setWord(Operator &op, Run &run, const std::string &name,
                    const std::string &value) {
  if (name == "keys" && value == "same")
    run.sameKeys = true;
  else if (name == "state" && (value == "vk" || value == "kv"))
    op.stateLayout = value == "vk" ? StateLayout::VK : StateLayout::KV;
  else if (name == "layout" && (value == "bthd" || value == "bhtd"))
    op.layout = value == "bhtd" ? Layout::BHTD : Layout::BTHD;
  else if (name == "read_out" && (value == "after" || value == "before"))
    op.readOut = value == "before" ? ReadOut::Before : ReadOut::After;
  else if (name == "lengths")
    run.lengths = toLengths(value);
  else
    return false;
  return true;
}

static void setNumber(Operator &op, Run &run, const std::string &name,
                      double number) {
  auto whole = static_cast<int64_t>(number);
  if (name == "B" || name == "T" || name == "H" || name == "G" || name == "P")
    run.sizes[name] = whole;
  else if (name == "seed")
    run.seed = static_cast<uint64_t>(number);
  else if (name == "decay")
    run.decayLow = -number;
  else if (name == "resets")
    run.resets = number;
  else if (name == "beta")
    run.betaLow = run.betaHigh = number;
  else if (name == "tol")
    run.tolerance = number;
  else if (name == "units")
    run.units = whole;
  else if (name == "chained")
    run.chained = whole;
  else if (name == "steps")
    op.steps = whole;
  else if (name == "scale")
    op.scale = number;
  else
    throw std::runtime_error(
        "expects B, T, H, G, P, lengths, seed, decay, resets, beta, keys, "
        "state, "
        "layout, read_out, steps, scale, chained, tol or units, got '" +
        name + "'");
}

static std::pair<Operator, Run> parseRun(const std::string &text) {
  std::pair<Operator, Run> parsed;
  auto &[op, run] = parsed;
  for (const auto &[name, value] : split(text))
    if (!setWord(op, run, name, value))
      setNumber(op, run, name, toNumber(name, value));
  try {
    completeSizes(run);
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(error.what() + (" in '" + text + "'"));
  }
  return parsed;
}

void deltanet::gpu::checkCaseText(const std::string &text) { parseRun(text); }

Case deltanet::gpu::parseCase(const std::string &text, const Program &program) {
  bool selective = program.find("x") && program.find("delta");
  for (const char *name : {"q", "k", "v", "o"})
    if (!selective && !program.find(name))
      throw std::runtime_error(
          std::string("expects a program with a tensor '") + name + "'");
  auto [op, run] = parseRun(text);
  op.selective = selective;
  op.dplr = !selective && program.find("a");
  op.pool = program.find("indices");
  op.K = program.find(selective ? "a" : "k")->getShape(run.sizes).back();
  op.V = program.find(selective ? "x" : "v")->getShape(run.sizes).back();
  Case c;
  c.text = text;
  c.op = op;
  c.runs = {run};
  return c;
}

std::string Run::describe() const {
  std::string text;
  for (const char *name : {"B", "T", "H", "G", "N"})
    if (auto it = sizes.find(name); it != sizes.end())
      if ((*name != 'G' || it->second != sizes.at("H")) &&
          (*name != 'N' || !lengths.empty()))
        text += (text.empty() ? "" : " ") + std::string(name) +
                std::to_string(it->second);
  return text;
}
