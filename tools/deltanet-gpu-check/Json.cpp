//===- Json.cpp - a reader of JSON ----------------------------------------===//
// See Json.h.
//===----------------------------------------------------------------------===//
#include "Json.h"
#include <cerrno>
#include <cstdlib>
#include <stdexcept>

using namespace deltanet::gpu;

namespace deltanet::gpu {
class JsonParser {
public:
  JsonParser(const std::string &text, const std::string &where)
      : text(text), where(where) {}

  Json parseAll() {
    Json value = parse(0);
    if (peek() != '\0' || at < text.size())
      fail("nothing after the value");
    return value;
  }

private:
  /// Deeper than any description is; a file of brackets must not use up the
  /// stack.
  static constexpr int kMaximumDepth = 64;

  Json parse(int depth) {
    if (depth > kMaximumDepth)
      fail("at most " + std::to_string(kMaximumDepth) + " levels");
    Json value;
    char c = peek();
    value.where = where + " at " + std::to_string(at);
    if (c == '{') {
      value.kind = Json::Kind::Object;
      readSequence('}', [&] {
        std::string name = readText();
        expect(':');
        if (!value.members.emplace(name, parse(depth + 1)).second)
          fail("one member '" + name + "'");
      });
    } else if (c == '[') {
      value.kind = Json::Kind::List;
      readSequence(']', [&] { value.list.push_back(parse(depth + 1)); });
    } else if (c == '"') {
      value.kind = Json::Kind::Text;
      value.text = readText();
    } else if (c == 't' || c == 'f' || c == 'n') {
      readWord(value);
    } else {
      readNumber(value);
    }
    return value;
  }

  template <typename Body> void readSequence(char end, Body body) {
    ++at;
    if (peek() == end) {
      ++at;
      return;
    }
    for (;;) {
      body();
      char c = peek();
      if (c != end && c != ',')
        fail(std::string("',' or '") + end + "'");
      ++at;
      if (c == end)
        return;
    }
  }

  void readWord(Json &value) {
    for (const char *word : {"true", "false", "null"})
      if (text.compare(at, std::string(word).size(), word) == 0) {
        at += std::string(word).size();
        value.kind = *word == 'n' ? Json::Kind::Null : Json::Kind::Bool;
        value.flag = *word == 't';
        return;
      }
    fail("a value");
  }

  void readNumber(Json &value) {
    size_t begin = at;
    while (at < text.size() &&
           (isdigit(static_cast<unsigned char>(text[at])) || text[at] == '-' ||
            text[at] == '+' || text[at] == '.' || text[at] == 'e' ||
            text[at] == 'E'))
      ++at;
    value.kind = Json::Kind::Number;
    value.text = text.substr(begin, at - begin);
    char *rest = nullptr;
    value.number = std::strtod(value.text.c_str(), &rest);
    if (value.text.empty() || *rest != '\0') {
      at = begin;
      fail("a value");
    }
  }

  std::string readText() {
    expect('"');
    std::string value;
    for (; at < text.size() && text[at] != '"'; ++at)
      value += text[at] == '\\' ? readEscape() : std::string(1, text[at]);
    if (at == text.size())
      fail("the end of a text");
    ++at;
    return value;
  }

  /// The character after a backslash, as UTF-8; the place stays on its last.
  std::string readEscape() {
    static const std::string kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
    char c = ++at < text.size() ? text[at] : '\0';
    size_t simple = c ? kFrom.find(c) : std::string::npos;
    if (simple != std::string::npos)
      return std::string(1, kTo[simple]);
    unsigned long code = 0;
    std::string digits = text.substr(std::min(at + 1, text.size()), 4);
    char *rest = nullptr;
    code = std::strtoul(digits.c_str(), &rest, 16);
    if (c != 'u' || digits.size() != 4 || *rest != '\0')
      fail("an escape");
    at += 4;
    auto byte = [](unsigned long bits) {
      return std::string(1, static_cast<char>(bits));
    };
    if (code < 0x80)
      return byte(code);
    if (code < 0x800)
      return byte(0xc0 | code >> 6) + byte(0x80 | (code & 0x3f));
    return byte(0xe0 | code >> 12) + byte(0x80 | (code >> 6 & 0x3f)) +
           byte(0x80 | (code & 0x3f));
  }

  char peek() {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\n' ||
                                text[at] == '\t' || text[at] == '\r'))
      ++at;
    return at < text.size() ? text[at] : '\0';
  }
  void expect(char c) {
    if (peek() != c)
      fail(std::string("'") + c + "'");
    ++at;
  }
  [[noreturn]] void fail(const std::string &what) {
    std::string got =
        at < text.size() ? "'" + text.substr(at, 8) + "'" : "the end";
    throw std::runtime_error("expects " + what + ", got " + got + " at " +
                             std::to_string(at) + " of " + where);
  }

  const std::string &text;
  const std::string &where;
  size_t at = 0;
};
} // namespace deltanet::gpu

Json Json::parse(const std::string &text, const std::string &where) {
  return JsonParser(text, where).parseAll();
}

void Json::expect(const std::string &what) const {
  static const char *const kNames[] = {"null",   "true or false", "a number",
                                       "a text", "a list",        "an object"};
  throw std::runtime_error("expects " + what + ", got " +
                           kNames[static_cast<int>(kind)] + " in " + where);
}

bool Json::getBool() const {
  if (kind != Kind::Bool)
    expect("true or false");
  return flag;
}

double Json::getNumber() const {
  if (kind != Kind::Number)
    expect("a number");
  return number;
}

int64_t Json::getInteger() const {
  char *rest = nullptr;
  errno = 0;
  int64_t value =
      kind == Kind::Number ? std::strtoll(text.c_str(), &rest, 10) : 0;
  if (kind != Kind::Number || *rest != '\0' || errno)
    expect("a whole number");
  return value;
}

const std::string &Json::getText() const {
  if (kind != Kind::Text)
    expect("a text");
  return text;
}

std::string Json::getTextOrNumber() const {
  return kind == Kind::Number ? std::to_string(getInteger()) : getText();
}

const std::vector<Json> &Json::getList() const {
  if (kind != Kind::List)
    expect("a list");
  return list;
}

const std::map<std::string, Json> &Json::getMembers() const {
  if (kind != Kind::Object)
    expect("an object");
  return members;
}

const Json *Json::find(const std::string &name) const {
  auto it = getMembers().find(name);
  return it == members.end() ? nullptr : &it->second;
}

const Json &Json::at(const std::string &name) const {
  const Json *member = find(name);
  if (!member)
    expect("a member '" + name + "'");
  return *member;
}
