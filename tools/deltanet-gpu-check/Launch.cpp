//===- Launch.cpp - how a kernel is launched ------------------------------===//
// A reader of JSON, as much of it as one line needs, and what the line says.
//===----------------------------------------------------------------------===//
#include "Launch.h"
#include <stdexcept>

using namespace deltanet;
using namespace deltanet::gpu;

namespace {
struct Json {
  std::string text; // of a string or a number
  std::vector<Json> list;
  std::map<std::string, Json> members;

  const Json &at(const std::string &name) const {
    auto it = members.find(name);
    if (it == members.end())
      throw std::runtime_error("expects '" + name +
                               "' in the launch description");
    return it->second;
  }
};

/// Strings without escapes, whole numbers, lists and objects.
class Parser {
public:
  explicit Parser(const std::string &text) : text(text) {}
  Json parse() {
    Json value;
    char c = peek();
    if (c == '{') {
      readSequence('}', [&] {
        std::string name = readString();
        expect(':');
        value.members[name] = parse();
      });
    } else if (c == '[') {
      readSequence(']', [&] { value.list.push_back(parse()); });
    } else if (c == '"') {
      value.text = readString();
    } else {
      while (at < text.size() && (isdigit(text[at]) || text[at] == '-'))
        value.text += text[at++];
      if (value.text.empty())
        fail("a value");
    }
    return value;
  }

private:
  template <typename Body> void readSequence(char end, Body body) {
    ++at;
    if (peek() == end) {
      ++at;
      return;
    }
    for (;;) {
      body();
      char c = peek();
      ++at;
      if (c == end)
        return;
      if (c != ',')
        fail("',' or an end");
    }
  }
  std::string readString() {
    expect('"');
    size_t end = text.find('"', at);
    if (end == std::string::npos)
      fail("the end of a string");
    std::string value = text.substr(at, end - at);
    at = end + 1;
    return value;
  }
  char peek() {
    while (at < text.size() && text[at] == ' ')
      ++at;
    return at < text.size() ? text[at] : '\0';
  }
  void expect(char c) {
    if (peek() != c)
      fail(std::string("'") + c + "'");
    ++at;
  }
  [[noreturn]] void fail(const std::string &what) {
    throw std::runtime_error("expects " + what +
                             " in the launch description at column " +
                             std::to_string(at));
  }
  const std::string &text;
  size_t at = 0;
};

std::vector<std::string> texts(const Json &list) {
  std::vector<std::string> values;
  for (const Json &entry : list.list)
    values.push_back(entry.text);
  return values;
}

support::FloatFormat readFormat(const std::string &name) {
  if (name == "bf16")
    return support::FloatFormat::BF16;
  if (name == "f16")
    return support::FloatFormat::F16;
  if (name == "f32")
    return support::FloatFormat::F32;
  throw std::runtime_error("expects tensors of bf16, f16 or f32, got '" + name +
                           "'");
}
} // namespace

int64_t deltanet::gpu::evaluate(const std::string &text, const Sizes &sizes) {
  if (!text.empty() && isdigit(text[0]))
    return std::stoll(text);
  auto it = sizes.find(text);
  if (it == sizes.end())
    throw std::runtime_error("expects a size for '" + text + "'");
  return it->second;
}

int64_t deltanet::gpu::getElementBytes(support::FloatFormat format) {
  return format == support::FloatFormat::F32 ? 4 : 2;
}

std::vector<int64_t> Argument::getShape(const Sizes &sizes) const {
  std::vector<int64_t> extents;
  for (const std::string &text : shape)
    extents.push_back(evaluate(text, sizes));
  return extents;
}

int64_t Argument::getCount(const Sizes &sizes) const {
  int64_t count = 1;
  for (int64_t extent : getShape(sizes))
    count *= extent;
  return count;
}

const Argument *Launch::find(const std::string &name) const {
  for (const Argument &argument : arguments)
    if (argument.name == name)
      return &argument;
  return nullptr;
}

Launch deltanet::gpu::readLaunch(const std::string &ptx) {
  static const std::string kMark = "// deltanet.launch ";
  size_t begin = ptx.find(kMark);
  if (begin == std::string::npos)
    throw std::runtime_error("expects PTX with a line '" + kMark + "{...}'");
  begin += kMark.size();
  std::string line = ptx.substr(begin, ptx.find('\n', begin) - begin);
  Json json = Parser(line).parse();
  Launch launch;
  launch.kernel = json.at("kernel").text;
  launch.target = json.at("target").text;
  launch.grid = texts(json.at("grid"));
  launch.block = std::stoll(json.at("block").text);
  launch.sharedBytes = std::stoll(json.at("shared").text);
  for (const Json &entry : json.at("arguments").list) {
    Argument argument;
    argument.name = entry.at("name").text;
    const std::string &role = entry.at("role").text;
    argument.role = role == "input"  ? Argument::Role::Input
                    : role == "size" ? Argument::Role::Size
                                     : Argument::Role::Output;
    if (argument.role != Argument::Role::Size) {
      argument.format = readFormat(entry.at("type").text);
      argument.shape = texts(entry.at("shape"));
    }
    launch.arguments.push_back(argument);
  }
  if (launch.grid.size() != 3)
    throw std::runtime_error("expects a grid of three numbers");
  return launch;
}
