//===- Json.h - a reader of JSON --------------------------------*- C++ -*-===//
// What launch lines, manifests and descriptions of cases are written in. Every
// mistake is an exception that says what was expected, and where.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TOOLS_GPU_CHECK_JSON_H
#define DELTANET_TOOLS_GPU_CHECK_JSON_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace deltanet::gpu {

class Json {
public:
  enum class Kind { Null, Bool, Number, Text, List, Object };

  /// Parses all of `text`; `where` names it in messages. Throws
  /// std::runtime_error, as do the functions below.
  static Json parse(const std::string &text, const std::string &where);

  Kind getKind() const { return kind; }
  bool getBool() const;
  double getNumber() const;
  int64_t getInteger() const;
  const std::string &getText() const;
  /// A text, or the digits of a whole number.
  std::string getTextOrNumber() const;
  const std::vector<Json> &getList() const;
  const std::map<std::string, Json> &getMembers() const;

  /// The member `name` of an object; find() is null where it has none.
  const Json *find(const std::string &name) const;
  const Json &at(const std::string &name) const;

private:
  friend class JsonParser;
  [[noreturn]] void expect(const std::string &what) const;

  Kind kind = Kind::Null;
  bool flag = false;
  double number = 0;
  std::string text; // of a text, and the digits of a number
  std::vector<Json> list;
  std::map<std::string, Json> members;
  std::string where; // in which text, and where
};

} // namespace deltanet::gpu

#endif // DELTANET_TOOLS_GPU_CHECK_JSON_H
