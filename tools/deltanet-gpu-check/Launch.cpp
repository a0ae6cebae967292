//===- Launch.cpp - how kernels are launched ------------------------------===//
// See Launch.h.
//===----------------------------------------------------------------------===//
#include "Launch.h"
#include <stdexcept>

using namespace deltanet;
using namespace deltanet::gpu;
using support::NpyType;

std::vector<int64_t> Argument::getShape(const Sizes &sizes) const {
  std::vector<int64_t> extents;
  for (const std::string &text : shape) {
    extents.push_back(evaluate(text, sizes));
    if (extents.back() < 0)
      throw std::runtime_error("expects no extent below zero, got " +
                               std::to_string(extents.back()) + " for '" +
                               text + "' of '" + name + "'");
  }
  return extents;
}

int64_t Argument::getBytes(const Sizes &sizes) const {
  int64_t bytes = support::getSize(type);
  for (int64_t extent : getShape(sizes))
    if (__builtin_mul_overflow(bytes, extent, &bytes))
      throw std::runtime_error("expects a tensor that memory can hold, got '" +
                               name + "'");
  return bytes;
}

static NpyType readType(const Json &json) {
  for (NpyType type :
       {NpyType::BF16, NpyType::F16, NpyType::F32, NpyType::I32, NpyType::I64})
    if (json.getText() == support::getName(type))
      return type;
  throw std::runtime_error("expects a type of bf16, f16, f32, i32 or i64, got "
                           "'" +
                           json.getText() + "'");
}

static Argument::Role readRole(const std::string &role) {
  if (role == "input")
    return Argument::Role::Input;
  if (role == "size")
    return Argument::Role::Size;
  if (role == "output")
    return Argument::Role::Output;
  if (role == "workspace")
    return Argument::Role::Workspace;
  throw std::runtime_error(
      "expects a role of input, size, output or workspace, got '" + role + "'");
}

static MapShape readMap(const Json &json) {
  MapShape map;
  auto texts = [&](const char *name) {
    std::vector<std::string> list;
    for (const Json &entry : json.at(name).getList())
      list.push_back(entry.getTextOrNumber());
    return list;
  };
  map.extents = texts("extents");
  map.strides = texts("strides");
  map.box = texts("box");
  map.swizzle = json.at("swizzle").getInteger();
  if (map.extents.size() < 2 || map.extents.size() > 5 ||
      map.strides.size() + 1 != map.extents.size() ||
      map.box.size() != map.extents.size())
    throw std::runtime_error(
        "expects a map of 2 to 5 extents, a stride for each but the first and "
        "a box of as many, got " +
        std::to_string(map.extents.size()) + ", " +
        std::to_string(map.strides.size()) + " and " +
        std::to_string(map.box.size()));
  return map;
}

Argument deltanet::gpu::readArgument(const Json &json) {
  Argument argument;
  argument.name = json.at("name").getText();
  argument.role = readRole(json.at("role").getText());
  if (argument.role == Argument::Role::Size)
    return argument;
  argument.type = readType(json.at("type"));
  for (const Json &extent : json.at("shape").getList())
    argument.shape.push_back(extent.getTextOrNumber());
  if (const Json *map = json.find("map"))
    argument.map = readMap(*map);
  return argument;
}

/// The two sides of `low <= high`.
static std::pair<std::string, std::string>
splitCondition(const std::string &when) {
  size_t at = when.find("<=");
  if (at == std::string::npos || when.find("<=", at + 2) != std::string::npos)
    throw std::runtime_error("expects a condition 'low <= high', got '" + when +
                             "'");
  return {when.substr(0, at), when.substr(at + 2)};
}

bool deltanet::gpu::holds(const std::string &when, const Sizes &sizes) {
  auto [low, high] = splitCondition(when);
  return evaluate(low, sizes) <= evaluate(high, sizes);
}

std::string deltanet::gpu::chooseVariant(const std::vector<Launch> &launches,
                                         const Sizes &sizes) {
  for (const Launch &launch : launches)
    if (!launch.variant.empty() && holds(launch.when, sizes))
      return launch.variant;
  return {};
}

static Launch readLaunch(const std::string &line) {
  Json json = Json::parse(line, "the launch description");
  Launch launch;
  launch.kernel = json.at("kernel").getText();
  launch.target = json.at("target").getText();
  for (const Json &entry : json.at("grid").getList())
    launch.grid.push_back(entry.getTextOrNumber());
  launch.block = json.at("block").getInteger();
  launch.sharedBytes = json.at("shared").getInteger();
  if (const Json *cluster = json.find("cluster"))
    for (const Json &entry : cluster->getList())
      launch.cluster.push_back(entry.getInteger());
  if (!launch.cluster.empty() && launch.cluster.size() != 3)
    throw std::runtime_error("expects a cluster of three numbers, got " +
                             std::to_string(launch.cluster.size()) + " for '" +
                             launch.kernel + "'");
  for (const Json &entry : json.at("arguments").getList())
    launch.arguments.push_back(readArgument(entry));
  if (const Json *variant = json.find("variant")) {
    launch.variant = variant->getText();
    launch.when = json.at("when").getText();
    splitCondition(launch.when);
  }
  if (launch.grid.size() != 3)
    throw std::runtime_error("expects a grid of three numbers, got " +
                             std::to_string(launch.grid.size()) + " for '" +
                             launch.kernel + "'");
  return launch;
}

std::vector<Launch> deltanet::gpu::readLaunches(const std::string &ptx) {
  static const std::string kMark = "// deltanet.launch ";
  std::vector<Launch> launches;
  for (size_t at = ptx.find(kMark); at != std::string::npos;
       at = ptx.find(kMark, at)) {
    at += kMark.size();
    launches.push_back(readLaunch(ptx.substr(at, ptx.find('\n', at) - at)));
  }
  if (launches.empty())
    throw std::runtime_error("expects PTX with a line '" + kMark + "{...}'");
  return launches;
}
